"""Options of the commands for chains in the plane."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from msd_engine.cli.fields import NOT_GIVEN, field_flags
from msd_engine.cli.flags import Device, Json, Preset, RunFolder, SampleFields, Threads
from msd_engine.specs.tables.papers import FigureName


@dataclass(frozen=True)
class Twins:
    """Walk chains of k copies beside their one-sample twins, and split the copies into their mean and residuals."""

    run: RunFolder = None
    preset: Preset = NOT_GIVEN
    threads: Threads = NOT_GIVEN
    json: Json = False
    fields: Annotated[SampleFields, tyro.conf.arg(name="")] = field(default_factory=SampleFields)


@dataclass(frozen=True)
class Errors:
    """Measure the error of a denoiser in the plane by k and σ_eff, beside the least possible one."""

    run: RunFolder = None
    preset: Preset = NOT_GIVEN
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """Write the errors as CSV, or as a chart, SVG, PNG or PDF, by the suffix."""
    threads: Threads = NOT_GIVEN
    json: Json = False
    fields: Annotated[SampleFields, tyro.conf.arg(name="")] = field(default_factory=SampleFields)


@dataclass(frozen=True)
class Figure:
    """Compute a figure of the papers by name, and write it as SVG, PDF or PNG."""

    name: tyro.conf.Positional[FigureName]
    """The figure; the preset of the same name has its settings."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE.svg", help_behavior_hint="(required)")] = None
    """The file to write."""
    run: Annotated[Path | None, tyro.conf.arg(metavar="RUN", help_behavior_hint="(default: the exact score)")] = None
    """A trained run on the same target, for the annealed chains of poster-figure-3."""
    threads: Threads = NOT_GIVEN
    json: Json = False


@dataclass(frozen=True)
class ShootOut:
    """Compare samplers in the plane with the same numbers of evaluations of the denoiser."""

    spec: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="SPEC")]
    """Name of a preset of points, compared with 500 chains; or a file that carries a spec, compared as it says."""
    samplers: Annotated[tuple[str, ...], tyro.conf.arg(metavar="A B", help_behavior_hint="(default: the usual)")] = ()
    """Samplers, such as langevin ode; with own fields, such as langevin:r=0.3:conditioning=scheduled."""
    evaluations: Annotated[
        tuple[str, ...], tyro.conf.arg(metavar="N M", help_behavior_hint="(default: 30 100 300)")
    ] = ()
    """Budgets: most evaluations of the denoiser for one chain, rising."""
    seeds: Annotated[str, tyro.conf.arg(metavar="N|0,1,2", help_behavior_hint="(default: 5)")] = NOT_GIVEN
    """Number of seeds, from 0 on, or a list of seeds; the intervals are over them."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")] = None
    """Write the table as shoot-out.csv and shoot-out.md and the charts as shoot-out.svg into this folder."""
    run: Annotated[Path | None, tyro.conf.arg(metavar="RUN", help_behavior_hint="(default: the exact score)")] = None
    """A trained run on the same target, whose network is then the denoiser."""
    device: Device = "auto"
    threads: Threads = NOT_GIVEN
    json: Json = False
    fields: Annotated[SampleFields, tyro.conf.arg(name="")] = field(default_factory=SampleFields)


ScoreFields: Any = field_flags("training")


@dataclass(frozen=True)
class Scores:
    """Train objectives side by side on points or a mixture, and compare their scores with the exact one."""

    preset: Annotated[str, tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: two-gaussians)")] = NOT_GIVEN
    """Name of a preset of points, trained with a small network; or a file that carries a spec, trained as it says."""
    objectives: Annotated[str, tyro.conf.arg(metavar="A,B", help_behavior_hint="(default: the usual)")] = NOT_GIVEN
    """Objectives: mse, mse-plain, ncsn, denoising, explicit, implicit, sliced-gaussian, sliced-rademacher,
    sliced-sphere, sliced-vr; and mse by the fusion of the copies: mse-concat, mse-mean, mse-set. Usual are mse, ncsn,
    denoising, explicit, implicit, sliced-gaussian and sliced-vr."""
    seeds: Annotated[str, tyro.conf.arg(metavar="0,1,2", help_behavior_hint="(default: 0,1,2)")] = NOT_GIVEN
    """Training seeds; the intervals are over them."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """Write the table as CSV, or table and settings as JSON, by the suffix."""
    device: Device = "auto"
    threads: Threads = NOT_GIVEN
    json: Json = False
    fields: Annotated[ScoreFields, tyro.conf.arg(name="")] = field(default_factory=ScoreFields)
