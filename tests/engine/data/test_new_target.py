"""A new kind of data is a file with its target, a spec and a line in the factory; the jobs know no kinds."""

from __future__ import annotations

import re
from pathlib import Path

from additions import ROOT, engine_with, run_in

TARGET = '''
"""Points on a circle, each as likely as the others."""

import math

import torch

from msd_engine.denoisers.empirical import EmpiricalDenoiser


class Circle:
    modes = None
    shape = (2,)

    def __init__(self, points):
        angle = torch.arange(points, dtype=torch.float64) * (2 * math.pi / points)
        self.points = torch.stack((angle.cos(), angle.sin()), 1)
        self.mean, self.std = self.points.mean(0), self.points.square().mean().sqrt().item()

    def sample(self, n, generator):
        return self.points[torch.randint(len(self.points), (n,), generator=generator)]

    def log_prob(self, x, tau=0.0):
        square = (x.unsqueeze(-2) - self.points).square().sum(-1)
        normal = math.log(2 * math.pi * tau**2 * len(self.points))
        return torch.logsumexp(-square / (2 * tau**2), -1) - normal

    def score(self, x, tau=0.0):
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            return torch.autograd.grad(self.log_prob(x, tau).sum(), x)[0]

    def denoiser(self, device=None, dtype=None):
        return EmpiricalDenoiser(self.points.to(device, dtype or torch.float32))
'''
SPEC = {
    "DataSpec = Annotated[MixtureSpec | ImagesSpec": " | CircleSpec",
    """        return IMAGE_SHAPES[self.name]
""": '''

class CircleSpec(Spec):
    """Points on a circle."""

    kind: Literal["circle"] = "circle"
    name: Literal["circle"] = "circle"
    points: int = 100
    shape: ClassVar = (2,)
''',
    "from typing import Annotated": ", ClassVar",
}
KIND = {
    "    match spec.data:": """
        case CircleSpec():
            return Circle(spec.data.points)""",
    "from msd_engine.denoisers.target import MixtureTarget, PointsTarget, Target": """
from msd_engine.denoisers.circle import Circle
from msd_engine.specs.data import CircleSpec""",
}
USE = """
from pathlib import Path
import numpy as np
from msd_engine.events import Failed, Finished, HeldOutLoss, Proposed, Samples
from msd_engine.jobs.pictures.denoise import denoise
from msd_engine.jobs.sampling.propose import proposal
from msd_engine.jobs.sampling.field import field
from msd_engine.jobs.sampling.sample import sample
from msd_engine.jobs.training.train import train
from msd_engine.specs import ExperimentSpec

text = '{"format": "msd-experiment-3", "data": {"kind": "circle"}}'
spec = ExperimentSpec.from_json(text).replace_all(
    {"sampling.chains": 50, "sampling.sigma_1": 8.0, "sampling.sigma_L": 0.1, "sampling.step_ratio": 0.3,
     "sampling.levels": 10, "sampling.steps_per_level": 5, "training.steps": 4, "training.batch": 16}
)

def done(events):
    assert isinstance(events[-1], Finished), events[-1]
    return events

(samples,) = [event for event in done(list(sample(spec, device="cpu"))) if isinstance(event, Samples)]
np.testing.assert_allclose(np.linalg.norm(samples.x_hat, axis=1), 1.0, atol=0.02)
(found,) = [event for event in done(list(proposal(spec))) if isinstance(event, Proposed)]
assert found.values["sampling.sigma_1"] == round(2 * spec.training.k**0.5, 2)
trained = done(list(train(spec, Path("run"), device="cpu", threads=1)))
losses = [event for event in trained if isinstance(event, HeldOutLoss)]
assert 0 < losses[-1].mmse < losses[-1].loss
by_network = spec.replace("sampling.source", "trained")
done(list(sample(by_network, run_dir=Path("run"), device="cpu")))
done(list(field(spec, sigma=1.0, bounds=(-1, 1, -1, 1), points=5)))
assert isinstance(list(denoise(spec))[-1], Failed)
"""


def test_a_kind_of_data_is_added_in_three_files(tmp_path: Path) -> None:
    rows = {"specs/data.py": SPEC, "jobs/factory/targets.py": KIND}
    assert engine_with(tmp_path, {"denoisers/circle.py": TARGET}, rows) == 3
    done = run_in(tmp_path, USE)
    assert done.returncode == 0, done.stderr


def test_one_file_of_the_jobs_asks_of_which_kind_the_data_are() -> None:
    question = re.compile(r"(isinstance\([^)]*|case )(Mixture|Images)Spec|\.kind [!=]= ")
    asking = {path.name for path in (ROOT / "msd_engine" / "jobs").rglob("*.py") if question.search(path.read_text())}
    assert asking == {"targets.py"}
