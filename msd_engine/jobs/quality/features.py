"""Prepare the feature network of an image set within a job, with progress if it must be trained first."""

from __future__ import annotations

import time
from collections.abc import Generator
from pathlib import Path

import torch

from msd_engine.events import Event, Notice, Progress, Tick
from msd_engine.metrics.features.choose import preparing
from msd_engine.metrics.features.network import FeatureNetwork
from msd_engine.specs.live import NEVER, Cadence


def prepared_features(
    data_name: str,
    data_dir: Path | None,
    device: torch.device,
    cadence: Cadence = NEVER,
    inception: Path | None = None,
    *,
    retrain: bool = False,
) -> Generator[Event, None, FeatureNetwork]:
    """Load the feature network of an image set, or train it first.

    Args:
        data_name: Name of the set.
        data_dir: The data folder.
        device: Where to compute.
        cadence: Decides when to report progress.
        inception: The user's weights of the FID's network, for colour images.
        retrain: Train the classifier of grey images again and cache it.

    Yields:
        If the network must be trained first: a `Notice`, and a `Tick` or `Progress` after each step.

    Returns:
        The network.

    Raises:
        UserError: The images or the optional package are missing, or the cache folder cannot be written.
    """
    start = time.monotonic()
    steps = preparing(data_name, data_dir, device, inception, retrain=retrain)
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            network: FeatureNetwork = end.value
            return network
        if step.done == 1:
            yield Notice("Training the classifier that judges the samples; this happens once.")
        if cadence.due():
            elapsed_s = time.monotonic() - start
            rate = step.done / elapsed_s if elapsed_s else 0.0
            left_s = (step.total - step.done) / rate if rate else float("nan")
            yield Progress(step.done, step.total, rate, rate, elapsed_s, left_s, "Training the classifier")
        else:
            yield Tick()
