"""A new objective, or a new output of the network, is one file and one row; the training makes it small."""

from __future__ import annotations

from pathlib import Path

import pytest
from additions import engine_with, run_in

LOSS = '''
"""Squared error along a line: the square of (x̂ − x)·v along one random direction v, whose mean is ‖x̂ − x‖²."""

from msd_engine.objectives.objective import Losses


def loss(denoiser, x, y, sigma, given):
    off = denoiser.estimate(y, sigma) - x
    along = (off * given.draw(tuple(x.shape[1:]))).flatten(1).sum(1).square()
    return Losses(along * denoiser.weight(sigma, y.shape[1]), along)
'''
ROW = {
    '    "mse", "denoising"': ', "line"',
    "OBJECTIVES: Final[dict[Objective, ObjectiveRow]] = {": """
    "line": ObjectiveRow("Line", "the error along one random direction", "line"),""",
}
USE = """
from pathlib import Path
from msd_engine.events import Finished, HeldOutLoss
from msd_engine.jobs.training.train import train
from msd_engine.specs import ExperimentSpec

asked = {"training.steps": 40, "training.evaluate_every": 4, "training.batch": 64, "training.k": 2}
found = []
for number, objective in enumerate(("line", "line", "mse")):
    spec = ExperimentSpec().replace_all(asked | {"training.objective": objective, "training.precision": "float32"})
    events = list(train(spec, Path(str(number)), device="cpu", threads=1))
    assert isinstance(events[-1], Finished), events[-1]
    found.append([event.loss for event in events if isinstance(event, HeldOutLoss)])
assert found[0] == found[1] != found[2]
assert found[0][-1] < found[0][0], found[0]
"""


def test_an_objective_is_added_in_two_files(tmp_path: Path) -> None:
    assert engine_with(tmp_path, {"objectives/line.py": LOSS}, {"specs/tables/objectives.py": ROW}) == 2
    done = run_in(tmp_path, USE)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("file", "text", "table"),
    [("objectives/line", "losses = 1", "objectives"), ("denoisers/outputs/noise", "OUTPUT = 1", "forms")],
)
def test_a_row_whose_file_lacks_its_part_does_not_begin(tmp_path: Path, file: str, text: str, table: str) -> None:
    rows = {"objectives": ROW, "forms": NOISE_ROW}
    engine_with(tmp_path, {f"{file}.py": f"{text}\n"}, {f"specs/tables/{table}.py": rows[table]})
    done = run_in(tmp_path, "import msd_engine.jobs.factory.parts")
    assert done.returncode != 0
    assert f"{file}.py needs" in done.stderr


NOISE = '''
"""The network gives the mean noise: x̂ = ȳ − σ_eff F."""

from math import sqrt

from msd_engine.denoisers.outputs.output import Output


def estimate(network, y, sigma, known):
    sigma_eff = sigma.reshape(-1, *(1 for _ in known.data_mean.shape)) / sqrt(known.k)
    return y.mean(1) - sigma_eff * network(y / (1 + sigma_eff.unsqueeze(1)), sigma.log() / 4)


OUTPUT = Output(estimate, lambda sigma, known: known.k / sigma.square(), feature_scale=1.0)
'''
NOISE_ROW = {
    'Form = Literal["preconditioned", "plain"': ', "noise"',
    "FORMS: Final[dict[Form, FormRow]] = {": """
    "noise": FormRow("Noise", "the network gives the mean noise", "noise"),""",
}
USE_NOISE = """
from pathlib import Path
import numpy as np
from msd_engine.events import Finished, HeldOutLoss, Samples
from msd_engine.jobs.sampling.sample import sample
from msd_engine.jobs.training.train import train
from msd_engine.specs import ExperimentSpec

asked = {"training.steps": 40, "training.evaluate_every": 4, "training.batch": 64, "training.k": 2}
asked |= {"training.form": "noise", "sampling.source": "trained", "sampling.chains": 3, "sampling.levels": 2}
spec = ExperimentSpec().replace_all(asked | {"sampling.steps_per_level": 3})
events = list(train(spec, Path("run"), device="cpu", threads=1))
losses = [event.loss for event in events if isinstance(event, HeldOutLoss)]
assert losses[-1] < losses[0], losses
events = list(sample(spec, run_dir=Path("run"), device="cpu"))
assert isinstance(events[-1], Finished), events[-1]
assert all(np.isfinite(event.x_hat).all() for event in events if isinstance(event, Samples))
"""


def test_an_output_is_added_in_two_files(tmp_path: Path) -> None:
    assert engine_with(tmp_path, {"denoisers/outputs/noise.py": NOISE}, {"specs/tables/forms.py": NOISE_ROW}) == 2
    done = run_in(tmp_path, USE_NOISE)
    assert done.returncode == 0, done.stderr
