"""Presets (experiments as JSON), pretrained models with cards and a finished comparison, as they ship with the program.

A model's folder holds ``manifest.json`` and ``weights.safetensors`` like a run folder, so that it can be sampled like a
run; the weights are in half precision. ``card.json`` describes the model.
"""

from __future__ import annotations

import json
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

EXAMPLE = "digits-k"
"""Name of the folder of the example comparison."""


@cache
def preset_names() -> tuple[str, ...]:
    """Return the names of the presets that ship with the program, sorted."""
    folder = files("msd_resources") / "presets"
    return tuple(sorted(entry.name.removesuffix(".json") for entry in folder.iterdir() if entry.name.endswith(".json")))


@cache
def load_preset(name: str) -> ExperimentSpec:
    """Read a preset, one of `preset_names`.

    Raises:
        SpecError: The preset does not exist.
    """
    names = preset_names()
    if name not in names:
        raise SpecError("preset", f"There is no preset called {name!r}; there are {', '.join(names)}.")
    return ExperimentSpec.from_json((files("msd_resources") / "presets" / f"{name}.json").read_bytes())


class CardFigure(Spec):
    """One measured figure of a model.

    Attributes:
        title: Name of the figure.
        value: The figure for the model's samples.
        low: Lower end of its 95 % interval, None if unknown.
        high: Upper end.
        real: The same figure for real training images, None if undefined.
        real_spread: Its standard deviation between sets of as many real images, None for a single set.
    """

    title: str
    value: float
    low: float | None = None
    high: float | None = None
    real: float | None = None
    real_spread: float | None = None


class ModelCard(Spec):
    """Description of a pretrained model.

    Attributes:
        format: Name and version of the layout of a model's folder.
        name: Name of the folder.
        title: Display title.
        data: Training data.
        data_licence: Licence of the data.
        data_source: Authors of the data.
        licence: Licence of the weights.
        use: Intended use and limits.
        parameters: Number of weights.
        steps: Training steps.
        seconds: Seconds of training.
        device: Device of the training.
        created: Time of the training, in ISO 8601, UTC.
        command: Command that makes the model again.
        features: Features behind the figures.
        samples: Number of measured samples.
        evaluations: Network evaluations for one sample.
        figures: The figures.
        spec: The experiment, with the measured sampling.
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
    return _shipped("models")


def example_folder() -> Path:
    """Return the folder of a finished comparison to look at: plan, settings, errors and results, without weights."""
    return _shipped("examples") / EXAMPLE


def _shipped(name: str) -> Path:
    return Path(os.fspath(files("msd_resources") / name))  # type: ignore[call-overload]


@cache
def model_names() -> tuple[str, ...]:
    """Return the names of the models that ship with the program, sorted."""
    folder = models_folder()
    return tuple(sorted(entry.parent.name for entry in folder.glob(f"*/{CARD}"))) if folder.is_dir() else ()


def model_folder(name: str) -> Path:
    """Return the folder of a model, one of `model_names`; it can be sampled from like a run.

    Raises:
        SpecError: The model does not exist.
    """
    names = model_names()
    if name not in names:
        raise SpecError("model", f"There is no pretrained model called {name!r}; there are {', '.join(names)}.")
    return models_folder() / name


@cache
def load_card(name: str) -> ModelCard:
    """Read the card of a model, one of `model_names`.

    Raises:
        SpecError: The model does not exist, or its card is damaged.
    """
    return ModelCard.from_json((model_folder(name) / CARD).read_bytes())


def pretrained_for(spec: ExperimentSpec) -> ModelCard | None:
    """Return the card of a model with the data and the k of an experiment, or None; its network may differ."""
    cards = (load_card(name) for name in model_names())
    return next((card for card in cards if not misfits(card.spec, spec)), None)


class DrawnBy(Spec):
    """The weights of a network that drew some chains, as a note beside the spec in a file.

    Attributes:
        run: Name of the run folder, or of the model.
        step: Training steps of the weights.
        sha256: SHA-256 of the weights (`backend.tensors.weights_digest`).
    """

    run: str = Field(max_length=300)
    step: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


def with_weights(spec_json: str, weights: DrawnBy | None) -> str:
    """Add the weights that drew the chains to a spec as JSON; None leaves it unchanged."""
    if weights is None:
        return spec_json
    return json.dumps(json.loads(spec_json) | {"weights": weights.model_dump()}, ensure_ascii=False)


def weights_of(text: str | bytes) -> DrawnBy | None:
    """Return the weights that a spec names.

    Args:
        text: JSON that `ExperimentSpec.from_json` accepts.

    Returns:
        The weights; None for the exact score, and in files from before weights were named.

    Raises:
        SpecError: The note on the weights is damaged.
    """
    noted = json.loads(text).get("weights")
    return None if noted is None else DrawnBy.from_json(json.dumps(noted))
