"""The papers' figures in the plane by name: what to look at, what to drag, and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

FigureName = Literal["report-figure-3", "poster-figure-1", "poster-figure-2", "poster-figure-3", "ncsn-weights"]


@dataclass(frozen=True)
class PaperFigure:
    """A figure of the papers; the preset of the same name has its settings.

    Attributes:
        title: Title of the preset and of the figure.
        look: What to look at, in one sentence.
        drag: What to drag, in one sentence.
        means: What it means, in one sentence.
        learned: Whether it shows a score that is learned by the objective of its preset, and else chains.
    """

    title: str
    look: str
    drag: str
    means: str
    learned: bool = False

    @property
    def story(self) -> str:
        """The three sentences."""
        return f"{self.look} {self.drag} {self.means}"


FIGURES: Final[dict[FigureName, PaperFigure]] = {
    "report-figure-3": PaperFigure(
        "Report, figure 3: ten long chains",
        "Look at the last level: ten chains of 100 000 steps cover the data that each of them came down to.",
        "Drag the last noise σ_L down: the points draw together onto the density of the data.",
        "A chain of one network or one exact score draws the whole distribution of its mode, not one picture.",
    ),
    "poster-figure-1": PaperFigure(
        "Poster, figure 1: densities and scores",
        "Look at the arrows: the score points up the density, and is small at its peaks and between them.",
        "Switch on Exact arrows in Layers, then drag the mark of the timeline: noise joins the modes.",
        "Without noise the score says little between modes; with noise it leads from everywhere to the data.",
    ),
    "poster-figure-2": PaperFigure(
        "Poster, figure 2: sliced score matching",
        "Look at the difference: the learned score is right where the data are and wrong around them.",
        "Drag Steps up and start again: the difference shrinks where the data are, not around them.",
        "The objective is a mean over data, which says nothing of a score where there are none.",
        learned=True,
    ),
    "poster-figure-3": PaperFigure(
        "Poster, figure 3: Metropolis-adjusted and annealed",
        "Look at the weights of the modes: adjusted chains at one small noise keep those of their start.",
        "Drag r or the warm-up: the acceptance changes, the weights do not; then choose annealed dynamics.",
        "A test by the density removes the bias of the step, not the walls between modes; annealing does.",
    ),
    "ncsn-weights": PaperFigure(
        "NCSN: the weights that plain Langevin gets wrong",
        "Look at the weight of the first mode: plain Langevin gives .51 for .8.",
        "Press Anneal on the card: from the same start the weights come out right.",
        "A score at no noise knows the shape of each mode but not its weight; larger noise knows it.",
    ),
}

if set(FIGURES) != set(get_args(FigureName)):
    raise TypeError("Every figure of the papers has one row.")


def figure_named(title: str) -> FigureName | None:
    """Return the name of the figure with a title; None for other titles."""
    return next((name for name, row in FIGURES.items() if row.title == title), None)
