"""The number of threads that the settings fix is that of the jobs."""

from __future__ import annotations

import json

import pytest
import torch
from PySide6.QtWidgets import QComboBox, QDialog

from msd_engine.backend.threads import use_threads
from msd_engine.specs import Live, SweepSpec, load_preset
from msd_engine.specs.live import NEVER
from msd_gui.app import create_window
from msd_gui.bridge.engine import Engine
from msd_gui.session.settings import Settings

SMALL = load_preset("ncsn-toy").replace_all({"network.width": 8, "training.batch": 4, "training.steps": 2})


@pytest.fixture(autouse=True)
def threads_before():
    """The tests' own number of threads afterwards."""
    yield
    use_threads()


@pytest.fixture
def engine(tmp_path):
    return Engine(data_dir=lambda: None, runs_dir=lambda: tmp_path, device="cpu", threads=2)


def test_a_training_and_a_comparison_hold_the_number(engine, tmp_path):
    list(engine.train(SMALL, tmp_path / "run")(NEVER, Live()))
    plan = SweepSpec(title="two", base=SMALL, ks=(1,), seeds=(0,), modes=("same-sigma",))
    list(engine.sweep(plan, tmp_path / "sweep")(NEVER, Live()))
    manifests = [tmp_path / "run" / "manifest.json", *(tmp_path / "sweep").glob("**/manifest.json")]
    assert [json.loads(path.read_text())["thread_history"] for path in manifests] == [[[0, 2]]] * 2


def test_jobs_that_may_use_all_threads_use_the_fixed_number_and_others_their_own(engine, monkeypatch):
    def count(*_, **__):
        return iter([torch.get_num_threads()])

    monkeypatch.setattr("msd_gui.bridge.engine.resolve_name", lambda _name: count)
    spec = load_preset("digits-30s")
    assert list(engine.sample(spec)(NEVER, Live())) == [2]
    assert list(engine.sample(spec, beside=True)(NEVER, Live())) == [1]
    assert list(engine.sample(SMALL)(NEVER, Live())) == [1]
    engine.threads = 0
    assert list(engine.sample(spec)(NEVER, Live())) == [1]  # what MSD_THREADS says in these tests


def test_the_window_takes_the_number_from_the_settings_at_once(qtbot, tmp_path, monkeypatch):
    settings = Settings(tmp_path / "settings.ini")
    settings.threads = 3
    window = create_window(settings=settings, runs_dir=tmp_path / "runs")
    assert window.engine.threads == 3

    def choose(dialog):
        dialog.findChild(QComboBox, "settings.threads").setCurrentIndex(0)
        return QDialog.DialogCode.Accepted

    monkeypatch.setattr(QDialog, "exec", choose)
    window.commands["settings"].trigger()
    assert window.engine.threads == 0
    window.close()
