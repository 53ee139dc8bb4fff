"""What pages may ask of the engine. `msd_gui.bridge.engine.launch` keeps the promise; tests keep it with stand-ins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from msd_engine.events import Event, Samples
from msd_engine.specs import Branch, ExperimentSpec, Hand, Live, SweepSpec


class Cadence(Protocol):
    """Says when a frame is worth making."""

    def due(self) -> bool:
        """Return whether the screen has room for a new frame now."""
        ...


Job = Callable[[Cadence, Live], Iterator[Event]]
Writer = Literal["grid", "animation", "samples", "rendered_png", "text"]
Bounds = tuple[float, float, float, float]


class Launch(Protocol):
    """Makes jobs: each method returns at once, and the work is done where the job is iterated."""

    def train(self, spec: ExperimentSpec, run: Path, *, resume: bool = False) -> Job:
        """Train a denoiser and keep it in a run folder."""
        ...

    def recall(self, run: Path) -> Job:
        """Tell again what a run has measured."""
        ...

    def sample(self, spec: ExperimentSpec, run: Path | None = None, *, beside: bool = False) -> Job:
        """Draw chains, with the denoiser of a run where the spec asks for a trained one; sparingly beside training."""
        ...

    def field(self, spec: ExperimentSpec, sigma: float, bounds: Bounds, run: Path | None = None) -> Job:
        """Compute density and scores of the plane at one noise; with the trained score where a run is given."""
        ...

    def denoise(self, spec: ExperimentSpec, run: Path | None = None) -> Job:
        """Denoise one picture from its copies, as the `denoise` part of the spec says."""
        ...

    def by_hand(self, hand: Hand, spec: ExperimentSpec, run: Path | None = None, *, start: Branch | None = None) -> Job:
        """Draw chains, paint the masked part of a picture anew, or go from seed to seed; from a kept state on."""
        ...

    def show_held_out(self, spec: ExperimentSpec) -> Job:
        """Tell the held-out image that a spec chooses, whether or not anything can denoise it."""
        ...

    def open_picture(self, path: Path, shape: tuple[int, int, int]) -> Job:
        """Read a picture of the user's own and bring it to the size of the data."""
        ...

    def evaluate(self, spec: ExperimentSpec, run: Path | None, *, curve: Sequence[tuple[int, int]] = ()) -> Job:
        """Draw samples and measure how good they are; at several (levels, steps per level) for a curve."""
        ...

    def judge(self, samples: Samples) -> Job:
        """Judge the ends of chains by features too, which are made first where none are kept."""
        ...

    def nearest(self, spec: ExperimentSpec, image: NDArray[np.float32]) -> Job:
        """Find the training images nearest to an image with shape (C, H, W)."""
        ...

    def ladder(self, spec: ExperimentSpec, run: Path | None = None) -> Job:
        """Tell the ladder of a sampling before any chain is drawn; with the network of a run, if there is one yet."""
        ...

    def propose(self, spec: ExperimentSpec) -> Job:
        """Propose a ladder and a step from the data."""
        ...

    def restore(self, path: Path) -> Job:
        """Read the spec of a picture, a preset, a sample file or a run folder."""
        ...

    def download(self, name: str) -> Job:
        """Fetch a data set into the data folder."""
        ...

    def save(self, kind: Writer, path: Path, **content: Any) -> Job:
        """Write a file away from the screen's thread: one of the writers of `msd_engine.jobs.files.save`, by name."""
        ...

    def new_run(self, spec: ExperimentSpec) -> Path:
        """Return the path of a run folder that does not exist yet."""
        ...


class RunsLaunch(Launch, Protocol):
    """Makes jobs on the runs that lie in the folder of runs, beside all others."""

    def watch_runs(self) -> Job:
        """List the runs and go on telling what changes."""
        ...

    def held_out_curves(self, runs: Sequence[Path]) -> Job:
        """Read the held-out errors of some runs."""
        ...

    def annotate(
        self, run: Path, *, name: str | None = None, note: str | None = None, tags: tuple[str, ...] | None = None
    ) -> Job:
        """Write what the user says about a run; None leaves a part as it is."""
        ...

    def discard(self, runs: Sequence[Path]) -> Job:
        """Move runs to the trash."""
        ...

    def export_tensorboard(self, run: Path, folder: Path) -> Job:
        """Write the measurements of a run as files for TensorBoard."""
        ...


class SweepLaunch(Launch, Protocol):
    """Makes jobs on comparisons of numbers of copies, beside all others."""

    def sweep(self, spec: SweepSpec, folder: Path, *, resume: bool = False) -> Job:
        """Train and measure what is not done yet of a comparison, in its folder."""
        ...

    def open_sweep(self, folder: Path) -> Job:
        """Tell a comparison as it stands on the disk."""
        ...

    def export_sweep(self, folder: Path, path: Path) -> Job:
        """Write a comparison as CSV, Markdown, PNG or SVG."""
        ...

    def new_sweep(self, spec: SweepSpec) -> Path:
        """Return the path of a sweep folder that does not exist yet."""
        ...


class WindowLaunch(RunsLaunch, SweepLaunch, Protocol):
    """Makes every job that a page of the window may ask for."""


Images = NDArray[np.float32] | NDArray[np.uint8]
