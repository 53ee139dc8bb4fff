"""Runs that lie elsewhere, on the runs page: watched, followed, asked to stop, never trained here."""

from __future__ import annotations

import math

import pytest
from hands import WAIT_MS
from made_runs import SPEC, choose
from PySide6.QtWidgets import QInputDialog

from msd_engine.events import Watched
from msd_engine.runs.run import Run
from msd_gui.app import create_window
from msd_gui.pages.runs.actions import COPIED
from msd_gui.pages.runs.elsewhere import words_of
from msd_gui.session.settings import Settings
from msd_gui.views.runs.cells import CAPTION


@pytest.fixture
def there(tmp_path):
    run = Run.create(tmp_path / "lab" / "far", SPEC, device="cpu")
    run.append_metrics([{"step": n, "held_out": 1 / n, "elapsed_s": n / 2} for n in (1, 2, 3)])
    return run


@pytest.fixture
def page(qtbot, tmp_path, there):
    window = create_window(settings=Settings(tmp_path / "settings.ini"), runs_dir=tmp_path / "runs")
    window.show()
    window.commands["page_runs"].trigger()
    qtbot.waitUntil(lambda: bool(window.page.model.runs), timeout=WAIT_MS)
    yield window.page
    window.close()


def test_a_place_elsewhere_is_watched_until_the_user_leaves_it(qtbot, page, tmp_path, there, monkeypatch):
    monkeypatch.setattr(QInputDialog, "getText", lambda *_a, **_k: (str(tmp_path / "lab"), True))
    assert not page.elsewhere.isVisible()
    page.elsewhere_action.trigger()
    assert page.elsewhere.isVisible()
    qtbot.waitUntil(lambda: [row.name for row in page.model.lines()] == ["far"], timeout=WAIT_MS)
    (row,) = page.model.lines()
    assert (row.status, row.step) == ("running", 3)
    assert page.model.index_of(row.path).data(CAPTION).startswith("a copy  ·  ")
    qtbot.waitUntil(lambda: "1 run, last seen" in page.elsewhere.label.text(), timeout=WAIT_MS)
    choose(qtbot, page, row.path)
    allowed = {name for name, action in page.actions_by_name.items() if action.isEnabled()}
    assert {"ask_checkpoint", "ask_stop", "open"} <= allowed
    assert not {"resume", "discard"} & allowed
    assert COPIED in " ".join(page.actions_by_name["resume"].toolTip().split())
    qtbot.waitUntil(lambda: bool(len(page.chosen_runs.columns())), timeout=WAIT_MS)
    there.append_metrics([{"step": n, "held_out": 1 / n, "elapsed_s": n / 2} for n in (4, 5)])
    qtbot.waitUntil(lambda: len(page.chosen_runs.columns()["1 far step"]) == 5, timeout=WAIT_MS)
    page.actions_by_name["ask_stop"].trigger()
    qtbot.waitUntil((there.folder / "stop.request").exists, timeout=WAIT_MS)
    page.elsewhere.button.click()
    assert not page.elsewhere.isVisible()
    assert page.elsewhere.last == str(tmp_path / "lab")


def test_a_cancelled_question_watches_nothing(page, monkeypatch):
    monkeypatch.setattr(QInputDialog, "getText", lambda *_a, **_k: ("", False))
    page.elsewhere_action.trigger()
    assert not page.elsewhere.isVisible()


def test_the_line_says_when_a_place_was_last_seen_and_why_not_since():
    assert words_of(Watched("sftp://lab/a", "", 0, math.nan)) == "sftp://lab/a: not seen yet …"
    assert words_of(Watched("sftp://lab/a", "", 12, 3.04)) == "sftp://lab/a: 12 runs, last seen 3.0 s ago."
    cut = words_of(Watched("sftp://lab/a", "", 12, 75.0, "sftp://lab/a does not answer."))
    assert cut == "sftp://lab/a does not answer. It was last seen 1:15 min ago. Trying again."
    silent = words_of(Watched("sftp://lab/a", "", 12, 11.0, "It has not answered yet."))
    assert silent == "sftp://lab/a: last seen 11.0 s ago. It has not answered yet. Trying again."
