"""Weight averaging: the recursion, its warm-up, and the average of equal weights."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from msd_engine.training.averaging import WeightAverage, decay_at
from msd_engine.training.flat import Flat


def pair(decay: float) -> tuple[nn.Linear, nn.Linear, Callable[[int], None]]:
    source, average = nn.Linear(3, 2), nn.Linear(3, 2)
    running = WeightAverage(source, [Flat(source, ["weight"]), Flat(source, ["bias"])], average)
    return source, average, lambda step: running.update(torch.tensor(1.0 - decay_at(step, decay)))


def test_average_follows_its_recursion() -> None:
    source, average, update = pair(0.9)
    expected = source.weight.detach().clone().double()
    generator = torch.Generator().manual_seed(0)
    for step in range(200):
        nn.init.normal_(source.weight, generator=generator)
        update(step)
        a = min(0.9, (1 + step) / (10 + step))
        expected = a * expected + (1 - a) * source.weight.detach().double()
    assert torch.allclose(average.weight.double(), expected, atol=1e-5)


def test_decay_warms_up_to_its_end() -> None:
    decays = [decay_at(step, 0.999) for step in range(20_000)]
    assert decays == sorted(decays)
    assert decays[0] == 0.1
    assert decays[-1] == 0.999


def test_average_of_equal_weights_is_that_weight() -> None:
    source, average, update = pair(0.99)
    for step in range(50):
        update(step)
    assert torch.allclose(average.weight, source.weight)


def test_no_averaging_keeps_the_present_weights() -> None:
    source, average, update = pair(0.0)
    nn.init.constant_(source.weight, 3.0)
    update(1000)
    assert torch.equal(average.weight, source.weight)


def test_average_starts_from_the_source_and_is_not_trained() -> None:
    source, average, _ = pair(0.5)
    assert torch.equal(average.weight, source.weight)
    assert not any(parameter.requires_grad for parameter in average.parameters())


@pytest.mark.parametrize("decay", [0.5, 0.999])
def test_first_weights_are_forgotten_during_the_warm_up(decay: float) -> None:
    source, average, update = pair(decay)
    nn.init.constant_(source.weight, 1.0)
    for step in range(100):
        update(step)
    assert torch.allclose(average.weight, source.weight, atol=1e-4)
