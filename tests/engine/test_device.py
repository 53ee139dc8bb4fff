"""The choice of the device."""

import pytest
import torch

from msd_engine.backend.device import choose_device, describe_device
from msd_engine.backend.errors import BadFile, UserError


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


def test_a_bad_file_is_an_error_of_the_user():
    assert issubclass(BadFile, UserError)
