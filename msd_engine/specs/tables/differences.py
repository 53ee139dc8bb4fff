"""The settings in which experiments differ, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from msd_engine.specs.base import Declaration, Spec, declarations

ABSENT = "–"


@dataclass(frozen=True)
class Difference:
    """A setting with its value in each experiment.

    Attributes:
        path: Dotted path of the field, such as ``training.k``.
        title: Display title, with the symbol.
        unit: Unit of the values; empty for none.
        values: A text for each experiment; a dash where it has no such field.
    """

    path: str
    title: str
    unit: str
    values: tuple[str, ...]


def differences(specs: Sequence[Spec]) -> tuple[Difference, ...]:
    """Compare specs field by field.

    Args:
        specs: Two or more, all of the same class.

    Returns:
        The fields whose values are not all equal, in order of declaration.
    """
    declared = [{field.path: field for field in declarations(spec)} for spec in specs]
    paths = dict.fromkeys(path for fields in declared for path in fields)
    found = []
    for path in paths:
        fields = [one.get(path) for one in declared]
        values = [None if field is None else spec.get(path) for spec, field in zip(specs, fields, strict=True)]
        if any(value != values[0] for value in values):
            known = next(field for field in fields if field is not None)
            title = f"{known.title} {known.symbol}".strip()
            texts = tuple(_text(field, value) for field, value in zip(fields, values, strict=True))
            found.append(Difference(path, title, known.unit, texts))
    return tuple(found)


def _text(field: Declaration | None, value: Any) -> str:
    if field is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.6g}"
    return dict(zip(field.choices, field.titles, strict=True)).get(value, str(value))
