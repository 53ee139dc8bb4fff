"""Features of real images, which never change: seen once by a network and kept in the cache folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import torch
from torch import Tensor

from msd_engine.backend.files import make_folder, write_atomically
from msd_engine.backend.tensors import pack_tensors, read_tensors
from msd_engine.data.folder import cache_folder
from msd_engine.data.images import ImageSet
from msd_engine.metrics.features import FeatureNetwork

_EXPECTED = "kept features of real images (safetensors; delete it and they will be computed again)"


class Seen:
    """What a network sees in a set of images.

    Attributes:
        features: Features with shape (n, F), float32.
        probabilities: Probabilities of the classes with shape (n, classes); no columns where the network knows none.
    """

    def __init__(self, features: Tensor, probabilities: Tensor) -> None:
        self.features = features
        self.probabilities = probabilities


def look(network: FeatureNetwork, x: Tensor) -> Iterator[Seen]:
    """Look at images in data units.

    Args:
        network: The network.
        x: Images with shape (n, C, H, W), float32.

    Yields:
        What was seen so far after every batch, at least once; the last is the whole.
    """
    features = torch.zeros(0, network.width)
    probabilities = torch.zeros(0, len(network.class_names))
    if not len(x):
        yield Seen(features, probabilities)
    for part in torch.split(x, network.batch):
        features = torch.cat((features, network.features(part)))
        likely = network.probabilities(part)
        probabilities = torch.cat((probabilities, part.new_zeros(len(part), 0) if likely is None else likely))
        yield Seen(features, probabilities)


def look_at_real(network: FeatureNetwork, images: Tensor) -> Iterator[Seen]:
    """Look at real images, or read what was seen in them before.

    Args:
        network: The network.
        images: Images with shape (n, C, H, W), uint8.

    Yields:
        What was seen so far after every batch, at least once; the last is the whole.

    Raises:
        BadFile: The kept file is damaged.
        UserError: The cache folder cannot be written.
    """
    digest = hashlib.sha256(f"msd-features-1 {network.name} {network.digest}".encode())
    digest.update(images.contiguous().numpy().data)
    path = cache_folder() / "features" / f"{digest.hexdigest()[:24]}.safetensors"
    if path.exists():
        tensors, _ = read_tensors(path, _EXPECTED)
        yield Seen(tensors["features"], tensors["probabilities"])
        return
    seen = Seen(torch.zeros(0, network.width), torch.zeros(0, len(network.class_names)))
    for seen in look(network, ImageSet.to_data(images)):
        yield seen
    make_folder(path.parent)
    write_atomically(path, pack_tensors({"features": seen.features, "probabilities": seen.probabilities}, {}))
