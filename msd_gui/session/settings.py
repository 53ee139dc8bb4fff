"""Settings kept between sessions. An unreadable value counts as missing."""

from __future__ import annotations

import base64
import binascii
import json
import math
import os
from pathlib import Path
from typing import Any

import platformdirs
from PySide6.QtCore import QSettings

from msd_engine.specs import ExperimentSpec, SpecError
from msd_engine.specs.tables.updates import CONVENTIONS, Convention
from msd_gui.theme import THEME_CHOICES, ThemeChoice

APP = "msd-gui"
MOST_RECENT = 12
_YES = "yes"
# Default playback speed of chains, in steps per second.
SPEED_HZ = 100.0
FASTEST_HZ = 1e6


def settings_file() -> Path:
    """Return the file of the settings: `MSD_SETTINGS`, or one in the user's configuration folder."""
    named = os.environ.get("MSD_SETTINGS", "").strip()
    return Path(os.path.expanduser(named)) if named else platformdirs.user_config_path(APP) / "settings.ini"


def default_runs_dir() -> Path:
    """Return the default folder of runs: `MSD_RUNS_DIR`, or one in the user's data folder."""
    named = os.environ.get("MSD_RUNS_DIR", "").strip()
    return Path(os.path.expanduser(named)) if named else platformdirs.user_data_path(APP) / "runs"


class Settings:
    """Geometry, folders, choices and last specs, kept in one file.

    Every getter returns a usable value, whatever the file contains.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Open the settings; nothing is written before the first change.

        Args:
            path: The file; by default `settings_file`.
        """
        self._store = QSettings(str(path or settings_file()), QSettings.Format.IniFormat)
        self._is_reported = False

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self._store.fileName())

    @property
    def geometry(self) -> bytes:
        """Position and size of the window as saved by Qt; empty if unknown."""
        return self._bytes("window/geometry")

    @geometry.setter
    def geometry(self, value: bytes) -> None:
        self._set("window/geometry", base64.b64encode(value).decode())

    @property
    def page(self) -> str:
        """Name of the last page in front; empty if unknown."""
        return self._text("window/page")

    @page.setter
    def page(self, value: str) -> None:
        self._set("window/page", value)

    @property
    def tour_offered(self) -> bool:
        """Whether the guided tour was offered once."""
        return self._text("tour/offered") == _YES

    @tour_offered.setter
    def tour_offered(self, value: bool) -> None:
        self._set("tour/offered", _YES if value else "")

    @property
    def theme(self) -> ThemeChoice:
        """Light, dark, or that of the system."""
        said = self._text("theme")
        return next((choice for choice in THEME_CHOICES if choice == said), "system")

    @theme.setter
    def theme(self, value: str) -> None:
        self._set("theme", value)

    @property
    def device(self) -> str:
        """Name of the chosen device, ``auto`` for none."""
        return self._text("device") or "auto"

    @device.setter
    def device(self, value: str) -> None:
        self._set("device", value)

    @property
    def threads(self) -> int:
        """Fixed number of CPU threads, 0 for none."""
        text = self._text("threads")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0

    @threads.setter
    def threads(self, value: int) -> None:
        self._set("threads", str(value))

    @property
    def speed_hz(self) -> float:
        """Playback speed of chains in steps per second."""
        try:
            speed_hz = float(self._text("speed_hz"))
        except ValueError:
            return SPEED_HZ
        return speed_hz if math.isfinite(speed_hz) and 0 < speed_hz <= FASTEST_HZ else SPEED_HZ

    @speed_hz.setter
    def speed_hz(self, value: float) -> None:
        self._set("speed_hz", repr(float(value)))

    @property
    def convention(self) -> Convention:
        """How formulas write the step of a sampler."""
        said = self._text("convention")
        return next((choice for choice in CONVENTIONS if choice == said), "epsilon")

    @convention.setter
    def convention(self, value: Convention) -> None:
        self._set("convention", value)

    @property
    def data_dir(self) -> Path | None:
        """Folder of the data sets; None for the engine's default places."""
        return self._path("folders/data")

    @data_dir.setter
    def data_dir(self, value: Path | None) -> None:
        self._set("folders/data", str(value or ""))

    @property
    def inception(self) -> Path | None:
        """The user's weights of the FID's network; None for none."""
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
        """Folder of the last opened or written file; the home folder if it no longer exists."""
        folder = self._path("folders/last")
        return folder if folder is not None and folder.is_dir() else Path.home()

    @last_folder.setter
    def last_folder(self, value: Path) -> None:
        self._set("folders/last", str(value))

    def recent(self) -> list[Path]:
        """Return recent files and run folders that still exist, newest first, also those of other windows."""
        self._store.sync()
        paths = [Path(line) for line in self._text("recent").splitlines() if line]
        return [path for path in paths if path.exists()][:MOST_RECENT]

    def add_recent(self, path: Path) -> None:
        """Add a file or run folder at the top of the recent list."""
        newest = [path, *(other for other in self.recent() if other != path)][:MOST_RECENT]
        self._set("recent", "\n".join(str(other) for other in newest))
        # Write immediately: another window may add to the list before this one ends.
        self._store.sync()

    def forget_recent(self) -> None:
        """Clear the list of recent files and run folders."""
        self._set("recent", "")

    def last_spec(self, page: str) -> ExperimentSpec | None:
        """Return the last spec of a page; None if there is none that this version accepts."""
        try:
            return ExperimentSpec.from_json(self._text(f"specs/{page}"))
        except SpecError:
            return None

    def set_last_spec(self, page: str, spec: ExperimentSpec) -> None:
        """Store the spec of a page."""
        self._set(f"specs/{page}", spec.to_json())

    def last_run(self, page: str) -> Path | None:
        """Return the last run folder of a page's network; None if it no longer exists."""
        folder = self._path(f"runs/{page}")
        return folder if folder is not None and folder.is_dir() else None

    def set_last_run(self, page: str, folder: Path | None) -> None:
        """Store the run folder of a page's network, None for none."""
        self._set(f"runs/{page}", str(folder or ""))

    def place(self, page: str) -> list[str]:
        """Return where a page trains, as three texts: place, address or partition, cards; all empty if unknown."""
        texts = self._text(f"places/{page}").split("\t")
        return texts if len(texts) == 3 else ["", "", ""]

    def set_place(self, page: str, texts: list[str]) -> None:
        """Store where a page trains."""
        self._set(f"places/{page}", "\t".join(texts))

    def columns(self, page: str) -> bytes:
        """Return widths and order of the columns of a page's list as packed by Qt; empty for none."""
        return self._bytes(f"columns/{page}")

    def set_columns(self, page: str, state: bytes) -> None:
        """Store widths and order of the columns of a page's list."""
        self._set(f"columns/{page}", base64.b64encode(state).decode("ascii"))

    def export_choice(self, kind: str) -> dict[str, Any]:
        """Return the last choices for exports of a kind, by name; empty if there are none that can be read."""
        try:
            found = json.loads(self._text(f"exports/{kind}"))
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def set_export_choice(self, kind: str, choice: dict[str, Any]) -> None:
        """Store the choices for exports of a kind."""
        self._set(f"exports/{kind}", json.dumps(choice))

    def sync(self) -> str:
        """Write pending changes to the file.

        Returns:
            A sentence on the first actual or expected failure; empty otherwise.
        """
        self._store.sync()
        failed = self._store.status() == QSettings.Status.AccessError or not _is_writable(self.path)
        if not failed or self._is_reported:
            return ""
        self._is_reported = True
        return (
            f"Your choices are lost after this session: {self.path} cannot be written. Make the file writable, "
            "free some space, or name another file by MSD_SETTINGS."
        )

    def _set(self, key: str, value: str) -> None:
        self._store.setValue(key, value)

    def _text(self, key: str) -> str:
        # An unquoted comma in a file edited by hand turns a text into a list.
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
    """Return whether a file can be written or created, with missing folders."""
    nearest = next(above for above in (path, *path.absolute().parents) if above.exists())
    return (nearest == path or nearest.is_dir()) and os.access(nearest, os.W_OK)
