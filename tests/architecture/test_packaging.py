"""What is installed: packages, resources, dependencies and their pins."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
PINS = [
    Requirement(line)
    for line in (ROOT / "packaging" / "constraints.txt").read_text().splitlines()
    if line and not line.startswith("#")
]


def sources() -> Iterator[Path]:
    for package in ("msd_engine", "msd_gui"):
        yield from sorted((ROOT / package).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Yield the top-level names that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def requirements(*extras: str) -> list[Requirement]:
    texts = list(PROJECT["project"]["dependencies"])
    for extra in extras:
        texts += PROJECT["project"]["optional-dependencies"][extra]
    return [Requirement(text) for text in texts]


def test_every_package_is_listed_for_installation() -> None:
    present = {path.parent.relative_to(ROOT).as_posix().replace("/", ".") for path in sources()}
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == present | {"msd_resources"}


def folder_of(package: str) -> Path:
    """Return where the sources of a package lie."""
    setuptools = PROJECT["tool"]["setuptools"]
    return ROOT / setuptools["package-dir"].get(package, package.replace(".", "/"))


def test_every_file_beside_the_sources_is_declared_and_every_declaration_finds_files() -> None:
    declared: set[Path] = set()
    for package, patterns in PROJECT["tool"]["setuptools"]["package-data"].items():
        for pattern in patterns:
            found = {path for path in folder_of(package).glob(pattern) if path.is_file()}
            assert found, f"{package}: nothing is called {pattern}"
            declared |= found
    for package in ("msd_engine", "msd_gui", "msd_resources"):
        for path in folder_of(package).rglob("*"):
            beside = path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts
            assert not beside or path in declared, f"{path.relative_to(ROOT)} would not be installed"


@pytest.mark.parametrize("name", ["presets/ncsn-toy.json", "icons/msd-gui.svg", "help/help.html"])
def test_the_resources_are_found_where_they_are_installed(name: str) -> None:
    assert (files("msd_resources") / name).is_file()


def test_every_library_that_is_imported_is_a_declared_dependency() -> None:
    extras = ("video", "ray", "slurm", "sftp", "s3")
    declared = {canonicalize_name(requirement.name) for requirement in requirements(*extras)}
    # shiboken6 is the other half of PySide6 and always comes with it.
    declared |= {"shiboken6"}
    distributions = packages_distributions()
    own = {"msd_engine", "msd_gui", "msd_resources"}
    for path in sources():
        # An extra that is not installed has the name of its module.
        for name in set(imported(path)) - set(sys.stdlib_module_names) - own:
            owners = {canonicalize_name(owner) for owner in distributions.get(name, [name])}
            assert owners & declared, f"{path.relative_to(ROOT)} imports {name}, which is not a dependency"


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_the_pins_are_exact_and_lie_in_the_ranges(python: str) -> None:
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    pins = {canonicalize_name(pin.name): pin for pin in PINS if pin.marker is None or pin.marker.evaluate(environment)}
    for pin in pins.values():
        assert re.fullmatch(r"==[0-9][0-9.a-z]*", str(pin.specifier)), f"{pin} is not exact, or has a local part"
    for requirement in requirements("test", "dev", "metrics", "tensorboard", "video", "ray", "slurm"):
        if requirement.marker is not None and not requirement.marker.evaluate(environment):
            continue
        pin = pins[canonicalize_name(requirement.name)]
        (version,) = (Version(specifier.version) for specifier in pin.specifier)
        assert version in requirement.specifier, f"{pin} is outside {requirement}"


def test_no_pin_forces_an_accelerator_or_an_unwanted_library() -> None:
    names = {canonicalize_name(pin.name) for pin in PINS}
    assert not {name for name in names if name.startswith(("nvidia", "cuda", "triton", "torchvision"))}


def test_the_commands_of_the_project_exist() -> None:
    scripts = PROJECT["project"]["scripts"] | PROJECT["project"]["gui-scripts"]
    assert set(scripts) == {"msd", "msd-gui"}
    for target in scripts.values():
        module, _, function = target.partition(":")
        tree = ast.parse((ROOT / (module.replace(".", "/") + ".py")).read_text())
        assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
