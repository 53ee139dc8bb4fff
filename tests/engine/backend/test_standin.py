"""The stand-in accelerator refuses what a GPU refuses, lets through what a GPU lets through, and counts."""

from __future__ import annotations

import copy
import threading

import numpy as np
import pytest
import torch
from standin import NAME, StandInTensor, counting, without_float64
from torch import nn


@pytest.fixture
def x():
    return torch.arange(6.0, device=NAME).reshape(2, 3)


@pytest.fixture
def host():
    return torch.arange(6.0).reshape(2, 3)


def test_it_is_a_device_of_its_own(x):
    made = [torch.zeros(2, device=NAME), torch.tensor([1, 2], device=NAME), torch.ones(2).to(NAME), x.new_zeros(1)]
    made += [x + 1, x[0], x.mean(), torch.zeros_like(x), torch.as_tensor(0.5, device=x.device)]
    assert {(type(t), t.device.type) for t in made} == {(StandInTensor, NAME)}
    assert type(x.cpu()) is torch.Tensor
    assert torch.equal(x.cpu(), torch.arange(6.0).reshape(2, 3))


REFUSED = {
    "a sum": lambda x, host: x + host,
    "a change of a host tensor": lambda x, host: host.add_(x),
    "a change of a host number": lambda x, host: torch.tensor(1.0).add_(x[0, 0]),
    "a matrix product": lambda x, host: x @ host.T,
    "a row": lambda x, host: torch.cat((x, host)),
    "a number in a row": lambda x, host: torch.stack((x[0, 0], host[0, 0])),
    "a choice": lambda x, host: torch.where(x > 2, host, x),
    "values at places": lambda x, host: x.index_put((torch.tensor([0]),), host[0]),
    "a layer": lambda x, host: nn.Linear(3, 1)(x),
    "host data by device indices": lambda x, host: host[torch.tensor([0], device=NAME)],
    "host data by a device mask": lambda x, host: host[x > 2],
    "random numbers": lambda x, host: torch.randn(3, device=NAME),
    "random numbers by a host generator": lambda x, host: torch.rand(3, device=NAME, generator=torch.Generator()),
    "an order": lambda x, host: torch.randperm(3, device=NAME),
    "a generator": lambda x, host: torch.Generator(NAME),
    "numpy": lambda x, host: x.numpy(),
    "a numpy array": lambda x, host: np.asarray(x),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_a_card_refuses_is_refused(x, host, what):
    with pytest.raises((RuntimeError, TypeError)):
        REFUSED[what](x, host)


TAKEN = {
    "a host number": (lambda x: x + torch.tensor(2.0), lambda x: x + 2),
    "host indices": (lambda x: x[:, torch.tensor([2, 0])], lambda x: x[:, [2, 0]]),
    "a host mask": (lambda x: x[torch.tensor([True, False])], lambda x: x[:1]),
    "a choice of numbers": (lambda x: torch.where(x > 2, 1.0, 0.0), lambda x: (x > 2).float()),
    "a host number at places": (lambda x: x.index_fill(1, torch.tensor([0], device=NAME), 7.0), None),
    "float64": (lambda x: x.double().mean(), lambda x: x.mean().double()),
}


@pytest.mark.parametrize("what", TAKEN)
def test_what_a_card_takes_is_taken(x, host, what):
    found, expected = TAKEN[what]
    assert torch.equal(found(x).cpu(), expected(host) if expected else torch.tensor([[7.0, 1, 2], [7, 4, 5]]))


def test_a_shape_is_changed_in_place(x, host):
    x.unsqueeze_(0).transpose_(1, 2)
    assert x.shape == (1, 3, 2)
    assert torch.equal(x.cpu(), host.T[None])
    assert torch.equal((x[0] @ x.new_ones(2)).cpu(), host.sum(0))
    assert (x.new_ones(3) @ x[0]).shape == (2,)


FLOAT64 = {
    "a conversion": lambda x, wide: x.double(),
    "a conversion on the way to the host": lambda x, wide: x.to("cpu", torch.float64),
    "a copy into the host's float64": lambda x, wide: wide.copy_(x),
    "the host's float64": lambda x, wide: wide.to(NAME),
    "zeros": lambda x, wide: torch.zeros(2, dtype=torch.float64, device=NAME),
    "a mean": lambda x, wide: x.mean(dtype=torch.float64),
}


@pytest.mark.parametrize("what", FLOAT64)
def test_as_mps_it_has_no_float64(x, host, what):
    FLOAT64[what](x, host.double())
    with without_float64(), pytest.raises(TypeError, match="float64"):
        FLOAT64[what](x, host.double())
    with without_float64():
        assert x.cpu().double().dtype == host.double().to(NAME, torch.float32).cpu().double().dtype


WAITS = {
    "item": lambda x: x.sum().item(),
    "float": lambda x: float(x[0, 0]),
    "bool": lambda x: bool((x > 1).any()),
    "nonzero": lambda x: x.nonzero(),
    "a mask": lambda x: x[x > 1],
    "cpu": lambda x: x.cpu(),
    "tolist": lambda x: x.tolist(),
    "a copy to the host": lambda x: torch.zeros(2, 3).copy_(x),
    "equal": lambda x: torch.equal(x, x),
}


@pytest.mark.parametrize("what", WAITS)
def test_a_wait_is_counted(x, what):
    with counting() as counts:
        WAITS[what](x)
    assert counts.waits.total() == 1


def test_what_needs_no_wait_is_no_wait(x, host):
    with counting() as counts:
        (x * 2).sum()
        x[:, [0, 2]].add_(1)
        x.to("cpu", non_blocking=True)
        host.to(NAME).copy_(host)
        changed = x.clone()
        changed[changed > 2] = 0
    assert not counts.waits
    assert counts.to_host == 1
    # Two tensors, the list of indices and the filling number.
    assert 2 <= counts.to_device <= 4
    assert counts.operations > 5


def test_waits_of_other_threads_count_too(x):
    with counting() as counts:
        thread = threading.Thread(target=x.sum().item)
        thread.start()
        thread.join()
    assert counts.waits.total() == 1
    x.cpu()
    assert counts.waits.total() == 1


@pytest.mark.parametrize("options", [{}, {"foreach": True}, {"fused": True}], ids=["one by one", "foreach", "fused"])
def test_a_network_trains_as_on_the_host(options):
    nets = [nn.Sequential(nn.Conv2d(1, 4, 3), nn.GroupNorm(2, 4), nn.SiLU(), nn.Flatten(), nn.Linear(16, 1))]
    nets.append(copy.deepcopy(nets[0]).to(NAME))
    x = torch.linspace(-1, 1, 32).reshape(2, 1, 4, 4)
    for net in nets:
        optimiser = torch.optim.Adam(net.parameters(), **options)
        for _ in range(3):
            optimiser.zero_grad()
            net(x.to(net[0].weight.device)).square().mean().backward()
            nn.utils.clip_grad_norm_(net.parameters(), 0.1, foreach=True)
            optimiser.step()
    for name, weight in nets[0].state_dict().items():
        moved = nets[1].state_dict()[name]
        assert moved.device.type == NAME
        torch.testing.assert_close(moved.cpu(), weight)
