"""Options of the commands for chains in the plane."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import tyro

from msd_engine.cli.arguments import FIELDS, Json, RunFolder, SampleFields, Threads
from msd_engine.cli.fields import NOT_GIVEN


@dataclass(frozen=True)
class Twins:
    """Walk chains of k copies beside their one-sample twins, and split the copies into their mean and residuals."""

    run: RunFolder = None
    preset: Annotated[str, tyro.conf.arg(metavar="NAME", help_behavior_hint="")] = NOT_GIVEN
    """Instead of a run: a preset, or a file that carries a spec."""
    threads: Threads = NOT_GIVEN
    json: Json = False
    fields: Annotated[SampleFields, FIELDS] = field(default_factory=SampleFields)
