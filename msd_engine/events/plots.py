"""Contents of plots as frozen values: the window paints them on the screen, the engine draws them into files.

A colour is a role, such as ``learned`` or ``exact``, which a palette maps to a colour; ``own N``, the Nth of a few
distinct colours; ``order S``, the place S from 0 to 1 in an order such as that of k; or ``#RRGGBB``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Bounds = tuple[float, float, float, float]
Mark = Literal["line", "dash", "dotted", "dot", "ring", "cross", "arrow", "diamond", "patch"]
LineStyle = Literal["line", "dash", "dotted"]

ORDER_COLOURS = ("#440154", "#21808c", "#86b61a")
"""First, middle and last colour of an order on white: viridis without its light end."""

OWN_COLOURS = 8
"""Number of distinct colours, ``own 1`` and so on."""

LAYERS = ("density", "data", "modes", "exact arrows", "learned arrows", "tails", "heads", "twins", "copies", "moves")
"""Layers of the plane, from back to front."""

NO_POINTS: Array = np.empty((0, 2))
NO_TAILS: Array = np.empty((0, 0, 2))
NO_LOST: Array = np.empty(0, bool)
DENSITY_DEPTH = 10.0
"""A log density this far below its peak counts as zero: exp(-10) is 1/22 000."""

# Arrows of a field each way.
_ARROWS = 15

# Up to this number chains remain readable, however far they leap.
_FEW = 10
LONGEST_STEP = 0.1
"""Longest step of drawn tails, as a fraction of the width or height of the plane."""


@dataclass(frozen=True)
class Key:
    """One entry of a legend.

    Attributes:
        mark: Its mark.
        colour: Colour of the mark.
        words: Its text; σ_eff is typeset with a subscript.
    """

    mark: Mark
    colour: str
    words: str


@dataclass(frozen=True)
class Axis:
    """One axis.

    Attributes:
        name: Its quantity.
        unit: Its unit; empty for none.
        log: Whether it is logarithmic.
        ticks: Its only ticks; empty for automatic ones.
    """

    name: str
    unit: str = ""
    log: bool = False
    ticks: tuple[float, ...] = ()

    @property
    def label(self) -> str:
        """The text beside the axis."""
        return f"{self.name} / {self.unit}" if self.unit else self.name


@dataclass(frozen=True, eq=False)
class Curve:
    """One curve.

    Attributes:
        words: Its name.
        x: Positions, with shape (n,).
        y: Values, with shape (n,); NaN leaves a gap.
        colour: Its colour.
        style: Style of its line.
        low: Lower ends of its spread, with shape (n,); None for no spread.
        high: Upper ends.
        spread: Whether the spread is drawn as bars or as a band.
        dots: Whether its points are marked.
        across: Whether it extends to both edges of the plot.
        framed: Whether the automatic range of the axes includes it.
        notes: Read-out of each point in place of its position; empty for none.
        tag: Text at its last point on the screen, such as ``k = 8``; empty for none.
    """

    words: str
    x: Array
    y: Array
    colour: str = "learned"
    style: LineStyle = "line"
    low: Array | None = None
    high: Array | None = None
    spread: Literal["bars", "band"] = "bars"
    dots: bool = False
    across: bool = False
    framed: bool = True
    notes: tuple[str, ...] = ()
    tag: str = ""


@dataclass(frozen=True, eq=False)
class Curves:
    """Curves on axes.

    Attributes:
        name: Name of the plot.
        x: The horizontal axis.
        y: The vertical axis.
        curves: The curves, from back to front.
        legend: Its entries; None for one per curve.
        growing: Whether more points will follow on the right, so that the axes leave room.
        bounds: Range of the axes, (x least, x most, y least, y most); None for all.
    """

    name: str
    x: Axis
    y: Axis
    curves: tuple[Curve, ...] = ()
    legend: tuple[Key, ...] | None = None
    growing: bool = False
    bounds: Bounds | None = None

    def entries(self) -> tuple[Key, ...]:
        """Return the entries of the legend."""
        if self.legend is not None:
            return self.legend
        return tuple(Key(curve.style, curve.colour, curve.words) for curve in self.curves)


@dataclass(frozen=True, eq=False)
class Bars:
    """Bars with a line across each, such as shares in a sample and the true ones.

    Attributes:
        name: Name of the plot.
        noun: Noun for one bar.
        names: Names of the bars.
        values: Heights of the bars, with shape (n,).
        expected: Heights of the lines, with shape (n,).
        words: Name of the lines.
        colour: Colour of the bars.
    """

    name: str
    noun: str
    names: tuple[str, ...] = ()
    values: Array = field(default_factory=lambda: np.empty(0))
    expected: Array = field(default_factory=lambda: np.empty(0))
    words: str = "true"
    colour: str = "exact"

    def entries(self) -> tuple[Key, ...]:
        """Return the entries of the legend."""
        return (Key("patch", self.colour, "sampled"), Key("line", "text", self.words)) if self.names else ()

    @property
    def top(self) -> float:
        """The greatest height."""
        heights = np.concatenate([self.values, self.expected, [1e-3]])
        return float(heights[np.isfinite(heights)].max())


@dataclass(frozen=True, eq=False)
class Moves:
    """One step of the copies of a chain as two arrows each: drift, then noise.

    Attributes:
        y: The copies before the step, with shape (k, 2).
        drift: What they move without noise, with shape (k, 2).
        noise: What noise adds, with shape (k, 2); NaN where it is not known.
        accepted: Whether the step was made; a rejected proposal leaves the copies where they are.
        share: How much of the step is drawn, from 0 to 1: the drift grows in the first half, the noise in the second.
    """

    y: Array
    drift: Array
    noise: Array
    accepted: bool = True
    share: float = 1.0

    def arrows(self) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        """Return start and end of the arrows of the drift and of those of the noise, each with shape (k, 2)."""
        middle = self.y + self.drift
        grown = min(1.0, 2 * self.share), max(0.0, 2 * self.share - 1)
        return (self.y, self.y + grown[0] * self.drift), (middle, middle + grown[1] * self.noise)


@dataclass(frozen=True, eq=False)
class Plane:
    """Chains in the plane, over the density that they sample.

    Attributes:
        log_density: log p on a grid with shape (rows, columns), row 0 at the smallest x₂; None if unknown.
        density_bounds: Positions of the outermost grid points, (x₁ least, x₁ most, x₂ least, x₂ most).
        data: Draws from the data distribution, with shape (n, 2).
        modes: Means of the modes, with shape (J, 2).
        at: Positions of the scores, with shape (m, 2).
        exact: The exact score there, with shape (m, 2), or None.
        learned: The learned score there, with shape (m, 2), or None.
        tails: The last states of every chain, with shape (n, B, 2), oldest first.
        heads: Positions of the chains, with shape (B, 2).
        copies: The copies of the chosen chain (k, 2), their mean (1, 2) and x̂ (1, 2), or None.
        chosen: The chosen chain, or None.
        colour: Colour of the chains.
        on: The visible layers.
        bounds: Range of the axes, in data units.
        lost: Which chains left the plane, with shape (B,), drawn as rings; empty for none.
        note: Line above the plane in files, such as the moment of an animation.
        twins: The last states of the one-sample twins of the chains, with shape (n, B, 2), oldest first.
        moves: The step of the chosen chain, or None.
    """

    log_density: Array | None = None
    density_bounds: Bounds = (0.0, 1.0, 0.0, 1.0)
    data: Array = field(default_factory=lambda: NO_POINTS)
    modes: Array = field(default_factory=lambda: NO_POINTS)
    at: Array = field(default_factory=lambda: NO_POINTS)
    exact: Array | None = None
    learned: Array | None = None
    tails: Array = field(default_factory=lambda: NO_TAILS)
    heads: Array = field(default_factory=lambda: NO_POINTS)
    copies: tuple[Array, Array, Array] | None = None
    chosen: int | None = None
    colour: str = "exact"
    on: frozenset[str] = frozenset(LAYERS) - {"exact arrows", "learned arrows"}
    bounds: Bounds = (-8.0, 8.0, -8.0, 8.0)
    lost: Array = field(default_factory=lambda: NO_LOST)
    note: str = ""
    twins: Array = field(default_factory=lambda: NO_TAILS)
    moves: Moves | None = None

    @property
    def has_density(self) -> bool:
        """Whether there is a density to show."""
        return self.log_density is not None and bool(np.isfinite(self.log_density).any())

    def entries(self) -> tuple[Key, ...]:
        """Return the entries of the legend, for visible layers with data."""
        copies, lost = self.copies is not None, int(self.lost.sum())
        noise = "noise" if self.moves is None or self.moves.accepted else "noise, rejected"
        rows = (
            ("density", self.has_density, Key("patch", "density", "density")),
            ("data", len(self.data) > 0, Key("dot", "data", "data")),
            ("modes", len(self.modes) > 0, Key("cross", "text", "modes")),
            ("exact arrows", self.exact is not None, Key("arrow", "exact", "exact score")),
            ("learned arrows", self.learned is not None, Key("arrow", "learned", "learned score")),
            ("heads", len(self.heads) > lost, Key("dot", self.colour, "chains ȳ")),
            ("heads", lost > 0, Key("ring", self.colour, f"{lost} of {len(self.heads)} chains beyond 10⁶")),
            ("twins", len(self.twins) > 0, Key("ring", "text", "one-sample twins")),
            ("copies", copies, Key("ring", "chosen", "copies y of the chosen chain")),
            ("copies", copies, Key("dot", "chosen", "their mean ȳ")),
            ("copies", copies, Key("diamond", "text", "x̂")),
            ("moves", self.moves is not None, Key("arrow", self.colour, "drift")),
            ("moves", self.moves is not None, Key("arrow", "text", noise)),
        )
        return tuple(key for layer, known, key in rows if known and layer in self.on)

    def living(self) -> Array:
        """Return which chains are in the plane, with shape (B,)."""
        return ~self.lost if len(self.lost) else np.ones(len(self.heads), bool)

    def density_share(self) -> Array:
        """Return the log density scaled from 0 (`DENSITY_DEPTH` below its peak) to 1, shape (rows, columns)."""
        assert self.log_density is not None
        values = np.where(np.isfinite(self.log_density), self.log_density, -np.inf).astype(np.float32)
        return np.asarray(np.clip((values - values.max()) / DENSITY_DEPTH + 1, 0, 1))

    def scores(self) -> list[tuple[str, Array]]:
        """Return the visible scores by colour, on one scale: their 90th percentile has length 1."""
        known = self.exact if self.exact is not None else self.learned
        if known is None or not len(known):
            return []
        sizes = np.hypot(*np.asarray(known)[np.isfinite(known).all(axis=1)].T)
        unit = (float(np.percentile(sizes, 90)) if len(sizes) else 1.0) or 1.0
        rows = (("exact", self.exact), ("learned", self.learned))
        return [(name, score / unit) for name, score in rows if score is not None and f"{name} arrows" in self.on]

    def readable_tails(self) -> Array:
        """Return the tails after the last long step, with shape (B, m, 2).

        If many chains leap across the view, the lines of their leaps would hide it.
        """
        left, right, low, high = self.bounds
        return readable(self.tails.transpose(1, 0, 2), LONGEST_STEP * min(right - left, high - low))


@dataclass(frozen=True, eq=False)
class Field:
    """Vectors in the plane, as arrows or as a map of their lengths, with lines of equal density.

    Attributes:
        name: Name of the plot.
        words: What the vectors are.
        bounds: Part of the plane, (x₁ least, x₁ most, x₂ least, x₂ most).
        at: Centres of the cells of a square grid over it, with shape (n·n, 2), the row of the least x₂ first.
        vectors: The vectors there, with shape (n·n, 2); None if unknown.
        unit: Length that is drawn as the longest arrow or the full colour.
        style: Whether to draw arrows at a part of the cells, or a map.
        colour: Colour of the arrows, or the full colour of the map.
        contours: Lines of equal density, each with shape (m, 2).
    """

    name: str
    words: str
    bounds: Bounds = (-1.0, 1.0, -1.0, 1.0)
    at: Array = field(default_factory=lambda: NO_POINTS)
    vectors: Array | None = None
    unit: float = 1.0
    style: Literal["arrows", "map"] = "arrows"
    colour: str = "learned"
    contours: tuple[Array, ...] = ()

    @property
    def note(self) -> str:
        """Line above it in files."""
        return self.name

    @property
    def side(self) -> int:
        """Number n of cells each way."""
        return math.isqrt(len(self.at))

    def arrows(self) -> tuple[Array, Array]:
        """Return start points and vectors of few enough arrows, with shape (m, 2), the longest of length 1."""
        if self.vectors is None:
            return NO_POINTS, NO_POINTS
        stride = max(1, round(self.side / _ARROWS))
        # From the middle out, so that the arrows lie evenly in the picture.
        few = slice((self.side // 2) % stride, None, stride)
        at, vectors = (
            part.reshape(self.side, self.side, 2)[few, few].reshape(-1, 2) for part in (self.at, self.vectors)
        )
        return at, vectors / self.unit

    def lengths(self) -> Array:
        """Return the lengths over the unit, at most 1, with shape (n, n), the row of the least x₂ first."""
        assert self.vectors is not None
        return np.asarray(np.clip(np.hypot(*self.vectors.T) / self.unit, 0.0, 1.0)).reshape(self.side, self.side)

    def entries(self) -> tuple[Key, ...]:
        """Return the entries of the legend."""
        lines = (Key("line", "muted", "equal density"),) if self.contours else ()
        if self.vectors is None:
            return lines
        mark: Mark = "arrow" if self.style == "arrows" else "patch"
        words = self.words if self.style == "arrows" else f"‖{self.words}‖, full from {self.unit:.2g}"
        return (Key(mark, self.colour, words), *lines)


Plot = Curves | Bars | Plane | Field


def readable(tails: Array, longest: float) -> Array:
    """Cut off the part of the tails before the last long step.

    Args:
        tails: States with shape (B, n, 2), oldest first.
        longest: Longest readable step, as a median over chains.

    Returns:
        The states from the last long step on, with shape (B, m, 2); all states for few chains.
    """
    if len(tails) <= _FEW:
        return tails
    with np.errstate(invalid="ignore", over="ignore"):
        steps = np.median(np.nan_to_num(np.hypot(*np.diff(tails, axis=1).T)), axis=1)
    leaps = np.flatnonzero(steps > longest)
    return tails[:, leaps[-1] + 1 :] if len(leaps) else tails


def order_colours(values: Sequence[int]) -> dict[int, str]:
    """Return the colours of values, such as several k, by their place in the order."""
    places = sorted(set(values))
    return {value: f"order {place / max(1, len(places) - 1):.4f}" for place, value in enumerate(places)}


def order_keys(values: Sequence[int], noun: str) -> tuple[Key, ...]:
    """Return legend entries for values with the colours of `order_colours`."""
    return tuple(Key("line", colour, f"{noun} = {value}") for value, colour in order_colours(values).items())
