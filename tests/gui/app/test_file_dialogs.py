"""Files of the window: which name is asked about, what is dropped, and lists that two windows share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from fake_engine import FakeEngine
from hands import WAIT_MS
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QFileDialog, QMessageBox

from msd_engine.events import Finished, Notice
from msd_gui.app.files import Files, with_suffix
from msd_gui.session.settings import Settings


@pytest.mark.parametrize(
    ("typed", "written"),
    [("eps0.01", "eps0.01.png"), ("a", "a.png"), ("a.png", "a.png"), ("A.PNG", "A.PNG"), ("a.svg", "a.svg.png"),
     (".png", ".png.png"), ("v1.2.png", "v1.2.png")],
)  # fmt: skip
def test_the_suffix_need_not_be_typed(typed, written):
    assert with_suffix(Path("x", typed), ".png") == Path("x", written)


class Dialog:
    """Answers in the place of the user: names that are chosen one after another, and whether a file may go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names: list[Path] = []
        self.answers: list[QMessageBox.StandardButton] = []
        self.questions: list[str] = []
        monkeypatch.setattr(QFileDialog, "exec", lambda dialog: self._chosen(dialog))
        monkeypatch.setattr(QFileDialog, "selectedFiles", lambda dialog: [str(self.names[0])])
        monkeypatch.setattr(QMessageBox, "question", self._requested)
        self._shown = 0

    def _chosen(self, dialog):
        if self._shown:
            self.names.pop(0)
        self._shown += 1
        return QFileDialog.DialogCode.Accepted if self.names else QFileDialog.DialogCode.Rejected

    def _requested(self, parent, title, text, *buttons):
        self.questions.append(text)
        return self.answers.pop(0)


@pytest.fixture
def dialog(monkeypatch):
    return Dialog(monkeypatch)


def test_the_name_that_is_written_is_asked_about(window, tmp_path, dialog):
    (tmp_path / "eps0.01.png").write_bytes(b"old")
    dialog.names, dialog.answers = [tmp_path / "eps0.01"], [QMessageBox.StandardButton.Yes]
    assert window.files._choose_target("Export", "grid", ".png") == tmp_path / "eps0.01.png"
    assert dialog.questions == [f"eps0.01.png already exists in {tmp_path}. Replace it?"]


def test_another_name_may_be_chosen_where_a_file_is_to_stay(window, tmp_path, dialog):
    (tmp_path / "eps0.01.png").write_bytes(b"old")
    dialog.names, dialog.answers = [tmp_path / "eps0.01", tmp_path / "new"], [QMessageBox.StandardButton.No]
    assert window.files._choose_target("Export", "grid", ".png") == tmp_path / "new.png"
    assert len(dialog.questions) == 1


def test_nothing_is_written_where_the_user_gives_up(window, tmp_path, dialog):
    (tmp_path / "eps0.01.json").write_bytes(b"old")
    dialog.names, dialog.answers = [tmp_path / "eps0.01"], [QMessageBox.StandardButton.No]
    page = window.page
    window.files.choose_save(page.experiment.spec)
    assert (tmp_path / "eps0.01.json").read_bytes() == b"old"
    assert not window.files.running


def test_a_new_name_is_not_asked_about(window, tmp_path, dialog):
    dialog.names = [tmp_path / "eps0.01"]
    assert window.files._choose_target("Export", "grid", ".png") == tmp_path / "eps0.01.png"
    assert not dialog.questions
    assert window.settings.last_folder == tmp_path


def drop_all(target, addresses):
    data = QMimeData()
    data.setUrls([QUrl(address) for address in addresses])
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    target.dropEvent(QDropEvent(QPointF(10, 10), copy, data, left, none))


def test_of_several_dropped_files_the_first_is_opened_and_it_is_said(window, tmp_path, monkeypatch):
    opened: list[Path] = []
    monkeypatch.setattr(window.files, "open_path", opened.append)
    names = [tmp_path / f"{number}.json" for number in range(3)]
    drop_all(window, [name.as_uri() for name in names])
    assert opened == names[:1]
    assert ["of the 3 dropped files" in text for text in window.messages.errors()] == [True]


def test_an_address_of_this_machine_is_opened(window, tmp_path, monkeypatch):
    opened: list[Path] = []
    monkeypatch.setattr(window.files, "open_path", opened.append)
    drop_all(window, [f"file://localhost{tmp_path}/a%20b.json"])
    assert opened == [tmp_path / "a b.json"]


ADD = """
import sys
from pathlib import Path
from msd_gui.session.settings import Settings
Settings(Path(sys.argv[1])).add_recent(Path(sys.argv[2]))
"""


def test_two_programs_keep_the_recent_files_of_both(tmp_path):
    names = [tmp_path / name for name in ("one", "two", "three")]
    for name in names:
        name.touch()
    ours = Settings(tmp_path / "s.ini")
    ours.add_recent(names[0])
    subprocess.run([sys.executable, "-c", ADD, str(tmp_path / "s.ini"), str(names[1])], check=True)
    ours.add_recent(names[2])
    assert ours.recent() == [names[2], names[1], names[0]]


def test_files_left_out_of_a_folder_are_listed(window, qtbot, tmp_path):
    left_out = Notice("1 of the pictures was left out (text.png: it is cut).", "text.png: it is cut")
    engine = FakeEngine(restore=(left_out, Notice("Beside it."), Finished(0, 0.0, "Took the pictures.", str(tmp_path))))
    files, shown = Files(window, engine, window.clock, window.settings), []
    files.failed.connect(window.show_error)
    files.failed.connect(lambda *said: shown.append(said))
    with qtbot.waitSignal(files.written, timeout=WAIT_MS):
        files.open_path(tmp_path)
    files.close()
    assert shown == [(left_out.text, left_out.details)]
    assert window.messages.errors() == [left_out.text]
