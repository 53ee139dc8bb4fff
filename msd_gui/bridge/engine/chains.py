"""Jobs that draw chains, and that tell what their ladder and their plane are like."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msd_engine.events import Event
from msd_engine.specs import Branch, ExperimentSpec, Hand, Live
from msd_gui.bridge.engine.base import Engine
from msd_gui.bridge.launch import Bounds, Cadence, Job

FIELD_RESOLUTION = (160, 160)
ARROWS_PER_SIDE = 21


class ChainsLaunch(Engine):
    """Makes jobs of sampling."""

    def sample(self, spec: ExperimentSpec, run: Path | None = None, *, beside: bool = False) -> Job:
        """Draw chains, with the denoiser of a run where the spec asks for a trained one."""

        def job(cadence: Cadence, live: Live) -> Iterator[Event]:
            from msd_engine.jobs.sampling.sample import sample

            return sample(spec, run_dir=run, data_dir=self.data_dir(), device=self.device, cadence=cadence, live=live)

        # A training job beside it needs the pool of threads, and the chains of points need none.
        return self.on_threads(1 if beside or spec.data.kind == "mixture" else 0, job)

    def by_hand(self, hand: Hand, spec: ExperimentSpec, run: Path | None = None, *, start: Branch | None = None) -> Job:
        """Draw chains, paint the masked part of a picture anew, or go from seed to seed; from a kept state on."""

        def job(cadence: Cadence, live: Live) -> Iterator[Event]:
            from msd_engine.jobs.sampling.by_hand import by_hand

            data_dir, device = self.data_dir(), self.device
            return by_hand(
                spec, hand, start=start, run_dir=run, data_dir=data_dir, device=device, cadence=cadence, live=live
            )

        return self.on_threads(0, job)

    def field(self, spec: ExperimentSpec, sigma: float, bounds: Bounds, run: Path | None = None) -> Job:
        """Compute density and scores of the plane at one noise; with the trained score where a run is given."""

        def job(cadence: Cadence, live: Live) -> Iterator[Event]:
            from msd_engine.jobs.sampling.field import field

            return field(
                spec,
                sigma=sigma,
                bounds=bounds,
                resolution=FIELD_RESOLUTION,
                points=ARROWS_PER_SIDE,
                run_dir=run,
                device=self.device,
                cadence=cadence,
                live=live,
            )

        return self.on_threads(1, job)

    def ladder(self, spec: ExperimentSpec, run: Path | None = None) -> Job:
        """Tell the ladder of a sampling before any chain is drawn; with the network of a run, if there is one yet."""

        def job(cadence: Cadence, live: Live) -> Iterator[Event]:
            from msd_engine.jobs.sampling.ladder import ladder

            return ladder(spec, run_dir=run, cadence=cadence, live=live)

        return job

    def propose(self, spec: ExperimentSpec) -> Job:
        """Propose a ladder and a step from the data."""

        def job(cadence: Cadence, live: Live) -> Iterator[Event]:
            from msd_engine.jobs.sampling.propose import proposal

            return proposal(spec, data_dir=self.data_dir(), cadence=cadence, live=live)

        return self.on_threads(1, job)
