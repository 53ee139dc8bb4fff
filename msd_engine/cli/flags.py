"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import tyro

from msd_engine.cli.fields import field_flags

Flag = tyro.conf.FlagCreatePairsOff[bool]

RunFolder = Annotated[
    tyro.conf.Positional[Path | None],
    tyro.conf.arg(metavar="[RUN]", help_behavior_hint="", help="A trained run folder."),
]
Preset = Annotated[
    str,
    tyro.conf.arg(
        metavar="NAME",
        help_behavior_hint="",
        help="Instead of a run: a preset, or a file that carries a spec, with a pretrained model or the exact score.",
    ),
]
Model = Annotated[
    str,
    tyro.conf.arg(
        metavar="NAME",
        help_behavior_hint="",
        help="Instead of a run: a pretrained model shipped with the program, such as digits.",
    ),
]
DataDir = Annotated[
    Path | None,
    tyro.conf.arg(
        name="data-dir",
        metavar="DIR",
        help_behavior_hint="",
        help="Folder of the image sets (default: MSD_DATA_DIR, else the user's data folder).",
    ),
]
Device = Annotated[str, tyro.conf.arg(metavar="NAME", help="Where to compute: auto, cpu, cuda or mps.")]
Threads = Annotated[
    str,
    tyro.conf.arg(
        metavar="N",
        help_behavior_hint="",
        help="Fixed number of CPU threads (default: MSD_THREADS, else the fastest number).",
    ),
]
Json = Annotated[
    Flag, tyro.conf.arg(help_behavior_hint="", help="Print one line of JSON on standard output at the end.")
]

BUDGET: Final = ("steps", "seconds")
"""Bare names of flags for a budget of training, which are not those of fields."""

SampleFields: Any = field_flags("sampling", reserved=BUDGET)
