"""A file that shows samples gives back its own pictures, and says whether their network is still the same."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from msd_engine.backend.errors import BadFile
from msd_engine.backend.tensors import weights_digest
from msd_engine.events import Finished, Restored, RestoredImages, Samples, Started
from msd_engine.events.figures import Grid, Sheet
from msd_engine.jobs.factory.parts import learned_denoiser, new_denoiser
from msd_engine.jobs.files.restore import restore
from msd_engine.jobs.files.save import save_figure, save_samples
from msd_engine.jobs.sampling.sample import sample
from msd_engine.runs.pictures import to_pixels
from msd_engine.runs.restoring import read_drawn_spec
from msd_engine.runs.run import Run
from msd_engine.specs import DrawnBy, ExperimentSpec, load_preset, weights_of, with_weights
from msd_engine.training.trainer import AVERAGED

SPEC = load_preset("digits-30s").replace_all(
    {"sampling.chains": 3, "sampling.levels": 2, "sampling.steps_per_level": 1, "sampling.sigma_1": 2.0,
     "sampling.exact_above": 10000.0, "network.width": 8, "sampling.guidance": 1.0}
)  # fmt: skip


def trained(folder: Path, step: int = 7, change: float = 0.0) -> Run:
    """Make a run with weights, as a training leaves it."""
    run = Run.create(folder, SPEC, device="cpu") if not (folder / "manifest.json").exists() else Run.open(folder)
    denoiser = new_denoiser(SPEC, 1.0, torch.zeros(SPEC.data.shape))
    state = {name: value + change if value.is_floating_point() else value for name, value in
             denoiser.state_dict().items()}  # fmt: skip
    run.save({AVERAGED + name: value for name, value in state.items()}, step, elapsed_s=1.0, status="finished")
    return run


@pytest.fixture
def drawn(tmp_path: Path) -> Samples:
    run = trained(tmp_path / "runs" / "mine")
    events = list(sample(SPEC, run_dir=run.folder))
    (samples,) = [event for event in events if isinstance(event, Samples)]
    (started,) = [event for event in events if isinstance(event, Started)]
    assert weights_of(started.spec_json) == weights_of(samples.spec_json)
    return samples


def files_of(samples: Samples, folder: Path) -> list[Path]:
    grid, states = folder / "grid.png", folder / "states.npz"
    palette = {"base": "#ffffff", "text": "#000000"}
    list(save_figure(grid, Grid("", samples.x_hat), palette, samples.spec_json, sheet=Sheet(60, 150, caption="c")))
    list(save_samples(states, samples.x_hat, samples.y, samples.seed, samples.spec_json))
    return [grid, states]


def opened(path: Path, runs: Path | None) -> tuple[Restored, RestoredImages, str]:
    *_, restored, images, end = [one for one in restore(path, runs) if type(one).__name__ != "Tick"]
    assert isinstance(restored, Restored)
    assert isinstance(images, RestoredImages)
    assert isinstance(end, Finished)
    return restored, images, end.text


def test_a_file_of_a_network_that_is_there_opens_with_it(drawn: Samples, tmp_path: Path) -> None:
    weights = weights_of(drawn.spec_json)
    assert weights is not None
    assert (weights.run, weights.step) == ("mine", 7)
    for path in files_of(drawn, tmp_path):
        restored, images, text = opened(path, tmp_path / "runs")
        assert restored.run == images.run == str(tmp_path / "runs" / "mine")
        assert ExperimentSpec.from_json(restored.spec_json) == SPEC
        np.testing.assert_array_equal(images.images, to_pixels(drawn.x_hat))
        assert text == images.text == f"Restored from {path.name}: network mine, step 7."
        assert not images.trouble
        # What is written again names the same weights.
        assert weights_of(images.spec_json) == weights


def test_a_network_with_other_weights_is_not_taken_for_the_one_that_drew_the_file(drawn: Samples, tmp_path) -> None:
    trained(tmp_path / "runs" / "mine", step=9, change=0.01)
    for path in files_of(drawn, tmp_path):
        restored, images, text = opened(path, tmp_path / "runs")
        assert restored.run == images.run == ""
        assert "mine has other weights now (step 9)" in images.trouble
        assert "to step 7" in images.trouble
        assert text == f"{images.text} {images.trouble}"


def test_a_network_that_is_gone_is_said_to_be(drawn: Samples, tmp_path: Path) -> None:
    for runs in (tmp_path / "none", None):
        for path in files_of(drawn, tmp_path):
            restored, images, _ = opened(path, runs)
            assert restored.run == ""
            assert "not among your runs any more" in images.trouble
            np.testing.assert_array_equal(images.images, to_pixels(drawn.x_hat))


def test_a_run_of_a_comparison_is_found(drawn: Samples, tmp_path: Path) -> None:
    (tmp_path / "runs" / "sweep").mkdir()
    (tmp_path / "runs" / "mine").rename(tmp_path / "runs" / "sweep" / "mine")
    restored, images, _ = opened(files_of(drawn, tmp_path)[0], tmp_path / "runs")
    assert restored.run == str(tmp_path / "runs" / "sweep" / "mine")
    assert not images.trouble


def test_older_files_still_open_and_do_not_name_their_network(drawn: Samples, tmp_path: Path) -> None:
    path = tmp_path / "old.npz"
    list(save_samples(path, drawn.x_hat, drawn.y, drawn.seed, SPEC.to_json()))
    restored, images, _ = opened(path, tmp_path / "runs")
    assert restored.run == ""
    assert "does not name its network" in images.trouble


def test_the_exact_score_needs_no_network(drawn: Samples, tmp_path: Path) -> None:
    path = tmp_path / "exact.npz"
    spec = SPEC.replace("sampling.source", "exact")
    list(save_samples(path, drawn.x_hat, drawn.y, drawn.seed, spec.to_json()))
    _, images, text = opened(path, tmp_path / "runs")
    assert not images.trouble
    assert text == "Restored from exact.npz: exact score."


@pytest.mark.parametrize("name", ["../mine", "/etc", "a/b", ".."])
def test_names_that_lead_out_of_the_folder_find_nothing(drawn: Samples, tmp_path: Path, name: str) -> None:
    weights = weights_of(drawn.spec_json)
    assert weights is not None
    bad = with_weights(SPEC.to_json(), DrawnBy(run=name, step=weights.step, sha256=weights.sha256))
    (tmp_path / "runs" / "inner").mkdir()
    list(save_samples(tmp_path / "a.npz", drawn.x_hat, drawn.y, 0, bad))
    restored, _, _ = opened(tmp_path / "a.npz", tmp_path / "runs" / "inner")
    assert restored.run == ""


@pytest.mark.parametrize("note", [5, "x", {}, {"run": "a"}, {"run": "a", "step": -1, "sha256": "0" * 64}, []])
def test_a_damaged_note_is_a_bad_file(drawn: Samples, tmp_path: Path, note: object) -> None:
    text = json.dumps(json.loads(SPEC.to_json()) | {"weights": note})
    list(save_samples(tmp_path / "a.npz", drawn.x_hat, drawn.y, 0, text))
    with pytest.raises(BadFile, match="names its network"):
        read_drawn_spec(tmp_path / "a.npz")


def test_the_hash_is_of_the_weights_not_of_their_file(tmp_path: Path) -> None:
    run = trained(tmp_path / "one")
    denoiser = learned_denoiser(run.folder, torch.device("cpu"))
    tensors = run.load_weights().tensors
    assert denoiser.weights is not None
    assert denoiser.weights.sha256 == weights_digest(tensors) == weights_digest(denoiser.state_dict())
    halved = {name: value.half() if value.is_floating_point() else value for name, value in tensors.items()}
    widened = {name: value.float() if value.is_floating_point() else value for name, value in halved.items()}
    assert weights_digest(halved) == weights_digest(widened) != weights_digest(tensors)
    for name, value in tensors.items():
        moved = tensors | {name: value + 1}
        assert weights_digest(moved) != weights_digest(tensors)
        break
