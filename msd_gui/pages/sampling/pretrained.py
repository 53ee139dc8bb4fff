"""The pretrained models that ship with the program, as a page offers them: a chip that opens the model's card."""

from __future__ import annotations

import html
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QToolButton, QVBoxLayout, QWidget

from msd_engine.specs import ExperimentSpec, ModelCard, model_folder, pretrained_for
from msd_engine.specs.models import CardFigure
from msd_gui.widgets.controls.numbers import number


class PretrainedChip(QToolButton):
    """A small button that names the model in use and opens its card; hidden where another network is used."""

    def __init__(self) -> None:
        """Begin hidden."""
        super().__init__()
        self.setObjectName("pretrained")
        self.setAccessibleName("Pretrained model")
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.setToolTip(
            "Samples come from a small network that ships with the program, until you train one. "
            "Press for its data, licence, training and measured figures."
        )
        self.card: ModelCard | None = None
        self.hide()
        self.clicked.connect(self.open_card)

    def folder_for(self, spec: ExperimentSpec) -> Path | None:
        """Return the folder of the model that can sample what a spec asks for, or None."""
        card = pretrained_for(spec)
        return None if card is None else model_folder(card.name)

    def offer(self, spec: ExperimentSpec, *, in_use: bool) -> None:
        """Show the model for a spec, where it is the one that would be sampled from."""
        self.card = pretrained_for(spec) if in_use else None
        self.setVisible(self.card is not None)
        if self.card is not None:
            self.setText(f"Pretrained: {model_title(self.card)} · card…")

    def open_card(self) -> None:
        """Open the card."""
        if self.card is not None:
            dialog = CardDialog(self.card, self.window())
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            dialog.open()


def model_title(card: ModelCard) -> str:
    """Return what a model is called on the screen."""
    return f"{card.spec.data.title}, k = {card.spec.training.k}"


class CardDialog(QDialog):
    """What is to be known about a pretrained model."""

    def __init__(self, card: ModelCard, parent: QWidget | None = None) -> None:
        """Build it from a card."""
        super().__init__(parent)
        self.setObjectName("model-card")
        self.setWindowTitle(f"Model card: {model_title(card)}")
        self.resize(620, 560)
        text = QTextBrowser()
        text.setOpenExternalLinks(True)
        text.setHtml(card_html(card))
        text.setAccessibleName("Model card")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(text)
        column.addWidget(buttons)


def card_html(card: ModelCard) -> str:
    """Return a card as text with two tables: what it is, and what was measured."""
    net, training = card.spec.network, card.spec.training
    facts = (
        ("Data", f"{card.data}"),
        ("Source of the data", card.data_source),
        ("Licence of the data", card.data_licence),
        ("Licence of the weights", card.licence),
        ("Use", card.use),
        ("Network", f"U-net, {net.width} filters at first, {card.parameters:,} weights in half precision"),
        ("Copies", f"k = {training.k}"),
        (
            "Training",
            f"{card.seconds:g} s, {card.steps:,} steps of {training.batch} on {card.device}, {card.created[:10]}",
        ),
        ("Made by", card.command),
    )
    rows = "".join(
        f"<tr><td style='padding-right:12px'><b>{name}</b></td><td>{html.escape(text)}</td></tr>"
        for name, text in facts
    )
    figures = "".join(
        f"<tr><td style='padding-right:18px'>{html.escape(figure.title)}</td>"
        f"<td align='right'>{number(figure.value)}</td>"
        f"<td align='right' style='padding-left:18px'>{_interval(figure.low, figure.high)}</td>"
        f"<td align='right' style='padding-left:18px'>{_real(figure)}</td></tr>"
        for figure in card.figures
    )
    return (
        f"<h3>{html.escape(model_title(card))}</h3><table cellspacing='3'>{rows}</table>"
        f"<h4>Measured</h4><p>{card.samples:,} samples, {card.evaluations:,} network evaluations each; by "
        f"{html.escape(card.features)}.</p><table cellspacing='2'><tr><td></td><td align='right'>samples</td>"
        f"<td align='right' style='padding-left:18px'>95 % interval</td>"
        f"<td align='right' style='padding-left:18px'>real images</td></tr>{figures}</table>"
    )


def _real(figure: CardFigure) -> str:
    if figure.real is None:
        return ""
    return number(figure.real) + ("" if figure.real_spread is None else f" ± {number(figure.real_spread, 2)}")


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{number(low)} to {number(high)}"
