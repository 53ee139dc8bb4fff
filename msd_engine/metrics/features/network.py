"""What a fixed network sees in images: features, logits, textures, and how their detail is spread over scales."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from msd_engine.metrics.features.spectra import band_energies


@dataclass(frozen=True, eq=False)
class FeatureBatch:
    """What a network sees in images.

    Attributes:
        features: Features with shape (n, F), float32.
        logits: Logits of the classes with shape (n, classes); no columns where the network knows none of this set.
        textures: Means of the network's maps over the image with shape (n, S), which tell noise, blur and thickness
            of lines.
        evidence: log Σ exp of the logits of whatever classes the network was trained on, with shape (n,).
        bands: Logarithms of the energies in bands of spatial frequency (`metrics/features/spectra.py`) with shape
            (n, R); None where the textures tell blur themselves.
    """

    features: Tensor
    logits: Tensor
    textures: Tensor
    evidence: Tensor
    bands: Tensor | None = None

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.features)

    def __getitem__(self, which: slice | Tensor) -> FeatureBatch:
        """Return what was seen in some of the images."""
        bands = None if self.bands is None else self.bands[which]
        return FeatureBatch(self.features[which], self.logits[which], self.textures[which], self.evidence[which], bands)

    @property
    def probabilities(self) -> Tensor:
        """Probabilities of the classes with shape (n, classes)."""
        return self.logits.softmax(dim=1)

    @property
    def class_shares(self) -> Tensor:
        """Share of the images that are called each class with shape (classes,), float64."""
        classes = self.logits.shape[1]
        if not classes:
            return torch.zeros(0, dtype=torch.float64)
        return self.logits.argmax(dim=1).bincount(minlength=classes).double() / max(len(self), 1)

    def cpu(self) -> FeatureBatch:
        """Return it on the CPU."""
        bands = None if self.bands is None else self.bands.cpu()
        return FeatureBatch(self.features.cpu(), self.logits.cpu(), self.textures.cpu(), self.evidence.cpu(), bands)

    @staticmethod
    def together(parts: list[FeatureBatch]) -> FeatureBatch:
        """Return several of them as one."""
        return FeatureBatch(
            torch.cat([part.features for part in parts]),
            torch.cat([part.logits for part in parts]),
            torch.cat([part.textures for part in parts]),
            torch.cat([part.evidence for part in parts]),
            torch.cat([part.bands for part in parts if part.bands is not None]) if parts[0].bands is not None else None,
        )


@dataclass(frozen=True, eq=False)
class FeatureNetwork:
    """A fixed network that sees images.

    Attributes:
        name: What the features are, in words, such as ``MNIST classifier, 128 features``.
        width: F, the length of a feature vector.
        class_names: A name for each class that `probabilities` tells apart; empty where it gives None.
        device: Where it computes.
        digest: Tells its weights from all others.
        batch: Images that it sees at a time.
        fid: Whether a Fréchet distance of these features is the FID.
    """

    name: str
    width: int
    class_names: tuple[str, ...]
    device: torch.device
    digest: str
    batch: int
    _extract: Callable[[Tensor], FeatureBatch]
    fid: bool = False

    @torch.no_grad()
    def extract_features(self, x: Tensor) -> FeatureBatch:
        """Look at images.

        Args:
            x: Images with shape (N, C, H, W), in [-1, 1]; values beyond are cut.

        Returns:
            What is seen, float32, on the CPU.
        """
        # Of no images one is looked at, for the shapes.
        some = _bounded(x if len(x) else x.new_zeros(1, *x.shape[1:]))
        batch = [self._extract(part.to(self.device)).cpu() for part in torch.split(some, self.batch)]
        return self.with_bands(FeatureBatch.together(batch), some)[: len(x)]

    def with_bands(self, batch: FeatureBatch, x: Tensor) -> FeatureBatch:
        """Add the energies of bands to what was seen, where the network needs them to tell blur.

        Networks of colour images see these small ones enlarged, and were trained to see through blur.

        Args:
            batch: What was seen in n images.
            x: These images with shape (n, C, H, W), in [-1, 1]; values beyond are cut.

        Returns:
            What was seen, with them.
        """
        return batch if self.class_names else replace(batch, bands=band_energies(_bounded(x)).cpu())

    def features(self, x: Tensor) -> Tensor:
        """Return the features of images.

        Args:
            x: Images with shape (N, C, H, W), in [-1, 1]; values beyond are cut.

        Returns:
            Features with shape (N, F), float32, on the CPU.
        """
        return self.extract_features(x).features

    def probabilities(self, x: Tensor) -> Tensor | None:
        """Return how likely each class is for each image.

        Args:
            x: Images with shape (N, C, H, W), in [-1, 1]; values beyond are cut.

        Returns:
            Probabilities with shape (N, classes), float32, on the CPU; None where the network knows no classes of
            this image set.
        """
        return self.extract_features(x).probabilities if self.class_names else None


def _bounded(x: Tensor) -> Tensor:
    """Cut values beyond [-1, 1]; NaN, which a chain that blew up may hold, is seen as grey."""
    return x.float().nan_to_num(0.0).clamp(-1, 1)
