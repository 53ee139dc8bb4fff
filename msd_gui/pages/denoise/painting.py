"""The sampler of inpainting: its settings beside the choice, and a button to copy them to the controls."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from msd_engine.specs import ExperimentSpec, declarations, for_painting
from msd_gui.pages.base.page import ExperimentPage
from msd_gui.theme.tips import wrapped
from msd_gui.widgets.controls.numbers import number
from msd_gui.widgets.panels.spec_form import SpecForm

_ADOPT = "Change these…"
_ADOPT_HELP = (
    "Copy these settings to the sampler and ladder above, where you can change them. Interpolation then uses them too; "
    "undo reverts this."
)
_GLIDES = "It does not settle at any noise, so the painted part may not match the kept part."


def painters(spec: ExperimentSpec) -> str:
    """Summarise the inpainting chains in one line: sampler, L, T, its own parameters, w, and evaluations."""
    sampling = for_painting(spec).sampling
    parts = [f"L = {sampling.levels}", f"T = {sampling.steps_per_level}"]
    symbols = {declared.path: declared.symbol for declared in declarations(sampling)}
    parts += [f"{symbols[name]} = {number(getattr(sampling, name))}" for name in sampling.traits.own if symbols[name]]
    if sampling.source == "trained" and sampling.guidance > 1:
        parts.append(f"w = {number(sampling.guidance)}")
    # Allow line breaks only between the parts.
    whole = [part.replace(" ", "\N{NO-BREAK SPACE}") for part in (*parts, f"{sampling.evaluations:,} evaluations")]
    return f"{sampling.traits.title}, {', '.join(whole)}"


class PaintingControls(QObject):
    """The part of the form for inpainting: a summary and a button under the choice."""

    def __init__(self, page: ExperimentPage, form: SpecForm) -> None:
        super().__init__(page)
        self._page = page
        self.words = QLabel()
        self.words.setProperty("role", "muted")
        self.words.setWordWrap(True)
        self.button = QPushButton(_ADOPT)
        self.button.setObjectName("denoise.adopt_painting")
        self.button.setToolTip(wrapped(_ADOPT_HELP))
        self.button.clicked.connect(self.adopt)
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 2)
        column.setSpacing(4)
        column.addWidget(self.words)
        column.addWidget(self.button)
        form.add_below("denoise.painting", holder, self.button)

    def show(self, spec: ExperimentSpec) -> None:
        """Show the inpainting chains of a spec."""
        glides = spec.sampling.glides
        own = for_painting(spec) != spec
        self.words.setText(f"{painters(spec)}. {_GLIDES if glides and not own else ''}".strip())
        self.button.setVisible(own)

    @Slot()
    def adopt(self) -> None:
        """Use the settings of the inpainting chains for all chains."""
        self._page.experiment.set(for_painting(self._page.experiment.spec))
