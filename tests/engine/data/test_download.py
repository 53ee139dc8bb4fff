"""Downloads from a small server in the test itself: mirrors, hashes, broken connections, closing."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from image_files import cifar_bytes, write_idx_set

from msd_engine.backend.errors import UserError
from msd_engine.data import download as downloading
from msd_engine.data import sources
from msd_engine.data.cifar import TEST_FILE, TRAIN_FILES
from msd_engine.data.download import download_images
from msd_engine.data.images import load_images
from msd_engine.data.sources import SOURCES, RemoteFile, Source
from msd_engine.events import Failed, Finished, Progress, Started
from msd_engine.jobs.files.download import download
from msd_engine.specs import ImagesSpec


class Mirror:
    """A server of some files that misbehaves on request."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.cut_after: int | None = None
        self.ignores_range = False
        self.tells_length = True
        self.requests: list[tuple[str, str | None]] = []
        self.gate = threading.Event()
        self.gate.set()
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirror.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        wanted = handler.headers.get("Range")
        self.requests.append((handler.path, wanted))
        data = self.files.get(handler.path.lstrip("/"))
        if data is None:
            handler.send_error(404)
            return
        partial = wanted is not None and not self.ignores_range
        body = data[int(wanted.removeprefix("bytes=").rstrip("-")) :] if partial and wanted else data
        handler.send_response(206 if partial else 200)
        if self.tells_length:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        half = len(body) if self.cut_after is None else self.cut_after
        handler.wfile.write(body[:half])
        handler.wfile.flush()
        self.gate.wait(20)


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    mirror = Mirror()
    yield mirror
    mirror.gate.set()
    mirror.server.shutdown()
    mirror.server.server_close()


def remote(name: str, data: bytes) -> RemoteFile:
    return RemoteFile(name, len(data), hashlib.md5(data).hexdigest())


@pytest.fixture
def mnist(tmp_path: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> Source:
    """A small set in place of MNIST, served by the mirror."""
    write_idx_set(tmp_path / "served")
    names = [file.name for file in SOURCES["mnist"].files]
    mirror.files = {name: (tmp_path / "served" / name).read_bytes() for name in names}
    source = Source(tuple(remote(name, data) for name, data in mirror.files.items()), (mirror.address,))
    monkeypatch.setitem(sources.SOURCES, "mnist", source)
    return source


def test_a_downloaded_set_loads_and_is_not_downloaded_again(tmp_path: Path, mirror: Mirror, mnist: Source) -> None:
    received: list[tuple[int, int, str]] = []
    folder = download_images("mnist", tmp_path, report=lambda *now: received.append(now))
    assert folder == tmp_path / "mnist"
    assert sorted(os.listdir(folder)) == sorted(mirror.files)
    assert len(load_images(ImagesSpec(name="mnist"), tmp_path).train) == 7
    total = sum(file.size for file in mnist.files)
    assert received[-1][:2] == (total, total)
    assert [here for here, *_ in received] == sorted(here for here, *_ in received)
    wanted = len(mirror.requests)
    download_images("mnist", tmp_path)
    assert len(mirror.requests) == wanted


def test_mirrors_are_tried_in_order(tmp_path: Path, mirror: Mirror, mnist: Source) -> None:
    download_images("mnist", tmp_path, mirrors=["http://127.0.0.1:9/", f"{mirror.address}none", mirror.address])
    assert len(load_images(ImagesSpec(name="mnist"), tmp_path).test) == 3
    # Nobody listens at the first, the second has no such file, the third gives it.
    first = mnist.files[0].name
    assert [path for path, _ in mirror.requests[:2]] == [f"/none/{first}", f"/{first}"]


def test_mirrors_that_give_nothing_are_named_with_the_reason_in_plain_words(
    tmp_path: Path, mirror: Mirror, mnist: Source
) -> None:
    with pytest.raises(UserError) as refused:
        download_images("mnist", tmp_path, mirrors=["http://127.0.0.1:9/", f"{mirror.address}none"])
    told = f"no mirror gave {mnist.files[0].name} (127.0.0.1 cannot be reached; 127.0.0.1 answers with error 404)"
    assert told in str(refused.value)


@pytest.mark.parametrize("tells_length", [True, False])
@pytest.mark.parametrize("damage", ["flipped", "longer", "shorter", "page"])
def test_a_wrong_file_is_never_kept(
    tmp_path: Path, mirror: Mirror, mnist: Source, damage: str, tells_length: bool
) -> None:
    mirror.tells_length = tells_length
    first = mnist.files[0].name
    good = mirror.files[first]
    mirror.files[first] = {
        "flipped": bytes((good[0] ^ 1,)) + good[1:],
        "longer": good + b"x",
        "shorter": good[:-1],
        "page": b"<html>Please log in to this network</html>",
    }[damage]
    with pytest.raises(UserError, match=f"MNIST could not be downloaded: no mirror gave {first}"):
        download_images("mnist", tmp_path)
    assert not (tmp_path / "mnist" / first).exists()
    # Nothing of it spoils the next try.
    mirror.files[first] = good
    download_images("mnist", tmp_path)
    assert sorted(os.listdir(tmp_path / "mnist")) == sorted(mirror.files)


@pytest.mark.parametrize("ignores_range", [False, True])
def test_a_broken_download_continues_where_it_stopped(
    tmp_path: Path, mirror: Mirror, mnist: Source, monkeypatch: pytest.MonkeyPatch, ignores_range: bool
) -> None:
    monkeypatch.setattr(downloading, "_CHUNK", 10)
    first = mnist.files[0]
    mirror.cut_after = 100
    with pytest.raises(UserError, match="check the connection and try again"):
        download_images("mnist", tmp_path)
    assert os.listdir(tmp_path / "mnist") == [f".{first.name}.part"]
    mirror.cut_after = None
    mirror.ignores_range = ignores_range
    mirror.requests.clear()
    download_images("mnist", tmp_path)
    assert mirror.requests[0] == (f"/{first.name}", "bytes=100-")
    assert (tmp_path / "mnist" / first.name).read_bytes() == mirror.files[first.name]


def test_a_full_disk_is_reported_at_once(
    tmp_path: Path, mirror: Mirror, mnist: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UserError, match="the disk is full"):
        download_images("mnist", tmp_path, mirrors=[mirror.address, mirror.address])
    assert len(mirror.requests) == 1


def archive(members: dict[str, bytes], kind: bytes = tarfile.REGTYPE) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.type = len(data), kind
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def cifar(mirror: Mirror, data: bytes) -> Source:
    mirror.files["cifar-10-binary.tar.gz"] = data
    return Source((remote("cifar-10-binary.tar.gz", data),), (mirror.address,), (*TRAIN_FILES, TEST_FILE))


def test_an_archive_is_unpacked_flat_and_removed(tmp_path: Path, mirror: Mirror) -> None:
    members = {f"cifar-10-batches-bin/{name}": cifar_bytes(2, seed) for seed, name in enumerate(TRAIN_FILES)}
    members |= {"../../escaped.bin": b"x", f"../../{TEST_FILE}": cifar_bytes(2, 9)}
    source = cifar(mirror, archive(members))
    folder = download_images("cifar-10", tmp_path / "data", source=source)
    assert sorted(os.listdir(folder)) == sorted([*TRAIN_FILES, TEST_FILE])
    assert sorted(os.listdir(tmp_path)) == ["data"]
    assert len(load_images(ImagesSpec(name="cifar-10"), tmp_path / "data").train) == 10
    wanted = len(mirror.requests)
    download_images("cifar-10", tmp_path / "data", source=source)
    assert len(mirror.requests) == wanted


def test_an_archive_with_links_or_without_a_file_is_refused(tmp_path: Path, mirror: Mirror) -> None:
    links = dict.fromkeys((*TRAIN_FILES, TEST_FILE), b"")
    with pytest.raises(UserError, match=f"lacks data_batch_1.bin.*{TEST_FILE}"):
        download_images("cifar-10", tmp_path, source=cifar(mirror, archive(links, tarfile.SYMTYPE)))
    with pytest.raises(UserError, match=r"is not an archive with data_batch_1\.bin"):
        download_images("cifar-10", tmp_path, source=cifar(mirror, b"no archive"))


def test_the_job_reports_its_progress_and_its_end(tmp_path: Path, mirror: Mirror, mnist: Source) -> None:
    events = list(download("mnist", tmp_path))
    total = sum(file.size for file in mnist.files)
    assert isinstance(events[0], Started)
    assert events[0].total == total
    progress = [event for event in events if isinstance(event, Progress)]
    assert progress[-1].step == progress[-1].total == total
    assert isinstance(events[-1], Finished)
    assert events[-1].path == str(tmp_path / "mnist")


def test_the_job_reports_a_failure_in_one_sentence(tmp_path: Path, mnist: Source) -> None:
    assert isinstance(list(download("digits", tmp_path))[-1], Failed)
    last = list(download("mnist", tmp_path, mirrors=["http://127.0.0.1:9/"]))[-1]
    assert isinstance(last, Failed)
    assert "no mirror gave" in last.text


def test_closing_the_job_keeps_what_has_come(tmp_path: Path, mirror: Mirror, mnist: Source) -> None:
    first = mnist.files[0]
    mirror.cut_after = 100
    mirror.gate.clear()
    job = download("mnist", tmp_path)
    part = tmp_path / "mnist" / f".{first.name}.part"
    for _ in job:
        if part.exists():
            break
    job.close()  # type: ignore[attr-defined]
    assert not (tmp_path / "mnist" / first.name).exists()
    mirror.cut_after = None
    mirror.gate.set()
    download_images("mnist", tmp_path)
    assert (tmp_path / "mnist" / first.name).read_bytes() == mirror.files[first.name]


def test_published_sources_are_whole() -> None:
    assert set(SOURCES) == {"mnist", "fashion-mnist", "cifar-10"}
    for source in SOURCES.values():
        assert len(source.mirrors) > 1
        for file in source.files:
            assert len(bytes.fromhex(file.md5)) == 16
            assert file.size > 0
