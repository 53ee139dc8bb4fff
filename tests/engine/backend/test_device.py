"""The choice of the device."""

import pytest
import torch

from msd_engine.backend import device
from msd_engine.backend.device import choose_device, describe_device, failure_of_device, quicker_device
from msd_engine.backend.errors import BadFile, UserError
from msd_engine.events import Failed, Tick
from msd_engine.jobs.tools.failures import reports_user_errors


@pytest.fixture(autouse=True)
def _no_override(monkeypatch):
    monkeypatch.delenv("MSD_DEVICE", raising=False)


def test_auto_takes_the_best_device_present(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device().type == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device().type == "mps"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device().type == "cpu"


def test_the_variable_overrides_auto_and_nothing_else(monkeypatch):
    monkeypatch.setenv("MSD_DEVICE", "nonsense")
    with pytest.raises(UserError, match="nonsense"):
        choose_device()
    assert choose_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["abacus", "cpu:3", "meta", "cuda:99"])
def test_a_missing_device_is_a_clear_error(name):
    with pytest.raises(UserError, match=name):
        choose_device(name)


def test_the_description_names_the_device():
    assert describe_device(torch.device("cpu")).startswith("cpu (")


CARD, CPU = torch.device("mps"), torch.device("cpu")


@pytest.mark.parametrize(("on_card", "on_cpu", "chosen"), [(1.0, 2.0, CARD), (3.0, 2.0, CPU)])
def test_small_work_goes_where_it_was_measured_to_be_quicker(monkeypatch, on_card, on_cpu, chosen):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(device, "_quicker", {})
    measured = []

    def seconds(there):
        measured.append(there.type)
        return on_card if there == CARD else on_cpu

    assert quicker_device("auto", "work", seconds) == chosen
    assert sorted(measured) == ["cpu", "mps"]
    assert quicker_device("auto", "work", seconds) == chosen
    assert len(measured) == 2
    # Where the user has named a device, that is the one.
    assert quicker_device("cpu", "other", seconds) == CPU
    monkeypatch.setenv("MSD_DEVICE", "mps")
    assert quicker_device("auto", "other", seconds) == CARD
    assert len(measured) == 2


def test_without_an_accelerator_nothing_is_measured(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert quicker_device("auto", "work", lambda there: pytest.fail(f"measured on {there}")) == CPU


LOST = "CUDA error: unspecified launch failure\nCompile with TORCH_USE_CUDA_DSA."
USED_UP = "[enforce fail at alloc_cpu.cpp:124] data. DefaultCPUAllocator: not enough memory: you tried to allocate 9"
FAILURES = [
    (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), "smaller batch"),
    (RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"), "smaller batch"),
    (RuntimeError(USED_UP), "smaller batch"),
    (MemoryError(), "smaller batch"),
    (RuntimeError(LOST), "does not answer any more (CUDA error: unspecified launch failure)"),
    (RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"), "on the CPU (device cpu)"),
]


@pytest.mark.parametrize(("error", "words"), FAILURES)
def test_the_failure_of_a_device_ends_a_job_with_one_sentence(error, words):
    @reports_user_errors
    def job():
        yield Tick()
        raise error

    tick, failed = job()
    assert isinstance(tick, Tick)
    assert isinstance(failed, Failed)
    assert words in failed.text
    assert "What was saved is kept." in failed.text
    assert "\n" not in failed.text
    assert type(error).__name__ in failed.details


def test_faults_of_the_program_still_pass():
    assert not failure_of_device(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))

    @reports_user_errors
    def job():
        yield Tick()
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1"):
        list(job())


def test_a_bad_file_is_an_error_of_the_user():
    assert issubclass(BadFile, UserError)
