"""The forward process, ladders, copies and the laws of training noise."""

import math

import pytest
import torch
from mixtures import drawn_copies

from msd_engine.backend.counter import Rows, Stream
from msd_engine.noise.ladder import as_trained, geometric, karras, report
from msd_engine.noise.laws import below, draw_sigma, law_of_numbers
from msd_engine.noise.processes.exploding import Exploding
from msd_engine.noise.sde import std, time
from msd_engine.specs import NoiseSpec


def drawn_sigma(spec, k, n):
    return draw_sigma(spec, k, Rows(range(n)).draw(law_of_numbers(spec), 0, Stream.TRAINING_SIGMA, 0, 1).flatten())


def test_the_noise_of_the_report():
    assert std(1.0, 25.0) == pytest.approx(9.845, abs=5e-4)
    assert std(0.0, 25.0) == 0.0


@pytest.mark.parametrize("s", [1.5, 25.0, 1000.0])
def test_std_and_time_are_inverse(s):
    t = torch.linspace(1e-6, 1.0, 101, dtype=torch.float64)
    torch.testing.assert_close(time(std(t, s), s), t, rtol=1e-12, atol=0)
    for value in (1e-6, 0.3, 1.0):
        assert time(std(value, s), s) == pytest.approx(value, rel=1e-12)
        assert std(torch.tensor(value, dtype=torch.float64), s).item() == pytest.approx(std(value, s), rel=1e-14)


def test_std_solves_the_forward_process():
    # dx = sᵗ dw gives d(std²)/dt = s²ᵗ.
    t = torch.linspace(0.0, 1.0, 11, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad((std(t + 1e-9, 25.0) ** 2).sum(), t)
    torch.testing.assert_close(slope, 25.0 ** (2 * (t.detach() + 1e-9)))


def test_the_ladder_is_geometric_with_exact_ends():
    ladder = geometric(20.0, 0.07, 12)
    assert ladder[0].item() == 20.0
    assert ladder[-1].item() == 0.07
    ratios = ladder[1:] / ladder[:-1]
    torch.testing.assert_close(ratios, ratios[:1].expand_as(ratios))
    assert geometric(20.0, 0.07, 1).tolist() == [0.07]
    assert geometric(3.0, 3.0, 4).tolist() == [3.0] * 4


def test_the_ladder_of_the_report_is_uniform_in_time_with_exact_ends():
    ladder = report(9.845, 0.1, 13, Exploding(25.0))
    assert (ladder[0].item(), ladder[-1].item()) == (9.845, 0.1)
    steps = time(ladder, 25.0).diff()
    torch.testing.assert_close(steps, steps[:1].expand_as(steps))
    assert report(9.0, 0.1, 1, Exploding(25.0)).tolist() == [0.1]


def test_the_ladder_of_karras_is_linear_for_one_and_geometric_in_the_limit():
    torch.testing.assert_close(karras(5.0, 1.0, 5, 1.0), torch.linspace(5.0, 1.0, 5, dtype=torch.float64))
    torch.testing.assert_close(karras(80.0, 0.002, 18, 1e7), geometric(80.0, 0.002, 18), rtol=1e-4, atol=0)
    roots = karras(80.0, 0.002, 18, 7.0) ** (1 / 7)
    torch.testing.assert_close(roots.diff(), roots.diff()[:1].expand(17))


@pytest.mark.parametrize("event", [(2,), (3, 5, 4)])
def test_copies_carry_independent_noise_of_the_chosen_size(event):
    x = torch.randn(300, *event, dtype=torch.float64)
    sigma = torch.linspace(0.1, 3.0, 300)
    y = drawn_copies(x, sigma, 40, torch.Generator().manual_seed(1))
    assert y.shape == (300, 40, *event)
    assert y.dtype == x.dtype
    n = (y - x.unsqueeze(1)).flatten(2) / sigma[:, None, None]
    count = n.numel()
    assert abs(n.mean().item()) < 5 / math.sqrt(count)
    assert abs(n.var().item() - 1) < 5 * math.sqrt(2 / count)
    neighbours = (n[:, 1:] * n[:, :-1]).mean().item()
    assert abs(neighbours) < 5 / math.sqrt(count)


def test_copies_repeat_with_the_generator_and_scale_with_sigma():
    x = torch.zeros(4, 2)
    draw = lambda sigma: drawn_copies(x, sigma, 3, torch.Generator().manual_seed(5))  # noqa: E731
    torch.testing.assert_close(draw(2.0), 2 * draw(1.0))
    torch.testing.assert_close(draw(torch.full((4,), 2.0)), draw(2.0))


def test_the_log_normal_law_is_one_of_sigma_eff():
    spec = NoiseSpec(log_mean=-0.6, log_std=1.2)
    logs = torch.log(drawn_sigma(spec, 4, 100_000) / 2)
    assert logs.mean().item() == pytest.approx(-0.6, abs=5 * 1.2 / math.sqrt(100_000))
    assert logs.std().item() == pytest.approx(1.2, rel=0.02)


def test_the_uniform_law_is_uniform_in_time_and_never_zero():
    spec = NoiseSpec(law="uniform-t")
    sigma = drawn_sigma(spec, 4, 100_000)
    t = torch.sort(time(sigma.double(), spec.s)).values
    assert sigma.min().item() > 0
    # Kolmogorov's distance; 1.95/√n is exceeded once in a thousand seeds.
    grid = torch.arange(1, len(t) + 1) / len(t)
    assert (t - grid).abs().max().item() < 1.95 / math.sqrt(len(t))


@pytest.mark.parametrize("law", [NoiseSpec(log_mean=-0.2, log_std=1.0), NoiseSpec(law="uniform-t", s=25.0)])
@pytest.mark.parametrize("k", [1, 8])
def test_the_ladder_as_trained_is_half_even_and_half_the_law(law, k):
    ladder = as_trained(6.0, 0.1, 12, law, k)
    assert ladder[0] == 6.0
    assert ladder[-1] == 0.1
    assert (ladder.diff() < 0).all()
    shares = below(law, k, ladder)
    passed = (shares[0] - shares) / (shares[0] - shares[-1]) + torch.log(6.0 / ladder) / math.log(60.0)
    torch.testing.assert_close(passed, torch.linspace(0.0, 2.0, 12, dtype=torch.float64), rtol=0, atol=1e-3)


def test_the_ladder_as_trained_is_geometric_where_training_never_goes():
    law = NoiseSpec(law="log-normal", log_mean=-9.0, log_std=0.1)
    torch.testing.assert_close(as_trained(20.0, 0.1, 12, law, 2), geometric(20.0, 0.1, 12))


def test_the_ladder_of_training_has_equal_shares_of_geometric_noises():
    law = NoiseSpec(law="ladder", largest=8.0, smallest=1.0, noises=4)
    found = draw_sigma(law, 3, torch.tensor([0.0, 0.24, 0.26, 0.51, 0.76, 1.0], dtype=torch.float64))
    torch.testing.assert_close(found, torch.tensor([1.0, 1.0, 2.0, 4.0, 8.0, 8.0], dtype=torch.float64))
    shares = below(law, 3, torch.tensor([0.9, 1.1, 3.0, 9.0], dtype=torch.float64))
    assert shares.tolist() == [0.0, 0.25, 0.5, 1.0]
    eff = law.model_copy(update={"quantity": "sigma-eff"})
    torch.testing.assert_close(draw_sigma(eff, 4, torch.zeros(1)), torch.tensor([2.0]))


def test_a_ladder_of_one_noise_is_the_smallest():
    law = NoiseSpec(law="ladder", largest=8.0, smallest=0.5, noises=1)
    assert drawn_sigma(law, 1, 100).unique().tolist() == [0.5]


@pytest.mark.parametrize("law", [NoiseSpec(log_mean=-0.2), NoiseSpec(law="uniform-t", quantity="sigma-eff")])
def test_the_share_of_draws_below_a_noise(law):
    drawn = drawn_sigma(law, 4, 20_000)
    expected = torch.tensor([0.1, 0.5, 0.9])
    found = below(law, 4, drawn.quantile(expected))
    torch.testing.assert_close(found, expected, rtol=0, atol=0.02)
