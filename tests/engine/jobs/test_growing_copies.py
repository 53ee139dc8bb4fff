"""x̂ as the number of copies grows: the same as of the denoising job, for each k alone."""

from __future__ import annotations

import numpy as np
import pytest

from msd_engine.events import Denoised, Failed, Finished, GrowingCopies
from msd_engine.jobs.pictures import growing
from msd_engine.jobs.pictures.denoise import denoise
from msd_engine.jobs.pictures.growing import growing_copies
from msd_engine.specs import load_preset, model_folder

SPEC = load_preset("digits-30s").replace_all({"denoise.sigma": 0.7, "denoise.index": 5, "denoise.seed": 2})
NETWORKS = ((1, model_folder("digits")), (8, model_folder("digits")))
KS = (1, 2, 4, 8)


def frames_of(job):
    return [event for event in job if isinstance(event, GrowingCopies)]


def alone(k, source, run):
    spec = SPEC.replace_all({"training.k": k, "sampling.source": source})
    return next(event for event in denoise(spec, run_dir=run) if isinstance(event, Denoised))


def test_every_estimate_is_that_of_the_denoising_job():
    networks, both = frames_of(growing_copies(SPEC, KS, NETWORKS))
    assert [(one.k, one.exact) for one in networks.estimates] == [(1, False), (8, False)]
    assert [(one.k, one.exact) for one in both.estimates] == [(1, False), (8, False), *((k, True) for k in KS)]
    runs = dict(NETWORKS)
    for one in both.estimates:
        wanted = alone(one.k, "exact" if one.exact else "trained", runs.get(one.k))
        # Exact estimates come from ȳ alone, which rounds otherwise.
        np.testing.assert_allclose(one.x_hat, wanted.copies.x_hat, atol=1e-5)
        assert one.error == pytest.approx(wanted.error, abs=1e-5)
        assert one.sigma_eff == pytest.approx(wanted.sigma_eff)


def test_a_large_set_is_not_read_for_the_exact_estimates_alone(monkeypatch):
    monkeypatch.setattr(growing, "MOST_EXACT", 0)
    monkeypatch.setattr(growing, "is_loaded", lambda _data, _folder, device=None, _colour=(): device is None)
    (only,) = frames_of(growing_copies(SPEC, KS, NETWORKS))
    assert not any(one.exact for one in only.estimates)


def test_no_network_and_a_missing_image():
    events = list(growing_copies(SPEC, KS, ()))
    assert [len(event.estimates) for event in frames_of(events)] == [0, 4]
    assert isinstance(events[-1], Finished)
    (failed,) = growing_copies(SPEC.replace("denoise.index", 10**6), KS, NETWORKS)
    assert isinstance(failed, Failed)
