"""Sentences of the engine in the words of the screen."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

from msd_engine.specs import declarations, load_preset, preset_names

# Not a part of a longer name, such as that of a file.
_PATH = re.compile(r"(?<![\w./\\-])[a-z]\w*(\.\w+)+")


def titled(sentence: str) -> str:
    """Return a sentence with the titles of fields in place of their paths, such as ``noise.largest``."""
    return _PATH.sub(lambda found: _titles().get(found[0].removeprefix("base."), found[0]), sentence)


@functools.cache
def _titles() -> Mapping[str, str]:
    found: dict[str, str] = {}
    kinds: set[tuple[type, type]] = set()
    for name in preset_names():
        spec = load_preset(name)
        kind = type(spec.data), type(spec.network)
        if kind not in kinds:
            kinds.add(kind)
            rows = declarations(spec, absent=True)
            found = {row.path: f"{row.title} {row.symbol}".strip() for row in rows} | found
    return found
