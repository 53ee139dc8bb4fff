"""The reproduction of the report: what it plans, and the page that it ends in."""

import html
import json
import re
from pathlib import Path

import pytest
import torch
from image_files import write_idx_set

from msd_engine.cli.main import main
from msd_engine.denoisers.empirical import EmpiricalDenoiser
from msd_engine.jobs.sweep.draws import least_draws
from msd_engine.specs import SpecError, declarations, load_preset
from msd_engine.specs.reproduction import reproduction
from msd_engine.specs.sweep import child_spec


def test_at_full_size_it_is_the_report() -> None:
    plan = reproduction("report-mnist")
    base = plan.spec.base
    assert plan.spec == plan.whole.replace("base.training.evaluate_every", base.training.evaluate_every)
    assert plan.spec.ks == (1, 2, 4, 8, 16)
    assert base.training.steps * base.training.batch == pytest.approx(100 * 60_000, abs=base.training.batch)
    assert (base.training.batch, base.training.learning_rate, base.training.form) == (256, 3e-3, "plain")
    assert (base.noise.s, base.noise.law, base.network.width) == (25.0, "uniform-t", 64)  # type: ignore[union-attr]
    assert base.sampling.steps_per_level == 10
    assert reproduction("report-cifar10").spec.base.data.name == "cifar-10"


def test_a_fraction_and_a_time_budget() -> None:
    whole, part = reproduction("report-mnist"), reproduction("report-mnist", scale=0.01)
    assert part.spec.base.training.steps == round(whole.spec.base.training.steps * 0.01)
    assert part.spec.base.network == whole.spec.base.network
    for minutes in (15.0, 600.0, 6000.0):
        plan = reproduction("report-mnist", minutes=minutes)
        runs = len(plan.spec.children())
        assert 0 < plan.spec.base.training.seconds * runs < minutes * 60
        narrower = plan.spec.base.network != whole.spec.base.network
        assert narrower == ("narrower" in plan.budget) == (plan.spec.base.training.seconds < 600)
    assert [reproduction("report-mnist", minutes=minutes).judges for minutes in (3.0, 15.0)] == [False, True]
    assert part.judges
    for wrong in ({"scale": 0.0}, {"scale": float("nan")}, {"minutes": -1.0}):
        with pytest.raises(SpecError):
            reproduction("report-mnist", **wrong)


def test_the_least_error_on_images_is_that_of_their_own_posterior(tmp_path: Path) -> None:
    write_idx_set(tmp_path / "mnist", train=9, test=3)
    base = load_preset("report-mnist")
    found = []
    for k, mode in ((1, "same-sigma"), (4, "same-sigma-eff"), (4, "same-sigma")):
        spec = child_spec(base, k, mode, 0)  # type: ignore[arg-type]
        draws, exact = least_draws(spec, data_dir=tmp_path, device=torch.device("cpu"))
        assert isinstance(exact, EmpiricalDenoiser)
        assert len(draws.x) == 9
        found.append(draws.summary(draws.errors(exact)).loss)
    first, fair, plain = found
    assert fair == pytest.approx(first, rel=1e-3, abs=1e-6)
    assert plain <= first


def words_of(page: Path) -> str:
    return html.unescape(page.read_text()).replace("<sub>eff</sub>", "_eff")


def test_it_ends_in_one_page_that_needs_no_other_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MSD_DEVICE", raising=False)
    write_idx_set(tmp_path / "data" / "mnist", train=20, test=12)
    small = (
        "--network.width 8 --network.embedding 16 --batch 4 --precision float32 --device cpu --sampling.levels 2 "
        "--sampling.steps_per_level 1 --sampling.chains 4"
    )
    out = tmp_path / "out"
    words = ["reproduce", "report-mnist", "--scale", "0.0001", "--ks", "1,2", *small.split(), "--out", str(out)]
    words += ["--data-dir", str(tmp_path / "data"), "--json"]
    assert main(words) == 0
    reported = json.loads(capsys.readouterr().out)
    text = words_of(out / "index.html")
    assert reported["page"] == str(out / "index.html")
    assert all(sentence in text for sentence in reported["findings"])
    assert len(reported["findings"]) >= 2
    assert text.count("data:image/png;base64,") == 4
    assert text.count("<figure><svg") == 3
    assert not re.search(r'(src|href)="(?!data:|#)', text)
    plan = reproduction("report-mnist", scale=0.0001)
    assert all(f"<code>{declared.path}</code>" in text for declared in declarations(plan.spec.base))
    assert "29.379" in text
    lived = [int(count) for count in re.findall(r"(\d+) of 4 survived", text)]
    assert len(lived) == 4
    assert f"Of 16 chains {sum(lived)} survived" in text
    assert "MNIST classifier" in text
    assert text.count("<circle") == 16 - sum(lived)
    # Asked again it has nothing to train and draws nothing anew.
    kept = ("**/*.safetensors", "samples-*")
    before = {path: path.stat().st_mtime_ns for pattern in kept for path in out.glob(pattern)}
    assert main(words) == 0
    assert {path: path.stat().st_mtime_ns for pattern in kept for path in out.glob(pattern)} == before
    assert words_of(out / "index.html") == text
    capsys.readouterr()
    assert main(["reproduce", "report-mnist", "--scale", "1", "--minutes", "1", "--out", str(out)]) == 2
    assert "--scale" in capsys.readouterr().err
