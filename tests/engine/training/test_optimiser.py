"""The optimiser: weights in one vector, Adam and Muon against those of torch, clipping, and forbidden steps."""

import math

import pytest
import torch
from torch import Tensor, nn

from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.denoisers.outputs.preconditioned import OUTPUT as PRECONDITIONED
from msd_engine.nets.unet import UNet
from msd_engine.noise.processes.exploding import Exploding
from msd_engine.specs import TrainingSpec
from msd_engine.training.adam import Adam
from msd_engine.training.flat import Flat
from msd_engine.training.muon import Muon, batches
from msd_engine.training.optimiser import Optimiser, clip

YES, NO = torch.ones(()), torch.zeros(())
NAMES = ["0.weight", "0.bias", "1.weight"]


def module(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 5, 3), nn.Conv2d(5, 4, 3, bias=False))


def gradients(names: list[str], weights: dict[str, nn.Parameter], seed: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    drawn = {name: torch.randn(weight.shape, generator=generator) for name, weight in weights.items()}
    return [drawn[name] for name in names]


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_module_continues_with_views_of_the_vector(layout: torch.memory_format) -> None:
    net, same = module().to(memory_format=layout), module()  # type: ignore[call-overload]
    part = Flat(net, NAMES)
    assert [name for name, _ in net.named_parameters()] == NAMES
    assert part.vector.shape == (sum(p.numel() for p in same.parameters()),)
    x = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(net(x), same(x))
    assert net[0].weight.is_contiguous(memory_format=layout)
    part.vector.mul_(2.0)
    for name, weight in net.named_parameters():
        assert torch.equal(weight, 2 * same.get_parameter(name))
        assert torch.equal(part.view(part.vector, name), weight)
        # A matrix has the weight's rows, though the columns may stand in another order.
        rows, filters = part.matrix(part.vector, name), weight.detach().reshape(len(weight), -1)
        assert torch.equal(rows.sort(1).values, filters.sort(1).values)
    net.load_state_dict(same.state_dict())
    assert torch.equal(part.join([same.get_parameter(name) for name in part.names]), part.vector)


def test_what_no_longer_fills_whole_lines_stands_last() -> None:
    net = nn.Sequential(nn.Linear(3, 5), nn.Linear(16, 4))
    part = Flat(net, ["0.weight", "0.bias", "1.weight", "1.bias"])
    assert part.names[0] == "1.weight"
    assert part.view(part.vector, "1.weight").data_ptr() == part.vector.data_ptr()


@pytest.mark.parametrize("fused", [True, False])
def test_adam_is_that_of_torch(fused: bool) -> None:
    net, same = module(), module()
    part, weights = Flat(net, NAMES), dict(same.named_parameters())
    ours, theirs = Adam(part, fused=fused), torch.optim.Adam(same.parameters())
    for step in range(5):
        found = gradients(part.names, weights, step)
        rate = 0.1 / (1 + step)
        ours.step(part.join(found), torch.tensor(rate), YES)
        for name, gradient in zip(part.names, found, strict=True):
            weights[name].grad = gradient
        theirs.param_groups[0]["lr"] = rate
        theirs.step()
    for name, weight in net.named_parameters():
        torch.testing.assert_close(weight, weights[name], rtol=1e-5, atol=1e-6)
        moments = theirs.state[weights[name]]
        torch.testing.assert_close(part.view(ours.moments["exp_avg_sq"], name), moments["exp_avg_sq"])
    assert ours.moments["step"] == 5


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="this torch has no Muon to compare with")
@pytest.mark.parametrize("together", [False, True])
def test_muon_is_that_of_torch(together: bool) -> None:
    shapes = {"wide": (24, 72), "wider": (16, 144), "tall": (60, 20), "square": (24, 24), "as wide": (24, 72)}
    torch.manual_seed(0)
    net = nn.ParameterDict({name: torch.randn(shape) for name, shape in shapes.items()})
    weights = {name: nn.Parameter(weight.detach().clone()) for name, weight in net.items()}
    part = Flat(net, shapes)
    ours = Muon(part, together=together)
    theirs = torch.optim.Muon(weights.values(), lr=0.02, weight_decay=0.0)
    for step in range(4):
        found = gradients(part.names, weights, step)
        ours.step(part.join(found), torch.tensor(0.02), YES)
        for name, gradient in zip(part.names, found, strict=True):
            weights[name].grad = gradient
        theirs.step()
    for name, weight in weights.items():
        torch.testing.assert_close(part.view(ours.momentum, name), theirs.state[weight]["momentum_buffer"])
        # What is orthonormal is so to the rounding of bfloat16, over four steps of 0.02.
        torch.testing.assert_close(net[name].detach(), weight.detach(), rtol=0, atol=4 * 0.02 * 2**-7)


def test_matrices_go_together_where_the_zeros_are_cheaper_than_a_launch() -> None:
    small = {"a": (24, 72), "b": (48, 216), "c": (192, 1728), "d": (192, 864)}
    large = {"a": (64, 72), "b": (512, 4608), "c": (512, 2304), "d": (512, 2304)}
    sizes = [{name: torch.Size(shape) for name, shape in shapes.items()} for shapes in (small, large)]
    (one,) = batches(sizes[0], 5e9)
    assert (one.names, one.rows, one.columns) == (("c", "d", "b", "a"), 192, 1728)
    assert [batch.names for batch in batches(sizes[1], 5e9)] == [("b",), ("c", "d"), ("a",)]
    assert [batch.names for batch in batches(sizes[0], 0.0, alone=True)] == [("c",), ("d",), ("b",), ("a",)]


@pytest.mark.parametrize("kind", ["adam", "adam by formula", "muon"])
def test_a_forbidden_step_changes_nothing(kind: str) -> None:
    net = module()
    part = Flat(net, ["0.weight", "1.weight"])
    optimiser = Muon(part) if kind == "muon" else Adam(part, fused=kind == "adam")
    kept = [optimiser.momentum] if isinstance(optimiser, Muon) else list(optimiser.moments.values())
    rate = torch.tensor(0.1)
    optimiser.step(torch.ones_like(part.vector), rate, YES)
    before = [tensor.clone() for tensor in (part.vector, *kept)]
    optimiser.step(torch.full_like(part.vector, math.nan), rate, NO)
    assert all(torch.equal(a, b) for a, b in zip(before, (part.vector, *kept), strict=True))
    optimiser.step(torch.ones_like(part.vector), rate, YES)
    assert not torch.equal(before[0], part.vector)
    assert all(not torch.equal(a, b) for a, b in zip(before[1:], kept, strict=True))


@pytest.mark.parametrize("largest", [0.5, 1e3, 0.0])
def test_clipping_is_that_of_torch(largest: float) -> None:
    parts = [torch.randn(5, 3), torch.randn(7)]
    weights = [nn.Parameter(torch.zeros_like(part)) for part in parts]
    for weight, part in zip(weights, parts, strict=True):
        weight.grad = part.clone()
    norm = torch.nn.utils.clip_grad_norm_(weights, largest or math.inf)
    torch.testing.assert_close(clip(parts, largest), norm)
    for weight, part in zip(weights, parts, strict=True):
        torch.testing.assert_close(part, weight.grad)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_state_has_the_names_and_shapes_of_torch_and_comes_back(layout: torch.memory_format) -> None:
    spec = TrainingSpec(optimiser="muon")

    def made() -> tuple[LearnedDenoiser, Optimiser]:
        torch.manual_seed(0)
        denoiser = LearnedDenoiser(UNet(1, 2, width=8), PRECONDITIONED, 2, 0.5, torch.zeros(1, 8, 8), Exploding(25.0))
        return denoiser, Optimiser(denoiser.to(memory_format=layout), spec)  # type: ignore[call-overload]

    def learn(denoiser: LearnedDenoiser, optimiser: Optimiser) -> None:
        y = torch.randn(4, 2, 1, 8, 8, generator=torch.Generator().manual_seed(1))
        objective = (denoiser.estimate(y, torch.ones(4)) - 1).square().mean()
        optimiser.step(optimiser.gradients(objective), torch.tensor(1e-3), torch.tensor(1e-2), YES)

    one, two = made(), made()
    for _ in range(3):
        learn(*one)
    state = {name: tensor.clone() for name, tensor in one[1].state().items()}
    hidden = {id(weight) for weight in one[0].net.hidden_weights()}  # type: ignore[operator]
    for number, weight in enumerate(one[0].parameters()):
        if id(weight) in hidden:
            assert state.pop(f"muon.{number}").shape == weight.flatten(1).shape
            continue
        assert state.pop(f"adam.{number}.step") == 3
        assert state.pop(f"adam.{number}.exp_avg").shape == weight.shape
        assert state.pop(f"adam.{number}.exp_avg_sq").shape == weight.shape
    assert not state
    two[0].load_state_dict(one[0].state_dict())
    two[1].load({name: tensor.clone() for name, tensor in one[1].state().items()})
    learn(*one)
    learn(*two)
    assert all(torch.equal(a, b) for a, b in zip(one[0].parameters(), two[0].parameters(), strict=True))
