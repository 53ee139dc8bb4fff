"""A forward process and a covariance of the noise are one file each, and a row for both."""

from __future__ import annotations

from pathlib import Path

from additions import engine_with, run_in

PRESERVING = '''
"""The process that preserves the variance, with β from 0.1 to 20 (arXiv:2011.13456, §3.4)."""

import torch

from msd_engine.noise.process import Process


class Preserving(Process):
    def __call__(self, t):
        t = torch.as_tensor(t)
        rate = 0.1 * t + 0.5 * 19.9 * t**2
        return torch.exp(-rate / 2), torch.sqrt(-torch.expm1(-rate))


def process(spec):
    return Preserving()
'''
TILTED = '''
"""Noise that is long in one direction."""

import torch

from msd_engine.noise.space import Coloured


def space(spec, shape):
    return Coloured(torch.tensor([[3.0, 1.6], [1.6, 1.0]]))
'''
ROWS = {
    'Process = Literal["exploding"': ', "preserving"',
    'Covariance = Literal["isotropic"': ', "tilted"',
    "PROCESSES: Final[dict[Process, NoiseRow]] = {": """
    "preserving": NoiseRow("Preserving", "keeps the variance", "preserving"),""",
    "COVARIANCES: Final[dict[Covariance, NoiseRow]] = {": """
    "tilted": NoiseRow("Tilted", "long in one direction", "tilted", ("mixture",)),""",
}
BEGIN = """
from pathlib import Path

import numpy as np
import torch
from msd_engine.events import ChainReport, ChainSegment, Failed, FieldFrame, Finished, Samples
from msd_engine.jobs.factory.parts import descent, ladder
from msd_engine.jobs.sampling.field import field
from msd_engine.jobs.sampling.sample import sample
from msd_engine.jobs.training.train import train
from msd_engine.metrics.chains.ladders import variances
from msd_engine.noise.laws import quantiles
from msd_engine.specs import ExperimentSpec, ImagesSpec, MixtureSpec, SpecError, UNetSpec, declarations

K, LAST = 2, 1.2
MEAN, SIGMA = np.array([1.0, -2.0]), np.array([[2.0, 0.9], [0.9, 1.0]])
C = np.array([[1.5, 0.8], [0.8, 0.5]])
data = MixtureSpec(name="custom", weights=(1.0,), means=((1.0, -2.0),), covariances=(((2.0, 0.9), (0.9, 1.0)),))
asked = {"training.k": K, "noise.process": "preserving", "noise.covariance": "tilted", "noise.law": "uniform-t",
         "sampling.ladder": "report", "sampling.sigma_1": 12.0, "sampling.sigma_L": LAST, "sampling.levels": 8,
         "sampling.steps_per_level": 40, "sampling.step_ratio": 0.3, "sampling.chains": 20_000}
spec = ExperimentSpec(data=data).replace_all(asked)

def done(events):
    events = list(events)
    assert isinstance(events[-1], Finished), events[-1]
    return events

def only(kind, events):
    return [event for event in events if isinstance(event, kind)][-1]
"""
CHAINS = """
# Levels at equal steps of the time of the process, in closed form: σ/α = √(exp ∫β − 1).
def rate(noise):
    return np.log1p(np.square(noise))
t = (-0.1 + np.sqrt(0.01 + 2 * 19.9 * rate(ladder(spec).numpy()))) / 19.9
np.testing.assert_allclose(np.diff(t), np.full(7, (t[-1] - t[0]) / 7), rtol=1e-9)
u = 1e-5 + (1 - 1e-5) * (np.arange(5) + 0.5) / 5
drawn = np.sqrt(K) if spec.noise.draws_sigma_eff else 1.0
expected = drawn * np.sqrt(np.expm1(0.1 * u + 0.5 * 19.9 * u**2))
np.testing.assert_allclose(quantiles(spec.noise, K, 5).numpy(), expected, rtol=1e-6)

# Langevin chains of a Gaussian, whitened: the law of the sampler along the axes of C^(−½) Σ C^(−½).
values, axes = np.linalg.eigh(C)
root, inverse = axes @ np.diag(values**0.5) @ axes.T, axes @ np.diag(values**-0.5) @ axes.T
along, turned = np.linalg.eigh(inverse @ SIGMA @ inverse)
variance = variances("langevin", descent(spec), K, along)[-1]
# The last jump is from the noise that is there.
actual = [*descent(spec).noises()][-1]
assert actual > 1.05 * LAST
kept = along / (along + actual**2 / K)

def spread(of):
    return root @ turned @ np.diag(of) @ turned.T @ root

for jump, covariance in ((False, spread(variance)), (True, spread(variance * kept**2))):
    events = done(sample(spec.replace("sampling.jump", jump), device="cpu"))
    samples, segment = only(Samples, events), only(ChainSegment, events)
    x = samples.x_hat.astype(float)
    np.testing.assert_allclose(x.mean(0), MEAN, atol=0.06)
    np.testing.assert_allclose(np.cov(x.T), covariance, atol=0.08)
    np.testing.assert_array_equal(segment.y[-1], samples.y)
    # Noise of the same strength in every direction would differ.
    assert np.abs(np.cov(x.T) - SIGMA - LAST**2 / K * np.eye(2)).max() > 0.3
    report = only(ChainReport, events)
    whitened = variance * kept**2 if jump else variance
    np.testing.assert_allclose(report.predicted_std, np.sqrt(whitened.mean()), rtol=1e-6)
    np.testing.assert_allclose(report.within_std, report.predicted_std, rtol=0.02)
"""
FIELD = """
frame = only(FieldFrame, done(field(spec, sigma=LAST, bounds=(-4.0, 6.0, -7.0, 3.0), resolution=(5, 4), points=3)))
noised = np.linalg.inv(SIGMA + LAST**2 / K * C)
np.testing.assert_allclose(frame.exact_score, -(frame.points - MEAN) @ noised, rtol=1e-4, atol=1e-5)
law = torch.distributions.MultivariateNormal(torch.tensor(MEAN), precision_matrix=torch.tensor(noised))
x, y = np.meshgrid(-4 + 10 * (np.arange(4) + 0.5) / 4, -7 + 10 * (np.arange(5) + 0.5) / 5)
wanted = law.log_prob(torch.tensor(np.stack((x, y), -1)))
np.testing.assert_allclose(frame.log_density, wanted, rtol=1e-4, atol=1e-4)
np.testing.assert_allclose(frame.means, MEAN[None], rtol=1e-6)
np.testing.assert_allclose(frame.data.mean(0), MEAN, atol=0.3)
"""
NETWORK = """
few = {"training.form": "plain", "training.steps": 4, "training.batch": 16, "training.seconds": 0.0,
       "sampling.chains": 5, "sampling.levels": 3, "sampling.steps_per_level": 2}
small = spec.replace_all(few)
done(train(small, Path("run"), device="cpu", threads=1))
trained = small.replace("sampling.source", "trained")
assert np.isfinite(only(Samples, done(sample(trained, run_dir=Path("run"), device="cpu"))).x_hat).all()
(*_, last) = sample(trained.replace("noise.covariance", "isotropic"), run_dir=Path("run"), device="cpu")
assert isinstance(last, Failed) and "set noise.covariance to tilted" in last.text, last
images = ExperimentSpec(data=ImagesSpec(), network=UNetSpec())
try:
    images.replace("noise.covariance", "tilted")
except SpecError as error:
    assert "noise.covariance must be 'isotropic' or" in str(error), error
else:
    raise AssertionError("pictures cannot have this noise")
(named,) = [each for each in declarations(spec) if each.path == "noise.process"]
assert "Preserving" in named.titles and "Preserving: keeps the variance." in named.help
"""


def test_a_process_and_a_covariance_are_added_in_three_files(tmp_path: Path) -> None:
    new = {"noise/processes/preserving.py": PRESERVING, "noise/covariances/tilted.py": TILTED}
    assert engine_with(tmp_path, new, {"specs/tables/noise.py": ROWS}) == 3
    for part in (CHAINS, FIELD, NETWORK):
        done = run_in(tmp_path, BEGIN + part)
        assert done.returncode == 0, done.stderr
