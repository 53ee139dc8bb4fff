"""Which denoiser the denoising page uses: its choice at the left, and at the right what is said about it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from msd_engine.events import Event, Restored
from msd_engine.specs import ExperimentSpec
from msd_gui.bridge.engine import Engine
from msd_gui.pages.base.chains import is_exact
from msd_gui.pages.base.page import ExperimentPage
from msd_gui.pages.denoise.networks import Missing, NetworkChoice
from msd_gui.pages.denoise.picture import FORGET
from msd_gui.pages.sampling.controls import source_rule
from msd_gui.pages.sampling.pretrained import PretrainedChip
from msd_gui.session.network import LatestNetwork, Network
from msd_gui.widgets.panels.card import Card
from msd_gui.widgets.panels.spec_form import SpecForm


class DenoiserChoice(QObject):
    """The exact posterior mean or a network: the list of networks, the card and the chip, and what they do to the spec.

    Attributes:
        renewed: Emitted when another network, or one with newer weights, is to be used for the same settings.
        choice: The list of places where a network may come from, a row of the form.
        card: Says why no network can denoise what is shown, with a button that mends it.
        chip: Names the pretrained model in use.
    """

    renewed = Signal()

    def __init__(
        self, page: ExperimentPage, engine: Engine, form: SpecForm, heading: str, latest: LatestNetwork
    ) -> None:
        """Add the list to a group of controls.

        Args:
            page: Owner of the runner; told of failures.
            engine: Makes the job that reads a run folder.
            form: The page's controls.
            heading: Of the group that gets the list.
            latest: The network of the images page.
        """
        super().__init__(page)
        self._page, self._engine, self._form = page, engine, form
        self._reader = page.runner(self._on_read)
        self.choice = NetworkChoice(latest)
        self.card = Card("info", "", "", dismissible=False, stacked=True)
        self.card.hide()
        self.chip = PretrainedChip()
        form.section(heading).add_row(self.choice)
        form.set_next("sampling.source", self.choice.combo)
        form.set_rule("sampling.source", source_rule)
        self.choice.chosen.connect(self._choose)
        self.choice.folder_chosen.connect(self._read)
        self.card.action.connect(self.remedy_action)
        latest.changed.connect(self._on_latest)

    def can_denoise(self, spec: ExperimentSpec) -> bool:
        """Return whether there is a denoiser for what a spec asks for."""
        return is_exact(spec) or self.choice.fitting(spec) is not None

    def run_for(self, spec: ExperimentSpec) -> Path | None:
        """Return the folder of the network for a spec; None for the exact posterior mean."""
        return None if is_exact(spec) else self.choice.fitting(spec)

    def show(self, spec: ExperimentSpec) -> None:
        """Say which network denoises; where none can, why not."""
        exact, missing = is_exact(spec), self.missing(spec)
        pretrained = self.choice.origin() == "pretrained"
        self.choice.setVisible(not exact)
        self.chip.offer(spec, in_use=not exact and pretrained)
        self.card.setVisible(missing is not None)
        if missing is not None:
            self.card.set_message("info", missing.title, missing.text, missing.remedy)
        free = exact or pretrained or missing is not None
        reason = f"This network was made for {spec.training.k} copies and always sees so many."
        self._form.set_enabled("training.k", free, "" if free else reason)

    def usable(self, spec: ExperimentSpec) -> ExperimentSpec:
        """Return a spec that is to be loaded with a denoiser that there is: a pretrained model, else the exact one."""
        if not self.can_denoise(spec):
            self.choice.use_pretrained()
        return spec if self.can_denoise(spec) else spec.replace("sampling.source", "exact")

    def adopt(self, network: Network) -> None:
        """Take a network, and with it its data, its number of copies and its ladder."""
        self.choice.take(network)
        before = self._page.experiment.spec
        along = source_rule(network.spec, "trained")
        spec = network.spec.replace_all({"sampling.source": "trained", "denoise": before.denoise} | along)
        self._page.experiment.load(spec if spec.data.name == before.data.name else spec.replace_all(FORGET))
        self.renewed.emit()

    def missing(self, spec: ExperimentSpec) -> Missing | None:
        """Return why nothing denoises what a spec asks for, and what mends it; None where something does."""
        return None if is_exact(spec) else self.choice.missing(spec)

    @Slot()
    def remedy_action(self) -> None:
        """Carry out what the card proposes."""
        spec = self._page.experiment.spec
        missing = self.choice.missing(spec)
        if missing is not None:
            fixed = spec.replace_all(missing.values)
            self._page.experiment.set(fixed if fixed.data.name == spec.data.name else fixed.replace_all(FORGET))

    @Slot()
    def _choose(self) -> None:
        spec = self._page.experiment.spec
        network = self.choice.network(spec)
        if network is not None and not network.fits(spec):
            self.adopt(network)
        else:
            self.renewed.emit()

    @Slot()
    def _on_latest(self) -> None:
        if self.choice.origin() == "images":
            self.renewed.emit()

    @Slot(object)
    def _read(self, folder: Path | None) -> None:
        if folder is None:
            self.choice.forget()
            self.renewed.emit()
        else:
            self._reader.submit(self._engine.restore(folder))

    @Slot(object)
    def _on_read(self, event: Event) -> None:
        if isinstance(event, Restored):
            spec = ExperimentSpec.from_json(event.spec_json)
            if event.run and spec.data.kind == "images":
                self.adopt(Network(Path(event.run), spec))
            else:
                words = "This is no run on images: choose the folder of a run that was trained on images."
                self._page.failed.emit(words, "")
