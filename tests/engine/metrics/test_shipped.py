"""The judges that ship: taken at once, refused where recipe, format or content differ, and second to what is kept."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from msd_engine.backend.tensors import pack_tensors, read_tensors
from msd_engine.data.images import ImageSet, load_images
from msd_engine.events import Notice, Quality, Verdicts
from msd_engine.jobs.quality.evaluate import evaluate
from msd_engine.jobs.sampling.sample import sample
from msd_engine.metrics.features import classifier
from msd_engine.metrics.features.choose import FeatureNetwork, kept_network, preparing
from msd_engine.metrics.features.classifier import Recipe, classifier_path, classifiers_folder, recipe_for
from msd_engine.metrics.features.shipped import INDEX, shipped, shipped_folder
from msd_engine.metrics.quality.judge import LEAST
from msd_engine.metrics.quality.standard import standard
from msd_engine.metrics.quality.support import energies, keep_judge, kept_judge
from msd_engine.specs import ImagesSpec, load_preset

CPU = torch.device("cpu")
SETS = {"digits": 8, "mnist": 28, "fashion-mnist": 28}


@pytest.fixture(scope="module")
def digits() -> ImageSet:
    return load_images(ImagesSpec(name="digits"))


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what ships, to be changed."""
    folder = tmp_path / "judges"
    shutil.copytree(shipped_folder(), folder)
    monkeypatch.setattr("msd_engine.metrics.features.shipped.shipped_folder", lambda: folder)
    return folder


def network_of_digits() -> FeatureNetwork:
    network = kept_network("digits", device=CPU)
    assert network is not None
    return network


def test_each_file_is_the_listed_one_and_together_they_are_small() -> None:
    files = {path.name: path.read_bytes() for path in shipped_folder().glob("*.safetensors")}
    listed = json.loads((shipped_folder() / INDEX).read_text())
    assert {name: hashlib.sha256(data).hexdigest() for name, data in files.items()} == listed
    assert sum(map(len, files.values())) < 4_000_000
    assert all(shipped(name) == shipped_folder() / name for name in files)
    assert shipped("cifar-10.safetensors") is None


@pytest.mark.parametrize("name", SETS)
def test_a_judge_of_the_present_recipe_ships_and_needs_no_images(name: str) -> None:
    judge = kept_judge(name, CPU)
    assert judge is not None
    assert judge.network.digest.startswith(f"{name}-")
    (path,) = shipped_folder().glob(f"{name}-*.safetensors")
    _, notes = read_tensors(path, "a classifier")
    assert json.loads(notes["recipe"]) == asdict(recipe_for(name))
    assert float(notes["accuracy"]) > 0.9
    noise = torch.randn((50, 1, SETS[name], SETS[name]), generator=torch.Generator().manual_seed(0))
    assert bool(judge.support.off(judge.network.extract_features(noise)).all())


def test_it_is_what_would_be_made_here_from_its_images(digits: ImageSet) -> None:
    assert list(preparing("digits", device=CPU)) == []
    assert shipped(classifier_path(digits, recipe_for("digits")).name) is not None
    steps = standard(digits, network_of_digits(), LEAST)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            made = end.value.judge
            break
    ships = kept_judge("digits", CPU)
    assert ships is not None
    assert ships.network.digest == made.network.digest
    x = digits.to_data(digits.test)
    batch = ships.network.extract_features(x)
    distances = [judge.support.textures.distances(batch.textures) for judge in (ships, made)]
    torch.testing.assert_close(*distances, rtol=1e-4, atol=1e-4)
    # A bound is the score of one of these images: on which side of it that one lies is decided by rounding.
    for bound in (lambda support: support.energy_bound, lambda support: support.textures.bound):
        assert bound(ships.support) == pytest.approx(bound(made.support), abs=1e-4)
    clear = (energies(batch) < ships.support.energy_bound - 1e-3) & (distances[0] < ships.support.textures.bound - 1e-3)
    assert len(x) - 2 <= clear.sum() < len(x)
    for judge in (ships, made):
        assert not judge.support.off(judge.network.extract_features(x)[clear]).any()
        assert judge.support.off(judge.network.extract_features(-x)).float().mean() > 0.9
    torch.testing.assert_close(ships.support.real_shares, made.support.real_shares)


def test_the_first_sampling_is_judged_and_the_first_measurement_trains_nothing() -> None:
    spec = load_preset("digits-exact").replace_all(
        {"sampling.chains": LEAST, "sampling.levels": 3, "sampling.steps_per_level": 1}
    )
    (verdicts,) = [event for event in sample(spec, device="cpu") if isinstance(event, Verdicts)]
    assert verdicts.features
    assert not verdicts.left_out
    events = list(evaluate(spec, device="cpu"))
    assert [event for event in events if isinstance(event, Quality)]
    assert not [event for event in events if isinstance(event, Notice)]
    assert not classifiers_folder().exists()


def test_another_recipe_or_format_is_refused(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as changed:
        changed.setitem(classifier._RECIPES, "digits", Recipe(passes=2, batch=64))
        steps = preparing("digits", device=CPU)
        assert next(steps).done == 1
        steps.close()
        assert kept_judge("digits", CPU) is None
    assert kept_judge("digits", CPU) is not None
    with monkeypatch.context() as changed:
        changed.setattr(classifier, "_FORMAT", "msd-classifier-0")
        assert kept_network("digits", device=CPU) is None
        assert kept_judge("digits", CPU) is None


def test_a_changed_file_is_as_if_it_were_not_there(own: Path) -> None:
    (path,) = own.glob("digits-*.safetensors")
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    assert kept_network("digits", device=CPU) is None
    assert kept_judge("digits", CPU) is None
    assert kept_judge("mnist", CPU) is not None
    (own / INDEX).write_text("no list")
    assert kept_judge("mnist", CPU) is None
    shutil.rmtree(own)
    assert kept_judge("mnist", CPU) is None


def test_what_was_trained_here_goes_before_and_is_judged_by_its_own_bounds(digits: ImageSet) -> None:
    ships = kept_judge("digits", CPU)
    assert ships is not None
    path = classifier_path(digits, recipe_for("digits"))
    source = shipped(path.name)
    assert source is not None
    tensors, notes = read_tensors(source, "a classifier")
    path.parent.mkdir(parents=True)
    path.write_bytes(pack_tensors(tensors | {"last.bias": tensors["last.bias"] + 1}, notes))
    network = network_of_digits()
    assert network.digest != ships.network.digest
    # The bounds that ship are those of other weights.
    assert kept_judge("digits", CPU) is None
    keep_judge(type(ships)(network, ships.support), "digits", (1, 8, 8))
    kept = kept_judge("digits", CPU)
    assert kept is not None
    assert kept.network.digest == network.digest


def test_a_new_training_can_be_requested(monkeypatch: pytest.MonkeyPatch, digits: ImageSet) -> None:
    assert list(preparing("digits", device=CPU)) == []
    steps = preparing("digits", device=CPU, retrain=True)
    assert next(steps).total == recipe_for("digits").steps(len(digits.train))
    steps.close()
