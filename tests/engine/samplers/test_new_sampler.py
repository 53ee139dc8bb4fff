"""A new sampler is one file and one row; without its law the program does not begin."""

from __future__ import annotations

from pathlib import Path

import pytest
from additions import engine_with, run_in

STEP = '''
"""Euler's rule for the probability flow."""

import torch

from msd_engine.samplers.descent import Info, State, init
from msd_engine.samplers.laws import Law, exact, gliding, pull


def step(state, denoiser, stage, noise):
    posterior = denoiser(state.y, stage.sigma)
    return State(torch.lerp(state.y, posterior.mean.unsqueeze(1), 1 - stage.next_sigma / stage.sigma)), Info(posterior)


def law(stage, k, data):
    return 1 - (1 - stage.next_sigma / stage.sigma) * pull(stage.sigma, k, data), 0.0
'''
LAW = """

LAW = Law(lambda descent, k, data, start: gliding(descent, k, data, start, law), exact, as_scheduled=True)
"""
WORD = {'Sampler = Literal["langevin"': ', "euler"'}
ROW = {
    "TRAITS: Final[dict[Sampler, Traits]] = {": """
    "euler": Traits("Euler", "the flow by Euler's rule", "euler", glides=True, has_step=False),"""
}
USE = """
import numpy as np
from msd_engine.events import ChainReport, Finished, Ladder, Samples
from msd_engine.jobs.sampling.sample import sample
from msd_engine.metrics.chains.ladders import variances
from msd_engine.jobs.factory.parts import descent
from msd_engine.specs import ExperimentSpec, MixtureSpec, declarations

data = MixtureSpec(name="custom", weights=(1.0,), means=((0.0, 0.0),), covariances=(((2.0, 0.0), (0.0, 0.5)),))
asked = {"sampling.sampler": "euler", "sampling.levels": 3, "sampling.steps_per_level": 4, "sampling.sigma_1": 3.0}
spec = ExperimentSpec(data=data).replace_all(asked | {"sampling.chains": 4000, "sampling.jump": False})
k = spec.training.k
events = list(sample(spec, device="cpu"))
assert isinstance(events[-1], Finished), events[-1]
ladder = next(event for event in events if isinstance(event, Ladder))
assert ladder.evaluations == 9 and (ladder.swelling == 1).all()
# A flow does not forget its start, which is round.
law = variances("euler", descent(spec), k, np.array([2.0, 0.5]), np.full(2, 1.25 + 9.0 / k))
y = next(event for event in events if isinstance(event, Samples)).y.mean(1)
np.testing.assert_allclose(y.var(0), law[-1], rtol=0.1)
report = [event for event in events if isinstance(event, ChainReport)][-1]
np.testing.assert_allclose(report.predicted_std, np.sqrt(law[-1].mean()), rtol=1e-6)
(field,) = [each for each in declarations(ExperimentSpec) if each.path == "sampling.sampler"]
assert "euler" in field.choices and "Euler: the flow by Euler's rule." in field.help
"""


def test_a_sampler_is_added_in_two_files(tmp_path: Path) -> None:
    files = engine_with(tmp_path, {"samplers/euler.py": STEP + LAW}, {"specs/tables/samplers.py": WORD | ROW})
    assert files == 2
    done = run_in(tmp_path, USE)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("instead", ["", "\nLAW = law\n"])
def test_a_sampler_without_a_law_of_its_own_does_not_begin(tmp_path: Path, instead: str) -> None:
    engine_with(tmp_path, {"samplers/euler.py": STEP + instead}, {"specs/tables/samplers.py": WORD | ROW})
    done = run_in(tmp_path, "import msd_engine.jobs.sampling.sample")
    assert done.returncode != 0
    assert "euler.py needs init, step and LAW" in done.stderr


@pytest.mark.parametrize("half", [WORD, ROW], ids=["a word without a row", "a row without a word"])
def test_a_word_and_its_row_come_together(tmp_path: Path, half: dict[str, str]) -> None:
    engine_with(tmp_path, {}, {"specs/tables/samplers.py": half})
    done = run_in(tmp_path, "import msd_engine.specs")
    assert done.returncode != 0
    assert "Every sampler has one row of traits: ['euler'] differ." in done.stderr
