"""The search for the best chain: its candidates, its halves, its journal, and the same result however it went on."""

from __future__ import annotations

import json
import os
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from msd_engine.backend.errors import BadFile
from msd_engine.backend.folders import cache_folder
from msd_engine.events import Event, Failed, Finished, Notice, TuneCost, TuneReport, TuneTable
from msd_engine.jobs.factory.chains import moments, sampling
from msd_engine.jobs.factory.parts import descent, evaluations, uses_guidance
from msd_engine.jobs.training.train import train
from msd_engine.jobs.tune import tune as tune_module
from msd_engine.jobs.tune.chains import DrawnChains
from msd_engine.jobs.tune.cost import tune_cost
from msd_engine.jobs.tune.family import candidates, reference
from msd_engine.jobs.tune.halves import halves, measure_of
from msd_engine.jobs.tune.journal import Journal, journal_path
from msd_engine.jobs.tune.kept import KeptParts, forget_parts
from msd_engine.jobs.tune.tune import tune
from msd_engine.metrics.features.network import FeatureBatch
from msd_engine.metrics.quality.standard import Standard
from msd_engine.runs.layout import TUNE, WEIGHTS
from msd_engine.specs import ExperimentSpec, SpecError, load_preset, model_folder
from msd_engine.specs.search.tune import FAMILY, FINALISTS, TuneSpec

TRAINING = {"training.precision": "float32", "training.steps": 3, "training.seconds": 0.0, "network.width": 8}
SPEC = load_preset("digits-30s").replace_all(TRAINING | {"sampling.levels": 3, "sampling.steps_per_level": 3})
SEARCH = TuneSpec(base=SPEC, evaluations=8, candidates=7, rungs=(16, 24), final=32)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that has hardly learned."""
    run = tmp_path_factory.mktemp("runs") / "run"
    *_, last = train(SPEC, run, device="cpu")
    assert isinstance(last, Finished)
    return run


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A copy of its folder without a journal."""
    folder = tmp_path / "run"
    folder.mkdir()
    for path in trained.iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture(autouse=True)
def one_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Features of real images are computed once for all tests here."""
    monkeypatch.setenv("MSD_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "tune-cache"))


def final(events: list[Event], kind: type[Any]) -> Any:
    return [event for event in events if isinstance(event, kind)][-1]


def result(events: list[Event]) -> tuple[Any, ...]:
    """Return all that a search says at its end."""
    assert isinstance(events[-1], Finished), events[-1]
    report, table = final(events, TuneReport), final(events, TuneTable)
    return repr(report.finalists), repr(report.effects), report.best_json, repr(table.rows)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


# -- candidates --------------------------------------------------------------------------------------------------------


@settings(max_examples=12)
@given(
    name=st.sampled_from(["digits-30s", "mnist-2min", "report-mnist"]),
    budget=st.integers(4, 300),
    seed=st.integers(0, 9),
    has_earlier=st.booleans(),
)
def test_no_candidate_is_above_the_budget_and_all_are_chains_of_the_network_alone(
    name: str, budget: int, seed: int, has_earlier: bool
) -> None:
    base = load_preset(name)
    found = candidates(TuneSpec(base=base, evaluations=budget, candidates=6, seed=seed), has_earlier=has_earlier)
    assert found
    assert len({candidate.spec.sampling.model_dump_json() for candidate in found}) == len(found)
    for candidate in found:
        spec = candidate.spec
        assert spec.sampling.sampler in FAMILY
        assert spec.sampling.source == "trained"
        assert not spec.begins_at_data
        assert has_earlier or not uses_guidance(spec)
        assert "conditioning" in spec.sampling.absent or spec.sampling.conditioning == "actual"
        assert candidate.evaluations == evaluations(spec, descent(spec), guided=uses_guidance(spec)) <= budget
        assert spec.sampling.sigma_1 == base.sampling.sigma_1
        assert spec.replace("sampling", base.sampling) == base
        # What a row says of a candidate is enough to make it again.
        again = base.replace_all({"sampling.source": "trained", **candidate.values}).sampling
        assert descent(spec) == descent(base.replace("sampling", again))
        assert again.guidance == spec.sampling.guidance


def test_more_candidates_keep_the_first_ones_and_other_seeds_draw_others() -> None:
    few, more = (candidates(SEARCH.replace("candidates", count), has_earlier=True) for count in (30, 36))
    assert [one.spec for one in more[:20]] == [one.spec for one in few[:20]]
    other = candidates(SEARCH.replace_all({"candidates": 30, "seed": 1}), has_earlier=True)
    drawn = [{one.words for one in found if one.origin == "drawn"} for found in (few, other)]
    assert not drawn[0] & drawn[1]
    assert {one.origin for one in few} == {"preset", "known", "drawn"}
    assert {one.spec.sampling.sampler for one in few} == set(FAMILY)


def test_the_preset_keeps_its_own_levels_within_the_budget() -> None:
    cost = SPEC.sampling.evaluations
    first = candidates(SEARCH.replace("evaluations", cost), has_earlier=False)[0]
    assert (first.origin, first.evaluations) == ("preset", cost)
    assert descent(first.spec) == descent(SPEC)
    # The report compares with the chain as it was.
    scheduled = SPEC.replace("sampling.conditioning", "scheduled")
    plan = SEARCH.replace_all({"base": scheduled, "evaluations": cost})
    assert candidates(plan, has_earlier=False)[0].spec == first.spec
    assert reference(plan, has_earlier=False).spec.sampling == scheduled.sampling


@pytest.mark.parametrize("rungs", [(64, 64), (128, 64), (8,), ()])
def test_rungs_that_do_not_rise_are_refused(rungs: tuple[int, ...]) -> None:
    with pytest.raises(SpecError):
        SEARCH.replace("rungs", rungs)


def test_points_are_not_searched() -> None:
    with pytest.raises(SpecError, match="must be 'images'"):
        TuneSpec.from_fields({"base": load_preset("ring-8").model_dump()})


def test_a_third_survives_a_rung() -> None:
    assert SEARCH.replace_all({"candidates": 24, "rungs": (64, 128, 256)}).entrants == (24, 8, FINALISTS)
    assert SEARCH.replace_all({"candidates": 2, "rungs": (64, 128)}).entrants == (2, 2)


# -- chains ------------------------------------------------------------------------------------------------------------


def test_later_chains_are_those_of_a_whole_drawing(trained: Path) -> None:
    spec = SPEC.replace_all({"sampling.chains": 9, "sampling.levels": 3})
    *_, whole = moments(sampling(spec, run_dir=trained, device="cpu"))
    *_, some = moments(sampling(spec.replace("sampling.chains", 4), run_dir=trained, device="cpu", first_chain=5))
    assert torch.equal(whole.y[5:], some.y)


@pytest.fixture
def against(run: Path) -> Standard:
    """What the chains of a search are judged by."""
    kept: list[Standard] = []
    real = tune_module.prepared_standard

    def keeping(*arguments: Any, **named: Any) -> Any:
        kept.append((yield from real(*arguments, **named)))
        return kept[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tune_module, "prepared_standard", keeping)
        for _ in tune(SEARCH, run, device="cpu"):
            if kept:
                break
    return kept[0]


def test_survivors_keep_their_chains_and_draw_the_next_ones_alone(run: Path, against: Standard) -> None:
    spec = candidates(SEARCH, has_earlier=False)[0].spec
    steps: list[int] = []
    stops = (16, 40, 48)

    def chains(search: str) -> DrawnChains:
        return DrawnChains(spec, run, torch.device("cpu"), stops, KeptParts(search, 0))

    cut, whole = chains("cut"), chains("whole")
    for count in stops:
        list(cut.draw(count, against, steps.append))
    assert sum(steps) == 48 * (spec.sampling.total_steps + 1)
    list(whole.draw(48, against, steps.append))
    assert len(cut.features) == 48
    assert torch.equal(cut.features.features, whole.features.features)
    assert (cut.lived, cut.pictures.tolist()) == (whole.lived, whole.pictures.tolist())
    # Killed and begun again, they are read; what is damaged is drawn again.
    again = chains("cut")
    damaged = cache_folder() / "tune" / "cut" / "0" / "16-24.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    steps.clear()
    list(again.draw(48, against, steps.append))
    assert sum(steps) == 24 * (spec.sampling.total_steps + 1)
    assert torch.equal(again.features.logits, whole.features.logits)
    assert (again.lived, again.pictures.tolist()) == (whole.lived, whole.pictures.tolist())
    forget_parts("cut")
    assert not damaged.exists()


# -- halves ------------------------------------------------------------------------------------------------------------


def poisoned(batch: FeatureBatch, which: torch.Tensor) -> FeatureBatch:
    features = batch.features.clone()
    features[which] = features[which].flip(1) * 7 + 3
    return replace(batch, features=features)


def test_no_choice_sees_the_half_that_reports(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clean = list(tune(SEARCH, run, device="cpu"))
    (run / TUNE).unlink()
    real = tune_module.prepared_standard

    def spoilt(half: int) -> Any:
        def prepared(*arguments: Any, **named: Any) -> Any:
            against = yield from real(*arguments, **named)
            order = np.random.default_rng(SEARCH.seed).permutation(len(against.reference))
            which = torch.from_numpy(np.array_split(order, 2)[half])
            return replace(against, reference=poisoned(against.reference, which))

        return prepared

    monkeypatch.setattr(tune_module, "prepared_standard", spoilt(1))
    spoilt_report = list(tune(SEARCH, run, device="cpu"))
    assert final(spoilt_report, TuneTable).rows == final(clean, TuneTable).rows
    assert final(spoilt_report, TuneReport).best_json == final(clean, TuneReport).best_json
    assert final(spoilt_report, TuneReport).effects == final(clean, TuneReport).effects
    # The judge of the other half does see it, and the judge of this half would see its own poison.
    assert repr(final(spoilt_report, TuneReport).finalists) != repr(final(clean, TuneReport).finalists)
    (run / TUNE).unlink()
    monkeypatch.setattr(tune_module, "prepared_standard", spoilt(0))
    assert final(list(tune(SEARCH, run, device="cpu")), TuneTable).rows != final(clean, TuneTable).rows


def test_the_halves_share_no_image_and_leave_none_out(against: Standard) -> None:
    first, second = halves(against, 0), halves(against, 1)
    everything = sorted(map(tuple, against.reference.features.double().tolist()))
    for split in (first, second):
        others = split.reporting.reference.features.double().tolist()
        assert sorted(map(tuple, [*split.tuning.tolist(), *others])) == everything
    assert first.tuning.tolist() != second.tuning.tolist()


def test_frechets_distance_chooses_at_a_large_last_rung_alone(against: Standard) -> None:
    features = torch.randn(2000, 128, generator=torch.Generator().manual_seed(0))
    many = FeatureBatch(features, torch.zeros(2000, 10), torch.zeros(2000, 1), torch.zeros(2000))
    few, enough = halves(against, 0), halves(replace(against, reference=many), 0)
    assert measure_of(512, enough, last=True) == "frechet"
    assert measure_of(512, enough, last=False) == measure_of(511, enough, last=True) == "kernel"
    assert measure_of(512, few, last=True) == "kernel"


# -- the job -----------------------------------------------------------------------------------------------------------


def test_a_search_stopped_anywhere_and_torn_goes_on_to_the_same_result(run: Path) -> None:
    expected = result(list(tune(SEARCH, run, device="cpu")))
    journal = run / TUNE
    whole = lines(journal)
    judged = SEARCH.entrants[0] + SEARCH.entrants[1] + FINALISTS + 1
    assert len(whole) == judged
    journal.unlink()
    drawn = random.Random(0)
    for _ in range(3):
        before = journal.read_bytes().count(b"\n") if journal.exists() else 0
        job = tune(SEARCH, run, device="cpu")
        # Killed in the middle of the work on a later candidate, and of a line.
        for _event in job:
            if journal.exists() and journal.read_bytes().count(b"\n") >= before + 2:
                break
        for _ in range(drawn.randrange(9)):
            next(job)
        job.close()
        with journal.open("ab") as file:
            file.write(json.dumps(whole[0]).encode()[: drawn.randrange(1, 200)])
    events = list(tune(SEARCH, run, device="cpu"))
    assert result(events) == expected
    assert not (cache_folder() / "tune" / whole[0]["search"]).exists()
    # The torn line is reported, and no candidate is judged twice.
    assert any(isinstance(event, Notice) and "damaged lines" in event.text for event in events)
    found = []
    for text in journal.read_text().splitlines():
        try:
            found.append(json.loads(text))
        except ValueError:
            continue
    assert sorted(map(repr, found)) == sorted(map(repr, whole))


def test_the_best_chain_is_the_first_of_the_last_rung_and_the_presets_chain_is_reported(run: Path) -> None:
    events = list(tune(SEARCH.replace("final", 144), run, device="cpu"))
    report, table = final(events, TuneReport), final(events, TuneTable)
    last = [row for row in table.rows if row.chains == SEARCH.rungs[-1]]
    assert len(last) == SEARCH.entrants[-1]
    assert [row.value for row in last] == sorted(row.value for row in last)
    assert table.best == last[0] == report.finalists[0].row
    assert all(len(row.by_rung) == row.rung + 1 for row in table.rows)
    assert {row.number for row in table.rows if row.rung == 0}.isdisjoint(row.number for row in last)
    best = ExperimentSpec.from_json(report.best_json)
    assert all(best.get(path) == value for path, value in last[0].values.items())
    assert report.finalists[-1].row.evaluations == SPEC.sampling.evaluations
    assert report.tuned_n + report.reported_n == 297
    for finalist in report.finalists:
        figures = {figure.name: figure for figure in finalist.figures}
        assert figures.keys() == {"frechet", "kernel", "confident", "rarest", "commonest", "yield"}
        assert figures["frechet"].low < figures["frechet"].value < figures["frechet"].high
        assert 0 < figures["frechet"].real < figures["frechet"].value


def test_new_weights_begin_a_new_search_and_end_one_that_is_under_way(run: Path) -> None:
    expected = result(list(tune(SEARCH, run, device="cpu")))
    count = len(lines(run / TUNE))
    weights = (run / WEIGHTS).read_bytes()
    job = tune(SEARCH.replace("seed", 1), run, device="cpu")
    for event in job:
        if isinstance(event, TuneTable):
            # A training that goes on replaces the weights.
            (run / WEIGHTS).write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
            break
    *_, last = job
    assert isinstance(last, Failed)
    (run / WEIGHTS).write_bytes(weights)
    # The lines of other searches are left alone.
    assert result(list(tune(SEARCH, run, device="cpu"))) == expected
    assert len(lines(run / TUNE)) == count


def test_a_journal_that_cannot_be_read_is_refused_in_one_sentence(run: Path) -> None:
    (run / TUNE).mkdir()
    *_, last = tune(SEARCH, run, device="cpu")
    assert isinstance(last, Failed)
    assert TUNE in last.text
    with pytest.raises(BadFile, match="no regular file"):
        Journal(run / TUNE, "search")


def test_the_journal_of_a_shipped_model_lies_in_the_folder_of_runs(run: Path, tmp_path: Path) -> None:
    assert journal_path(run) == run / TUNE
    assert journal_path(model_folder("digits"), tmp_path) == tmp_path / "digits" / TUNE
    if os.geteuid():
        run.chmod(0o500)
        assert journal_path(run, tmp_path) == tmp_path / "run" / TUNE
        run.chmod(0o700)


def test_a_budget_without_a_chain_and_another_network_are_refused(run: Path) -> None:
    other = SEARCH.replace("base", SPEC.replace("training.k", 2))
    *_, last = tune(other, run, device="cpu")
    assert isinstance(last, Failed)
    assert "k = 8" in last.text


def test_the_cost_counts_all_chains(run: Path) -> None:
    cost = final(list(tune_cost(SEARCH, run, device="cpu")), TuneCost)
    entrants, (first, second) = SEARCH.entrants, SEARCH.rungs
    chains = entrants[0] * first + entrants[1] * (second - first) + FINALISTS * (SEARCH.final - second) + SEARCH.final
    assert cost.evaluations == SEARCH.evaluations * chains
    assert cost.seconds > 0
