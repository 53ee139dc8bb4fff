"""Compiled code is kept for its sources and its processor, and compiled by a process that ends with the program."""

import ast
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from msd_engine.backend import compiled
from msd_engine.samplers.twin import COMPILED

ROOT = Path(compiled.__file__).parents[2]


def file_of(module):
    return ROOT.joinpath(*module.split(".")).with_suffix(".py")


def imported(module):
    """Return the modules of the engine that a module imports at its head."""
    found = set()
    for node in ast.parse(file_of(module).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module.startswith("msd_engine"):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if file_of(name).is_file() else node.module for name in names}
    return found


@pytest.mark.parametrize("kernel", compiled.KERNELS)
def test_machine_code_depends_on_all_that_a_kernel_imports(kernel):
    assert imported(kernel)
    assert {kernel, *imported(kernel)} <= set(compiled.SOURCES)


@pytest.mark.parametrize("changed", compiled.SOURCES)
def test_a_change_of_any_source_makes_other_machine_code(tmp_path, changed):
    copies = [tmp_path / f"{number}.py" for number in range(len(compiled.SOURCES))]
    for copy, source in zip(copies, compiled.SOURCES, strict=True):
        copy.write_bytes(file_of(source).read_bytes())
    before = compiled.key_of(copies)
    assert before == compiled.key_of(map(file_of, compiled.SOURCES))
    copies[compiled.SOURCES.index(changed)].write_text("changed = True\n", encoding="utf-8")
    assert compiled.key_of(copies) != before


def test_the_modules_are_kept_where_it_is_said():
    assert compiled.kept_in() is not None
    for function in (COMPILED.wait().walk, compiled.PHILOX.wait().fill_normal):
        assert compiled.kept_in() in Path(function.stats.cache_path).parents


def test_the_cache_folder_serves_where_the_sources_cannot_be_written_to(tmp_path, monkeypatch):
    (tmp_path / "__pycache__").write_text("no folder", encoding="utf-8")
    monkeypatch.setattr(compiled, "__file__", str(tmp_path / "compiled.py"))
    monkeypatch.setenv("MSD_CACHE_DIR", str(tmp_path / "cache"))
    assert compiled.kept_in.__wrapped__().parent == tmp_path / "cache"
    monkeypatch.setenv("MSD_CACHE_DIR", str(tmp_path / "__pycache__"))
    assert compiled.kept_in.__wrapped__() is None


@pytest.mark.parametrize("complete", [False, True])
def test_a_process_compiles_only_what_is_to_be_kept_and_is_not_yet(tmp_path, monkeypatch, complete):
    """Without a folder, or with machine code in it, none is started."""
    monkeypatch.setattr(compiled.subprocess, "Popen", lambda *_, **__: pytest.fail("A process was started."))
    monkeypatch.setattr(compiled, "kept_in", lambda: tmp_path if complete else None)
    (tmp_path / "complete").touch()
    compiled._fill()


PROGRAM = """
import os, subprocess, sys, threading
from pathlib import Path
from msd_engine.backend import compiled

compiled.kept_in = lambda: Path(sys.argv[1])
start, started = subprocess.Popen, threading.Event()

def noted(*arguments, **named):
    process = start(*arguments, **named)
    print(process.pid, flush=True)
    started.set()
    return process

subprocess.Popen = noted
compiled.PHILOX.get()
started.wait()
if sys.argv[2] == "killed":
    os._exit(1)
"""


@pytest.mark.parametrize("end", ["closed", "killed"])
def test_the_compiling_process_ends_with_the_program(tmp_path, end):
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), end]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == (end == "killed")
    assert not done.stderr
    _, left = psutil.wait_procs(processes(int(done.stdout)), timeout=60)
    assert all(process.status() == psutil.STATUS_ZOMBIE for process in left)


def processes(pid):
    return [psutil.Process(pid)] if psutil.pid_exists(pid) else []
