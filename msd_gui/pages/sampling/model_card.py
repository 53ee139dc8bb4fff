"""The model card of a shipped network."""

from __future__ import annotations

import html

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from msd_engine.specs import ModelCard
from msd_engine.specs.models import CardFigure
from msd_gui.widgets.controls.numbers import number


def model_title(card: ModelCard) -> str:
    """Format the title of a model."""
    return f"{card.spec.data.title}, {card.spec.copies}"


class CardDialog(QDialog):
    """Window with the card of a pretrained model."""

    def __init__(self, card: ModelCard, parent: QWidget | None = None) -> None:
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
    """Format a card as HTML with two tables: description and measurements."""
    net, training = card.spec.network, card.spec.training
    facts = (
        ("Data", f"{card.data}"),
        ("Source of the data", card.data_source),
        ("Licence of the data", card.data_licence),
        ("Licence of the weights", card.licence),
        ("Use", card.use),
        ("Network", f"U-net, {net.width} filters at first, {card.parameters:,} weights in half precision"),
        ("Copies", card.spec.copies),
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
        f"<h4>Measured</h4><p>{card.samples:,} samples{f', {card.spec.begun}' * card.spec.begins_at_data}, "
        f"{card.evaluations:,} network evaluations each; by "
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
