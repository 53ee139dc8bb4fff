"""Files changed at random: as bytes, and as what their format is made of, with its checksums set right again."""

from __future__ import annotations

import gzip
import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

Mutator = Callable[[random.Random, bytes], bytes]

_STRANGE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63) - 1, 0.5, -0.0, 1e308, 5e-324, "", "x", "1", "\0", "σ",
    "\ud800", "a" * 5000, [], {}, [[]], [0], ["x"], {"": None}, {"step": 1}, [1] * 300,
)  # fmt: skip
# What json.dumps does not write.
_RAW = (
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999999999",
    "1" + "0" * 400,
    "1" * 5000,
    "[" * 3000,
    '{"a":' * 2000,
    "truee",
    "",
)


def flipped(random: random.Random, data: bytes) -> bytes:
    """Flip a few bits, cut, insert, repeat or blank a piece."""
    changed = bytearray(data)
    place = random.randrange(len(data) + 1)
    length = random.choice((1, 2, 7, 64, 512))
    match random.randrange(7):
        case 0 | 1:
            for _ in range(random.choice((1, 1, 2, 8))):
                if changed:
                    changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
        case 2:
            del changed[place:]
        case 3:
            del changed[place : place + length]
        case 4:
            changed[place:place] = random.randbytes(length)
        case 5:
            changed[place:place] = changed[max(0, place - length) : place] * random.choice((1, 2, 50))
        case _:
            changed[place : place + length] = bytes(min(length, len(changed) - place))
    return bytes(changed)


def json_changed(random: random.Random, data: bytes) -> bytes:
    """Change one value or name somewhere in a JSON document."""
    document = json.loads(data)
    mark = "\u0001mark\u0001"
    places = list(_places(document))
    raw = random.choice(_RAW) if random.random() < 0.2 else None
    if not places:
        return json.dumps(random.choice(_STRANGE)).encode()
    holder, key = random.choice(places)
    value = mark if raw is not None else random.choice(_STRANGE)
    match random.randrange(5) if isinstance(holder, dict) else 4:
        case 0:
            del holder[key]
        case 1:
            holder[random.choice(("", "x", "__class__", key.upper(), "step", "kind"))] = holder.pop(key)
        case 2:
            holder[random.choice(("extra", "__reduce__", "format"))] = value
        case _:
            holder[key] = value
    text = json.dumps(document)
    return text.replace(json.dumps(mark), raw or "").encode("utf-8", "surrogatepass")


def _places(document: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting = [document]
    while waiting:
        here = waiting.pop()
        keys = list(here) if isinstance(here, dict) else range(len(here)) if isinstance(here, list) else ()
        for key in keys:
            found.append((here, key))
            waiting.append(here[key])
    return found


def line_changed(random: random.Random, data: bytes) -> bytes:
    """Change one line of a list of JSON documents."""
    lines = data.split(b"\n")
    place = random.randrange(len(lines) - 1)
    lines[place] = json_changed(random, lines[place])
    return b"\n".join(lines)


def safetensors_changed(random: random.Random, data: bytes) -> bytes:
    """Change what the header of a safetensors file says."""
    length = int.from_bytes(data[:8], "little")
    header = json_changed(random, data[8 : 8 + length])
    said = random.choice((len(header),) * 6 + (0, len(header) - 1, len(header) + 9, 2**40, 2**64 - 1))
    return said.to_bytes(8, "little") + header + data[8 + length :]


def inside_gz(inner: Mutator) -> Mutator:
    """Return a mutator of what is packed, which is packed again."""
    return lambda random, data: gzip.compress(inner(random, gzip.decompress(data)), 1)


def idx_changed(random: random.Random, data: bytes) -> bytes:
    """Change type, number of axes or lengths in the header of an idx file."""
    header = bytearray(data[:16])
    place = random.choice((0, 1, 2, 3, 4, 8, 12))
    if place < 4:
        header[place] = random.randrange(256)
    else:
        header[place : place + 4] = random.choice((0, 1, 2**16, 2**31, 2**32 - 1)).to_bytes(4, "big")
    return bytes(header) + data[16:]


def npz_changed(random: random.Random, data: bytes) -> bytes:
    """Change one member of an npz file, or which there are."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = random.choice(list(members))
    match random.randrange(6):
        case 0:
            del members[name]
        case 1:
            members[random.choice(("extra.npy", "../out.npy", "x_hat", "x"))] = members[name]
        case 2:
            members[name] = members[random.choice(list(members))]
        case 3:
            members[name] = _with_header(random, members[name])
        case _:
            members[name] = flipped(random, members[name])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for other, content in members.items():
            archive.writestr(other, content)
    return packed.getvalue()


def _with_header(random: random.Random, data: bytes) -> bytes:
    """Let an npy file say another shape, type or order."""
    descr = random.choice(("'<f4'", "'|O'", "'<U999999999'", "'<i8'", "[('a', '<f4')]", "__import__('os').system('x')"))
    shape = random.choice(("(4, 2)", "(-1,)", "(2**62, 4)", "()", "(1e9,)", "(4611686018427387904, 2)", "None"))
    text = f"{{'descr': {descr}, 'fortran_order': {random.choice(('False', 'True', '3'))}, 'shape': {shape}, }}"
    header = text.encode().ljust(random.choice((118, 54, 246))) + b"\n"
    version = random.choice((b"\x01\x00", b"\x02\x00", b"\x03\x00", b"\x09\x00"))
    return b"\x93NUMPY" + version + struct.pack("<H", len(header)) + header + data[128:]


def png_changed(random: random.Random, data: bytes) -> bytes:
    """Drop, double, swap or change a piece of a PNG, and set its checksum right."""
    pieces: list[tuple[bytes, bytes]] = []
    at = 8
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        pieces.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    place = random.randrange(len(pieces))
    kind, content = pieces[place]
    match random.randrange(6):
        case 0:
            del pieces[place]
        case 1:
            pieces.insert(random.randrange(len(pieces)), pieces[place])
        case 2:
            pieces[place] = (random.choice((b"zTXt", b"iTXt", b"tEXt", b"IHDR", b"abcd")), content)
        case 3 if kind == b"IHDR":
            side = random.choice((0, 1, 2**16, 2**31 - 1, 2**32 - 1)).to_bytes(4, "big")
            pieces[place] = (kind, random.choice((side + content[4:], content[:4] + side + content[8:])))
        case _:
            pieces[place] = (kind, flipped(random, content))
    packed = (
        len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")
        for kind, content in pieces
    )
    return data[:8] + b"".join(packed)
