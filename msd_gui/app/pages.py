"""The pages of the window: one table of them, and a register that builds each when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from PySide6.QtGui import QAction

from msd_engine.specs import load_preset
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.launch import WindowLaunch
from msd_gui.pages.page import Page
from msd_gui.session.experiment import Experiment
from msd_gui.session.network import LatestNetwork


@dataclass(frozen=True)
class Surroundings:
    """What the window lends to the pages that it builds.

    Attributes:
        launch: Makes their jobs.
        clock: The screen's clock.
        actions: The window's actions, by name.
        network: The network of the images page, which others use too.
    """

    launch: WindowLaunch
    clock: ScreenClock
    actions: Mapping[str, QAction]
    network: LatestNetwork


@dataclass(frozen=True)
class PageRow:
    """One page, before it is built.

    Attributes:
        name: Its action is ``page_<name>``, which also names its icon in `msd_gui.theme.icons`.
        title: Word on its button and in the menu.
        help: One sentence for tooltip and status bar.
        build: Imports and builds the page.
    """

    name: str
    title: str
    help: str
    build: Callable[[Surroundings], Page]


def _mixture(around: Surroundings) -> Page:
    from msd_gui.pages.mixture import MixturePage

    return MixturePage(Experiment(load_preset("ncsn-toy")), around.launch, around.clock, around.actions)


def _images(around: Surroundings) -> Page:
    from msd_gui.pages.images import ImagesPage

    return ImagesPage(Experiment(load_preset("digits-30s")), around.launch, around.clock, around.network)


def _denoise(around: Surroundings) -> Page:
    from msd_gui.pages.denoise import DenoisePage

    spec = load_preset("digits-30s").replace("sampling.source", "exact")
    return DenoisePage(Experiment(spec), around.launch, around.clock, around.network)


def _compare(around: Surroundings) -> Page:
    from msd_gui.pages.compare import ComparePage

    return ComparePage(around.launch, around.clock)


def _runs(around: Surroundings) -> Page:
    from msd_gui.pages.runs import RunsPage

    return RunsPage(around.launch, around.clock)


# In the order of their buttons; the shortcuts are Ctrl+1, Ctrl+2 and so on.
PAGES = (
    PageRow("mixture", "Mixture", "Chains in the plane, with the exact score.", _mixture),
    PageRow("images", "Images", "Train on images and watch them appear.", _images),
    PageRow("denoise", "Denoise", "Draw or open a picture, and see what k noisy copies of it tell.", _denoise),
    PageRow("compare", "Compare", "Train for several k and seeds, and see fairly what the copies bring.", _compare),
    PageRow("runs", "Runs", "Find, compare, note and continue what was trained.", _runs),
)


class Pages(Mapping[str, Page]):
    """The pages by name. Asking for one builds it; `built` asks for none."""

    def __init__(self, around: Surroundings, adopt: Callable[[str, Page], None]) -> None:
        """Build nothing yet.

        Args:
            around: What pages are built with.
            adopt: Called with the name and the page as soon as one is built.
        """
        self._around = around
        self._adopt = adopt
        self._rows = {row.name: row for row in PAGES}
        self._built: dict[str, Page] = {}

    def __getitem__(self, name: str) -> Page:
        """Return a page, which is built at the first time."""
        page = self._built.get(name)
        if page is None:
            page = self._built[name] = self._rows[name].build(self._around)
            self._adopt(name, page)
        return page

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of all pages, in the order of their buttons."""
        return iter(self._rows)

    def __len__(self) -> int:
        """Return the number of pages, built or not."""
        return len(self._rows)

    def __contains__(self, name: object) -> bool:
        """Return whether there is such a page; it is not built for that."""
        return name in self._rows

    def built(self) -> dict[str, Page]:
        """Return the pages that stand already, by name."""
        return dict(self._built)

    def name_of(self, page: Page) -> str:
        """Return the name of a page that stands."""
        return next(name for name, one in self._built.items() if one is page)

    def build_next(self) -> bool:
        """Build one page that does not stand yet.

        Returns:
            Whether there are more to build.
        """
        missing = [name for name in self._rows if name not in self._built]
        if missing:
            self[missing[0]]
        return len(missing) > 1
