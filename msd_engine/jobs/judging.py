"""How chains of images have ended, told beside the data: the end of a sampling job."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import torch

from msd_engine.backend.errors import BadFile
from msd_engine.events import Event, Notice, Samples, Verdicts
from msd_engine.jobs.background import in_background
from msd_engine.jobs.loaded import loaded_looks
from msd_engine.metrics.verdicts import DataLooks, mean_pair_distance, saturated_share, spatial_variance, verdicts
from msd_engine.specs import ExperimentSpec, ImagesSpec


def judged(spec: ExperimentSpec, samples: Samples, data_dir: Path | None) -> Iterator[Event]:
    """Judge each chain of a sampling of images.

    Args:
        spec: The experiment, whose data are images.
        samples: The ends of its chains.
        data_dir: Where the images are looked for; a trained denoiser samples without them, and then less is told.

    Yields:
        `Tick` while the images are read, and `Verdicts`.
    """
    assert isinstance(spec.data, ImagesSpec)
    data = spec.data
    looks: DataLooks | None = None
    try:
        looks = yield from in_background(lambda _: loaded_looks(data, data_dir))
    except BadFile as error:
        yield Notice(f"The chains are not compared with the data. {error}")
    x, y = torch.from_numpy(samples.x_hat), torch.from_numpy(samples.y)
    # Chains that blew up would drown the others in any mean.
    judgement = verdicts(x, y, looks)
    kept = x[[verdict != "blew up" for verdict in judgement]]
    yield Verdicts(
        verdict=tuple(judgement),
        spatial_variance=spatial_variance(x).double().numpy(),
        least_variance=looks.least_variance if looks else math.nan,
        saturated_share=saturated_share(x).double().numpy(),
        most_saturation=looks.most_saturation if looks else math.nan,
        mean_distance=mean_pair_distance(kept),
        data_mean_distance=looks.mean_distance if looks else math.nan,
        data_largest_distance=looks.largest_distance if looks else math.nan,
        data_std=looks.std if looks else math.nan,
        data_count=looks.count if looks else 0,
        k=spec.training.k,
        epsilon=spec.sampling.epsilon,
        levels=spec.sampling.levels,
        dim=x[0].numel(),
        spec_json=samples.spec_json,
    )
