"""`msd train` and `msd sample`: what they write, and what a program that reads it can rely on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from called import QUICK

from msd_engine.events import Event, Failed, LossPoints, Started
from msd_engine.runs.pictures import read_picture_spec
from msd_engine.runs.restoring import read_spec
from msd_engine.runs.run import Run
from msd_engine.runs.samples import load_samples
from msd_engine.specs import ExperimentSpec, load_preset

# Training


def test_training_a_mixture_leaves_a_run_and_one_line(msd: Any) -> None:
    done = msd("train", "--preset", "ncsn-toy", "--out", "run", "--steps", "12", "--k", "2", "--json", *QUICK)
    assert done.code == 0
    assert done.json["command"] == "train"
    assert done.json["status"] == "finished"
    assert done.json["run"] == "run"
    assert done.json["step"] == 12
    assert done.json["elapsed_s"] > 0
    assert done.json["loss"] > 0
    assert done.json["held_out_loss"] >= done.json["mmse"] * 0.9
    assert done.err.startswith("train on ")
    run = Run.open("run")
    assert run.spec.training.k == 2
    assert run.spec.training.batch == 16
    assert run.spec.network.width == 16
    assert run.load_weights().step == 12


def test_a_budget_given_alone_lifts_the_other_one(msd: Any) -> None:
    assert msd("train", "--preset", "ncsn-toy", "--out", "short", "--seconds", "0.05", *QUICK).code == 0
    budget = Run.open("short").spec.training
    assert budget.seconds == 0.05
    assert budget.steps > 10**6
    assert msd("train", "--preset", "digits-30s", "--out", "few", "--steps", "2", *QUICK).code == 0
    budget = Run.open("few").spec.training
    assert (budget.steps, budget.seconds) == (2, 0.0)
    both = ["--steps", "3", "--seconds", "90"]
    assert msd("train", "--preset", "ncsn-toy", "--out", "both", *both, *QUICK).code == 0
    budget = Run.open("both").spec.training
    assert (budget.steps, budget.seconds) == (3, 90.0)


def test_a_run_goes_on_to_a_new_budget(msd: Any) -> None:
    constant = ["--schedule", "constant", *QUICK]
    assert msd("train", "--preset", "ncsn-toy", "--out", "halves", "--steps", "4", *constant).code == 0
    assert msd("train", "--resume", "halves", "--steps", "8").code == 0
    assert msd("train", "--preset", "ncsn-toy", "--out", "whole", "--steps", "8", *constant).code == 0
    halves, whole = Run.open("halves"), Run.open("whole")
    assert halves.spec == whole.spec
    expected = whole.load_weights().tensors
    for name, tensor in halves.load_weights().tensors.items():
        assert tensor.equal(expected[name]), name


def test_flags_make_the_same_spec_whichever_name_they_bear(msd: Any) -> None:
    for out, flag in (("a", "--sampling.steps_per_level"), ("b", "--steps_per_level"), ("c", "--steps-per-level")):
        assert msd("train", "--preset", "ncsn-toy", "--out", out, "--steps", "1", flag, "7", "--seed", "3").code == 0
    specs = [Run.open(out).spec for out in "abc"]
    assert specs[0] == specs[1] == specs[2]
    # The bare name of a field that several sections have is that of the command's own section.
    assert (specs[0].training.seed, specs[0].sampling.seed) == (3, 0)
    assert specs[0].sampling.steps_per_level == 7


def test_the_step_is_given_as_its_ratio_or_as_its_size(msd: Any) -> None:
    few = ("sample", "--preset", "ring-8", "--levels", "2", "--steps_per_level", "1", "--n", "1", "--sigma_L", "0.5")
    drawn = []
    for out, flag, step in (("a", "--epsilon", "0.01"), ("b", "--sampling.epsilon", "0.01"), ("c", "--r", "0.04")):
        assert msd(*few, flag, step, "--out", f"{out}.npz").code == 0
        drawn.append(read_spec(f"{out}.npz").sampling.step_ratio)
    assert drawn == [0.01 / 0.5**2] * 2 + [0.04]
    # A change of σ_L alone leaves the ratio as it is.
    assert msd(*few, "--out", "d.npz").code == 0
    assert read_spec("d.npz").sampling.step_ratio == load_preset("ring-8").sampling.step_ratio


def test_a_spec_is_taken_from_a_file_or_a_run(msd: Any, tmp_path: Path) -> None:
    spec = load_preset("ring-8").replace_all({"training.steps": 1, "network.width": 16, "title": "by file"})
    (tmp_path / "mine.json").write_text(spec.to_json())
    assert msd("train", "--preset", "mine.json", "--out", "run").code == 0
    assert Run.open("run").spec == spec
    assert msd("train", "--preset", "run", "--out", "again").code == 0
    assert Run.open("again").spec == spec


def test_a_job_that_had_begun_and_failed_is_no_bad_input(msd: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: Any, **__: Any) -> Iterator[Event]:
        yield Started("train", "cpu", 10, 0, "{}")
        yield LossPoints(np.array([3]), np.array([0.5]), np.array([0.1]))
        yield Failed("The loss is not finite.")

    monkeypatch.setattr("msd_engine.jobs.training.train.train", failing)
    done = msd("train", "--preset", "ncsn-toy", "--out", "run", "--json")
    assert done.code == 1
    assert "msd: The loss is not finite." in done.err.splitlines()
    assert (done.json["status"], done.json["step"], done.json["loss"]) == ("failed", 3, 0.5)
    # What was never measured is null: JSON has no NaN.
    assert done.json["held_out_loss"] is None


# Sampling


def test_samples_of_a_mixture_are_written_with_their_spec(msd: Any) -> None:
    words = ["--levels", "3", "--steps_per_level", "4", "--k", "2", "--seed", "5", "--json"]
    done = msd("sample", "--preset", "ncsn-toy", "--n", "6", "--out", "a.npz", *words)
    assert done.code == 0, done.err
    assert done.json["status"] == "finished"
    assert (done.json["n"], done.json["seed"], done.json["step"]) == (6, 5, 12)
    assert done.json["out"] == "a.npz"
    with np.load("a.npz", allow_pickle=False) as archive:
        assert archive["x_hat"].shape == (6, 2)
        assert archive["x_hat"].dtype == np.float32
        assert archive["y"].shape == (6, 2, 2)
        assert int(archive["seed"]) == 5
        spec = ExperimentSpec.from_json(str(archive["spec"]))
    assert spec.sampling.levels == 3
    assert spec.training.k == 2
    assert np.isfinite(load_samples("a.npz").x_hat).all()
    # The sample file is itself a preset, and chain i does not depend on the number of chains.
    assert msd("sample", "--preset", "a.npz", "--n", "3", "--out", "b.npz").code == 0
    np.testing.assert_array_equal(load_samples("b.npz").x_hat, load_samples("a.npz").x_hat[:3])
    assert read_spec("b.npz") == spec.replace("sampling.chains", 3)


def test_samples_of_a_trained_run_with_a_grid(msd: Any) -> None:
    assert msd("train", "--preset", "digits-30s", "--out", "run", "--steps", "3", "--k", "2", *QUICK).code == 0
    few = ["--levels", "2", "--steps_per_level", "1"]
    done = msd("sample", "run", "--n", "5", "--out", "a.npz", "--grid", "a.png", "--json", *few)
    assert done.code == 0, done.err
    assert done.json["grid"] == "a.png"
    samples = load_samples("a.npz")
    assert samples.x_hat.shape == (5, 1, 8, 8)
    assert samples.y.shape == (5, 2, 1, 8, 8)
    assert ExperimentSpec.from_json(read_picture_spec("a.png")) == read_spec("a.npz")
    assert msd("sample", "run", "--out", "b.npz", "--k", "3", *few).refuses("training.k", "k = 2 copies alone", "mean")
    # A flag that says what the run says already, as copied commands do, is no change.
    assert msd("sample", "run", "--n", "1", "--out", "b.npz", "--k", "2", *few).code == 0
