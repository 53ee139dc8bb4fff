"""Chains that paint a part of a picture anew stand at each noise."""

from msd_engine.specs import for_painting, load_preset

FLOW = load_preset("mnist-2min").replace_all(
    {"sampling.sampler": "ode", "sampling.levels": 46, "sampling.steps_per_level": 1}
)


def test_a_flow_gives_way_to_chains_that_settle_with_as_many_evaluations():
    spec = FLOW
    assert spec.sampling.glides
    painting = for_painting(spec)
    assert not painting.sampling.glides
    assert painting.sampling.step_ratio < 2
    assert abs(painting.sampling.evaluations - spec.sampling.evaluations) <= painting.sampling.steps_per_level
    assert painting.replace("sampling", spec.sampling.model_dump()) == spec
    assert for_painting(painting) == painting


def test_what_somebody_has_chosen_stays():
    spec = FLOW
    assert for_painting(spec, {"sampling.sampler"}) == spec
    kept = for_painting(spec.replace("sampling.levels", 7), {"sampling.levels"})
    assert (kept.sampling.sampler, kept.sampling.levels) == ("underdamped", 7)


def test_the_sampler_itself_paints_on_request():
    spec = FLOW.replace("denoise.painting", "same")
    assert for_painting(spec) == spec
