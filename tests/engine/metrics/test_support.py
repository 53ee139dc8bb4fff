"""Which images lie off the data in the eyes of a feature network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from msd_engine.backend.errors import BadFile
from msd_engine.data.images import ImageSet, load_images
from msd_engine.events import Quality, Samples, Verdicts
from msd_engine.jobs.quality.evaluate import evaluate
from msd_engine.jobs.sampling.sample import sample
from msd_engine.metrics.features import classifier
from msd_engine.metrics.features.choose import feature_network
from msd_engine.metrics.features.classifier import Recipe
from msd_engine.metrics.features.network import FeatureBatch, FeatureNetwork
from msd_engine.metrics.quality.support import (
    RARE,
    Judge,
    conformal_bound,
    energies,
    keep_judge,
    kept_judge,
    support_of,
)
from msd_engine.runs.samples import save_samples
from msd_engine.specs import ImagesSpec, load_preset

CPU = torch.device("cpu")
SHAPE = (1, 8, 8)


@pytest.fixture(scope="module")
def digits() -> ImageSet:
    return load_images(ImagesSpec(name="digits"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("judges")


@pytest.fixture
def network(folder: Path, monkeypatch: pytest.MonkeyPatch) -> FeatureNetwork:
    """A quickly trained classifier, kept for all tests of this file."""
    monkeypatch.setenv("MSD_CACHE_DIR", str(folder))
    monkeypatch.setitem(classifier._RECIPES, "digits", Recipe(passes=15, batch=64))
    return feature_network("digits", device=CPU)


@pytest.fixture
def judge(network: FeatureNetwork, digits: ImageSet) -> Judge:
    batch = (
        network.extract_features(digits.to_data(digits.train)),
        network.extract_features(digits.to_data(digits.test)),
    )
    return Judge(network, support_of(*batch, network.class_names))


def off(judge: Judge, x: Tensor) -> float:
    return float(judge.support.off(judge.network.extract_features(x)).double().mean())


def gaussian(n: int, seed: int, width: int = 4) -> FeatureBatch:
    draws = torch.Generator().manual_seed(seed)
    logits, textures = torch.randn(n, 3, generator=draws), torch.randn(n, width, generator=draws)
    return FeatureBatch(torch.zeros(n, 2), logits, textures, logits.logsumexp(dim=1))


def test_a_new_draw_is_beyond_the_bounds_as_often_as_is_said() -> None:
    names = ("a", "b", "c")
    rates = []
    for seed in range(20):
        support = support_of(gaussian(500, seed), gaussian(2000, 1000 + seed), names)
        rates.append(float(support.off(gaussian(4000, 2000 + seed)).double().mean()))
    # The two scores of these draws are independent: 1 − (1 − q)² in the mean.
    assert sum(rates) / len(rates) == pytest.approx(2 * RARE, rel=0.25)


def test_the_conformal_bound_is_an_order_statistic() -> None:
    scores = torch.arange(1.0, 1000.0).flip(0)
    assert conformal_bound(scores, 0.01) == 990.0
    assert conformal_bound(scores, 0.0) == 999.0
    assert conformal_bound(scores[:9], 0.001) == float(scores[:9].max())


def test_distances_do_not_depend_on_the_axes_of_the_textures() -> None:
    training, new = gaussian(400, 0), gaussian(50, 1)
    turn = torch.linalg.qr(torch.randn(4, 4, generator=torch.Generator().manual_seed(2))).Q
    turned = [replace(batch, textures=batch.textures @ turn + 3.0) for batch in (training, new)]
    names = ("a", "b", "c")
    one, other = support_of(training, training, names), support_of(turned[0], turned[0], names)
    before, after = one.textures.distances(new.textures), other.textures.distances(turned[1].textures)
    torch.testing.assert_close(before, after, rtol=1e-5, atol=1e-5)
    # The mean squared distance of the data themselves is their dimension, but for the ridge.
    assert float(one.textures.distances(training.textures).square().mean()) == pytest.approx(4.0, rel=0.01)


def test_little_evidence_and_strange_textures_are_each_enough() -> None:
    batch = gaussian(400, 0)
    support = support_of(batch, batch, ("a", "b", "c"))
    torch.testing.assert_close(energies(batch), -batch.logits.double().logsumexp(dim=1), rtol=1e-6, atol=1e-6)
    assert float(support.off(batch).double().mean()) <= 2 * RARE
    assert bool(support.off(replace(batch, textures=batch.textures + 20)).all())
    assert bool(support.off(replace(batch, evidence=batch.evidence - 20)).all())
    # More evidence than real images give speaks for an image.
    assert not bool(support.off(replace(batch, evidence=batch.evidence + 20)).any())


def test_real_images_lie_on_the_data_and_junk_does_not(judge: Judge, digits: ImageSet) -> None:
    draws = torch.Generator().manual_seed(0)
    x = digits.to_data(digits.test)
    assert off(judge, digits.to_data(digits.train)) < 0.02
    assert off(judge, torch.randn(200, *SHAPE, generator=draws)) > 0.9
    assert off(judge, 0.3 * torch.randn(200, *SHAPE, generator=draws) - 0.7) > 0.9
    assert off(judge, -x) > 0.9
    places = torch.randperm(64, generator=draws)
    assert off(judge, x.flatten(1)[:, places].reshape(x.shape)) > 0.9


def test_a_kept_judge_says_the_same_and_reads_no_images(judge: Judge, digits: ImageSet) -> None:
    before = torch.get_rng_state()
    keep_judge(judge, "digits", SHAPE)
    kept = kept_judge("digits", CPU)
    assert kept is not None
    assert torch.equal(before, torch.get_rng_state())
    x = digits.to_data(digits.test)
    torch.testing.assert_close(kept.network.features(x), judge.network.features(x), rtol=0, atol=0)
    assert torch.equal(
        kept.support.off(kept.network.extract_features(x)), judge.support.off(judge.network.extract_features(x))
    )
    assert (kept.network.name, kept.support.class_names) == (judge.network.name, judge.support.class_names)
    torch.testing.assert_close(kept.support.real_shares, judge.support.real_shares)
    assert kept_judge("cifar-10", CPU) is None


def test_a_judge_without_its_classifier_is_none_and_a_damaged_one_is_named(
    judge: Judge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MSD_CACHE_DIR", str(tmp_path))
    keep_judge(judge, "digits", SHAPE)
    assert kept_judge("digits", CPU) is None
    (tmp_path / "judges" / "digits.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(BadFile, match="delete it"):
        kept_judge("digits", CPU)


def test_a_judge_of_another_version_is_made_again(
    judge: Judge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MSD_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("msd_engine.metrics.quality.support._FORMAT", "msd-support-0")
    keep_judge(judge, "digits", SHAPE)
    monkeypatch.setattr("msd_engine.metrics.quality.support._FORMAT", "msd-support-2")
    assert kept_judge("digits", CPU) is None


def ends() -> Verdicts:
    few = {"sampling.chains": 8, "sampling.levels": 12, "sampling.steps_per_level": 3}
    events = list(sample(load_preset("digits-exact").replace_all(few), device="cpu"))
    assert any(isinstance(event, Samples) for event in events)
    (found,) = [event for event in events if isinstance(event, Verdicts)]
    return found


def test_sampling_leaves_the_verdict_out_until_quality_was_measured_once(
    network: FeatureNetwork, digits: ImageSet, folder: Path, tmp_path: Path
) -> None:
    (folder / "judges" / "digits.safetensors").unlink(missing_ok=True)
    before = ends()
    assert (before.features, before.class_names) == ("", ())
    assert "first measured" in before.left_out
    noise = torch.randn((60, *SHAPE), generator=torch.Generator().manual_seed(0))
    x = torch.cat((digits.to_data(digits.train[:100]), noise))
    save_samples(tmp_path / "x.npz", x.numpy(), x[:, None].numpy(), 0, load_preset("digits-exact").to_json())
    (quality,) = [e for e in evaluate(samples=tmp_path / "x.npz", device="cpu") if isinstance(e, Quality)]
    dead = quality.dead["off the data"]
    assert dead > 50
    assert quality.lived == 160 - sum(quality.dead.values())
    (figure,) = [figure for figure in quality.figures if figure.name == "yield"]
    assert figure.value == pytest.approx(quality.lived / 160)
    assert figure.low < figure.value < figure.high
    assert figure.real > 0.98
    after = ends()
    assert after.features == network.name
    assert after.left_out == ""
    assert after.class_names == digits.class_names
    assert after.shares.sum() == pytest.approx(1.0)
    assert after.verdict == before.verdict
