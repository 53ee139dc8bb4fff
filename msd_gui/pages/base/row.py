"""Declaration of a page: one row in the window's table of pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtGui import QAction

from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.engine import Engine
from msd_gui.pages.base.page import Page
from msd_gui.session.networks import NetworkStore


@dataclass(frozen=True)
class Surroundings:
    """Objects of the window for all pages.

    Attributes:
        engine: Makes the jobs.
        clock: The screen's clock.
        actions: The window's actions, by name.
        networks: Trained and opened networks.
    """

    engine: Engine
    clock: ScreenClock
    actions: Mapping[str, QAction]
    networks: NetworkStore


@dataclass(frozen=True)
class PageRow:
    """One page, before construction.

    Attributes:
        name: Name of the folder; the action and its icon in `msd_gui.theme.icons` are called ``page_<name>``.
        title: Word on the button and in the menu.
        help: One sentence for tooltip and status bar; the folder's ``help.html`` has the rest.
        build: Imports and builds the page.
    """

    name: str
    title: str
    help: str
    build: Callable[[Surroundings], Page]
