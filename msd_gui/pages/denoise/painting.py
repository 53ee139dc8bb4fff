"""How chains move that paint a part of a picture anew: said in numbers beside the choice, and given to the controls."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from msd_engine.specs import ExperimentSpec, declarations, for_painting
from msd_gui.pages.base.page import ExperimentPage
from msd_gui.widgets.controls.numbers import number
from msd_gui.widgets.panels.spec_form import SpecForm

PAINTING = "Painting anew"
_ADOPT = "Change these…"
_ADOPT_HELP = (
    "Give these settings to the controls of the chains above, where they can be changed. The row from seed to seed "
    "follows them then, too; undo goes back."
)
_SETTLES = "The sampler of the chains settles at each noise already: it paints, too."
_GLIDES = "It glides past the noises: what is painted may not fit to what is kept."


def painters(spec: ExperimentSpec) -> str:
    """Return, in one line, the chains that paint: sampler, L, T, r, what else they use, and their evaluations."""
    sampling = for_painting(spec).sampling
    parts = [f"L = {sampling.levels}", f"T = {sampling.steps_per_level}"]
    symbols = {declared.path: declared.symbol for declared in declarations(sampling)}
    parts += [f"{symbols[name]} = {number(getattr(sampling, name))}" for name in sampling.traits.own]
    if sampling.source == "trained" and sampling.guidance > 1:
        parts.append(f"w = {number(sampling.guidance)}")
    # A line breaks between two of them, not within one.
    whole = [part.replace(" ", "\N{NO-BREAK SPACE}") for part in (*parts, f"{sampling.evaluations:,} evaluations")]
    return f"{sampling.traits.title}, {', '.join(whole)}"


class PaintingControls(QObject):
    """The part of the form that says by which chains a part of a picture is painted anew."""

    def __init__(self, page: ExperimentPage, form: SpecForm) -> None:
        """Add the words and the button under the choice.

        Args:
            page: Its experiment takes the settings over.
            form: With the group `PAINTING` and the controls of the chains.
        """
        super().__init__(page)
        self._page, self._form = page, form
        self.words = QLabel()
        self.words.setProperty("role", "muted")
        self.words.setWordWrap(True)
        self.button = QPushButton(_ADOPT)
        self.button.setObjectName("denoise.take_painting")
        self.button.setToolTip(_ADOPT_HELP)
        self.button.clicked.connect(self.take)
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 2)
        column.setSpacing(4)
        column.addWidget(self.words)
        column.addWidget(self.button)
        form.section(PAINTING).add_row(holder)
        form.set_next("denoise.painting", self.button)

    def show(self, spec: ExperimentSpec) -> None:
        """Say which chains paint with the settings of a spec."""
        glides = spec.sampling.glides
        own = for_painting(spec) != spec
        self._form.set_enabled("denoise.painting", glides, _SETTLES)
        self.words.setText(f"{painters(spec)}. {_GLIDES if glides and not own else ''}".strip())
        self.button.setVisible(own)

    @Slot()
    def take(self) -> None:
        """Give the settings of the chains that paint to all chains."""
        self._page.experiment.set(for_painting(self._page.experiment.spec))
