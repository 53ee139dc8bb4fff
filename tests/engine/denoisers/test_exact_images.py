"""Chains of images with the exact score: from the first launch, in any company, and loaded once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from image_files import write_cifar_set

from msd_engine.data.images import ImageSet, load_images
from msd_engine.events import Failed, Finished, ImageFrame, Samples, Started, Tick
from msd_engine.jobs.factory import loaded
from msd_engine.jobs.sampling.sample import sample
from msd_engine.specs import ExperimentSpec, ImagesSpec, load_preset
from msd_engine.specs.live import NEVER
from msd_engine.specs.tables.samplers import TRAITS


@pytest.fixture(autouse=True)
def _nothing_kept():
    loaded.forget()
    yield
    loaded.forget()


def small(preset: str = "digits-exact", **values) -> ExperimentSpec:
    fields = {"sampling.chains": 6, "sampling.levels": 12, "sampling.steps_per_level": 3}
    return load_preset(preset).replace_all(fields | values)


def samples_of(spec: ExperimentSpec, **where) -> np.ndarray:
    (found,) = [event for event in sample(spec, **where) if isinstance(event, Samples)]
    return found.x_hat


def test_digits_are_drawn_with_no_run_and_are_images_of_the_set() -> None:
    spec = small()
    events = list(sample(spec, cadence=NEVER))
    assert isinstance(next(event for event in events if not isinstance(event, Tick)), Started)
    assert isinstance(events[-1], Finished)
    assert [event for event in events if isinstance(event, ImageFrame)]
    x = samples_of(spec.replace_all({"sampling.levels": 60, "sampling.sigma_L": 0.05, "sampling.step_ratio": 0.2}))
    train = ImageSet.to_data(load_images(ImagesSpec()).train).flatten(1)
    assert torch.cdist(torch.from_numpy(x).flatten(1).double(), train.double()).min(1).values.max() < 1e-3


def test_an_exact_image_chain_is_the_same_to_the_bit_in_any_company() -> None:
    whole = samples_of(small(**{"sampling.chains": 40}))
    for chains in (1, 33):
        np.testing.assert_array_equal(samples_of(small(**{"sampling.chains": chains})), whole[:chains])


def test_k_copies_at_sigma_root_k_are_one_copy_at_sigma_in_law() -> None:
    # The twin (theory §3, fact 3): only the random numbers differ, so the spread of many samples must agree.
    spec = small(**{"training.k": 1, "sampling.chains": 400, "sampling.sigma_1": 6.0, "sampling.sigma_L": 0.6})
    spec = spec.replace("sampling.step_ratio", 0.2)
    root = 4**0.5
    four = spec.replace_all(
        {
            "training.k": 4,
            "sampling.sigma_1": 6.0 * root,
            "sampling.sigma_L": 0.6 * root,
        }
    )
    one, other = samples_of(spec), samples_of(four)
    # Standard errors of mean images from 400 chains each.
    error = np.sqrt((one.var(0) + other.var(0)) / 400) + 1e-3
    assert np.abs((one.mean(0) - other.mean(0)) / error).max() < 5


def test_every_sampler_draws_images_of_the_set() -> None:
    train = ImageSet.to_data(load_images(ImagesSpec()).train).flatten(1).double()
    for sampler in (name for name, row in TRAITS.items() if row.draws_images):
        fields = {"sampling.sampler": sampler, "sampling.levels": 60, "sampling.sigma_L": 0.05}
        own = {"sampling.step_ratio": 0.2} if TRAITS[sampler].has_step else {}
        x = samples_of(small(**fields | own))
        nearest = torch.cdist(torch.from_numpy(x).flatten(1).double(), train).min(1).values
        assert nearest.max() < 1e-3, sampler


def test_the_test_images_can_be_the_data(tmp_path) -> None:
    write_cifar_set(tmp_path / "cifar-10-batches-bin", batches=2, records=5)
    fields = {"data.name": "cifar-10", "sampling.levels": 40, "sampling.sigma_L": 0.05, "sampling.step_ratio": 0.2}
    fields |= {"sampling.sigma_1": 60.0}
    images = load_images(ImagesSpec(name="cifar-10"), tmp_path)
    for split, parts in (("train", images.train), ("test", images.test)):
        x = samples_of(small(**fields | {"data.split": split}), data_dir=tmp_path)
        distances = torch.cdist(torch.from_numpy(x).flatten(1).double(), ImageSet.to_data(parts).flatten(1).double())
        assert distances.min(1).values.max() < 1e-3
    swapped = load_images(ImagesSpec(name="cifar-10", split="test"), tmp_path)
    assert torch.equal(swapped.train, images.test)
    assert torch.equal(swapped.test_labels, images.train_labels)


def test_missing_images_are_reported_in_one_sentence(tmp_path) -> None:
    events = list(sample(small(**{"data.name": "mnist"}), data_dir=tmp_path / "nowhere"))
    assert isinstance(events[-1], Failed)
    assert "msd download mnist" in events[-1].text
    assert all(isinstance(event, Tick) for event in events[:-1])


def test_images_are_read_once_and_few_sets_are_kept(monkeypatch, tmp_path) -> None:
    wanted: list[ImagesSpec] = []

    def counted(spec, data_dir=None):
        wanted.append(spec)
        return load_images(spec, data_dir)

    monkeypatch.setattr(loaded, "load_images", counted)
    for seed in range(3):
        samples_of(small(**{"sampling.seed": seed}))
    assert len(wanted) == 1
    # A copy of other data pushes nothing out that is still in use, but the shelves stay small.
    for limit in (50, 60, 70):
        samples_of(small(**{"data.limit": limit}))
    assert len(wanted) == 4
    assert len(loaded._SETS._kept) <= 2
    assert len(loaded._DENOISERS._kept) == 1
    samples_of(small())
    assert len(wanted) == 5


def test_a_set_that_was_missing_is_found_once_it_is_there(tmp_path) -> None:
    spec = small(**{"data.name": "cifar-10"})
    assert isinstance(list(sample(spec, data_dir=tmp_path))[-1], Failed)
    write_cifar_set(tmp_path / "cifar-10-batches-bin")
    assert samples_of(spec, data_dir=tmp_path).shape == (6, 3, 32, 32)
