"""The chains of one candidate: drawn a few at a time, and kept as features."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from msd_engine.events import Event, Tick
from msd_engine.events.verdicts import ALIVE
from msd_engine.jobs.factory.chains import moments, sampling
from msd_engine.jobs.tools.frames import shown
from msd_engine.jobs.tune.kept import KeptParts, Part
from msd_engine.metrics.features.extract import extract_features
from msd_engine.metrics.features.network import FeatureBatch
from msd_engine.metrics.quality.standard import Standard, judged_alone
from msd_engine.specs import ExperimentSpec

SHOWN = 36
"""Number of samples that are kept as pictures."""

# Chains that walk together: few on a CPU, so that a search stops soon; an accelerator wants many.
_TOGETHER, _TOGETHER_ON_ACCELERATORS = 64, 1024

Worked = Callable[[int], None]
"""Is told how many chains have made one step."""


class DrawnChains:
    """Chains 0, 1, 2 … of one candidate, as far as they are drawn.

    Attributes:
        spec: The experiment.
        lived: Number of chains that survived.
        pictures: The first samples, with shape (n, C, H, W), float32.
    """

    def __init__(
        self, spec: ExperimentSpec, run_dir: Path, device: torch.device, stops: Sequence[int], kept: KeptParts
    ) -> None:
        """Draw nothing yet.

        Args:
            spec: The experiment.
            run_dir: Run folder of its network.
            device: Where to compute.
            stops: Numbers of chains that will be asked for: between them the same chains always walk together.
            kept: The chains that were drawn before this search was stopped.
        """
        self.spec = spec
        self.lived = 0
        self.pictures: NDArray[np.float32] = np.zeros((0, *spec.data.shape), np.float32)
        self._run_dir, self._device = run_dir, device
        self._stops = sorted(stops)
        self._kept = kept
        self._parts: list[FeatureBatch] = []
        self._count = 0

    @property
    def features(self) -> FeatureBatch:
        """The features of all samples so far, at least one."""
        return FeatureBatch.together(self._parts)

    def draw(self, chains: int, against: Standard, worked: Worked) -> Generator[Event, None, None]:
        """Draw chains until there are as many as wanted; those that are there stay.

        Args:
            chains: Number of chains, one of the stops.
            against: Has the network of the features and the bounds of survival.
            worked: Is called after each step.

        Yields:
            A `Tick` per step and per batch of features.
        """
        together = _TOGETHER if self._device.type == "cpu" else _TOGETHER_ON_ACCELERATORS
        while self._count < chains:
            count = min(together, min(stop for stop in self._stops if stop > self._count) - self._count)
            part = self._kept.read(self._count, count)
            if part is None:
                part = yield from self._draw(count, against, worked)
                self._kept.write(self._count, part)
            self._parts.append(part.batch)
            self.lived += int(part.lived.sum())
            self.pictures = np.concatenate((self.pictures, part.pictures.numpy()))[:SHOWN]
            self._count += count

    def _draw(self, count: int, against: Standard, worked: Worked) -> Generator[Event, None, Part]:
        wanted = self.spec.replace("sampling.chains", count)
        device = str(self._device)
        for moment in moments(  # noqa: B007 - the last one is the end
            sampling(wanted, run_dir=self._run_dir, device=device, first_chain=self._count)
        ):
            worked(count)
            yield Tick()
        samples = moment.posterior.mean if wanted.sampling.jump else moment.y.mean(1)
        x, y = torch.from_numpy(shown(samples)), torch.from_numpy(shown(moment.y))
        for batch in extract_features(against.network, x):  # noqa: B007 - the last one is the whole
            yield Tick()
        verdicts = judged_alone(x, y, batch, against.judge, against.statistics, wanted.sampling.ends)
        lived = torch.tensor([verdict == ALIVE for verdict in verdicts])
        return Part(batch, lived, x[: max(0, SHOWN - self._count)].clone())
