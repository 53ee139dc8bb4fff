"""The twin walk is the walk of all copies: the same states from the same numbers, whatever the company."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from mixtures import random_mixture

from msd_engine.backend.streams import ChainStreams
from msd_engine.data.shapes import mixture
from msd_engine.denoisers.exact import ExactDenoiser
from msd_engine.samplers import langevin, twin
from msd_engine.samplers.descent import Descent
from msd_engine.samplers.exponential import exp
from msd_engine.samplers.walk import walk
from msd_engine.specs import MixtureSpec

LADDER = (3.0, 1.5, 0.7)
STEPS, RATIO = 130, 0.3
WAY = Descent(LADDER, STEPS, RATIO)
REPORTED = Descent(LADDER, STEPS, RATIO, residuals=langevin.LAW.residuals)
WAYS = pytest.mark.parametrize("way", [WAY, REPORTED], ids=["scheduled", "actual"])


def start(chains, k, dim, seed=0):
    streams = ChainStreams(seed, chains, (k, dim))
    return 4 * streams.normal(), streams


def states(stretches):
    parts = list(stretches)
    path, means = (np.concatenate([getattr(part, name) for part in parts]) for name in ("path", "means"))
    return np.concatenate([part.steps for part in parts]), path, means


@WAYS
@pytest.mark.parametrize("k", [1, 3, 8])
@pytest.mark.parametrize("seed", range(3))
def test_it_walks_as_the_chained_dynamics_do(seed, k, way):
    denoiser = ExactDenoiser(random_mixture(seed))
    dim = denoiser.mixture.dim
    y, streams = start(5, k, dim)
    stretches = list(twin.walk(denoiser, y, way, streams))
    steps, path, means = states(stretches)
    noises = np.concatenate([stretch.noises for stretch in stretches])
    y, streams = start(5, k, dim)
    # The chained walk in double precision, driven by the same numbers.
    doubled = walk(langevin, denoiser, y.double(), way, Doubled(streams))
    for step, moment in enumerate(doubled):
        assert (steps[step], moment.step) == (step, step)
        assert noises[step] == moment.noise
        np.testing.assert_allclose(path[step], moment.y.numpy(), rtol=2e-6, atol=2e-6)
        np.testing.assert_allclose(means[step], moment.posterior.mean.numpy(), rtol=2e-6, atol=2e-6)
    assert len(steps) == len(LADDER) * STEPS + 1


class Doubled:
    def __init__(self, streams):
        self._streams = streams

    def normal(self):
        return self._streams.normal().double()


@WAYS
@pytest.mark.parametrize("k", [1, 3, 8])
@pytest.mark.parametrize("target", [random_mixture(0), random_mixture(3, modes=5), mixture(MixtureSpec())])
def test_numpy_and_compiled_code_give_the_same_bits(target, k, way, monkeypatch):
    denoiser = ExactDenoiser(target)

    def run(chains, every):
        y, streams = start(chains, k, target.dim)
        return states(twin.walk(denoiser, y, way, streams, every=every))

    assert twin.COMPILED.wait()
    compiled = [run(37, 1), run(5, 7)]
    monkeypatch.setattr(twin.COMPILED, "get", lambda: None)
    for ours, others in zip(compiled, [run(37, 1), run(5, 7)], strict=True):
        for part, other in zip(ours, others, strict=True):
            np.testing.assert_array_equal(part, other)


@WAYS
def test_the_bits_do_not_depend_on_how_many_noises_are_prepared_at_once(way, monkeypatch):
    denoiser = ExactDenoiser(random_mixture(3, modes=5))

    def run():
        y, streams = start(5, 3, denoiser.mixture.dim)
        return states(twin.walk(denoiser, y, way, streams, every=4))

    whole = run()
    monkeypatch.setattr(twin, "_PREPARED", 7 * denoiser.mixture.means.numel())
    for part, other in zip(run(), whole, strict=True):
        np.testing.assert_array_equal(part, other)


@WAYS
def test_compiled_code_takes_over_on_the_way(way, monkeypatch):
    denoiser = ExactDenoiser(random_mixture(0))
    module, asked = twin.COMPILED.wait(), []

    def run():
        y, streams = start(5, 2, denoiser.mixture.dim)
        return states(twin.walk(denoiser, y, way, streams))

    def later():
        asked.append(True)
        return module if len(asked) > 2 else None

    monkeypatch.setattr(twin, "_SEGMENT_NUMPY", 300)
    expected = run()
    monkeypatch.setattr(twin.COMPILED, "get", later)
    for part, other in zip(run(), expected, strict=True):
        np.testing.assert_array_equal(part, other)
    assert len(asked) == 3


@pytest.mark.parametrize("compiled", [False, True])
def test_kept_numbers_are_clipped_and_nan_stays(compiled, monkeypatch):
    denoiser = ExactDenoiser(random_mixture(0))
    if compiled:
        assert twin.COMPILED.wait()
    else:
        monkeypatch.setattr(twin.COMPILED, "get", lambda: None)

    def run(**bound):
        y, streams = start(4, 2, denoiser.mixture.dim)
        return states(twin.walk(denoiser, y, Descent((1.0,), 2000, 30.0), streams, **bound))

    (steps, path, means), (_, clipped, clipped_means) = run(), run(bound=1e3)
    assert np.isnan(path[-1]).any()
    assert (np.abs(path) > 1e3).any()
    assert len(steps) == len(clipped)
    np.testing.assert_array_equal(clipped, np.clip(path, -1e3, 1e3))
    np.testing.assert_array_equal(clipped_means, np.clip(means, -1e3, 1e3))


@pytest.mark.parametrize("every", [7, 1000])
def test_only_the_wanted_states_and_the_end_are_kept(every):
    denoiser = ExactDenoiser(random_mixture(0))
    y, streams = start(3, 2, denoiser.mixture.dim)
    _, path, means = states(twin.walk(denoiser, y, WAY, streams))
    y, streams = start(3, 2, denoiser.mixture.dim)
    kept, kept_path, kept_means = states(twin.walk(denoiser, y, WAY, streams, every=every))
    assert kept.tolist() == [*range(0, len(WAY), every), len(WAY)]
    np.testing.assert_array_equal(kept_path, path[kept])
    np.testing.assert_array_equal(kept_means, means[kept])


def test_its_exponential_is_exact_to_rounding():
    x = -np.concatenate((np.linspace(0, 1, 1000), np.geomspace(1e-300, 708, 100_000)))
    np.testing.assert_allclose(exp(x), np.exp(x), rtol=1e-15)
    assert exp(np.array([np.nan, -np.inf, -1e5])).max() < 1e-300


@pytest.mark.parametrize("seed", range(2))
def test_a_chain_is_the_same_to_the_bit_in_any_company(seed):
    denoiser = ExactDenoiser(random_mixture(seed, modes=9))
    dim = denoiser.mixture.dim

    def run(chains):
        y, streams = start(chains, 4, dim)
        return states(twin.walk(denoiser, y, Descent(LADDER, 20, RATIO), streams))

    _, path, means = run(100)
    for count in (1, 2, 3, 10, 64):
        _, part, part_means = run(count)
        np.testing.assert_array_equal(part, path[:, :count])
        np.testing.assert_array_equal(part_means, means[:, :count])


@WAYS
def test_past_the_wall_it_blows_up_quietly(way):
    denoiser = ExactDenoiser(random_mixture(0))
    y, streams = start(4, 2, denoiser.mixture.dim)
    *_, last = twin.walk(denoiser, y, Descent((1.0,), 3000, 2.5, residuals=way.residuals), streams)
    assert not np.isfinite(last.path).any()
    assert last.step == 3000


@WAYS
def test_the_last_stretch_gives_the_posterior_of_the_last_state(way):
    denoiser = ExactDenoiser(random_mixture(1))
    y, streams = start(6, 3, denoiser.mixture.dim)
    few = replace(way, steps_per_level=7)
    *_, last = twin.walk(denoiser, y, few, streams)
    *_, noise = few.noises()
    assert (noise > LADDER[-1]) is (way is REPORTED)
    expected = denoiser(last.y, noise)
    torch.testing.assert_close(last.posterior.mean, expected.mean, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(last.posterior.score, expected.score, rtol=1e-4, atol=1e-4)


@WAYS
@pytest.mark.parametrize("first", [STEPS + 7, len(WAY)])
def test_it_branches_off_as_the_walk_does(first, way):
    denoiser = ExactDenoiser(random_mixture(0))
    y, streams = start(3, 2, denoiser.mixture.dim)
    steps, path, _ = states(twin.walk(denoiser, y, way, streams, first=first))
    y, streams = start(3, 2, denoiser.mixture.dim)
    moments = list(walk(langevin, denoiser, y.double(), way, Doubled(streams), first=first))
    assert [moment.step for moment in moments] == steps.tolist() == list(range(first, len(WAY) + 1))
    for state, moment in zip(path, moments, strict=True):
        np.testing.assert_allclose(state, moment.y.numpy(), rtol=2e-6, atol=2e-6)
