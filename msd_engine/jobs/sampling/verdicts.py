"""Judge the final states of image chains by comparison with the data."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from msd_engine.backend.errors import BadFile
from msd_engine.backend.threads import use_threads
from msd_engine.events import Event, Notice, Samples, Tick, Verdicts
from msd_engine.jobs.factory.loaded import loaded_statistics
from msd_engine.jobs.factory.targets import images_of
from msd_engine.jobs.tools.background import Notify, in_background
from msd_engine.metrics.features.extract import extract_features
from msd_engine.metrics.features.network import FeatureBatch
from msd_engine.metrics.quality.support import Judge, kept_judge
from msd_engine.metrics.quality.verdicts import (
    DataStatistics,
    Verdict,
    mean_pair_distance,
    saturated_share,
    spatial_variance,
    verdicts,
)
from msd_engine.specs import ExperimentSpec

MOST_COLOUR = 128
"""Most colour images that are judged after sampling: their network takes a second for thirty."""

_Judged = tuple[Judge | None, FeatureBatch | None, str]


def judged(spec: ExperimentSpec, samples: Samples, data_dir: Path | None, device: torch.device) -> Iterator[Event]:
    """Judge each chain of a sampling of images.

    Sampling never waits for features to be computed: without cached ones, their verdict is left out.

    Args:
        spec: The experiment, whose data are images.
        samples: The final states of its chains.
        data_dir: The data folder; without the images some figures are left out.
        device: Device that computes the features.

    Yields:
        `Tick` while the images are read, and `Verdicts`.
    """
    data = images_of(spec)
    statistics: DataStatistics | None = None
    try:
        statistics = yield from in_background(lambda _: loaded_statistics(data, data_dir))
    except BadFile as error:
        yield Notice(f"The chains are not compared with the data. {error}")
    x, y = torch.from_numpy(samples.x_hat), torch.from_numpy(samples.y)
    judge, batch, left_out = yield from _judge(data.name, x, device)
    off = judge.support.off(batch) if judge and batch else None
    # Chains that blew up would dominate any mean.
    judgement = verdicts(x, y, statistics, off, spec.sampling.ends)
    kept = x[[verdict != "blew up" for verdict in judgement]]
    yield Verdicts(
        verdict=tuple(judgement),
        spatial_variance=spatial_variance(x).double().numpy(),
        least_variance=statistics.least_variance if statistics else math.nan,
        saturated_share=saturated_share(x).double().numpy(),
        most_saturation=statistics.most_saturation if statistics else math.nan,
        mean_distance=mean_pair_distance(kept),
        data_mean_distance=statistics.mean_distance if statistics else math.nan,
        data_largest_distance=statistics.largest_distance if statistics else math.nan,
        data_std=statistics.std if statistics else math.nan,
        k=spec.training.k,
        step_ratio=spec.sampling.step_ratio,
        levels=spec.sampling.levels,
        dim=x[0].numel(),
        spec_json=samples.spec_json,
        features=judge.network.name if judge else "",
        left_out=left_out,
        class_names=judge.support.class_names if judge else (),
        shares=_living(batch, judgement),
        real_shares=judge.support.real_shares.numpy() if judge else np.zeros(0),
    )


def _judge(data: str, x: torch.Tensor, device: torch.device) -> Generator[Event, None, _Judged]:
    """Compute figures of samples by the cached features of their image set; without a cache return the reason."""
    try:
        judge = yield from in_background(lambda _: kept_judge(data, device))
    except BadFile as error:
        return None, None, f"Not judged by features. {error}"
    if judge is None:
        return (
            None,
            None,
            "Not judged by features: they are made at first need, such as when samples are first measured.",
        )
    if not judge.network.class_names and len(x) > MOST_COLOUR:
        text = (
            f"Not judged by features, which takes long for more than {MOST_COLOUR} colour images; measure the quality."
        )
        return None, None, text
    network, threads = judge.network, torch.get_num_threads()

    def work(notify: Notify) -> FeatureBatch:
        use_threads(threads)
        for batch in extract_features(network, x):  # noqa: B007 - the last one is the whole
            notify(Tick())
        return batch

    return judge, (yield from in_background(work)), ""


def _living(batch: FeatureBatch | None, judgement: list[Verdict]) -> NDArray[np.float64]:
    """Return the share of each class among the surviving chains, with shape (classes,)."""
    if batch is None:
        return np.zeros(0)
    lived = torch.tensor([verdict == "alive" for verdict in judgement])
    shares: NDArray[np.float64] = batch[lived].class_shares.numpy()
    return shares
