"""Branches: chains that go on from the moment on the screen with other settings or another seed, beside the first."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QPushButton

from msd_engine.specs import BranchSpec
from msd_gui.pages.base.resolved import ResolvedPage
from msd_gui.pages.mixture.play.player import Player
from msd_gui.pages.mixture.sides import Sides
from msd_gui.theme.tips import wrapped
from msd_gui.views.plane.timeline import Timeline

BRANCH, END = "Branch here", "End branch"
_EXPLAINED = (
    "Keep these chains as A, and let others, B, go on from the state on the screen: at first with the next seed, then "
    "with any settings that you change. The branch is part of the settings: undo, files and msd sample know it."
)


class Branches(QObject):
    """Begins and ends the branch of an experiment.

    Attributes:
        button: Does either.
    """

    def __init__(self, page: ResolvedPage, player: Player, sides: Sides, timeline: Timeline) -> None:
        """Begin without a branch.

        Args:
            page: Its experiment has the branch.
            player: Says which state is shown.
            sides: Keeps the chains before the branch beside the others.
            timeline: Marks the step.
        """
        super().__init__(page)
        self._page, self._player, self._sides, self._timeline = page, player, sides, timeline
        self.button = QPushButton(BRANCH)
        self.button.setObjectName("mixture.branch")
        self.button.setToolTip(wrapped(_EXPLAINED))
        self.button.setEnabled(False)
        self.button.clicked.connect(self.turn)
        player.moved.connect(self.follow)
        page.experiment.changed.connect(self.follow)

    @Slot()
    def turn(self) -> None:
        """Branch from the state on the screen, or end the branch."""
        experiment, shown = self._page.experiment, self._player.buffer.shown
        if experiment.spec.branch is not None:
            self._sides.forget()
            experiment.set(experiment.spec.replace("branch", None))
        elif shown.spec is not None and shown.complete:
            step = int(shown.at(self._player.index).steps[0])
            self._sides.keep(shown)
            branch = BranchSpec(step=step, sampling=shown.spec.sampling)
            experiment.set(shown.spec.replace("branch", branch).with_next_seed())

    @Slot()
    def follow(self) -> None:
        """Say what the button does, and mark the step of the branch."""
        shown, branch = self._player.buffer.shown, self._page.experiment.spec.branch
        self.button.setText(BRANCH if branch is None else END)
        inside = self._player.index >= 0 and int(shown.at(self._player.index).steps[0]) < shown.total
        self.button.setEnabled(branch is not None or (shown.complete and shown.spec is not None and inside))
        self._timeline.set_mark(None if branch is None else branch.step)
