"""Who may import whom, and what stays out of a quick start."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")

# One forbidden line for each contract of pyproject.toml, where it would be tempting.
VIOLATIONS = {
    "The floors of the engine": ("msd_engine/backend/errors.py", "import msd_engine.jobs"),
    "The floors of the jobs": ("msd_engine/jobs/tools/guard.py", "import msd_engine.jobs.sweep.story"),
    "The floors of the metrics": ("msd_engine/metrics/chains/__init__.py", "import msd_engine.metrics.quality"),
    "The floors of the program": ("msd_gui/theme/__init__.py", "import msd_gui.widgets"),
    "The floors of the pages": ("msd_gui/pages/compare/form.py", "import msd_gui.pages.runs"),
    "The floors of the views": ("msd_gui/views/plane/__init__.py", "import msd_gui.views.curves"),
    "No two rooms need each other": ("msd_engine/noise/process.py", "import msd_engine.noise.ladder"),
    "The engine knows no Qt and no program": ("msd_engine/data/__init__.py", "import PySide6"),
    "Specs and events know no torch": ("msd_engine/specs/noise.py", "import torch"),
    "Only the bridge makes jobs": ("msd_gui/pages/__init__.py", "import msd_engine.jobs"),
    "Views see numpy and plots alone": ("msd_gui/views/__init__.py", "import msd_engine.specs"),
}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    # The folder comes before the installed packages, so that the copy is what is judged.
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(
        [LINT_IMPORTS, "--no-cache"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def loaded_by(statement: str) -> set[str]:
    """Return the modules that a fresh process holds after a statement."""
    done = subprocess.run(
        [sys.executable, "-c", f"{statement}\nimport sys\nprint(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split("\n")[-2].split())


def test_the_import_contracts_hold() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout
    for name in VIOLATIONS:
        assert f"{name} KEPT" in done.stdout


def test_only_the_facade_names_the_jobs_of_the_engine() -> None:
    """It finds them by name where they run, which no contract on imports sees."""
    files = sorted((ROOT / "msd_gui").rglob("*.py"))
    naming = [path.relative_to(ROOT).as_posix() for path in files if "msd_engine.jobs" in path.read_text()]
    assert naming == ["msd_gui/bridge/engine.py"]


def copy_with(folder: Path, *violations: tuple[str, str]) -> None:
    """Copy the sources to a folder and append a line to some of the files."""
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in ("msd_engine", "msd_gui"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file, line in violations:
        with (folder / file).open("a") as source:
            source.write(f"\n{line}\n")


def test_every_contract_is_among_the_violations() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert {contract["name"] for contract in contracts} == set(VIOLATIONS)


def test_every_contract_catches_an_injected_violation(tmp_path: Path) -> None:
    copy_with(tmp_path, *VIOLATIONS.values())
    done = lint_imports(tmp_path)
    assert done.returncode != 0
    for name in VIOLATIONS:
        assert f"{name} BROKEN" in done.stdout, name


def test_a_circle_within_one_room_breaks_one_contract_alone(tmp_path: Path) -> None:
    name = "No two rooms need each other"
    copy_with(tmp_path, VIOLATIONS[name])
    done = lint_imports(tmp_path)
    assert f"{name} BROKEN" in done.stdout
    for other in VIOLATIONS.keys() - {name}:
        assert f"{other} KEPT" in done.stdout


@pytest.mark.parametrize(
    "statement",
    [
        "import msd_engine.specs",
        "import msd_engine.events",
        "import msd_engine.cli.main",
        "import msd_gui.app",
        "import msd_gui.app.window",
        "import msd_gui.app.pages",
        "from msd_engine.cli.main import main; main(['presets'])",
        "from msd_engine.cli.main import main; main(['schema'])",
        "from msd_engine.cli.main import main; main(['schema', '--table'])",
    ],
)
def test_a_quick_start_loads_no_slow_library(statement: str) -> None:
    loaded = loaded_by(statement)
    assert "msd_engine" in loaded or "msd_gui" in loaded
    assert not loaded & {"torch", "scipy", "sklearn", "arviz_stats", "pooch"}


def test_the_engine_loads_no_qt() -> None:
    files = sorted(path.relative_to(ROOT) for path in (ROOT / "msd_engine" / "jobs").rglob("*.py"))
    jobs = [".".join(path.with_suffix("").parts) for path in files if path.stem != "__init__"]
    assert len(jobs) > 30
    loaded = loaded_by("import " + ", ".join(jobs))
    assert "torch" in loaded
    assert not {name for name in loaded if name.startswith(("PySide6", "shiboken6", "pyqtgraph", "msd_gui"))}
