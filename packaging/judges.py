"""Make the judges that ship with the program: classifiers of grey images and statistics of real images.

    python packaging/judges.py               use classifiers from the cache folder
    python packaging/judges.py --retrain     train all of them again ('make judges', some three minutes)

They equal those that `msd evaluate` makes when first needed. Weights keep full precision, so that earlier figures do
not change. MNIST and Fashion-MNIST must be in the data folder (msd download mnist, msd download fashion-mnist).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import tyro

from msd_engine.backend.device import choose_device
from msd_engine.data.images import load_images
from msd_engine.jobs.quality.standards import prepared_standard
from msd_engine.metrics.features.classifier import classifier_path, recipe_for
from msd_engine.metrics.features.shipped import INDEX
from msd_engine.metrics.quality.judge import LEAST
from msd_engine.metrics.quality.support import pack_judge
from msd_engine.specs import ImagesSpec

JUDGES = Path(__file__).parents[1] / "resources" / "judges"
NAMES = ("digits", "mnist", "fashion-mnist")


def judge(name: str, data_dir: Path | None, device: str, retrain: bool) -> Iterator[tuple[str, bytes]]:
    """Make one judge.

    Args:
        name: Name of the image set.
        data_dir: The data folder.
        device: Device to compute on.
        retrain: Whether to train its classifier again.

    Yields:
        Name and content of each of its files.
    """
    images = load_images(ImagesSpec.model_validate({"name": name}), data_dir)
    steps = prepared_standard(images, LEAST, data_dir, choose_device(device), retrain=retrain)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            made = end.value.judge
            break
    path = classifier_path(images, recipe_for(name))
    # The cache folder does not hold a classifier that already ships.
    yield path.name, (path if path.exists() else JUDGES / path.name).read_bytes()
    yield f"{name}.safetensors", pack_judge(made, tuple(images.train.shape[1:]))


def main(
    names: Annotated[tuple[str, ...], tyro.conf.Positional] = NAMES,
    *,
    retrain: bool = False,
    data_dir: Path | None = None,
    device: str = "auto",
) -> None:
    """Make the judges that ship with the program.

    Args:
        names: Image sets; all grey ones by default.
        retrain: Train their classifiers again.
        data_dir: The data folder.
        device: Device to compute on.
    """
    for name in names:
        if name not in NAMES:
            raise SystemExit(f"There is no judge called {name!r}; there are {', '.join(NAMES)}.")
    JUDGES.mkdir(parents=True, exist_ok=True)
    for name in names:
        made = dict(judge(name, data_dir, device, retrain))
        # A classifier of an earlier recipe has another name.
        for old in JUDGES.glob(f"{name}-*.safetensors"):
            old.unlink()
        for file, content in made.items():
            (JUDGES / file).write_bytes(content)
            print(f"{file}: {len(content) / 1000:.0f} kB", flush=True)
    listed = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(JUDGES.glob("*.safetensors"))}
    (JUDGES / INDEX).write_text(json.dumps(listed, indent=2) + "\n")


if __name__ == "__main__":
    tyro.cli(main)
