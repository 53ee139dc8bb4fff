"""Locks where the file system has none, and folders that cannot be read among those that can."""

import errno
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from msd_engine.backend.errors import UserError
from msd_engine.events import Finished, Tick
from msd_engine.jobs.training.train import train
from msd_engine.runs.catalogue import Catalogue
from msd_engine.runs.layout import CLAIM, LOCK, is_held
from msd_engine.runs.locks import SOFT, HeldError, hold, is_locked
from msd_engine.runs.run import Run
from msd_engine.runs.sweeps import SweepFolder
from msd_engine.specs import load_preset
from msd_engine.specs.sweep import SweepSpec

fcntl = pytest.importorskip("fcntl")

SPEC = load_preset("ncsn-toy").replace_all({"training.steps": 3, "training.seconds": 0.0, "network.width": 16})
WITHOUT = sorted({errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})


def refuse(code):
    def flock(_file, _operation):
        raise OSError(code, os.strerror(code))

    return flock


@pytest.fixture(params=WITHOUT, ids=errno.errorcode.get)
def without_locks(request, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", refuse(request.param))


@pytest.mark.filterwarnings("ignore:flock not supported")
@pytest.mark.usefixtures("without_locks")
def test_one_holds_a_lock_that_is_a_file_alone(tmp_path):
    path = tmp_path / "lock"
    assert not is_locked(path)
    with hold(path, 0.1, "held"):
        assert is_locked(path)
        with pytest.raises(HeldError, match="held"), hold(path, 0.01, "held"):
            pass
    assert not is_locked(path)
    with hold(path, 0.1, "held"):
        pass


@pytest.mark.usefixtures("without_locks")
@pytest.mark.filterwarnings("ignore:flock not supported")
def test_a_run_is_trained_resumed_and_listed(tmp_path):
    folder = tmp_path / "runs" / "a"
    assert isinstance(list(train(SPEC, folder))[-1], Finished)
    longer = SPEC.replace("training.steps", 5)
    assert isinstance(list(train(longer, folder, resume=True))[-1], Finished)
    job = train(longer.replace("training.steps", 1000), folder, resume=True)
    assert any(isinstance(event, Tick) for event in job)
    assert is_held(folder)
    again = list(train(longer.replace("training.steps", 1000), folder, resume=True))
    assert "is being trained already" in again[-1].text
    assert [row.status for row in rows(tmp_path / "runs")] == ["running"]
    job.close()
    assert not is_held(folder)
    assert [row.status for row in rows(tmp_path / "runs")] == ["stopped"]


@pytest.mark.usefixtures("without_locks")
@pytest.mark.filterwarnings("ignore:flock not supported")
def test_a_run_of_a_comparison_is_claimed_by_one(tmp_path):
    sweep = SweepFolder.create(tmp_path / "sweep", SweepSpec(base=SPEC, ks=(1, 2), seeds=(0,)))
    name = sweep.spec.children()[0].name
    with sweep.claimed(name) as mine, sweep.claimed(name) as theirs:
        assert (mine, theirs) == (True, False)
    assert not is_locked(sweep.run_folder(name) / CLAIM)
    sweep.widen(SweepSpec(base=SPEC, ks=(4,), seeds=(0,)))
    assert SweepFolder.open(tmp_path / "sweep").spec.ks == (1, 2, 4)


HOLDER = """
import fcntl, os, signal, sys
from pathlib import Path

def flock(_file, _operation):
    raise OSError({code}, "no locks")

fcntl.flock = flock
from msd_engine.runs.locks import hold
with hold(Path(sys.argv[1]), 0.1, "held"):
    print("holds", flush=True)
    signal.pause()
"""


def test_a_lock_is_taken_over_from_a_process_that_was_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", refuse(errno.ENOLCK))
    path = tmp_path / LOCK
    code = HOLDER.format(code=errno.ENOLCK)
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "holds\n"
        assert is_locked(path)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert not is_locked(path)
    with hold(path, 0.1, "held"):
        pass


def test_a_lock_of_another_machine_is_named_with_what_to_remove(tmp_path, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", refuse(errno.ENOLCK))
    soft = tmp_path / f"{LOCK}{SOFT}"
    run = Run.create(tmp_path, SPEC, device="cpu")
    soft.write_text(f"7\nnot-{socket.gethostname()}\n")
    with pytest.raises(HeldError, match=f"is being trained already.* remove .*{soft.name}"), run.locked():
        pass
    assert soft.exists()


def test_another_trouble_with_a_lock_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", refuse(errno.EIO))
    with pytest.raises(UserError, match="Cannot write to"), hold(tmp_path / LOCK, 0.1, "held"):
        pass
    (tmp_path / LOCK).touch()
    assert not is_locked(tmp_path / LOCK)


def rows(root):
    return [found.row for found in Catalogue(root).scan() if found is not None and found.row is not None]


@pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE, errno.EACCES])
@pytest.mark.parametrize("call", ["stat", "scandir", "open"])
def test_a_folder_that_cannot_be_read_hides_no_other(tmp_path, monkeypatch, code, call):
    names = ("a", "bad", "c")
    for name in names:
        Run.create(tmp_path / name, SPEC, device="cpu").set_status("finished")
    bad = str(tmp_path / "bad")
    module, name = {"stat": (os, "stat"), "scandir": (os, "scandir"), "open": (Path, "open")}[call]
    original = getattr(module, name)

    def failing(path=".", *positional, **named):
        if isinstance(path, str | os.PathLike) and str(path).startswith(bad):
            raise OSError(code, os.strerror(code))
        return original(path, *positional, **named)

    monkeypatch.setattr(module, name, failing)
    found = {row.name: row for row in rows(tmp_path)}
    assert {"a", "c"} <= found.keys()
    assert all(found[name].status == "finished" for name in ("a", "c"))
    if "bad" in found and call == "stat":
        assert found["bad"].status == "damaged"
        assert os.strerror(code) in found["bad"].problem


def test_a_whole_folder_of_runs_that_cannot_be_locked_is_listed(tmp_path, monkeypatch):
    for name in "abc":
        run = Run.create(tmp_path / name, SPEC, device="cpu")
        with run.locked():
            pass
    monkeypatch.setattr(fcntl, "flock", refuse(errno.EIO))
    assert [row.status for row in rows(tmp_path)] == ["interrupted"] * 3
