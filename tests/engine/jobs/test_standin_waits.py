"""How often a job lets the host wait for the stand-in accelerator: at each step never, so that a GPU is kept busy."""

from __future__ import annotations

import pytest
import standin
from standin import counting

from msd_engine.events import Finished
from msd_engine.jobs.factory.chains import sampling
from msd_engine.jobs.sampling.sample import chain_events
from msd_engine.jobs.tools import image_frames
from msd_engine.jobs.training.train import train
from msd_engine.samplers.walk import walk
from msd_engine.specs import load_preset
from msd_engine.specs.live import NEVER

_SHORT = {"training.steps": 4, "training.seconds": 0.0, "training.batch": 8, "training.k": 2, "network.width": 8}
_SHORT |= {"sampling.chains": 5, "sampling.levels": 3, "sampling.steps_per_level": 4, "sampling.source": "trained"}
_SHORT |= {"training.evaluate_every": 1000, "sampling.guidance": 1.0, "sampling.sampler": "langevin"}
SPECS = {"points": "ncsn-toy", "images": "digits-30s"}


@pytest.fixture(scope="module", autouse=True)
def _device():
    with standin.chosen(float64=True):
        yield


@pytest.fixture(scope="module", params=SPECS)
def trained(request, _device, tmp_path_factory):
    spec = load_preset(SPECS[request.param]).replace_all(_SHORT)
    folder = tmp_path_factory.mktemp("waits") / "run"
    assert isinstance(list(train(spec, folder))[-1], Finished)
    return spec, folder


@pytest.mark.parametrize("sampler", ["langevin", "consistent", "underdamped", "predictor-corrector", "ode"])
def test_a_step_of_a_network_lets_nobody_wait_and_carries_nothing(trained, sampler):
    spec, folder = trained
    chains = sampling(spec.replace("sampling.sampler", sampler), run_dir=folder)
    steps = walk(chains.dynamics, chains.denoiser, chains.y, chains.descent, chains.streams)
    # What is made once comes with the first step.
    next(steps)
    with counting() as counts:
        done = sum(1 for _ in steps)
    assert done >= 8
    assert counts.operations > done
    assert not counts.waits
    assert (counts.to_device, counts.to_host) == (0, 0)


def waits_of_a_step(job, least, most):
    """Return what makes the host wait at each step: the difference of a long job and a short one."""
    found = []
    for steps in (least, most):
        with counting() as counts:
            list(job(steps))
        found.append(counts.waits)
    return {name: (found[1][name] - found[0][name]) / (most - least) for name in found[1]}


def test_a_sampling_waits_for_its_frames_alone(trained, monkeypatch):
    spec, folder = trained
    monkeypatch.setattr(image_frames, "_FILM_FRAMES", 3)

    def job(steps):
        wanted = spec.replace_all({"sampling.method": "fixed", "sampling.steps_per_level": steps})
        return chain_events(wanted, sampling(wanted, run_dir=folder), NEVER, None)

    assert not any(waits_of_a_step(job, 10, 30).values())


def test_a_training_reads_what_its_steps_have_found_many_at_once(trained, tmp_path):
    spec, _ = trained
    waits = waits_of_a_step(lambda steps: train(spec.replace("training.steps", steps), tmp_path / str(steps)), 10, 30)
    assert sum(waits.values()) <= 0.2
