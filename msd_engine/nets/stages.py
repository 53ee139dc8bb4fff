"""Parts of image networks: normalisation groups, a noise-conditioned residual block, and self-attention."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

_HEAD_CHANNELS = 64


def groups(channels: int) -> int:
    """Return the largest divisor of `channels` up to 32 that makes groups of 4 or more channels, at least 1."""
    return max(g for g in range(1, 33) if channels % g == 0 and (channels >= 4 * g or g == 1))


class ResidualBlock(nn.Module):
    """h + conv(swish(norm(conv(swish(norm(h))) + term))): two convolutions around the noise term (arXiv:2006.11239).

    The second convolution starts at zero, so that the block starts as the identity.

    Args:
        channels: Channels of the feature map.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.GroupNorm(groups(channels), channels) for _ in range(2))
        self.layers = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        for weight in self.layers[1].parameters():
            nn.init.zeros_(weight)

    def forward(self, h: Tensor, term: Tensor) -> Tensor:
        """Return the feature map after the block, from h (B, channels, H, W) and the noise term (B, channels, 1, 1)."""
        inner = self.layers[0](functional.silu(self.norms[0](h))) + term
        out: Tensor = h + self.layers[1](functional.silu(self.norms[1](inner)))
        return out


class SelfAttention(nn.Module):
    """Global self-attention h + out(softmax(QKᵀ/√d) V), with heads of up to 64 channels (arXiv:1706.03762).

    The last map starts at zero, so that the layer starts as the identity.

    Args:
        channels: Channels of the feature map.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.heads = next(n for n in range(max(1, channels // _HEAD_CHANNELS), 0, -1) if channels % n == 0)
        self.norm = nn.GroupNorm(groups(channels), channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)
        nn.init.zeros_(self.out.weight)
        assert self.out.bias is not None
        nn.init.zeros_(self.out.bias)

    def forward(self, h: Tensor) -> Tensor:
        """Return the feature map (B, channels, H, W) after the layer."""
        b, channels, rows, columns = h.shape
        parts = self.qkv(self.norm(h)).reshape(b, 3, self.heads, channels // self.heads, rows * columns)
        query, key, value = parts.mT.unbind(1)
        attended = functional.scaled_dot_product_attention(query, key, value).mT.reshape(b, channels, rows, columns)
        out: Tensor = h + self.out(attended)
        return out
