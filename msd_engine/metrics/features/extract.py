"""Features of real images: computed once per network and cached."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import torch
from torch import Tensor

from msd_engine.backend.files import make_folder, reading, write_atomically
from msd_engine.backend.folders import cache_folder
from msd_engine.backend.tensors import pack_tensors, read_tensors
from msd_engine.data.images import ImageSet
from msd_engine.metrics.features.network import FeatureBatch, FeatureNetwork

_EXPECTED = "cached features of real images (safetensors; delete it and they will be computed again)"


def extract_features(network: FeatureNetwork, x: Tensor) -> Iterator[FeatureBatch]:
    """Extract features of images in data units.

    Args:
        network: The network.
        x: Images with shape (n, C, H, W), float32.

    Yields:
        The features so far after every batch, at least once; the last is complete.
    """
    parts: list[FeatureBatch] = []
    for part in torch.split(x, network.batch):
        parts.append(network.extract_features(part))
        yield FeatureBatch.together(parts)


def features_of_real(network: FeatureNetwork, images: Tensor) -> Iterator[FeatureBatch]:
    """Extract features of real images, or read the cached ones.

    Args:
        network: The network.
        images: Images with shape (n, C, H, W), uint8.

    Yields:
        The features so far after every batch, at least once; the last is complete.

    Raises:
        BadFile: The cached file is damaged.
        UserError: The cache folder cannot be written.
    """
    digest = hashlib.sha256(f"msd-features-3 {network.name} {network.digest}".encode())
    digest.update(images.contiguous().numpy().data)
    path = cache_folder() / "features" / f"{digest.hexdigest()[:24]}.safetensors"
    if path.exists():
        tensors, _ = read_tensors(path, _EXPECTED)
        with reading(path, _EXPECTED):
            kept = FeatureBatch(**tensors)
        # Bands are cheap to compute: older cached files without them stay valid.
        yield network.with_bands(kept, ImageSet.to_data(images))
        return
    for batch in extract_features(network, ImageSet.to_data(images)):
        yield batch
    make_folder(path.parent)
    tensors = {name: tensor for name, tensor in vars(batch).items() if name != "bands"}
    write_atomically(path, pack_tensors(tensors, {}))
