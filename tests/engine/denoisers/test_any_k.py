"""Denoisers that take any number of copies."""

from __future__ import annotations

import math

import pytest
import torch
from tape import Tape
from torch import nn

from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.denoisers.outputs.output import Output
from msd_engine.denoisers.outputs.plain import OUTPUT as PLAIN
from msd_engine.denoisers.outputs.preconditioned import OUTPUT as PRECONDITIONED
from msd_engine.nets.mlp import Mlp
from msd_engine.nets.unet import UNet
from msd_engine.noise.processes.exploding import Exploding

TRAINED_K = 8
EVENTS = {"mlp": (3,), "unet": (1, 8, 8)}


def shaken(net: nn.Module) -> nn.Module:
    generator = torch.Generator().manual_seed(1)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.2, generator=generator)
    return net


def denoiser(kind: str, fusion: str, output: Output = PRECONDITIONED, **options: object) -> LearnedDenoiser:
    net = Mlp(3, TRAINED_K, width=16, fusion=fusion) if kind == "mlp" else UNet(1, TRAINED_K, width=8, fusion=fusion)
    mean = torch.full(EVENTS[kind], 0.3)
    made = LearnedDenoiser(
        shaken(net), output, TRAINED_K, 0.7, mean, Exploding(25.0), sees_mean=True, any_k=True, **options
    )
    return made.eval().requires_grad_(False)


def draw(kind: str, k: int, rows: int = 5) -> torch.Tensor:
    return torch.randn((rows, k, *EVENTS[kind]), generator=torch.Generator().manual_seed(k), dtype=torch.float64)


@pytest.mark.parametrize("kind", EVENTS)
@pytest.mark.parametrize("fusion", ["mean", "set"])
@pytest.mark.parametrize("k", [1, 2, 3, 20])
def test_any_number_of_copies_in_any_order(kind: str, fusion: str, k: int) -> None:
    made = denoiser(kind, fusion)
    y = draw(kind, k)
    found = made(y, 0.9)
    assert found.mean.shape == (5, *EVENTS[kind])
    assert found.score.shape == y.shape
    turned = made(y[:, torch.randperm(k, generator=torch.Generator().manual_seed(0))], 0.9)
    torch.testing.assert_close(turned.mean, found.mean, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(made(y + 0.5, 0.9).mean, found.mean, atol=1e-3)


@pytest.mark.parametrize("output", [PRECONDITIONED, PLAIN])
@pytest.mark.parametrize("kind", EVENTS)
def test_a_network_of_the_mean_sees_k_copies_as_one_of_their_mean(kind: str, output: Output) -> None:
    made = denoiser(kind, "mean", output)
    y = draw(kind, 6)
    one = made(y.mean(dim=1, keepdim=True), 0.9 / math.sqrt(6)).mean
    torch.testing.assert_close(made(y, 0.9).mean, one, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", EVENTS)
def test_a_network_of_the_set_sees_more_than_the_mean_and_is_told_k(kind: str) -> None:
    made = denoiser(kind, "set")
    y = draw(kind, 2)
    other = y + torch.tensor([1.0, -1.0]).reshape(1, 2, *(1 for _ in EVENTS[kind]))
    assert not torch.allclose(made(other, 0.9).mean, made(y, 0.9).mean, atol=1e-4)
    same = y[:, :1].expand(-1, 4, *EVENTS[kind])
    assert not torch.allclose(made(same, 2.0).mean, made(same[:, :1], 1.0).mean, atol=1e-3)


def test_recordings_are_of_one_k_each_and_those_of_another_k_are_dropped() -> None:
    plain, recorded = denoiser("mlp", "set", tile=4), denoiser("mlp", "set", tile=4)
    recorded.load_state_dict(plain.state_dict())
    tapes: list[Tape] = []

    def new_tape() -> Tape:
        tapes.append(Tape())
        return tapes[-1]

    recorded.new_graph = new_tape
    for k in (3, 5, 3):
        for seed in range(6):
            y = draw("mlp", k, rows=7) + seed
            assert torch.equal(recorded(y, 0.9).mean, plain(y, 0.9).mean)
    assert len(tapes) == 3
    assert all(tape.replayed for tape in tapes)


def test_copies_of_another_shape_are_refused() -> None:
    made = denoiser("mlp", "mean")
    for shape in ((2, 3), (2, 0, 3), (2, 4, 5), (2,)):
        with pytest.raises(ValueError, match="expects"):
            made(torch.zeros(shape), 1.0)
