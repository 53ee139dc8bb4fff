"""Progress of the `msd` command: on standard error alone, as a bar or as plain lines."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest

from msd_engine.cli.commands.sweep import SweepAccount
from msd_engine.cli.commands.train import LOSS_WINDOW, TrainAccount
from msd_engine.cli.follow import Bar, PlainLines, Reporter, choose_reporter, follow
from msd_engine.cli.outcome import CutShortError, RefusedError
from msd_engine.events import Event, Failed, Finished, HeldOutLoss, LossPoints, Notice, Progress, Started, Tick


def progress(step: int, total: int = 10) -> Progress:
    return Progress(step=step, total=total, rate=5.0, items_rate=50.0, elapsed_s=step / 5, left_s=7.0, text="Training")


EVENTS: tuple[Event, ...] = (
    Started("train", "cpu", 10, 2, "{}"),
    Notice("The network computes in [float32]."),
    LossPoints(np.array([3, 4]), np.array([1.0, 3.0]), np.array([0.6, 0.8])),
    HeldOutLoss(4, 1.5, 0.8, np.ones(1), np.ones(1), np.full(1, math.nan), math.nan),
    progress(4),
    Tick(),
    progress(8, total=0),
)


@pytest.mark.parametrize("make", [Bar, lambda: PlainLines(every_s=0.0)], ids=["bar", "lines"])
def test_both_report_progress_and_leave_standard_output_alone(
    make: type[Reporter], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with make() as reporter:
        for event in EVENTS:
            reporter.show(event)
    received = capsys.readouterr()
    assert not received.out
    for words in ("train on cpu, from step 2 on", "[float32]", "5/s", "loss 2", "held-out 1.5", "7 s left", "Training"):
        assert words in received.err


def test_plain_lines_are_rare(capsys: pytest.CaptureFixture[str]) -> None:
    with PlainLines(every_s=3600.0) as reporter:
        for step in range(100):
            reporter.show(progress(step))
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_bar_is_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    for terminal, kind in ((True, Bar), (False, PlainLines)):
        monkeypatch.setattr(sys.stderr, "isatty", lambda answer=terminal: answer)
        assert isinstance(choose_reporter(), kind)


def test_the_figures_are_those_of_the_last_steps() -> None:
    account = TrainAccount("run")
    steps = np.arange(1, 5 * LOSS_WINDOW + 1)
    loss = np.where(steps > steps[-1] - LOSS_WINDOW, 2.0, 100.0)
    account.take(LossPoints(steps, loss, steps / 50))
    figures = account.figures()
    assert figures["loss"] == 2.0
    assert figures["step"] == steps[-1]
    assert figures["steps_per_s"] == pytest.approx(50.0)
    assert math.isnan(figures["held_out_loss"])


def test_the_moment_of_a_failure_distinguishes_bad_input_from_a_failed_job() -> None:
    account = TrainAccount("run")
    with pytest.raises(RefusedError, match="Not like this"):
        follow(iter_events(Failed("Not like this.")), account)
    with pytest.raises(CutShortError, match="Broken") as caught:
        follow(iter_events(EVENTS[0], Failed("Broken.")), account)
    assert caught.value.code == 1
    end = Finished(10, 2.0, "Trained.", "run")
    assert follow(iter_events(*EVENTS, end), account) is end


def iter_events(*events: Event):
    yield from events


def test_a_comparison_that_is_stopped_reports_the_time_that_it_has_trained() -> None:
    account = SweepAccount(Path("sweep"))
    account.take(progress(5))
    assert account.figures()["elapsed_s"] == progress(5).elapsed_s > 0
