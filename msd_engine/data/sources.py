"""Downloads of image sets, with their published sizes and hashes."""

from __future__ import annotations

from dataclasses import dataclass

from msd_engine.data.cifar import TEST_FILE, TRAIN_FILES


@dataclass(frozen=True)
class RemoteFile:
    """One file to download.

    Attributes:
        name: Its name, here and on every mirror.
        size: Its size in bytes.
        md5: Its published MD5 hash.
    """

    name: str
    size: int
    md5: str


@dataclass(frozen=True)
class Source:
    """A downloadable image set.

    Attributes:
        files: The files to download.
        mirrors: URLs of folders with the files, in order of preference.
        members: Files to unpack from a downloaded archive; empty if the files are used as they are.
    """

    files: tuple[RemoteFile, ...]
    mirrors: tuple[str, ...]
    members: tuple[str, ...] = ()


SOURCES = {
    "mnist": Source(
        files=(
            RemoteFile("train-images-idx3-ubyte.gz", 9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
            RemoteFile("train-labels-idx1-ubyte.gz", 28_881, "d53e105ee54ea40749a09fcbcd1e9432"),
            RemoteFile("t10k-images-idx3-ubyte.gz", 1_648_877, "9fb629c4189551a2d022fa330f9573f3"),
            RemoteFile("t10k-labels-idx1-ubyte.gz", 4_542, "ec29112dd5afa0611ce80d1b7f02629c"),
        ),
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
    ),
    "fashion-mnist": Source(
        files=(
            RemoteFile("train-images-idx3-ubyte.gz", 26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
            RemoteFile("train-labels-idx1-ubyte.gz", 29_515, "25c81989df183df01b3e8a0aad5dffbe"),
            RemoteFile("t10k-images-idx3-ubyte.gz", 4_422_102, "bef4ecab320f06d8554ea6380940ec79"),
            RemoteFile("t10k-labels-idx1-ubyte.gz", 5_148, "bb300cfdad3c16e7a12a480ee83cd310"),
        ),
        mirrors=(
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ),
    ),
    "cifar-10": Source(
        files=(RemoteFile("cifar-10-binary.tar.gz", 170_052_171, "c32a1d4ab5d03f1284b67883e8d87530"),),
        mirrors=("https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/"),
        members=(*TRAIN_FILES, TEST_FILE),
    ),
}
"""Downloadable sets by name."""
