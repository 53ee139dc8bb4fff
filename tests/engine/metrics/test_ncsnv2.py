"""NCSNv2's experiment (arXiv:2006.09011, §3.1): from a small first noise exact chains reach a part of the images."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from msd_engine.data.cifar import TEST_FILE, TRAIN_FILES
from msd_engine.data.folder import candidates
from msd_engine.events import Verdicts
from msd_engine.jobs.factory import loaded
from msd_engine.jobs.sampling.sample import sample
from msd_engine.specs import ExperimentSpec, load_preset

FEW, MOST = "ncsnv2-cifar10-sigma1", "ncsnv2-cifar10-sigma50"


@pytest.fixture(autouse=True)
def _nothing_kept():
    loaded.forget()
    yield
    loaded.forget()


def with_copies(spec: ExperimentSpec, k: int) -> ExperimentSpec:
    sampling, root = spec.sampling, math.sqrt(k)
    return spec.replace_all(
        {
            "training.k": k,
            "sampling.sigma_1": sampling.sigma_1 * root,
            "sampling.sigma_L": sampling.sigma_L * root,
        }
    )


def ratio(spec: ExperimentSpec, data_dir: Path | None = None) -> float:
    """The mean pairwise distance of the samples over that of the data."""
    (found,) = [event for event in sample(spec, data_dir=data_dir) if isinstance(event, Verdicts)]
    return found.mean_distance / found.data_mean_distance


def write_images(folder: Path, count: int) -> None:
    """Write images of coarse blocks, from faint to strong as photographs are, as the batches of CIFAR-10."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in (TRAIN_FILES[0], TEST_FILE):
        blocks = rng.uniform(-1, 1, (count, 3, 4, 4)).repeat(8, axis=2).repeat(8, axis=3)
        contrast = np.linspace(0.02, 1.0, count)[:, None, None, None]
        pixels = np.round(127.5 * (1 + contrast * blocks)).astype(np.uint8).reshape(count, -1)
        labels = np.zeros((count, 1), np.uint8)
        (folder / name).write_bytes(np.concatenate([labels, pixels], axis=1).tobytes())


@pytest.mark.parametrize("k", [1, pytest.param(8, marks=pytest.mark.long)])
def test_only_a_large_first_noise_reaches_all_images(tmp_path: Path, k: int) -> None:
    write_images(tmp_path / "cifar-10-batches-bin", 64)
    quick = {"sampling.chains": 64, "sampling.steps_per_level": 5}
    few = with_copies(load_preset(FEW).replace_all(quick), k)
    # The ladder stays as dense where the images are apart.
    most = with_copies(load_preset(MOST).replace_all(quick | {"sampling.levels": 80, "sampling.step_ratio": 0.2}), k)
    assert ratio(few, tmp_path) < 0.6
    # Over seeds 1.01 to 1.10.
    assert ratio(most, tmp_path) == pytest.approx(1.0, abs=0.25)


def test_the_presets_are_the_published_settings_in_twice_the_unit() -> None:
    for name, sigma_1, levels, steps, epsilon in ((FEW, 1.0, 10, 100, 2e-5), (MOST, 50.0, 232, 5, 6.2e-6)):
        spec = load_preset(name)
        sampling = spec.sampling
        assert (spec.data.name, spec.data.split, spec.training.k, sampling.source) == ("cifar-10", "test", 1, "exact")
        assert (sampling.sigma_1, sampling.sigma_L, sampling.levels, sampling.steps_per_level) == (
            2 * sigma_1,
            0.02,
            levels,
            steps,
        )
        assert sampling.epsilon == pytest.approx(4 * epsilon)


@pytest.mark.long
@pytest.mark.parametrize("k", [1, 8])
def test_the_published_experiment(k: int) -> None:
    if not any((folder / TEST_FILE).is_file() for folder in candidates("cifar-10")):
        pytest.skip("CIFAR-10 is not in the data folder")
    assert ratio(with_copies(load_preset(FEW), k)) < 0.6
    assert ratio(with_copies(load_preset(MOST), k)) == pytest.approx(1.0, abs=0.05)
