"""Specs: what is accepted comes back unchanged, and what is not is named in one sentence."""

import json
import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from msd_engine.specs import (
    Declaration,
    ExperimentSpec,
    ImagesSpec,
    MixtureSpec,
    MlpSpec,
    Spec,
    SpecError,
    SweepSpec,
    UNetSpec,
    declarations,
    load_preset,
    preset_names,
)
from msd_engine.specs.tables.samplers import OWN_FIELDS, TRAITS

MIXTURE = ExperimentSpec()
IMAGES = load_preset("digits-30s")
KINDS = (MIXTURE, IMAGES)
SAMPLERS = tuple(MIXTURE.replace("sampling.sampler", sampler) for sampler in TRAITS)
DECLARED = {declared.path: (spec, declared) for spec in (*SAMPLERS, MIXTURE) for declared in declarations(spec)} | {
    f"images: {declared.path}": (IMAGES, declared)
    for declared in declarations(IMAGES)
    if declared.path.startswith(("data.", "network."))
}


def values_of(declared: Declaration) -> st.SearchStrategy[Any]:
    """Return the values that a declaration accepts, bounds aside where a validator ties two fields together."""
    if declared.choices:
        return st.sampled_from(declared.choices)
    if declared.type is bool:
        return st.booleans()
    low, high = declared.slider or (declared.low, declared.high)
    if declared.type is int:
        return st.integers(int(low or 0), int(high or 2**31 - 1))
    return st.floats(low, high, allow_nan=False)


def scalars(value: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """List the dotted paths of the numbers, truth values and words in nested plain values."""
    for name, entry in value.items():
        if isinstance(entry, dict):
            yield from scalars(entry, f"{prefix}{name}.")
        elif isinstance(entry, bool | int | float | str):
            yield f"{prefix}{name}"


def one_sentence(error: SpecError | None) -> bool:
    text = str(error)
    return isinstance(error, SpecError) and text.endswith(".") and "\n" not in text and len(text) < 600


def attempt(make: Callable[[], ExperimentSpec]) -> tuple[ExperimentSpec | None, SpecError | None]:
    try:
        return make(), None
    except SpecError as error:
        return None, error


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_comes_back_from_json(name: str) -> None:
    spec = load_preset(name)
    assert ExperimentSpec.from_json(spec.to_json()) == spec
    assert ExperimentSpec.from_json(spec.to_json(indent=2)) == spec
    assert ExperimentSpec.from_fields(spec.model_dump()) == spec
    assert spec.title


@pytest.mark.parametrize("key", sorted(DECLARED))
@given(data=st.data())
def test_any_accepted_value_comes_back_from_json(key: str, data: st.DataObject) -> None:
    base, declared = DECLARED[key]
    path = declared.path
    value = data.draw(values_of(declared))
    spec, refusal = attempt(lambda: base.replace(path, value))
    if spec is None:
        # Two fields may contradict each other: the sentence must still say so.
        assert one_sentence(refusal)
        return
    assert spec.get(path) == value
    assert ExperimentSpec.from_json(spec.to_json()) == spec


def test_a_custom_mixture_comes_back_from_json() -> None:
    fields = {
        "kind": "mixture",
        "name": "custom",
        "weights": (0.25, 0.75),
        "means": ((0.0, 1.0), (2.0, 3.0)),
        "covariances": (((1.0, 0.5), (0.5, 2.0)), ((1.0, 0.0), (0.0, 1.0))),
    }
    spec = ExperimentSpec.from_fields({"data": fields})
    assert ExperimentSpec.from_json(spec.to_json()) == spec
    for broken in ({"weights": None}, {"weights": (1.0,)}, {"weights": (0.0, 1.0)}, {"means": ((0.0,), (1.0, 2.0))}):
        with pytest.raises(SpecError, match=r"data\.") as caught:
            ExperimentSpec.from_fields({"data": fields | broken})
        assert one_sentence(caught.value)


@pytest.mark.parametrize("key", sorted(DECLARED))
def test_what_is_not_accepted_is_named_in_one_sentence(key: str) -> None:
    base, declared = DECLARED[key]
    path = declared.path
    wrong: list[Any] = [None, [1], {"a": 1}]
    if declared.choices:
        wrong += ["no such word", 1]
    elif declared.type is bool:
        wrong += [1, "true"]
    else:
        wrong += [math.nan, math.inf, -math.inf, "3", True]
        wrong += [bound for bound in (declared.low and declared.low - 1, declared.high and declared.high * 2) if bound]
    if declared.type is int:
        wrong.append(1.5)
    for value in wrong:
        with pytest.raises(SpecError) as caught:
            base.replace(path, value)
        assert one_sentence(caught.value), caught.value
        assert path in str(caught.value)
        assert caught.value.path == path


@pytest.mark.parametrize("key", sorted(key for key, (_, declared) in DECLARED.items() if declared.low is not None))
def test_nothing_under_the_declared_bound_is_accepted(key: str) -> None:
    base, declared = DECLARED[key]
    path = declared.path
    step = 1 if declared.type is int else 1e-9 * max(1.0, abs(declared.low))
    with pytest.raises(SpecError, match=path.replace(".", r"\.")):
        base.replace(path, declared.type(declared.low - step))


def test_unknown_fields_repeated_keys_and_broken_text_are_refused() -> None:
    fields = json.loads(MIXTURE.to_json())
    for path in ("colour", "sampling.colour", "data.limit", "network.code"):
        broken = json.loads(MIXTURE.to_json())
        *parents, name = path.split(".")
        target = broken
        for parent in parents:
            target = target[parent]
        target[name] = 1
        with pytest.raises(SpecError) as caught:
            ExperimentSpec.from_json(json.dumps(broken))
        assert str(caught.value) == f"There is no field called {path}."
    with pytest.raises(SpecError, match="epsilon is given twice"):
        ExperimentSpec.from_json('{"sampling": {"epsilon": 0.1, "epsilon": 0.2}}')
    for text in ("", "{", "[1]", "3", "null", '{"a": NaN}', "[" * 100_000, b"\xff\xfe\x00"):
        with pytest.raises(SpecError) as caught:
            ExperimentSpec.from_json(text)
        assert one_sentence(caught.value), caught.value
    for number in ("NaN", "Infinity", "-Infinity", "1e999"):
        text = json.dumps(fields | {"sampling": {"step_ratio": 7.5}}).replace("7.5", number)
        with pytest.raises(SpecError, match=r"sampling\.step_ratio") as caught:
            ExperimentSpec.from_json(text)
        assert one_sentence(caught.value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["data", "kind", "sampling", "step_ratio", "network", "other"]), inner)
        ),
    )
)
def test_no_json_raises_anything_but_a_spec_error(value: Any) -> None:
    spec, refusal = attempt(lambda: ExperimentSpec.from_json(json.dumps(value)))
    assert isinstance(spec, ExperimentSpec) or one_sentence(refusal)


def test_a_spec_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        MIXTURE.sampling.step_ratio = 1.0  # type: ignore[misc]
    changed = MIXTURE.replace("sampling.step_ratio", 0.25)
    assert (changed.sampling.step_ratio, MIXTURE.sampling.step_ratio) == (0.25, 0.1)
    assert changed != MIXTURE
    assert hash(changed) != hash(MIXTURE)
    assert changed.replace("sampling.step_ratio", 0.1) == MIXTURE


def test_replacing_takes_whole_parts_and_several_fields_at_once() -> None:
    assert (
        MIXTURE.replace_all({"data": ImagesSpec(), "network": UNetSpec(), "sampling.source": "trained"}).data.kind
        == "images"
    )
    # Each of these alone contradicts the others.
    for path, value in (("data", ImagesSpec()), ("network", UNetSpec())):
        with pytest.raises(SpecError, match="kind"):
            MIXTURE.replace(path, value)
    with pytest.raises(SpecError, match=r"sampling\.sigma_L .* must not exceed sampling\.sigma_1"):
        MIXTURE.replace_all({"sampling.sigma_1": 1.0, "sampling.sigma_L": 2.0})
    for path in ("nothing", "sampling.nothing", "sampling.step_ratio.deeper", ""):
        with pytest.raises(SpecError, match="There is no field"):
            MIXTURE.replace(path, 1.0)


@pytest.mark.parametrize("key", sorted(DECLARED))
def test_every_field_says_what_a_control_and_a_flag_need(key: str) -> None:
    base, declared = DECLARED[key]
    path = declared.path
    assert declared.title
    assert declared.title != declared.path
    assert declared.help.endswith(".")
    assert declared.scale in ("linear", "log")
    assert declared.type in (int, float, bool, str)
    assert base.replace(path, declared.default).get(path) == declared.default
    if declared.choices:
        assert declared.default in declared.choices
        assert declared.slider is None
        return
    if declared.type is bool:
        return
    assert declared.low is not None
    if declared.slider is None:
        assert path.endswith("seed")
        return
    low, high = declared.slider
    assert declared.low <= low < high
    assert declared.high is None or high <= declared.high
    assert declared.scale == "linear" or low > 0
    for end in declared.slider:
        related = {"sampling.sigma_1": declared.slider[1]} if path == "sampling.sigma_L" else {}
        related |= {"sampling.sigma_L": declared.slider[0]} if path == "sampling.sigma_1" else {}
        assert base.replace_all(related | {path: declared.type(end)}).get(path) == end


@pytest.mark.parametrize("spec", [*KINDS, *SAMPLERS], ids=["mixture", "images", *TRAITS])
def test_declarations_cover_every_scalar_field_once(spec: ExperimentSpec) -> None:
    named = [declared.path for declared in declarations(spec)]
    tags = {"format", "title", "data.kind", "network.kind"}
    assert sorted(named) == sorted(set(scalars(spec.model_dump())) - tags)


def test_declarations_of_a_class_and_of_its_value_are_the_same() -> None:
    for cls in (MixtureSpec, ImagesSpec, MlpSpec, UNetSpec):
        assert list(declarations(cls)) == list(declarations(cls(), absent=True))
        assert [declared.path for declared in declarations(cls, "part")] == [
            f"part.{declared.path}" for declared in declarations(cls)
        ]


def test_an_unknown_preset_is_answered_with_the_known_ones() -> None:
    with pytest.raises(SpecError, match="no preset called 'nothing'") as caught:
        load_preset("nothing")
    assert one_sentence(caught.value)
    assert all(name in str(caught.value) for name in preset_names())
    with pytest.raises(SpecError):
        load_preset("../presets/ncsn-toy")


@given(st.integers(1, 64), st.floats(1e-3, 10), st.floats(1e-6, 10))
def test_derived_figures_agree_with_the_theory(k: int, sigma: float, r: float) -> None:
    spec = MIXTURE.replace_all({"training.k": k, "sampling.sigma_L": sigma, "sampling.step_ratio": r})
    assert spec.sigma_eff(sigma) ** 2 * k == pytest.approx(sigma**2)
    assert spec.sigma_of_copy(spec.sigma_eff(sigma)) == pytest.approx(sigma)
    assert spec.sampling.epsilon / sigma**2 == pytest.approx(r)
    assert spec.replace("sampling.sigma_L", sigma / 2).sampling.step_ratio == r
    assert spec.sampling.total_steps == spec.sampling.levels * spec.sampling.steps_per_level
    assert spec.replace("sampling.method", "fixed").sampling.total_steps == spec.sampling.steps_per_level


OLD = "msd-experiment-1"


@pytest.mark.parametrize("epsilon", [0.012, 0.018, 0.024, 0.0030000000000000005, 2.48e-05])
@pytest.mark.parametrize("sigma_L", [0.2, 0.3, 1, 0.020])
def test_the_step_size_of_an_older_file_is_its_ratio_to_the_bit(epsilon: float, sigma_L: float) -> None:
    fields = {"format": OLD, "sampling": {"epsilon": epsilon, "sigma_L": sigma_L}}
    spec = ExperimentSpec.from_json(json.dumps(fields))
    assert spec.sampling.step_ratio == epsilon / sigma_L**2
    assert spec.sampling.epsilon == pytest.approx(epsilon, rel=1e-15)
    assert SweepSpec.from_json(json.dumps({"format": "msd-sweep-1", "base": fields})).base == spec
    assert ExperimentSpec.from_json(spec.to_json()) == spec
    # So much was taken where nothing was said.
    left_out = json.dumps({"format": OLD, "sampling": {"sigma_L": sigma_L}})
    assert ExperimentSpec.from_json(left_out).sampling.step_ratio == 0.1 / sigma_L**2


@pytest.mark.parametrize("epsilon", ["-1", "0", "NaN", "1e999", '"a"', "[1]", "null", "true", "1e7"])
def test_a_wrong_step_size_in_an_older_file_is_named(epsilon: str) -> None:
    with pytest.raises(SpecError, match=r"sampling\.epsilon must be a number") as caught:
        ExperimentSpec.from_json(f'{{"format": "{OLD}", "sampling": {{"epsilon": {epsilon}}}}}')
    assert one_sentence(caught.value)
    assert caught.value.path == "sampling.epsilon"


@given(st.recursive(st.none() | st.floats() | st.text(), st.lists))
def test_no_older_json_raises_anything_but_a_spec_error(value: Any) -> None:
    for sampling in (value, {"epsilon": value}, {"sigma_L": value}, {"step_ratio": value, "epsilon": 1.0}):
        text = json.dumps({"format": OLD, "sampling": sampling})
        spec, refusal = attempt(partial(ExperimentSpec.from_json, text))
        assert isinstance(spec, ExperimentSpec) or one_sentence(refusal)


@pytest.mark.parametrize("sampler", TRAITS)
def test_an_older_file_gives_fields_of_other_samplers_which_are_dropped(sampler: str) -> None:
    fields = {"sampler": sampler, "epsilon": 0.3, "friction": 7.0, "levels": 4}
    spec = ExperimentSpec.from_json(json.dumps({"format": OLD, "sampling": fields}))
    kept = json.loads(spec.to_json())["sampling"]
    own = spec.sampling.traits.own
    assert kept.keys() & set(OWN_FIELDS) == set(own)
    expected = {"step_ratio": 0.3, "friction": 7.0, "conditioning": "scheduled", "warm_up": 0.2, "step_size": 0.05}
    expected |= {"eta": 1.0, "new_noise": "beta-tilde"}
    assert {name: kept[name] for name in own} == {name: expected[name] for name in own}
    assert spec.sampling.levels == 4


@pytest.mark.parametrize("older", ["msd-experiment-1", "msd-experiment-2"])
@pytest.mark.parametrize("sampling", [None, {}, {"sampler": "underdamped"}, {"sampler": "ode"}])
def test_an_older_file_gives_the_denoiser_the_noise_of_the_level(older: str, sampling: dict[str, str] | None) -> None:
    fields = {"format": older} | ({} if sampling is None else {"sampling": sampling})
    spec = ExperimentSpec.from_json(json.dumps(fields))
    wanted = None if "conditioning" in spec.sampling.absent else "scheduled"
    kept = json.loads(spec.to_json())
    assert kept["format"] == "msd-experiment-3"
    assert kept["sampling"].get("conditioning") == wanted
    assert ExperimentSpec.from_json(spec.to_json()) == spec
    assert ExperimentSpec.from_json('{"format": "msd-experiment-3"}').sampling.conditioning == "actual"


@pytest.mark.parametrize("name", preset_names())
def test_presets_of_papers_and_of_wide_modes_give_the_noise_of_the_level_and_the_others_that_of_the_state(
    name: str,
) -> None:
    sampling = load_preset(name).sampling
    of_the_level = name.startswith(("report", "ncsn", "two-gaussians", "ring", "grid", "card"))
    if "conditioning" not in sampling.absent:
        assert sampling.conditioning == ("scheduled" if of_the_level else "actual")


def test_a_field_of_another_sampler_is_refused_by_name() -> None:
    with pytest.raises(SpecError, match=r"sampling\.friction here: 'underdamped' has it, but 'langevin'") as caught:
        MIXTURE.replace("sampling.friction", 2.0)
    assert one_sentence(caught.value)
    assert caught.value.path == "sampling.friction"


def test_after_the_largest_seed_comes_the_first() -> None:
    assert MIXTURE.replace("sampling.seed", 6).with_next_seed() == MIXTURE.replace("sampling.seed", 7)
    assert MIXTURE.replace("sampling.seed", 2**31 - 1).with_next_seed().sampling.seed == 0


def test_every_spec_class_refuses_strange_fields() -> None:
    def all_classes(cls: type[Spec]) -> Iterator[type[Spec]]:
        for sub in cls.__subclasses__():
            yield sub
            yield from all_classes(sub)

    classes = {cls for cls in all_classes(Spec) if cls.__module__.startswith("msd_engine.specs")}
    assert ExperimentSpec in classes
    for cls in classes:
        with pytest.raises(SpecError, match="There is no field called strange"):
            cls.from_fields({"strange": 1})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_a_spec_that_an_editor_saved_is_read(encoding):
    spec = ExperimentSpec(title="σ")
    assert ExperimentSpec.from_json(spec.to_json().encode(encoding)) == spec
    assert ExperimentSpec.from_json("\ufeff" + spec.to_json()) == spec


def test_a_text_in_no_encoding_is_refused_in_a_sentence():
    with pytest.raises(SpecError, match="not valid JSON"):
        ExperimentSpec.from_json(b'{"title": "\xff"}')
