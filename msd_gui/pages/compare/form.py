"""The settings of a comparison of numbers of copies: experiment, ks, seeds, modes and budget."""

from __future__ import annotations

from PySide6.QtCore import QLocale, Slot
from PySide6.QtWidgets import QComboBox, QFormLayout, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from msd_engine.specs import ExperimentSpec, SpecError, SweepSpec, load_preset, preset_names
from msd_engine.specs.nets import FUSIONS
from msd_engine.specs.sweep import MODE_TITLES, MODES, parse_list
from msd_gui.pages.base.cost_line import CostLine
from msd_gui.pages.compare.place import PlaceChoice
from msd_gui.theme.tips import wrapped
from msd_gui.widgets.controls.numbers import duration, read_number
from msd_gui.widgets.panels.elided import ElidedCombo

_BOTH = "both"
_OPENED = ""
_MOST_STEPS = 100_000_000
_PRESET_HELP = "Data, network and training that every k shares."
_CURVE_POINTS, _OFTEN = 40, 20
_UNIT_HELP = (
    "Only a budget in steps repeats to the bit and gives all runs equally many steps. Runs with a budget in seconds "
    "are compared at the last step at which all of them were measured."
)


class SweepForm(QWidget):
    """The controls, with the number and the duration of the trainings below them.

    Attributes:
        place: Where the runs are trained.
        cost: Number of trainings and their duration in all, or why the settings cannot be used.
    """

    def __init__(self) -> None:
        super().__init__()
        self._opened: ExperimentSpec | None = None
        self.preset = _choice("sweep.preset", "Experiment", _PRESET_HELP, ElidedCombo())
        # The title of an experiment may not fit into the box.
        self.preset.currentTextChanged.connect(
            lambda title: self.preset.setToolTip(wrapped(f"{title}\n{_PRESET_HELP}"))
        )
        self.preset.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for name in preset_names():
            self.preset.addItem(load_preset(name).title, name)
        self.preset.setCurrentIndex(self.preset.findData("digits-30s"))
        self.ks = _line("sweep.ks", "Copies k", "1, 2, 4, 8, 16", "Numbers of copies to compare, separated by commas.")
        self.seeds = _line("sweep.seeds", "Seeds", "0, 1, 2", "Training seeds; the spread is over them.")
        help_modes = (
            "Same σ: each copy has the same noise for every k, as in the report, so σ_eff = σ/√k falls. "
            "Same σ_eff: the mean copy has the same noise for every k."
        )
        self.modes = _choice("sweep.modes", "Modes", help_modes)
        for name, words in ((_BOTH, "both"), *MODE_TITLES.items()):
            self.modes.addItem(words, name)
        help_fusions = (
            "How the network combines the copies: as the experiment does, or each of concat, mean and set. At the same "
            "σ_eff this shows whether a network that serves every k, and gives up the order of the copies, errs more."
        )
        self.fusions = _choice("sweep.fusions", "Fusions of copies", help_fusions)
        for fusions, words in (((), "the experiment's"), (tuple(FUSIONS), ", ".join(FUSIONS))):
            self.fusions.addItem(words, ",".join(fusions))
        self.budget = _line("sweep.budget", "Budget of each run", "20", "Training time or steps of each run.")
        self.unit = _choice("sweep.unit", "Unit of the budget", _UNIT_HELP)
        self.unit.addItems(["seconds", "steps"])
        whole, rows = QVBoxLayout(self), QFormLayout()
        whole.setContentsMargins(2, 0, 2, 4)
        whole.addLayout(rows)
        budget = QWidget()
        line = QHBoxLayout(budget)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.budget, 1)
        line.addWidget(self.unit)
        for title, widget in (
            ("Experiment", self.preset), ("Copies k", self.ks), ("Seeds", self.seeds), ("Modes", self.modes),
            ("Fusions", self.fusions), ("Budget", budget),
        ):  # fmt: skip
            rows.addRow(title, widget)
        self.place = PlaceChoice(rows)
        self.cost = CostLine("sweep.cost")
        whole.addWidget(self.cost)
        for box in (self.preset, self.modes, self.fusions, self.unit):
            box.currentIndexChanged.connect(self.show_cost)
        for text in (self.ks, self.seeds, self.budget):
            text.textChanged.connect(self.show_cost)
        self.place.changed.connect(self.show_cost)
        self.show_cost()

    @Slot()
    def show_cost(self) -> None:
        """Show how many trainings the settings ask for, and how long they take."""
        self.cost.show_cost(lambda: self.place.value() and _cost(self.value()))

    def value(self) -> SweepSpec:
        """Return the comparison with these settings.

        Raises:
            SpecError: A list or the budget cannot be read.
        """
        amount = self._amount()
        name = self.preset.currentData()
        base = self._opened if name == _OPENED and self._opened is not None else load_preset(name)
        # Curves with a budget in steps get about forty points, others one point every so many steps.
        every = base.training.evaluate_every
        if self.unit.currentText() == "steps":
            every = min(every, max(1, int(amount) // _CURVE_POINTS))
            fields = {"training.steps": int(amount), "training.seconds": 0.0}
        else:
            every = min(every, _OFTEN)
            fields = {"training.steps": _MOST_STEPS, "training.seconds": amount}
        base = base.replace_all(fields | {"training.evaluate_every": every})
        mode = self.modes.currentData()
        lists = {"ks": parse_list("Copies k", self.ks.text()), "seeds": parse_list("Seeds", self.seeds.text())}
        modes = MODES if mode == _BOTH else (mode,)
        fusions = tuple(filter(None, self.fusions.currentData().split(",")))
        choices = {"modes": modes, "fusions": fusions}
        return SweepSpec.from_fields({"title": base.title, "base": base.model_dump(), **choices, **lists})

    def _amount(self) -> float:
        """Return the budget of each run, in the chosen unit."""
        text, unit = self.budget.text().strip(), self.unit.currentText()
        try:
            amount, why = read_number(text, whole=unit == "steps", decimal=QLocale().decimalPoint()), ""
        except ValueError as error:
            amount, why = 0.0, f": {error}"
        if not 0.0 < amount <= _MOST_STEPS:
            number = "a number of seconds" if unit == "seconds" else "a whole number of steps"
            raise SpecError("budget", f"The budget must be {number} above 0, such as 20, but is {text!r}{why}.")
        return amount

    def set_opened(self, spec: SweepSpec) -> None:
        """Add the experiment of an opened comparison to the presets, and choose it with its budget."""
        self._opened = spec.base
        title = spec.title or spec.base.title or spec.base.data.name
        if self.preset.findData(_OPENED) < 0:
            self.preset.insertItem(0, "", _OPENED)
        self.preset.setItemText(0, f"Opened: {title}")
        self.preset.setCurrentIndex(0)
        training = spec.base.training
        amount, unit = (training.seconds, "seconds") if training.seconds else (training.steps, "steps")
        self.budget.setText(f"{amount:g}" if unit == "seconds" else str(amount))
        self.unit.setCurrentText(unit)

    def set_lists(self, spec: SweepSpec) -> None:
        """Show the ks, seeds, modes and fusions of a comparison."""
        self.ks.setText(", ".join(map(str, spec.ks)))
        self.seeds.setText(", ".join(map(str, spec.seeds)))
        self.modes.setCurrentIndex(self.modes.findData(spec.modes[0] if len(spec.modes) == 1 else _BOTH))
        fusions = ",".join(spec.fusions)
        if self.fusions.findData(fusions) < 0:
            self.fusions.addItem(", ".join(spec.fusions), fusions)
        self.fusions.setCurrentIndex(self.fusions.findData(fusions))


def _cost(spec: SweepSpec) -> str:
    """Return number and budget of the trainings of a comparison in words."""
    training, runs, shared = spec.base.training, spec.runs, spec.shared_runs
    words = "1 training" if runs == 1 else f"{runs:,} trainings"
    if training.seconds:
        each_s = training.seconds
        words += f" of {duration(each_s, 0 if each_s.is_integer() else 1)}"
        words += f": about {duration(runs * each_s, 0)} in all" if runs > 1 else ""
    else:
        words += f" of {training.steps:,} steps"
        words += f": {runs * training.steps:,} steps in all" if runs > 1 else ""
    if shared:
        whose = "it serves" if runs == 1 else f"{shared:,} of them serve{'s' if shared == 1 else ''}"
        words += f"; {whose} both modes (k = 1)"
    return f"{words}."


def _line(name: str, title: str, text: str, help_text: str) -> QLineEdit:
    line = QLineEdit(text)
    line.setObjectName(name)
    line.setAccessibleName(title)
    line.setToolTip(wrapped(help_text))
    return line


def _choice(name: str, title: str, help_text: str, box: QComboBox | None = None) -> QComboBox:
    box = box or QComboBox()
    box.setObjectName(name)
    box.setAccessibleName(title)
    box.setToolTip(wrapped(help_text))
    return box
