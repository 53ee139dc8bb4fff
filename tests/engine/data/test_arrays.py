"""Arrays of pictures: what is read, and what is refused before it takes memory or is carried out."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from msd_engine.backend.errors import BadFile
from msd_engine.data.arrays import read_array
from msd_engine.data.own import read_own
from msd_engine.specs import ImagesSpec


def own(path: Path, **fields: object) -> ImagesSpec:
    return ImagesSpec.from_fields({"name": "folder", "path": str(path), "size": 8, "channels": "grey"} | fields)


@pytest.mark.parametrize(
    ("array", "middle"),
    [
        (np.full((30, 12, 10), 77, np.uint8), 77),
        (np.full((30, 8, 8, 1), 0.5, np.float32), 128),
        (np.full((30, 8, 8, 3), [255, 0, 0], np.uint8), 76),
    ],
)
def test_arrays_are_read_as_bytes_or_numbers_from_0_to_1(array: np.ndarray, middle: int, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "a.npz", other=np.zeros(3), images=array)
    for name in ("a.npy", "a.npz"):
        found = read_own(own(tmp_path / name))
        assert found.images.shape == (30, 1, 8, 8)
        assert abs(int(found.images[0, 0, 4, 4]) - middle) <= 1


class Opened:
    """Is executed by whoever unpickles it."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (print, ("executed",))


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((30, 8), np.uint8),
        np.zeros((30, 8, 8, 2), np.uint8),
        np.full((30, 8, 8), 2.0),
        np.full((30, 8, 8), np.nan),
        np.zeros((30, 8, 8), np.int32),
        np.zeros((0, 8, 8), np.uint8),
        np.array([[[Opened()]]] * 30),
    ],
)
def test_other_arrays_are_refused_and_nothing_is_unpickled(
    array: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(BadFile):
        read_own(own(tmp_path / "a.npy"))
    assert not capsys.readouterr().out


def test_classes_of_an_array_must_fit_it(tmp_path: Path) -> None:
    images, names = np.zeros((30, 8, 8), np.uint8), np.array(["a", "b"])
    np.savez(tmp_path / "a.npz", images=images, labels=np.arange(30) % 2, class_names=names)
    found = read_own(own(tmp_path / "a.npz"))
    assert found.class_names == ("a", "b")
    assert found.labels.sum() == 15
    for labels in (np.arange(30), np.arange(29) % 2, np.zeros(30)):
        np.savez(tmp_path / "b.npz", images=images, labels=labels, class_names=names)
        with pytest.raises(BadFile, match="labels that do not fit"):
            read_own(own(tmp_path / "b.npz"))


def packed(header: dict[str, object], content: bytes) -> bytes:
    """Return the bytes of an NPY file with any header."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + content


def test_bombs_are_refused_before_they_are_unpacked(tmp_path: Path) -> None:
    large = {"descr": "|u1", "fortran_order": False, "shape": (2**20, 64, 64)}
    (tmp_path / "a.npy").write_bytes(packed(large, bytes(64)))
    small = packed({**large, "shape": (30, 8, 8)}, bytes(30 * 64))
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", packed(large, bytes(64)))
    with zipfile.ZipFile(tmp_path / "longer.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", small + bytes(2**20))
    # What is not wanted is not read, whatever it says.
    with zipfile.ZipFile(tmp_path / "beside.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", small)
        archive.writestr("b.npy", packed(large, b""))
    for name, reason in (("a.npy", "too large"), ("a.npz", "too large"), ("longer.npz", "agree with its header")):
        with pytest.raises(BadFile, match=reason):
            read_array(tmp_path / name)
    assert read_array(tmp_path / "beside.npz")[0].shape == (30, 8, 8)
