"""The `msd` line that makes the same thing as the window."""

from __future__ import annotations

import shlex

from msd_engine.specs import ExperimentSpec, declarations, load_preset, preset_names
from msd_engine.specs.denoise import to_word

# Beginnings of the paths of the fields that a command reads.
_ALL = ("data.", "noise.", "network.", "training.", "sampling.")
_CHAINS = ("data.", "noise.", "training.k", "sampling.")
_READ = {
    "denoise": (
        "data.",
        "training.k",
        "sampling.source",
        *(f"denoise.{name}" for name in ("sigma", "seed", "index", "change", "copy_index", "other")),
    ),
    "inpaint": (*_CHAINS, "denoise.index", "denoise.painting"),
    "interpolate": (*_CHAINS, "denoise.second_seed"),
}


def differences(spec: ExperimentSpec, base: ExperimentSpec) -> dict[str, object]:
    """Return the fields in which a spec differs from another of the same kind, by dotted path."""
    return {
        field.path: spec.get(field.path) for field in declarations(spec) if spec.get(field.path) != base.get(field.path)
    }


def nearest_preset(spec: ExperimentSpec) -> str:
    """Return the name of the preset from which a spec differs in the fewest fields.

    Args:
        spec: Any spec that was made from a preset or could have been.

    Returns:
        The name; the first in the alphabet among equals.
    """
    kinds = (type(spec.data), type(spec.network))
    bases = {name: load_preset(name) for name in preset_names()}
    fitting = {n: base for n, base in bases.items() if (type(base.data), type(base.network)) == kinds}
    return min(fitting, key=lambda name: len(differences(spec, fitting[name])))


def command(
    spec: ExperimentSpec,
    verb: str,
    *,
    run: str = "",
    trained: ExperimentSpec | None = None,
    out: str = "samples.npz",
) -> str:
    """Return the command line that does the same as the window.

    Args:
        spec: The experiment.
        verb: ``train`` or ``sample``, or ``denoise``, ``inpaint`` or ``interpolate`` for work by hand.
        run: The run folder that is written or sampled from; empty for an exact denoiser.
        trained: What that run was trained with, where it is known: the line then names only what differs.
        out: The sample file that is written.

    Returns:
        One line for a POSIX shell.
    """
    name = nearest_preset(spec)
    words = ["msd", verb]
    if run and verb != "train":
        words.append(run)
        paths = [field.path for field in declarations(spec)]
        changed = {path: spec.get(path) for path in paths if path.startswith(("sampling.", "denoise."))}
        if trained is not None:
            # What is drawn from a run follows its network, unless it is told otherwise.
            known = {path: trained.get(path) for path in paths} | {"sampling.source": "trained"}
            changed = {path: value for path, value in changed.items() if value != known[path]}
    else:
        words += ["--preset", name]
        changed = differences(spec, load_preset(name))
    read = _READ.get(verb, _ALL)
    changed = {path: value for path, value in changed.items() if path.startswith(read)}
    if verb == "train":
        words += ["--out", run or "run"]
    else:
        chains = changed.pop("sampling.chains", spec.sampling.chains)
        words += ["--n", str(chains)] if verb != "denoise" else []
        words += ["--out", out] + (["--grid", f"{out.removesuffix('.npz')}.png"] if verb in _READ else [])
    denoise = spec.denoise
    if verb in ("denoise", "inpaint") and denoise.picture:
        words += ["--picture", to_word(denoise.picture)]
        changed.pop("denoise.index", None)
    if verb == "inpaint" and denoise.mask:
        words += ["--mask", to_word(denoise.mask)]
    for path, value in changed.items():
        words += [f"--{path}", str(value)]
    return shlex.join(words)
