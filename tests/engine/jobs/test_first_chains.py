"""Chains that nobody asked for: as many as soon move, and the same ones as in the whole experiment."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from msd_engine.events import Failed, Finished, Samples, Started
from msd_engine.jobs.sampling import first_sight
from msd_engine.jobs.sampling.first_sight import FEWEST, MOST, STEP_S, movable, sample_at_first_sight
from msd_engine.jobs.sampling.sample import sample
from msd_engine.specs import ExperimentSpec, load_preset, model_folder

SPEC = load_preset("digits-30s").replace_all({"sampling.levels": 3, "sampling.steps_per_level": 1})
RUN = model_folder("digits")


def ends(job):
    return next(event for event in job if isinstance(event, Samples))


@pytest.mark.parametrize(
    ("step_s", "count"),
    [(10.0, FEWEST), (STEP_S, FEWEST), (STEP_S / 2, 2 * FEWEST), (STEP_S / 2.1, 2 * FEWEST), (1e-6, MOST)],
)
def test_as_many_chains_as_take_a_step_in_time(step_s, count):
    assert movable(step_s, 1000) == count
    assert movable(step_s, 5) == 5


@pytest.mark.parametrize(("step_s", "count"), [(1.0, FEWEST), (1e-6, MOST)])
def test_the_chains_are_the_first_of_the_experiment(monkeypatch, step_s, count):
    monkeypatch.setattr(first_sight, "step_seconds", lambda *_: step_s)
    spec = SPEC.replace("sampling.chains", MOST + 1)
    events = list(sample_at_first_sight(spec, run_dir=RUN))
    assert isinstance(events[-1], Finished)
    begun = ExperimentSpec.from_json(next(event for event in events if isinstance(event, Started)).spec_json)
    assert begun == spec.replace("sampling.chains", count)
    np.testing.assert_array_equal(ends(events).y, ends(sample(spec, run_dir=RUN)).y[:count])


def test_threads_are_as_many_as_other_programs_leave_unless_they_are_fixed(monkeypatch):
    before, asked = torch.get_num_threads(), []
    monkeypatch.setattr(first_sight, "step_seconds", lambda *_: asked.append(torch.get_num_threads()) or 1.0)
    monkeypatch.setattr("msd_engine.backend.threads.Load.others", lambda self: float(self.cores))
    monkeypatch.setenv("MSD_THREADS", "")
    torch.set_num_threads(2)
    for threads in (0, 2):
        list(sample_at_first_sight(SPEC.replace("sampling.chains", 2), run_dir=RUN, threads=threads))
    torch.set_num_threads(before)
    assert asked == [1, 2]


def test_a_step_is_timed_and_a_missing_run_is_told(tmp_path):
    assert isinstance(list(sample_at_first_sight(SPEC.replace("sampling.chains", 3), run_dir=RUN))[-1], Finished)
    (failed,) = sample_at_first_sight(SPEC, run_dir=tmp_path)
    assert isinstance(failed, Failed)
