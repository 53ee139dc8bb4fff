"""The plan of a shoot-out: samplers, budgets and seeds."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QCheckBox, QLineEdit, QWidget

from msd_engine.specs import ExperimentSpec, SpecError
from msd_engine.specs.search.shoot_out import USUAL, ShootOutSpec, chosen, usual_base
from msd_engine.specs.sweep import parse_list
from msd_engine.specs.tables.samplers import BEYOND_NETWORKS, TRAITS
from msd_gui.pages.base import layout
from msd_gui.pages.base.cost_line import CostLine
from msd_gui.theme.tips import wrapped

_BUDGETS = "Most evaluations of the denoiser for one chain, rising, separated by commas. They buy steps at each level."
_SEEDS = "Seeds of the chains and of the fresh data, separated by commas; the intervals are over them."


class Plan(QWidget):
    """The controls of a shoot-out.

    Attributes:
        changed: Emitted after a change.
        boxes: The check box of each sampler.
        budgets: The numbers of evaluations.
        seeds: The seeds.
        cost: What the plan costs, or what is wrong with it.
    """

    changed = Signal()

    def __init__(self, base: ExperimentSpec) -> None:
        super().__init__()
        self._base = base
        self.boxes: dict[str, QCheckBox] = {}
        for name, row in TRAITS.items():
            box = QCheckBox(row.title)
            box.setObjectName(f"shoot-out.{name}")
            box.setChecked(name in USUAL)
            box.toggled.connect(self._update)
            self.boxes[name] = box
        self.budgets, self.seeds = (
            self._line("budgets", "30, 100, 300", _BUDGETS),
            self._line("seeds", "0, 1, 2, 3, 4", _SEEDS),
        )
        self.cost = CostLine("shoot-out.cost")
        whole = layout.column(
            layout.heading("Samplers"),
            *self.boxes.values(),
            layout.heading("Evaluations"),
            self.budgets,
            layout.heading("Seeds"),
            self.seeds,
            self.cost,
        )
        layout.fill_row(self, whole)
        self.show_base(base)

    def _line(self, name: str, text: str, tip: str) -> QLineEdit:
        line = QLineEdit(text)
        line.setObjectName(f"shoot-out.{name}")
        line.setAccessibleName(name.capitalize())
        line.setToolTip(wrapped(tip))
        line.textChanged.connect(self._update)
        return line

    def show_base(self, base: ExperimentSpec) -> None:
        """Plan with other settings of target, ladder and score."""
        self._base = base
        for name, row in TRAITS.items():
            refused = row.needs if base.sampling.source == "trained" and row.needs_exact else ""
            why = f" Not here: {BEYOND_NETWORKS[refused]}." if refused else ""
            self.boxes[name].setEnabled(not refused)
            self.boxes[name].setToolTip(wrapped(f"{row.help[0].upper()}{row.help[1:]}.{why}"))
        self._update()

    def value(self) -> ShootOutSpec:
        """Return the shoot-out.

        Raises:
            SpecError: No sampler is chosen, or a list cannot be read.
        """
        base = usual_base(self._base)
        names = [name for name in TRAITS if self.boxes[name].isChecked() and self.boxes[name].isEnabled()]
        if not names:
            raise SpecError("contenders", "Choose at least one sampler.")
        fields = {
            "base": base.model_dump(),
            "contenders": tuple(chosen(name, base).model_dump() for name in names),
            "evaluations": parse_list("Evaluations", self.budgets.text()),
            "seeds": parse_list("Seeds", self.seeds.text()),
        }
        return ShootOutSpec.from_fields(fields)

    @Slot()
    def _update(self) -> None:
        self.cost.show_cost(lambda: _cost(self.value()))
        self.changed.emit()


def _cost(spec: ShootOutSpec) -> str:
    parts = ((len(spec.contenders), "sampler"), (len(spec.evaluations), "budget"), (len(spec.seeds), "seed"))
    counted = " × ".join(f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in parts)
    chains = spec.base.sampling
    return (
        f"{counted}, {chains.chains:,} chains each: {spec.total_evaluations:,} evaluations. Data, k, ladder, start and "
        "steps as on the page."
    )
