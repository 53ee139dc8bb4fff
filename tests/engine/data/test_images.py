"""Image sets from small files in the real formats; every damaged file is named."""

import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from image_files import cifar_bytes, idx_bytes, write_cifar_set, write_idx_set

from msd_engine.backend.errors import BadFile, MissingDataError
from msd_engine.data import folder as folders
from msd_engine.data.cifar import RECORD, TEST_FILE, TRAIN_FILES
from msd_engine.data.folder import data_folder
from msd_engine.data.idx import MAX_COUNT, read_idx
from msd_engine.data.images import IDX_FILES, ImageSet, load_images
from msd_engine.specs import ImagesSpec


@pytest.fixture(autouse=True)
def no_system_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "_SYSTEM", {})
    monkeypatch.delenv("MSD_DATA_DIR", raising=False)


def test_digits_are_scikit_learns_in_8_bits() -> None:
    from sklearn.datasets import load_digits

    theirs = load_digits()
    ours = load_images(ImagesSpec(name="digits"))
    images = torch.cat([ours.train, ours.test])
    assert images.dtype == torch.uint8
    assert images.shape == (1797, 1, 8, 8)
    assert len(ours.test) == 297
    np.testing.assert_allclose(images[:, 0].numpy() / 255, theirs.images / 16, atol=0.5 / 255)
    np.testing.assert_array_equal(torch.cat([ours.train_labels, ours.test_labels]), theirs.target)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(
    ("name", "layout"),
    [
        ("mnist", "mnist"),
        ("mnist", "mnist/raw"),
        ("mnist", "mnist/MNIST/raw"),
        ("mnist", "MNIST/raw"),
        ("fashion-mnist", "fashion-mnist"),
        ("fashion-mnist", "fashion-mnist/FashionMNIST/raw"),
        ("fashion-mnist", "FashionMNIST/raw"),
    ],
)
def test_idx_sets_in_every_layout(tmp_path: Path, name: str, layout: str, packed: bool) -> None:
    written = write_idx_set(tmp_path / layout, packed=packed)
    images = load_images(ImagesSpec(name=name), tmp_path)  # type: ignore[arg-type]
    np.testing.assert_array_equal(images.train[:, 0], written)
    assert images.test.shape == (3, 1, 28, 28)
    assert images.train_labels.dtype == torch.int64
    assert len(images.class_names) == 10


@pytest.mark.parametrize("layout", ["cifar-10-batches-bin", "cifar-10-batches-bin/cifar-10-batches-bin"])
@pytest.mark.parametrize("batches", [1, 5])
def test_cifar_uses_the_batches_that_are_there(tmp_path: Path, layout: str, batches: int) -> None:
    write_cifar_set(tmp_path / layout, batches=batches, records=4)
    images = load_images(ImagesSpec(name="cifar-10"), tmp_path)
    assert images.train.shape == (4 * batches, 3, 32, 32)
    assert images.test.shape == (4, 3, 32, 32)
    record = np.frombuffer((tmp_path / layout / TRAIN_FILES[batches - 1]).read_bytes(), np.uint8)[-RECORD:]
    assert images.train_labels[-1] == record[0]
    np.testing.assert_array_equal(images.train[-1].flatten(), record[1:])


def test_the_data_folder_is_the_argument_the_variable_or_the_platforms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = data_folder()
    monkeypatch.setenv("MSD_DATA_DIR", str(tmp_path / "variable"))
    assert data_folder() == tmp_path / "variable"
    assert data_folder(tmp_path / "argument") == tmp_path / "argument"
    assert own not in (tmp_path / "variable", tmp_path / "argument")


def test_a_folder_named_after_the_set_may_be_the_data_folder_itself(tmp_path: Path) -> None:
    write_idx_set(tmp_path / "mnist")
    assert len(load_images(ImagesSpec(name="mnist"), tmp_path / "mnist").train) == 7
    # The files of both sets are called the same, so the other set must not be taken for this one.
    with pytest.raises(BadFile, match="Fashion-MNIST was not found"):
        load_images(ImagesSpec(name="fashion-mnist"), tmp_path / "mnist")


def test_the_systems_folder_is_found_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_idx_set(tmp_path / "system")
    monkeypatch.setattr(folders, "_SYSTEM", {"fashion-mnist": (tmp_path / "system",)})
    assert len(load_images(ImagesSpec(name="fashion-mnist"), tmp_path / "user").train) == 7
    write_idx_set(tmp_path / "user" / "fashion-mnist", train=5)
    assert len(load_images(ImagesSpec(name="fashion-mnist"), tmp_path / "user").train) == 5


def test_a_limit_keeps_the_first_images_and_frees_the_rest(tmp_path: Path) -> None:
    written = write_idx_set(tmp_path / "mnist")
    images = load_images(ImagesSpec(name="mnist", limit=2), tmp_path)
    np.testing.assert_array_equal(images.train[:, 0], written[:2])
    assert images.train.untyped_storage().nbytes() == 2 * 28 * 28
    assert len(images.test) == 3


def test_data_units_and_bytes_are_inverse() -> None:
    every = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    x = ImageSet.to_data(every)
    assert x.dtype == torch.float32
    assert (x.min(), x.max()) == (-1.0, 1.0)
    assert torch.equal(ImageSet.to_bytes(x), every)
    wild = torch.tensor([float("nan"), float("inf"), -float("inf"), 7.0, -7.0])
    assert ImageSet.to_bytes(wild).tolist() == [128, 255, 0, 255, 0]


def test_statistics_are_the_mean_image_and_the_spread_about_it() -> None:
    images = load_images(ImagesSpec(name="digits"))
    mean, sigma_data = images.statistics()
    x = images.to_data(images.train).double()
    torch.testing.assert_close(mean.double(), x.mean(dim=0), atol=1e-6, rtol=0)
    assert sigma_data == pytest.approx(float((x - x.mean(dim=0)).square().mean().sqrt()), rel=1e-6)
    assert images.statistics(limit=1)[1] == pytest.approx(0.0, abs=1e-3)


def test_a_missing_set_says_where_it_looked_and_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(BadFile) as caught:
        load_images(ImagesSpec(name="mnist"), tmp_path)
    sentence = str(caught.value)
    for part in ("MNIST was not found", str(tmp_path / "mnist"), "MNIST/raw", "msd download mnist"):
        assert part in sentence


@pytest.mark.parametrize("missing", IDX_FILES)
def test_one_missing_idx_file_is_named(tmp_path: Path, missing: str) -> None:
    write_idx_set(tmp_path / "mnist")
    (tmp_path / "mnist" / f"{missing}.gz").unlink()
    with pytest.raises(BadFile, match=rf"MNIST is not whole: .*mnist lacks {missing}\. Download it"):
        load_images(ImagesSpec(name="mnist"), tmp_path)


@pytest.mark.parametrize("missing", [TEST_FILE, TRAIN_FILES[0]])
def test_one_missing_batch_is_named(tmp_path: Path, missing: str) -> None:
    write_cifar_set(tmp_path / "cifar-10-batches-bin", batches=1)
    (tmp_path / "cifar-10-batches-bin" / missing).unlink()
    with pytest.raises(BadFile, match=rf"CIFAR-10 is not whole: .*lacks {missing}\. Download it"):
        load_images(ImagesSpec(name="cifar-10"), tmp_path)


IMAGES = idx_bytes(np.arange(2 * 28 * 28).reshape(2, 28, 28) % 256)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "it starts with , not with 00000803"),
        (b"\x00\x00\x09\x03" + IMAGES[4:], "it starts with 00000903"),
        (b"\x00\x00\x0d\x03" + IMAGES[4:], "it starts with 00000d03"),
        (IMAGES[:9], "cut short in its header"),
        (IMAGES[:-1], "cut short: 1,567 bytes of values, expected 1,568"),
        (IMAGES + b"x", "too long: more than the 1,568 bytes"),
        (idx_bytes(np.zeros((2, 27, 28))), r"shape \(2, 27, 28\); expected an idx file of 28x28 images"),
        (idx_bytes(np.zeros((0, 28, 28))), r"from 1 to"),
        (b"\x00\x00\x08\x03" + struct.pack(">3I", MAX_COUNT + 1, 28, 28), "from 1 to"),
        (b"\x00\x00\x08\x03" + struct.pack(">3I", 2**32 - 1, 2**32 - 1, 2**32 - 1), "has shape"),
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_a_wrong_idx_file_is_named_with_what_was_expected(
    tmp_path: Path, data: bytes, sentence: str, packed: bool
) -> None:
    path = tmp_path / "images"
    path.write_bytes(gzip.compress(data) if packed else data)
    with pytest.raises(BadFile, match=sentence) as caught:
        read_idx(path, (28, 28))
    assert str(path) in str(caught.value)


def test_a_gzip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(IMAGES + bytes(50 * 2**20), compresslevel=1))
    tracemalloc.start()
    with pytest.raises(BadFile, match="too long"):
        read_idx(path, (28, 28))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


def test_images_and_labels_must_agree(tmp_path: Path) -> None:
    write_idx_set(tmp_path / "mnist")
    path = tmp_path / "mnist" / f"{IDX_FILES[1]}.gz"
    path.write_bytes(gzip.compress(idx_bytes(np.zeros(6))))
    with pytest.raises(BadFile, match="6 labels; expected one for each of the 7 images"):
        load_images(ImagesSpec(name="mnist"), tmp_path)
    path.write_bytes(gzip.compress(idx_bytes(np.full(7, 10))))
    with pytest.raises(BadFile, match="label above 9"):
        load_images(ImagesSpec(name="mnist"), tmp_path)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "has 0 bytes"),
        (cifar_bytes(2)[:-1], "no whole number of records"),
        (b"\x0a" + cifar_bytes(1)[1:], "label above 9"),
        (bytes(RECORD * 10_001), "larger than"),
    ],
)
def test_a_wrong_batch_is_named_with_what_was_expected(tmp_path: Path, data: bytes, sentence: str) -> None:
    folder = tmp_path / "cifar-10-batches-bin"
    write_cifar_set(folder, batches=1)
    (folder / TRAIN_FILES[0]).write_bytes(data)
    with pytest.raises(BadFile, match=sentence) as caught:
        load_images(ImagesSpec(name="cifar-10"), tmp_path)
    assert str(folder / TRAIN_FILES[0]) in str(caught.value)


@pytest.mark.parametrize("packed", [True, False])
def test_cut_or_flipped_idx_files_only_ever_raise_bad_file(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / "images"
    whole = gzip.compress(IMAGES) if packed else IMAGES
    for end in range(0, len(whole), 7):
        path.write_bytes(whole[:end])
        with pytest.raises(BadFile):
            read_idx(path, (28, 28))
    for position in range(min(len(whole), 60)):
        path.write_bytes(whole[:position] + bytes((whole[position] ^ 0xFF,)) + whole[position + 1 :])
        try:
            values = read_idx(path, (28, 28))
        except BadFile:
            continue
        assert values.shape == (2, 28, 28)


NAMED = {
    "mnist": ["mnist", "mnist/raw", "MNIST/raw", "mnist/MNIST/raw"],
    "fashion-mnist": ["fashion-mnist", "fashion-mnist/raw", "FashionMNIST/raw"],
}
ROOTS = {
    "mnist": ["MNIST", "MNIST/raw", "mnist"],
    "fashion-mnist": ["FashionMNIST", "FashionMNIST/raw", "Fashion-MNIST"],
}


@pytest.mark.parametrize(("name", "place"), [(name, place) for name, places in NAMED.items() for place in places])
def test_a_set_is_found_in_every_usual_place(tmp_path: Path, name: str, place: str) -> None:
    written = write_idx_set(tmp_path / place, packed=place.endswith("raw"))
    images = load_images(ImagesSpec(name=name), tmp_path)
    np.testing.assert_array_equal(images.train[:, 0], written)


@pytest.mark.parametrize(("name", "place"), [(name, place) for name, places in ROOTS.items() for place in places])
@pytest.mark.parametrize("below", ["", "raw"])
def test_the_folder_of_a_set_may_be_given_itself(tmp_path: Path, name: str, place: str, below: str) -> None:
    written = write_idx_set(tmp_path / place / ("" if place.endswith("raw") else below))
    images = load_images(ImagesSpec(name=name), tmp_path / place)
    np.testing.assert_array_equal(images.train[:, 0], written)
    other = next(one for one in ROOTS if one != name)
    with pytest.raises(MissingDataError, match="was not found"):
        load_images(ImagesSpec(name=other), tmp_path / place)


@pytest.mark.parametrize("packed", [True, False])
def test_files_that_were_unpacked_with_a_point_in_their_names_are_found(tmp_path: Path, packed: bool) -> None:
    written = write_idx_set(tmp_path / "mnist", packed=packed)
    for path in list((tmp_path / "mnist").iterdir()):
        path.rename(path.with_name(path.name.replace("-idx", ".idx")))
    assert (tmp_path / "mnist" / ("train-images.idx3-ubyte" + ".gz" * packed)).exists()
    np.testing.assert_array_equal(load_images(ImagesSpec(name="mnist"), tmp_path).train[:, 0], written)


@pytest.mark.parametrize("trouble", ["missing", "cut"])
def test_an_incomplete_folder_hides_no_whole_one(tmp_path: Path, trouble: str) -> None:
    write_idx_set(tmp_path / "mnist", seed=1)
    path = tmp_path / "mnist" / f"{IDX_FILES[2]}.gz"
    whole = path.read_bytes()
    path.unlink()
    if trouble == "cut":
        path.write_bytes(whole[:-9])
    with pytest.raises(MissingDataError, match=IDX_FILES[2]):
        load_images(ImagesSpec(name="mnist"), tmp_path)
    written = write_idx_set(tmp_path / "MNIST" / "raw", seed=2)
    np.testing.assert_array_equal(load_images(ImagesSpec(name="mnist"), tmp_path).train[:, 0], written)


@pytest.mark.parametrize("file", IDX_FILES)
def test_a_cut_file_hides_no_whole_one_beside_it(tmp_path: Path, file: str) -> None:
    written = write_idx_set(tmp_path / "mnist")
    packed = tmp_path / "mnist" / f"{file}.gz"
    (tmp_path / "mnist" / file).write_bytes(gzip.decompress(packed.read_bytes())[:-3])
    np.testing.assert_array_equal(load_images(ImagesSpec(name="mnist"), tmp_path).train[:, 0], written)
    packed.unlink()
    with pytest.raises(MissingDataError, match=rf"{file} is cut short.*Download it \(msd download mnist\)") as caught:
        load_images(ImagesSpec(name="mnist"), tmp_path)
    assert caught.value.data_name == "mnist"


@pytest.mark.parametrize("below", ["", "cifar-10-batches-bin", "itself"])
def test_the_version_of_cifar_for_python_is_named_and_never_read(tmp_path: Path, below: str) -> None:
    folder = tmp_path / ("" if below == "itself" else below) / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    for name in ("data_batch_1", "test_batch", "batches.meta"):
        # Whoever unpickles this ends the program.
        (folder / name).write_bytes(b"cos\n_exit\n(I1\ntR.")
    with pytest.raises(MissingDataError) as caught:
        load_images(ImagesSpec(name="cifar-10"), folder if below == "itself" else tmp_path)
    assert f"{folder} is the version for Python" in str(caught.value)
    assert "the binary one is needed" in str(caught.value)
    assert "msd download cifar-10" in str(caught.value)
    write_cifar_set(tmp_path / "cifar-10-batches-bin")
    assert len(load_images(ImagesSpec(name="cifar-10"), tmp_path).train) == 8


def test_an_archive_that_is_not_unpacked_is_named(tmp_path: Path) -> None:
    (tmp_path / "cifar-10-binary.tar.gz").touch()
    with pytest.raises(MissingDataError, match=r"cifar-10-binary\.tar\.gz is not unpacked"):
        load_images(ImagesSpec(name="cifar-10"), tmp_path)
