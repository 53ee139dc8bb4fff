"""Numbers of plots as files."""

from __future__ import annotations

import csv
import io

import numpy as np

from msd_gui.pages.base.exports import csv_text
from msd_gui.views.curves.compared import Compared, ComparedView
from msd_gui.views.curves.overlay import Curve, OverlayView


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), strict=True))


def test_names_with_commas_and_quotes_stay_names_of_one_column_each(qtbot):
    names = ("k = 1, seed 0", 'mine, "best"')
    x, y = np.array([1.0, 2.0]), np.array([0.1, 1 / 3])
    compared = ComparedView("Errors", "step", {})
    overlay = OverlayView()
    for view in (compared, overlay):
        qtbot.addWidget(view)
    compared.set_curves([Compared(name, 1, "line", x, y) for name in names])
    overlay.set_curves([Curve(name, x, x / 2, y) for name in names])
    for view in (compared, overlay):
        columns = view.data()
        assert len(columns) == len(set(columns))
        rows = read(csv_text(columns))
        assert list(rows[0]) == list(columns)
        for name, values in columns.items():
            assert [float(row[name]) for row in rows] == values.tolist()
    assert any(names[1] in name for name in overlay.data())


def test_shorter_columns_end_in_empty_cells():
    rows = read(csv_text({"a": np.array([1, 2]), "b": np.array([0.5])}))
    assert rows == [{"a": "1", "b": "0.5"}, {"a": "2", "b": ""}]
