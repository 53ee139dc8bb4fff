"""Every figure of chains that stands beside a theory agrees with it within its error, or no theory stands there.

Targets, samplers, ladders, copies, starts and steps are drawn at random. The errors are those of the samples; theory
promises a standard deviation within a mode to 0.5 %.
"""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch

from msd_engine.events import ChainReport, Samples
from msd_engine.jobs.factory.parts import descent
from msd_engine.jobs.factory.targets import mixture
from msd_engine.jobs.sampling import sample as sample_job
from msd_engine.jobs.sampling.sample import sample
from msd_engine.jobs.tools import frames
from msd_engine.samplers.laws import unknown
from msd_engine.samplers.registry import DYNAMICS
from msd_engine.specs import ExperimentSpec, MixtureSpec
from msd_engine.specs.tables.samplers import OWN_FIELDS, TRAITS

SAMPLERS = tuple(TRAITS)
LAWFUL = tuple(name for name, dynamics in DYNAMICS.items() if dynamics.LAW.variances is not unknown)
PROMISED = 0.005


def random_spec(seed: int) -> ExperimentSpec:
    """Draw an experiment: one Gaussian with 1 000 chains, or modes far apart or overlapping with half as many."""
    draws = np.random.default_rng(seed)
    modes = int(draws.choice([1, 2, 5]))
    far = draws.choice([1.5, 8.0])
    weights = draws.uniform(0.2, 1.0, modes)
    means = np.atleast_2d(draws.normal(size=2)) if modes == 1 else far * draws.normal(size=(modes, 2))
    covariances = []
    for _ in range(modes):
        turn = np.linalg.qr(draws.normal(size=(2, 2)))[0]
        covariances.append(turn @ np.diag(np.exp(draws.uniform(math.log(0.05), math.log(9.0), 2))) @ turn.T)
    data = MixtureSpec(
        name="custom",
        weights=tuple((weights / weights.sum()).tolist()),
        means=tuple(map(tuple, means.tolist())),
        covariances=tuple(tuple(map(tuple, ((one + one.T) / 2).tolist())) for one in covariances),
    )
    sampler = str(draws.choice(SAMPLERS))
    traits = TRAITS[sampler]
    sigma_L = float(np.exp(draws.uniform(math.log(0.1), math.log(2.0))))
    fixed = not traits.needs_ladder and not traits.glides and draws.random() < 0.2
    settings = {
        "sampling.sampler": sampler,
        "sampling.method": "fixed" if fixed else "annealed",
        "sampling.ladder": str(draws.choice(["geometric", "karras", "report"])),
        "sampling.sigma_1": sigma_L * float(np.exp(draws.uniform(math.log(2.0), math.log(60.0)))),
        "sampling.sigma_L": sigma_L,
        "sampling.levels": int(draws.integers(2, 25)),
        "sampling.steps_per_level": int(draws.choice([1, 2, 5, 20] if modes == 1 else [5, 20, 50])),
        "sampling.step_ratio": float(draws.uniform(0.05, 1.6)),
        "sampling.friction": float(draws.uniform(0.3, 3.0)),
        "sampling.chains": 1000 if modes == 1 else 500,
        "sampling.start": str(draws.choice(["gaussian", "uniform"])),
        "sampling.start_width": float(draws.uniform(1.0, 20.0)),
        "sampling.jump": bool(draws.random() < 0.7),
        "sampling.seed": seed,
        "training.k": int(draws.choice([1, 2, 4, 8])),
        "sampling.conditioning": str(draws.choice(["actual", "scheduled"])),
        "sampling.eta": float(draws.uniform()),
        "sampling.new_noise": str(draws.choice(["beta-tilde", "beta"])),
        "sampling.warm_up": float(draws.uniform(0, 0.5)),
        # The least variance of a mode is .05: chains without noise diverge from .1 on.
        "sampling.step_size": float(draws.uniform(0.005, 0.08)),
    }
    for name in set(OWN_FIELDS).difference(traits.own):
        del settings[f"sampling.{name}"]
    return ExperimentSpec(data=data).replace_all(settings)


def ends(spec: ExperimentSpec) -> tuple[ChainReport, Samples]:
    """The last figures of chains, and their samples."""
    events = list(sample(spec, device="cpu"))
    reports = [event for event in events if isinstance(event, ChainReport)]
    (samples,) = (event for event in events if isinstance(event, Samples))
    return reports[-1], samples


def error_of_std(spec: ExperimentSpec, samples: Samples) -> float:
    """The standard error of the standard deviation within a mode, from how much the squares vary."""
    target, x = mixture(spec), torch.from_numpy(samples.x_hat).double()
    means = torch.from_numpy(samples.y).double().mean(1)
    *_, noise = descent(spec).noises()
    rho = target.responsibilities(means, spec.sigma_eff(noise))
    centres = rho.T @ x / rho.sum(0).clamp(min=1e-300)[:, None]
    squares = (rho * torch.cdist(x, centres).square()).sum(1) / x.shape[1]
    return float(squares.std() / math.sqrt(len(x)) / (2 * squares.mean().sqrt()))


def check(spec: ExperimentSpec) -> tuple[bool, bool]:
    """Hold the figures of chains against theory; returns whether it said a std, and a swelling."""
    report, samples = ends(spec)
    reported = spec.sampling.model_dump_json()
    if not math.isnan(report.predicted_std):
        error = error_of_std(spec, samples)
        allowed = 4.5 * error + PROMISED * report.predicted_std
        assert abs(report.within_std - report.predicted_std) < allowed, (report, error, reported)
    k, dim = samples.y.shape[1:]
    if not math.isnan(report.predicted_inflation):
        error = report.predicted_inflation * math.sqrt(2 / (len(samples.y) * (k - 1) * dim))
        assert abs(report.residual_inflation - report.predicted_inflation) < 4.5 * error, (report, reported)
    return not math.isnan(report.predicted_std), not math.isnan(report.predicted_inflation)


def check_many(seeds: range) -> Counter[str]:
    found: Counter[str] = Counter()
    for seed in seeds:
        spec = random_spec(seed)
        std, swelling = check(spec)
        one = len(mixture(spec).weights) == 1
        lawful = spec.sampling.sampler in LAWFUL
        # One Gaussian leaves nothing unknown, and residuals never do, where the sampler has a recursion of them.
        assert std is lawful or not one
        residuals = lawful and DYNAMICS[spec.sampling.sampler].LAW.separate
        assert swelling is (spec.training.k > 1 and residuals and not spec.sampling.noiseless)
        found["one" if one else "std" if std else "silent"] += 1
    return found


def test_measured_and_theory_agree_or_no_theory_is_shown() -> None:
    found = check_many(range(27, 57))
    assert found["one"] >= 8
    assert found["std"] >= 3


@pytest.mark.long
def test_measured_and_theory_agree_in_many_draws() -> None:
    found = check_many(range(1000, 1600))
    assert found["std"] >= 40


def gaussian(*variances: float) -> MixtureSpec:
    return MixtureSpec(
        name="custom", weights=(1.0,), means=((0.0, 0.0),), covariances=(((variances[0], 0.0), (0.0, variances[1])),)
    )


def experiment(data: MixtureSpec, k: int, **sampling: object) -> ExperimentSpec:
    return ExperimentSpec(data=data).replace_all(
        {"training.k": k} | {f"sampling.{name}": value for name, value in sampling.items()}
    )


def test_swelling_is_that_of_the_end_of_the_ladder() -> None:
    # v ← (1 − r)² v + 2r from each level to the next: 12.8 is the mean over the last steps, 8.19 the end.
    data = gaussian(9.0, 0.1)
    spec = experiment(data, 8, sigma_1=20.0, sigma_L=1.0, levels=3, steps_per_level=5, step_ratio=0.2, chains=3000)
    v = 1.0
    for level in range(3):
        for _ in range(5):
            v = 0.8**2 * v + 0.4
        v *= 20.0 if level < 2 else 1.0
    assert v == pytest.approx(8.19, abs=0.01)
    report, _ = ends(spec)
    assert report.predicted_inflation == pytest.approx(v)
    assert report.residual_inflation == pytest.approx(v, rel=4.5 * math.sqrt(2 / (3000 * 7 * 2)))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_theory_speaks_of_the_end_alone(sampler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "_REPORT_EVERY_S", 0.0)
    monkeypatch.setattr(sample_job, "_PAUSE_S", 0.0)

    class Always:
        def due(self) -> bool:
            return True

    spec = experiment(gaussian(1.0, 1.0), 4, sampler=sampler, sigma_1=9.0, levels=3, steps_per_level=8, chains=500)
    *schedule, last = (
        event for event in sample(spec, device="cpu", cadence=Always()) if isinstance(event, ChainReport)
    )
    assert len(schedule) > min(10, spec.sampling.total_steps - 1) or sampler == "langevin"
    for report in schedule:
        assert math.isnan(report.predicted_inflation)
        assert math.isnan(report.predicted_std)
        if TRAITS[sampler].glides:
            # Whatever the step, these samplers have the noise of the ladder: each state is measured by its own σ.
            assert report.residual_inflation == pytest.approx(1.0, abs=0.15)
    silent = sampler not in LAWFUL or TRAITS[sampler].noiseless or not DYNAMICS[sampler].LAW.separate
    assert last.predicted_inflation > 0 or silent


@pytest.mark.parametrize(
    ("variances", "k", "right", "sampling"),
    [
        ((9.0, 0.1), 1, 1.858, {"sampler": "ode", "sigma_1": 3.0, "sigma_L": 0.1, "levels": 60, "steps_per_level": 2}),
        (
            (16.0, 0.25),
            4,
            2.567,
            {"sampler": "ode", "sigma_1": 10.0, "sigma_L": 0.4, "levels": 60, "steps_per_level": 2},
        ),
        (
            (1.0, 1.0),
            1,
            1.075,
            {
                "sampler": "ode",
                "sigma_1": 10.0,
                "sigma_L": 0.2,
                "levels": 60,
                "steps_per_level": 2,
                "start": "uniform",
                "start_width": 8.0,
            },
        ),
        (
            (16.0, 0.25),
            4,
            3.63,
            {
                "sigma_1": 10.0,
                "sigma_L": 0.4,
                "levels": 30,
                "steps_per_level": 1,
                "step_ratio": 0.2,
                "conditioning": "scheduled",
            },
        ),
        (
            (16.0, 0.25),
            4,
            5.37,
            {
                "sampler": "consistent",
                "sigma_1": 10.0,
                "sigma_L": 0.4,
                "levels": 30,
                "steps_per_level": 1,
                "step_ratio": 0.2,
                "start": "uniform",
                "start_width": 30.0,
            },
        ),
    ],
)
def test_the_predicted_width_begins_where_the_chains_do(
    variances: tuple[float, float], k: int, right: float, sampling: dict[str, object]
) -> None:
    """Widths by an independent recursion from the start of the job."""
    report, _ = ends(experiment(gaussian(*variances), k, chains=4000, **sampling))
    assert report.predicted_std == pytest.approx(right, rel=0.004)
    assert report.within_std == pytest.approx(right, rel=0.05)


@pytest.mark.parametrize("levels", [1, 3])
def test_one_step_of_gibbs_counts_at_the_last_level_too(levels: int) -> None:
    # x given ȳ, then ȳ given x: V ← (1 − g)² V + λ g + τ², for each level once.
    width, k, tau = 30.0, 4, np.geomspace(3.0, 1.5, levels) if levels > 1 else np.array([1.5])
    data, v = np.array([9.0, 0.5]), width**2 / 3 + np.full(2, tau[0] ** 2)
    for now, after in zip(tau, np.append(tau[1:], tau[-1]), strict=True):
        g = now**2 / (data + now**2)
        v = (1 - g) ** 2 * v + data * g + after**2
    spec = experiment(
        gaussian(9.0, 0.5), k, sampler="gibbs", sigma_1=2 * tau[0], sigma_L=2 * tau[-1], levels=levels,
        method="annealed" if levels > 1 else "fixed", steps_per_level=1, jump=False, start="uniform",
        start_width=width, chains=4000,
    )  # fmt: skip
    report, _ = ends(spec)
    assert report.predicted_std == pytest.approx(math.sqrt(v.mean()), rel=1e-6)
    assert report.within_std == pytest.approx(report.predicted_std, rel=0.05)


def test_modes_that_overlap_have_their_own_widths_and_weights() -> None:
    # Exact draws by the nearest mean would have width 1.27 and shares .523 and .477.
    data = MixtureSpec(
        name="custom",
        weights=(0.7, 0.3),
        means=((0.0, 0.0), (4.0, 0.0)),
        covariances=(((9.0, 0.0), (0.0, 0.3)), ((0.2, 0.0), (0.0, 0.2))),
    )
    spec = experiment(data, 4, sampler="gibbs", sigma_1=60.0, sigma_L=0.1, levels=40, steps_per_level=5, chains=2000)
    report, _ = ends(spec)
    assert report.predicted_std == pytest.approx(1.820, rel=0.01)
    assert report.within_std == pytest.approx(1.820, rel=0.05)
    assert abs(report.mode_weights[0] - 0.7) < 0.023
