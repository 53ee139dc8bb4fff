"""The learned denoiser: identities of the preconditioning, the plain form, and chains that do not see each other."""

import math

import pytest
import torch
from tape import Tape
from torch import Tensor, nn

from msd_engine.backend.recording import WARM_UP
from msd_engine.data.mixture import GaussianMixture
from msd_engine.denoisers.exact import ExactDenoiser
from msd_engine.denoisers.learned import LearnedDenoiser, tile_of
from msd_engine.denoisers.outputs.output import Output
from msd_engine.denoisers.outputs.plain import OUTPUT as PLAIN
from msd_engine.denoisers.outputs.preconditioned import OUTPUT as PRECONDITIONED
from msd_engine.nets.mlp import Mlp
from msd_engine.nets.unet import UNet
from msd_engine.noise.processes.exploding import Exploding
from msd_engine.noise.sde import time

K = 4


class Recorder(nn.Module):
    """A network that keeps what it was given and answers with a linear function of it."""

    def forward(self, y: Tensor, c: Tensor) -> Tensor:
        self.y, self.c = y, c
        return 0.5 * y.mean(dim=1)


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def untrained(output: Output = PRECONDITIONED) -> LearnedDenoiser:
    return LearnedDenoiser(Mlp(3, K, width=8), output, K, 0.7, torch.tensor([1.0, 2.0, 3.0]), Exploding(25.0))


def shaken(net: nn.Module) -> nn.Module:
    generator = torch.Generator().manual_seed(1)
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.1, generator=generator)
    return net


def test_untrained_preconditioned_denoiser_gives_the_mean_copy_at_no_noise() -> None:
    y = draw(5, K, 3)
    assert torch.allclose(untrained()(y, 1e-6).mean, y.mean(dim=1), atol=1e-5)


def test_untrained_preconditioned_denoiser_gives_the_data_mean_at_great_noise() -> None:
    y = draw(5, K, 3)
    assert torch.allclose(untrained()(y, 1e6).mean, torch.tensor([1.0, 2.0, 3.0]).expand(5, 3), atol=1e-5)


def test_untrained_preconditioned_denoiser_is_exact_for_one_gaussian() -> None:
    mean = torch.tensor([1.0, 2.0, 3.0]).double()
    exact = ExactDenoiser(GaussianMixture([1.0], mean[None], 0.49 * torch.eye(3).double()[None]))
    y = 3 * draw(6, K, 3)
    for sigma in (0.1, 1.0, 10.0):
        posterior, known = untrained()(y, sigma), exact(y.double(), sigma)
        assert torch.allclose(posterior.mean.double(), known.mean, atol=1e-5)
        assert torch.allclose(posterior.score.double(), known.score, rtol=1e-3, atol=1e-3)


def test_preconditioning_is_that_of_the_theory() -> None:
    net, m, sigma_data = Recorder(), torch.tensor([1.0, -1.0]), 0.5
    denoiser = LearnedDenoiser(net, PRECONDITIONED, K, sigma_data, m, Exploding(25.0))
    y, sigma = draw(5, K, 2), torch.tensor([0.1, 0.5, 1.0, 2.0, 8.0])
    x_hat = denoiser(y, sigma).mean
    sigma_eff = sigma / math.sqrt(K)
    root = (sigma_eff**2 + sigma_data**2).sqrt()
    assert torch.allclose(net.c, sigma_eff.log() / 4)
    assert torch.allclose(net.y, (y - m) / (sigma**2 + sigma_data**2).sqrt()[:, None, None], atol=1e-6)
    c_skip, c_out = (sigma_data / root) ** 2, sigma_eff * sigma_data / root
    expected = m + c_skip[:, None] * (y.mean(dim=1) - m) + c_out[:, None] * 0.5 * net.y.mean(dim=1)
    assert torch.allclose(x_hat, expected, atol=1e-6)


@pytest.mark.parametrize("scale", [0.01, 100.0])
def test_preconditioned_denoiser_is_free_of_units(scale: float) -> None:
    # The noise coordinate knows the unit; a network that ignores it makes a denoiser that scales with the data.
    net = Recorder()
    m = torch.tensor([1.0, -1.0])
    y = draw(5, K, 2)
    one = LearnedDenoiser(net, PRECONDITIONED, K, 0.5, m, Exploding(25.0))(y, 0.8).mean
    other = LearnedDenoiser(net, PRECONDITIONED, K, 0.5 * scale, m * scale, Exploding(25.0))(
        y * scale, 0.8 * scale
    ).mean
    assert torch.allclose(other, one * scale, rtol=1e-4)


def test_plain_form_is_the_network_with_time() -> None:
    net = Recorder()
    denoiser = LearnedDenoiser(net, PLAIN, K, 0.5, torch.zeros(2), Exploding(25.0))
    y, sigma = draw(5, K, 2), torch.linspace(0.1, 9.0, 5)
    assert torch.equal(denoiser(y, sigma).mean, 0.5 * y.mean(dim=1))
    assert torch.equal(net.y, y)
    assert torch.allclose(net.c, time(sigma, 25.0))


def test_score_is_tweedies() -> None:
    y = draw(5, K, 3)
    posterior = untrained()(y, 2.0)
    assert torch.allclose(posterior.score, (posterior.mean[:, None] - y) / 4.0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_answer_has_the_dtype_of_the_question(dtype: torch.dtype) -> None:
    posterior = untrained()(draw(5, K, 3).to(dtype), 2.0)
    assert posterior.mean.dtype == posterior.score.dtype == dtype


@pytest.mark.parametrize("mixed", [False, True])
def test_bits_of_a_chain_do_not_depend_on_the_number_of_chains(mixed: bool) -> None:
    net = shaken(UNet(1, K, width=8, embedding=16))
    denoiser = LearnedDenoiser(net, PRECONDITIONED, K, 0.5, torch.zeros(1, 8, 8), Exploding(25.0), mixed=mixed, tile=4)
    y = draw(11, K, 1, 8, 8)
    with torch.no_grad():
        whole = denoiser(y, 0.7).mean
        for count in (1, 3, 4, 9):
            assert torch.equal(denoiser(y[:count], 0.7).mean, whole[:count])
        free = LearnedDenoiser(net, PRECONDITIONED, K, 0.5, torch.zeros(1, 8, 8), Exploding(25.0), mixed=mixed)
        assert torch.allclose(free(y, 0.7).mean, whole, atol=0.02 if mixed else 1e-5)
        assert denoiser(y[:0], 0.7).mean.shape == (0, 1, 8, 8)


@pytest.mark.parametrize(("rows", "tile"), [(1, 4), (4, 4), (5, 8), (8, 8), (9, 16), (16, 16), (17, 16), (1000, 16)])
def test_a_tile_that_shrinks_is_the_smallest_that_holds_the_chains(rows: int, tile: int) -> None:
    assert tile_of(rows, 4, 16) == tile


def test_bits_of_a_chain_depend_on_a_shrinking_tile_alone() -> None:
    net = shaken(UNet(1, K, width=8, embedding=16))
    denoiser = LearnedDenoiser(
        net, PRECONDITIONED, K, 0.5, torch.zeros(1, 8, 8), Exploding(25.0), tile=16, least_tile=4
    )
    y = draw(40, K, 1, 8, 8)
    with torch.no_grad():
        for count in (1, 4, 5, 8, 16, 17, 40):
            tile = tile_of(count, 4, 16)
            fixed = LearnedDenoiser(net, PRECONDITIONED, K, 0.5, torch.zeros(1, 8, 8), Exploding(25.0), tile=tile)
            assert torch.equal(denoiser(y[:count], 0.7).mean, fixed(y, 0.7).mean[:count])


@pytest.mark.parametrize("mixed", [False, True])
def test_a_recorded_estimate_has_the_bits_of_one_that_is_called(mixed: bool) -> None:
    net = shaken(UNet(1, K, width=8, embedding=16))
    plain, recorded = (
        LearnedDenoiser(
            net, PRECONDITIONED, K, 0.5, torch.zeros(1, 8, 8), Exploding(25.0), mixed=mixed, tile=8, least_tile=4
        )
        .eval()
        .requires_grad_(False)
        for _ in range(2)
    )
    tapes: list[Tape] = []
    recorded.new_graph = lambda: tapes.append(Tape()) or tapes[-1]
    y = draw(11, K, 1, 8, 8)
    kept = []
    for step in range(WARM_UP + 3):
        for count in (3, 8, 11):
            sigma = 2.0 / (step + 1)
            kept.append((recorded(y[:count] + step, sigma).mean, plain(y[:count] + step, sigma).mean))
    # What was given stays as it was, whatever is computed later at the same place.
    assert all(torch.equal(ours, wanted) for ours, wanted in kept)
    assert [tape.warmed for tape in tapes] == [WARM_UP, WARM_UP]
    assert all(tape.replayed for tape in tapes)
    assert not recorded.pop_trouble()


def test_a_card_that_cannot_record_says_why_once() -> None:
    class Broken(Tape):
        def record(self, work: object) -> None:
            raise RuntimeError("operation not permitted when stream is capturing")

    denoiser = LearnedDenoiser(Mlp(3, K, width=8), PLAIN, K, 0.5, torch.zeros(3), Exploding(25.0), tile=4)
    denoiser.new_graph = Broken
    y = draw(4, K, 3)
    for _ in range(WARM_UP + 2):
        assert torch.equal(denoiser(y, 1.0).mean, denoiser.estimate(y, torch.ones(4)).detach())
    assert "not permitted" in denoiser.pop_trouble()
    assert not denoiser.pop_trouble()


def test_state_carries_statistics_and_arithmetic() -> None:
    source = LearnedDenoiser(
        Mlp(2, K, width=8), PRECONDITIONED, K, 0.7, torch.tensor([1.0, 2.0]), Exploding(25.0), mixed=True
    )
    target = LearnedDenoiser(Mlp(2, K, width=8), PRECONDITIONED, K, 1.0, torch.zeros(2), Exploding(25.0))
    target.load_state_dict(source.state_dict())
    y = draw(3, K, 2)
    assert target.mixed
    assert torch.equal(target(y, 1.0).mean, source(y, 1.0).mean)


def test_wrong_number_of_copies_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expects \(B, 4, \(3,\)\)"):
        untrained()(draw(5, K + 1, 3), 1.0)


def test_a_network_that_sees_the_mean_copy_is_the_one_copy_denoiser_of_the_mean() -> None:
    # Theory §3, fact 1, for the whole preconditioned denoiser: k copies at σ are one copy at σ/√k.
    event = (1, 8, 8)
    one, several = (
        LearnedDenoiser(
            shaken(UNet(1, k, width=8, embedding=16, fusion="mean")),
            PRECONDITIONED,
            k,
            0.7,
            draw(*event),
            25.0,
            sees_mean=True,
        )
        for k in (1, K)
    )
    several.load_state_dict(one.state_dict())
    y = draw(3, K, *event)
    with torch.no_grad():
        assert torch.allclose(several(y, 1.5).mean, one(y.mean(1, keepdim=True), 1.5 / math.sqrt(K)).mean, atol=1e-5)
