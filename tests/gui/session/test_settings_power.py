"""The power goes while Qt writes the settings: those of before or those of now are found, never a piece of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from disk import Op, replay, tree

from msd_gui.session.settings import Settings

CALLS = "openat,write,fsync,fdatasync,rename,linkat,unlink,ftruncate,close"
WRITER = """
import sys
from pathlib import Path
from msd_gui.session.settings import Settings
settings = Settings(Path(sys.argv[1]))
settings.page = sys.argv[2]
settings.sync()
"""
UNNAMED = ".unnamed"
_ESCAPE = re.compile(r"\\x([0-9a-f]{2})")


def write(path: Path, page: str, *before: str) -> subprocess.CompletedProcess[str]:
    """Set the page in a process of its own, as a launch of the program does."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [*before, sys.executable, "-c", WRITER, str(path), page]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def received(text: str) -> bytes:
    return bytes.fromhex("".join(_ESCAPE.findall(text)))


def operations(trace: str, root: Path) -> list[Op]:
    """Return what a process did below a folder, from the calls that strace has written."""
    ops: list[Op] = []
    descriptors: dict[str, tuple[str, int]] = {}
    numbers: dict[str, int] = {}
    sizes: dict[int, int] = {}
    for line in trace.splitlines():
        match = re.match(r"(?:\d+ +)?(\w+)\((.*)\) += (-?\d+)", line)
        if match is None or match[3].startswith("-"):
            continue
        call, given, result = match.groups()
        names = [os.path.relpath(os.fsdecode(received(part)), root) for part in re.findall(r'"([^"]*)"', given)]
        here = [name for name in names if not name.startswith("..")]
        first = given.split(",")[0]
        if call == "openat" and here:
            name = UNNAMED if "O_TMPFILE" in given else here[0]
            number = len(numbers) if name == UNNAMED else numbers.get(name, len(numbers))
            if (name not in numbers and "O_CREAT" in given) or name == UNNAMED:
                ops.append(Op("write", name, number))
            numbers[name] = number
            descriptors[result] = (name, number)
        elif call == "write" and first in descriptors:
            name, number = descriptors[first]
            data = received(re.findall(r'"([^"]*)"', given)[0])
            ops.append(Op("write", name, number, data, sizes.get(number, 0)))
            sizes[number] = sizes.get(number, 0) + len(data)
        elif call in ("fsync", "fdatasync") and first in descriptors:
            ops.append(Op("sync", *descriptors[first]))
        elif call == "linkat" and here:
            numbers[here[-1]] = numbers[UNNAMED]
            ops.append(Op("rename", UNNAMED, numbers[UNNAMED], here[-1]))
        elif call == "rename" and len(here) == 2:
            numbers[here[1]] = numbers.pop(here[0])
            ops.append(Op("rename", here[0], numbers[here[1]], here[1]))
        elif call == "unlink" and here:
            numbers.pop(here[0], None)
            ops.append(Op("remove", here[0]))
        elif call == "close":
            descriptors.pop(first, None)
    return ops


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace, by which is seen what Qt does")
@pytest.mark.parametrize("first", [False, True])
def test_the_power_goes_while_settings_are_written(tmp_path: Path, first: bool) -> None:
    root = tmp_path / "disk"
    root.mkdir()
    if not first:
        assert write(root / "settings.ini", "mixture").returncode == 0
    before = tree(root)
    log = tmp_path / "trace"
    traced = write(root / "settings.ini", "images", "strace", "-f", "-xx", "-s", "1000000", "-e", CALLS, "-o", str(log))
    if traced.returncode:
        pytest.skip("processes cannot be traced here")
    ops = operations(log.read_text(), root)
    assert [op.kind for op in ops].count("sync") >= 1
    assert Settings(root / "settings.ini").page == "images"

    def check(folder: Path, _finished: bool) -> None:
        assert Settings(folder / "settings.ini").page in ("images", "" if first else "mixture")

    states, different = replay(before, ops, check, tmp_path / "replayed")
    assert states >= different > 5
    # Without its fsync a piece of the settings would be found: the check sees that.
    unsafe = [op for op in ops if op.kind != "sync"]
    with pytest.raises(AssertionError):
        replay(before, unsafe, lambda folder, _: is_whole(folder, first), tmp_path / "again")


def is_whole(folder: Path, first: bool) -> None:
    path = folder / "settings.ini"
    assert not path.exists() or path.read_bytes().endswith(b"\n") or (first and not path.read_bytes())
