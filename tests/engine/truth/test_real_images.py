"""Real images compared with real ones: nothing stands between them, however the files of a set are ordered."""

from __future__ import annotations

import pytest
import torch

from msd_engine.data.folder import candidates
from msd_engine.data.images import IDX_FILES, ImageSet, load_images
from msd_engine.metrics.features.choose import kept_network
from msd_engine.metrics.features.network import FeatureNetwork
from msd_engine.metrics.quality.figures import kernel_figure, overlap_figures
from msd_engine.metrics.quality.standard import array
from msd_engine.specs import ImagesSpec


def test_held_out_images_come_in_one_random_order() -> None:
    # Sorted by writer: the grey value says which.
    test = torch.arange(200, dtype=torch.uint8).reshape(200, 1, 1, 1).expand(200, 1, 2, 2)
    images = ImageSet("digits", test, torch.zeros(200), test, torch.zeros(200), ("0",))
    few = images.held_out(50)[:, 0, 0, 0].tolist()
    assert few == images.held_out(120)[:50, 0, 0, 0].tolist()
    assert len(set(few)) == 50
    assert abs(sum(few) / 50 - 99.5) < 4.5 * 57.7 / 50**0.5
    assert sorted(images.held_out(1000)[:, 0, 0, 0].tolist()) == list(range(200))


def features(network: FeatureNetwork, images: torch.Tensor):
    return array(network.extract_features(ImageSet.to_data(images)))


@pytest.mark.long
def test_real_images_of_mnist_are_at_no_kernel_distance() -> None:
    # Against the first 2 048 held-out images it is 13, and density is .84 for .93.
    if not any((folder / f"{IDX_FILES[0]}.gz").is_file() for folder in candidates("mnist")):
        pytest.skip("MNIST is not in the data folder")
    images = load_images(ImagesSpec(name="mnist"))
    network = kept_network("mnist", None, torch.device("cpu"))
    assert network is not None
    order = torch.randperm(len(images.train), generator=torch.Generator().manual_seed(5))
    one, other = (features(network, images.train[order[part : part + 2048]]) for part in (0, 2048))
    reference = features(network, images.held_out(2048))
    for sample in (one, other):
        figure = kernel_figure(sample, other, reference)
        assert figure.low < 0 < figure.high or abs(figure.value) < 5
    overlap = {figure.name: figure.value for figure in overlap_figures(one, other, reference)}
    assert overlap["density"] > 0.89
    assert overlap["precision"] > 0.92
