"""Bytes of a small picture as one word of a command line, so that a drawn picture can be copied with its command.

The word is ``zlib:`` and the base64 (RFC 4648, for URLs) of the bytes packed by zlib (RFC 1950): a mask takes some
twenty letters, a drawn digit one or two hundred.
"""

from __future__ import annotations

import base64
import binascii
import zlib

PREFIX = "zlib:"


def to_word(data: bytes) -> str:
    """Return bytes as a word of letters, digits and ``-_=:``, which no shell changes."""
    return PREFIX + base64.urlsafe_b64encode(zlib.compress(data, 9)).decode("ascii")


def from_word(word: str, size: int) -> bytes:
    """Return the bytes that a word stands for.

    Args:
        word: Made by `to_word`.
        size: Number of bytes that are expected; more are never unpacked.

    Returns:
        So many bytes.

    Raises:
        ValueError: The word is damaged, or stands for another number of bytes; the sentence says which.
    """
    try:
        packed = base64.b64decode(word.removeprefix(PREFIX), altchars=b"-_", validate=True)
        unpacking = zlib.decompressobj()
        data = unpacking.decompress(packed, size + 1)
        if len(data) <= size and not unpacking.eof:
            raise ValueError("The packed picture is cut off: copy the whole command.")
    except (binascii.Error, zlib.error) as error:
        raise ValueError("The packed picture is damaged: copy the whole command.") from error
    if len(data) != size:
        more = "more than " if len(data) > size else ""
        raise ValueError(f"The packed picture has {more}{min(len(data), size)} values, but {size} are needed.")
    return data
