"""The engine facade: each job is one that the engine has, and gets what it takes."""

from __future__ import annotations

import inspect
from pathlib import Path
from pkgutil import resolve_name

import numpy as np
import pytest

from msd_engine.events import Samples, Tick
from msd_engine.events.figures import SWEEP_SHEET
from msd_engine.events.shoot_out.table import ShootOutTable
from msd_engine.specs import Live, SweepSpec, load_preset
from msd_engine.specs.live import NEVER
from msd_engine.specs.reproduction import NoisesSpec
from msd_engine.specs.scores.spec import ScoresSpec
from msd_engine.specs.search.shoot_out import ShootOutSpec
from msd_engine.specs.search.tune import TuneSpec
from msd_gui.bridge.engine import Engine

SPEC = load_preset("digits-30s")
RUN = Path("run")
SHOOT_OUT = ShootOutSpec(base=load_preset("ncsn-toy"))
IMAGE = np.zeros((1, 8, 8), np.float32)
CALLS = {
    "warm_up": (),
    "train": (SPEC, RUN),
    "watched": (RUN,),
    "held_out_strip": (RUN,),
    "sample": (SPEC, RUN),
    "sample_at_first_sight": (SPEC, RUN),
    "chain_task": ("draw", SPEC, RUN),
    "field": (load_preset("ncsn-toy"), 1.0, (0.0, 1.0, 0.0, 1.0), RUN),
    "why": (SPEC, RUN),
    "ladder": (SPEC, RUN),
    "propose": (SPEC,),
    "tune": (TuneSpec(base=SPEC), RUN),
    "tune_cost": (TuneSpec(base=SPEC), RUN),
    "denoise": (SPEC, RUN),
    "growing_copies": (SPEC, (1, 2), ((1, RUN),)),
    "forward": (SPEC,),
    "likelihood": (load_preset("ring-8"),),
    "moves": (load_preset("ncsn-toy"), 0, RUN),
    "shoot_out": (SHOOT_OUT, RUN),
    "export_shoot_out": (ShootOutTable(), SHOOT_OUT, RUN),
    "compare_noises": (NoisesSpec(base=load_preset("noise-digits"), chains=10), RUN),
    "paper_figure": ("ncsn-weights", RUN),
    "twins": (load_preset("ncsn-toy"), RUN),
    "errors_by_k": (load_preset("ncsn-toy"), RUN),
    "scores": (ScoresSpec(base=load_preset("two-gaussians")),),
    "open_picture": (RUN, (1, 8, 8)),
    "show_copies": (SPEC,),
    "evaluate": (load_preset("cifar10-20min"), RUN),
    "judge": (Samples(IMAGE[None], IMAGE[None, None], 0, SPEC.to_json()),),
    "nearest": (SPEC, IMAGE),
    "restore": (RUN,),
    "restore_text": ("1, 2",),
    "download": ("mnist",),
    "save": ("text", RUN),
    "preview": ((), 0, {}, SWEEP_SHEET),
    "watch_runs": (),
    "watch_elsewhere": ("memory://runs",),
    "ask_elsewhere": (RUN, "stop"),
    "shipped_runs": (),
    "held_out_curves": ([RUN],),
    "compare_settings": ([SPEC.to_json()] * 2,),
    "annotate": (RUN,),
    "discard": ([RUN],),
    "export_tensorboard": (RUN, RUN),
    "sweep": (SweepSpec(base=SPEC), RUN),
    "open_sweep": (RUN,),
    "export_sweep": (RUN, RUN),
    "preview_sweep": (RUN, SWEEP_SHEET),
}
CONTENT = {"save": {"text": "words"}}
MADE_BY_CALLER = ("new_run", "new_sweep", "new_noises")


@pytest.fixture
def engine(tmp_path):
    return Engine(
        data_dir=lambda: tmp_path / "data",
        runs_dir=lambda: tmp_path / "runs",
        device="cpu",
        threads=1,
        inception=lambda: tmp_path / "weights",
    )


def test_every_job_of_the_facade_is_called_here():
    public = {name for name, _ in inspect.getmembers(Engine, inspect.isfunction) if not name.startswith("_")}
    assert public == CALLS.keys() | set(MADE_BY_CALLER)


@pytest.mark.parametrize("name", CALLS)
def test_a_job_gets_what_it_takes_and_nothing_else(engine, monkeypatch, tmp_path, name):
    got = []

    def recording(place):
        signature = inspect.signature(resolve_name(place))

        def record(*arguments, **named):
            got.append((signature.parameters, signature.bind(*arguments, **named).arguments))
            return iter(())

        record.__signature__ = signature
        return record

    monkeypatch.setattr("msd_gui.bridge.engine.resolve_name", recording)
    monkeypatch.setattr("msd_engine.backend.threads.use_threads", lambda _count: None)
    live = Live()
    job = getattr(engine, name)(*CALLS[name], **CONTENT.get(name, {}))
    assert not got, "the work begins where the job is iterated"
    # While its module is imported it ticks.
    assert all(isinstance(event, Tick) for event in job(NEVER, live))
    ((takes, given),) = got
    shared = {"data_dir": tmp_path / "data", "device": "cpu", "threads": 1, "cadence": NEVER, "live": live}
    shared["inception"] = tmp_path / "weights"
    assert {key: given.get(key) for key in shared.keys() & takes} == {key: shared[key] for key in shared.keys() & takes}


def test_the_colour_network_of_the_fid_is_for_colour_images_alone(engine, monkeypatch):
    weights = []
    monkeypatch.setattr(
        "msd_gui.bridge.engine.resolve_name", lambda _: lambda *_, inception, **__: weights.append(inception) or ()
    )
    for name in ("digits-30s", "cifar10-20min"):
        list(engine.evaluate(load_preset(name), RUN)(NEVER, Live()))
    assert weights == [None, engine.inception()]


def test_new_folders_are_named_by_what_they_are_for_and_never_the_same(engine):
    first = engine.new_run(SPEC)
    first.mkdir(parents=True)
    assert f"digits-k{SPEC.training.k}" in first.name
    assert engine.new_run(SPEC) != first
    assert engine.new_sweep(SweepSpec(base=SPEC)).name.endswith("digits-compare-k")
