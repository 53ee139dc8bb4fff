"""The copies of one picture, and the effect of a change of the copies beside theory."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QVBoxLayout, QWidget

from msd_engine.events import Copies, Denoised, NoisyPicture
from msd_gui.views.base.rich import SIGMA_EFF
from msd_gui.views.images.tiles import Tile, TilesView
from msd_gui.widgets.controls.numbers import number
from msd_gui.widgets.panels.elided import ElidedLabel
from msd_gui.widgets.panels.readings import Reading

_LOW = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
WORDS = {
    "shuffle": "the same copies in another order",
    "drop": "one dropped",
    "replace": "one replaced by a copy of another image",
}


class CopiesPanel(QWidget):
    """The k copies as drawn, and below them the copies after a change."""

    def __init__(self) -> None:
        super().__init__()
        self.summary = TilesView("ȳ, x̂ and the error")
        self.before = TilesView("The copies")
        self.after = TilesView("The copies after the change")
        self._heads = ElidedLabel("muted"), ElidedLabel("muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.summary, 3)
        column.addWidget(self._heads[0])
        column.addWidget(self.before, 3)
        column.addWidget(self._heads[1])
        column.addWidget(self.after, 3)
        self._show_change(False)

    def show_copies(self, event: Denoised | NoisyPicture, change: str = "none") -> None:
        """Show copies, denoised or not, after a change: a choice of `DenoiseSpec.change`."""
        y, after = (event.copies.y, event.changed) if isinstance(event, Denoised) else (event.y, None)
        k, lost = len(y), set()
        which = f"The {k} copies y₁…y{low(k)}, each" if k > 1 else "The only copy y₁,"
        self._heads[0].setText(f"{which} with noise σ = {number(event.sigma)}")
        if after is not None:
            lost = set(range(k)) - set(after.origin)
            self._heads[1].setText(f"After the change: {WORDS[change]}")
        self.before.set_tiles([Tile(f"y{low(i + 1)}", one, struck=i in lost) for i, one in enumerate(y)])
        self.after.set_tiles(_changed_tiles(after, change) if after is not None else [])
        self._show_change(after is not None)
        self.summary.set_tiles(_summary(event))

    def _show_change(self, on: bool) -> None:
        self._heads[1].setVisible(on)
        self.after.setVisible(on)


def low(value: int) -> str:
    """Format a number as subscript."""
    return str(value).translate(_LOW)


def error_of(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Compute |a − b|, shape (C, H, W), as an image: 0 is black, and 1, half of the range of the data, white."""
    return np.asarray(np.clip(2 * np.abs(a - b) - 1, -1, 1), dtype=np.float32)


def _changed_tiles(after: Copies, change: str) -> list[Tile]:
    tiles = []
    for place, (y, origin) in enumerate(zip(after.y, after.origin, strict=True)):
        new = {"drop": "mean", "replace": "new"}.get(change, "")
        name = f"y{low(origin + 1)}" if origin >= 0 else new
        moved = change == "shuffle" and origin != place
        tiles.append(Tile(name, y, marked=origin < 0 or moved))
    return tiles


def _summary(event: Denoised | NoisyPicture) -> list[Tile]:
    if isinstance(event, NoisyPicture):
        return [Tile("ȳ", event.y_mean, f"error {number(event.error_mean)}")]
    copies, after = event.copies, event.changed
    mean = Tile("ȳ", copies.y_mean, f"error {number(event.error_mean)}")
    wrong = Tile("|x̂ − x|", error_of(copies.x_hat, event.x), f"error {number(event.error)}")
    if after is None:
        return [mean, wrong]
    return [
        mean,
        Tile("ȳ after", after.y_mean, f"moved {number(event.moved_mean, 2)}"),
        Tile("x̂ before", copies.x_hat, f"error {number(event.error)}"),
        Tile("x̂ after", after.x_hat, f"moved {number(event.moved, 2)}", marked=True),
        Tile("|after − before|", error_of(after.x_hat, copies.x_hat)),
    ]


def readings(event: Denoised) -> tuple[Reading, ...]:
    """List σ_eff, the errors of ȳ and x̂, and after a change their moves, beside theory."""
    k = len(event.copies.y)
    rows = [
        Reading("Copies k", str(k), "", "Number of copies in the input of the denoiser."),
        Reading(
            f"{SIGMA_EFF} = σ/√k",
            number(event.sigma_eff),
            "",
            "Noise of ȳ: k copies carry as much information as one with this noise.",
        ),
        Reading(
            "Error of ȳ",
            number(event.error_mean),
            number(event.sigma_eff),
            "Root mean square of ȳ − x over the values of the picture; theory: σ/√k.",
        ),
        Reading(
            "Error of x̂",
            number(event.error),
            "",
            "Root mean square of x̂ − x over the values of the picture. An exact denoiser has, on average, a smaller "
            "error than ȳ on pictures from its own law. Held-out pictures and your own follow another law: at small "
            "noise the exact posterior mean over the training images repeats the nearest of them.",
        ),
    ]
    if event.changed is not None:
        rows += [
            Reading(
                "ȳ moved by",
                number(event.moved_mean, 2),
                number(event.expected_mean, 2),
                "Root mean square over the values of the picture. Theory: 0 shuffled, σ/√(k(k − 1)) with one dropped, "
                "the distance of the two images over k with one replaced.",
            ),
            Reading(
                "x̂ moved by",
                number(event.moved, 2),
                "0" if event.expected_move == 0 else "",
                "Root mean square over the values of the picture. Theory for an exact denoiser: 0 for shuffled copies, "
                "because x̂ depends only on ȳ. Any move of a network is its own error.",
                "warning" if event.expected_move == 0 and event.moved > 1e-4 else "",
            ),
        ]
    return tuple(rows)


def explanation(event: Denoised, change: str) -> str:
    """Describe the denoiser and the theory of a change, a choice of `DenoiseSpec.change`, in a few sentences."""
    words = [f"Denoised by the {event.denoiser}."]
    if event.fixed_k:
        words.append(f"Its input always has k = {event.fixed_k} copies.")
    if change == "shuffle":
        words.append(
            "Theory: x̂ depends on the copies only through their mean ȳ, so their order must not matter."
            + ("" if event.exact else " A network has to learn that: any move of x̂ is its remaining error.")
        )
    elif change == "drop":
        kept = "the k − 1 others" if not event.fixed_k else "the mean of the others in its place"
        words.append(
            f"The denoiser receives {kept}: ȳ loses one kth of its evidence, and {SIGMA_EFF} grows to σ/√(k − 1)."
        )
    elif change == "replace":
        words.append(
            "One copy in k comes from another image: ȳ moves by (x′ − x)/k, and x̂ follows where it is uncertain."
        )
    return " ".join(words)
