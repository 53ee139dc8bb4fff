"""Tool tips that are read at a glance: Qt wraps rich text alone."""

from __future__ import annotations

import textwrap

LETTERS = 64


def wrapped(text: str) -> str:
    """Break the lines of a tool tip after some 60 letters; leave rich text to Qt."""
    if "<" in text:
        return text
    return "\n".join(textwrap.fill(line, LETTERS, break_long_words=False) for line in text.split("\n"))
