"""The lines of the list of runs: searched, put in order, and those of a comparison folded into one.

Sorting the keys of 2 000 runs at once takes two milliseconds; a proxy model that asks Python for every comparison of
two lines would take tenths of a second.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from msd_engine.events import RunRow
from msd_gui.pages.runs.columns import COLUMNS, CREATED
from msd_gui.pages.runs.comparison import Comparison, comparison


class RunLines:
    """All runs, and which lines they make.

    Attributes:
        runs: All runs by their paths.
        found_count: Number of runs that the search lets through.
    """

    def __init__(self) -> None:
        self.runs: dict[str, RunRow] = {}
        self.found_count = 0
        self._words: dict[str, str] = {}
        # Comparisons by their folder, made anew only where one of their runs has changed.
        self._comparisons: dict[str, Comparison] = {}
        # Runs that stand alone and comparisons, newest first; None where that has to be found out.
        self._tops: list[RunRow] | None = None
        # What each line on top stands for: the runs that the search lets through, newest first.
        self._found: dict[str, list[RunRow]] = {}
        self._unfolded: set[str] = set()
        self._folded_in_search: set[str] = set()
        self._search: list[str] = []
        self._column, self._down = CREATED, True

    def take(self, rows: Iterable[RunRow], gone: Iterable[str]) -> None:
        """Take new and changed runs, and forget those that are gone."""
        for row in rows:
            self.runs[row.path] = row
            self._words.pop(row.path, None)
        for path in gone:
            self.runs.pop(path, None)
            self._words.pop(path, None)
        self._tops = None

    def search(self, text: str) -> None:
        """Let through the runs that hold every word of a text."""
        self._search = text.casefold().split()
        self._folded_in_search.clear()

    def sort(self, column: int, *, down: bool) -> None:
        """Put them in the order of a column."""
        self._column, self._down = column, down

    def fold(self, path: str, *, away: bool) -> None:
        """Fold a comparison, or unfold it."""
        if away:
            self._unfolded.discard(path)
            self._folded_in_search.add(path)
        else:
            self._unfolded.add(path)
            self._folded_in_search.discard(path)

    def is_open(self, line: Comparison) -> bool:
        """Return whether the runs of a comparison stand below it.

        One of which a search lets only some runs through shows them, unless it was folded since.
        """
        partly = len(self._found.get(line.path, ())) < len(line.runs)
        return line.path in self._unfolded or (partly and line.path not in self._folded_in_search)

    def runs_of(self, line: RunRow) -> list[RunRow]:
        """Return the runs that a line stands for: itself, or those of a comparison that the search lets through."""
        return list(self._found.get(line.path, ())) if isinstance(line, Comparison) else [line]

    def arranged(self) -> list[RunRow]:
        """Return the lines from top to bottom: runs and comparisons, and below those that are open their runs."""
        tops = self._all_tops()
        self._found = {line.path: found for line in tops if (found := self._let_through(line))}
        self.found_count = sum(map(len, self._found.values()))
        placed: list[RunRow] = []
        for line in self._in_order([line for line in tops if line.path in self._found]):
            placed.append(line)
            if isinstance(line, Comparison) and self.is_open(line):
                placed += self._in_order(self._found[line.path])
        return placed

    def found(self) -> list[RunRow]:
        """Return the runs that the search lets through, in the order of the lines, folded away or not."""
        tops = self._in_order([line for line in self._all_tops() if line.path in self._found])
        return [run for line in tops for run in self._in_order(self._found[line.path])]

    def _let_through(self, line: RunRow) -> list[RunRow]:
        runs = line.runs if isinstance(line, Comparison) else (line,)
        if not self._search:
            return list(runs)
        return [run for run in runs if all(word in self._words_of(run) for word in self._search)]

    def _words_of(self, row: RunRow) -> str:
        words = self._words.get(row.path)
        if words is None:
            words = self._words[row.path] = row.searched
        return words

    def _all_tops(self) -> list[RunRow]:
        if self._tops is None:
            together: dict[str, list[RunRow]] = {}
            tops: list[RunRow] = []
            for row in sorted(self.runs.values(), key=_age):
                if row.sweep:
                    together.setdefault(row.sweep, []).append(row)
                else:
                    tops.append(row)
            self._comparisons = {sweep: self._comparison(sweep, runs) for sweep, runs in together.items()}
            self._tops = sorted((*tops, *self._comparisons.values()), key=_age)
        return self._tops

    def _comparison(self, sweep: str, runs: list[RunRow]) -> Comparison:
        known = self._comparisons.get(sweep)
        if (
            known is None
            or len(known.runs) != len(runs)
            or any(a is not b for a, b in zip(known.runs, runs, strict=True))
        ):
            return comparison(runs)
        return known

    def _in_order(self, rows: list[RunRow]) -> list[RunRow]:
        """Put lines, newest first, in the order that is asked for; what is not known stands at the end."""
        if self._column == CREATED and self._down:
            return rows
        key = COLUMNS[self._column].key
        keys = [key(row) for row in rows]
        # The numbers are sorted in place of the rows: equal runs stay newest first, whatever the direction.
        known = [place for place, value in enumerate(keys) if not _unknown(value)]
        known.sort(key=keys.__getitem__, reverse=self._down)
        unknown = [row for row, value in zip(rows, keys, strict=True) if _unknown(value)]
        return [rows[place] for place in known] + unknown


def _age(row: RunRow) -> float:
    return -row.created if row.created == row.created else math.inf


def _unknown(key: Any) -> bool:
    return bool(key != key) or key == ""
