"""One row for each page, before it is built; the window's table of pages is made of them."""

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
    """What the window lends to the pages that it builds.

    Attributes:
        engine: Makes their jobs.
        clock: The screen's clock.
        actions: The window's actions, by name.
        networks: Those that were trained or opened, for all pages.
    """

    engine: Engine
    clock: ScreenClock
    actions: Mapping[str, QAction]
    networks: NetworkStore


@dataclass(frozen=True)
class PageRow:
    """One page, before it is built.

    Attributes:
        name: Name of its folder. Its action is ``page_<name>``, which also names its icon in `msd_gui.theme.icons`.
        title: Word on its button and in the menu.
        help: One sentence for tooltip and status bar; the folder's ``help.html`` has the rest.
        build: Imports and builds the page.
    """

    name: str
    title: str
    help: str
    build: Callable[[Surroundings], Page]
