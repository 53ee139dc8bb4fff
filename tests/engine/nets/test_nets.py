"""Networks: shapes, the report's size, the head, and what the noise coordinate does."""

import pytest
import torch
from torch.nn import functional

from msd_engine.nets.embedding import FourierFeatures
from msd_engine.nets.mlp import Mlp
from msd_engine.nets.stages import SelfAttention
from msd_engine.nets.unet import Head, UNet


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def shake(net: torch.nn.Module) -> None:
    generator = torch.Generator().manual_seed(1)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.1, generator=generator)


@pytest.mark.parametrize("size", [8, 13, 28, 32])
@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_unet_gives_one_image_for_k_copies(size: int, k: int) -> None:
    channels = 3 if size == 32 else 1
    net = UNet(channels, k, width=8, embedding=16)
    shake(net)
    out = net(draw(2, k, channels, size, size), draw(2))
    assert out.shape == (2, channels, size, size)
    assert bool(out.std() > 0)


def test_unet_takes_oblong_images() -> None:
    assert UNet(1, 2, width=8)(draw(3, 2, 1, 9, 14), draw(3)).shape == (3, 1, 9, 14)


def test_report_unet_has_the_filters_of_the_report() -> None:
    net = UNet(1, 8, width=64, embedding=256)
    assert [layer.out_channels for layer in net.down] == [64, 128, 256, 512]
    assert [layer.stride[0] for layer in net.down] == [1, 2, 2, 2]
    assert net.down[0].in_channels == 8
    filters = [64, 128, 256, 512, 256, 128, 64]
    convolutions = 9 * (8 * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 512 * 256 + 512 * 128 + 256 * 64 + 128 * 1) + 1
    conditions, norms = 257 * sum(filters), 2 * sum(filters)
    assert sum(p.numel() for p in net.parameters()) == convolutions + conditions + norms


def test_head_is_a_convolution_of_the_concatenated_maps() -> None:
    head = Head((5, 7), 3).double()
    shake(head)
    a, b = draw(2, 5, 9, 8).double(), draw(2, 7, 9, 8).double()
    kernel = torch.cat(list(head.taps), dim=1).reshape(3, 3, 3, 12).permute(2, 3, 0, 1)
    expected = functional.conv2d(torch.cat((a, b), dim=1), kernel, head.bias, padding=1)
    assert torch.allclose(head(a, b), expected, atol=1e-12)
    # As accelerators are asked.
    assert torch.allclose(head.at_once((a, b)), expected, atol=1e-12)


@pytest.mark.parametrize("net", [UNet(1, 2, width=8, embedding=16), Mlp(4, 2, width=8, embedding=16)])
def test_networks_start_at_zero(net: torch.nn.Module) -> None:
    y = draw(3, 2, 1, 8, 8) if isinstance(net, UNet) else draw(3, 2, 4)
    assert not net(y, draw(3)).any()


@pytest.mark.parametrize("net", [UNet(1, 2, width=8, embedding=16), Mlp(4, 2, width=8, embedding=16)])
def test_output_depends_on_the_noise_coordinate(net: torch.nn.Module) -> None:
    shake(net)
    y = draw(1, 2, 1, 8, 8) if isinstance(net, UNet) else draw(1, 2, 4)
    low, high = net(y, torch.tensor([-0.5])), net(y, torch.tensor([0.5]))
    assert not torch.allclose(low, high, rtol=1e-3)


def test_features_are_a_sine_and_cosine_of_fixed_frequencies() -> None:
    features = FourierFeatures(10, scale=3.0)
    c = draw(4)
    sine, cosine = features(c).chunk(2, dim=1)
    assert torch.allclose(sine**2 + cosine**2, torch.ones(4, 5), atol=1e-5)
    assert torch.allclose(sine, torch.sin(2 * torch.pi * c[:, None] * features.omega), atol=1e-5)
    assert not list(features.parameters())
    assert "omega" in features.state_dict()


def test_copies_start_with_the_same_filters() -> None:
    first = UNet(3, 4, width=8).down[0].weight.unflatten(1, (4, 3))
    assert all(torch.equal(first[:, 0], first[:, i]) for i in range(4))


def test_untrained_unet_does_not_distinguish_copies() -> None:
    net = UNet(1, 3, width=8, embedding=16)
    generator = torch.Generator().manual_seed(1)
    for taps in net.head.taps:
        torch.nn.init.normal_(taps, generator=generator)
    y, c = draw(2, 3, 1, 8, 8), draw(2)
    assert torch.allclose(net(y, c), net(y.flip(1), c), atol=1e-5)


@pytest.mark.parametrize("blocks", [1, 3])
def test_middle_blocks_keep_the_shape_and_add_convolutions(blocks: int) -> None:
    plain, more = UNet(1, 2, width=8, embedding=16), UNet(1, 2, width=8, embedding=16, blocks=blocks)
    assert more(draw(2, 2, 1, 13, 13), draw(2)).shape == (2, 1, 13, 13)
    count = [sum(p.numel() for p in net.parameters()) for net in (plain, more)]
    assert count[1] - count[0] == blocks * (9 * 64 * 64 + 17 * 64 + 2 * 64)


@pytest.mark.parametrize(
    "options", [{"residual": 1}, {"attention": True}, {"residual": 2, "attention": True, "blocks": 1}]
)
def test_options_start_as_the_plain_network_and_keep_the_shape(options: dict[str, int]) -> None:
    net = UNet(1, 2, width=8, embedding=16, **options)
    plain = UNet(1, 2, width=8, embedding=16, blocks=options.get("blocks", 0))
    own = net.state_dict()
    count = plain.conditions.out_features
    shared = {name: own[name] for name in plain.state_dict() if not name.startswith("conditions")}
    shared |= {f"conditions.{name}": own[f"conditions.{name}"][:count] for name in ("weight", "bias")}
    plain.load_state_dict(shared)
    for both in (net, plain):
        for taps in both.head.taps:
            torch.nn.init.normal_(taps, generator=torch.Generator().manual_seed(1))
    y, c = draw(2, 2, 1, 13, 13), draw(2)
    assert torch.allclose(net(y, c), plain(y, c), atol=1e-5)
    shake(net)
    assert net(y, c).shape == (2, 1, 13, 13)


@pytest.mark.parametrize("fusion", ["mean", "set", "set-of-k"])
def test_joined_copies_have_no_order(fusion: str) -> None:
    net = UNet(1, 3, width=8, embedding=16, fusion=fusion).double()
    shake(net)
    y, c = draw(2, 3, 1, 8, 8).double(), draw(2).double()
    assert torch.allclose(net(y, c), net(y.roll(1, dims=1), c), atol=1e-12)
    assert not torch.allclose(net(y, c), net(y * 2, c), atol=1e-6)


def test_mean_fusion_sees_the_mean_copy_alone_and_set_fusion_more() -> None:
    y, c = draw(2, 3, 1, 8, 8).double(), draw(2).double()
    spread = draw(3).double()
    other = y + (spread - spread.mean()).reshape(1, 3, 1, 1, 1)
    for fusion, same in (("mean", True), ("set", False), ("set-of-k", False)):
        net = UNet(1, 3, width=8, embedding=16, fusion=fusion).double()
        shake(net)
        assert torch.allclose(net(y, c), net(other, c), atol=1e-9) is same


def test_attention_sees_the_whole_image() -> None:
    attention = SelfAttention(8).double()
    shake(attention)
    h = draw(1, 8, 3, 3).double()
    moved = h.clone()
    moved[..., 0, 0] += 1
    # The normalisation alone would also carry the change: a shift that it removes leaves the keys alone.
    turned = attention(h.flip(-1)).flip(-1)
    assert torch.allclose(turned, attention(h), atol=1e-12)
    assert not torch.allclose(attention(moved)[..., 2, 2], attention(h)[..., 2, 2], atol=1e-6)


def test_hidden_weights_are_the_convolutions_between_features() -> None:
    net = UNet(1, 2, width=8, embedding=16, blocks=1, residual=1, attention=True)
    hidden = {id(weight) for weight in net.hidden_weights()}
    names = {name for name, weight in net.named_parameters() if id(weight) in hidden}
    others = {name for name, _ in net.named_parameters()} - names
    assert len(names) == 4 + 1 + 3 + 2 * 5 + 2
    assert all(name.split(".")[0] in ("norms", "head", "conditions", "residual", "attention") for name in others)
    assert not any("layers" in name for name in others)
