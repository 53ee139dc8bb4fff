"""The settings of a comparison of objectives: data and network, objectives and seeds."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSignalBlocker, Signal, Slot
from PySide6.QtWidgets import QCheckBox, QLineEdit, QPushButton, QVBoxLayout, QWidget

from msd_engine.specs import ExperimentSpec, SpecError
from msd_engine.specs.scores.contenders import CONTENDERS
from msd_engine.specs.scores.spec import USUAL, ScoresSpec
from msd_engine.specs.sweep import parse_list
from msd_gui.pages.base.cost_line import CostLine
from msd_gui.session.refusals import refused_choices
from msd_gui.theme.tips import wrapped
from msd_gui.widgets.panels.section import Section
from msd_gui.widgets.panels.spec_form import SpecForm

GROUPS = (
    ("Data and noise", ("data.name", "data.count", "training.k", "noise.smallest", "noise.largest", "noise.noises")),
    (
        "Training",
        (
            "training.form",
            "training.steps",
            "training.learning_rate",
            "training.batch",
            "training.averaging",
            "network.width",
            "network.depth",
            "noise.log_mean",
            "noise.log_std",
        ),
    ),
)


_COPIES_TEST = (
    "Choose the squared error with the three fusions of copies, for at least two copies. While they train, the plot of "
    "errors also offers how far x̂ moves where the copies of fixed draws are shuffled, dropped or replaced."
)


class ScoresForm(QWidget):
    """The controls of a comparison.

    Attributes:
        edited: Emitted with the new `ExperimentSpec` and the path of the field that the user changed.
        changed: Emitted after a change of objectives or seeds.
        fields: The controls of the experiment.
        boxes: The check box of each contender.
        seeds: The training seeds.
        copies_test: The button that asks for the three fusions of copies.
    """

    edited = Signal(object, str)
    changed = Signal()

    def __init__(self, spec: ExperimentSpec) -> None:
        super().__init__()
        self.fields = SpecForm(GROUPS, spec)
        self.fields.section("Training").set_open(False)
        self.fields.edited.connect(self.edited)
        objectives = Section("Objectives")
        self.boxes: dict[str, QCheckBox] = {}
        for name, row in CONTENDERS.items():
            box = QCheckBox(row.title)
            box.setObjectName(f"scores.{name}")
            box.setToolTip(wrapped(f"{row.help}."))
            box.setChecked(name in USUAL)
            box.toggled.connect(self._on_changed)
            objectives.add_row(box)
            self.boxes[name] = box
        self.copies_test = QPushButton("Copies test")
        self.copies_test.setObjectName("scores.copies-test")
        self.copies_test.setToolTip(wrapped(_COPIES_TEST))
        objectives.add_row(self.copies_test)
        self.seeds = QLineEdit("0, 1, 2")
        self.seeds.setObjectName("scores.seeds")
        self.seeds.setAccessibleName("Seeds")
        self.seeds.setToolTip(wrapped("Training seeds, separated by commas; the intervals are over them."))
        self.seeds.textChanged.connect(self._on_changed)
        self.cost = CostLine("scores.cost")
        seeds = Section("Seeds")
        seeds.add_row(self.seeds)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        for widget in (objectives, seeds, self.cost, self.fields):
            column.addWidget(widget)
        self.show_spec(spec, spec)

    def show_spec(self, spec: ExperimentSpec, reset: ExperimentSpec) -> None:
        """Show an experiment, and the values that double-clicks restore."""
        self.fields.set_reset(reset)
        self.fields.setValue(spec)
        self.fields.set_refused({}, refused_choices(spec))
        self._on_changed()

    def value(self) -> ScoresSpec:
        """Return the comparison with these settings.

        Raises:
            SpecError: No objective is chosen, or the seeds cannot be read.
        """
        chosen = tuple(name for name, box in self.boxes.items() if box.isChecked())
        if not chosen:
            raise SpecError("contenders", "Choose at least one objective.")
        seeds = parse_list("Seeds", self.seeds.text())
        base = self.fields.value().model_dump()
        return ScoresSpec.from_fields({"base": base, "contenders": chosen, "seeds": seeds})

    def choose(self, chosen: Mapping[str, bool], seeds: str) -> None:
        """Set objectives and seeds."""
        for name, box in self.boxes.items():
            with QSignalBlocker(box):
                box.setChecked(chosen.get(name, False))
        self.seeds.setText(seeds)
        self._on_changed()

    @Slot()
    def _on_changed(self) -> None:
        self.cost.show_cost(lambda: _cost(self.value()))
        self.changed.emit()


def _cost(spec: ScoresSpec) -> str:
    count, seeds = len(spec.contenders), len(spec.seeds)
    trainings = f"{count} objective{'' if count == 1 else 's'} × {seeds} seed{'' if seeds == 1 else 's'}"
    return f"{trainings} × {spec.base.training.steps:,} steps, compared at σ_eff = {spec.sigma_eff:.3g}."
