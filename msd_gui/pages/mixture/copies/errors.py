"""The error of the denoiser by k and σ_eff, where wanted: exact, and of the network of these settings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QWidget

from msd_engine.events import Event, Failed, Started
from msd_engine.events.by_k.charts import QUANTITIES, Quantity, chart
from msd_engine.events.by_k.table import ErrorsByK
from msd_gui.bridge.engine import Engine
from msd_gui.pages.base import layout
from msd_gui.pages.base.exports import plot_exports
from msd_gui.pages.base.page import Export
from msd_gui.pages.base.resolved import ResolvedPage
from msd_gui.theme.tips import wrapped
from msd_gui.views.base.rich import indexed
from msd_gui.views.curves.curves import CurvesView

_EXPLAINED = (
    "Squared error of x̂ against the noise σ/√k of ȳ. The exact error is the same for every k. A network that serves "
    "every k is measured for k = 1, 2, 4, 8 and 16, another for its own k; the gap to the exact error is shaded for "
    "the k that is set. Bars are 95 % intervals over the draws."
)
_NO_NETWORK = "No network for these settings: the exact error alone, the same for every k."
_ONE_K = "This network takes k = {k} alone; with Fusion of copies mean or set it is measured for every k."


class ErrorsPanel(QWidget):
    """A switch, a choice of the quantity, a plot and a sentence.

    Attributes:
        switch: Turns the measurement on.
        quantity: Errors, or the gap of the network.
        curves: The plot.
        said: The largest gap, or why there is none.
    """

    def __init__(self) -> None:
        super().__init__()
        self.switch = QCheckBox("Error by k")
        self.switch.setObjectName("mixture.errors-by-k")
        self.switch.setToolTip(wrapped(_EXPLAINED))
        self.quantity = QComboBox()
        self.quantity.setObjectName("mixture.errors-by-k.quantity")
        self.quantity.setAccessibleName("Quantity of the error plot")
        for name, (title, _) in QUANTITIES.items():
            self.quantity.addItem(title, name)
        self.quantity.setCurrentIndex(self.quantity.findData("excess"))
        self.curves = CurvesView(chart(None, 1))
        self.curves.setFixedHeight(210)
        self.said = QLabel()
        self.said.setWordWrap(True)
        self.said.setProperty("role", "muted")
        layout.fill_row(self, layout.stacked(self.switch, self.quantity, self.curves, self.said))


class Errors(QObject):
    """Measures the errors in a thread of its own, at low priority, and again after each change of their causes."""

    def __init__(self, page: ResolvedPage, engine: Engine) -> None:
        """Measure nothing until it is switched on.

        Args:
            page: Has the settings and their network; owner of the runner.
            engine: Makes the job.
        """
        super().__init__(page)
        self.panel = ErrorsPanel()
        self.table: ErrorsByK | None = None
        self._page, self._engine = page, engine
        self._runner = page.runner(self._on_event, apart=(Failed,), patient=True)
        # What the last measurement depends on, and the step of the network's weights.
        self._causes: tuple[object, ...] = ()
        self._step = 0
        self._spec_json = ""
        self.panel.switch.toggled.connect(self._switched)
        self.panel.quantity.currentIndexChanged.connect(self._draw)
        page.actions_changed.connect(self.follow)
        page.add_export_menu(self.panel.curves)
        self._switched(on=False)

    @property
    def on(self) -> bool:
        """Whether errors are wanted."""
        return self.panel.switch.isChecked()

    @Slot()
    def follow(self) -> None:
        """Measure the present data, noise, k and network, if they are wanted and not measured yet."""
        if not self.on or not self._engine.ready:
            return
        spec, network = self._page.resolved.spec, self._page.resolved.network
        run = network.folder if network is not None and network.fits(spec) else None
        causes = spec.data, spec.noise.colour, spec.training.k, run
        step = network.step if network is not None and run is not None else 0
        if (causes, step) == (self._causes, self._step):
            return
        if causes == self._causes and self._runner.running:
            # Newer weights of a training wait until the last ones are measured.
            return
        if causes != self._causes:
            self.table = None
            self._show_sentence("")
        self._causes, self._step = causes, step
        self._runner.submit(self._engine.errors_by_k(spec, run))
        self._draw()

    @Slot(bool)
    def _switched(self, on: bool) -> None:
        self.panel.curves.setVisible(on)
        if not on:
            self._causes, self.table = (), None
            self._runner.drop()
            self._show_sentence("")
        self._draw()
        self.follow()

    @Slot(object)
    def _on_event(self, event: Event) -> None:
        match event:
            case Started():
                self._spec_json = event.spec_json
            case ErrorsByK():
                self.table = _over(event, self.table)
                self._draw()
                self._show_sentence(event.text)
            case Failed():
                self.table = None
                self._draw()
                self._show_sentence(event.text)

    @Slot()
    def _draw(self) -> None:
        table, panel = self.table, self.panel
        learned = table is not None and bool(table.ks)
        panel.quantity.setVisible(self.on and learned)
        quantity: Quantity = panel.quantity.currentData() if learned else "error"
        panel.curves.set_plot(chart(table, self._page.resolved.spec.training.k, quantity))

    def _show_sentence(self, sentence: str) -> None:
        table = self.table
        if table is not None and not table.ks:
            sentence = _NO_NETWORK
        elif table is not None and len(table.ks) == 1:
            sentence = f"{sentence} {_ONE_K.format(k=table.ks[0])}".strip()
        self.panel.said.setText(indexed(sentence))
        self.panel.said.setVisible(bool(sentence))

    def exports(self) -> list[Export]:
        """List the files of the errors on the screen; none before the first."""
        table = self.table
        if table is None:
            return []
        return plot_exports(
            self._page,
            self.panel.curves,
            "Error by k",
            "error-by-k",
            lambda: self._spec_json,
            table=table.columns,
        )


def _over(new: ErrorsByK, old: ErrorsByK | None) -> ErrorsByK:
    """Return new numbers, and the old ones of the same settings where there are none yet."""
    if old is None or old.ks != new.ks:
        return new
    values = {name: getattr(new, name) for name in ("exact", "exact_error", "gap", "gap_error")}
    return replace(new, **{name: np.where(np.isnan(one), getattr(old, name), one) for name, one in values.items()})
