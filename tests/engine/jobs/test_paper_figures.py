"""Figures of the papers by name: each has its preset, its panels and its three sentences, and says what it found."""

from __future__ import annotations

import re

import pytest

from msd_engine.cli.main import main
from msd_engine.events import Failed, Finished
from msd_engine.jobs.figures import paper_figures
from msd_engine.jobs.figures.paper_figures import paper_figure
from msd_engine.runs.restoring import read_job
from msd_engine.specs import load_preset
from msd_engine.specs.tables.papers import FIGURES, figure_named

PANELS = {
    "report-figure-3": ("true distribution", "steps of 3 chains"),
    "poster-figure-1": ("without noise", "σ$_"),
    "poster-figure-2": ("Sliced (less variance), 60 steps, learned", "difference "),
    "poster-figure-3": ("density, first mode 0.80", "adjusted, exact score", "annealed, exact score"),
    "ncsn-weights": ("plain: ", "annealed: "),
}


@pytest.fixture
def few(monkeypatch):
    """Presets with few and short chains."""

    def small(name):
        spec = load_preset(name)
        steps = min(spec.sampling.steps_per_level, 60)
        trained = {"training.steps": min(spec.training.steps, 60), "training.batch": 32}
        return spec.replace_all({"sampling.chains": 3, "sampling.steps_per_level": steps} | trained)

    monkeypatch.setattr(paper_figures, "load_preset", small)


@pytest.mark.parametrize("name", FIGURES)
def test_each_figure_has_a_preset_of_its_title_and_its_panels(name, few, tmp_path):
    assert figure_named(load_preset(name).title) == name
    out = tmp_path / "figure.svg"
    *_, last = paper_figure(name, out)
    assert isinstance(last, Finished), last
    assert last.path == str(out)
    text = re.sub(r"<[^>]*>|\s+", " ", out.read_text())
    for words in PANELS[name]:
        assert words.split("$")[0] in text
    assert out.read_text().count('id="axes_') == (2 if name in ("report-figure-3", "ncsn-weights") else 3)


def test_a_png_carries_the_settings(few, tmp_path):
    out = tmp_path / "figure.png"
    *_, last = paper_figure("poster-figure-1", out)
    assert isinstance(last, Finished)
    spec, _ = read_job(out)
    assert spec.title == FIGURES["poster-figure-1"].title


def test_another_suffix_is_refused_before_any_work(tmp_path):
    *_, last = paper_figure("ncsn-weights", tmp_path / "figure.gif")
    assert isinstance(last, Failed)
    assert last.text == "A figure is saved as .svg, .png, .pdf, not as .gif."


def test_every_story_is_three_sentences():
    for row in FIGURES.values():
        assert len(re.findall(r"[a-z0-9\d]\.(?: |$)", row.story)) == 3, row.story


@pytest.mark.long
def test_sliced_score_matching_is_right_where_the_data_are_and_wrong_outside(tmp_path):
    out = tmp_path / "scores.svg"
    assert main(["figure", "poster-figure-2", "--out", str(out)]) == 0
    (errors,) = re.findall(r"difference (0\.\d+) at data, (\d\.\d+) outside", out.read_text())
    inside, outside = map(float, errors)
    assert inside < 0.15
    assert outside > 3 * inside


@pytest.mark.long
def test_the_papers_weights_come_out(tmp_path):
    """.51 and .78 for .8 (theory §3)."""
    out = tmp_path / "weights.svg"
    assert main(["figure", "ncsn-weights", "--out", str(out)]) == 0
    plain, annealed = (float(found) for found in re.findall(r"(?:plain|annealed): (0\.\d+) for 0\.80", out.read_text()))
    assert plain == pytest.approx(0.51, abs=0.03)
    assert annealed == pytest.approx(0.78, abs=0.03)
