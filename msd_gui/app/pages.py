"""The pages of the window: one line for each, and a register that builds a page on first access."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from msd_gui.pages import compare, denoise, images, mixture, noise, runs, scores
from msd_gui.pages.base.page import Page
from msd_gui.pages.base.row import Surroundings

# In the order of their buttons; the shortcuts are Ctrl+1, Ctrl+2 and so on.
PAGES = (
    mixture.PAGE,
    images.PAGE,
    denoise.PAGE,
    compare.PAGE,
    runs.PAGE,
    noise.PAGE,
    scores.PAGE,
)


class Pages(Mapping[str, Page]):
    """The pages by name. Access builds a page; `built` does not."""

    def __init__(self, around: Surroundings, adopt: Callable[[str, Page], None]) -> None:
        """Build nothing yet.

        Args:
            around: Arguments of all pages.
            adopt: Called with name and page after each construction.
        """
        self._around = around
        self._adopt = adopt
        self._rows = {row.name: row for row in PAGES}
        self._built: dict[str, Page] = {}

    def __getitem__(self, name: str) -> Page:
        """Return a page, built on first access."""
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
        """Return whether the page exists, without building it."""
        return name in self._rows

    def built(self) -> dict[str, Page]:
        """Return the pages built so far, by name."""
        return dict(self._built)

    def name_of(self, page: Page) -> str:
        """Return the name of a page that was built."""
        return next(name for name, one in self._built.items() if one is page)

    def build_next(self) -> bool:
        """Build one more page.

        Returns:
            Whether more remain.
        """
        missing = [name for name in self._rows if name not in self._built]
        if missing:
            self[missing[0]]
        return len(missing) > 1
