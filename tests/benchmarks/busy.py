"""What a busy machine leaves of a training's speed: alone, beside one busy loop, and two trainings at once.

    python tests/benchmarks/busy.py [--presets digits-30s,ncsn-toy,mnist-2min] [--seconds 10] [--rounds 3]

Each case is run with the threads that the program chooses and with all threads fixed, which was the rule before; alone
also with one. The cases are taken in turns. Speeds are medians over the rounds, in steps per second of each training;
ratios are to the speed alone of the same rule. The machine should have nothing else to do: each case waits for a quiet
second, and where strangers have used a part of a core meanwhile, it is run again, up to so many times.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from msd_engine.backend.threads import Load

Case = tuple[str, int, int]
Child = subprocess.Popen[str]
WARM_S = 4.0
STRANGERS, TRIES, PATIENCE_S = 0.15, 4, 60.0
RULES = {"chosen": "0", "one": "1", "all": "all"}
# Which rule, beside how many busy loops, how many trainings at once.
CASES = [
    ("chosen", 0, 1),
    ("one", 0, 1),
    ("all", 0, 1),
    ("chosen", 1, 1),
    ("all", 1, 1),
    ("chosen", 0, 2),
    ("all", 0, 2),
]


def train_until(preset: str, precision: str, threads: str, folder: Path) -> None:
    """Train in this process until there is a file called stop, then print when each step ended and the threads."""
    import torch

    from msd_engine.events import Failed, Started, Tick
    from msd_engine.jobs.training.train import train
    from msd_engine.runs.run import Run
    from msd_engine.specs import load_preset

    count = torch.get_num_threads() if threads == "all" else int(threads)
    limits = {"training.seconds": 0.0, "training.steps": 10_000_000, "training.precision": precision}
    run = folder / f"run-{os.getpid()}"
    ends = []
    with contextlib.closing(train(load_preset(preset).replace_all(limits), run, threads=count)) as job:
        for event in job:
            match event:
                case Failed():
                    raise SystemExit(event.text)
                case Started():
                    print("ready", flush=True)
                case Tick():
                    ends.append(time.time())
            if (folder / "stop").exists():
                break
    print(json.dumps({"ends": ends, "threads": Run.open(run).manifest.thread_history}))


def case_rates(preset: str, precision: str, case: Case, seconds: float) -> tuple[list[float], list[str], float]:
    """Return steps per second of each training of a case, their threads as `step:count`, and the cores of strangers."""
    rule, loops, trainings = case
    load = Load()
    with tempfile.TemporaryDirectory() as name, busy_loops(loops) as others:
        command = [sys.executable, __file__, "--child", preset, precision, RULES[rule], name]
        children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(trainings)]
        for child in children:
            assert child.stdout is not None
            if child.stdout.readline() != "ready\n":
                raise SystemExit("A training has not begun.")
        time.sleep(WARM_S)
        load.others()
        begin, used_s = time.time(), cpu_s([*children, *others])
        time.sleep(seconds)
        end = time.time()
        strangers = load.others() - (cpu_s([*children, *others]) - used_s) / (end - begin)
        (Path(name) / "stop").touch()
        received = [json.loads(child.communicate()[0]) for child in children]
    rates = [sum(begin < moment <= end for moment in one["ends"]) / (end - begin) for one in received]
    return rates, [" ".join(f"{step}:{count}" for step, count in one["threads"]) for one in received], strangers


def quiet_rates(preset: str, precision: str, case: Case, seconds: float, title: str) -> list[float]:
    """Return the speeds of a case as strangers have disturbed it least; print every try."""
    tries = []
    while len(tries) < TRIES and not (tries and tries[-1][0] < STRANGERS):
        load, begun = Load(), time.monotonic()
        time.sleep(1.0)
        while load.others() > STRANGERS and time.monotonic() - begun < PATIENCE_S:
            time.sleep(1.0)
        found, threads, strangers = case_rates(preset, precision, case, seconds)
        speeds = f"{', '.join(f'{rate:.2f}' for rate in found)} steps/s; {'; '.join(threads)}"
        print(f"{title}{words(case)}: {speeds}; strangers {strangers:.2f}", flush=True)
        tries.append((strangers, found))
    return min(tries)[1]


def cpu_s(processes: Sequence[Child]) -> float:
    """Return for how many seconds processes have computed."""
    return sum(sum(psutil.Process(process.pid).cpu_times()[:2]) for process in processes)


@contextlib.contextmanager
def busy_loops(count: int) -> Iterator[list[Child]]:
    """Let other processes use so many cores."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"], text=True) for _ in range(count)]
    try:
        yield loops
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def processor() -> str:
    """Return the name of the processor."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def words(case: Case) -> str:
    """Return what is done in a case."""
    rule, loops, trainings = case
    company = "beside a busy loop" if loops else "alone" if trainings == 1 else "two at once, each"
    return f"{company:18s} {rule} threads"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presets", default="digits-30s,ncsn-toy,mnist-2min")
    parser.add_argument("--precision", default="float32", help="one for all cases, so that they can be compared")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    wanted = parser.parse_args()
    print(f"{processor()}, {os.cpu_count()} cores; load before: {os.getloadavg()[0]:.1f}", flush=True)
    for preset in wanted.presets.split(","):
        rates: dict[Case, list[float]] = {case: [] for case in CASES}
        for number in range(wanted.rounds):
            for case in CASES:
                rates[case] += quiet_rates(preset, wanted.precision, case, wanted.seconds, f"  round {number + 1}, ")
        medians = {case: statistics.median(found) for case, found in rates.items()}
        print(preset)
        for case in CASES:
            print(f"  {words(case)}: {medians[case]:8.2f} steps/s, ratio {medians[case] / medians[case[0], 0, 1]:.2f}")
        best = max(medians["one", 0, 1], medians["all", 0, 1])
        print(f"  alone, chosen over the best fixed number: {medians['chosen', 0, 1] / best:.2f}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        train_until(*sys.argv[2:5], Path(sys.argv[5]))
    else:
        main()
