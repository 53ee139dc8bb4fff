"""Numbers of plots as files."""

from __future__ import annotations

import csv
import io

import numpy as np

from msd_gui.pages.base.exports import csv_text


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), strict=True))


def test_names_with_commas_and_quotes_stay_names_of_one_column_each():
    x, y = np.array([1.0, 2.0]), np.array([0.1, 1 / 3])
    columns = {"k = 1, seed 0 x": x, "k = 1, seed 0 error": y, 'mine, "best" x': x, 'mine, "best" error': y}
    rows = read(csv_text(columns))
    assert list(rows[0]) == list(columns)
    for name, values in columns.items():
        assert [float(row[name]) for row in rows] == values.tolist()


def test_shorter_columns_end_in_empty_cells():
    rows = read(csv_text({"a": np.array([1, 2]), "b": np.array([0.5])}))
    assert rows == [{"a": "1", "b": "0.5"}, {"a": "2", "b": ""}]
