"""Where the files of image sets are looked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from platformdirs import user_data_path

from msd_engine.backend.errors import BadFile, MissingDataError

T = TypeVar("T")

VARIABLE = "MSD_DATA_DIR"
"""Environment variable that names the data folder."""

SUBFOLDERS = {"mnist": "mnist", "fashion-mnist": "fashion-mnist", "cifar-10": "cifar-10-batches-bin"}
"""Folder of each image set inside the data folder, by the set's name."""

TITLES = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST", "cifar-10": "CIFAR-10"}
"""What each image set is called in sentences."""

_TORCHVISION = {"mnist": "MNIST/raw", "fashion-mnist": "FashionMNIST/raw", "cifar-10": "cifar-10-batches-bin"}
_PICKLED = "is the version for Python, whose files could run any program while they are read; the binary one is needed"
_PACKED = "is not unpacked"
# Forms of a set that people have and that are not read, with the reason.
_OTHER_FORMS = {
    "mnist": {"mnist.npz": "holds another form of the set"},
    "fashion-mnist": {},
    "cifar-10": {
        "cifar-10-batches-py": _PICKLED,
        "cifar-10-python.tar.gz": _PICKLED,
        "cifar-10-binary.tar.gz": _PACKED,
    },
}
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
        return Path(os.path.expanduser(explicit))
    named = os.environ.get(VARIABLE, "").strip()
    return Path(os.path.expanduser(named)) if named else user_data_path("msd", appauthor=False) / "data"


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
    names = (SUBFOLDERS[name], _TORCHVISION[name].split("/")[0].lower())
    if root.name.lower() in names:
        folders += [root, root / "raw"]
    elif root.name.lower() == "raw" and root.parent.name.lower() in names:
        folders.append(root)
    return tuple(dict.fromkeys([*folders, *_SYSTEM.get(name, ())]))


def read_first(
    name: str, needed: Sequence[Sequence[str]], read: Callable[[Path], T], data_dir: Path | None = None
) -> T:
    """Read a set from the first folder that holds all of it undamaged.

    Args:
        name: ``mnist``, ``fashion-mnist`` or ``cifar-10``.
        needed: For each file that is needed the names that it may have.
        read: Reads the files of a folder.
        data_dir: The data folder, as `data_folder` takes it.

    Returns:
        What `read` returns.

    Raises:
        MissingDataError: There is no such folder; the sentence says what was found, what is wrong with it or missing,
            where it was looked for, and how to get the set.
    """
    looked = candidates(name, data_dir)
    troubles = []
    for folder in looked:
        missing = [names[0] for names in needed if not any(os.path.isfile(folder / file) for file in names)]
        if len(missing) == len(needed):
            continue
        if missing:
            troubles.append(f"{folder} lacks {', '.join(missing)}")
            continue
        try:
            return read(folder)
        except BadFile as error:
            troubles.append(str(error).removesuffix("."))
    troubles += _other_forms(name, data_folder(data_dir))
    where = ", ".join(str(folder) for folder in looked)
    found = f"is not whole: {'; '.join(troubles)}" if troubles else f"was not found: no {needed[0][0]} in {where}"
    raise MissingDataError(
        name,
        f"{TITLES[name]} {found}. Download it (msd download {name}), put its files into {looked[0]}, or choose "
        "another data folder.",
    )


def _other_forms(name: str, root: Path) -> list[str]:
    """Say which forms of a set lie in a data folder that are not read."""
    forms = _OTHER_FORMS[name]
    places = [folder / form for folder in (root, root / SUBFOLDERS[name]) for form in forms]
    places += [root] if root.name in forms else []
    return [f"{place} {forms[place.name]}" for place in places if os.path.exists(place)]
