"""What can be done with runs, and with which of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from msd_engine.events import RunRow
from msd_engine.specs import ExperimentSpec
from msd_gui.pages.runs.comparison import Comparison
from msd_gui.theme import icon


@dataclass(frozen=True)
class RunAction:
    """One thing that can be done with runs.

    Attributes:
        name: Its name.
        text: What its button says.
        keys: Its shortcut within the list, empty for none.
        help: What it does.
        glyph: Its icon.
    """

    name: str
    text: str
    keys: str
    help: str
    glyph: str


RUN_ACTIONS = (
    RunAction(
        "open",
        "Open",
        "Return",
        "Show the run on its page: settings, and samples from its network. A comparison opens on its own page.",
        "open_run",
    ),
    RunAction(
        "resume",
        "Resume",
        "",
        "Go on training; where the budget is spent, as long again. A run of a comparison goes on with that.",
        "resume",
    ),
    RunAction("compare", "Open comparison", "", "Show the comparison that the run belongs to.", "page_compare"),
    RunAction("denoise", "Denoise with it", "", "Take the network of the run to the denoise page.", "page_denoise"),
    RunAction("duplicate", "Same settings", "", "Take the settings of the run or comparison for a new one.", "copy"),
    RunAction("rename", "Rename", "F2", "Give the run or the comparison a name.", "rename"),
    RunAction("folder", "Open folder", "", "Show its files.", "browse"),
    RunAction(
        "tensorboard",
        "For TensorBoard…",
        "",
        "Write the measurements of the chosen runs as files for TensorBoard.",
        "export",
    ),
    RunAction("discard", "Move to trash", "Delete", "Move the chosen runs to the trash of the system.", "discard"),
)


def made(owner: QWidget, do: Callable[[str], Callable[[], None]]) -> dict[str, QAction]:
    """Make the actions.

    Args:
        owner: Owns them.
        do: Gives what carries out the action of a name.

    Returns:
        The actions by name.
    """
    actions = {}
    for row in RUN_ACTIONS:
        action = QAction(icon(row.glyph), row.text, owner)
        action.setObjectName(f"action.run_{row.name}")
        action.setToolTip(f"{row.help}  ({row.keys})" if row.keys else row.help)
        action.triggered.connect(do(row.name))
        actions[row.name] = action
    return actions


def add_to(view: QWidget, actions: dict[str, QAction]) -> None:
    """Give actions their keys in the list alone: elsewhere on the page they belong to what is being typed."""
    for row in RUN_ACTIONS:
        action = actions[row.name]
        action.setShortcut(QKeySequence(row.keys))
        action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        view.addAction(action)


def possible(lines: Sequence[RunRow], runs: Iterable[RunRow], in_training: Callable[[str], bool]) -> set[str]:
    """Return the names of what can be done now.

    Args:
        lines: The chosen lines.
        runs: The runs that they stand for.
        in_training: Tells whether a run of a comparison, named by its folder, is being trained.

    Returns:
        Names of actions.
    """
    runs = tuple(runs)
    live = any(run.status == "running" for run in runs)
    found = set()
    if runs and not live:
        found.add("discard")
    if runs and all(run.spec_json for run in runs):
        found.add("tensorboard")
    if len(lines) != 1:
        return found
    one = lines[0]
    found.add("folder")
    at_rest = not live and not in_training(one.sweep)
    if one.sweep:
        found.add("compare")
    found.add("rename")
    if isinstance(one, Comparison):
        return found | {"open", "duplicate"} | ({"resume"} if at_rest else set())
    if one.spec_json:
        found |= {"open", "duplicate"} | ({"resume"} if at_rest else set())
        # What has no network yet, or one for points, denoises no pictures.
        if one.parameters and ExperimentSpec.from_json(one.spec_json).data.kind == "images":
            found.add("denoise")
    return found
