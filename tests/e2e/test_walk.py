"""The whole walk of a user, with few seconds of training, without a screen."""

import sys
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))

from walk import Walk, go


def test_walk(qapp, tmp_path):
    walk = Walk(tmp_path)
    try:
        grid = go(walk, train_seconds=4.0)
    finally:
        walk.close()
    with Image.open(grid) as image:
        image.load()
        assert "msd-spec" in image.info
    assert len(walk.pictures) >= 14
