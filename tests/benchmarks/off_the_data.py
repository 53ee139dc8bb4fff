"""How often the verdict "off the data" is wrong on real images, and how often it is given to junk.

    python tests/benchmarks/off_the_data.py [--data digits] [--n 512]

The feature network of the set is trained, or its features of real images computed, where they are not kept yet. For the
false alarms the held-out images are cut in two at random, ten times: one half gives the bounds, the other is judged.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from msd_engine.data.images import ImageSet, load_images
from msd_engine.metrics.features.choose import feature_network
from msd_engine.metrics.features.extract import features_of_real
from msd_engine.metrics.features.network import FeatureBatch, FeatureNetwork
from msd_engine.metrics.quality.support import RARE, Support, support_of
from msd_engine.specs import ImagesSpec

ROUNDS = 10
BLURS = (0.5, 0.75, 1.0, 1.5, 2.0)
MOST = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="digits", choices=("digits", "mnist", "fashion-mnist", "cifar-10"))
    parser.add_argument("--n", type=int, default=512)
    options = parser.parse_args()
    images = load_images(ImagesSpec(name=options.data))
    network = feature_network(options.data)
    most = MOST if network.class_names else 2048
    draws = torch.Generator().manual_seed(0)
    order = torch.randperm(len(images.train), generator=draws)
    training = whole(network, images.train[order[:most]])
    held_out = whole(network, images.test[:most])
    rates, without = [], []
    for _ in range(ROUNDS):
        bounds, judged = torch.randperm(len(held_out), generator=draws).tensor_split(2)
        for found, of in ((rates, FeatureBatch.__getitem__), (without, bare)):
            support = support_of(of(training, slice(None)), of(held_out, bounds), network.class_names)
            found.append(share(support, of(held_out, judged)))
    half = len(held_out) // 2
    scores = 2 if training.bands is None else 3
    least = f"{scores}/(n + 1) = {scores / (half + 1):.2g}"
    print(f"{network.name}; {scores} q = {scores * RARE:g}, or {least} where that is more")
    print(f"{'':28}{'off':>8}{'without the bands of frequency':>34}")
    means = sum(rates) / ROUNDS, sum(without) / ROUNDS
    print(f"{'real images, held out':28}{means[0]:8.4f}{means[1]:34.4f}   (at most {max(rates):.4f} of {ROUNDS} cuts)")
    support = support_of(training, held_out, network.class_names)
    before = support_of(bare(training, slice(None)), bare(held_out, slice(None)), network.class_names)
    for name, x in junk(images, min(options.n, len(images.test)), draws).items():
        batch = network.extract_features(x)
        print(f"{name:28}{share(support, batch):8.3f}{share(before, batch):34.3f}", flush=True)


def whole(network: FeatureNetwork, images: Tensor) -> FeatureBatch:
    """What is seen in real images, which is kept."""
    *_, batch = features_of_real(network, images)
    return batch


def share(support: Support, batch: FeatureBatch) -> float:
    """Share of images that lie off the data."""
    return float(support.off(batch).double().mean())


def bare(batch: FeatureBatch, which: slice | Tensor) -> FeatureBatch:
    """What was seen in some images, without the energies in bands of frequency."""
    return replace(batch[which], bands=None)


def junk(images: ImageSet, n: int, draws: torch.Generator) -> dict[str, Tensor]:
    """Images that are none, from n held-out images or from noise, with shape (n, C, H, W)."""
    x = images.to_data(images.test[:n])
    noise = torch.randn(x.shape, generator=draws)
    side = x.shape[-1]
    smooth = blurred(noise, max(3, side // 5))
    spread = smooth.flatten(1).std(dim=1)[:, None, None, None]
    places = torch.randperm(side * side, generator=draws)
    return {
        "white noise": noise,
        "grey with noise of .3": 0.3 * noise,
        "image + noise of .1": x + 0.1 * noise,
        "image + noise of .3": x + 0.3 * noise,
        "image + noise of .6": x + 0.6 * noise,
        "blots": (2 * smooth / spread - 1).clamp(-1, 1),
        "mean of 4 images": mean_of(images, 4, n, draws),
        "mean of 16 images": mean_of(images, 16, n, draws),
        **{f"blurred, Gaussian of {w:g} px": gaussian_blurred(x, w) for w in BLURS},
        "blurred over a fifth": blurred(x, max(3, side // 5)),
        "one colour": x[:, :, :1, :1].expand_as(x),
        "shuffled pixels": x.flatten(2)[:, :, places].reshape(x.shape),
    }


def blurred(x: Tensor, width: int) -> Tensor:
    """Images blurred twice by the mean over a square of an odd width."""
    odd = width | 1
    for _ in range(2):
        x = functional.avg_pool2d(x, odd, 1, odd // 2, count_include_pad=False)
    return x


def gaussian_blurred(x: Tensor, width: float) -> Tensor:
    """Images blurred by a Gaussian whose standard deviation is so many pixels."""
    reach = min(math.ceil(4 * width), x.shape[-1] - 1)
    places = torch.arange(-reach, reach + 1)
    weights = torch.exp(-places.square() / (2 * width**2))
    kernel = torch.outer(weights, weights) / weights.sum() ** 2
    padded = functional.pad(x, (reach,) * 4, mode="reflect")
    return functional.conv2d(padded, kernel.expand(x.shape[1], 1, *kernel.shape), groups=x.shape[1])


def mean_of(images: ImageSet, count: int, n: int, draws: torch.Generator) -> Tensor:
    """Means of training images drawn at random, with shape (n, C, H, W)."""
    which = torch.randint(len(images.train), (n, count), generator=draws)
    return torch.stack([images.to_data(images.train[some]).mean(dim=0) for some in which])


if __name__ == "__main__":
    main()
