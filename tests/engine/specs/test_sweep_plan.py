"""The comparison of numbers of copies: its plan, the draws on which k is compared, and the table that comes of it."""

import itertools
import math
from typing import Any

import pytest
import torch

from msd_engine.data.shapes import mixture
from msd_engine.denoisers.exact import ExactDenoiser
from msd_engine.jobs.sweep.draws import matched_draws
from msd_engine.metrics.errors.comparison import table
from msd_engine.metrics.errors.findings import findings
from msd_engine.noise.copies import matched_copies
from msd_engine.noise.laws import draw_sigma, law_of_numbers, quantiles
from msd_engine.runs.report.tables import csv_text, markdown_text
from msd_engine.specs import ExperimentSpec, MixtureSpec, NoiseSpec, SpecError, SweepSpec, load_preset
from msd_engine.specs.sweep import MODES, SweepResult, child_spec, parse_list

CPU = torch.device("cpu")


def points(steps: int = 6, **fields: object) -> ExperimentSpec:
    small: dict[str, object] = {
        "network.width": 16,
        "training.batch": 16,
        "training.steps": steps,
        "training.evaluate_every": 3,
    }
    return load_preset("ncsn-toy").replace_all(small | {n.replace("__", "."): v for n, v in fields.items()})


def plan(base: ExperimentSpec | None = None, **fields: Any) -> SweepSpec:
    return SweepSpec(base=base or points(), **({"ks": (1, 2), "seeds": (0,)} | fields))


# The plan


def test_a_plan_comes_back_from_json() -> None:
    spec = plan(ks=(1, 4, 16), seeds=(2, 0), modes=("same-sigma-eff",), title="a")
    assert SweepSpec.from_json(spec.to_json()) == spec


@pytest.mark.parametrize(
    ("fields", "word"),
    [({"ks": ()}, "ks"), ({"ks": (0,)}, "ks"), ({"ks": (1, 1)}, "twice"), ({"seeds": (-1,)}, "seeds"),
     ({"modes": ("fair",)}, "modes"), ({"seeds": tuple(range(400))}, "1000")],
)  # fmt: skip
def test_a_plan_that_makes_no_sense_is_refused(fields: dict[str, Any], word: str) -> None:
    with pytest.raises(SpecError, match=word):
        plan().replace_all(fields)


def test_lists_are_read_from_text() -> None:
    assert parse_list("ks", "1,2, 16 4") == (1, 2, 16, 4)
    for text in ("", "1,two", "1.5", "-1", "10,000", "1 024", "²"):
        with pytest.raises(SpecError, match="whole numbers"):
            parse_list("ks", text)


def test_the_modes_meet_at_one_copy_and_every_other_run_is_its_own() -> None:
    children = plan(ks=(1, 2, 4), seeds=(0, 7)).children()
    assert len({child.name for child in children}) == len(children) == 2 * (1 + 2 * 2)
    assert [child.seed for child in children] == [0] * 5 + [7] * 5
    assert all((child.spec.training.k, child.spec.training.seed) == (child.k, child.seed) for child in children)
    assert all(child.modes == MODES for child in children if child.k == 1)
    assert child_spec(points(), 1, "same-sigma", 0).noise.draws_sigma_eff is False
    # Whatever was asked first, the run of k = 1 is the same.
    (alone,) = plan(ks=(1,), modes=("same-sigma-eff",)).children()
    assert alone.spec == children[0].spec
    assert alone.name == children[0].name


@pytest.mark.parametrize("base", [points(), load_preset("report-mnist")])
@pytest.mark.parametrize("k", [1, 2, 16])
def test_what_a_mode_keeps_is_the_same_for_every_k(base: ExperimentSpec, k: int) -> None:
    first = {mode: child_spec(base, 1, mode, 0) for mode in MODES}
    child = {mode: child_spec(base, k, mode, 0) for mode in MODES}
    reference = quantiles(first["same-sigma"].noise, 1, 100)
    torch.testing.assert_close(quantiles(first["same-sigma-eff"].noise, 1, 100), reference)
    torch.testing.assert_close(quantiles(child["same-sigma"].noise, k, 100), reference)
    torch.testing.assert_close(quantiles(child["same-sigma-eff"].noise, k, 100), reference * math.sqrt(k))
    # Training draws from that law too.
    for mode, scale in (("same-sigma", 1.0), ("same-sigma-eff", math.sqrt(k))):
        numbers = torch.rand(50, generator=torch.Generator().manual_seed(3))
        drawn, ours = draw_sigma(child[mode].noise, k, numbers), draw_sigma(first[mode].noise, 1, numbers)
        torch.testing.assert_close(drawn, ours * scale)
    fair, k_base = child["same-sigma-eff"].sampling, base.training.k
    assert fair.sigma_L / math.sqrt(k) == pytest.approx(base.sampling.sigma_L / math.sqrt(k_base))
    assert fair.step_ratio == pytest.approx(base.sampling.step_ratio)
    assert child["same-sigma"].sampling == base.sampling


@pytest.mark.parametrize("law", ["log-normal", "uniform-t"])
def test_quantiles_stand_for_the_law(law: str) -> None:
    spec = NoiseSpec(law=law)  # type: ignore[arg-type]
    draw = torch.rand if law_of_numbers(spec) == "uniform" else torch.randn
    drawn = draw_sigma(spec, 4, draw(40_000, generator=torch.Generator().manual_seed(0))).double().log()
    ours = quantiles(spec, 4, 4000).double().log()
    assert ours.mean().item() == pytest.approx(drawn.mean().item(), abs=5 * drawn.std().item() / 200)
    assert ours.std().item() == pytest.approx(drawn.std().item(), rel=0.03)


# The draws on which k is compared


def test_matched_copies_have_one_mean_noise_and_the_law_of_copies() -> None:
    x = torch.randn(4000, 2, dtype=torch.float64)
    sigma = torch.linspace(0.5, 2.0, 4000)
    means = {}
    for k in (1, 2, 8):
        y = matched_copies(x, sigma, k, torch.Generator().manual_seed(5))
        n = (y - x.unsqueeze(1)) / sigma[:, None, None]
        means[k] = n.mean(1) * math.sqrt(k)
        assert n.var().item() == pytest.approx(1.0, abs=5 * math.sqrt(2 / n.numel()) * math.sqrt(2))
        if k > 1:
            correlation = (n[:, 0] * n[:, 1]).mean().item()
            assert abs(correlation) < 5 / math.sqrt(8000)
    torch.testing.assert_close(means[1], means[2])
    torch.testing.assert_close(means[1], means[8])


def test_exact_errors_coincide_at_the_same_sigma_eff_and_fall_at_the_same_sigma() -> None:
    exact = ExactDenoiser(mixture(MixtureSpec(name="ncsn-toy")))
    errors: dict[str, list[float]] = {mode: [] for mode in MODES}
    for mode in MODES:
        for k in (1, 2, 4, 8, 16):
            draws = matched_draws(child_spec(points(), k, mode, 0), data_dir=None, device=CPU)
            errors[mode].append(draws.summary(draws.errors(exact)).loss)
    fair, plain = errors["same-sigma-eff"], errors["same-sigma"]
    assert fair == pytest.approx([fair[0]] * 5, rel=1e-4)
    assert all(high > low for high, low in itertools.pairwise(plain))


# The table and what it says


def made(errors: dict[tuple[str, int], list[float]], name: str = "ncsn-toy") -> tuple[SweepSpec, list[SweepResult]]:
    spec = SweepSpec(base=points() if name == "ncsn-toy" else load_preset("report-mnist"), ks=(1, 2, 16), seeds=(0, 1))
    found = [
        SweepResult(
            name=f"{mode}{k}{seed}", k=k, seed=seed, modes=MODES if k == 1 else (mode,),  # type: ignore[arg-type]
            status="finished", error=error, band_sigma_eff=(1.0,), band_error=(error,),
        )
        for (mode, k), values in errors.items() for seed, error in enumerate(values)
    ]  # fmt: skip
    return spec, found


FALLING = {("same-sigma", 1): [10.0, 12.0], ("same-sigma", 2): [8.0, 9.6], ("same-sigma", 16): [4.0, 4.8]}
FLAT = {("same-sigma-eff", 2): [10.0, 12.03], ("same-sigma-eff", 16): [10.0, 12.0]}


def test_the_table_has_spread_ratios_and_the_figures_of_the_report() -> None:
    rows = table(*made(FALLING | FLAT, "mnist"))
    last = next(row for row in rows if (row.mode, row.k) == ("same-sigma", 16))
    assert (last.error, last.ratio, last.ratio_spread) == pytest.approx((4.4, 0.4, 0.0))
    assert last.spread == pytest.approx(math.sqrt(0.32))
    assert last.reported_ratio == pytest.approx(11.904 / 29.379)
    text = markdown_text(rows, findings(rows))
    assert "0.405" in text
    lines = csv_text(rows).splitlines()
    assert len(lines) == 1 + 6
    assert len({line.count(",") for line in lines}) == 1


def test_the_findings_follow_from_the_figures() -> None:
    fall, same, share = findings(table(*made(FALLING | FLAT)))
    assert fall.startswith("Confirmed: with the same σ")
    assert same.startswith("Confirmed to within 5 %: at the same σ_eff")
    assert "100 % is σ/√k alone (95 % interval: 100 to 100 %)" in share
    rising = {("same-sigma", 1): [4.0, 4.8], ("same-sigma", 2): [4.0, 4.8], ("same-sigma", 16): [4.1, 4.92]}
    (refuted,) = findings(table(*made(rising)))
    assert refuted.startswith("Refuted")
    bent = FALLING | {("same-sigma", 2): [11.0, 13.0]}
    assert "not significantly from k = 1 to 2" in findings(table(*made(bent)))[0]
    gain = {("same-sigma-eff", 2): [8.0, 9.6], ("same-sigma-eff", 16): [8.0, 9.6]}
    _, same, share = findings(table(*made(FALLING | gain)))
    assert "learning makes this difference" in same
    assert f"{100 * (1 - math.log(0.8) / math.log(0.4)):.0f} % is σ/√k alone" in share
    harder = {("same-sigma-eff", 2): [11.0, 13.2], ("same-sigma-eff", 16): [12.0, 14.4]}
    _, same, share = findings(table(*made(FALLING | harder)))
    assert "k = 2 (1.100), k = 16 (1.200) differ from 1" in same
    more = 100 * (1 - math.log(1.2) / math.log(0.4))
    assert "less than σ/√k alone predicts" in share
    assert f"{more:.0f} % of the measured one" in share
    assert "made learning harder" in share
    little = {("same-sigma-eff", 2): [10.45, 12.541], ("same-sigma-eff", 16): [10.0, 12.001]}
    assert "k = 2 (1.045) differs by more than chance, though by less" in findings(table(*made(FALLING | little)))[1]
    assert findings(table(*made({("same-sigma", 1): [1.0]}))) == ()


def test_one_seed_confirms_and_refutes_nothing() -> None:
    for errors in (FALLING | FLAT, FALLING | {("same-sigma-eff", 2): [8.0], ("same-sigma-eff", 16): [13.0]}):
        one_seed = {place: found[:1] for place, found in errors.items()}
        fall, same, share = findings(table(*made(one_seed)))
        assert fall.startswith("Undecided with one seed")
        assert same.startswith("Undecided with one seed")
        assert "by one seed" in share
        assert "is undecided" in share
