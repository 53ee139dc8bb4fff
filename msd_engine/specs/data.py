"""Settings of the data: a Gaussian mixture or a set of points in the plane, or a set of real images."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import PurePath
from typing import Annotated, Final, Literal, Self, get_args

from pydantic import Field, model_validator

from msd_engine.specs.base import Spec, param, title_of

MixtureName = Literal["two-gaussians", "ncsn-toy", "ring-8", "grid-25", "custom"]
PointsName = Literal["two-moons", "swiss-roll", "checkerboard", "spiral", "rings", "pinwheel", "points"]
ImageSetName = Literal["digits", "shapes", "mnist", "fashion-mnist", "cifar-10", "folder"]

IMAGE_SHAPES = {
    "digits": (1, 8, 8),
    "shapes": (3, 32, 32),
    "mnist": (1, 28, 28),
    "fashion-mnist": (1, 28, 28),
    "cifar-10": (3, 32, 32),
}
"""Channels, rows and columns of the images of each set that has a name."""
IMAGE_TITLES = {
    "digits": "Digits 8×8",
    "shapes": "Shapes",
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "cifar-10": "CIFAR-10",
    "folder": "Your pictures",
}
"""Display titles of the sets."""
MIXTURE_TITLES = {
    "ncsn-toy": "NCSN toy",
    "ring-8": "Ring of 8",
    "grid-25": "Grid of 25",
    "two-gaussians": "Two Gaussians",
}
"""Display titles of mixtures whose word alone is not readable."""
POINT_SETS: Final = frozenset(get_args(PointsName))
"""Names of sets of points: each point is as likely as the others."""
MOST_POINTS: Final = 20_000
"""Largest number of points of a set."""


class MixtureSpec(Spec):
    """Data in the plane: a Gaussian mixture p(x) = Σ_j w_j N(x; μ_j, Σ_j), or a set of points of equal probability.

    Both have a name or are written out: ``custom`` mixtures by weights, means and covariances, ``points`` by points.
    """

    kind: Literal["mixture"] = "mixture"
    name: Literal[MixtureName, PointsName] = param(
        "ncsn-toy",
        title="Target",
        help="What the chains draw from: a Gaussian mixture, or a set of equally likely points.",
        choices=MIXTURE_TITLES | {"points": "Own points"},
    )
    count: int = param(
        500,
        title="Points",
        symbol="n",
        ge=2,
        le=MOST_POINTS,
        slider=(10, 5000),
        scale="log",
        help="Number of points of the set. The exact denoiser knows them all: at small noise chains end on them.",
    )
    points: tuple[tuple[float, float], ...] | None = None
    weights: tuple[float, ...] | None = None
    means: tuple[tuple[float, ...], ...] | None = None
    covariances: tuple[tuple[tuple[float, ...], ...], ...] | None = None

    @property
    def unsaved(self) -> Collection[str]:
        """Names of the fields that documents leave out: those that are absent, and points that are not there."""
        return self.absent.keys() if self.points is not None else {*self.absent, "points"}

    @property
    def identity(self) -> tuple[object, ...]:
        """Key of the data, for numbers that a network drew: its name."""
        return (self.name,)

    @property
    def absent(self) -> Mapping[str, str]:
        """The number of points, where the data are a mixture or points that are written out."""
        if self.name in POINT_SETS - {"points"}:
            return {}
        return {"count": "it belongs to named sets of points"}

    @property
    def is_points(self) -> bool:
        """Whether the data are a set of points."""
        return self.name in POINT_SETS

    @model_validator(mode="after")
    def _points_are_there(self) -> Self:
        if (self.points is not None) != (self.name == "points"):
            raise ValueError("data.points and data.name 'points' belong together.")
        if self.points is not None and not 2 <= len(self.points) <= MOST_POINTS:
            raise ValueError(f"data.points must have 2 to {MOST_POINTS} points, but has {len(self.points)}.")
        return self

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
        """Display title."""
        return title_of(self.name, MIXTURE_TITLES)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of coordinates of a point."""
        return (len(self.means[0]) if self.means else 2,)


class ImagesSpec(Spec):
    """A set of real images, scaled to [-1, 1]: one with a name, or the user's own pictures in a folder or an array."""

    kind: Literal["images"] = "images"
    name: ImageSetName = param(
        "digits",
        title="Data",
        help="Images to learn: digits (8×8) or coloured shapes, both built in; MNIST, Fashion-MNIST or CIFAR-10 from "
        "the data folder; or your own pictures.",
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
        title="Split",
        help="Images used as data: the training images, or the test images with the training images held out.",
    )
    path: str = param(
        "",
        title="Pictures",
        help="Your pictures: a folder, whose subfolders are classes, or one NPY or NPZ file with shape (N, H, W) or "
        "(N, H, W, C).",
    )
    size: int = param(
        32,
        title="Size",
        unit="pixels",
        ge=8,
        le=64,
        slider=(8, 64),
        help="Rows and columns of your pictures after cropping to the central square and scaling by area.",
    )
    channels: Literal["grey", "colour"] = param(
        "colour", title="Colours", help="Learn your pictures in colour, or in grey with a third of the numbers."
    )
    held_out: float = param(
        0.1,
        title="Held out",
        ge=0.01,
        le=0.5,
        slider=(0.02, 0.5),
        help="Share of your pictures that training never sees; held-out losses and comparisons use them.",
    )
    digest: str = Field("", pattern="^([0-9a-f]{64})?$")
    """SHA-256 of the pictures that a run has learned; empty before the training."""

    @model_validator(mode="after")
    def _digest_of_own_pictures(self) -> Self:
        """Forget the checksum of own pictures where the set has a name."""
        if self.name != "folder":
            object.__setattr__(self, "digest", "")
        return self

    @property
    def unsaved(self) -> Collection[str]:
        """Names of the fields that documents leave out: those that are absent, and an empty checksum."""
        return self.absent.keys() if self.digest else {*self.absent, "digest"}

    @property
    def absent(self) -> Mapping[str, str]:
        """The fields of own pictures, where the set has a name."""
        own = ("path", "size", "channels", "held_out")
        return {} if self.name == "folder" else dict.fromkeys(own, "it belongs to data.name 'folder'")

    @property
    def title(self) -> str:
        """Display title."""
        if self.name == "folder" and self.path:
            return PurePath(self.path).name or self.path
        return IMAGE_TITLES[self.name]

    @property
    def identity(self) -> tuple[object, ...]:
        """Key of the set, whatever its part and number of images: its name, its folder and the shape of its images."""
        return self.name, self.path, self.shape

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of an image."""
        if self.name == "folder":
            return (3 if self.channels == "colour" else 1, self.size, self.size)
        return IMAGE_SHAPES[self.name]


DataSpec = Annotated[MixtureSpec | ImagesSpec, Field(discriminator="kind")]
"""All kinds of data."""
