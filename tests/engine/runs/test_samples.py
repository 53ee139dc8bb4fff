"""Sample files come back to the bit, and nothing in them can run or swell."""

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from msd_engine.backend.errors import BadFile
from msd_engine.events import Finished
from msd_engine.jobs.files.save import save_samples as save_samples_job
from msd_engine.runs.samples import load_samples, read_samples_spec, save_samples
from msd_engine.specs import ExperimentSpec

SPEC = ExperimentSpec(title="ε").to_json()
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("event", [(2,), (1, 8, 8), (3, 4, 4)])
@pytest.mark.parametrize(("count", "k"), [(3, 4), (1, 1), (0, 2)])
def test_samples_come_back_to_the_bit(tmp_path: Path, event: tuple[int, ...], count: int, k: int) -> None:
    x_hat = RNG.normal(size=(count, *event)).astype(np.float32)
    y = RNG.normal(size=(count, k, *event)).astype(np.float32)
    if count:
        y[0] = np.nan  # a chain that blew up is still worth keeping
    save_samples(tmp_path / "a.npz", x_hat, y, 2**31 - 1, SPEC)
    loaded = load_samples(tmp_path / "a.npz")
    np.testing.assert_array_equal(loaded.x_hat, x_hat)
    np.testing.assert_array_equal(loaded.y, y)
    assert (loaded.seed, loaded.spec_json) == (2**31 - 1, SPEC)
    assert read_samples_spec(tmp_path / "a.npz") == SPEC


def test_numpy_reads_them_without_pickle(tmp_path: Path) -> None:
    last = list(save_samples_job(tmp_path / "a.npz", np.ones((2, 2)), np.ones((2, 3, 2)), 7, SPEC))[-1]
    assert isinstance(last, Finished)
    with np.load(last.path, allow_pickle=False) as file:
        assert set(file) == {"x_hat", "y", "seed", "spec"}
        assert file["x_hat"].dtype == np.float32
        assert int(file["seed"]) == 7
        assert ExperimentSpec.from_json(str(file["spec"])) == ExperimentSpec.from_json(SPEC)


GOOD = {
    "x_hat": np.zeros((2, 2), np.float32),
    "y": np.zeros((2, 3, 2), np.float32),
    "seed": np.asarray(1),
    "spec": np.asarray(SPEC),
}


@pytest.mark.parametrize(
    "change",
    [
        {"x_hat": np.zeros((2, 2))},
        {"x_hat": np.zeros((2, 2), np.complex64)},
        {"x_hat": np.zeros((2,), np.float32)},
        {"x_hat": np.zeros((3, 2), np.float32)},
        {"y": np.zeros((2, 0, 2), np.float32)},
        {"y": np.zeros((2, 3, 3), np.float32)},
        {"y": np.zeros((2, 2), np.float32)},
        {"seed": np.asarray([1])},
        {"seed": np.asarray("one")},
        {"spec": np.asarray(1)},
        {"spec": np.asarray(SPEC.encode())},
        {"x_hat": np.array([[{}, {}], [{}, {}]], dtype=object)},
        {"spec": np.array({"a": 1}, dtype=object)},
    ],
)
def test_arrays_of_another_kind_are_refused(tmp_path: Path, change: dict[str, np.ndarray]) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, **(GOOD | change))  # type: ignore[arg-type]
    with pytest.raises(BadFile, match=r"a\.npz.* a sample file"):
        load_samples(path)


@pytest.mark.parametrize("missing", GOOD)
def test_a_missing_array_is_refused(tmp_path: Path, missing: str) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, **{name: value for name, value in GOOD.items() if name != missing})  # type: ignore[arg-type]
    with pytest.raises(BadFile, match="a sample file"):
        load_samples(path)


def archive(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(f"{name}.npy", data)
    return buffer.getvalue()


def npy(header: str, data: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + data


def hostile() -> dict[str, bytes]:
    huge = "{'descr': '<U%d', 'fortran_order': False, 'shape': (%s), }\n"
    return {
        "empty": b"",
        "pickle": pickle.dumps({"spec": 1}),
        "text": b"PK not a zip",
        "no array": archive(spec=b"nothing"),
        "a string of a terabyte": archive(spec=npy(huge % (2**38, ""))),
        "more than the file holds": archive(spec=npy(huge % (1, "2**40,"))),
        "a shape that overflows": archive(spec=npy(huge % (1, f"{2**62}, {2**62}"))),
        "zeros that swell": archive(spec=npy(huge % (2**23, ""), bytes(2**25))),
        "code for a header": archive(spec=npy("__import__('os').abort()\n")),
        "newer format": archive(spec=b"\x93NUMPY\x09\x00" + bytes(100)),
    }


@pytest.mark.parametrize("name", hostile())
def test_hostile_files_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(hostile()[name])
    for read in (load_samples, read_samples_spec):
        with pytest.raises(BadFile, match="a sample file") as caught:
            read(path)
        assert "\n" not in str(caught.value)


def test_cut_or_flipped_files_only_ever_raise_bad_file(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    save_samples(path, GOOD["x_hat"], GOOD["y"], 1, "{}")
    whole = path.read_bytes()
    for end in range(0, len(whole), 7):
        path.write_bytes(whole[:end])
        for read in (load_samples, read_samples_spec):
            with pytest.raises(BadFile):
                read(path)
    for at in range(0, len(whole), 3):
        path.write_bytes(whole[:at] + bytes((whole[at] ^ 0xFF,)) + whole[at + 1 :])
        try:
            loaded = load_samples(path)
        except BadFile:
            continue
        assert loaded.y.shape[1] == 3
