"""Jobs that say how good samples are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msd_engine.events import Event, Samples
from msd_engine.specs import ExperimentSpec, Live
from msd_gui.bridge.engine.base import Engine
from msd_gui.bridge.launch import Cadence, Job


class JudgingLaunch(Engine):
    """Makes jobs that measure and judge samples."""

    def evaluate(self, spec: ExperimentSpec, run: Path | None, *, curve: Sequence[tuple[int, int]] = ()) -> Job:
        """Draw samples and measure how good they are; at several (levels, steps per level) for a curve."""

        def job(cadence: Cadence, live: Live) -> Iterator[Event]:
            from msd_engine.jobs.quality.evaluate import evaluate

            return evaluate(
                spec,
                run_dir=run,
                curve=curve,
                # Grey images have classifiers of their own.
                inception=self.inception() if spec.data.name == "cifar-10" else None,
                data_dir=self.data_dir(),
                device=self.device,
                cadence=cadence,
                live=live,
            )

        return self.on_threads(0, job)

    def judge(self, samples: Samples) -> Job:
        """Judge the ends of chains by features too, which are made first where none are kept."""

        def job(cadence: Cadence, live: Live) -> Iterator[Event]:
            from msd_engine.jobs.quality.judge import judge

            return judge(samples, data_dir=self.data_dir(), device=self.device, cadence=cadence, live=live)

        return self.on_threads(0, job)

    def nearest(self, spec: ExperimentSpec, image: NDArray[np.float32]) -> Job:
        """Find the training images nearest to an image."""

        def job(_cadence: Cadence, _live: Live) -> Iterator[Event]:
            from msd_engine.jobs.quality.nearest import nearest

            return nearest(spec, image, data_dir=self.data_dir(), device=self.device)

        return self.on_threads(1, job)
