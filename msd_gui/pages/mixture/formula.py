"""The update of the chains as a formula below the plane, in symbols and with the numbers of the state that is shown."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Slot
from PySide6.QtWidgets import QComboBox, QLabel, QSizePolicy, QWidget

from msd_engine.specs import SamplingSpec
from msd_engine.specs.tables.updates import CONVENTIONS, Convention, Update, update_of
from msd_gui.pages.base import layout
from msd_gui.theme.tips import typeset, wrapped

_EXPLAINED = (
    "The papers write a step in two ways: ε times the score with noise √(2ε) z, or α/2 times it with noise √α z, "
    "which is the same for α = 2ε."
)


class Formula(QWidget):
    """A formula with a choice of the convention for its step."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[SamplingSpec, float] | None = None
        self._update = Update("", "")
        self.label = QLabel()
        self.label.setObjectName("mixture.formula")
        self.label.setWordWrap(True)
        self.label.setAccessibleName("Update of the chains")
        # A long formula must not widen the page.
        self.label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.choice = QComboBox()
        self.choice.setObjectName("mixture.convention")
        self.choice.setAccessibleName("Convention of the step")
        self.choice.setToolTip(wrapped(_EXPLAINED))
        for word, title in CONVENTIONS.items():
            self.choice.addItem(title, word)
        self.choice.currentIndexChanged.connect(self._write)
        layout.fill_row(self, self.label)
        box = self.layout()
        assert box is not None
        box.addWidget(self.choice)
        self.label.installEventFilter(self)

    def hasHeightForWidth(self) -> bool:
        """Return False: in a scroll area a height for the width would give the whole column its preferred height."""
        return False

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take as much height as the lines need at a new width of the label."""
        if watched is self.label and event.type() == QEvent.Type.Resize:
            self._fit()
        return super().eventFilter(watched, event)

    def _fit(self) -> None:
        lines = self.label.heightForWidth(self.label.width())
        self.setFixedHeight(max(lines, self.choice.sizeHint().height()))

    @property
    def convention(self) -> Convention:
        """How the step is written."""
        word: Convention = self.choice.currentData()
        return word

    def set_convention(self, convention: Convention) -> None:
        """Write the step in a convention."""
        self.choice.setCurrentIndex(self.choice.findData(convention))

    def show_update(self, sampling: SamplingSpec, sigma: float) -> None:
        """Show the update of a sampler at a noise of one copy."""
        if (sampling, sigma) != self._shown:
            self._shown = sampling, sigma
            self._write()

    @Slot()
    def _write(self) -> None:
        if self._shown is None:
            return
        update = update_of(*self._shown, self.convention)
        if update != self._update:
            self._update = update
            self.label.setText(f"{typeset(update.symbols)}<br>{typeset(update.numbers)}" if update.symbols else "")
            self._fit()
