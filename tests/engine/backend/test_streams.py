"""One random stream per chain: the numbers of a chain depend on nothing but seed, chain, law and count of calls."""

import math

import pytest
import torch

from msd_engine.backend.streams import ChainStreams


def normals(streams, count):
    return torch.stack([streams.normal() for _ in range(count)])


@pytest.mark.parametrize("block", [1, 3, 7, 64])
@pytest.mark.parametrize("innermost", [False, True])
def test_block_layout_and_number_of_chains_cannot_be_seen(block, innermost):
    reference = normals(ChainStreams(3, 10, (5, 2)), 40)
    for chains in (1, 4, 10):
        streams = ChainStreams(3, chains, (5, 2), block=block, chains_innermost=innermost)
        assert torch.equal(normals(streams, 40), reference[:, :chains])


@pytest.mark.parametrize("innermost", [False, True])
def test_a_stream_can_be_entered_at_any_draw(innermost):
    reference = normals(ChainStreams(3, 4, (5, 2)), 300)
    entered = ChainStreams(3, 4, (5, 2), drawn=(290, 7), chains_innermost=innermost)
    assert torch.equal(normals(entered, 10), reference[290:])
    assert entered.positions().tolist() == [[chain, 300, 7] for chain in range(4)]


def test_a_chain_keeps_its_numbers_when_its_neighbours_are_others():
    reference = normals(ChainStreams(3, 9, (5, 2)), 5)
    assert torch.equal(normals(ChainStreams(3, 3, (5, 2), numbers=[8, 1, 4]), 5), reference[:, [8, 1, 4]])


def test_the_laws_do_not_move_each_other():
    alone = normals(ChainStreams(0, 3, (4,)), 10)
    streams = ChainStreams(0, 3, (4,))
    mixed = []
    for _ in range(10):
        streams.uniform()
        mixed.append(streams.normal())
    assert torch.equal(torch.stack(mixed), alone)


def test_seeds_and_chains_differ():
    first, second = (normals(ChainStreams(seed, 50, (4, 2)), 3).movedim(1, 0) for seed in (0, 1))
    rows = torch.cat((first, second)).flatten(1)
    assert len(torch.unique(rows, dim=0)) == 100


def test_the_numbers_follow_their_laws():
    streams = ChainStreams(0, 200, (10, 2))
    normal = normals(streams, 100).flatten().double()
    uniform = torch.stack([streams.uniform() for _ in range(100)]).flatten().double()
    assert normal.dtype == uniform.dtype == torch.float64
    error = 5 / math.sqrt(len(normal))
    assert abs(normal.mean().item()) < error
    assert abs(normal.var().item() - 1) < error * math.sqrt(2)
    assert abs((normal**4).mean().item() - 3) < error * math.sqrt(96)
    assert uniform.min().item() >= 0
    assert uniform.max().item() < 1
    assert abs(uniform.mean().item() - 0.5) < error / math.sqrt(12)


def test_shape_dtype_and_device():
    z = ChainStreams(0, 3, (2, 1, 4, 5)).normal()
    assert z.shape == (3, 2, 1, 4, 5)
    assert z.dtype == torch.float32
    assert z.device == torch.device("cpu")
