"""The `msd` command in this process."""

from pathlib import Path
from typing import Any

import pytest
from called import Outcome

from msd_engine.cli.main import main


@pytest.fixture
def msd(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call the command in this process, in an empty folder and without a data folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MSD_DEVICE", raising=False)
    monkeypatch.setenv("MSD_DATA_DIR", str(tmp_path / "no-data"))

    def call(*words: str) -> Outcome:
        capsys.readouterr()
        code = main(words)
        return Outcome(code, *capsys.readouterr())

    return call
