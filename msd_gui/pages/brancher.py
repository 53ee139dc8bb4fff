"""Branches of chains: from the kept state that a scrubber shows to the job that goes on from there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Slot

from msd_engine.specs import Branch, ExperimentSpec
from msd_gui.bridge.runner import Runner
from msd_gui.pages.page import Page
from msd_gui.pages.scrubber import Scrubber

Asked = Callable[[], tuple[ExperimentSpec, Path | None] | None]
"""Returns settings and the run whose network is used where they ask for one; None where nothing can be drawn."""


class Brancher(QObject):
    """Lets the chains of a page branch off."""

    def __init__(self, page: Page, runner: Runner, scrubber: Scrubber, asked: Asked) -> None:
        """Connect the scrubber.

        Args:
            page: Owner; its launch makes the job.
            runner: Runs it in the place of the chains that are drawn now.
            scrubber: Shows kept states.
            asked: Returns the present settings.
        """
        super().__init__(page)
        self._page = page
        self._runner = runner
        self._asked = asked
        scrubber.set_branching(True)
        scrubber.branch_asked.connect(self._branch)

    @Slot(object)
    def _branch(self, start: Branch) -> None:
        asked = self._asked()
        if asked is not None:
            spec, run = asked
            self._runner.submit(
                self._page.launch.branch(spec, start, run if spec.sampling.source == "trained" else None)
            )
