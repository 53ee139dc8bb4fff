"""The lock of σ_eff below the number of copies: with it σ follows √k."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox

from msd_engine.specs import ExperimentSpec
from msd_gui.session.rules import copies_rule
from msd_gui.theme.tips import wrapped
from msd_gui.widgets.controls.guard import PRESS_KEYS, KeyGuard
from msd_gui.widgets.panels.spec_form import SpecForm


class EqualNoise(QCheckBox):
    """A check box below k; while it is checked, k changes every noise of one copy too."""

    def __init__(self, form: SpecForm) -> None:
        """Put the box into a form with a control for ``training.k``."""
        super().__init__("σ follows √k")
        self.setObjectName("training.k.equal_noise")
        self.setAccessibleName("Keep the noise of the mean copy: σ follows √k")
        self.setToolTip(
            wrapped(
                "Keep σ_eff = σ/√k, the noise of the mean copy, when k changes: every σ changes by √k. Then k changes "
                "nothing for an exact denoiser. Without it σ stays, and σ_eff falls as k grows."
            )
        )
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        KeyGuard(self, PRESS_KEYS)
        self._paths = form.paths()
        self._base: ExperimentSpec | None = None
        form.add_below("training.k", self, self)
        form.set_rule("training.k", self._rule)

    def _rule(self, spec: ExperimentSpec, k: int) -> dict[str, Any]:
        if not self.isChecked():
            return {}
        # From the last noises that were set otherwise, so that k moved there and back leaves them to the bit.
        if self._base is None or any(spec.get(path) != value for path, value in self._own(spec.training.k).items()):
            self._base = spec
        return self._own(k)

    def _own(self, k: int) -> dict[str, Any]:
        assert self._base is not None
        return {path: value for path, value in copies_rule(self._base, k).items() if path in self._paths}
