"""What stops a training from outside leaves it saved: Ctrl+C, a request to terminate, a terminal that is closed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from msd_engine.runs.run import Run

pytest.importorskip("fcntl")

MSD = Path(sys.executable).with_name("msd")
SMALL = ["--network.width", "16", "--network.embedding", "16", "--batch", "16", "--precision", "float32"]


# Makes standard input the terminal that governs the program.
IN_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)


def begun(words: list[str], folder: Path, **streams: Any) -> subprocess.Popen[str]:
    """Start a training and wait until it trains."""
    process = subprocess.Popen(words, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **streams)
    assert process.stderr is not None
    for line in process.stderr:
        if "/s" in line:
            break
    return process


ENDLESS = [MSD, "train", "--preset", "ncsn-toy", "--out", "run", "--seconds", "600", "--json", *SMALL]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_an_interrupted_training_can_be_resumed(tmp_path: Path, name: str) -> None:
    process = begun(ENDLESS, tmp_path)
    os.kill(process.pid, getattr(signal, name))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    received = json.loads(out)
    assert received["status"] == "interrupted"
    assert received["error"] in err
    assert "msd train --resume run" in err
    assert "Traceback" not in err
    run = Run.open(tmp_path / "run")
    assert run.manifest.status == "stopped"
    assert run.load_state().step == run.load_weights().step == received["step"] > 0


def test_a_training_whose_terminal_is_closed_is_saved(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    words = [sys.executable, "-c", IN_TERMINAL, *ENDLESS]
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), theirs)
    process = subprocess.Popen(words, cwd=tmp_path, start_new_session=True, **streams)
    os.close(theirs)
    observed = b""
    while b"/s" not in observed:
        observed += os.read(ours, 4096)
    # The kernel tells all programs of the terminal that it is gone, and nothing can be written to it any more.
    os.close(ours)
    process.wait(timeout=60)
    run = Run.open(tmp_path / "run")
    assert run.manifest.status == "stopped"
    assert run.load_state().step == run.load_weights().step > 0


def test_a_training_that_was_started_with_nohup_continues(tmp_path: Path) -> None:
    process = begun(["nohup", *ENDLESS], tmp_path, stdin=subprocess.DEVNULL)
    os.kill(process.pid, signal.SIGHUP)
    assert process.stderr is not None
    assert any("/s" in line for line in process.stderr)
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
