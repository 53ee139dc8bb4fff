"""Where a comparison trains: the choice on its page, and the words while engines with a queue have its runs."""

from __future__ import annotations

import math
import sys
from importlib.util import find_spec

import pytest
from fake_engine import FakeEngine
from hands import WAIT_MS
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFormLayout

from msd_engine.events import ChildStarted, Failed, Finished, Progress, Started, SweepTable
from msd_engine.specs import SpecError
from msd_gui.app import create_window
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.runner import SYNCHRONOUS
from msd_gui.pages.compare.page import ComparePage
from msd_gui.session.settings import Settings


@pytest.fixture
def there(monkeypatch):
    """Libraries and commands that this machine seems to have."""
    found = {"ray": "found", "submitit": "found", "sbatch": "found"}
    monkeypatch.setattr("msd_engine.specs.tables.places.find_spec", found.get)
    monkeypatch.setattr("msd_engine.specs.tables.places.shutil.which", found.get)
    return found


@pytest.fixture
def show(qtbot, monkeypatch, tmp_path, there):
    """Show the page over an engine that emits the given events of a comparison."""
    monkeypatch.setenv(SYNCHRONOUS, "1")

    def shown(*events):
        clock = ScreenClock()
        engine = FakeEngine(sweep=lambda spec, **_: (Started("sweep", "cpu", 2, 0, spec.to_json()), *events))
        engine.new_sweep = lambda _spec: tmp_path / "new"
        page = ComparePage(engine, clock)
        qtbot.addWidget(page)
        page.form.ks.setText("1, 2")
        page.show()
        return page, clock

    return shown


def choose(page, on, detail="", cards=""):
    place = page.form.place
    place.place.setCurrentIndex(place.place.findData(on))
    for line, text in ((place.detail, detail), (place.cards, cards)):
        line.setText(text)
        line.textEdited.emit(text)


def progress(text):
    return Progress(0, 0, math.nan, math.nan, 1.0, math.nan, text)


def table(done):
    return SweepTable((), done, 4, ())


@pytest.mark.parametrize(
    ("on", "detail", "cards", "asked"),
    [
        ("", "", "", ("", None)),
        ("ray", "", "0.5", ("ray", 0.5)),
        ("ray:", " host:6379 ", "", ("ray:host:6379", None)),
        ("slurm", "", "", ("slurm", None)),
        ("slurm", "gpu", "2", ("slurm:gpu", 2.0)),
    ],
)
def test_the_engine_is_asked_for_the_chosen_place(on, detail, cards, asked, show):
    page, _ = show(Finished(0, 1.0, "Done."))
    choose(page, on, detail, cards)
    page.act("train")
    (request,) = [request for request in page.engine.requested if request.job == "sweep"]
    assert (request.arguments["on"], request.arguments["gpus"]) == asked
    # A place without cards forgets those of another.
    choose(page, "")
    assert page.form.place.value() == ("", None)


def test_only_fields_of_the_chosen_place_are_shown(show):
    page, _ = show()
    place, rows = page.form.place, page.form.findChild(QFormLayout)
    seen = {}
    for row in range(place.place.count()):
        place.place.setCurrentIndex(row)
        label = rows.labelForField(place.cards.parentWidget())
        words = label.text() if label.isVisible() else ""
        seen[place.place.itemData(row)] = (words, place.detail.isVisible(), place.cards.isVisible())
        assert place.place.toolTip()
    assert seen.pop("ray") == ("Cards", False, True)
    assert seen.pop("ray:") == ("Address", True, True)
    assert seen.pop("slurm") == ("Partition", True, True)
    assert set(seen.values()) == {("", False, False)}
    choose(page, "slurm", "gpu")
    choose(page, "ray:", "host:1")
    choose(page, "slurm", place.detail.text())
    place.place.setCurrentIndex(place.place.findData("ray:"))
    assert place.detail.text() == "host:1"


@pytest.mark.parametrize(
    ("on", "detail", "cards", "part"),
    [("ray:", "", "", "address"), ("ray", "", "1.5", "fraction"), ("slurm", "", "0.5", "whole cards")],
)
def test_a_choice_that_cannot_be_used_is_told_before_and_at_the_start(on, detail, cards, part, qtbot, show):
    page, _ = show()
    choose(page, on, detail, cards)
    assert part in page.form.cost.text()
    with pytest.raises(SpecError, match=part):
        page.form.place.value()
    with qtbot.waitSignal(page.failed) as told:
        page.act("train")
    assert part in told.args[0]
    assert not [request for request in page.engine.requested if request.job == "sweep"]


def test_places_that_are_not_there_are_grey_and_say_what_brings_them(show, there):
    there.clear()
    page, _ = show()
    box = page.form.place.place
    tips = {}
    for row in range(box.count()):
        on = box.itemData(row)
        tips[on] = box.itemData(row, Qt.ItemDataRole.ToolTipRole) or ""
        assert box.model().item(row).isEnabled() == (not on.startswith(("ray", "slurm")))
    assert "msd-gui[ray]" in tips["ray"]
    assert "msd-gui[ray]" in tips["ray:"]
    assert "msd-gui[slurm]" in tips["slurm"]
    # A choice of an earlier session that is gone is not made again.
    page.form.place.set_texts(["slurm", "gpu", "1"])
    assert page.form.place.value() == ("", None)


def test_no_library_is_imported_to_find_out_whether_it_is_there(show):
    show()
    assert not {"ray", "submitit"} & set(sys.modules)


def test_runs_that_wait_are_told_and_an_error_leaves_the_rest_to_another_place(show):
    words = "1 of 4 runs are trained, 1 in training, 2 waiting"
    lost = Failed("The Ray cluster is lost.")
    page, clock = show(table(0), progress(words), ChildStarted("k1-seed0", 1, 4, 0), table(1), lost)
    told = []
    page.form.place.place.setCurrentIndex(page.form.place.place.findData("ray"))
    shown = page.words.setText
    page.words.setText = lambda text: (told.append(text), shown(text))
    page.act("train")
    clock.tick.emit()
    clock.tick.emit()
    assert f"new, on Ray: {words}." in told
    assert "1 of 4 runs are done" in page.words.text()
    assert "another place" in page.words.text()
    choose(page, "")
    page.act("resume")
    again = page.engine.requested[-1]
    assert (again.job, again.arguments["resume"], again.arguments["on"]) == ("sweep", True, "")


def test_the_place_is_kept_for_the_next_session(show, tmp_path):
    page, _ = show()
    choose(page, "slurm", "gpu", "2")
    settings = Settings(tmp_path / "settings.ini")
    page.keep("compare", settings)
    again, _ = show()
    again.restore("compare", settings)
    assert again.form.place.value() == ("slurm:gpu", 2.0)
    settings.set_place("compare", ["nowhere", "", ""])
    other, _ = show()
    other.restore("compare", settings)
    assert other.form.place.value() == ("", None)


@pytest.mark.long
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
def test_ray_comes_to_the_table_of_this_program_and_pauses(qtbot, tmp_path):
    # Another test may have imported it.
    before = "ray" in sys.modules
    window = create_window(settings=Settings(tmp_path / "settings.ini"), runs_dir=tmp_path / "runs")
    window.show()
    window.show_page("compare")
    page = window.pages["compare"]
    qtbot.waitUntil(lambda: page.can("train"), timeout=WAIT_MS)
    form = page.form
    form.preset.setCurrentIndex(form.preset.findData("ring-8"))
    form.ks.setText("1, 2")
    form.seeds.setText("0")
    form.modes.setCurrentIndex(form.modes.findData("same-sigma"))
    form.unit.setCurrentText("steps")
    form.budget.setText("1000")
    tables = []
    for on in ("", "ray"):
        choose(page, on)
        page.act("train")
        if on:
            qtbot.waitUntil(lambda: "in training" in page.words.text(), timeout=6 * WAIT_MS)
            page.act("pause")
            assert "saved and ended" in page.words.text()
            page.act("pause")
        qtbot.waitUntil(lambda: not page.running and page.shown.latest.done == 2, timeout=6 * WAIT_MS)
        tables.append([(row.k, row.error) for row in page.shown.latest.rows])
    assert tables[0] == tables[1]
    assert ("ray" in sys.modules) == before
    window.close()
