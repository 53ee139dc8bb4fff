"""What needs more memory than there is, is refused before it begins or ends in one sentence; sound files stay sound."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys

import pytest
import torch

from msd_engine.cli.main import main
from msd_engine.events import Failed, Finished
from msd_engine.jobs.factory import memory
from msd_engine.jobs.factory.memory import check_sampling, check_training, free_bytes
from msd_engine.jobs.factory.parts import new_denoiser
from msd_engine.jobs.sampling.sample import sample
from msd_engine.jobs.training.train import train
from msd_engine.specs import load_preset

CPU = torch.device("cpu")
POINTS = load_preset("ncsn-toy").replace_all({"network.width": 16, "training.batch": 16, "training.steps": 3})
GIB = 2**30


@pytest.fixture
def free(monkeypatch):
    """Let so many bytes be free."""

    def let(count):
        monkeypatch.setattr(memory, "free_bytes", lambda _device: float(count))
        monkeypatch.setattr(memory, "_SMALL", 0)

    return let


def room(words):
    """Return the number that a refusal says there is room for."""
    return int(words.partition("take at most ")[2].rstrip(".").replace(",", ""))


@pytest.mark.parametrize("name", ["ncsn-toy", "digits-30s", "cifar10-20min"])
def test_the_number_of_chains_that_is_named_is_the_largest(free, name):
    spec = load_preset(name).replace("sampling.chains", 100_000)
    free(GIB // 50)
    with pytest.raises(memory.UserError, match="not enough memory for 100,000 chains") as caught:
        check_sampling(spec, CPU)
    most = room(str(caught.value))
    check_sampling(spec.replace("sampling.chains", most), CPU)
    with pytest.raises(memory.UserError):
        check_sampling(spec.replace("sampling.chains", most + 1), CPU)


@pytest.mark.parametrize("name", ["ncsn-toy", "digits-30s"])
def test_the_batch_that_is_named_is_the_largest(free, name):
    spec = load_preset(name).replace_all({"training.batch": 4096, "training.precision": "float32"})
    denoiser = new_denoiser(spec, 1.0, torch.zeros(spec.data.shape))
    before = {key: value.clone() for key, value in denoiser.state_dict().items()}
    free(12 * 2**20)
    with pytest.raises(memory.UserError, match=r"4,096 data in a batch \(training\.batch\)") as caught:
        check_training(spec, denoiser, CPU)
    most = room(str(caught.value))
    check_training(spec.replace("training.batch", most), denoiser, CPU)
    with pytest.raises(memory.UserError):
        check_training(spec.replace("training.batch", most + 1), denoiser, CPU)
    assert all(torch.equal(before[key], value) for key, value in denoiser.state_dict().items())
    assert all(value.grad is None for value in denoiser.parameters())


def test_the_estimate_of_a_batch_is_what_its_gradients_keep():
    """By counting anew, for a whole batch instead of one datum."""
    spec = load_preset("digits-30s")
    denoiser = new_denoiser(spec, 1.0, torch.zeros(spec.data.shape))
    kept = [
        memory._kept_for_backward(
            lambda n=n: denoiser(torch.zeros(n, spec.training.k, *spec.data.shape), torch.ones(n)).mean, denoiser
        )
        for n in (1, 12)
    ]
    assert kept[1] == pytest.approx(12 * kept[0], rel=0.1)


def test_what_no_network_can_keep_is_not_measured(free, monkeypatch):
    denoiser = new_denoiser(POINTS, 1.0, torch.zeros(2))
    monkeypatch.setattr(memory, "_kept_for_backward", lambda *_: pytest.fail("measured"))
    free(GIB)
    check_training(POINTS, denoiser, CPU)


def test_nothing_is_left_behind_by_what_is_refused(free, tmp_path):
    free(1000)
    *_, failed = train(POINTS, tmp_path / "run", device="cpu")
    assert isinstance(failed, Failed)
    assert "not enough memory" in failed.text
    assert "network" in failed.text
    assert not (tmp_path / "run").exists()
    *_, failed = sample(POINTS, device="cpu")
    assert "not enough memory" in failed.text


def test_the_command_says_it_in_one_sentence_and_one_line_of_json(free, tmp_path, capsys):
    free(1000)
    words = ["sample", "--preset", "ncsn-toy", "--n", "5000", "--out", str(tmp_path / "a.npz"), "--json"]
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert err.startswith("msd: There is not enough memory for 5,000 chains")
    assert "Traceback" not in err
    assert json.loads(out)["status"] == "refused"


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_memory_that_runs_out_anywhere_is_reported_in_one_sentence(tmp_path, monkeypatch, capsys, error):
    def full(*_args, **_named):
        raise error

    monkeypatch.setattr("msd_engine.runs.samples.save_samples", full)
    words = ["sample", "--preset", "ncsn-toy", "--n", "4", "--levels", "2", "--out", str(tmp_path / "a.npz"), "--json"]
    assert main(words) == 1
    out, err = capsys.readouterr()
    assert "msd: There is not enough memory" in err
    assert "Traceback" not in err
    assert json.loads(out)["status"] == "failed"


def test_a_job_of_a_few_chains_does_not_ask_what_is_free(monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda _device: pytest.fail("asked"))
    check_sampling(POINTS.replace("sampling.chains", 100), CPU)


def test_a_machine_says_what_is_free():
    assert 0 < free_bytes(CPU) < math.inf


def test_a_container_has_what_its_group_leaves(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    assert memory._left_to_group() == math.inf
    for name, text in (
        ("max", "1000\n"),
        ("current", "900\n"),
        ("stat", "anon 500\ninactive_file 250\nactive_file 50\n"),
    ):
        (tmp_path / f"memory.{name}").write_text(text)
    assert memory._left_to_group() == 400
    (tmp_path / "memory.max").write_text("max\n")
    assert memory._left_to_group() == math.inf


LIMITED = """
import resource, sys
from pathlib import Path
import psutil
from msd_engine.jobs.factory import memory
from msd_engine.jobs.sampling.sample import sample
from msd_engine.jobs.training.train import train
from msd_engine.runs.run import Run
from msd_engine.runs.samples import load_samples
from msd_engine.specs import load_preset
folder = Path(sys.argv[1])
spec = Run.open(folder / "run").spec
list(train(spec.replace("training.steps", 4), folder / "run", resume=True, device="cpu"))
limit = psutil.Process().memory_info().vms + 512 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
print(len(load_samples(folder / "a.npz").x_hat))
print(Run.open(folder / "run").load_weights().step, Run.open(folder / "run").read_metrics().rows[-1]["step"])
*_, last = train(spec.replace("training.steps", 5), folder / "run", resume=True, device="cpu")
print(last.text)
exact = {"sampling.chains": 100_000, "training.k": 16, "sampling.source": "exact"}
many = load_preset("digits-30s").replace_all(exact)
*_, last = sample(many, device="cpu")
print(last.text)
memory.free_bytes = lambda _: float("inf")
*_, last = sample(many, device="cpu")
print(last.text)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only there the address space is limited")
def test_under_a_limit_of_memory_sound_files_are_read_and_what_is_too_large_is_reported(tmp_path):
    *_, finished = train(POINTS, tmp_path / "run", device="cpu")
    assert isinstance(finished, Finished)
    assert main(["sample", "--preset", "ncsn-toy", "--n", "4", "--levels", "2", "--out", str(tmp_path / "a.npz")]) == 0
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    child = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, env=environment, check=False
    )
    assert child.returncode == 0, child.stderr
    samples, run, resumed, refused, ended = child.stdout.splitlines()
    assert (samples, run) == ("4", "4 4")
    assert resumed.startswith("Trained 5 steps")
    assert refused.startswith("There is not enough memory for 100,000 chains of 16 copies")
    assert ended.startswith("There is not enough memory for this")
