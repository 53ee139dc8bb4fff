"""Output of a fixed network for images: features, logits, textures, and the distribution of detail over scales."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from msd_engine.metrics.features.spectra import band_energies


@dataclass(frozen=True, eq=False)
class FeatureBatch:
    """Output of a network for n images.

    Attributes:
        features: Features with shape (n, F), float32.
        logits: Logits of the classes with shape (n, classes); no columns if the network knows none of this set.
        textures: Means of the network's maps over the image with shape (n, S), sensitive to noise, blur and line width.
        evidence: log Σ exp of the logits of the network's own training classes, with shape (n,).
        bands: Logarithms of the energies in bands of spatial frequency (`metrics/features/spectra.py`) with shape
            (n, R); None if the textures already detect blur.
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
        """Return the batch of some of the images."""
        bands = None if self.bands is None else self.bands[which]
        return FeatureBatch(self.features[which], self.logits[which], self.textures[which], self.evidence[which], bands)

    @property
    def probabilities(self) -> Tensor:
        """Probabilities of the classes with shape (n, classes)."""
        return self.logits.softmax(dim=1)

    @property
    def class_shares(self) -> Tensor:
        """Share of each predicted class, with shape (classes,), float64."""
        classes = self.logits.shape[1]
        if not classes:
            return torch.zeros(0, dtype=torch.float64)
        return self.logits.argmax(dim=1).bincount(minlength=classes).double() / max(len(self), 1)

    def cpu(self) -> FeatureBatch:
        """Return a copy on the CPU."""
        bands = None if self.bands is None else self.bands.cpu()
        return FeatureBatch(self.features.cpu(), self.logits.cpu(), self.textures.cpu(), self.evidence.cpu(), bands)

    @staticmethod
    def together(parts: list[FeatureBatch]) -> FeatureBatch:
        """Concatenate batches."""
        return FeatureBatch(
            torch.cat([part.features for part in parts]),
            torch.cat([part.logits for part in parts]),
            torch.cat([part.textures for part in parts]),
            torch.cat([part.evidence for part in parts]),
            torch.cat([part.bands for part in parts if part.bands is not None]) if parts[0].bands is not None else None,
        )


@dataclass(frozen=True, eq=False)
class FeatureNetwork:
    """A fixed network for images.

    Attributes:
        name: Description of the features, such as ``MNIST classifier, 128 features``.
        width: F, the length of a feature vector.
        class_names: Name of each class of `probabilities`; empty if it returns None.
        device: Where it computes.
        digest: Identifies its weights.
        batch: Images in one pass.
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
        """Extract the features of images.

        Args:
            x: Images with shape (N, C, H, W), in [-1, 1]; values beyond are clipped.

        Returns:
            The features, float32, on the CPU.
        """
        # Without images, one placeholder gives the shapes.
        some = _bounded(x if len(x) else x.new_zeros(1, *x.shape[1:]))
        batch = [self._extract(part.to(self.device)).cpu() for part in torch.split(some, self.batch)]
        return self.with_bands(FeatureBatch.together(batch), some)[: len(x)]

    def with_bands(self, batch: FeatureBatch, x: Tensor) -> FeatureBatch:
        """Add the energies of bands to a batch, if the network needs them to detect blur.

        Networks for colour images see these small ones enlarged, and were trained to ignore blur.

        Args:
            batch: The features of n images.
            x: These images with shape (n, C, H, W), in [-1, 1]; values beyond are clipped.
        """
        return batch if self.class_names else replace(batch, bands=band_energies(_bounded(x)).cpu())

    def features(self, x: Tensor) -> Tensor:
        """Return the features of images.

        Args:
            x: Images with shape (N, C, H, W), in [-1, 1]; values beyond are clipped.

        Returns:
            Features with shape (N, F), float32, on the CPU.
        """
        return self.extract_features(x).features

    def probabilities(self, x: Tensor) -> Tensor | None:
        """Return the class probabilities of images.

        Args:
            x: Images with shape (N, C, H, W), in [-1, 1]; values beyond are clipped.

        Returns:
            Probabilities with shape (N, classes), float32, on the CPU; None if the network knows no classes of
            this image set.
        """
        return self.extract_features(x).probabilities if self.class_names else None


def _bounded(x: Tensor) -> Tensor:
    """Clip values beyond [-1, 1]; NaN from a chain that blew up becomes grey."""
    return x.float().nan_to_num(0.0).clamp(-1, 1)
