"""The Inception network of the FID, with weights supplied by the user.

M. Heusel et al. 2017 (arXiv:1706.08500) defined the FID by one network: the Inception v3 (C. Szegedy et al. 2015,
arXiv:1512.00567) published on 2015-12-05, with 1 008 outputs. Its pools differ from those of other versions: their
means ignore the padding, and the last one is a maximum. The program does not ship its weights and reads them from a
file of the user; distances by other features are not called FID. Names and shapes must be those of the PyTorch port of
pytorch-fid and torch-fidelity (``pt_inception-2015-12-05-6726825d.pth``), converted to safetensors, which runs no
code::

    python -c "import torch, safetensors.torch as s; t = torch.load('pt_inception-2015-12-05-6726825d.pth', \
weights_only=True); s.save_file({n: v.contiguous() for n, v in t.items() if v.is_floating_point()}, 'fid.safetensors')"

Images are scaled to 299 pixels a side and to [-1, 1) as in the published graph: bilinear without half pixels,
then (byte − 128)/128.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from msd_engine.backend.errors import BadFile
from msd_engine.backend.tensors import read_tensors
from msd_engine.events.pixels import to_grey

WIDTH = 2048
"""Length of a feature vector."""

_EXPECTED = (
    "the weights of the FID's Inception network of 2015-12-05 as safetensors, with the names of pytorch-fid (see "
    "msd evaluate --help)"
)
_SIDE = 299
_CLASSES = 1008
_EPS = 1e-3
_TEXTURED = "Mixed_5d"

# Of each convolution: name, channels, kernel (rows, columns), stride. Stride 1 keeps the size, stride 2 has no
# padding. Convolutions in a tuple at the end of a branch share their input; their outputs are concatenated.
_Layer = tuple[str, int, tuple[int, int], int]
_Branch = Sequence[_Layer | tuple[_Layer, ...]]

_1, _3, _5, _ROW, _COLUMN = (1, 1), (3, 3), (5, 5), (1, 7), (7, 1)


def _a(pool: int) -> list[_Branch]:
    return [
        [("branch1x1", 64, _1, 1)],
        [("branch5x5_1", 48, _1, 1), ("branch5x5_2", 64, _5, 1)],
        [("branch3x3dbl_1", 64, _1, 1), ("branch3x3dbl_2", 96, _3, 1), ("branch3x3dbl_3", 96, _3, 1)],
        [("branch_pool", pool, _1, 1)],
    ]


def _b() -> list[_Branch]:
    return [
        [("branch3x3", 384, _3, 2)],
        [("branch3x3dbl_1", 64, _1, 1), ("branch3x3dbl_2", 96, _3, 1), ("branch3x3dbl_3", 96, _3, 2)],
        [],
    ]


def _c(inner: int) -> list[_Branch]:
    turns = [_COLUMN, _ROW, _COLUMN]
    return [
        [("branch1x1", 192, _1, 1)],
        [("branch7x7_1", inner, _1, 1), ("branch7x7_2", inner, _ROW, 1), ("branch7x7_3", 192, _COLUMN, 1)],
        [
            ("branch7x7dbl_1", inner, _1, 1),
            *[(f"branch7x7dbl_{number}", inner, turn, 1) for number, turn in enumerate(turns, 2)],
            ("branch7x7dbl_5", 192, _ROW, 1),
        ],
        [("branch_pool", 192, _1, 1)],
    ]


def _d() -> list[_Branch]:
    inner = [("branch7x7x3_2", 192, _ROW, 1), ("branch7x7x3_3", 192, _COLUMN, 1), ("branch7x7x3_4", 192, _3, 2)]
    return [
        [("branch3x3_1", 192, _1, 1), ("branch3x3_2", 320, _3, 2)],
        [("branch7x7x3_1", 192, _1, 1), *inner],
        [],
    ]


def _e() -> list[_Branch]:
    def both(stem: str) -> tuple[_Layer, ...]:
        return (f"{stem}a", 384, (1, 3), 1), (f"{stem}b", 384, (3, 1), 1)

    return [
        [("branch1x1", 320, _1, 1)],
        [("branch3x3_1", 384, _1, 1), both("branch3x3_2")],
        [("branch3x3dbl_1", 448, _1, 1), ("branch3x3dbl_2", 384, _3, 1), both("branch3x3dbl_3")],
        [("branch_pool", 192, _1, 1)],
    ]


# Of each block: name, branches, and the pooling of its last branch.
_BLOCKS = (
    ("Mixed_5b", _a(32), "mean"),
    ("Mixed_5c", _a(64), "mean"),
    ("Mixed_5d", _a(64), "mean"),
    ("Mixed_6a", _b(), "shrink"),
    ("Mixed_6b", _c(128), "mean"),
    ("Mixed_6c", _c(160), "mean"),
    ("Mixed_6d", _c(160), "mean"),
    ("Mixed_6e", _c(192), "mean"),
    ("Mixed_7a", _d(), "shrink"),
    ("Mixed_7b", _e(), "mean"),
    ("Mixed_7c", _e(), "largest"),
)


class _Convolution(nn.Module):
    """A convolution without bias and with fixed normalisation; parts are named as in the file."""

    def __init__(self, before: int, after: int, kernel: tuple[int, int], stride: int, *, padded: bool = True) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2) if padded and stride == 1 else (0, 0)
        self.conv = nn.Conv2d(before, after, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(after, eps=_EPS)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.bn(self.conv(x)))


class _Mixed(nn.Module):
    """Branches with a common input and concatenated outputs."""

    def __init__(self, before: int, branches: list[_Branch], pool: str) -> None:
        super().__init__()
        self._branches, self._pool, self.channels = branches, pool, 0
        for branch in branches:
            inside = before
            for layer in branch:
                beside = (layer,) if isinstance(layer[0], str) else layer
                for name, after, kernel, stride in beside:
                    self.add_module(name, _Convolution(inside, after, kernel, stride))
                inside = sum(after for _, after, _, _ in beside)
            self.channels += inside

    def forward(self, x: Tensor) -> Tensor:
        parts = []
        for branch in self._branches:
            h = self._pooled(x) if branch is self._branches[-1] else x
            for layer in branch:
                beside = (layer,) if isinstance(layer[0], str) else layer
                h = torch.cat([self.get_submodule(name)(h) for name, *_ in beside], dim=1)
            parts.append(h)
        return torch.cat(parts, dim=1)

    def _pooled(self, x: Tensor) -> Tensor:
        if self._pool == "mean":
            return functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        return functional.max_pool2d(x, 3, 1, 1) if self._pool == "largest" else functional.max_pool2d(x, 3, 2)


class Inception(nn.Module):
    """The network up to its last hidden layer."""

    width = WIDTH

    def __init__(self) -> None:
        super().__init__()
        self.name = ""
        self.Conv2d_1a_3x3 = _Convolution(3, 32, _3, 2)
        self.Conv2d_2a_3x3 = _Convolution(32, 32, _3, 1, padded=False)
        self.Conv2d_2b_3x3 = _Convolution(32, 64, _3, 1)
        self.Conv2d_3b_1x1 = _Convolution(64, 80, _1, 1)
        self.Conv2d_4a_3x3 = _Convolution(80, 192, _3, 1, padded=False)
        channels = 192
        for name, branches, pool in _BLOCKS:
            block = _Mixed(channels, branches, pool)
            self.add_module(name, block)
            channels = block.channels
        self.fc = nn.Linear(channels, _CLASSES)

    def features(self, x: Tensor) -> Tensor:
        """Return the features: the last activations, averaged over the image.

        Args:
            x: Images with shape (B, 3, H, W), in [-1, 1].

        Returns:
            Features with shape (B, 2048).
        """
        return self.extract_features(x)[0]

    def extract_features(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return features, textures and evidence of images, in one pass.

        Args:
            x: Images with shape (B, 3, H, W), in [-1, 1].

        Returns:
            Features with shape (B, 2048), the means of the maps after the third block with shape (B, 288), and
            log Σ exp of the logits of ImageNet's classes with shape (B,).
        """
        grey = to_grey(x)
        features, textures = self.activations((enlarged(grey, _SIDE) - 128) / 128)
        return features, textures, self.fc(features).logsumexp(dim=1)

    def activations(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return features and textures of enlarged images with shape (B, 3, 299, 299)."""
        h = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        h = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(functional.max_pool2d(h, 3, 2)))
        h = functional.max_pool2d(h, 3, 2)
        for name, _, _ in _BLOCKS:
            h = self.get_submodule(name)(h)
            if name == _TEXTURED:
                textures = h.mean(dim=(2, 3))
        return h.mean(dim=(2, 3)), textures


def enlarged(x: Tensor, side: int) -> Tensor:
    """Resize images as TensorFlow 1 does: pixel i of the new image is at i·H/side.

    Args:
        x: Images with shape (B, C, H, W).
        side: Rows and columns of the new ones.

    Returns:
        Images with shape (B, C, side, side).
    """
    rows, columns = (_between(size, side).to(x) for size in x.shape[-2:])
    return rows @ x @ columns.T


def _between(size: int, side: int) -> Tensor:
    """Return the interpolation matrix with shape (side, size) for a line of pixels."""
    place = torch.arange(side, dtype=torch.float64) * size / side
    low = place.floor().long()
    part = (place - low)[:, None]
    both = torch.eye(size, dtype=torch.float64)
    return both[low] * (1 - part) + both[(low + 1).clamp(max=size - 1)] * part


def inception_network(path: Path, device: torch.device) -> tuple[Inception, str]:
    """Load the network with the user's weights.

    Args:
        path: The safetensors file.
        device: Where to compute.

    Returns:
        The network, and a digest of its weights.

    Raises:
        BadFile: The file is missing or damaged, or holds other weights.
    """
    # Without initial weights: they would use the global generator, which another job may be using.
    with torch.device("meta"):
        net = Inception()
    counters = {name for name, value in net.state_dict().items() if not value.is_floating_point()}
    wanted = {name: value for name, value in net.state_dict().items() if name not in counters}
    try:
        tensors, _ = read_tensors(path, _EXPECTED)
    except BadFile as error:
        raise BadFile(f"No FID: {error}") from error
    found = {name: value for name, value in tensors.items() if value.is_floating_point()}
    if {name: value.shape for name, value in found.items()} != {name: value.shape for name, value in wanted.items()}:
        raise BadFile(f"No FID: {path} is not {_EXPECTED}.")
    found = {name: value.float() for name, value in found.items()}
    # The number of batches behind the statistics matters only in training.
    net.load_state_dict(found | dict.fromkeys(counters, torch.tensor(0)), assign=True)
    digest = hashlib.sha256()
    for name in sorted(found):
        digest.update(name.encode())
        digest.update(found[name].contiguous().numpy().data)
    net.name = f"Inception of 2015-12-05, {WIDTH} features (weights {digest.hexdigest()[:8]})"
    return net.to(device).eval().requires_grad_(False), digest.hexdigest()
