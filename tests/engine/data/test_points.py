"""Sets of points: named shapes, files and text, and their exact denoiser, density and chains."""

from __future__ import annotations

import contextlib
import io
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from msd_engine.backend.errors import BadFile
from msd_engine.data.points import experiment_of, points, points_in, read_points
from msd_engine.denoisers.empirical import EmpiricalDenoiser
from msd_engine.denoisers.target import PointsTarget
from msd_engine.events import ChainReport, Failed, FieldFrame, Finished, Restored, Tick
from msd_engine.jobs.files.restore import restore, restore_text
from msd_engine.jobs.sampling.field import field
from msd_engine.jobs.sampling.sample import sample
from msd_engine.jobs.tools import frames
from msd_engine.specs import ExperimentSpec, MixtureSpec, SpecError
from msd_engine.specs.data import MOST_POINTS, POINT_SETS

SHAPES = sorted(POINT_SETS - {"points"})
FOUR = np.array([[1.5, 2.0], [-1.0, 3.25], [4.0, -2.0], [0.0, 0.0]])
SAMPLING = {"sigma_1": 40.0, "sigma_L": 0.2, "levels": 15, "steps_per_level": 8, "step_ratio": 0.3, "chains": 150}


def spec_of(name: str, **sampling: object) -> ExperimentSpec:
    values = {f"sampling.{key}": value for key, value in (SAMPLING | sampling).items()}
    return ExperimentSpec().replace_all({"data.name": name} | values)


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_has_its_points_the_same_every_time_and_the_size_of_the_mixtures(name: str) -> None:
    found = points(MixtureSpec(name=name, count=700))
    assert found.shape == (700, 2)
    assert len(np.unique(found, axis=0)) == 700
    points.cache_clear()
    np.testing.assert_array_equal(points(MixtureSpec(name=name, count=700)), found)
    assert 4 < np.abs(found).max() < 9
    np.testing.assert_allclose(found.mean(0), 0, atol=1.5)


def test_a_checkerboard_fills_its_black_squares_alone() -> None:
    found = points(MixtureSpec(name="checkerboard", count=2000))
    column, row = np.floor(found / 3).T.astype(int)
    assert ((column + row) % 2 == 0).all()
    assert len(set(zip(column.tolist(), row.tolist(), strict=True))) == 8


def test_the_number_of_points_belongs_to_named_sets_and_is_saved_with_them() -> None:
    spec = spec_of("rings").replace("data.count", 900)
    assert ExperimentSpec.from_json(spec.to_json()) == spec
    assert '"count":900' in spec.to_json()
    toy = spec.replace("data.name", "ncsn-toy")
    assert "count" not in toy.to_json()
    assert ExperimentSpec.from_json(toy.to_json()) == toy
    with pytest.raises(SpecError, match=r"no field data\.count here"):
        toy.replace("data.count", 900)
    with pytest.raises(SpecError, match="belong together"):
        toy.replace("data.name", "points")


def test_the_denoiser_of_points_is_the_exact_one_of_an_empirical_set() -> None:
    found = torch.tensor(points(MixtureSpec(name="pinwheel", count=300)))
    target, other = PointsTarget(found), EmpiricalDenoiser(found)
    y = 3 * torch.randn(50, 4, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for sigma in (0.05, 1.0, 30.0):
        torch.testing.assert_close(target.denoiser()(y, sigma).mean, other(y, sigma).mean, rtol=1e-9, atol=1e-9)


def test_the_density_of_points_is_a_mean_of_kernels() -> None:
    target = PointsTarget(torch.tensor(FOUR))
    x = torch.tensor([[0.3, -0.2], [5.0, 5.0]], dtype=torch.float64)
    away = (x[:, None] - torch.tensor(FOUR)).square().sum(-1)
    wanted = torch.log(torch.exp(-away / (2 * 0.49)).mean(1) / (2 * math.pi * 0.49))
    torch.testing.assert_close(target.log_prob(x, 0.7), wanted)


def test_arrows_are_the_gradient_of_the_density_that_is_drawn() -> None:
    spec, bounds, n = spec_of("two-moons"), (-6.0, 6.0, -4.0, 4.0), 400
    events = list(field(spec, sigma=3.0, bounds=bounds, resolution=(n, n), points=n // 40))
    (frame,) = [event for event in events if isinstance(event, FieldFrame)]
    assert isinstance(events[-1], Finished)
    assert not len(frame.means)
    dy, dx = np.gradient(frame.log_density, 8 / n, 12 / n)
    rows = np.clip(((frame.points[:, 1] + 4) / 8 * n).astype(int), 0, n - 1)
    columns = np.clip(((frame.points[:, 0] + 6) / 12 * n).astype(int), 0, n - 1)
    drawn = np.stack((dx[rows, columns], dy[rows, columns]), 1)
    np.testing.assert_allclose(frame.exact_score, drawn, atol=0.05)


@pytest.mark.parametrize("sampler", ["langevin", "consistent", "gibbs"])
def test_chains_draw_the_points(sampler: str) -> None:
    spec = spec_of("two-moons").replace("sampling.sampler", sampler)
    events = list(sample(spec, device="cpu"))
    assert isinstance(events[-1], Finished), events[-1]
    report = [event for event in events if isinstance(event, ChainReport)][-1]
    assert not len(report.mode_weights)
    assert math.isnan(report.within_std)
    assert 0 < report.distance < report.exact_distance


@pytest.mark.parametrize(("jump", "noise"), [(True, 8.0 * math.sqrt(2)), (False, 8.0)])
def test_exact_draws_have_the_noise_that_the_last_jump_is_given(
    jump: bool, noise: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []
    monkeypatch.setattr(frames, "exact_distance", lambda *arguments, jump: given.append(arguments[4]) or 1.0)
    # Chains with r = 1 settle at twice the variance of the level.
    spec = spec_of("two-moons", sigma_L=8.0, step_ratio=1.0, jump=jump)
    assert isinstance(list(sample(spec, device="cpu"))[-1], Finished)
    assert given == [pytest.approx(noise)]


def test_chains_that_stay_in_one_place_are_far_from_the_data() -> None:
    stuck = spec_of("checkerboard", method="fixed", steps_per_level=20, start="uniform", start_width=1.0)
    report = [event for event in sample(stuck, device="cpu") if isinstance(event, ChainReport)][-1]
    assert report.distance > 2 * report.exact_distance


@pytest.mark.parametrize(
    "text",
    [
        "1.5,2\n-1,3.25\n4,-2\n0,0\n",
        "x,y,label\n1.5,2,a\n-1,3.25,b\n4,-2,c\n0,0,d",
        "1,5;2\r\n-1;3,25\r\n4;-2\r\n0;0\r\n",
        "# from a drawing\n1.5\t2\n\n-1\t3.25 # the second\n4\t-2\n0\t0\n",
        "  1.5   2\n -1 3.25\n 4 -2\n 0 0",
        "﻿x;y\n1.5;2.0\n-1;3.25\n4;-2\n0;0",
    ],
)
def test_points_are_read_from_text_as_people_write_it(text: str, tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text(text, encoding="utf-8", newline="")
    np.testing.assert_array_equal(read_points(path), FOUR)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "holds 0 points"),
        ("1,2\n", "holds 1 points"),
        ("x,y\n1,2\n3\n", r"Line 3 of The text is '3'"),
        ("x,y\nname,surname\n", "Line 2"),
        ("1,2\nnan,3\n", "not finite"),
        ("1,2\n1e300,3\n", "beyond"),
        ("1,2\n" * (MOST_POINTS + 1), f"more than {MOST_POINTS} points"),
    ],
)
def test_other_text_is_refused_with_the_line(text: str, sentence: str) -> None:
    with pytest.raises(BadFile, match=sentence):
        points_in(text)


class Opened:
    """Is executed by whoever unpickles it."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (print, ("executed",))


@pytest.mark.parametrize(
    "array", [FOUR[:, :1], FOUR[0], FOUR.astype(complex), np.array([["a", "b"], ["c", "d"]]), np.array([Opened()] * 4)]
)
def test_other_arrays_are_refused_and_nothing_is_unpickled(
    array: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "p.npy"
    np.save(path, array, allow_pickle=True)
    with pytest.raises(BadFile):
        read_points(path)
    assert not capsys.readouterr().out


def test_arrays_of_any_precision_are_read_and_damaged_ones_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.npy"
    np.save(path, FOUR.astype(np.float32))
    np.testing.assert_array_equal(read_points(path), FOUR)
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(BadFile):
            read_points(path)
    for place in range(0, 128, 3):
        path.write_bytes(whole[:place] + b"\xff" + whole[place + 1 :])
        with contextlib.suppress(BadFile):
            read_points(path)


def test_a_file_of_points_becomes_an_experiment_whose_chains_reach_them(tmp_path: Path) -> None:
    path = tmp_path / "four.csv"
    path.write_text("\n".join(f"{1000 + x},{y}" for x, y in FOUR))
    restored, done = (event for event in restore(path) if not isinstance(event, Tick))
    assert isinstance(restored, Restored), restored
    assert isinstance(done, Finished)
    spec = ExperimentSpec.from_json(restored.spec_json)
    assert spec.title == "four"
    np.testing.assert_array_equal(points(spec.data), FOUR + np.array([1000, 0]))
    report = [event for event in sample(spec, device="cpu") if isinstance(event, ChainReport)][-1]
    assert report.distance < report.exact_distance


def test_points_and_settings_are_pasted_and_other_text_is_refused() -> None:
    restored, done = restore_text("1.5 2\n-1 3.25\n4 -2\n0 0")
    assert isinstance(done, Finished)
    assert done.text == "Pasted 4 points."
    assert ExperimentSpec.from_json(restored.spec_json).data == experiment_of(FOUR, "").data
    spec = spec_of("rings")
    restored, done = restore_text(spec.to_json())
    assert ExperimentSpec.from_json(restored.spec_json) == spec
    for text in ("", "Some words", '{"format": 3}', io.StringIO("\x00\x01").read()):
        (failed,) = restore_text(text)
        assert isinstance(failed, Failed)
