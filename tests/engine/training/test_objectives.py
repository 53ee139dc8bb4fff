"""Objectives and outputs: each loss against its definition by autograd, and what theory says of their means."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from mixtures import drawn_copies, random_mixture
from torch import Tensor

from msd_engine.data.mixture import GaussianMixture
from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.denoisers.target import MixtureTarget, PointsTarget
from msd_engine.jobs.factory.forms import OBJECTIVES, OUTPUTS
from msd_engine.nets.mlp import Mlp
from msd_engine.noise.processes.exploding import Exploding
from msd_engine.objectives.objective import Given
from msd_engine.specs import ExperimentSpec, SpecError, load_preset
from msd_engine.specs.tables import objectives
from msd_engine.specs.tables.forms import FORMS

B = 5
KS = (1, 3)
OWN = [(form, k) for form in FORMS for k in KS]
MATCHING = [name for name in objectives.OBJECTIVES if name != "mse"]


def small_denoiser(form: str, k: int) -> LearnedDenoiser:
    """Return a denoiser in float64 with random weights in every layer."""
    torch.manual_seed(3)
    output = OUTPUTS[form]  # type: ignore[index]
    net = Mlp(2, k, width=12, depth=2, embedding=8, scale=output.feature_scale)
    torch.nn.init.normal_(net.last.weight, std=0.5)
    return LearnedDenoiser(net, output, k, 2.0, torch.tensor([0.3, -0.2]), Exploding(25.0)).double()


def batch(k: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return data, copies and noises of each datum, in float64."""
    generator = torch.Generator().manual_seed(k)
    x = 2 * torch.randn(B, 2, generator=generator, dtype=torch.float64)
    sigma = torch.linspace(0.4, 3.0, B, dtype=torch.float64)
    return x, drawn_copies(x, sigma, k, generator), sigma


def fixed(v: Tensor) -> Given:
    """Return random numbers that are given, and the exact score of a mixture."""
    return Given(lambda _shape: v, MixtureTarget(random_mixture(1)).score)


def score_and_jacobian(denoiser: LearnedDenoiser, y: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
    """Return s with shape (d,) and ∇s with shape (d, d) of one datum with copies (k, d), row by row by autograd."""
    shift = torch.zeros(2, dtype=y.dtype, requires_grad=True)
    s = denoiser.score((y + shift).unsqueeze(0), sigma.reshape(1))[0]
    rows = [torch.autograd.grad(part, shift, create_graph=True)[0] for part in s]
    return s, torch.stack(rows)


def directions(name: str, normal: Tensor) -> Tensor:
    """Return the directions of a sliced objective from normal numbers (B, 2), by definition."""
    match name:
        case "sliced-rademacher":
            return normal.sign()
        case "sliced-sphere":
            return normal / normal.norm(dim=1, keepdim=True) * math.sqrt(2)
    return normal


def defined(name: str, denoiser: LearnedDenoiser, data: tuple[Tensor, Tensor, Tensor], normal: Tensor) -> Tensor:
    """Return the mean loss of a batch by the definition of the objective (theory §5)."""
    found = []
    for x, y, sigma, v in zip(*data, directions(name, normal), strict=True):
        square = sigma**2 / len(y)
        y_mean = y.mean(0)
        s, jacobian = score_and_jacobian(denoiser, y, sigma)
        match name:
            case "denoising":
                value = (s - (x - y_mean) / square).square().sum() / 2
            case "explicit":
                at = y_mean.clone().requires_grad_()
                (exact,) = torch.autograd.grad(random_mixture(1).log_prob(at, math.sqrt(square)), at)
                value = (s - exact).square().sum() / 2
            case "implicit":
                value = jacobian.trace() + s.square().sum() / 2
            case "sliced-vr":
                value = v @ jacobian @ v + s.square().sum() / 2
            case _:
                value = v @ jacobian @ v + (v @ s).square() / 2
        found.append(square * value)
    return torch.stack(found).mean()


@pytest.mark.parametrize(("form", "k"), OWN)
@pytest.mark.parametrize("name", MATCHING)
def test_loss_and_gradient_are_those_of_the_definition(name: str, form: str, k: int) -> None:
    denoiser, data = small_denoiser(form, k), batch(k)
    normal = torch.randn(B, 2, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    weights = list(denoiser.parameters())
    losses = OBJECTIVES[name].loss(denoiser, *data, fixed(normal))  # type: ignore[index]
    expected = defined(name, denoiser, data, normal)
    torch.testing.assert_close(losses.descended.mean(), expected)
    gradients = torch.autograd.grad(losses.descended.mean(), weights, allow_unused=True, materialize_grads=True)
    by_hand = torch.autograd.grad(expected, weights, allow_unused=True, materialize_grads=True)
    for gradient, other in zip(gradients, by_hand, strict=True):
        torch.testing.assert_close(gradient, other)
    assert max(gradient.abs().max() for gradient in gradients) > 1e-3
    error = (denoiser.estimate(*data[1:]) - data[0]).square().sum(1)
    torch.testing.assert_close(losses.reported, error)


@pytest.mark.parametrize(("form", "k"), OWN)
def test_estimate_and_score_of_an_output_obey_tweedie(form: str, k: int) -> None:
    denoiser, (_, y, sigma) = small_denoiser(form, k), batch(k)
    score = (denoiser.estimate(y, sigma) - y.mean(1)) / (sigma**2 / k).unsqueeze(1)
    torch.testing.assert_close(denoiser.score(y, sigma), score)


def curl(form: str, k: int) -> Tensor:
    """Return ∂s_1/∂ȳ_2 − ∂s_2/∂ȳ_1 of each datum."""
    denoiser, (_, y, sigma) = small_denoiser(form, k), batch(k)
    jacobians = [score_and_jacobian(denoiser, *one)[1] for one in zip(y, sigma, strict=True)]
    return torch.stack([jacobian[0, 1] - jacobian[1, 0] for jacobian in jacobians])


@pytest.mark.parametrize("k", KS)
def test_the_score_of_an_energy_has_no_curl_and_others_may(k: int) -> None:
    assert curl("energy", k).abs().max() < 1e-12
    assert curl("score", k).abs().min() > 1e-4


@pytest.mark.parametrize("form", ["score", "energy"])
def test_squared_error_of_a_score_is_weighted_as_in_denoising_score_matching(form: str) -> None:
    denoiser, data = small_denoiser(form, 3), batch(3)
    nothing = fixed(torch.zeros(B, 2))
    squared, denoising = (OBJECTIVES[name].loss(denoiser, *data, nothing) for name in ("mse", "denoising"))
    torch.testing.assert_close(squared.descended, 2 * denoising.descended)
    torch.testing.assert_close(squared.reported, denoising.reported)


# Each set of directions is one that its law may draw, and has the second moments of the whole law.
SIGNS = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]], dtype=torch.float64)
EVEN = {"sliced-gaussian": SIGNS, "sliced-rademacher": SIGNS, "sliced-sphere": SIGNS @ SIGNS[:2], "sliced-vr": SIGNS}


@pytest.mark.parametrize("name", EVEN)
def test_sliced_losses_have_the_mean_of_the_implicit_one(name: str) -> None:
    denoiser, data = small_denoiser("score", 1), batch(1)
    loss: Callable[..., Tensor] = lambda name, v: OBJECTIVES[name].loss(denoiser, *data, fixed(v)).descended  # noqa: E731
    drawn = torch.stack([loss(name, v.expand(B, 2)) for v in EVEN[name]])
    torch.testing.assert_close(drawn.mean(0), loss("implicit", SIGNS[0]))
    assert drawn.std(0).min() > 1e-3


def test_scores_at_many_noises_are_those_at_each() -> None:
    mixture = random_mixture(2)
    x, tau = 3 * torch.randn(6, 2, dtype=torch.float64), torch.linspace(0.1, 4.0, 6, dtype=torch.float64)
    each = torch.stack([mixture.score(point, noise.item()) for point, noise in zip(x, tau, strict=True)])
    torch.testing.assert_close(mixture.scores(x, tau), each)
    at, noise = x.requires_grad_(), 0.3
    points = GaussianMixture.of_points(mixture.means)
    (gradient,) = torch.autograd.grad(points.log_prob(at, noise).sum(), at)
    found = PointsTarget(mixture.means).score(x, torch.full((6,), noise, dtype=torch.float64))
    torch.testing.assert_close(found, gradient)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        *(("training.objective", name) for name, row in objectives.OBJECTIVES.items() if row.only_points),
        ("training.form", "energy"),
    ],
)
def test_what_only_points_can_learn_by_is_refused_for_images(path: str, value: str) -> None:
    with pytest.raises(SpecError, match=f"{path} '{value}' is for points, not for images: it needs"):
        load_preset("digits-30s").replace(path, value)
    assert ExperimentSpec().replace(path, value).get(path) == value


@pytest.mark.parametrize("path", ["training.objective", "training.form"])
def test_images_can_learn_by_denoising_score_matching(path: str) -> None:
    value = {"training.objective": "denoising", "training.form": "score"}[path]
    assert load_preset("digits-30s").replace(path, value).get(path) == value
