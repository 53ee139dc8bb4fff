"""The charts of a comparison and the files that it is exported as."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from msd_engine.events import Failed, Finished
from msd_engine.jobs.sweep.export import SUFFIXES, all_exported, export_sweep
from msd_engine.jobs.sweep.sweep import sweep
from msd_engine.runs.pictures import read_picture_spec
from msd_engine.runs.report.charts import chart, curves_of
from msd_engine.runs.sweeps import SweepFolder
from msd_engine.specs import ExperimentSpec, SweepSpec, load_preset

SPEC = SweepSpec(
    base=load_preset("ncsn-toy").replace_all(
        {"network.width": 8, "training.batch": 8, "training.steps": 3, "training.evaluate_every": 1}
    ),
    ks=(1, 2),
    seeds=(0,),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sweeps") / "done"
    assert isinstance(list(sweep(SPEC, path, device="cpu"))[-1], Finished)
    return path


def test_it_is_exported_in_every_form(folder: Path, tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        *_, last = export_sweep(folder, tmp_path / f"a{suffix}")
        assert isinstance(last, Finished)
    assert ElementTree.parse(tmp_path / "a.svg").getroot().tag.endswith("svg")
    drawn = (tmp_path / "a.svg").read_text()
    assert "same σ per copy" in drawn
    assert r"same σ$_{\mathrm{eff}}$" in drawn
    assert ExperimentSpec.from_json(read_picture_spec(tmp_path / "a.png")).data == SPEC.base.data
    pixels = np.asarray(Image.open(tmp_path / "a.png").convert("L"))
    assert pixels.std() > 5
    assert (tmp_path / "a.csv").read_text().startswith("mode,k,seeds,")
    one_by_one = {suffix: (tmp_path / f"a{suffix}").read_bytes() for suffix in SUFFIXES}
    assert all_exported(SweepFolder.open(folder), SUFFIXES) == one_by_one
    *_, refused = export_sweep(folder, tmp_path / "a.tif")
    assert isinstance(refused, Failed)
    assert ".svg" in refused.text


def test_a_drawing_is_the_same_every_time(folder: Path) -> None:
    plan = SweepFolder.open(folder)
    curves = curves_of(plan.measured())
    assert [curve.steps.tolist() for curve in curves] == [[1, 2, 3]] * 3
    assert chart("curves", (), curves) == chart("curves", (), curves)


def test_a_comparison_without_a_result_can_be_drawn(tmp_path: Path) -> None:
    SweepFolder.create(tmp_path, SPEC)
    *_, last = export_sweep(tmp_path, tmp_path / "a.svg")
    assert isinstance(last, Finished)
