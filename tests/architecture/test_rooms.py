"""How the sources lie in rooms: few files in each, and pages that can be found by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from msd_gui.app.pages import PAGES

ROOT = Path(__file__).parents[2]
MOST = 14


def crowded(root: Path) -> dict[str, int]:
    """Return the folders below a folder that hold more modules than a reader overlooks, with their number."""
    folders = [root, *(path for path in root.rglob("*") if path.is_dir())]
    counts = {folder: sum(path.name != "__init__.py" for path in folder.glob("*.py")) for folder in folders}
    return {folder.relative_to(root.parent).as_posix(): count for folder, count in counts.items() if count > MOST}


@pytest.mark.parametrize("package", ["msd_engine", "msd_gui"])
def test_no_folder_of_the_product_is_crowded(package: str) -> None:
    assert (ROOT / package / "__init__.py").is_file()
    assert not crowded(ROOT / package)


def test_a_crowded_folder_is_named(tmp_path: Path) -> None:
    room = tmp_path / "house" / "room"
    room.mkdir(parents=True)
    for name in ("__init__", *(f"module{number}" for number in range(MOST))):
        (room / f"{name}.py").touch()
    assert not crowded(tmp_path / "house")
    (room / "one_more.py").touch()
    assert crowded(tmp_path / "house") == {"house/room": MOST + 1}


def test_every_folder_with_a_page_and_a_help_is_in_the_table_of_pages() -> None:
    folders = {path.parent.name for path in (ROOT / "msd_gui" / "pages").glob("*/help.html")}
    assert folders == {row.name for row in PAGES}
    for row in PAGES:
        assert (ROOT / "msd_gui" / "pages" / row.name / "page.py").is_file()
