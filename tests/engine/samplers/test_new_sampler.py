"""A new sampler with a field of its own is one file and one row; without its law the program does not begin."""

from __future__ import annotations

from pathlib import Path

import pytest
from additions import engine_with, run_in

STEP = '''
"""Euler's rule for the probability flow, further than the next noise; what is missing is drawn anew."""

import math

import torch

from msd_engine.samplers.descent import Info, State, init
from msd_engine.samplers.laws import Law, exact, gliding, pull


def kept(stage):
    return math.sqrt(1 - stage.own.churn) * stage.next_sigma / stage.sigma


def step(state, denoiser, stage, noise):
    posterior = denoiser(state.y, stage.sigma)
    y = torch.lerp(state.y, posterior.mean.unsqueeze(1), 1 - kept(stage))
    return State(y.add_(noise.normal(), alpha=math.sqrt(stage.own.churn) * stage.next_sigma)), Info(posterior)


def law(stage, k, data):
    return 1 - (1 - kept(stage)) * pull(stage.sigma, k, data), stage.own.churn * stage.next_sigma**2 / k
'''
LAW = """

LAW = Law(lambda descent, k, data, start: gliding(descent, k, data, start, law), exact, as_scheduled=True)
"""
WORD = {'Sampler = Literal[\n    "langevin",': '\n    "euler",'}
ROW = {
    "TRAITS: Final[dict[Sampler, Traits]] = {": """
    "euler": Traits("Euler", "the flow by Euler's rule", "euler", own=("churn",), glides=True),"""
}
FIELD = {
    """        formula="dv = score dt − (Γ/σ) v dt + √(2Γ/σ) dw",
    )
""": """    churn: float = param(
        0.0, title="Churn", symbol="c", ge=0.0, lt=1.0, slider=(0.0, 0.9), help="Share of the noise that is drawn anew."
    )
"""
}
USE = """
import numpy as np
from msd_engine.events import ChainReport, Finished, Ladder, Samples
from msd_engine.jobs.sampling.sample import sample
from msd_engine.metrics.chains.ladders import variances
from msd_engine.jobs.factory.parts import descent
from msd_engine.samplers import euler
from msd_engine.specs import ExperimentSpec, MixtureSpec, declarations

data = MixtureSpec(name="custom", weights=(1.0,), means=((0.0, 0.0),), covariances=(((2.0, 0.0), (0.0, 0.5)),))
asked = {"sampling.sampler": "euler", "sampling.churn": 0.4, "sampling.levels": 3, "sampling.sigma_1": 3.0}
asked |= {"sampling.steps_per_level": 4}
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
assert "euler" in field.choices and "Euler" in field.titles and "Euler: the flow by Euler's rule." in field.help
"""
FIELDS = """
import json
from msd_engine.specs.base import SpecError

# The field is the sampler's own: it has no step, others have no churn, and no file keeps what is not there.
named = [each.path for each in declarations(spec)]
assert "sampling.churn" in named and "sampling.step_ratio" not in named
kept = json.loads(spec.to_json())["sampling"]
assert kept["churn"] == 0.4 and "step_ratio" not in kept and "friction" not in kept
assert ExperimentSpec.from_json(spec.to_json()) == spec
other = spec.replace("sampling.sampler", "langevin")
assert "churn" not in json.loads(other.to_json())["sampling"]
assert "sampling.churn" not in [each.path for each in declarations(other)]
for wrong, path in ((other, "sampling.churn"), (spec, "sampling.step_ratio")):
    try:
        wrong.replace(path, 0.5)
    except SpecError as error:
        assert error.path == path and "is chosen" in str(error), error
    else:
        raise AssertionError(path)
"""


def test_a_sampler_is_added_in_two_files(tmp_path: Path) -> None:
    files = engine_with(tmp_path, {"samplers/euler.py": STEP + LAW}, {"specs/tables/samplers.py": WORD | ROW | FIELD})
    assert files == 2
    done = run_in(tmp_path, USE + FIELDS)
    assert done.returncode == 0, done.stderr
    reported = run_in(tmp_path, "from msd_engine.cli.main import main; main(['sample', '--help'])")
    assert "--churn FLOAT, --sampling.churn FLOAT" in reported.stdout


@pytest.mark.parametrize("instead", ["", "\nLAW = law\n"])
def test_a_sampler_without_a_law_of_its_own_does_not_begin(tmp_path: Path, instead: str) -> None:
    engine_with(tmp_path, {"samplers/euler.py": STEP + instead}, {"specs/tables/samplers.py": WORD | ROW | FIELD})
    done = run_in(tmp_path, "import msd_engine.jobs.sampling.sample")
    assert done.returncode != 0
    assert "euler.py needs init, step and LAW" in done.stderr


@pytest.mark.parametrize("half", [WORD, ROW], ids=["a word without a row", "a row without a word"])
def test_a_word_and_its_row_come_together(tmp_path: Path, half: dict[str, str]) -> None:
    engine_with(tmp_path, {}, {"specs/tables/samplers.py": half})
    done = run_in(tmp_path, "import msd_engine.specs")
    assert done.returncode != 0
    assert "Every sampler has one row of traits: ['euler'] differ." in done.stderr


@pytest.mark.parametrize("half", [WORD | ROW, FIELD], ids=["a row without its field", "a field without its row"])
def test_a_field_and_the_row_that_has_it_come_together(tmp_path: Path, half: dict[str, str]) -> None:
    engine_with(tmp_path, {}, {"specs/tables/samplers.py": half})
    done = run_in(tmp_path, "import msd_engine.specs")
    assert done.returncode != 0
    assert "Every field of ChosenSampler belongs to the row of a sampler" in done.stderr
