"""The copied command of an experiment that no preset resembles."""

from __future__ import annotations

from msd_engine.specs import BranchSpec, load_preset
from msd_gui.session.command import nearest_preset


def test_a_branch_differs_from_every_preset_and_is_no_error() -> None:
    spec = load_preset("ncsn-toy")
    branched = spec.replace("branch", BranchSpec(step=1, sampling=spec.sampling))
    assert nearest_preset(branched) == nearest_preset(spec)
