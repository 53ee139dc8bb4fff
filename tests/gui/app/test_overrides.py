"""An error in a method that Qt calls is reported, and the program stays up."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
from PySide6.QtWidgets import QDialog, QSpinBox

from msd_gui.overrides import complete_errors

# In a process of its own: before the errors were completed, it died.
PROGRAM = """
import math, sys
import msd_gui
from PySide6.QtCore import QAbstractListModel, QEvent, QTimer, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QListView, QSpinBox, QWidget

class Painted(QWidget):
    def paintEvent(self, event):
        math.log(0)

class Stepped(QSpinBox):
    def stepBy(self, steps):
        {}[steps]

    def keyPressEvent(self, event):
        super().keyPressEvent(event)

class Rows(QAbstractListModel):
    def rowCount(self, parent=None):
        return 1

    def data(self, index, role):
        int("none")

kinds = set()
sys.excepthook = lambda kind, *_: kinds.add(kind.__name__)
app = QApplication([])
painted, stepped, listed, rows = Painted(), Stepped(), QListView(), Rows()
listed.setModel(rows)
for widget in (painted, stepped, listed):
    widget.show()
QApplication.postEvent(stepped, QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Up, Qt.KeyboardModifier.NoModifier))
QTimer.singleShot(200, app.quit)
app.exec()
print(*sorted(kinds))
"""


def test_errors_of_any_kind_in_methods_that_qt_calls_leave_the_program_up():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["KeyError", "ValueError"]), done.stderr


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="Python completes errors itself")
def test_only_what_qt_calls_is_wrapped(qtbot):
    complete_errors()

    class Box(QSpinBox):
        def stepBy(self, steps):
            super().stepBy(steps)

        def own(self):
            return math.pi

    class Asked(QDialog):
        def accept(self):
            super().accept()

    assert hasattr(Box.stepBy, "__wrapped__")
    assert not hasattr(Box.own, "__wrapped__")
    # A slot keeps its parameters: Qt passes as many arguments as it takes.
    assert not hasattr(Asked.accept, "__wrapped__")
    box = Box()
    qtbot.addWidget(box)
    box.stepBy(2)
    assert box.value() == 2
