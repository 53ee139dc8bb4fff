"""The job that measures generated images, and `msd evaluate`."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from msd_engine.cli.commands.evaluate import figures, table
from msd_engine.cli.main import main
from msd_engine.data.images import ImageSet, load_images
from msd_engine.events import Event, Failed, Figure, Finished, Quality, Started
from msd_engine.jobs.quality.evaluate import _kept, evaluate
from msd_engine.jobs.training.train import train
from msd_engine.metrics.features import classifier
from msd_engine.metrics.features.classifier import Recipe
from msd_engine.runs.layout import EARLIER
from msd_engine.runs.notes import read_figures
from msd_engine.runs.samples import save_samples
from msd_engine.specs import ExperimentSpec, ImagesSpec, load_preset, model_folder

SPEC = load_preset("digits-30s").replace_all({"training.precision": "float32"})


@pytest.fixture(autouse=True)
def _quick(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MSD_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "evaluate-cache"))
    monkeypatch.setitem(classifier._RECIPES, "digits", Recipe(passes=6, batch=64))


@pytest.fixture(scope="module")
def digits() -> ImageSet:
    return load_images(ImagesSpec(name="digits"))


def write(path: Path, x: torch.Tensor, spec: ExperimentSpec = SPEC) -> Path:
    array = x.numpy()
    save_samples(path, array, array[:, None], 0, spec.to_json())
    return path


def last(events: list[Event]) -> Event:
    return events[-1]


def measured(path: Path, n: int = 0) -> Quality:
    found = [event for event in evaluate(samples=path, n=n, device="cpu") if isinstance(event, Quality)]
    assert len(found) == 1
    return found[0]


def by_name(quality: Quality) -> dict[str, Figure]:
    return {figure.name: figure for figure in quality.figures}


def test_the_held_out_images_themselves_are_at_no_distance(digits: ImageSet, tmp_path: Path) -> None:
    quality = measured(write(tmp_path / "test.npz", digits.to_data(digits.held_out(len(digits.test)))))
    figures = by_name(quality)
    assert figures["frechet"].value == pytest.approx(0.0, abs=1e-6)
    assert (figures["precision"].value, figures["recall"].value, figures["coverage"].value) == (1.0, 1.0, 1.0)
    assert (figures["rarest"].value, figures["commonest"].value) == (1.0, 1.0)
    assert figures["nearest"].value == pytest.approx(figures["nearest"].real)
    np.testing.assert_array_equal(quality.shares, quality.real_shares)
    assert quality.shares.sum() == pytest.approx(1.0)
    assert quality.n == quality.reference_n == quality.real_n == len(digits.test)
    assert "classifier" in quality.features
    assert "FID" not in quality.features


def test_repeated_training_images_and_noise_are_distinguished_from_new_images(digits: ImageSet, tmp_path: Path) -> None:
    copies = by_name(measured(write(tmp_path / "train.npz", digits.to_data(digits.train[:300]))))
    noise = torch.randn((300, 1, 8, 8), generator=torch.Generator().manual_seed(0))
    wrong = by_name(measured(write(tmp_path / "noise.npz", noise)))
    assert copies["nearest"].value == pytest.approx(0.0, abs=1e-2)
    assert copies["nearest"].real > 0.1
    assert wrong["frechet"].value > 5 * wrong["frechet"].real
    assert wrong["frechet"].low > wrong["frechet"].real
    assert wrong["kernel"].low > copies["kernel"].high
    assert wrong["precision"].value < 0.2 < copies["precision"].value
    for figure in (wrong["frechet"], wrong["kernel"], wrong["confident"]):
        assert figure.low <= figure.value <= figure.high


def test_the_distance_of_real_images_is_the_mean_over_sets_that_share_no_image(
    digits: ImageSet, tmp_path: Path
) -> None:
    order = torch.randperm(len(digits.train), generator=torch.Generator().manual_seed(0))
    n = 400
    sets = [digits.train[order[start : start + n]] for start in range(0, len(order) - n + 1, n)]
    assert len(sets) > 1
    found = [
        by_name(measured(write(tmp_path / f"{i}.npz", digits.to_data(one))))["frechet"] for i, one in enumerate(sets)
    ]
    values = [figure.value for figure in found]
    for figure in found:
        assert figure.real == pytest.approx(np.mean(values), rel=1e-4)
        assert figure.real_spread == pytest.approx(np.std(values, ddof=1), rel=1e-3)


def test_figures_do_not_depend_on_the_order_of_the_samples(digits: ImageSet, tmp_path: Path) -> None:
    x = digits.to_data(digits.train[:200])
    one, other = (by_name(measured(write(tmp_path / f"{i}.npz", part))) for i, part in enumerate((x, x.flip(0))))
    for name in one:
        assert one[name].value == pytest.approx(other[name].value, rel=1e-5, abs=1e-5), name


def test_too_few_samples_for_a_frechet_distance_are_refused_in_words(digits: ImageSet, tmp_path: Path) -> None:
    quality = measured(write(tmp_path / "few.npz", digits.to_data(digits.train[:200])), n=128)
    assert quality.n == 128
    assert "frechet" not in by_name(quality)
    assert "128 samples are too few for 128 features" in quality.refused
    assert math.isfinite(by_name(quality)["kernel"].value)


def test_a_run_is_drawn_from_and_measured_along_a_curve(tmp_path: Path) -> None:
    spec = SPEC.replace_all(
        {"training.steps": 3, "training.seconds": 0.0, "network.width": 8, "sampling.chains": 8, "sampling.levels": 2}
    )
    assert isinstance(last(list(train(spec, tmp_path / "run", device="cpu"))), Finished)
    events = list(evaluate(spec, run_dir=tmp_path / "run", curve=((2, 1), (3, 2)), device="cpu"))
    assert isinstance(last(events), Finished)
    found = [event for event in events if isinstance(event, Quality)]
    # A step asks once, and so does the last jump.
    assert [quality.evaluations for quality in found] == [2 * 1 + 1, 3 * 2 + 1]
    assert all(quality.n == 8 and quality.elapsed_s > 0 for quality in found)
    assert ExperimentSpec.from_json(found[1].spec_json).sampling.levels == 3


def test_evaluations_are_those_that_were_made_where_guidance_is_missing(tmp_path: Path) -> None:
    spec = SPEC.replace_all({"training.steps": 3, "training.seconds": 0.0, "network.width": 8, "sampling.chains": 8})
    spec = spec.replace_all({"sampling.levels": 4, "sampling.steps_per_level": 2, "sampling.guidance": 1.3})
    assert isinstance(last(list(train(spec, tmp_path / "run", device="cpu"))), Finished)

    def reported() -> Quality:
        (found,) = [
            event for event in evaluate(spec, run_dir=tmp_path / "run", device="cpu") if isinstance(event, Quality)
        ]
        return found

    assert reported().evaluations > spec.sampling.evaluations
    (tmp_path / "run" / EARLIER).unlink()
    plain = reported()
    assert plain.evaluations == spec.sampling.evaluations
    assert f"{plain.evaluations} network evaluations" in table(plain)
    # A file does not say which of the two its samples are.
    unknown = measured(write(tmp_path / "x.npz", torch.zeros(8, 1, 8, 8), spec))
    assert unknown.evaluations == 0
    assert figures(unknown)["evaluations"] is None
    assert "network evaluations" not in table(unknown)


def test_closing_the_job_in_the_middle_leaves_no_thread_and_the_next_continues(
    digits: ImageSet, tmp_path: Path
) -> None:
    path = write(tmp_path / "train.npz", digits.to_data(digits.train[:200]))
    job = evaluate(samples=path, device="cpu")
    for event in job:
        if isinstance(event, Started):
            break
    job.close()
    assert measured(path).n == 200


@pytest.mark.parametrize("n", [5, 10_000])
def test_a_wrong_number_of_samples_is_one_sentence(n: int, digits: ImageSet, tmp_path: Path) -> None:
    path = write(tmp_path / "x.npz", digits.to_data(digits.train[:50]))
    (event,) = [event for event in evaluate(samples=path, n=n, device="cpu") if isinstance(event, Failed)]
    assert str(n) in event.text


def test_samples_of_another_shape_or_of_points_are_refused(tmp_path: Path) -> None:
    for spec, shape in ((SPEC, (20, 1, 28, 28)), (load_preset("ring-8"), (20, 2))):
        path = write(tmp_path / "x.npz", torch.zeros(shape), spec)
        assert isinstance(last(list(evaluate(samples=path, device="cpu"))), Failed)


def test_the_command_prints_a_table_or_one_line_of_json(
    digits: ImageSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(write(tmp_path / "x.npz", digits.to_data(digits.train[:200])))
    assert main(["evaluate", path]) == 0
    out = capsys.readouterr().out
    assert "Fréchet distance" in out
    assert "Digits classifier" in out
    assert main(["evaluate", path, "--n", "150", "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    figures = json.loads(line)
    assert figures["n"] == 150
    assert figures["frechet_interval"][0] < figures["frechet"] < figures["frechet_interval"][1]
    assert set(figures["classes"]) == set(digits.class_names)


def test_a_pretrained_model_and_the_exact_score_are_measured_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    quick = ["--n", "12", "--sampling.levels", "3", "--steps_per_level", "1", "--json"]
    for words, evaluations in ((["--model", "digits"], 4), (["--preset", "digits-exact"], 4)):
        assert main(["evaluate", *words, *quick]) == 0
        (line,) = capsys.readouterr().out.splitlines()
        figures = json.loads(line)
        assert (figures["n"], figures["evaluations"]) == (12, evaluations)


@pytest.mark.parametrize(
    "arguments",
    [
        ["none.npz"],
        [],
        ["{}", "--n", "0"],
        ["{}", "--curve"],
        ["{}", "--sampling.levels", "3"],
        ["{}", "--model", "digits"],
        ["--preset", "ring-8"],
        ["--model", "digits", "--n", "2"],
    ],
)
def test_bad_input_is_refused_with_one_sentence(
    arguments: list[str], digits: ImageSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(write(tmp_path / "x.npz", digits.to_data(digits.train[:20])))
    assert main(["evaluate", *(word.format(path) for word in arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("msd: ")
    assert captured.err.count("\n") == 1


def test_the_list_of_runs_hears_of_the_distance_and_a_pretrained_model_is_left_as_it_is(tmp_path: Path) -> None:
    none = np.zeros(0)
    figure = Figure("frechet", "Fréchet distance", 12.5)
    quality = Quality(
        "digits",
        "ours",
        200,
        200,
        297,
        (figure,),
        "",
        (),
        none,
        none,
        4,
        1.0,
        SPEC.to_json(),
        {"blew up": 3, "monochrome": 1},
    )
    assert list(_kept(tmp_path, quality)) == []
    known = {"distance": 12.5, "distance_features": "ours", "samples": 200, "yield": 0.98}
    assert read_figures(tmp_path) == known
    folder = model_folder("digits")
    before = sorted(folder.iterdir())
    assert list(_kept(folder, quality)) == []
    assert sorted(folder.iterdir()) == before
