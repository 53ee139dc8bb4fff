"""One table of all actions of the program: source of menu, tool bar, shortcuts and help page."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction

from msd_engine.specs.data import IMAGE_TITLES
from msd_gui.app.pages import PAGES
from msd_gui.pages.base.actions import ActionRow, made, set_enabled

DATA_SETS = ("mnist", "fashion-mnist", "cifar-10")

TABLE = (
    ActionRow("open", "File", "Open…", ("Ctrl+O",), "Open a picture, preset, sample file or run folder."),
    ActionRow(
        "open_run", "File", "Open run folder…", ("Ctrl+Shift+O",), "Open the folder of a finished or stopped run."
    ),
    ActionRow(
        "save_spec",
        "File",
        "Save settings as…",
        ("Ctrl+Shift+S",),
        "Write all settings of this page as JSON.",
        begins=True,
    ),
    ActionRow(
        "export", "File", "Export…", ("Ctrl+E",), "Write pictures, plots, curves and chain states.", word="Export"
    ),
    ActionRow("copy_command", "File", "Copy command", ("Ctrl+Shift+C",), "Copy the msd command with the same result."),
    *(
        ActionRow(
            f"download_{name}",
            "File",
            f"Download {IMAGE_TITLES[name]}",
            (),
            f"Download {IMAGE_TITLES[name]} to the data folder.",
            begins=name == DATA_SETS[0],
            glyph="download",
        )
        for name in DATA_SETS
    ),
    ActionRow("settings", "File", "Settings…", ("Ctrl+,",), "Choose folders, colours and device.", begins=True),
    ActionRow("quit", "File", "Quit", ("Ctrl+Q",), "Save running jobs and quit.", begins=True),
    ActionRow("undo", "Edit", "Undo", ("Ctrl+Z",), "Undo the last change of a parameter."),
    ActionRow("redo", "Edit", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "Redo the last undone change."),
    ActionRow(
        "paste",
        "Edit",
        "Paste",
        ("Ctrl+V",),
        "Paste points, x and y in each line, as data; or settings as JSON.",
        begins=True,
    ),
    ActionRow(
        "reset", "Edit", "Reset to preset", (), "Set every parameter of this page to the preset's value.", begins=True
    ),
    ActionRow("train", "Run", "Train", ("T",), "Train a denoiser with these settings.", word="Train"),
    ActionRow("resume", "Run", "Resume training", ("Shift+T",), "Continue the stopped run.", word="Resume"),
    ActionRow("sample", "Run", "Sample", ("S",), "Draw new chains with these settings.", word="Sample"),
    ActionRow(
        "denoise",
        "Run",
        "Denoise with this network",
        ("D",),
        "Open this network on the denoise page.",
        glyph="page_denoise",
    ),
    ActionRow(
        "stop", "Run", "Stop", ("Esc",), "Stop training and sampling; the trained weights are kept.", word="Stop"
    ),
    ActionRow("play", "Run", "Play", ("Space",), "Play or pause the chains.", checkable=True, begins=True),
    ActionRow("step", "Run", "Single step", ("Right",), "Advance by one step."),
    ActionRow("back", "Run", "Step back", ("Left",), "Go one step back."),
    ActionRow("level_on", "Run", "Next level", ("Ctrl+Right",), "Go to the next noise level."),
    ActionRow("level_back", "Run", "Level before", ("Ctrl+Left",), "Go to the start of this level or the one before."),
    ActionRow("restart", "Run", "Restart", ("R",), "Play the chains from their first step."),
    *(
        ActionRow(f"page_{row.name}", "View", row.title, (f"Ctrl+{number}",), row.help, True, row.title)
        for number, row in enumerate(PAGES, 1)
    ),
    ActionRow("home", "View", "Frame the data", ("H",), "Fit the view to all data.", begins=True),
    ActionRow("full_screen", "View", "Full screen", ("F11",), "Use the whole screen.", checkable=True),
    ActionRow("help", "Help", "Help", ("F1",), "Explain this page and list all shortcuts."),
    ActionRow("tour", "Help", "Guided tour", (), "Go to eight stops over the pages, each with one thing to do."),
    ActionRow("about", "Help", "About msd-gui", (), "Version, licence and sources."),
)


class Actions(QObject):
    """The actions of a window, by name."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.by_name = {row.name: made(row, parent) for row in TABLE}

    def __getitem__(self, name: str) -> QAction:
        """Return the action of that name."""
        return self.by_name[name]

    def __iter__(self) -> Iterator[QAction]:
        """Iterate over all actions in the order of the table."""
        return iter(self.by_name.values())

    def set_enabled(self, name: str, enabled: bool, why_not: str = "") -> None:
        """Enable an action, or disable it with the reason in its tooltip.

        Args:
            name: Its name.
            enabled: Whether it can be used.
            why_not: One sentence with the reason; empty for none.
        """
        set_enabled(self.by_name[name], enabled, why_not)

    @staticmethod
    def menus() -> dict[str, list[ActionRow]]:
        """Return the rows by menu, in the order of the table."""
        menus: dict[str, list[ActionRow]] = {}
        for row in TABLE:
            menus.setdefault(row.menu, []).append(row)
        return menus
