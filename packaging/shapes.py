"""Draw the set of coloured shapes that comes with the program: 4000 pictures of 32 × 32, each of four kinds.

    python packaging/shapes.py [--out resources/pictures/shapes.npz]

The pictures are drawn by this script alone and are in the public domain (CC0 1.0).
"""

from __future__ import annotations

import argparse
import colorsys
import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

KINDS = ("circle", "square", "triangle", "star")
COUNT, SIZE, FINER = 4000, 32, 4
HERE = Path(__file__).parent.parent / "resources" / "pictures" / "shapes.npz"


def corners(kind: str, angle: float, radius: float) -> list[tuple[float, float]]:
    """Return the corners of a shape about the origin."""
    count = {"square": 4, "triangle": 3, "star": 10, "circle": 48}[kind]
    inner = 0.45 if kind == "star" else 1.0
    radii = [radius * (inner if place % 2 else 1.0) for place in range(count)]
    turns = [angle + 2 * math.pi * place / count for place in range(count)]
    return [(r * math.cos(turn), r * math.sin(turn)) for r, turn in zip(radii, turns, strict=True)]


def picture(kind: str, rng: np.random.Generator) -> np.ndarray:
    """Draw a shape of a vivid colour on a pale ground of another."""
    hue, side = rng.random(), SIZE * FINER
    ground = colorsys.hsv_to_rgb((hue + 0.5) % 1.0, 0.25, rng.uniform(0.85, 1.0))
    ink = colorsys.hsv_to_rgb(hue, rng.uniform(0.7, 1.0), rng.uniform(0.4, 0.9))
    image = Image.new("RGB", (side, side), tuple(round(255 * part) for part in ground))
    radius = side * rng.uniform(0.22, 0.4)
    x, y = rng.uniform(radius, side - radius, 2)
    outline = [(x + a, y + b) for a, b in corners(kind, rng.uniform(0, 2 * math.pi), radius)]
    ImageDraw.Draw(image).polygon(outline, fill=tuple(round(255 * part) for part in ink))
    return np.asarray(image.resize((SIZE, SIZE), Image.Resampling.BOX))


def main() -> None:
    """Write the set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE)
    out = parser.parse_args().out
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(COUNT) % len(KINDS))
    images = np.stack([picture(KINDS[label], rng) for label in labels])
    out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out, images=images, labels=labels, class_names=np.array(KINDS))
    print(f"{out}: {len(images)} pictures, {out.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
