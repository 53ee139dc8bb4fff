"""The evaluations that stand beside figures are counted by what is asked: of the network, and of all that gives x̂."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from msd_engine.denoisers.empirical import EmpiricalDenoiser
from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.events import Ladder
from msd_engine.jobs.sampling.sample import sample
from msd_engine.jobs.training.train import train
from msd_engine.specs import load_preset
from msd_engine.specs.tables.samplers import TRAITS


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluations") / "run"
    small = {"training.steps": 12, "training.seconds": 0.0, "training.batch": 8, "network.width": 8}
    list(train(load_preset("digits-30s").replace_all(small | {"training.k": 2}), folder, device="cpu"))
    return folder


@pytest.mark.parametrize(
    ("sampler", "conditioning"),
    [
        (name, word)
        for name, traits in TRAITS.items()
        for word in (("actual", "scheduled") if "conditioning" in traits.own else ("",))
        if not traits.needs
    ],
)
@pytest.mark.parametrize("guidance", [1.0, 2.0])
@pytest.mark.parametrize("exact_above", [1.0, 2.5, 1e4])
def test_the_network_is_asked_as_often_as_is_said(
    run: Path, sampler: str, conditioning: str, guidance: float, exact_above: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = {"network": 0, "images": 0}
    for name, kind in (("network", LearnedDenoiser), ("images", EmpiricalDenoiser)):
        whole = kind.__call__

        def counting(self, y, sigma, whole=whole, name=name):  # type: ignore[no-untyped-def]
            counted[name] += 1
            return whole(self, y, sigma)

        monkeypatch.setattr(kind, "__call__", counting)
    spec = load_preset("digits-30s").replace_all(
        {
            "training.k": 2,
            "network.width": 8,
            "sampling.sampler": sampler,
            "sampling.guidance": guidance,
            "sampling.exact_above": exact_above,
            "sampling.levels": 7,
            "sampling.steps_per_level": 3,
            "sampling.chains": 2,
            "sampling.source": "trained",
        }
        | ({"sampling.conditioning": conditioning} if conditioning else {})
    )
    with torch.no_grad():
        events = list(sample(spec, run_dir=run, device="cpu"))
    (ladder,) = (event for event in events if isinstance(event, Ladder))
    assert counted["network"] == ladder.network_evaluations
    assert counted["network"] + counted["images"] == ladder.evaluations
    assert (counted["images"] > 0) is (exact_above < 100)
