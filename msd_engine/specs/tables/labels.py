"""What the choices of a field are called on the screen."""

from __future__ import annotations

from msd_engine.specs.tables.forms import FORMS
from msd_engine.specs.tables.samplers import TRAITS

# Names that capitals and spaces alone do not make readable.
LABELS = {
    "ncsn-toy": "NCSN toy",
    "digits": "Digits 8×8",
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "cifar-10": "CIFAR-10",
    "ring-8": "Ring of 8",
    "grid-25": "Grid of 25",
    "two-gaussians": "Two Gaussians",
    "log-normal": "Log-normal",
    "uniform-t": "Uniform t",
    "auto": "Automatic",
    "float32": "float32",
    "bfloat16": "bfloat16",
    "fixed": "Fixed noise",
    "report": "Report (time)",
    "karras": "Karras ρ",
    "as-trained": "As trained",
    "settle": "Settling chains",
    "same": "The sampler itself",
}
LABELS.update((word, row.title) for word, row in TRAITS.items())
LABELS.update((word, row.title) for word, row in FORMS.items())


def choice_label(value: str) -> str:
    """Return the words that stand for a choice on the screen.

    Args:
        value: As it stands in the spec, such as ``fashion-mnist``.

    Returns:
        Such as ``Fashion-MNIST``.
    """
    return LABELS.get(value, value.replace("-", " ").capitalize())
