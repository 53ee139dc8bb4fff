"""Search for the files of image sets."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from platformdirs import user_data_path

from msd_engine.backend.errors import BadFile, MissingDataError

T = TypeVar("T")

VARIABLE = "MSD_DATA_DIR"
"""Environment variable with the data folder."""

SUBFOLDERS = {"mnist": "mnist", "fashion-mnist": "fashion-mnist", "cifar-10": "cifar-10-batches-bin"}
"""Subfolder of the data folder for each image set."""

TITLES = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST", "cifar-10": "CIFAR-10"}
"""Title of each image set in messages."""

_TORCHVISION = {"mnist": "MNIST/raw", "fashion-mnist": "FashionMNIST/raw", "cifar-10": "cifar-10-batches-bin"}
_PICKLE = "is the version for Python, which could run any program when read; use the binary version"
_ARCHIVE = "is not unpacked"
# Unsupported forms of a set, with the reason.
_OTHER_FORMS = {
    "mnist": {"mnist.npz": "holds another form of the set"},
    "fashion-mnist": {},
    "cifar-10": {
        "cifar-10-batches-py": _PICKLE,
        "cifar-10-python.tar.gz": _PICKLE,
        "cifar-10-binary.tar.gz": _ARCHIVE,
    },
}
# Folders used by system packages.
_SYSTEM = {"fashion-mnist": (Path("/usr/share/datasets/fashion-mnist"),)}


def data_folder(explicit: Path | None = None) -> Path:
    """Return the folder of the image sets; it need not exist.

    Args:
        explicit: The user's choice; None uses the variable MSD_DATA_DIR, then the platform's folder for user data.
    """
    if explicit is not None:
        return Path(os.path.expanduser(explicit))
    named = os.environ.get(VARIABLE, "").strip()
    return Path(os.path.expanduser(named)) if named else user_data_path("msd", appauthor=False) / "data"


def candidates(name: str, data_dir: Path | None = None) -> tuple[Path, ...]:
    """List the folders that may hold the files of a set, in search order.

    Args:
        name: ``mnist``, ``fashion-mnist`` or ``cifar-10``.
        data_dir: The data folder, as in `data_folder`.

    Returns:
        The set's own folder, torchvision's layout in it or beside it, the data folder itself if it has the set's name,
        and the system's.
    """
    root = data_folder(data_dir)
    own = root / SUBFOLDERS[name]
    folders = [own, own / "raw", own / _TORCHVISION[name], root / _TORCHVISION[name]]
    # Match the name, since the files of MNIST and Fashion-MNIST have equal names.
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
        needed: Possible names of each required file.
        read: Reads the files of a folder.
        data_dir: The data folder, as in `data_folder`.

    Returns:
        The result of `read`.

    Raises:
        MissingDataError: There is no such folder; the message lists searched folders, missing and damaged files, and
            how to get the set.
    """
    folders = candidates(name, data_dir)
    problems = []
    for folder in folders:
        missing = [names[0] for names in needed if not any(os.path.isfile(folder / file) for file in names)]
        if len(missing) == len(needed):
            continue
        if missing:
            problems.append(f"{folder} lacks {', '.join(missing)}")
            continue
        try:
            return read(folder)
        except BadFile as error:
            problems.append(str(error).removesuffix("."))
    problems += _other_forms(name, data_folder(data_dir))
    where = ", ".join(str(folder) for folder in folders)
    found = f"is incomplete: {'; '.join(problems)}" if problems else f"was not found: no {needed[0][0]} in {where}"
    raise MissingDataError(
        name,
        f"{TITLES[name]} {found}. Download it (msd download {name}), put its files into {folders[0]}, or choose "
        "another data folder.",
    )


def _other_forms(name: str, root: Path) -> list[str]:
    """Describe unsupported forms of a set in a data folder."""
    forms = _OTHER_FORMS[name]
    places = [folder / form for folder in (root, root / SUBFOLDERS[name]) for form in forms]
    places += [root] if root.name in forms else []
    return [f"{place} {forms[place.name]}" for place in places if os.path.exists(place)]
