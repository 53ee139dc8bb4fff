"""Sentences of the engine name fields by the titles on the screen."""

from msd_gui.widgets.panels.titles import titled


def test_fields_are_named_by_their_titles() -> None:
    said = "noise.largest must not be below base.noise.smallest; data.grey_levels and README.md stay, as does 1.5."
    shown = titled(said)
    assert "noise." not in shown
    assert shown.startswith("Largest noise of training σ_a must not be below Smallest noise of training σ_b;")
    assert "data.grey_levels and README.md stay, as does 1.5." in shown
    assert titled("/runs/noise.largest and my-training.k cannot be read.").startswith(
        "/runs/noise.largest and my-training.k"
    )
