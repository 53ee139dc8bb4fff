"""Every job of the engine on the stand-in accelerator, once as it plays CUDA and once as it plays MPS.

A tensor of the wrong device, a numpy array made of a device's tensor or a float64 where there is none ends a job here
as it would on a card (see `standin`).
"""

from __future__ import annotations

import copy
import shutil
from contextlib import nullcontext

import numpy as np
import pytest
import standin
import torch

from msd_engine.denoisers.posterior import Posterior
from msd_engine.events import (
    ChainReport,
    Denoised,
    Explained,
    FieldFrame,
    FilmFrame,
    Finished,
    GrowingCopies,
    HeldOutLoss,
    Neighbours,
    Notice,
    Proposed,
    Quality,
    Samples,
    ScoreTable,
    Started,
    StripFrame,
    SweepTable,
    TuneReport,
    Verdicts,
)
from msd_engine.events.noise import Likelihood, NoiseDraws, NoiseTable
from msd_engine.jobs.factory import loaded
from msd_engine.jobs.noise.compare import compare_noises
from msd_engine.jobs.noise.draws import draw_noise
from msd_engine.jobs.noise.likelihood import likelihood
from msd_engine.jobs.pictures.denoise import denoise
from msd_engine.jobs.pictures.growing import growing_copies
from msd_engine.jobs.quality.evaluate import evaluate
from msd_engine.jobs.quality.judge import judge
from msd_engine.jobs.quality.nearest import nearest
from msd_engine.jobs.sampling.chain_task import chain_task
from msd_engine.jobs.sampling.field import field
from msd_engine.jobs.sampling.first_sight import sample_at_first_sight
from msd_engine.jobs.sampling.propose import proposal
from msd_engine.jobs.sampling.sample import sample
from msd_engine.jobs.sampling.why import why
from msd_engine.jobs.scores import copies, truth
from msd_engine.jobs.scores.scores import scores
from msd_engine.jobs.sweep import draws
from msd_engine.jobs.sweep.reproduce import reproduce
from msd_engine.jobs.sweep.sweep import sweep
from msd_engine.jobs.tools.frames import PlaneFrames
from msd_engine.jobs.training.recall import held_out_strip, recall
from msd_engine.jobs.training.train import train
from msd_engine.jobs.tune.tune import tune
from msd_engine.metrics.chains.figures import alive
from msd_engine.metrics.errors.errors import HeldOut
from msd_engine.metrics.features import classifier
from msd_engine.metrics.features.choose import _of_colour
from msd_engine.metrics.features.classifier import Recipe
from msd_engine.metrics.features.imagenet import EfficientNetLite0
from msd_engine.metrics.features.inception import Inception
from msd_engine.metrics.quality.judge import LEAST
from msd_engine.objectives.mse import squared_error
from msd_engine.runs.samples import save_samples
from msd_engine.specs import BEGUN, Branch, NoiseSpec, SweepSpec, load_preset
from msd_engine.specs.reproduction import NoisesSpec, Reproduction
from msd_engine.specs.scores.contenders import CONTENDERS
from msd_engine.specs.scores.spec import ScoresSpec, usual_base
from msd_engine.specs.search.tune import TuneSpec
from msd_engine.specs.tables.samplers import TRAITS

SAMPLERS = tuple(TRAITS)
OF_IMAGES = [name for name, row in TRAITS.items() if row.draws_images]
LEARNED = [name for name, row in TRAITS.items() if not row.needs]

_SHORT = {"training.steps": 4, "training.seconds": 0.0, "training.batch": 8, "training.k": 2}
_SHORT |= {"training.evaluate_every": 2, "training.precision": "auto", "network.width": 8, "network.embedding": 8}
_SHORT |= {"sampling.chains": 5, "sampling.levels": 2, "sampling.steps_per_level": 2}
POINTS = load_preset("ncsn-toy").replace_all(_SHORT | {"network.depth": 2})
IMAGES = load_preset("digits-30s").replace_all(_SHORT | {"data.limit": 40, "sampling.guidance": 1.0})
HALF = np.repeat(np.array([0, 1], np.uint8), 32)


class Always:
    def due(self):
        return True


@pytest.fixture(scope="module", params=["like cuda", "like mps"], autouse=True)
def _device(request):
    with pytest.MonkeyPatch.context() as patch, standin.chosen(float64=request.param == "like cuda"):
        # Enough for whether a comparison measures at all.
        for name, count in (("_POINTS", 128), ("_IMAGES", 64), ("_LEAST_IMAGES", 32)):
            patch.setattr(draws, name, count)
        patch.setattr(copies, "_DRAWS", 64)
        patch.setattr(truth, "_DRAWS", 512)
        loaded.forget()
        yield
        loaded.forget()


@pytest.fixture(autouse=True)
def cache_dir(tmp_path_factory, monkeypatch):
    """One cache folder for the module, in the place of one for each test: the judge is made once."""
    monkeypatch.setenv("MSD_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "standin-cache"))


def collected(job, device=standin.NAME):
    """Return the events of a job, which must end well and on the device."""
    events = list(job)
    assert isinstance(events[-1], Finished), events[-1]
    assert {event.device.split()[0] for event in events if isinstance(event, Started)} == {device}
    return events


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


@pytest.fixture(scope="module")
def points(_device, tmp_path_factory):
    folder = tmp_path_factory.mktemp("standin") / "points"
    collected(train(POINTS, folder, cadence=Always()))
    return folder


@pytest.fixture(scope="module")
def digits(_device, tmp_path_factory):
    folder = tmp_path_factory.mktemp("standin") / "digits"
    collected(train(IMAGES, folder, cadence=Always()))
    return folder


def test_points_are_trained_and_continue(points, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(points, run)
    events = collected(train(POINTS.replace("training.steps", 6), run, resume=True, cadence=Always()))
    assert events[-1].step == 6
    assert np.isfinite(of(HeldOutLoss, events)[-1].band_mmse).all()


def test_images_are_trained_and_continue(digits, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(digits, run)
    events = collected(train(IMAGES.replace("training.steps", 6), run, resume=True, cadence=Always()))
    assert events[-1].step == 6
    assert np.isfinite(of(StripFrame, events)[-1].error).all()


def test_muon_and_adam_train_either_network(tmp_path):
    for spec in (POINTS, IMAGES):
        for optimiser in ("adam", "muon"):
            wanted = spec.replace_all({"training.optimiser": optimiser, "training.steps": 2, "training.flips": True})
            collected(train(wanted, tmp_path / f"{spec.data.name}-{optimiser}"))


def test_a_run_is_recalled(digits):
    assert of(StripFrame, collected(recall(digits)))


@pytest.mark.parametrize("sampler", LEARNED)
def test_points_are_drawn_by_a_network(points, sampler):
    spec = POINTS.replace_all({"sampling.source": "trained", "sampling.sampler": sampler})
    events = collected(sample(spec, run_dir=points, cadence=Always()))
    assert of(ChainReport, events)[-1].alive == 1.0


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_points_are_drawn_by_their_exact_score(sampler):
    spec = POINTS.replace_all({"sampling.source": "exact", "sampling.sampler": sampler})
    events = collected(sample(spec, device=standin.NAME, cadence=Always()))
    assert of(ChainReport, events)[-1].alive == 1.0


@pytest.mark.parametrize("sampler", LEARNED)
def test_images_are_drawn_by_a_network(digits, sampler):
    spec = IMAGES.replace_all({"sampling.source": "trained", "sampling.sampler": sampler})
    events = collected(sample(spec, run_dir=digits, cadence=Always()))
    assert of(Samples, events)[0].x_hat.shape == (5, 1, 8, 8)
    assert of(Verdicts, events)[0].features


@pytest.mark.parametrize("sampler", OF_IMAGES)
def test_images_are_drawn_by_their_exact_score(sampler):
    spec = IMAGES.replace_all({"sampling.source": "exact", "sampling.sampler": sampler})
    assert of(Samples, collected(sample(spec, cadence=Always())))


@pytest.mark.parametrize("covariance", ["power-law", "data"])
def test_images_are_drawn_with_coloured_noise(covariance):
    spec = IMAGES.replace_all({"sampling.source": "exact", "noise.covariance": covariance})
    assert of(Samples, collected(sample(spec, cadence=Always())))
    (draws,) = of(NoiseDraws, collected(draw_noise(NoiseSpec(covariance="power-law"), (3, 8, 8), 4, 0)))
    (host,) = of(
        NoiseDraws, collected(draw_noise(NoiseSpec(covariance="power-law"), (3, 8, 8), 4, 0, device="cpu"), "cpu")
    )
    np.testing.assert_allclose(draws.noise, host.noise, atol=1e-5)


@pytest.mark.parametrize("form", ["predict-n", "predict-v", "plain"])
def test_images_are_trained_and_drawn_under_coloured_noise(tmp_path, form):
    fields = {"noise.process": "ddpm", "noise.law": "uniform-t", "training.form": form, "training.flips": True}
    spec = IMAGES.replace_all(fields | {"noise.covariance": "power-law", "sampling.source": "trained"})
    events = collected(train(spec, tmp_path / "run", cadence=Always()))
    assert np.isfinite(of(StripFrame, events)[-1].error).all()
    assert of(StripFrame, collected(recall(tmp_path / "run")))
    assert of(Samples, collected(sample(spec, run_dir=tmp_path / "run", cadence=Always())))
    assert np.isfinite(of(Denoised, collected(denoise(spec, run_dir=tmp_path / "run")))[0].error)
    assert of(Denoised, collected(denoise(spec.replace("sampling.source", "exact"))))


def test_noises_are_compared(tmp_path):
    fields = {"training.k": 1, "sampling.sampler": "ddim", "sampling.source": "trained"}
    base = IMAGES.replace_all(fields | {"noise.covariance": "blur"})
    plan = NoisesSpec(base=base, seeds=(0,), steps=(3, 2), chains=LEAST)
    (*_, table) = of(NoiseTable, collected(compare_noises(plan, tmp_path / "noises", budget="Few.", cadence=Always())))
    assert (table.done, table.total) == (4, 4)


@pytest.mark.long
def test_noises_are_compared_within_a_time(tmp_path):
    fields = {"training.k": 1, "sampling.sampler": "ddim", "sampling.source": "trained"}
    base = IMAGES.replace_all(fields | {"noise.covariance": "blur", "training.form": "predict-n"})
    plan = NoisesSpec(base=base, seeds=(0,), steps=(2,), training_s=0.1, sampling_s=0.1)
    assert of(NoiseTable, collected(compare_noises(plan, tmp_path / "noises", cadence=Always())))
    spec = plan.experiment("coloured", 0)
    (found,) = of(Likelihood, collected(likelihood(spec, n=1, run_dir=tmp_path / "noises" / "coloured-seed0")))
    assert np.isfinite(found.flow).all()


def test_a_network_is_guided_and_begins_with_the_exact_mean(digits, points):
    values = {"sampling.source": "trained", "sampling.guidance": 1.5}
    for base, run in ((POINTS, points), (IMAGES.replace("sampling.exact_above", 1.0), digits)):
        spec = base.replace_all(values)
        events = collected(sample(spec, run_dir=run, cadence=Always()))
        assert [BEGUN in notice.text for notice in of(Notice, events)] == [True] * spec.begins_at_data


def test_chains_branch_off(digits):
    spec = IMAGES.replace_all({"sampling.source": "trained", "sampling.sampler": "underdamped"})
    film = of(FilmFrame, collected(sample(spec, run_dir=digits, cadence=Always())))
    frame = film[2]
    carried = tuple(part[0] for part in frame.carried)
    start = Branch(frame.copies[0], frame.step, tuple(frame.streams[0].tolist()), carried)
    branched = of(Samples, collected(chain_task(spec, "draw", start=start, run_dir=digits)))[0]
    whole = of(Samples, collected(sample(spec, run_dir=digits)))[0]
    np.testing.assert_array_equal(branched.x_hat[0], whole.x_hat[0])


@pytest.mark.parametrize("task", ["inpaint", "interpolate"])
@pytest.mark.parametrize("source", ["exact", "trained"])
def test_chains_by_hand(digits, task, source):
    spec = IMAGES.replace_all({"sampling.source": source, "denoise.mask": HALF.tobytes()})
    samples = of(Samples, collected(chain_task(spec, task, run_dir=digits, cadence=Always())))[0]
    assert np.isfinite(samples.x_hat).all()


@pytest.mark.parametrize("change", ["none", "shuffle", "drop", "replace"])
@pytest.mark.parametrize("source", ["exact", "trained"])
def test_a_picture_is_denoised(digits, change, source):
    spec = IMAGES.replace_all({"sampling.source": source, "denoise.change": change})
    assert of(Denoised, collected(denoise(spec, run_dir=digits)))[0].exact == (source == "exact")


def test_samples_are_measured(digits, tmp_path, monkeypatch):
    monkeypatch.setitem(classifier._RECIPES, "digits", Recipe(passes=1, batch=600))
    monkeypatch.setenv("MSD_CACHE_DIR", str(tmp_path))
    spec = IMAGES.replace_all({"sampling.source": "trained", "sampling.chains": LEAST})
    for events in (
        collected(evaluate(spec, run_dir=digits, cadence=Always(), retrain=True)),
        collected(evaluate(spec.replace("sampling.source", "exact"), curve=((2, 1), (3, 1)))),
    ):
        assert of(Quality, events)[-1].n == LEAST
    drawn = of(Samples, collected(sample(spec, run_dir=digits)))[0]
    save_samples(tmp_path / "file.npz", drawn.x_hat, drawn.y, 0, spec.to_json())
    assert of(Quality, collected(evaluate(samples=tmp_path / "file.npz")))


def test_samples_are_judged_and_their_neighbours_found(digits):
    spec = IMAGES.replace("sampling.source", "trained")
    drawn = of(Samples, collected(sample(spec, run_dir=digits)))[0]
    (verdicts,) = of(Verdicts, collected(judge(drawn)))
    assert verdicts.features
    (found,) = of(Neighbours, collected(nearest(spec, drawn.x_hat[0])))
    assert np.isfinite(found.features).all()


def test_first_chains_are_drawn_and_causes_are_tried(digits, points):
    images = IMAGES.replace("sampling.source", "trained")
    assert of(Samples, collected(sample_at_first_sight(images, run_dir=digits)))
    for spec, run in ((images, digits), (POINTS.replace("sampling.source", "trained"), points)):
        *_, found = of(Explained, collected(why(spec, chains=4, run_dir=run)))
        assert len(found.trials) > 2


def test_the_best_chain_is_searched(digits, tmp_path):
    search = TuneSpec(base=IMAGES, evaluations=6, candidates=4, rungs=(16,), final=24)
    assert of(TuneReport, collected(tune(search, digits, runs_dir=tmp_path)))


def test_copies_grow(digits):
    images = IMAGES.replace("sampling.source", "trained")
    assert of(GrowingCopies, collected(growing_copies(images, (1, 2), ((2, digits),))))
    assert of(StripFrame, collected(held_out_strip(digits)))


def test_a_field_is_computed(points):
    frame = {"sigma": 1.0, "bounds": (-1.0, 1.0, -1.0, 1.0), "resolution": (4, 4), "points": 3}
    for run in (None, points):
        (found,) = of(FieldFrame, collected(field(POINTS, run_dir=run, device=standin.NAME, **frame)))
    assert found.trained_score.shape == (9, 2)


def test_objectives_are_compared():
    base = usual_base(POINTS).replace_all(
        {"training.steps": 2, "training.batch": 8, "noise.noises": 2, "training.k": 2}
    )
    for form in ("score", "energy"):
        spec = ScoresSpec(base=base.replace("training.form", form), contenders=tuple(CONTENDERS), seeds=(0,))
        (*_, table) = of(ScoreTable, collected(scores(spec, cadence=Always())))
        assert all(np.isfinite(row.errors["data"].mean) for row in table.rows)


def test_a_ladder_is_proposed():
    for spec in (POINTS, IMAGES):
        assert of(Proposed, collected(proposal(spec), device="cpu"))


def test_numbers_of_copies_are_compared(tmp_path):
    for base in (POINTS, IMAGES):
        spec = SweepSpec.from_fields({"base": base.model_dump(), "ks": (1, 2), "seeds": (0,)})
        (*_, table) = of(SweepTable, collected(sweep(spec, tmp_path / base.data.name, cadence=Always())))
        assert len(table.rows) == 4


def test_a_report_is_reproduced(tmp_path):
    fields = {"base": IMAGES.model_dump(), "ks": (1, 2), "seeds": (0,), "modes": ("same-sigma",)}
    plan = SweepSpec.from_fields(fields)
    events = collected(reproduce(Reproduction(plan, plan, "A few steps."), tmp_path / "report", cadence=Always()))
    assert (tmp_path / "report" / "index.html").read_text().count("<img")
    assert events


def test_networks_that_judge_see_on_the_device():
    colour = torch.linspace(-1, 1, 3 * 32 * 32).reshape(1, 3, 32, 32)
    device = torch.device(standin.NAME)
    for kind in (EfficientNetLite0, Inception):
        net = kind().eval().requires_grad_(False)
        net.name = "a network"
        expected, found = (
            _of_colour(moved, where, "").extract_features(colour)
            for moved, where in ((net, torch.device("cpu")), (copy.deepcopy(net).to(device), device))
        )
        torch.testing.assert_close(found.features, expected.features)
        torch.testing.assert_close(found.bands, expected.bands)


def _report_of_old(self, moment, target, *, ended):
    living = alive(moment.y)
    level = torch.from_numpy(np.concatenate(self._last_level)) if self._last_level else moment.y.unsqueeze(0)
    return level[len(level) // 2 :, living]


def test_the_report_of_old_fails_here_as_it_did_on_a_card(points, monkeypatch):
    monkeypatch.setattr(PlaneFrames, "_report", _report_of_old)
    with pytest.raises(RuntimeError, match="indices should be either on cpu or on the same device"):
        list(sample(POINTS.replace("sampling.source", "trained"), run_dir=points))


def test_an_error_in_float64_on_the_device_fails_where_there_is_none(request, monkeypatch):
    def errors(self, denoiser):
        return squared_error(self.estimate(denoiser), self.x).double().cpu()

    monkeypatch.setattr(HeldOut, "errors", errors)
    x = torch.ones(2, 1, device=standin.NAME)
    held_out = HeldOut(x, torch.ones(2, device=standin.NAME), 1, torch.Generator().manual_seed(0))
    fails = pytest.raises(TypeError, match="float64") if "mps" in request.node.name else nullcontext()
    with fails:
        held_out.measure(lambda y, sigma: Posterior(y.mean(1), y))
