"""What is kept between two launches. A value that cannot be read counts as not there."""

from __future__ import annotations

import base64
import binascii
import math
import os
from pathlib import Path
from typing import Any

import platformdirs
from PySide6.QtCore import QSettings

from msd_engine.specs import ExperimentSpec, SpecError
from msd_gui.theme import THEME_CHOICES, ThemeChoice

APP = "msd-gui"
MOST_RECENT = 12
# Steps per second that chains are played at until the user says otherwise.
SPEED_HZ = 100.0
FASTEST_HZ = 1e6


def settings_file() -> Path:
    """Return the file of the settings: `MSD_SETTINGS`, or one in the user's configuration folder."""
    named = os.environ.get("MSD_SETTINGS", "").strip()
    return Path(os.path.expanduser(named)) if named else platformdirs.user_config_path(APP) / "settings.ini"


def default_runs_dir() -> Path:
    """Return the folder of runs until the user names one: `MSD_RUNS_DIR`, or one in the user's data folder."""
    named = os.environ.get("MSD_RUNS_DIR", "").strip()
    return Path(os.path.expanduser(named)) if named else platformdirs.user_data_path(APP) / "runs"


class Settings:
    """Geometry, folders, choices and last specs, kept in one file.

    Every getter gives a usable value, whatever the file says.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Open the settings; nothing is written before something is set.

        Args:
            path: The file; by default `settings_file`.
        """
        self._store = QSettings(str(path or settings_file()), QSettings.Format.IniFormat)
        self._is_told = False

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self._store.fileName())

    @property
    def geometry(self) -> bytes:
        """Place and size of the window as Qt saved them; empty where unknown."""
        return self._bytes("window/geometry")

    @geometry.setter
    def geometry(self, value: bytes) -> None:
        self._set("window/geometry", base64.b64encode(value).decode())

    @property
    def page(self) -> str:
        """Name of the page that was in front; empty where unknown."""
        return self._text("window/page")

    @page.setter
    def page(self, value: str) -> None:
        self._set("window/page", value)

    @property
    def theme(self) -> ThemeChoice:
        """Light, dark, or as the system."""
        said = self._text("theme")
        return next((choice for choice in THEME_CHOICES if choice == said), "system")

    @theme.setter
    def theme(self, value: str) -> None:
        self._set("theme", value)

    @property
    def device(self) -> str:
        """Name of the device that was chosen, ``auto`` where none was."""
        return self._text("device") or "auto"

    @device.setter
    def device(self, value: str) -> None:
        self._set("device", value)

    @property
    def threads(self) -> int:
        """Number of threads of the CPU that was fixed, 0 where none was."""
        text = self._text("threads")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0

    @threads.setter
    def threads(self, value: int) -> None:
        self._set("threads", str(value))

    @property
    def speed_hz(self) -> float:
        """Steps per second at which chains are played."""
        try:
            speed_hz = float(self._text("speed_hz"))
        except ValueError:
            return SPEED_HZ
        return speed_hz if math.isfinite(speed_hz) and 0 < speed_hz <= FASTEST_HZ else SPEED_HZ

    @speed_hz.setter
    def speed_hz(self, value: float) -> None:
        self._set("speed_hz", repr(float(value)))

    @property
    def data_dir(self) -> Path | None:
        """Folder of the data sets; None where the engine is to look in the usual places."""
        return self._path("folders/data")

    @data_dir.setter
    def data_dir(self, value: Path | None) -> None:
        self._set("folders/data", str(value or ""))

    @property
    def inception(self) -> Path | None:
        """The user's weights of the FID's network; None where there are none."""
        return self._path("files/inception")

    @inception.setter
    def inception(self, value: Path | None) -> None:
        self._set("files/inception", str(value or ""))

    @property
    def runs_dir(self) -> Path:
        """Folder of the runs."""
        return self._path("folders/runs") or default_runs_dir()

    @runs_dir.setter
    def runs_dir(self, value: Path | None) -> None:
        self._set("folders/runs", str(value or ""))

    @property
    def last_folder(self) -> Path:
        """Folder that the last file was opened from or written to; the home folder where it is gone."""
        folder = self._path("folders/last")
        return folder if folder is not None and folder.is_dir() else Path.home()

    @last_folder.setter
    def last_folder(self, value: Path) -> None:
        self._set("folders/last", str(value))

    def recent(self) -> list[Path]:
        """Return files and run folders used lately and still there, newest first, by other windows too."""
        self._store.sync()
        paths = [Path(line) for line in self._text("recent").splitlines() if line]
        return [path for path in paths if path.exists()][:MOST_RECENT]

    def add_recent(self, path: Path) -> None:
        """Put a file or run folder on top of the list of recent ones."""
        newest = [path, *(other for other in self.recent() if other != path)][:MOST_RECENT]
        self._set("recent", "\n".join(str(other) for other in newest))
        # At once: another window may add to the list before this one ends.
        self._store.sync()

    def forget_recent(self) -> None:
        """Empty the list of recent files and run folders."""
        self._set("recent", "")

    def last_spec(self, page: str) -> ExperimentSpec | None:
        """Return the spec that a page had when the program was left.

        Args:
            page: Name of the page.

        Returns:
            The spec; None where there is none that this version accepts.
        """
        try:
            return ExperimentSpec.from_json(self._text(f"specs/{page}"))
        except SpecError:
            return None

    def set_last_spec(self, page: str, spec: ExperimentSpec) -> None:
        """Keep the spec of a page.

        Args:
            page: Name of the page.
            spec: Its spec.
        """
        self._set(f"specs/{page}", spec.to_json())

    def last_run(self, page: str) -> Path | None:
        """Return the run folder whose network a page used when the program was left; None where it is gone."""
        folder = self._path(f"runs/{page}")
        return folder if folder is not None and folder.is_dir() else None

    def set_last_run(self, page: str, folder: Path | None) -> None:
        """Keep the run folder whose network a page uses.

        Args:
            page: Name of the page.
            folder: The folder, None for none.
        """
        self._set(f"runs/{page}", str(folder or ""))

    def columns(self, page: str) -> bytes:
        """Return widths and order of the columns of a page's list as Qt packs them; empty for none."""
        return self._bytes(f"columns/{page}")

    def set_columns(self, page: str, state: bytes) -> None:
        """Keep widths and order of the columns of a page's list."""
        self._set(f"columns/{page}", base64.b64encode(state).decode("ascii"))

    def sync(self) -> str:
        """Write to the file what is not written yet.

        Returns:
            The first time that this fails, or is bound to fail, why, in one sentence; else nothing.
        """
        self._store.sync()
        failed = self._store.status() == QSettings.Status.AccessError or not _is_writable(self.path)
        if not failed or self._is_told:
            return ""
        self._is_told = True
        return (
            f"Your choices are not kept after this session: {self.path} cannot be written. Let the file be written, or "
            "free some space, or name another file by MSD_SETTINGS."
        )

    def _set(self, key: str, value: str) -> None:
        self._store.setValue(key, value)

    def _text(self, key: str) -> str:
        # An unquoted comma in a file edited by hand makes a list of what should be one text.
        value: Any = self._store.value(key, "")
        return value if isinstance(value, str) else ""

    def _bytes(self, key: str) -> bytes:
        try:
            return base64.b64decode(self._text(key), validate=True)
        except (binascii.Error, ValueError):
            return b""

    def _path(self, key: str) -> Path | None:
        said = self._text(key)
        return Path(os.path.expanduser(said)) if said and "\0" not in said else None


def _is_writable(path: Path) -> bool:
    """Return whether a file can be written, or made together with the folders that are missing."""
    nearest = next(above for above in (path, *path.absolute().parents) if above.exists())
    return (nearest == path or nearest.is_dir()) and os.access(nearest, os.W_OK)
