"""The pages of the window: one line for each, and a register that builds each when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from msd_gui.pages import compare, denoise, images, mixture, runs
from msd_gui.pages.base.page import Page
from msd_gui.pages.base.row import Surroundings

# In the order of their buttons; the shortcuts are Ctrl+1, Ctrl+2 and so on.
PAGES = (
    mixture.PAGE,
    images.PAGE,
    denoise.PAGE,
    compare.PAGE,
    runs.PAGE,
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
