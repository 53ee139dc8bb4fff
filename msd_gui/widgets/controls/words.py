"""Words with subscripts: σ_L in plain text, typeset where labels show rich text."""

from __future__ import annotations

import re
from html import escape

_SIGN = re.compile(r"\b([A-Za-zΓσερτθα])_([A-Za-z0-9]+)")


def typeset(words: str) -> str:
    """Convert plain text to rich text: escape markup signs, set the index of signs such as σ_L as a subscript."""
    return _SIGN.sub(r"\1<sub>\2</sub>", escape(words, quote=False))


def tip(words: str) -> str:
    """Return a tooltip: rich text if it has a sign with an index, else the words themselves."""
    return f"<qt>{typeset(words)}</qt>" if _SIGN.search(words) else words
