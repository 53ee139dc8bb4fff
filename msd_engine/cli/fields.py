"""Flags for the fields of a spec, made from their declarations.

Each field has the flag of its dotted path, ``--sampling.levels``, and its bare name, ``--levels``, if that is unique.
A command's own section comes first: ``--seed`` is ``sampling.seed`` for `msd sample`. The step ratio also has the flag
``--r``, and the step size ε = r σ_L² may replace it.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Collection, Mapping
from decimal import Decimal
from functools import cache
from typing import Annotated, Any

import tyro

from msd_engine.specs import (
    Declaration,
    ExperimentSpec,
    ImagesSpec,
    SamplingSpec,
    SpecError,
    UNetSpec,
    declarations,
    step_ratio_of,
)

NOT_GIVEN = "\0"
"""Default of a text flag: impossible as an argument of a process."""

_METAVAR = {int: "INT", float: "FLOAT", bool: "BOOL", str: "WORD"}
STEP_RATIO, STEP_SIZE = "sampling.step_ratio", "sampling.epsilon"
"""The two flags for the step; the first one is a field."""
_SHORT = {STEP_RATIO: ("--r",)}
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@cache
def declared_fields() -> dict[str, dict[str, Declaration]]:
    """Return the declarations by dotted path, then by the kind of experiment: mixtures or images."""
    images = ExperimentSpec(data=ImagesSpec(), network=UNetSpec(), sampling=SamplingSpec(source="trained"))
    fields: dict[str, dict[str, Declaration]] = {}
    for kind, spec in (("mixtures", ExperimentSpec()), ("images", images)):
        for declared in declarations(spec, absent=True):
            fields.setdefault(declared.path, {})[kind] = declared
    return fields


def describe_range(declared: Declaration, *, unit: bool = True) -> str:
    """Describe the values that a field accepts, with or without their unit."""
    if declared.choices:
        text = " | ".join(declared.choices)
    elif declared.type is bool:
        text = "true | false"
    else:
        low, high = (
            None if bound is None else f"{declared.type(bound):.10g}" for bound in (declared.low, declared.high)
        )
        text = f"{low} to {high}" if high is not None else f"at least {low}"
    return f"{text} {declared.unit}".strip() if unit else text


def field_flags(section: str, *, reserved: Collection[str] = (), chain_task: bool = False) -> type[Any]:
    """Make the class that tyro fills from the field flags of one command.

    Args:
        section: The section of the spec whose bare names win, such as ``training``.
        reserved: Bare names reserved for the command's own options.
        chain_task: Whether to include the section ``denoise``, read only by commands for chain tasks.

    Returns:
        A dataclass with one member for each section of the spec, each a dataclass of texts.
    """
    fields = {path: kinds for path, kinds in declared_fields().items() if chain_task or not path.startswith("denoise.")}
    counts = Counter(path.rsplit(".", 1)[1] for path in fields)
    sections: dict[str, list[tuple[str, Any, Any]]] = {}
    for path, kinds in fields.items():
        parent, name = path.rsplit(".", 1)
        bare = name not in reserved and (parent == section or (counts[name] == 1))
        flag = tyro.conf.arg(
            aliases=[f"--{name}", *_SHORT.get(path, ())] if bare else None,
            metavar=_METAVAR[next(iter(kinds.values())).type],
            help=_help(kinds),
            help_behavior_hint=_hint(kinds),
        )
        sections.setdefault(parent, []).append((name, Annotated[str, flag], dataclasses.field(default=NOT_GIVEN)))
    sections["sampling"].append(("epsilon", Annotated[str, _step_size()], dataclasses.field(default=NOT_GIVEN)))
    parts = []
    for parent, members in sections.items():
        part = dataclasses.make_dataclass(parent.capitalize(), members, frozen=True)
        part.__doc__ = None  # otherwise the help would show the signature
        parts.append((parent, part, dataclasses.field(default_factory=part)))
    return dataclasses.make_dataclass("Fields", parts, frozen=True)


def field_flag(path: str) -> Any:
    """Return the type of the flag of one field, for a command with few of them."""
    kinds = declared_fields()[path]
    metavar = _METAVAR[next(iter(kinds.values())).type]
    return Annotated[str, tyro.conf.arg(metavar=metavar, help=_help(kinds), help_behavior_hint=_hint(kinds))]


def _step_size() -> Any:
    """Return the flag of the step size, which is no field of the spec."""
    text = "Step size at the last level, ε = r σ_L², instead of the step ratio r; the step of plain dynamics."
    return tyro.conf.arg(aliases=["--epsilon"], metavar="FLOAT", help=text, help_behavior_hint="")


def given_fields(flags: Any) -> dict[str, str]:
    """Return the texts given on the command line, by dotted path.

    Args:
        flags: An instance of a class made by `field_flags`.
    """
    texts = {
        f"{part.name}.{member.name}": getattr(getattr(flags, part.name), member.name)
        for part in dataclasses.fields(flags)
        for member in dataclasses.fields(getattr(flags, part.name))
    }
    return {path: text for path, text in texts.items() if text != NOT_GIVEN}


def with_fields(spec: ExperimentSpec, given: Mapping[str, str]) -> ExperimentSpec:
    """Return the spec with fields replaced by texts from the command line.

    Args:
        spec: The spec to start from.
        given: Texts by dotted path.

    Returns:
        The validated spec.

    Raises:
        SpecError: A field does not belong to this kind of experiment, or a value is not accepted.
    """
    known = {declared.path: declared for declared in declarations(spec, absent=True)}
    plain = {path: text for path, text in given.items() if path != STEP_SIZE}
    for path in plain:
        if path not in known:
            kinds = " or ".join(declared_fields()[path])
            raise SpecError(path, f"The field {path} belongs to experiments with {kinds}, which this one is not.")
    changed = spec.replace_all({path: _value(known[path], text) for path, text in plain.items()})
    if (text := given.get(STEP_SIZE)) is None:
        return changed
    if STEP_RATIO in given:
        raise SpecError(STEP_SIZE, f"Give one of {STEP_SIZE} and {STEP_RATIO}: each follows from the other.")
    epsilon = _value(dataclasses.replace(known[STEP_RATIO], path=STEP_SIZE), text)
    if changed.sampling.noiseless:
        return changed.replace("sampling.step_size", epsilon)
    return changed.replace(STEP_RATIO, step_ratio_of(epsilon, changed.sampling.sigma_L))


def _value(declared: Declaration, text: str) -> int | float | bool | str:
    try:
        if declared.type is bool:
            return _WORDS[text.lower()]
        if declared.type is int:
            return whole_number(text)
        if declared.type is float:
            return float(text)
    except (KeyError, ValueError):
        wanted = {bool: "true or false", int: "a whole number", float: "a number"}[declared.type]
        sentence = f"{declared.path} must be {wanted}, but is {text!r}{no_commas(text)}."
        raise SpecError(declared.path, sentence) from None
    return text


def whole_number(text: str) -> int:
    """Read a whole number such as 10000 or 1e4.

    Raises:
        ValueError: The text is not a whole number.
    """
    if not re.fullmatch(r"[+-]?\d+(?:(?:\.\d+)?e\+?\d{1,2})?", text.strip(), re.ASCII | re.IGNORECASE):
        raise ValueError(text)
    exact = Decimal(text.strip())
    if exact != exact.to_integral_value():
        raise ValueError(text)
    return int(exact)


def no_commas(text: str) -> str:
    """Return advice for a refused number with a comma, empty for one without."""
    return ": write it without commas and with a decimal point" if "," in text else ""


def _help(kinds: Mapping[str, Declaration]) -> str:
    parts = [_sentence(declared) for declared in kinds.values()]
    return parts[0] if len(set(parts)) == 1 else " / ".join(parts)


def _sentence(declared: Declaration) -> str:
    title = f"{declared.title}, {declared.symbol}" if declared.symbol else declared.title
    return f"{title}: {declared.help}"


def _hint(kinds: Mapping[str, Declaration]) -> str:
    ranges = {kind: describe_range(declared) for kind, declared in kinds.items()}
    if len(kinds) == len(declared_fields()["training.k"]) and len(set(ranges.values())) == 1:
        return f"({next(iter(ranges.values()))})"
    return "(" + "; ".join(f"{kind}: {text}" for kind, text in ranges.items()) + ")"
