"""The commands of `msd` for work by hand, with their options; their texts are the help."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from msd_engine.cli.fields import NOT_GIVEN, field_flags
from msd_engine.cli.shared_options import DataDir, Device, Json, Model, Run, Threads

_FIELDS = tyro.conf.arg(name="")

# Work by hand: the fields of the picture and its copies are flags too.
DenoiseFields: Any = field_flags("denoise", by_hand=True)
HandFields: Any = field_flags("sampling", by_hand=True)


@dataclass(frozen=True)
class _ByHand:
    """What all commands for work by hand are given."""

    run: Run = None
    preset: Annotated[str, tyro.conf.arg(metavar="NAME", help_behavior_hint="")] = NOT_GIVEN
    """Instead of a run: a preset, or a file that carries a spec; with a pretrained model or the exact score."""
    model: Model = NOT_GIVEN
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE.npz", help_behavior_hint="(required)")] = None
    """File of the numbers, with the spec."""
    grid: Annotated[Path | None, tyro.conf.arg(metavar="FILE.png", help_behavior_hint="")] = None
    """Also a picture of them."""
    data_dir: DataDir = None
    device: Device = "auto"
    threads: Threads = NOT_GIVEN
    json: Json = False


_Picture = Annotated[str, tyro.conf.arg(metavar="FILE", help_behavior_hint="(else the held-out image --index)")]


@dataclass(frozen=True)
class Denoise(_ByHand):
    """Denoise one picture from k noisy copies, by a trained run, a pretrained model or the exact posterior mean."""

    picture: _Picture = NOT_GIVEN
    """A picture of your own: it is cut and brought to the size of the data."""
    fields: Annotated[DenoiseFields, _FIELDS] = field(default_factory=DenoiseFields)


@dataclass(frozen=True)
class Inpaint(_ByHand):
    """Paint the masked part of a picture anew, once for each chain, and keep the rest."""

    picture: _Picture = NOT_GIVEN
    """A picture of your own: it is cut and brought to the size of the data."""
    mask: Annotated[str, tyro.conf.arg(metavar="FILE", help_behavior_hint="(else that of the preset)")] = NOT_GIVEN
    """A picture as large as the other: light where it is to be painted anew, dark or transparent where it is kept."""
    n: Annotated[str, tyro.conf.arg(metavar="N", help_behavior_hint="")] = NOT_GIVEN
    """Number of paintings; else as many as the spec has chains."""
    fields: Annotated[HandFields, _FIELDS] = field(default_factory=HandFields)


@dataclass(frozen=True)
class Interpolate(_ByHand):
    """Draw a row of samples that leads from one seed, --seed, to another, --second_seed."""

    n: Annotated[str, tyro.conf.arg(metavar="N", help_behavior_hint="(else 12)")] = NOT_GIVEN
    """Number of samples in the row."""
    fields: Annotated[HandFields, _FIELDS] = field(default_factory=HandFields)


ByHand = Denoise | Inpaint | Interpolate
