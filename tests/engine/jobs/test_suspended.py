"""A machine that sleeps, or a process that is stopped, spends no budget in seconds."""

import os
import signal
import subprocess
import sys
import time

import pytest

from msd_engine.events import Finished
from msd_engine.jobs.tools.work_clock import LONGEST_WAIT_S, WorkClock
from msd_engine.jobs.training import train as train_job
from msd_engine.specs import load_preset

STEP_S, BUDGET_S = 0.5, 20.0


class Machine:
    """A clock that moves on by a step each time it is read, and a processor that works as long as it is not asleep."""

    def __init__(self, asleep_at: int, asleep_s: float) -> None:
        self.reads, self.asleep_at, self.asleep_s = 0, asleep_at, asleep_s

    def wall(self) -> float:
        self.reads += 1
        return self.processor() + (self.asleep_s if self.reads > self.asleep_at else 0.0)

    def processor(self) -> float:
        return STEP_S * self.reads


@pytest.mark.parametrize("asleep_s", [0.0, 5.0, 1e6])
def test_a_run_does_not_end_while_the_machine_sleeps(tmp_path, monkeypatch, asleep_s):
    machine = Machine(11, asleep_s)
    monkeypatch.setattr(train_job, "WorkClock", lambda: WorkClock(machine.wall, machine.processor))
    spec = load_preset("ncsn-toy").replace_all({"training.seconds": BUDGET_S, "network.width": 16, "training.batch": 8})
    *_, end = train_job.train(spec, tmp_path / "run", threads=1)
    assert isinstance(end, Finished)
    # The rate falls to its end over the budget: it is spent by steps, but for one longest wait.
    assert end.step >= (BUDGET_S - LONGEST_WAIT_S) / STEP_S - 2
    assert end.elapsed_s == pytest.approx(BUDGET_S, abs=2 * STEP_S)


def test_a_long_step_counts_in_full_where_the_processor_works():
    times = iter([0.0, 30.0])
    assert WorkClock(lambda: next(times), iter([0.0, 25.0]).__next__).lap() == 25.0
    times = iter([0.0, 30.0])
    # Several threads have the processors for longer than the clock goes.
    assert WorkClock(lambda: next(times), iter([0.0, 250.0]).__next__).lap() == 30.0


CHILD = """
import sys
from msd_engine.jobs.tools.work_clock import WorkClock
clock = WorkClock()
print("ready", flush=True)
sys.stdin.readline()
print(clock.lap(), flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="No process can be stopped here.")
def test_a_process_that_is_stopped_is_not_at_work():
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", CHILD], stdin=pipe, stdout=pipe, text=True) as child:
        assert child.stdout.readline() == "ready\n"
        os.kill(child.pid, signal.SIGSTOP)
        time.sleep(LONGEST_WAIT_S + 1)
        os.kill(child.pid, signal.SIGCONT)
        print(file=child.stdin, flush=True)
        assert float(child.stdout.readline()) <= LONGEST_WAIT_S
