"""Files are written whole or not at all, and bad ones are named in one sentence."""

import errno
import io
import os
import stat
from pathlib import Path

import pytest

from msd_engine.backend.errors import BadFile, UserError
from msd_engine.backend.files import make_folder, read_bytes, reading, write_atomically


def test_what_is_written_is_read_back_and_nothing_else_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    for data in (b"old", b"", b"new" * 1000):
        write_atomically(path, data)
        assert read_bytes(path, "a file", limit=len(data)) == data
    assert os.listdir(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_keeps_the_old_file_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "a.bin"
    write_atomically(path, b"old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(UserError, match=r"a\.bin: the disk is full; free some space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_a_write_that_stops_half_way_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.bin"
    write_atomically(path, b"old")

    def die(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", die)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_sentences_say_what_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match="its folder does not exist"):
        write_atomically(tmp_path / "none" / "a", b"")
    with pytest.raises(UserError, match="there is a folder of that name"):
        write_atomically(tmp_path, b"")
    with pytest.raises(UserError, match="there is a file where a folder should be"):
        make_folder(tmp_path / "file" / "deeper")


@pytest.mark.skipif(os.name == "nt", reason="no umask and no links")
def test_umask_and_links_are_respected(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"")
    link.symlink_to(target)
    before = os.umask(0o027)
    try:
        write_atomically(link, b"new")
    finally:
        os.umask(before)
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


@pytest.mark.parametrize("error", [ValueError("x"), EOFError(), MemoryError(), SyntaxError("x"), OSError("no number")])
def test_whatever_a_parser_raises_becomes_one_sentence(error: Exception) -> None:
    with pytest.raises(BadFile, match=r"^here\.x .*a thing") as caught, reading("here.x", "a thing"):
        raise error
    assert caught.value.__cause__ is error


def test_user_errors_and_interrupts_pass_unchanged() -> None:
    for error in (UserError("mine"), BadFile("mine"), KeyboardInterrupt()):
        with pytest.raises(type(error)) as caught, reading("here.x", "a thing"):
            raise error
        assert caught.value is error


def test_reading_is_bounded_and_only_of_regular_files(tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(b"12345")
    with pytest.raises(BadFile, match="larger than 4 bytes"):
        read_bytes(path, "a thing", limit=4)
    with pytest.raises(BadFile, match="is missing; expected a thing"):
        read_bytes(tmp_path / "none", "a thing", limit=4)
    with pytest.raises(BadFile, match="no regular file"):
        read_bytes(tmp_path, "a thing", limit=4)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
@pytest.mark.timeout(10)
def test_a_named_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadFile, match="no regular file"):
        read_bytes(tmp_path / "pipe", "a thing", limit=4)


def test_no_more_room_is_taken_than_a_file_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "small"
    path.write_bytes(b"12345")
    requested: list[int] = []

    class Watched(io.FileIO):
        def read(self, size: int = -1, /) -> bytes:
            requested.append(size)
            return super().read(size)

    monkeypatch.setattr("builtins.open", lambda path, mode: Watched(path, mode))
    assert read_bytes(path, "a thing", limit=2**40) == b"12345"
    assert requested == [6]


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory")]
)
def test_a_sound_file_for_which_there_is_no_memory_is_not_called_damaged(error: Exception) -> None:
    with pytest.raises(BadFile, match="not enough memory") as caught, reading("here.x", "a thing"):
        raise error
    assert "damaged" not in str(caught.value)


@pytest.mark.skipif(os.name == "nt", reason="folders are not flushed")
@pytest.mark.parametrize(("number", "reported"), [(errno.EIO, True), (errno.EINVAL, False)])
def test_a_folder_that_cannot_be_flushed_is_reported_as_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, reported: bool
) -> None:
    fsync = os.fsync

    def failing(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", failing)
    path = tmp_path / "a.bin"
    if reported:
        with pytest.raises(UserError, match=r"a\.bin is written, but the disk does not confirm it"):
            write_atomically(path, b"new")
    else:
        write_atomically(path, b"new")
    assert path.read_bytes() == b"new"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors have no names here")
def test_new_folders_are_flushed_in_those_above_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: flushed.append(os.readlink(f"/proc/self/fd/{descriptor}")))
    make_folder(tmp_path / "one" / "two")
    assert flushed == [str(tmp_path), str(tmp_path / "one")]
    make_folder(tmp_path / "one" / "two")
    assert len(flushed) == 2
