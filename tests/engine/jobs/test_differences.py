"""The settings in which experiments differ."""

from __future__ import annotations

import pytest

from msd_engine.jobs.files.differences import ABSENT, differences
from msd_engine.specs import declarations, load_preset

ONE = load_preset("digits-30s")


def test_equal_settings_differ_in_nothing():
    assert differences([ONE, ONE, ONE.replace("title", "another name")]) == ()


def test_what_differs_has_path_title_unit_and_a_value_for_each():
    other = ONE.replace_all({"training.k": 2, "training.seconds": 1.5, "training.flips": True})
    found = {one.path: one for one in differences([ONE, other, ONE])}
    assert set(found) == {"training.k", "training.seconds", "training.flips"}
    declared = {field.path: field for field in declarations(ONE)}
    assert found["training.seconds"].unit == declared["training.seconds"].unit == "s"
    assert found["training.k"].title == "Copies k"
    assert found["training.k"].values == ("8", "2", "8")
    assert found["training.seconds"].values == ("30", "1.5", "30")
    assert found["training.flips"].values == ("no", "yes", "no")


@pytest.mark.parametrize("order", [1, -1])
def test_a_field_that_only_one_has_is_a_dash_at_the_other(order):
    flow = ONE.replace("sampling.sampler", "ode")
    found = {one.path: one.values[::order] for one in differences([ONE, flow][::order])}
    assert found["sampling.sampler"] == ("Underdamped", "Probability flow")
    assert found["sampling.friction"] == ("100", ABSENT)


def test_points_and_images_are_compared_field_by_field():
    found = {one.path: one.values for one in differences([ONE, load_preset("ncsn-toy")])}
    assert found["network.depth"][0] == ABSENT
    assert found["data.split"][1] == ABSENT
