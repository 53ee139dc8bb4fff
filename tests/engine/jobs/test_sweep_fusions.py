"""A comparison of fusions of the copies: trained, resumed, widened, reported and exported; older plans as before."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import pytest

from msd_engine.events import Finished, SweepTable
from msd_engine.jobs.sweep import draws
from msd_engine.jobs.sweep.export import exported
from msd_engine.jobs.sweep.sweep import sweep
from msd_engine.runs.run import Run
from msd_engine.runs.sweeps import SweepFolder
from msd_engine.specs import SpecError, SweepSpec, load_preset

BASE = load_preset("ncsn-toy").replace_all(
    {
        "training.steps": 4, "training.evaluate_every": 2, "training.batch": 16, "network.width": 8,
        "network.depth": 1, "network.embedding": 8,
    }
)  # fmt: skip


def plan(**fields: object) -> SweepSpec:
    lists = {"ks": (1, 4), "seeds": (0, 1), "modes": ("same-sigma-eff",)}
    return SweepSpec.from_fields({"base": BASE.model_dump(), **lists, **fields})


def test_names_and_specs_of_the_own_fusion_do_not_depend_on_others() -> None:
    alone, three = plan(), plan(fusions=("concat", "mean", "set"))
    shared = {child.name: child.spec for child in three.children()}
    assert all(shared[child.name] == child.spec for child in alone.children())
    assert (len(alone.children()), len(three.children())) == (alone.runs, three.runs) == (4, 12)
    assert [child.fusion for child in alone.children()] == [""] * 4
    assert {child.words for child in three.children() if child.k == 4} == {
        f"k = 4, {fusion}, same σ_eff, seed {seed}" for fusion in ("concat", "mean", "set") for seed in (0, 1)
    }
    for child in three.children():
        assert child.spec.law.draws_sigma_eff or (child.k == 1 and child.fusion != "set")
        assert child.spec.serves_every_k == (child.fusion != "concat" and child.spec.law.draws_sigma_eff)
    assert alone.with_more(fusions=("mean",)).fusions == ("concat", "mean")
    assert alone.with_more(fusions=()) == alone
    old = json.loads(alone.to_json())
    del old["fusions"]
    assert SweepSpec.from_json(json.dumps(old)) == alone
    with pytest.raises(SpecError, match="twice"):
        plan(fusions=("mean", "mean"))


def test_it_is_trained_told_and_widened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draws, "_POINTS", 256)
    folder = tmp_path / "sweep"
    first = plan(fusions=("concat", "mean"), seeds=(1,))
    assert isinstance(list(sweep(first, folder))[-1], Finished)
    events = list(sweep(first.with_more(fusions=("set",)), folder, resume=True))
    table = [event for event in events if isinstance(event, SweepTable)][-1]
    assert (table.done, table.total) == (6, 6)
    assert [(row.k, row.fusion, row.place) for row in table.rows] == [
        (k, fusion, place) for place, fusion in enumerate(("concat", "mean", "set")) for k in (1, 4)
    ]
    for row in table.rows:
        assert math.isnan(row.fusion_ratio) == (row.place == 0)
        assert row.seeds == 1
    # A network of the mean is the same network as that of one copy at equal σ_eff.
    one, mean = (row for row in table.rows if row.k == 1 and row.fusion in ("concat", "mean"))
    assert mean.by_seed == one.by_seed
    sentences = [sentence for sentence in table.findings if " errs " in sentence]
    assert len(sentences) == 2
    assert sentences[0].startswith("At the same σ_eff, k = 4, mean errs ")
    done = SweepFolder.open(folder)
    assert Run.open(done.run_folder("set-k4-same-sigma-eff-seed1")).spec.training_ks == (1, 2, 4, 8, 16)
    rows = list(csv.DictReader(exported(done, ".csv").decode().splitlines()))
    assert [row["fusion"] for row in rows[::2]] == ["concat", "mean", "set"]
    text = exported(done, ".md").decode()
    assert "over first fusion" in text
    assert "same σ_eff, set" in text
    drawn = exported(done, ".svg").decode()
    assert "k = 4, mean" in drawn
