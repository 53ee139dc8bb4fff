"""Tool tips that are read at a glance, and signs with an index in rich text."""

from __future__ import annotations

import re
import textwrap
from functools import lru_cache
from html import escape

LETTERS = 64
_SIGN = re.compile(r"\b([A-Za-zΓσερτθα])_([A-Za-z0-9]+)")


def typeset(words: str) -> str:
    """Convert plain text to rich text: escape markup signs, set the index of signs such as σ_L as a subscript."""
    return _SIGN.sub(r"\1<sub>\2</sub>", escape(words, quote=False))


@lru_cache(maxsize=1024)
def wrapped(text: str) -> str:
    """Break the lines of a tool tip after some 60 letters; leave rich text, and text with an index, to Qt."""
    if "<" in text:
        return text
    if _SIGN.search(text):
        return f"<qt>{typeset(text)}</qt>".replace("\n", "<br>")
    # An address keeps its hyphens.
    wrapper = textwrap.TextWrapper(LETTERS, break_long_words=False, break_on_hyphens=False)
    return "\n".join(map(wrapper.fill, text.split("\n")))
