"""Chains by hand: known pixels stay, the ends of a row are the seeds' own chains, branches go on as the chain did."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from msd_engine.denoisers.posterior import Posterior
from msd_engine.events import Failed, FilmFrame, Finished, Samples
from msd_engine.jobs.sampling.chain_task import chain_task
from msd_engine.jobs.sampling.sample import sample
from msd_engine.jobs.tools import image_frames
from msd_engine.jobs.tools.image_frames import film_size
from msd_engine.jobs.training.train import train
from msd_engine.samplers import langevin
from msd_engine.samplers.descent import Stage
from msd_engine.samplers.inpainting import Inpainting, KnownDenoiser, KnownPixels
from msd_engine.specs import Branch, load_preset
from msd_engine.specs.tables.samplers import TRAITS

K = 3
SAMPLERS = [name for name, row in TRAITS.items() if row.draws_images]
HALF = np.zeros((8, 8), np.uint8)
HALF[4:] = 1


def inpaint(wanted, **more):
    return chain_task(wanted, "inpaint", **more)


def interpolate(wanted, **more):
    return chain_task(wanted, "interpolate", **more)


def branch(wanted, **more):
    return chain_task(wanted, "draw", **more)


def spec(**values):
    small = {"sampling.chains": 5, "sampling.levels": 6, "sampling.steps_per_level": 3, "training.k": K}
    small |= {"sampling.source": "exact", "sampling.start": "gaussian", "denoise.mask": HALF.tobytes()}
    return load_preset("digits-30s").replace_all(small | values)


def only(kind, events):
    events = list(events)
    assert isinstance(events[-1], Finished), events[-1]
    (found,) = [event for event in events if isinstance(event, kind)]
    return found


def film(events):
    return [event for event in events if isinstance(event, FilmFrame)]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    small = {"network.width": 8, "training.k": K, "training.steps": 2, "training.precision": "float32"}
    small |= {"training.batch": 16, "training.seconds": 0.0}
    assert isinstance(list(train(load_preset("digits-30s").replace_all(small), folder))[-1], Finished)
    return folder


@pytest.fixture(params=["exact", "trained"])
def source(request, run):
    return {"sampling.source": request.param}, run if request.param == "trained" else None


# -- inpainting --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_known_pixels_are_those_of_the_picture_and_the_rest_is_painted(sampler):
    picture = np.arange(64, dtype=np.uint8) * 4
    events = list(inpaint(spec(**{"denoise.picture": picture.tobytes(), "sampling.sampler": sampler})))
    samples = only(Samples, events)
    x = picture.reshape(8, 8) / np.float32(127.5) - 1
    assert np.array_equal(samples.x_hat[:, 0, :4], np.broadcast_to(x[:4], (5, 4, 8)))
    assert not np.array_equal(samples.x_hat[0, 0, 4:], samples.x_hat[1, 0, 4:])
    assert all(
        np.array_equal(frame.x_hat[:, 0, :4], np.broadcast_to(picture.reshape(8, 8)[:4], (5, 4, 8)))
        for frame in film(events)
    )


def test_known_pixels_of_all_copies_carry_the_noise_of_the_level():
    events = list(inpaint(spec(**{"sampling.chains": 200})))
    last = film(events)[-1]
    noise = last.copies[:, :, 0, :4] - (last.x_hat[:, None, 0, :4] / np.float32(127.5) - 1)
    # 200 chains x 3 copies x 32 pixels: a standard error of 1/√(2·19 200) = .5 %; x̂ is rounded to 1/255.
    assert noise.std() == pytest.approx(last.sigma, rel=0.03)


class Pixelwise:
    """A denoiser that knows no connection between pixels: x ~ N(0, 1) in each."""

    def __call__(self, y, sigma):
        mean = y.mean(1) / (1 + sigma**2 / y.shape[1])
        return Posterior(mean, torch.zeros(0))


class Given:
    def __init__(self, *numbers):
        self._numbers = iter(numbers)

    def normal(self):
        return next(self._numbers)


def test_where_pixels_are_independent_the_rest_of_the_chain_knows_nothing_of_the_mask():
    y, z, n = torch.randn(3, 4, K, 6, generator=torch.Generator().manual_seed(1))
    known = torch.tensor([True, False, True, False, False, False])
    pixels = KnownPixels(torch.linspace(-1, 1, 6), known)
    stage = Stage(0, 0.7, 0.5, 0.3)
    free, _ = langevin.step(langevin.init(y), Pixelwise(), stage, Given(z))
    dynamics = Inpainting(langevin, pixels)
    held, info = dynamics.step(dynamics.init(y), KnownDenoiser(Pixelwise(), pixels), stage, Given(z, n))
    assert torch.equal(held.y[..., ~known], free.y[..., ~known])
    assert torch.equal(held.y[..., known], (pixels.x + 0.5 * n)[..., known])
    assert torch.equal(info.posterior.mean[:, known], pixels.x[known].expand(4, -1))


def test_inpainting_paints_what_fits_to_the_known_part():
    """With the exact score the lower half of a training image is found again from its upper half."""
    from msd_engine.data.images import load_images

    images = load_images(spec().data)
    long = {"sampling.levels": 30, "sampling.steps_per_level": 10, "sampling.chains": 8}
    nearer = 0
    for index in range(3):
        picture = images.train[index].numpy()
        painted = only(Samples, inpaint(spec(**long, **{"denoise.picture": picture.tobytes()}))).x_hat
        x = picture / np.float32(127.5) - 1
        distance = np.square(painted[:, 0, 4:] - x[0, 4:]).mean()
        by_chance = np.square(images.train[100:300].numpy()[:, 0, 4:] / np.float32(127.5) - 1 - x[0, 4:]).mean()
        nearer += distance < 0.7 * by_chance
    assert nearer == 3


def test_what_cannot_be_painted_is_one_sentence():
    for mask, word in ((b"", "marked"), (bytes(64), "marked"), (b"\1" * 64, "keep some"), (b"\1" * 9, "marked")):
        (*_, last) = inpaint(spec(**{"denoise.mask": mask}))
        assert isinstance(last, Failed)
        assert word in last.text


# -- interpolation -----------------------------------------------------------------------------------------------------


def test_the_ends_of_a_row_are_the_two_seeds_own_chains_to_the_bit(source):
    values, folder = source
    row = only(Samples, interpolate(spec(**values, **{"sampling.seed": 3, "denoise.second_seed": 8}), run_dir=folder))
    for place, seed in ((0, 3), (-1, 8)):
        own = only(Samples, sample(spec(**values, **{"sampling.seed": seed}), run_dir=folder))
        assert np.array_equal(row.x_hat[place], own.x_hat[0])
        assert np.array_equal(row.y[place], own.y[0])
    assert len(row.x_hat) == 5


def test_a_row_of_one_chain_is_refused():
    (*_, last) = interpolate(spec(**{"sampling.chains": 1}))
    assert isinstance(last, Failed)
    assert "two" in last.text


# -- the film and its branches -----------------------------------------------------------------------------------------


def branch_of(frame, chain, **more):
    y, *carried = (part[chain] for part in (frame.copies, *frame.carried))
    return Branch(y, frame.step, tuple(frame.streams[chain].tolist()), tuple(carried), **more)


@settings(max_examples=6, derandomize=True)
@given(data=st.data())
@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("task", ["draw", "inpaint"])
def test_a_branch_with_the_same_parameters_and_noise_is_the_chain_itself(sampler, task, data):
    """For every sampler, from any kept state of any chain, whatever the step, the ladder and the seed."""
    ladder = {"levels": st.integers(2, 5), "steps_per_level": st.integers(1, 4), "seed": st.integers(0, 99)}
    own = {"step_ratio": st.floats(0.02, 1.5), "friction": st.floats(0.1, 5.0)}
    own["conditioning"] = st.sampled_from(["actual", "scheduled"])
    own |= {"eta": st.floats(0.0, 1.0), "new_noise": st.sampled_from(["beta-tilde", "beta"])}
    ladder |= {"chains": st.integers(1, 4)} | {name: own[name] for name in TRAITS[sampler].own}
    drawn = {f"sampling.{name}": data.draw(strategy, name) for name, strategy in ladder.items()}
    wanted = spec(**drawn, **{"sampling.sampler": sampler})
    events = list(chain_task(wanted, task))
    whole, kept = only(Samples, events), film(events)
    frame = kept[data.draw(st.integers(0, len(kept) - 2), "frame")]
    chain = data.draw(st.integers(0, wanted.sampling.chains - 1), "chain")
    branched = list(chain_task(wanted, task, start=branch_of(frame, chain)))
    own = only(Samples, branched)
    assert np.array_equal(own.y[0], whole.y[chain])
    assert np.array_equal(own.x_hat[0], whole.x_hat[chain])
    again, old = film(branched)[-1], kept[-1]
    assert len(again.carried) == len(old.carried)
    assert all(np.array_equal(new[0], was[chain]) for new, was in zip(again.carried, old.carried, strict=True))


def test_velocities_are_kept_with_the_film_within_its_bounds(monkeypatch):
    moving = spec(**{"sampling.sampler": "underdamped"})
    kept = film(sample(moving))
    assert all(len(frame.carried) == 1 and frame.carried[0].shape == frame.copies.shape for frame in kept)
    assert not kept[0].carried[0].any()
    assert kept[-1].carried[0].any()
    assert not any(frame.carried for frame in film(sample(spec(**{"sampling.sampler": "langevin"}))))
    state = 2 * kept[0].copies[0].nbytes
    monkeypatch.setattr(image_frames, "_FILM_BYTES", 24 * state * 3)
    few = film(sample(moving))
    assert len(few[0].copies) == 3
    assert sum(frame.copies.nbytes + frame.carried[0].nbytes for frame in few) <= 24 * state * 3


def test_a_branch_into_other_dynamics_begins_anew_from_the_copies():
    """A velocity is of no use to dynamics that know the copies alone; without one, a chain starts at rest."""
    moving, standing = (spec(**{"sampling.sampler": name}) for name in ("underdamped", "langevin"))
    frame = film(sample(moving))[7]
    start = branch_of(frame, 2)
    bare = replace(start, carried=())
    for wanted in (standing, moving):
        found, other = (only(Samples, branch(wanted, start=one)) for one in (start, bare))
        assert np.array_equal(found.y[0], other.y[0]) == (wanted is standing)


@pytest.mark.parametrize("sampler", [name for name in SAMPLERS if not TRAITS[name].needs])
def test_a_branch_of_a_trained_chain_and_a_branch_of_a_branch_continue_as_well(run, sampler):
    wanted = spec(**{"sampling.source": "trained", "sampling.sampler": sampler})
    events = list(sample(wanted, run_dir=run))
    whole = only(Samples, events)
    first = list(branch(wanted, start=branch_of(film(events)[5], 2), run_dir=run))
    assert film(first)[0].step == film(events)[5].step
    again = only(Samples, branch(wanted, start=branch_of(film(first)[3], 0), run_dir=run))
    assert np.array_equal(again.x_hat[0], whole.x_hat[2])
    other = only(Samples, branch(wanted, start=branch_of(film(first)[3], 1), run_dir=run))
    assert np.array_equal(other.x_hat[0], only(Samples, first).x_hat[1])


def test_branches_with_new_noise_or_another_seed_differ_and_all_begin_at_the_frame():
    wanted = spec()
    events = list(sample(wanted))
    frame = film(events)[8]
    reported = list(branch(wanted, start=branch_of(frame, 1, same_noise=False)))
    assert np.array_equal(film(reported)[0].copies, np.broadcast_to(frame.copies[1], (5, *frame.copies[1].shape)))
    fresh = only(Samples, reported)
    assert not any(np.array_equal(y, only(Samples, events).y[1]) for y in fresh.y)
    assert len({y.tobytes() for y in fresh.y}) == 5
    seeded = only(Samples, branch(wanted.replace("sampling.seed", 9), start=branch_of(frame, 1)))
    assert not np.array_equal(seeded.y[0], only(Samples, events).y[1])


def test_a_branch_that_cannot_continue_is_one_sentence():
    events = list(sample(spec()))
    last_frame, first_frame = film(events)[-1], film(events)[0]
    (*_, end) = branch(spec(), start=branch_of(last_frame, 0))
    assert isinstance(end, Failed)
    assert "earlier" in end.text
    (*_, other) = branch(spec(**{"training.k": 2}), start=branch_of(first_frame, 0))
    assert isinstance(other, Failed)
    assert "shape" in other.text


def test_a_film_keeps_all_copies_of_its_moments_with_both_ends():
    events = list(sample(spec()))
    kept = film(events)
    assert [frame.step for frame in kept] == list(range(19))
    samples = only(Samples, events)
    assert np.array_equal(kept[-1].copies, samples.y)
    assert np.array_equal(kept[0].streams[:, 0], range(5))


@pytest.mark.parametrize("chain_bytes", [4 * 8 * 64, 4 * 8 * 784, 4 * 16 * 3072, 10**9])
@pytest.mark.parametrize("chains", [1, 64, 1000, 100_000])
def test_a_film_is_bounded_in_bytes(chains, chain_bytes):
    kept, moments = film_size(chains, chain_bytes)
    assert 1 <= kept <= chains
    assert 2 <= moments <= 240
    assert kept * moments * chain_bytes <= image_frames._FILM_BYTES or (kept == 1 and moments == 2)


def test_a_thinned_film_keeps_its_ends(monkeypatch):
    monkeypatch.setattr(image_frames, "_FILM_FRAMES", 4)
    assert [frame.step for frame in film(list(sample(spec())))] == [0, 6, 12, 18]
