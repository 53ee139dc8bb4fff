"""The shares of the classes: among samples, against real images."""

from __future__ import annotations

from typing import Any, Self

from numpy.typing import NDArray

from msd_gui.theme import Colours
from msd_gui.views.curves.mode_weights import ModeWeightsView

_SHORT = 3


class ClassSharesView(ModeWeightsView):
    """A bar for the share of each class among the samples, a line across it for its share among real images.

    Args:
        colours: Colours to keep whatever the theme; None follows the theme.
    """

    heading = "Shares of the classes, sampled and real"
    noun = "class"
    true_word = "real"

    def __init__(self, colours: Colours | None = None) -> None:
        self._names: tuple[str, ...] = ()
        super().__init__(colours)
        self.set_learned(True)

    def set_shares(self, names: tuple[str, ...], sampled: NDArray[Any], real: NDArray[Any]) -> None:
        """Shows the shares.

        Args:
            names: Names of the classes.
            sampled: Share of the samples that a classifier calls each class, with shape (classes,).
            real: The same for real images, with shape (classes,).
        """
        if names != self._names:
            self._names = names
            self._true = real
            self.frame()
        self.set_weights(sampled, real)

    def copy(self, colours: Colours) -> Self:
        """A copy for a picture in fixed colours."""
        made = super().copy(colours)
        made._names = self._names
        made.frame()
        return made

    def readout_at(self, x: float, y: float) -> str:
        """The shares of the class under the mouse, by its whole name."""
        found = super().readout_at(x, y)
        place = round(x)
        if found and place <= len(self._names):
            return found.replace(f" {self._name(place)} ", f" {self._names[place - 1]} ", 1)
        return found

    def _name(self, mode: int) -> str:
        return self._names[mode - 1][:_SHORT] if mode <= len(self._names) else str(mode)
