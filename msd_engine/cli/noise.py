"""Options of the commands on noise and likelihoods."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from msd_engine.cli.fields import NOT_GIVEN, field_flag
from msd_engine.cli.flags import DataDir, Device, Json, Model, Preset, RunFolder, SampleFields, Threads
from msd_engine.specs.data import ImageSetName
from msd_engine.specs.tables.noise import Covariance

Gamma: Any = field_flag("noise.gamma")
Blur: Any = field_flag("noise.blur")
Elongation: Any = field_flag("noise.elongation")
Angle: Any = field_flag("noise.angle")


@dataclass(frozen=True)
class Noise:
    """Draw noise of one copy with σ = 1, and write the draws and a picture of them."""

    covariance: Annotated[Covariance, tyro.conf.arg(help_behavior_hint="(default: isotropic)")] = "isotropic"
    """Covariance of the noise; data: the average spectrum of the images of --data; ellipse: in the plane."""
    gamma: Gamma = NOT_GIVEN
    blur: Blur = NOT_GIVEN
    elongation: Elongation = NOT_GIVEN
    angle: Angle = NOT_GIVEN
    size: Annotated[str, tyro.conf.arg(metavar="N|HxW", help_behavior_hint="(default: 32)")] = NOT_GIVEN
    """Rows and columns of a picture of noise."""
    channels: Annotated[str, tyro.conf.arg(metavar="N", help_behavior_hint="(default: 1)")] = NOT_GIVEN
    """Channels of a picture, which are independent."""
    data: Annotated[ImageSetName | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")] = None
    """Instead of --size and --channels: those of the images of this set."""
    n: Annotated[str, tyro.conf.arg(metavar="N", help_behavior_hint="(default: 64)")] = NOT_GIVEN
    """Number of draws."""
    seed: Annotated[str, tyro.conf.arg(metavar="N", help_behavior_hint="(default: 0)")] = NOT_GIVEN
    """Seed of the draws; draw i does not depend on their number."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE.npz", help_behavior_hint="(required)")] = None
    """File of the draws, as the array noise; the picture lies beside it, with the suffix .png."""
    data_dir: DataDir = None
    device: Device = "auto"
    json: Json = False


@dataclass(frozen=True)
class Likelihood:
    """Compute the log-likelihood of data by the probability flow: of a target beside the exact one, or of images."""

    run: RunFolder = None
    preset: Preset = NOT_GIVEN
    model: Model = NOT_GIVEN
    n: Annotated[str, tyro.conf.arg(metavar="N", help_behavior_hint="(default: as many as take seconds)")] = NOT_GIVEN
    """Number of data: fresh ones of a target, or held-out images, both with the noise of the end of a chain."""
    data_dir: DataDir = None
    device: Device = "auto"
    threads: Threads = NOT_GIVEN
    json: Json = False
    fields: Annotated[SampleFields, tyro.conf.arg(name="")] = field(default_factory=SampleFields)
