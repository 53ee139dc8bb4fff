"""What every source file keeps to, beyond what ruff and mypy check."""

import ast
import functools
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST = 400

# Spelled in parts, so that this file does not name them itself.
MACHINE_PATH = re.compile(
    "(?<![A-Za-z0-9_.~-])/(" + "|".join(("wo" + "rk", "ro" + "ot", "tm" + "p", "ho" + "me")) + ")/"
)


def tracked() -> list[Path]:
    """Return the files that belong to the project: those under version control, or all where there is none."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    folders = ("msd_engine", "msd_gui", "resources", "tests", "packaging")
    return [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]


def python_files() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py"]


def test_no_text_names_a_path_of_one_machine() -> None:
    found = []
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue  # a picture
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in MACHINE_PATH.finditer(text)]
    assert not found


def test_no_source_file_is_too_long() -> None:
    lengths = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in python_files()}
    assert len(lengths) > 50
    assert not {str(path): length for path, length in lengths.items() if length > LONGEST}


def test_every_module_says_what_it_is() -> None:
    for path in python_files():
        assert ast.get_docstring(ast.parse(path.read_text())), path.relative_to(ROOT)


@functools.cache
def used() -> dict[Path, set[str]]:
    """Return the modules that each file of the product imports, with the names that it calls."""
    found = {}
    for path in python_files():
        if ROOT / "tests" in path.parents:
            continue
        names = found[path] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                names.add(node.func.id)
    return found


@pytest.mark.parametrize("word", ["pickle", "eval", "exec", "marshal", "shelve"])
def test_nothing_that_runs_code_from_a_file_is_used(word: str) -> None:
    assert len(used()) > 50
    assert not [str(path.relative_to(ROOT)) for path, names in used().items() if word in names]
