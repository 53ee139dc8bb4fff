"""The region of the data in the features of a network, and the samples off it.

Scores, each higher for images less like the data:

* the energy −log Σ_c exp(logit_c) (W. Liu et al. 2020, arXiv:2010.03759): no class has much evidence, as in scribbles,
  fragments, blots and means of several images;
* the Mahalanobis distance √((t − μ)ᵀ C⁻¹ (t − μ)) of the textures t, the means of the network's maps over the image,
  from those of real training images, with mean μ and covariance C (K. Lee et al. 2018, arXiv:1807.03888): remaining
  noise, blur, lines too thick or too thin;
* for colour images, whose network sees them enlarged and through blur, the same distance of the energies in bands of
  spatial frequency (`metrics/features/spectra.py`).

The distance in the last hidden layer alone, Euclidean or Mahalanobis, fails: images of nothing excite that layer less
than real images do, and so lie among them (on MNIST it misses every blurred mean).

The bounds are conformal (V. Vovk et al. 2005): with n held-out images in ascending order of one of m scores its bound
is the ⌈(n + 1)(1 − q)⌉-th, at most the last. A new real image is then beyond one of them with probability at most m q,
or m/(n + 1) if that is more, whatever the network. The classes need not be those of the set: for colour images the
evidence is that of an ImageNet network for any of its classes.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from msd_engine.backend.files import make_folder, reading, write_atomically
from msd_engine.backend.folders import cache_folder
from msd_engine.backend.tensors import pack_tensors, read_tensors
from msd_engine.metrics.features.choose import network_again
from msd_engine.metrics.features.network import FeatureBatch, FeatureNetwork
from msd_engine.metrics.features.shipped import shipped

RARE = 0.0025
"""q, the share of new real images that one score may reject."""

_FORMAT = "msd-support-2"
_EXPECTED = "the cached reference of real images for judging samples (delete it and it will be made again)"
# Part of the mean variance that is added to each: some maps are nearly constant.
_RIDGE = 1e-3


@dataclass(frozen=True, eq=False)
class Cloud:
    """A Gaussian model of the features of real images.

    Attributes:
        mean: μ with shape (S,), float64.
        whitening: W with shape (S, S) and WᵀW = C⁻¹, float64.
        bound: Largest distance of an image on the data.
    """

    mean: Tensor
    whitening: Tensor
    bound: float = math.inf

    def distances(self, t: Tensor) -> Tensor:
        """Return the Mahalanobis distances, with shape (n,), float64, of values with shape (n, S)."""
        distances: Tensor = ((t.double() - self.mean) @ self.whitening.T).norm(dim=1)
        return distances


@dataclass(frozen=True, eq=False)
class Support:
    """The region of the data.

    Attributes:
        energy_bound: Largest energy of an image on the data.
        textures: Model of the textures of real images.
        bands: Model of the energies of their bands; None if the network's textures already detect blur.
        class_names: Names of the classes of the set; empty if the network knows none.
        real_shares: Share of each class among the held-out images, with shape (classes,), float64.
    """

    energy_bound: float
    textures: Cloud
    bands: Cloud | None
    class_names: tuple[str, ...]
    real_shares: Tensor

    def off(self, batch: FeatureBatch) -> Tensor:
        """Return which of n images are off the data, with shape (n,)."""
        off = (energies(batch) > self.energy_bound) | (self.textures.distances(batch.textures) > self.textures.bound)
        if self.bands is not None and batch.bands is not None:
            off |= self.bands.distances(batch.bands) > self.bands.bound
        return off


def energies(batch: FeatureBatch) -> Tensor:
    """Return −log Σ exp of the logits, with shape (n,), float64."""
    return -batch.evidence.double()


def support_of(training: FeatureBatch, held_out: FeatureBatch, class_names: tuple[str, ...]) -> Support:
    """Determine the region of the data.

    Args:
        training: Features of training images, at least two.
        held_out: Features of held-out images, at least one.
        class_names: Names of its classes.
    """
    bands = None
    if training.bands is not None and held_out.bands is not None:
        bands = _cloud(training.bands, held_out.bands, RARE)
    return Support(
        energy_bound=conformal_bound(energies(held_out), RARE),
        textures=_cloud(training.textures, held_out.textures, RARE),
        bands=bands,
        class_names=class_names,
        real_shares=held_out.class_shares,
    )


def _cloud(training: Tensor, held_out: Tensor, rare: float) -> Cloud:
    """Fit values with shape (n, S); held-out ones exceed the bound with probability `rare` at most."""
    t = training.double()
    covariance = torch.cov(t.T).reshape(t.shape[1], -1)
    ridge = _RIDGE * covariance.diagonal().mean()
    values, vectors = torch.linalg.eigh(covariance + ridge * torch.eye(len(covariance), dtype=torch.float64))
    cloud = Cloud(t.mean(0), (vectors / values.clamp(min=torch.finfo(torch.float64).tiny).sqrt()).T)
    return replace(cloud, bound=conformal_bound(cloud.distances(held_out), rare))


def conformal_bound(scores: Tensor, rare: float) -> float:
    """Return the bound that a new image exceeds with a given probability at most.

    Args:
        scores: Scores of n held-out images with shape (n,).
        rare: The probability, raised to 1/(n + 1) if it is less.

    Returns:
        The ⌈(n + 1)(1 − rare)⌉-th score in ascending order, at most the last.
    """
    place = math.ceil((len(scores) + 1) * (1 - rare))
    return float(scores.sort().values[min(place, len(scores)) - 1])


@dataclass(frozen=True, eq=False)
class Judge:
    """A feature network with the region of real images.

    Attributes:
        network: The network.
        support: The region of the data in its features.
    """

    network: FeatureNetwork
    support: Support = field(repr=False)


def keep_judge(judge: Judge, data_name: str, shape: tuple[int, int, int]) -> None:
    """Cache a judge, so that later samplings need not make one.

    Args:
        judge: The judge.
        data_name: Name of the image set.
        shape: (C, H, W) of its images.

    Raises:
        UserError: The cache folder cannot be written.
    """
    path = _path(data_name)
    make_folder(path.parent)
    write_atomically(path, pack_judge(judge, shape))


def pack_judge(judge: Judge, shape: tuple[int, int, int]) -> bytes:
    """Serialise a judge without its network, which is identified by its weights.

    Args:
        judge: The judge.
        shape: (C, H, W) of its images.

    Returns:
        A safetensors document.
    """
    support = judge.support
    bounds = torch.tensor([support.energy_bound, support.textures.bound], dtype=torch.float64)
    notes = {
        "format": _FORMAT,
        "digest": judge.network.digest,
        "class_names": json.dumps(support.class_names),
        "shape": json.dumps(shape),
    }
    tensors = {
        "mean": support.textures.mean,
        "whitening": support.textures.whitening,
        "bounds": bounds,
        "real_shares": support.real_shares,
    }
    if support.bands is not None:
        tensors |= {"bands_mean": support.bands.mean, "bands_whitening": support.bands.whitening}
        tensors["bands_bound"] = torch.tensor(support.bands.bound, dtype=torch.float64)
    return pack_tensors(tensors, notes)


def kept_judge(data_name: str, device: torch.device) -> Judge | None:
    """Return the cached judge of an image set, without training and without real images.

    Args:
        data_name: Name of the set.
        device: Where to compute.

    Returns:
        The last cached judge, else the shipped one; None if there is none of this version.

    Raises:
        BadFile: A cached file is damaged.
    """
    path, ships = _path(data_name), shipped(f"{data_name}.safetensors")
    judge = _read(path, data_name, device) if path.exists() else None
    if judge is None and ships is not None:
        return _read(ships, data_name, device)
    return judge


def _read(path: Path, data_name: str, device: torch.device) -> Judge | None:
    tensors, notes = read_tensors(path, _EXPECTED)
    if notes.get("format") != _FORMAT:
        return None
    with reading(path, _EXPECTED):
        names = tuple(str(name) for name in json.loads(notes["class_names"]))
        channels, rows, columns = (int(size) for size in json.loads(notes["shape"]))
        # Earlier versions had no bands of colour images.
        if not names and "bands_mean" not in tensors:
            return None
        energy_bound, bound = (float(value) for value in tensors["bounds"].tolist())
        bands = None
        if not names:
            bands = Cloud(tensors["bands_mean"], tensors["bands_whitening"], float(tensors["bands_bound"]))
        textures = Cloud(tensors["mean"], tensors["whitening"], bound)
        support = Support(energy_bound, textures, bands, names, tensors["real_shares"])
        digest = Path(notes["digest"]).name
    network = network_again(data_name, digest, names, (channels, rows, columns), device)
    return Judge(network, support) if network is not None else None


def _path(data_name: str) -> Path:
    return cache_folder() / "judges" / f"{data_name}.safetensors"
