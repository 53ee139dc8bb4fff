"""What ships with the program: presets, which are experiments as JSON, and pretrained models, each with a card.

A model's folder holds ``manifest.json`` and ``weights.safetensors``, as the folder of any run does, so that whatever
samples from a run samples from a model; its numbers are kept in half precision. ``card.json`` is for people.
"""

from __future__ import annotations

import os
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import Field

from msd_engine.specs.base import Spec, SpecError
from msd_engine.specs.experiment import ExperimentSpec, misfits

CARD = "card.json"
"""Name of the card in a model's folder."""


@cache
def preset_names() -> tuple[str, ...]:
    """Return the names of the presets that ship with the program, sorted."""
    folder = files("msd_resources") / "presets"
    return tuple(sorted(entry.name.removesuffix(".json") for entry in folder.iterdir() if entry.name.endswith(".json")))


@cache
def load_preset(name: str) -> ExperimentSpec:
    """Read one preset.

    Args:
        name: Its name, one of `preset_names`.

    Returns:
        The experiment.

    Raises:
        SpecError: There is no preset of that name.
    """
    names = preset_names()
    if name not in names:
        raise SpecError("preset", f"There is no preset called {name!r}; there are {', '.join(names)}.")
    return ExperimentSpec.from_json((files("msd_resources") / "presets" / f"{name}.json").read_bytes())


class CardFigure(Spec):
    """One measured figure of a model.

    Attributes:
        title: What was measured.
        value: The figure for the model's samples.
        low: Lower end of its 95 % interval, None where none is known.
        high: Upper end.
        real: The same figure for real training images, None where it makes no sense.
        real_spread: Its standard deviation between sets of as many of them, None where one set was seen.
    """

    title: str
    value: float
    low: float | None = None
    high: float | None = None
    real: float | None = None
    real_spread: float | None = None


class ModelCard(Spec):
    """What is to be known about a pretrained model.

    Attributes:
        format: Name and number of the layout of a model's folder.
        name: The folder's name.
        title: One line for people.
        data: What it was trained on.
        data_licence: Under which terms the data are given.
        data_source: Whose data they are.
        licence: Under which terms the weights are given.
        use: What it is good for, and what not.
        parameters: Number of weights.
        steps: Training steps.
        seconds: Seconds of training.
        device: Where it was trained.
        created: When, in ISO 8601, UTC.
        command: The command that makes it again.
        features: What the figures are measured by.
        samples: Number of samples that were measured.
        evaluations: Network evaluations for one of them.
        figures: The figures.
        spec: The experiment, with the sampling that was measured.
    """

    format: Literal["msd-model-1"] = "msd-model-1"
    name: str
    title: str
    data: str
    data_licence: str
    data_source: str
    licence: str
    use: str
    parameters: int = Field(ge=0)
    steps: int = Field(ge=0)
    seconds: float = Field(ge=0.0)
    device: str
    created: str
    command: str
    features: str
    samples: int = Field(ge=0)
    evaluations: int = Field(ge=0)
    figures: tuple[CardFigure, ...]
    spec: ExperimentSpec


def models_folder() -> Path:
    """Return the folder of the models that ship with the program."""
    return Path(os.fspath(files("msd_resources") / "models"))  # type: ignore[call-overload]


@cache
def model_names() -> tuple[str, ...]:
    """Return the names of the models that ship with the program, sorted."""
    folder = models_folder()
    return tuple(sorted(entry.parent.name for entry in folder.glob(f"*/{CARD}"))) if folder.is_dir() else ()


def model_folder(name: str) -> Path:
    """Return the folder of a model, which can be sampled from as from a run.

    Args:
        name: Its name, one of `model_names`.

    Returns:
        The folder.

    Raises:
        SpecError: There is no model of that name.
    """
    names = model_names()
    if name not in names:
        raise SpecError("model", f"There is no pretrained model called {name!r}; there are {', '.join(names)}.")
    return models_folder() / name


@cache
def load_card(name: str) -> ModelCard:
    """Read the card of a model.

    Args:
        name: Its name, one of `model_names`.

    Returns:
        The card.

    Raises:
        SpecError: There is no model of that name, or its card is damaged.
    """
    return ModelCard.from_json((model_folder(name) / CARD).read_bytes())


def pretrained_for(spec: ExperimentSpec) -> ModelCard | None:
    """Find the model that can sample what an experiment asks for.

    Args:
        spec: The experiment.

    Returns:
        The card of a model of the same data and the same number of copies, or None. Its network may be another one.
    """
    cards = (load_card(name) for name in model_names())
    return next((card for card in cards if not misfits(card.spec, spec)), None)
