"""Coordinates in which the noise is white, and processes by time (theory §7)."""

from __future__ import annotations

import pytest
import torch

from msd_engine.noise.chosen import process_of, space_of
from msd_engine.noise.process import Process
from msd_engine.noise.sde import std, time
from msd_engine.noise.space import Coloured, Isotropic
from msd_engine.specs import NoiseSpec

MATRIX = torch.tensor([[3.0, 1.6, 0.1], [1.6, 1.0, 0.0], [0.1, 0.0, 0.5]], dtype=torch.float64)


class Preserving(Process):
    """α² + σ² = 1 with α = cos(πt/2)."""

    def __call__(self, t):
        angle = torch.as_tensor(t) * torch.pi / 2
        return torch.cos(angle), torch.sin(angle)


def test_what_is_usual_keeps_every_bit():
    space, process = space_of(NoiseSpec(), (2,)), process_of(NoiseSpec(s=7.0))
    x = torch.randn(5, 3, 2)
    assert space.encode(x) is x
    assert space.decode(x) is x
    t = torch.rand(100)
    assert torch.equal(process.noise(t), std(t, 7.0))
    assert torch.equal(process.time(t), time(t, 7.0))
    assert process.noise(0.3) == std(0.3, 7.0)
    assert process.time(0.3) == time(0.3, 7.0)


def test_time_is_the_inverse_of_noise_for_any_process():
    process = Preserving()
    t = torch.linspace(0.0, 0.999, 50, dtype=torch.float64)
    torch.testing.assert_close(process.noise(t), torch.tan(t * torch.pi / 2))
    torch.testing.assert_close(process.time(process.noise(t)), t, rtol=0, atol=1e-14)
    assert process.time(1.0) == pytest.approx(0.5, abs=1e-15)
    assert process.time(1e30) == 1.0


@pytest.mark.parametrize("space", [Isotropic(), Coloured(MATRIX)], ids=["isotropic", "coloured"])
def test_encoded_noise_is_white_and_decoding_takes_it_back(space):
    draws = torch.Generator().manual_seed(0)
    z = torch.randn(200_000, 3, generator=draws, dtype=torch.float64)
    y = space.decode(z, alpha=0.5)
    torch.testing.assert_close(y.T.cov(), 0.25 * space.covariance(3), rtol=0.02, atol=0.02)
    torch.testing.assert_close(space.encode(y, alpha=0.5), z, rtol=0, atol=1e-12)
    assert space.covariance(3).trace().item() == pytest.approx(3.0)
    assert space.log_volume == pytest.approx(-0.5 * space.covariance(3).logdet().item(), abs=1e-12)


def test_pictures_are_encoded_as_the_row_of_their_numbers():
    draws = torch.Generator().manual_seed(0)
    root = torch.randn(12, 12, generator=draws, dtype=torch.float64)
    space = Coloured(root @ root.T + torch.eye(12))
    pictures = torch.randn(4, 2, 3, 2, 2, generator=draws)
    encoded = space.encode(pictures)
    assert encoded.shape == pictures.shape
    torch.testing.assert_close(encoded.flatten(2), space.encode(pictures.flatten(2)))
    torch.testing.assert_close(space.decode(encoded), pictures, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("wrong", [MATRIX[:2], MATRIX.triu(), -MATRIX, torch.zeros(2, 2)])
def test_what_is_no_covariance_is_refused(wrong):
    with pytest.raises(ValueError, match="covariance"):
        Coloured(wrong)
    with pytest.raises(ValueError, match="3 numbers, but the data have 2"):
        Coloured(MATRIX).covariance(2)
