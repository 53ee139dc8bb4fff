"""Facade of the engine: the one place that makes jobs, each declared once.

Jobs of `msd_engine.jobs` are imported where they run, in a worker thread: this module imports no torch.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from msd_engine.events import Event, Samples
from msd_engine.events.causes import Fault
from msd_engine.events.figures import Figure, Sheet
from msd_engine.events.shoot_out.table import ShootOutTable
from msd_engine.jobs.tools.background import imported
from msd_engine.specs import Branch, ChainTask, ExperimentSpec, Live, SweepSpec
from msd_engine.specs.live import Cadence
from msd_engine.specs.reproduction import NoisesSpec
from msd_engine.specs.scores.spec import ScoresSpec
from msd_engine.specs.search.shoot_out import ShootOutSpec
from msd_engine.specs.search.tune import TuneSpec
from msd_engine.specs.tables.papers import FigureName

if TYPE_CHECKING:
    from msd_engine.jobs.files.catalogue import Catalogue

Job = Callable[[Cadence, Live], Iterator[Event]]
Writer = Literal["figure", "film", "samples", "text"]
Palette = Mapping[str, str]
Bounds = tuple[float, float, float, float]
Images = NDArray[np.float32] | NDArray[np.uint8]

FIELD_RESOLUTION = (160, 160)
ARROWS_PER_SIDE = 21


class Engine:
    """Makes jobs: each method returns at once, and iterating the job does the work.

    Attributes:
        data_dir: Returns the data folder, called at the start of each job; None leaves the choice to the engine.
        runs_dir: Returns the parent folder of new runs.
        device: ``auto`` or the name of a device.
        threads: Fixed number of CPU threads; 0 lets the engine choose.
        inception: Returns the user's weights of the FID's network; None for none.
        ready: Jobs can begin: torch is imported.
    """

    def __init__(
        self,
        *,
        data_dir: Callable[[], Path | None],
        runs_dir: Callable[[], Path],
        device: str = "auto",
        threads: int = 0,
        inception: Callable[[], Path | None] = lambda: None,
    ) -> None:
        self.data_dir = data_dir
        self.runs_dir = runs_dir
        self.device = device
        self.threads = threads
        self.inception = inception
        self.ready = False
        self._catalogue: Catalogue | None = None

    def _job(self, name: str, /, *arguments: Any, pool: int | None = None, **named: Any) -> Job:
        """Return a job by the path of its function, such as ``sampling.sample:sample`` in `msd_engine.jobs`.

        Data folder, device, fixed threads, cadence and live requests are passed to functions with such parameters;
        `pool` is the number of CPU threads (0: the fixed number, or all; None: no need).
        """

        def job(cadence: Cadence, live: Live) -> Iterator[Event]:
            # The first job imports torch for seconds: closing the job must not wait for that.
            yield from imported(f"msd_engine.jobs.{name.partition(':')[0]}")
            function: Callable[..., Iterator[Event]] = resolve_name(f"msd_engine.jobs.{name}")
            if pool is not None:
                from msd_engine.backend.threads import use_threads

                use_threads(pool or self.threads)
            offered: dict[str, Any] = {"data_dir": self.data_dir(), "device": self.device, "threads": self.threads}
            offered |= {"cadence": cadence, "live": live}
            taken = inspect.signature(function).parameters
            yield from function(*arguments, **{key: offered[key] for key in offered if key in taken}, **named)

        return job

    def warm_up(self) -> Job:
        """Import torch and the jobs, and report the device; done once after the first paint event."""
        return self._job("tools.warm_up:warm_up")

    # -- training ------------------------------------------------------------------------------------------------------

    def train(self, spec: ExperimentSpec, run: Path, *, resume: bool = False) -> Job:
        """Train a denoiser and keep it in a run folder."""
        return self._job("training.train:train", spec, run, resume=resume, pool=0)

    def held_out_strip(self, run: Path) -> Job:
        """Denoise a fixed strip of held-out images with the network of a run or of a shipped model."""
        return self._job("training.recall:held_out_strip", run, pool=1)

    def watched(self, run: Path) -> Job:
        """Report the recorded measurements of a run again, and follow the copy of one in training elsewhere."""
        return self._job("training.watched:watched", run, pool=1)

    # -- sampling ------------------------------------------------------------------------------------------------------

    def sample(self, spec: ExperimentSpec, run: Path | None = None, *, beside: bool = False) -> Job:
        """Draw chains, with a run's denoiser if the spec has a trained one; `beside`: during training, few threads."""
        # A concurrent training job needs the thread pool, and chains of points need none.
        pool = 1 if beside or spec.data.kind == "mixture" else 0
        return self._job("sampling.sample:sample", spec, run_dir=run, pool=pool)

    def sample_at_first_sight(self, spec: ExperimentSpec, run: Path | None = None) -> Job:
        """Draw the first chains of an experiment unasked: as many of them as soon move on this machine."""
        return self._job("sampling.first_sight:sample_at_first_sight", spec, run_dir=run, pool=0)

    def chain_task(
        self, task: ChainTask, spec: ExperimentSpec, run: Path | None = None, *, start: Branch | None = None
    ) -> Job:
        """Draw chains, inpaint a picture, or interpolate between seeds; optionally from a kept state."""
        return self._job("sampling.chain_task:chain_task", spec, task, start=start, run_dir=run, pool=0)

    def field(self, spec: ExperimentSpec, sigma: float, bounds: Bounds, run: Path | None = None) -> Job:
        """Compute density and scores of the plane at one noise; with the trained score of a given run."""
        grid = {"bounds": bounds, "resolution": FIELD_RESOLUTION, "points": ARROWS_PER_SIDE}
        return self._job("sampling.field:field", spec, sigma=sigma, run_dir=run, pool=1, **grid)

    def paper_figure(self, name: FigureName, path: Path) -> Job:
        """Compute a figure of the papers, and write it."""
        return self._job("figures.paper_figures:paper_figure", name, path, pool=1)

    def twins(self, spec: ExperimentSpec, run: Path | None = None) -> Job:
        """Walk chains beside their one-sample twins, and split the copies into mean and residuals."""
        return self._job("sampling.twins:twins", spec, run_dir=run, pool=1)

    def errors_by_k(self, spec: ExperimentSpec, run: Path | None = None) -> Job:
        """Make the job that measures the error of a denoiser in the plane by k and σ_eff."""
        return self._job("sampling.errors_by_k:errors_by_k", spec, run_dir=run, pool=1)

    def shoot_out(self, spec: ShootOutSpec, run: Path | None = None) -> Job:
        """Compare samplers in the plane with equal numbers of evaluations."""
        return self._job("shoot_out.shoot_out:shoot_out", spec, run_dir=run, pool=1)

    def export_shoot_out(self, table: ShootOutTable, spec: ShootOutSpec, path: Path) -> Job:
        """Write a shoot-out as CSV, Markdown or figure, by the suffix."""
        return self._job("shoot_out.export:export_shoot_out", table, spec, path)

    def moves(self, spec: ExperimentSpec, chain: int, run: Path | None = None) -> Job:
        """Split every step of one chain in the plane into drift and noise."""
        return self._job("sampling.moves:moves", spec, chain, run_dir=run, pool=1)

    def why(self, spec: ExperimentSpec, run: Path | None = None, *, chains: int = 0, fault: Fault = "deaths") -> Job:
        """Find out by experiment why chains die or miss the shares of the data; 0 chains for the usual number."""
        return self._job("sampling.why:why", spec, run_dir=run, chains=chains, fault=fault, pool=1)

    def ladder(self, spec: ExperimentSpec, run: Path | None = None) -> Job:
        """Report the ladder of a sampling before any chain is drawn; with the network of a run, if there is one yet."""
        return self._job("sampling.ladder:ladder", spec, run_dir=run)

    def propose(self, spec: ExperimentSpec) -> Job:
        """Propose a ladder and a step from the data."""
        return self._job("sampling.propose:proposal", spec, pool=1)

    def tune(self, spec: TuneSpec, run: Path) -> Job:
        """Search for the best chain of a run's network, on one CPU thread: other jobs need the rest."""
        return self._job("tune.tune:tune", spec, run, runs_dir=self.runs_dir(), pool=1)

    def tune_cost(self, spec: TuneSpec, run: Path) -> Job:
        """Predict the time of a search."""
        return self._job("tune.cost:tune_cost", spec, run, pool=1)

    # -- pictures ------------------------------------------------------------------------------------------------------

    def denoise(self, spec: ExperimentSpec, run: Path | None = None) -> Job:
        """Denoise one picture from its copies, as the `denoise` part of the spec specifies."""
        return self._job("pictures.denoise:denoise", spec, run_dir=run, pool=1)

    def growing_copies(self, spec: ExperimentSpec, ks: Sequence[int], networks: Sequence[tuple[int, Path]]) -> Job:
        """Denoise the first copies of the spec's picture: exactly for each of `ks`, and by networks of given k."""
        return self._job("pictures.growing:growing_copies", spec, ks, networks, pool=1)

    def open_picture(self, path: Path, shape: tuple[int, int, int]) -> Job:
        """Read a user's picture and scale it to the size of the data."""
        return self._job("pictures.pictures:open_picture", path, shape)

    def show_copies(self, spec: ExperimentSpec) -> Job:
        """Draw the copies of the spec's picture, with or without a denoiser."""
        return self._job("pictures.pictures:show_copies", spec, pool=1)

    def forward(self, spec: ExperimentSpec) -> Job:
        """Take a picture or a cloud of points to noise, under white and under the chosen noise."""
        return self._job("noise.forward:forward", spec, pool=1)

    # -- quality -------------------------------------------------------------------------------------------------------

    def evaluate(self, spec: ExperimentSpec, run: Path | None, *, curve: Sequence[tuple[int, int]] = ()) -> Job:
        """Draw samples and measure their quality; at several (levels, steps per level) for a curve."""
        # Grey images have their own classifiers.
        inception = self.inception() if spec.data.name == "cifar-10" else None
        return self._job("quality.evaluate:evaluate", spec, run_dir=run, curve=curve, inception=inception, pool=0)

    def judge(self, samples: Samples) -> Job:
        """Judge the ends of chains, also by features, which are computed first if not cached."""
        return self._job("quality.judge:judge", samples, pool=0)

    def nearest(self, spec: ExperimentSpec, image: NDArray[np.float32]) -> Job:
        """Find the training images nearest to an image with shape (C, H, W)."""
        return self._job("quality.nearest:nearest", spec, image, pool=1)

    # -- objectives ----------------------------------------------------------------------------------------------------

    def scores(self, spec: ScoresSpec) -> Job:
        """Train objectives side by side and compare their scores with the exact one."""
        return self._job("scores.scores:scores", spec, pool=0)

    # -- files ---------------------------------------------------------------------------------------------------------

    def restore(self, path: Path) -> Job:
        """Read the spec of a picture, a preset, a sample file or a run folder, and the images of a file."""
        return self._job("files.restore:restore", path, runs_dir=self.runs_dir())

    def restore_text(self, text: str) -> Job:
        """Read points or settings from pasted text."""
        return self._job("files.restore:restore_text", text)

    def download(self, name: str) -> Job:
        """Download a data set to the data folder."""
        return self._job("files.download:download", name)

    def save(self, kind: Writer, path: Path, **content: Any) -> Job:
        """Write a file outside the GUI thread with a writer of `msd_engine.jobs.files.save`, by name."""
        return self._job(f"files.save:save_{kind}", path, **content)

    def preview(self, moments: Iterable[Figure], count: int, palette: Palette, sheet: Sheet, most_px: int = 0) -> Job:
        """Draw figures as `save` would write them; pictures much wider than `most_px` are reduced."""
        return self._job("files.save:preview", moments, count, palette, sheet=sheet, most_px=most_px)

    # -- runs ----------------------------------------------------------------------------------------------------------

    def watch_runs(self) -> Job:
        """List the runs and keep reporting changes; use the cached list first."""

        def job(cadence: Cadence, live: Live) -> Iterator[Event]:
            from msd_engine.jobs.files.catalogue import Catalogue

            folder = self.runs_dir()
            if self._catalogue is None or self._catalogue.root != folder:
                self._catalogue = Catalogue(folder)
            return self._job("files.catalogue:watch", self._catalogue)(cadence, live)

        return job

    def watch_elsewhere(self, address: str) -> Job:
        """Keep a copy of the runs at an address up to date, in the folder of runs."""
        return self._job("files.elsewhere:watch_elsewhere", address, self.runs_dir())

    def ask_elsewhere(self, run: Path, request: Literal["stop", "checkpoint"]) -> Job:
        """Ask the training that a run is a copy of to save a checkpoint or to stop."""
        return self._job("files.elsewhere:ask_elsewhere", run, request)

    def shipped_runs(self) -> Job:
        """List the networks that came with the program, as runs."""
        return self._job("files.catalogue:shipped_runs")

    def held_out_curves(self, runs: Sequence[Path]) -> Job:
        """Read the held-out errors of some runs."""
        return self._job("files.catalogue:held_out_curves", runs)

    def compare_settings(self, specs_json: Sequence[str]) -> Job:
        """List the settings in which experiments differ."""
        return self._job("files.differences:compare_settings", specs_json)

    def annotate(
        self, run: Path, *, name: str | None = None, note: str | None = None, tags: tuple[str, ...] | None = None
    ) -> Job:
        """Write name, note and tags of a run; None leaves a part unchanged."""
        return self._job("files.catalogue:annotate", run, name=name, note=note, tags=tags)

    def discard(self, runs: Sequence[Path]) -> Job:
        """Move runs to the trash."""
        return self._job("files.catalogue:discard", runs)

    def export_tensorboard(self, run: Path, folder: Path) -> Job:
        """Write the measurements of a run as files for TensorBoard."""
        return self._job("files.tensorboard:export_tensorboard", run, folder)

    # -- comparisons of numbers of copies ------------------------------------------------------------------------------

    def sweep(
        self, spec: SweepSpec, folder: Path, *, resume: bool = False, on: str = "", gpus: float | None = None
    ) -> Job:
        """Train and measure the missing runs of a comparison, in its folder, where `on` says."""
        return self._job("sweep.sweep:sweep", spec, folder, resume=resume, on=on, gpus=gpus, pool=0)

    def open_sweep(self, folder: Path) -> Job:
        """Report a comparison as stored on the disk."""
        return self._job("sweep.story:open_sweep", folder)

    def export_sweep(self, folder: Path, path: Path, sheet: Sheet | None = None) -> Job:
        """Write a comparison as CSV or Markdown, or its charts as PNG, SVG or PDF."""
        return self._job("sweep.export:export_sweep", folder, path, sheet=sheet)

    def preview_sweep(self, folder: Path, sheet: Sheet, most_px: int = 0) -> Job:
        """Draw the charts of a comparison as `export_sweep` would write them."""
        return self._job("sweep.export:preview_sweep", folder, sheet, most_px=most_px)

    def likelihood(self, spec: ExperimentSpec) -> Job:
        """Compute the log-likelihood of data by the exact probability flow."""
        return self._job("noise.likelihood:likelihood", spec)

    # -- comparisons of noises -----------------------------------------------------------------------------------------

    def compare_noises(self, plan: NoisesSpec, folder: Path) -> Job:
        """Train one network under white and under coloured noise and compare samples by steps, in a folder."""
        return self._job("noise.compare:compare_noises", plan, folder, pool=0)

    # -- new folders, named by time and purpose ------------------------------------------------------------------------

    def new_run(self, spec: ExperimentSpec) -> Path:
        """Return the path of a new run folder."""
        return self._new_folder(f"{spec.data.name}-k{spec.training.k}")

    def new_sweep(self, spec: SweepSpec) -> Path:
        """Return the path of a new folder of a comparison."""
        return self._new_folder(f"{spec.base.data.name}-compare-k")

    def new_noises(self, plan: NoisesSpec) -> Path:
        """Return the path of a new folder of a comparison of noises."""
        return self._new_folder(f"{plan.base.data.name}-compare-noises")

    def _new_folder(self, name: str) -> Path:
        stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
        word = re.sub(r"[^a-z0-9-]+", "-", name.lower())
        folder = self.runs_dir() / f"{stamp}-{word}"
        number = 1
        while folder.exists():
            number += 1
            folder = self.runs_dir() / f"{stamp}-{word}-{number}"
        return folder
