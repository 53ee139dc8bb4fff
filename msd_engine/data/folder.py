"""Where the files of image sets are looked for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from platformdirs import user_data_path

from msd_engine.backend.errors import MissingDataError

VARIABLE = "MSD_DATA_DIR"
"""Environment variable that names the data folder."""

SUBFOLDERS = {"mnist": "mnist", "fashion-mnist": "fashion-mnist", "cifar-10": "cifar-10-batches-bin"}
"""Folder of each image set inside the data folder, by the set's name."""

TITLES = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST", "cifar-10": "CIFAR-10"}
"""What each image set is called in sentences."""

_TORCHVISION = {"mnist": "MNIST/raw", "fashion-mnist": "FashionMNIST/raw", "cifar-10": "cifar-10-batches-bin"}
# Where packages of the system put a set.
_SYSTEM = {"fashion-mnist": (Path("/usr/share/datasets/fashion-mnist"),)}


def data_folder(explicit: Path | None = None) -> Path:
    """Return the folder that holds the image sets; it need not exist yet.

    Args:
        explicit: What the user said; the variable MSD_DATA_DIR and then the platform's folder for a user's data
            follow where it is None.

    Returns:
        The folder.
    """
    if explicit is not None:
        return Path(explicit).expanduser()
    named = os.environ.get(VARIABLE, "").strip()
    return Path(named).expanduser() if named else user_data_path("msd", appauthor=False) / "data"


def candidates(name: str, data_dir: Path | None = None) -> tuple[Path, ...]:
    """List the folders in which the files of a set may lie, in the order of looking.

    Args:
        name: ``mnist``, ``fashion-mnist`` or ``cifar-10``.
        data_dir: The data folder, as `data_folder` takes it.

    Returns:
        The folders: the set's own one, torchvision's layout in it or beside it, the data folder itself where it
        carries the set's name, and the system's.
    """
    root = data_folder(data_dir)
    own = root / SUBFOLDERS[name]
    folders = [own, own / "raw", own / _TORCHVISION[name], root / _TORCHVISION[name]]
    # Only by name, since the files of MNIST and Fashion-MNIST are called the same.
    if root.name.lower() == SUBFOLDERS[name]:
        folders.append(root)
    return tuple(dict.fromkeys([*folders, *_SYSTEM.get(name, ())]))


def find_folder(name: str, files: Iterable[str], data_dir: Path | None = None) -> Path:
    """Find the first folder that holds at least one file of a set.

    Args:
        name: ``mnist``, ``fashion-mnist`` or ``cifar-10``.
        files: File names, any of which shows that the set is there.
        data_dir: The data folder, as `data_folder` takes it.

    Returns:
        The folder.

    Raises:
        MissingDataError: There is none; the sentence says where it looked and how to get the set.
    """
    files = tuple(files)
    looked = candidates(name, data_dir)
    for folder in looked:
        if any((folder / file).is_file() for file in files):
            return folder
    raise MissingDataError(
        name,
        f"{TITLES[name]} was not found: no {files[0]} in {', '.join(str(folder) for folder in looked)}; "
        f"download it (msd download {name}), put its files into {looked[0]}, or choose another data folder.",
    )
