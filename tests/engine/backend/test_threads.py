"""How many threads compute: a fixed number, or what is quickest and what other programs leave room for."""

from __future__ import annotations

import itertools
import os

import psutil
import pytest
import torch

from msd_engine.backend import threads
from msd_engine.backend.errors import UserError
from msd_engine.backend.threads import (
    FixedThreads,
    Load,
    ThreadChoice,
    fixed_threads,
    quickest,
    threads_to_spare,
    use_threads,
)


@pytest.fixture(autouse=True)
def noted_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """No number fixed; torch notes its number and goes on with one: on a busy machine several would be slow."""
    monkeypatch.delenv("MSD_THREADS")
    count = [torch.get_num_threads()]
    monkeypatch.setattr(torch, "set_num_threads", lambda number: count.__setitem__(0, number))
    monkeypatch.setattr(torch, "get_num_threads", lambda: count[0])


class Machine:
    """Cores of which others use some, and a clock that the test moves.

    Attributes:
        used: Cores that others use.
        measured: What was measured: the largest numbers of threads.
        best: The number that measuring finds quickest, however many there may be.
    """

    rest_s = 0.5

    def __init__(self, cores: int = 2, best: int = 99, first: int = 1) -> None:
        self.cores, self.best = cores, best
        self.used, self.now = 0.0, 100.0
        self.measured: list[int] = []
        self.readings = 0
        self.choice = ThreadChoice(self, cores, lambda: self.now, first=first)  # type: ignore[arg-type]

    def others(self) -> float:
        self.readings += 1
        return self.used

    def quickest(self, most: int) -> int:
        self.measured.append(most)
        return min(self.best, most)

    def begun(self) -> Machine:
        self.choice.begin()
        self.choice.settle(self.quickest)
        return self

    def goes_on(self, seconds: float) -> list[int]:
        """Return the number of threads after each tenth of a second."""
        counts = []
        for _ in range(round(10 * seconds)):
            self.now += 0.1
            before = self.choice.count
            assert self.choice.check() == (self.choice.count != before)
            counts.append(self.choice.count)
        assert torch.get_num_threads() == self.choice.count
        return counts


def test_a_quiet_machine_gives_the_quickest_number():
    for best in (1, 2, 4):
        machine = Machine(8, best).begun()
        assert machine.choice.count == best
        assert not machine.choice.crowded
        assert set(machine.goes_on(20)) == {best}
        assert machine.measured == [8]


def test_beside_another_program_nothing_is_measured_that_would_wait_for_it():
    machine = Machine(2)
    machine.used = 0.9
    machine.begun()
    assert machine.choice.count == 1
    assert machine.choice.crowded
    assert machine.measured == []


def test_what_could_not_be_measured_is_measured_when_the_machine_becomes_quiet():
    machine = Machine(2)
    machine.used = 1.0
    machine.begun()
    assert set(machine.goes_on(10)) == {1}
    machine.used = 0.0
    assert machine.goes_on(2)[-1] == 1
    assert machine.measured == []
    assert machine.goes_on(1)[-1] == 2
    assert machine.measured == [2]


def test_where_one_thread_is_quickest_nobody_is_made_way_for():
    machine = Machine(2, best=1).begun()
    machine.used = 1.9
    assert set(machine.goes_on(5)) == {1}
    assert not machine.choice.crowded
    machine.used = 0.0
    assert set(machine.goes_on(5)) == {1}
    assert machine.measured == [2]


def test_the_number_falls_at_once_and_rises_after_a_quiet():
    machine = Machine(2).begun()
    machine.goes_on(60)
    machine.used = 0.8
    counts = machine.goes_on(1)
    assert counts[5:] == [1] * 5
    assert machine.choice.crowded
    machine.used = 0.1
    counts = machine.goes_on(4)
    assert 20 <= counts.index(2) <= 27
    assert counts.count(1) == counts.index(2)


def test_a_little_load_takes_no_core():
    machine = Machine(4).begun()
    machine.used = 0.25
    assert set(machine.goes_on(5)) == {4}
    machine.used = 0.35
    assert machine.goes_on(1)[-1] == 3
    machine.used = 3.9
    assert machine.goes_on(1)[-1] == 1


def test_a_short_quiet_is_no_reason_to_rise_and_only_what_was_free_all_the_time_is_taken():
    machine = Machine(8).begun()
    machine.used = 7.0
    machine.goes_on(1)
    for used in (0.0, 7.0, 0.0, 7.0):
        machine.used = used
        assert set(machine.goes_on(1.5)) == {1}
    machine.used = 2.0
    machine.goes_on(1.5)
    machine.used = 0.0
    assert machine.goes_on(1.5)[-1] == 6


def test_a_machine_that_changes_all_the_time_is_followed_less_and_less():
    machine = Machine(2).begun()
    counts = []
    for _ in range(100):
        machine.used = 1.0
        counts += machine.goes_on(1)
        machine.used = 0.0
        counts += machine.goes_on(5)
    rises = sum(after > before for before, after in itertools.pairwise(counts))
    assert 2 <= rises <= 4
    machine.goes_on(65)
    assert machine.choice.count == 2
    machine.goes_on(31)
    machine.used = 1.0
    machine.goes_on(1)
    machine.used = 0.0
    assert machine.goes_on(3)[-1] == 2


def test_a_measurement_that_somebody_disturbed_is_not_believed():
    machine = Machine(2)

    def disturbed(most: int) -> int:
        machine.used = 1.0
        return machine.quickest(most)

    machine.choice.begin()
    assert machine.choice.count == 2
    machine.choice.settle(disturbed)
    assert machine.choice.count == 1
    machine.used = 0.0
    machine.choice.settle(machine.quickest)
    assert set(machine.goes_on(2)) == {1}
    assert machine.goes_on(1)[-1] == 2
    assert machine.measured == [2, 2]


def test_more_room_is_measured_only_where_more_threads_may_be_quicker():
    machine = Machine(8, best=6)
    machine.used = 4.0
    machine.begun()
    assert (machine.choice.count, machine.measured) == (4, [4])
    machine.used = 0.0
    assert machine.goes_on(3)[-1] == 6
    assert machine.measured == [4, 8]
    slow = Machine(8, best=3)
    slow.used = 4.0
    slow.begun()
    slow.used = 0.0
    assert slow.goes_on(3)[-1] == 3
    assert slow.measured == [4]


def test_two_trainings_come_to_one_thread_each_and_to_all_when_the_other_ends():
    both = [Machine(2).begun(), Machine(2).begun()]
    for _ in range(300):
        # Each keeps as many cores busy as it has threads, and both share what there is.
        wanted = [machine.choice.count for machine in both]
        given = min(1.0, 2 / sum(wanted))
        for machine, other in zip(both, reversed(wanted), strict=True):
            machine.used = other * given
            machine.goes_on(0.1)
    assert [machine.choice.count for machine in both] == [1, 1]
    both[0].used = 0.0
    assert both[0].goes_on(3)[-1] == 2


def test_the_load_is_read_twice_in_a_second():
    machine = Machine(2).begun()
    before = machine.readings
    machine.goes_on(10)
    assert 15 <= machine.readings - before <= 20


def test_a_fixed_number_never_changes():
    fixed = FixedThreads(2)
    fixed.begin()
    fixed.settle(lambda most: pytest.fail("nothing is to be measured"))
    assert not fixed.check()
    assert not fixed.crowded
    assert (fixed.count, torch.get_num_threads()) == (2, 2)


@pytest.mark.parametrize(("factors", "best"), [({1: 1.0, 2: 0.5, 4: 0.6}, 2), ({1: 1.0, 2: 0.99, 4: 0.98}, 1)])
def test_the_quickest_number_is_found_by_the_clock(factors, best):
    now = [0.0]
    tried: list[int] = []

    def work() -> None:
        tried.append(torch.get_num_threads())
        now[0] += 0.1 * factors[tried[-1]]

    assert quickest(work, 4, lambda: now[0]) == best
    assert sorted(set(tried)) == [1, 2, 4]


def test_threads_that_are_quicker_only_between_interruptions_are_not_taken():
    now, calls = [0.0], [0]

    def work() -> None:
        """With two threads every third call waits for a core that something else has."""
        calls[0] += 1
        alone = torch.get_num_threads() == 1
        now[0] += 0.01 if alone else 0.008 + 0.01 * (calls[0] % 3 == 0)

    assert quickest(work, 2, lambda: now[0]) == 1


def test_a_number_of_threads_that_is_far_too_slow_is_tried_once_in_each_round():
    now = [0.0]
    tried: list[int] = []

    def work() -> None:
        tried.append(torch.get_num_threads())
        now[0] += 7.0 if tried[-1] > 1 else 0.01

    assert quickest(work, 2, lambda: now[0]) == 1
    assert tried.count(2) == 2


def test_the_load_is_what_others_use_of_our_cores(monkeypatch):
    now, own, used = [0.0], [0.0], [0.0, 0.0, 0.0, 0.0]
    core = type(psutil.cpu_times())
    # A guest's time is in the user's, too; who waits for a disk uses no core.
    rest = dict.fromkeys(core._fields, 0.0) | {"guest": 0.5, "idle": 3.0, "iowait": 1.0}

    def cpu_times(*, percpu: bool) -> list[object]:
        return [core(*({**rest, "user": seconds}[name] for name in core._fields)) for seconds in used]

    class Process:
        def cpu_affinity(self) -> list[int]:
            return [1, 3]

    monkeypatch.setattr(threads.psutil, "cpu_times", cpu_times)
    monkeypatch.setattr(threads.psutil, "Process", Process)
    monkeypatch.setattr(threads.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(threads.time, "process_time", lambda: own[0])
    load = Load()
    assert load.cores == 2
    now[0], own[0], used[:] = 2.0, 1.0, [2.0, 2.0, 2.0, 0.5]
    assert load.others() == pytest.approx(0.75)
    now[0], own[0] = 3.0, 2.0
    assert load.others() == 0.0


def test_the_load_of_this_machine_can_be_read():
    load = Load()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert load.cores == cores
    assert load.others() <= cores


def test_a_number_is_fixed_by_the_caller_or_the_environment(monkeypatch):
    assert fixed_threads() == 0
    monkeypatch.setenv("MSD_THREADS", " 3 ")
    assert fixed_threads() == 3
    assert fixed_threads(2) == 2
    use_threads()
    assert torch.get_num_threads() == 3
    use_threads(1)
    assert torch.get_num_threads() == 1


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "²"])
def test_a_number_that_is_none_is_refused(monkeypatch, text):
    monkeypatch.setenv("MSD_THREADS", text)
    with pytest.raises(UserError, match="MSD_THREADS must be a positive whole number"):
        fixed_threads()


def test_a_job_that_begins_with_all_threads_leaves_cores_to_others_and_takes_them_back():
    machine = Machine(2, first=2)
    assert machine.choice.count == torch.get_num_threads() == 2
    machine.used = 1.0
    assert machine.goes_on(0.4)[-1] == 2
    assert machine.goes_on(0.4)[-1] == 1
    machine.used = 0.0
    assert machine.goes_on(6.0)[-1] == 2
    assert machine.measured == []


def test_the_next_job_begins_with_the_threads_that_were_left(monkeypatch):
    monkeypatch.setattr(ThreadChoice, "left", (-1e9, 1))
    use_threads(0)
    torch.set_num_threads(4)
    assert threads_to_spare().count == 4
    monkeypatch.setattr(ThreadChoice, "left", (threads.time.perf_counter(), 1))
    assert threads_to_spare().count == 1


def test_threads_that_the_user_fixed_stay(monkeypatch):
    use_threads(3)
    assert type(threads_to_spare()) is FixedThreads
    use_threads(0)
    torch.set_num_threads(3)
    assert type(threads_to_spare()) is ThreadChoice
    monkeypatch.setenv("MSD_THREADS", "3")
    assert type(threads_to_spare()) is FixedThreads
