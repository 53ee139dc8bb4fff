"""`torchrun … -m msd_engine.cli train`: one run by several processes, of which any may be killed."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
import torch

from msd_engine.backend.compiled import PHILOX
from msd_engine.cli.commands import train as train_command
from msd_engine.cli.main import main
from msd_engine.jobs.training import train as train_job
from msd_engine.runs.run import Run
from msd_engine.specs import load_preset
from msd_engine.training.trainer import Trainer

STEPS = 12
SMALL = {"network.width": 16, "training.batch": 15, "training.evaluate_every": 5, "training.precision": "float32"}
SPEC = load_preset("ncsn-toy").replace_all(SMALL | {"training.steps": STEPS})

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")


def command(spec: Path, out: Path) -> list[str]:
    return ["train", "--spec", str(spec), "--out", str(out), "--resume", "auto", "--device", "cpu", "--threads", "1"]


def by_ranks(words: list[str], size: int, log: Path, *, victim: int = -1, at: int = -1) -> list[int]:
    """Run the command in several processes, as torchrun does, and return their exit codes.

    Args:
        words: The command.
        size: Number of processes.
        log: Folder for what each of them says.
        victim: Rank of the process that kills itself.
        at: Before this step.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(size)}
    children = []
    for rank in range(size):
        child = os.fork()
        if not child:
            os.environ |= place | {"LOCAL_WORLD_SIZE": str(size), "RANK": str(rank), "LOCAL_RANK": str(rank)}
            with (log / f"rank{rank}.txt").open("w") as said:
                os.dup2(said.fileno(), 1)
                os.dup2(said.fileno(), 2)
            advance = Trainer.advance

            def stopped(trainer: Trainer, elapsed_s: float, rank: int = rank, advance: object = advance) -> object:
                if (rank, trainer.step) == (victim, at):
                    os.kill(os.getpid(), signal.SIGKILL)
                return advance(trainer, elapsed_s)  # type: ignore[operator]

            Trainer.advance = stopped  # type: ignore[method-assign, assignment]
            try:
                os._exit(main(words))
            except SystemExit as ended:
                os._exit(int(str(ended.code)))
            except BaseException:  # noqa: BLE001 - the child must not go on as another pytest
                traceback.print_exc()
            finally:
                os._exit(99)
        children.append(child)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def scenario(name: str, folder: Path, *more: str) -> None:
    """Run a function of this module in a process of its own: one with threads of torch cannot fork and train."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    words = [sys.executable, __file__, name, str(folder), *more]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def assert_equal(one: Path, other: Path) -> None:
    assert one.joinpath("weights.safetensors").exists()
    mine, theirs = (Run.open(run).load_state().tensors for run in (one, other))
    assert all(torch.equal(mine[name], theirs[name]) for name in mine | theirs)


@forks
def test_several_processes_train_what_one_trains(tmp_path: Path) -> None:
    scenario("alone_and_shared", tmp_path)


def alone_and_shared(folder: Path) -> None:
    words = {name: command(folder / "spec.json", folder / name) for name in ("alone", "shared", "again", "three")}
    assert main(words["alone"]) == 0
    for name, size in (("shared", 2), ("again", 2), ("three", 3)):
        assert by_ranks(words[name], size, folder) == [0] * size, (folder / "rank0.txt").read_text()
        said = [(folder / f"rank{rank}.txt").read_text() for rank in range(size)]
        assert f"Each step is computed by {size} processes" in said[0]
        assert said[1:] == [""] * (size - 1)
        assert Run.open(folder / name).manifest.process_history == ((0, size),)
        mine, theirs = (Run.open(folder / run).load_state().tensors for run in ("alone", name))
        off = max(float((mine[name].double() - theirs[name].double()).abs().max()) for name in mine)
        assert off < 1e-5
    assert_equal(folder / "shared", folder / "again")
    # Finished: nothing to do, and nobody is left waiting.
    assert by_ranks(words["shared"], 2, folder) == [0, 0]
    assert "nothing to do" in (folder / "rank0.txt").read_text()


@forks
@pytest.mark.parametrize("kills", [2, pytest.param(10, marks=[pytest.mark.long, pytest.mark.timeout(1800)])])
def test_a_killed_process_ends_the_group_and_the_repeated_command_comes_to_the_same_bits(
    kills: int, tmp_path: Path
) -> None:
    scenario("kill_and_repeat", tmp_path, str(kills))


def kill_and_repeat(folder: Path, kills: str) -> None:
    spec = folder / "spec.json"
    assert by_ranks(command(spec, folder / "whole"), 2, folder) == [0, 0]
    drawn = random.Random(0)
    for number in range(int(kills)):
        words = command(spec, folder / f"run{number}")
        # Rank 0 is the one that writes, so each of them is killed in turn.
        victim, at = number % 2, drawn.randrange(STEPS)
        codes = by_ranks(words, 2, folder, victim=victim, at=at)
        assert (codes[victim], codes[1 - victim]) == (-signal.SIGKILL, 75)
        if victim:
            assert "A process of this training has ended" in (folder / "rank0.txt").read_text()
            # The survivor has saved the steps that all have done.
            assert Run.open(folder / f"run{number}").manifest.step == at
        assert by_ranks(words, 2, folder) == [0, 0], (folder / "rank0.txt").read_text()
        assert_equal(folder / f"run{number}", folder / "whole")


@forks
def test_another_number_of_processes_goes_on_and_says_so(tmp_path: Path) -> None:
    scenario("two_one_two", tmp_path)


def two_one_two(folder: Path) -> None:
    words = command(folder / "spec.json", folder / "run")
    assert by_ranks(words, 2, folder, victim=1, at=4) == [75, -signal.SIGKILL]
    advance, stopped = Trainer.advance, []

    def until_8(trainer: Trainer, elapsed_s: float) -> object:
        if trainer.step == 8 and not stopped:
            stopped.append(True)
            os.kill(os.getpid(), signal.SIGTERM)
        return advance(trainer, elapsed_s)

    Trainer.advance = until_8  # type: ignore[method-assign, assignment]
    assert main(words) == 75
    assert Run.open(folder / "run").manifest.process_history == ((0, 2), (4, 1))
    assert by_ranks(words, 2, folder) == [0, 0]
    assert "It was trained by 1 process before" in (folder / "rank0.txt").read_text()
    assert Run.open(folder / "run").manifest.process_history == ((0, 2), (4, 1), (9, 2))
    assert json.loads((folder / "run" / "manifest.json").read_text())["status"] == "finished"


@forks
def test_a_refusal_of_the_first_process_ends_all(tmp_path: Path) -> None:
    scenario("refused", tmp_path)


def refused(folder: Path) -> None:
    spec = folder / "spec.json"
    assert by_ranks([*command(spec, folder / "run"), "--batch", "1"], 2, folder) == [2, 0]
    assert "2 processes need a batch of at least 2" in (folder / "rank0.txt").read_text()
    assert by_ranks([*command(folder / "none.json", folder / "run")], 2, folder) == [2, 0]
    assert not (folder / "run").exists()


def test_one_process_of_torchrun_trains_as_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    assert not train_command.is_one_of_many()
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert train_command.is_one_of_many()
    monkeypatch.delenv("RANK")
    assert not train_command.is_one_of_many()


@pytest.mark.long
@pytest.mark.timeout(600)
def test_torchrun_restarts_a_killed_process_from_the_checkpoint(tmp_path: Path) -> None:
    spec = tmp_path / "spec.json"
    spec.write_text(SPEC.to_json())
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    killing = tmp_path / "killing.py"
    killing.write_text(
        "import os, signal, sys\n"
        "from msd_engine.cli.main import main\n"
        "from msd_engine.training.trainer import Trainer\n"
        "advance = Trainer.advance\n"
        "def stopped(trainer, elapsed_s):\n"
        "    if os.environ['TORCHELASTIC_RESTART_COUNT'] == '0' and os.environ['RANK'] == '1' and trainer.step == 5:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return advance(trainer, elapsed_s)\n"
        "Trainer.advance = stopped\n"
        "sys.exit(main())\n"
    )
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    for name, program in (("whole", ["-m", "msd_engine.cli"]), ("killed", ["--max-restarts", "3", str(killing)])):
        words = [*start, *program, *command(spec, tmp_path / name)]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert_equal(tmp_path / "whole", tmp_path / "killed")


if __name__ == "__main__":
    # Write a checkpoint at every step, so that a kill loses little.
    train_job.CHECKPOINT_EVERY_S = 0.0  # type: ignore[misc]
    train_job._SIDE_SHARE = 1e9  # type: ignore[misc]
    PHILOX.wait()
    (Path(sys.argv[2]) / "spec.json").write_text(SPEC.to_json())
    globals()[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
