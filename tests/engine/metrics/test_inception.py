"""The FID's network: its pools and its resizing, and which files are taken for its weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from msd_engine.backend.errors import BadFile
from msd_engine.backend.tensors import pack_tensors
from msd_engine.data.images import load_images
from msd_engine.events import Failed, Figure
from msd_engine.jobs.quality.evaluate import evaluate
from msd_engine.metrics.features.choose import feature_network
from msd_engine.metrics.features.inception import WIDTH, Inception, _Mixed, enlarged, inception_network
from msd_engine.metrics.features.network import FeatureBatch, FeatureNetwork
from msd_engine.metrics.quality.judge import judge
from msd_engine.metrics.quality.standard import standard
from msd_engine.runs.samples import save_samples
from msd_engine.specs import ImagesSpec, load_preset

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        tensors = Inception().state_dict()
    return {name: value for name, value in tensors.items() if value.is_floating_point()}


@pytest.fixture(scope="module")
def file(weights: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "fid.safetensors"
    path.write_bytes(pack_tensors(weights, {}))
    return path


def test_a_line_of_pixels_is_enlarged_without_half_pixels() -> None:
    ramp = torch.arange(8.0).expand(1, 1, 8, 8)
    torch.testing.assert_close(enlarged(ramp, 8), ramp)
    # Pixel i of the new line lies at i·8/32; beyond the last pixel it stays.
    wanted = (torch.arange(32.0) / 4).clamp(max=7.0)
    torch.testing.assert_close(enlarged(ramp, 32)[0, 0, 5], wanted)
    torch.testing.assert_close(enlarged(ramp.mT.contiguous(), 32), enlarged(ramp, 32).mT)
    torch.testing.assert_close(enlarged(torch.full((2, 3, 5, 7), 0.25), 299), torch.full((2, 3, 299, 299), 0.25))


def test_padding_has_no_part_in_the_means_and_the_last_pool_takes_the_largest() -> None:
    flat = torch.ones(1, 2, 5, 5)
    torch.testing.assert_close(_Mixed(2, [[]], "mean")(flat), flat)
    peak = flat.clone()
    peak[0, 0, 2, 2] = 9.0
    assert float(_Mixed(2, [[]], "largest")(peak)[0, 0].sum()) == 16 + 9 * 9
    assert float(_Mixed(2, [[]], "mean")(peak)[0, 0, 1, 1]) == pytest.approx((8 + 9) / 9)
    assert _Mixed(2, [[]], "shrink")(peak).shape == (1, 2, 2, 2)


def test_the_users_weights_are_read_and_named(file: Path, weights: dict[str, Tensor]) -> None:
    before = torch.get_rng_state()
    network = feature_network("cifar-10", None, CPU, file)
    assert torch.equal(before, torch.get_rng_state())
    assert network.fid
    assert "2015-12-05" in network.name
    draws = torch.Generator().manual_seed(1)
    x = torch.randint(0, 256, (2, 3, 32, 32), generator=draws) / 127.5 - 1
    batch = network.extract_features(x)
    assert batch.features.shape == (2, WIDTH)
    assert network.probabilities(x) is None
    net = Inception().eval()
    net.load_state_dict(weights, strict=False)
    with torch.no_grad():
        torch.testing.assert_close(net.features(x), batch.features)
    # Images are bytes to the network, as they are to the published one.
    less = x + (torch.rand(x.shape, generator=draws) - 0.5) * 0.9 / 127.5
    torch.testing.assert_close(network.features(less), batch.features, rtol=0, atol=0)


def test_no_other_file_is_taken_for_the_weights(weights: dict[str, Tensor], tmp_path: Path) -> None:
    path = tmp_path / "other"
    for content in (
        b"",
        b"\x80\x02pickled",
        pack_tensors({"a": torch.zeros(3)}, {}),
        pack_tensors({name: value for name, value in weights.items() if not name.startswith("fc.")}, {}),
        pack_tensors(weights | {"fc.weight": torch.zeros(1000, WIDTH), "fc.bias": torch.zeros(1000)}, {}),
    ):
        path.write_bytes(content)
        with pytest.raises(BadFile, match="No FID"):
            inception_network(path, CPU)
    with pytest.raises(BadFile, match="No FID"):
        inception_network(tmp_path / "missing", CPU)


def test_grey_images_have_no_fid(file: Path, tmp_path: Path) -> None:
    x = np.zeros((20, 1, 8, 8), np.float32)
    save_samples(tmp_path / "x.npz", x, x[:, None], 0, load_preset("digits-exact").to_json())
    end = list(evaluate(samples=tmp_path / "x.npz", inception=file, device="cpu"))[-1]
    assert isinstance(end, Failed)
    assert "No FID of Digits" in end.text


@pytest.mark.parametrize("fid", [False, True])
def test_only_its_distance_is_called_fid(fid: bool) -> None:
    images = load_images(ImagesSpec(name="digits"))

    def extract_features(x: Tensor) -> FeatureBatch:
        pixels = x.flatten(1)
        return FeatureBatch(pixels[:, :20], x.new_zeros(len(x), 0), pixels[:, 20:24], pixels.mean(dim=1))

    network = FeatureNetwork("pixels", 20, (), CPU, f"pixels-{fid}", 256, extract_features, fid)

    def result(steps):
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value

    against = result(standard(images, network, 60))
    found = result(judge(images.to_data(images.train[:60]), against, np.random.default_rng(0)))
    distance: Figure = found.figures[0]
    assert (distance.name, distance.title) == (("fid", "FID") if fid else ("frechet", "Fréchet distance"))
    assert ("Not the FID" in distance.help) != fid
