"""The settings in which experiments differ, as a table."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from msd_engine.events import Difference, Differences, Event, Finished
from msd_engine.jobs.tools.background import Notify, in_background
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.specs import ExperimentSpec
from msd_engine.specs.base import Declaration, Spec, declarations

ABSENT = "–"


@reports_user_errors
def compare_settings(specs_json: Sequence[str]) -> Iterator[Event]:
    """Compare the settings of experiments.

    Args:
        specs_json: Two or more specs as JSON.

    Yields:
        `Differences`, then `Finished`.
    """
    start = time.monotonic()
    found = yield from in_background(partial(_compared, specs_json))
    yield Differences(tuple(specs_json), found)
    yield Finished(0, time.monotonic() - start, f"Compared {len(specs_json)} experiments.")


def _compared(specs_json: Sequence[str], _notify: Notify) -> tuple[Difference, ...]:
    return differences([ExperimentSpec.from_json(text) for text in specs_json])


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
