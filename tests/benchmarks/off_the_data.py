"""How often the verdict "off the data" is wrong on real images, and how often it is given to junk.

    python tests/benchmarks/off_the_data.py [--data digits] [--n 512]

The feature network of the set is trained, or its features of real images computed, where they are not kept yet. For the
false alarms the held-out images are cut in two at random, ten times: one half gives the bounds, the other is judged.
"""

from __future__ import annotations

import argparse

import torch
from torch import Tensor
from torch.nn import functional

from msd_engine.data.images import ImageSet, load_images
from msd_engine.metrics.features import feature_network
from msd_engine.metrics.support import RARE, support_of
from msd_engine.specs import ImagesSpec

ROUNDS = 10
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
    training = network.look(images.to_data(images.train[order[:most]]))
    held_out = network.look(images.to_data(images.test[:most]))
    rates = []
    for _ in range(ROUNDS):
        bounds, judged = torch.randperm(len(held_out), generator=draws).tensor_split(2)
        support = support_of(training, held_out[bounds], network.class_names)
        rates.append(float(support.off(held_out[judged]).double().mean()))
    half = len(held_out) // 2
    print(f"{network.name}; q = {RARE:g}, or 2/(n + 1) = {2 / (half + 1):.2g} where that is more")
    print(f"{'real images, held out':28}{sum(rates) / ROUNDS:8.4f}   (at most {max(rates):.4f} of {ROUNDS} cuts)")
    support = support_of(training, held_out, network.class_names)
    for name, x in junk(images, min(options.n, len(images.test)), draws).items():
        print(f"{name:28}{float(support.off(network.look(x)).double().mean()):8.3f}")


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


def mean_of(images: ImageSet, count: int, n: int, draws: torch.Generator) -> Tensor:
    """Means of training images drawn at random, with shape (n, C, H, W)."""
    which = torch.randint(len(images.train), (n, count), generator=draws)
    return torch.stack([images.to_data(images.train[some]).mean(dim=0) for some in which])


if __name__ == "__main__":
    main()
