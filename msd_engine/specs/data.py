"""What can be asked of the data: a Gaussian mixture in the plane, or a set of real images."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from msd_engine.specs.base import Spec, param, title_of

MixtureName = Literal["two-gaussians", "ncsn-toy", "ring-8", "grid-25", "custom"]
ImageSetName = Literal["digits", "mnist", "fashion-mnist", "cifar-10"]

IMAGE_SHAPES = {"digits": (1, 8, 8), "mnist": (1, 28, 28), "fashion-mnist": (1, 28, 28), "cifar-10": (3, 32, 32)}
"""Channels, rows and columns of the images of each set."""
IMAGE_TITLES = {"digits": "Digits 8×8", "mnist": "MNIST", "fashion-mnist": "Fashion-MNIST", "cifar-10": "CIFAR-10"}
"""What people call each set."""
MIXTURE_TITLES = {
    "ncsn-toy": "NCSN toy",
    "ring-8": "Ring of 8",
    "grid-25": "Grid of 25",
    "two-gaussians": "Two Gaussians",
}
"""What people call each mixture, where its word does not say it."""


class MixtureSpec(Spec):
    """A Gaussian mixture p(x) = Σ_j w_j N(x; μ_j, Σ_j), by name or written out."""

    kind: Literal["mixture"] = "mixture"
    name: MixtureName = param(
        "ncsn-toy",
        title="Target",
        help="Which Gaussian mixture the chains are to draw from.",
        choices=MIXTURE_TITLES,
    )
    weights: tuple[float, ...] | None = None
    means: tuple[tuple[float, ...], ...] | None = None
    covariances: tuple[tuple[tuple[float, ...], ...], ...] | None = None

    @model_validator(mode="after")
    def _custom_is_whole(self) -> Self:
        parts = (self.weights, self.means, self.covariances)
        if self.name != "custom":
            if any(part is not None for part in parts):
                raise ValueError("data.weights, data.means and data.covariances belong to data.name 'custom' only.")
            return self
        if self.weights is None or self.means is None or self.covariances is None:
            raise ValueError("A custom mixture needs data.weights, data.means and data.covariances.")
        count = len(self.weights)
        if not count or len(self.means) != count or len(self.covariances) != count:
            raise ValueError("data.weights, data.means and data.covariances must have the same length, at least 1.")
        if any(weight <= 0 for weight in self.weights):
            raise ValueError("data.weights must all be positive.")
        dim = len(self.means[0])
        rows = list(self.means) + [row for matrix in self.covariances for row in matrix]
        if not dim or any(len(row) != dim for row in rows) or any(len(m) != dim for m in self.covariances):
            raise ValueError("data.means and data.covariances must agree in dimension.")
        return self

    @property
    def title(self) -> str:
        """What people call it."""
        return title_of(self.name, MIXTURE_TITLES)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of coordinates of a point."""
        return (len(self.means[0]) if self.means else 2,)


class ImagesSpec(Spec):
    """A set of real images, scaled to [-1, 1]."""

    kind: Literal["images"] = "images"
    name: ImageSetName = param(
        "digits",
        title="Data",
        help="Which images to learn: digits (8×8, built in), MNIST, Fashion-MNIST or CIFAR-10 from the data folder.",
        choices=IMAGE_TITLES,
    )
    limit: int = param(
        0,
        title="Use at most",
        unit="images",
        ge=0,
        slider=(0, 60_000),
        help="Train on only the first images of the set; 0 uses all of them.",
    )
    split: Literal["train", "test"] = param(
        "train",
        title="Part of the set",
        help="Which part is the data: the training images, or the test images with the training ones held out.",
    )

    @property
    def title(self) -> str:
        """What people call it."""
        return IMAGE_TITLES[self.name]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of an image."""
        return IMAGE_SHAPES[self.name]


DataSpec = Annotated[MixtureSpec | ImagesSpec, Field(discriminator="kind")]
"""All kinds of data."""
