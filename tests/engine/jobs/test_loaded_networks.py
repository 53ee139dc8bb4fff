"""Sampling reads a network once, and anew when its files change."""

from __future__ import annotations

import shutil

import torch

from msd_engine.jobs.factory.parts import denoiser_of_run
from msd_engine.runs.layout import WEIGHTS
from msd_engine.specs import load_preset, model_folder

CPU = torch.device("cpu")


def test_a_network_is_read_once_and_anew_when_its_files_change(tmp_path):
    spec = load_preset("digits-30s")
    run = tmp_path / "run"
    shutil.copytree(model_folder("digits"), run)
    before = denoiser_of_run(spec, run, CPU)
    assert denoiser_of_run(spec.replace("sampling.seed", 9), run, CPU) is before
    # As a save does: whole, then under its name.
    other = tmp_path / "other"
    other.write_bytes((run / WEIGHTS).read_bytes())
    other.replace(run / WEIGHTS)
    after = denoiser_of_run(spec, run, CPU)
    assert after is not before
    assert after.weights == before.weights


def test_chains_leave_the_network_as_it_is(tmp_path):
    from msd_engine.jobs.sampling.sample import sample

    spec = load_preset("digits-30s").replace_all({"sampling.chains": 3, "sampling.levels": 3, "training.k": 2})
    folder = model_folder("digits")
    before = {name: value.clone() for name, value in denoiser_of_run(spec, folder, CPU).state_dict().items()}
    list(sample(spec, run_dir=folder, device="cpu"))
    after = denoiser_of_run(spec, folder, CPU)
    assert all(torch.equal(before[name], value) for name, value in after.state_dict().items())
    assert after.k == load_preset("digits-30s").training.k
