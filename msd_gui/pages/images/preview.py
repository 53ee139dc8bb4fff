"""A preview of the chains while a slider is dragged: a few chains down a short ladder, to its end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Slot

from msd_engine.events import Event, ImageFrame, Progress
from msd_engine.specs import ExperimentSpec
from msd_gui.bridge.engine import Engine
from msd_gui.pages.base.page import GRACE_MS, Page
from msd_gui.pages.sampling.gallery import Gallery

PREVIEW_CHAINS, FEWEST_CHAINS = 16, 4
"""Most and fewest chains of a preview."""
PREVIEW_S = 0.5
FEWEST_STEPS = 8
"""With fewer steps a ladder leaves blurs alone."""
# Larger steps than those of the settings keep the chains' path per level; far enough from the wall.
LARGEST_RATIO = 0.5
# Image chains need more time than chains in the plane.
_GRACE_MS = 2 * GRACE_MS


def short(spec: ExperimentSpec, pace: float) -> ExperimentSpec:
    """Return settings of a preview: fewer chains and levels between the same ends, with steps that settle best.

    Args:
        spec: The settings.
        pace: Steps of one chain that are computed in a second; 0 if unknown.
    """
    sampling = spec.sampling
    affordable = pace * PREVIEW_S
    chains = min(sampling.chains, PREVIEW_CHAINS, max(FEWEST_CHAINS, int(affordable / FEWEST_STEPS)))
    budget = max(FEWEST_STEPS, int(affordable / chains))
    few = spec.replace("sampling.chains", chains)
    if budget >= sampling.total_steps:
        return few
    if sampling.method == "fixed":
        return few.replace("sampling.steps_per_level", budget)
    if sampling.glides or not sampling.has_step:
        return few.replace_all({"sampling.levels": budget + sampling.glides, "sampling.steps_per_level": 1})

    def ratio(levels: int, steps: int) -> float:
        same_path = sampling.step_ratio * sampling.total_steps / (levels * steps)
        return max(sampling.step_ratio, min(same_path, LARGEST_RATIO))

    def leftover(steps: int) -> float:
        """Noise of one level that is left at the end of the next, over the noise there."""
        levels = budget // steps
        gamma = (sampling.sigma_1 / sampling.sigma_L) ** (1 / (levels - 1))
        return float(gamma * abs(1 - ratio(levels, steps)) ** steps)

    steps = min(range(1, budget // 2 + 1), key=leftover)
    levels = budget // steps
    values = {"sampling.levels": levels, "sampling.steps_per_level": steps, "sampling.step_ratio": ratio(levels, steps)}
    return few.replace_all(values)


class Preview(QObject):
    """Draw previews into the gallery of a page, over its dimmed last chains."""

    def __init__(
        self,
        page: Page,
        engine: Engine,
        gallery: Gallery,
        drawable: Callable[[], tuple[ExperimentSpec, Path | None] | None],
    ) -> None:
        """Create a runner on the page; `drawable` returns the settings with the run to sample from, or None."""
        super().__init__(page)
        self._engine, self._gallery, self._drawable = engine, gallery, drawable
        self._runner = page.runner(self._show)
        self._pace = 0.0
        self.shown = False

    def measure(self, event: Progress) -> None:
        """Learn the pace of chains."""
        if event.items_rate > 0:
            self._pace = event.items_rate

    def draw(self) -> None:
        """Draw a preview of the present settings; a running one may end first."""
        drawable = self._drawable()
        if drawable is None:
            return
        if not self.shown:
            self.shown = True
            self._gallery.begin_preview()
        spec, run = drawable
        self._runner.submit(self._engine.chain_task("draw", short(spec, self._pace), run), grace_ms=_GRACE_MS)

    def end(self) -> None:
        """End the previews, and show the last chains again."""
        self._runner.drop()
        if self.shown:
            self.shown = False
            self._gallery.end_preview()

    @Slot(object)
    def _show(self, event: Event) -> None:
        match event:
            case ImageFrame() if self.shown:
                self._gallery.show_preview(event)
            case Progress():
                self.measure(event)
            case _:
                pass
