"""Streams between two seeds, and streams that go on where others have been."""

import numpy as np
import torch

from msd_engine.backend.blended import BlendedStreams
from msd_engine.backend.streams import ChainStreams

SHAPE = (2, 3, 5)


def draws(streams):
    return [streams.normal(), streams.uniform(), streams.normal(), streams.uniform()]


def test_the_ends_of_a_row_are_the_two_seeds_own_streams_to_the_bit():
    row = draws(BlendedStreams((4, 9), 5, SHAPE))
    for place, seed in ((0, 4), (-1, 9)):
        own = draws(ChainStreams(seed, 1, SHAPE))
        assert all(torch.equal(a[place], b[0]) for a, b in zip(row, own, strict=True))


def test_every_chain_of_a_row_draws_from_the_right_law():
    row = BlendedStreams((0, 1), 4, (40_000,))
    normal, uniform = row.normal().double(), row.uniform().double()
    # 40 000 numbers: standard errors 1/200 of the mean, √2/200 of the variance.
    assert normal.mean(1).abs().max() < 0.025
    assert (normal.var(1) - 1).abs().max() < 0.035
    assert uniform.min() >= 0
    assert uniform.max() < 1
    assert (uniform.mean(1) - 0.5).abs().max() < 0.008
    assert (uniform.var(1) - 1 / 12).abs().max() < 0.003


def test_neighbours_in_a_row_are_as_alike_as_the_angle_between_them():
    normal = BlendedStreams((0, 1), 4, (40_000,)).normal().double()
    correlation = torch.corrcoef(normal)
    for i in range(4):
        for j in range(4):
            assert abs(correlation[i, j] - np.cos(np.pi / 6 * (i - j))) < 0.03


def test_a_stream_continues_where_another_run_of_it_has_been():
    whole = ChainStreams(3, 4, SHAPE, block=3)
    early = [draws(whole) for _ in range(3)]
    del early
    position = whole.positions()[2]
    assert position.tolist() == [2, 6, 6]
    part = ChainStreams(3, 2, SHAPE, numbers=[2, 77], drawn=(6, 6))
    late, own = draws(whole), draws(part)
    assert all(torch.equal(a[2], b[0]) for a, b in zip(late, own, strict=True))
    assert part.positions().tolist() == [[2, 8, 8], [77, 8, 8]]
