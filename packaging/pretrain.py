"""Make the pretrained models that ship with the program, from real data and with the ordinary jobs.

    python packaging/pretrain.py                        one model for each data set, at full length ('make models')
    python packaging/pretrain.py digits --seconds 50
    python packaging/pretrain.py mnist --runs DIR       keep the run in DIR/mnist: stopped, it continues from there
    python packaging/pretrain.py --measure              only their cards, after the sampling of the presets changed

Each is trained like `msd train`, on any device, its weights are saved in half precision, and its card gets the figures
of `msd evaluate`. All are networks of the mean copy, which serve every k. The images must be in the data folder (msd
download mnist fashion-mnist cifar-10).
"""

from __future__ import annotations

import math
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import tyro
from torch import Tensor

from msd_engine.backend.tensors import pack_tensors
from msd_engine.data.images import load_images
from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.events import Event, Failed, Notice, Progress, Quality
from msd_engine.jobs.factory.parts import learned_denoiser
from msd_engine.jobs.quality.evaluate import evaluate
from msd_engine.jobs.training.train import train
from msd_engine.runs.layout import EARLIER, MANIFEST, WEIGHTS
from msd_engine.runs.run import Run
from msd_engine.specs import ExperimentSpec, ImagesSpec, load_preset
from msd_engine.specs.data import IMAGE_TITLES
from msd_engine.specs.live import Every
from msd_engine.specs.models import CARD, CardFigure, ModelCard, load_card, model_names

MODELS = Path(__file__).parents[1] / "resources" / "models"
EVERY_S = 10.0


@dataclass(frozen=True)
class Origin:
    """Origin of a model.

    Attributes:
        preset: Preset of its training, except time and, where given, width.
        seconds: Default time of training.
        data: Training data; ``{count}`` stands for the number of images.
        licence: Licence of the data.
        source: Authors of the data.
        width: Filters of the first stage; 0 for those of the preset.
        steps: After that time the training goes on, with a second cooldown, up to this number of steps; 0: it ends.
    """

    preset: str
    seconds: float
    data: str
    licence: str
    source: str
    width: int = 0
    steps: int = 0


DIGITS = Origin(
    "digits-30s",
    120.0,
    "{count} handwritten digits of 8×8 pixels, as they come with scikit-learn",
    "CC BY 4.0",
    "E. Alpaydin and C. Kaynak: Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998",
)
MNIST = Origin(
    "mnist-2min",
    3000.0,
    "{count} handwritten digits of 28×28 pixels",
    "CC BY-SA 3.0",
    "Y. LeCun, C. Cortes and C. Burges: The MNIST database of handwritten digits",
)
FASHION = Origin(
    "fashion-2min",
    3000.0,
    "{count} pictures of clothes of 28×28 pixels",
    "MIT",
    "H. Xiao, K. Rasul and R. Vollgraf: Fashion-MNIST (arXiv:1708.07747)",
    steps=20000,
)
CIFAR = Origin(
    "cifar10-20min",
    2100.0,
    "{count} colour photographs of 32×32 pixels in ten classes",
    "None is stated; made for research",
    "A. Krizhevsky: Learning Multiple Layers of Features from Tiny Images, 2009",
    width=32,
)
ORIGINS = {"digits": DIGITS, "mnist": MNIST, "fashion-mnist": FASHION, "cifar-10": CIFAR}


def experiment(name: str, seconds: float) -> ExperimentSpec:
    """Return the experiment of a model."""
    origin = ORIGINS[name]
    spec = load_preset(origin.preset).replace_all({"network.fusion": "mean", "training.seconds": seconds})
    spec = spec.replace("network.width", origin.width or spec.network.width)
    return spec.replace("title", f"Pretrained: {name}, {spec.copies}")


def stages(spec: ExperimentSpec, steps: int) -> Iterator[ExperimentSpec]:
    """Iterate over the trainings of one run: for a time, then up to a number of steps if there is one."""
    yield spec
    if steps:
        yield spec.replace_all({"training.seconds": 0.0, "training.steps": steps})


def pull(job: Iterator[Event]) -> list[Quality]:
    """Run a job to its end, print its progress now and then, and return its measurements."""
    found: list[Quality] = []
    notified_s = 0.0
    for event in job:
        match event:
            case Failed():
                raise SystemExit(event.text)
            case Notice():
                print(f"  {event.text}", flush=True)
            case Progress() if time.monotonic() - notified_s > EVERY_S:
                notified_s = time.monotonic()
                print(f"  {event.text}" + (f", step {event.step}" if event.step else ""), flush=True)
            case Quality():
                found.append(event)
            case _:
                pass
    return found


def write_weights(run: Run, folder: Path) -> int:
    """Write the averaged weights of a run in half precision and return their number.

    A guided run also gets its earlier weights. Other values, such as the frequencies of the noise features and the mean
    of the data, keep their precision; computing is in float32.

    Args:
        run: The run.
        folder: Folder of the model.
    """
    manifest = run.manifest
    notes = {"step": str(manifest.step), "elapsed_s": repr(manifest.elapsed_s), "spec": manifest.spec.to_json()}
    denoiser = learned_denoiser(run.folder, torch.device("cpu"))
    (folder / WEIGHTS).write_bytes(pack_tensors(halved(denoiser), notes))
    if run.spec.sampling.guidance != 1.0:
        early = run.load_earlier()
        notes |= {"step": str(early.step), "elapsed_s": repr(early.elapsed_s)}
        earlier = halved(learned_denoiser(run.folder, torch.device("cpu"), earlier=True))
        (folder / EARLIER).write_bytes(pack_tensors(earlier, notes))
    (folder / MANIFEST).write_text(manifest.to_json(indent=2) + "\n")
    return sum(value.numel() for value in denoiser.parameters())


def halved(denoiser: LearnedDenoiser) -> dict[str, Tensor]:
    """Return the state of a denoiser with its weights in float16; it computes in float32."""
    denoiser.mixed = False
    weights = {name for name, _ in denoiser.named_parameters()}
    return {name: value.half() if name in weights else value for name, value in denoiser.state_dict().items()}


def card(name: str, run: Run, parameters: int, quality: Quality, command: str, data_dir: Path | None) -> ModelCard:
    """Return the card of a model with its measured figures."""
    origin, manifest = ORIGINS[name], run.manifest
    images = run.spec.data
    assert isinstance(images, ImagesSpec)
    count = f"{len(load_images(images, data_dir).train):,}".replace(",", " ")
    return ModelCard(
        name=name,
        title=f"{IMAGE_TITLES[run.spec.data.name]}, {run.spec.copies}",
        data=origin.data.format(count=count),
        data_licence=origin.licence,
        data_source=origin.source,
        licence="MIT, as the program",
        use="Shows sampling before anything is trained. Small and briefly trained: train a network of your own for "
        "figures that mean something.",
        parameters=parameters,
        steps=manifest.step,
        seconds=round(manifest.elapsed_s, 1),
        device=manifest.device,
        created=manifest.created,
        command=command,
        features=quality.features,
        samples=quality.n,
        evaluations=quality.evaluations,
        figures=tuple(
            CardFigure(
                title=one.title,
                value=one.value,
                low=known(one.low),
                high=known(one.high),
                real=known(one.real),
                real_spread=known(one.real_spread),
            )
            for one in quality.figures
            if math.isfinite(one.value)
        ),
        spec=run.spec,
    )


def known(value: float) -> float | None:
    """Return a number, or None if it is not finite."""
    return value if math.isfinite(value) else None


def make(name: str, seconds: float, n: int, runs: Path | None, data_dir: Path | None, device: str) -> None:
    """Train, save and measure one model, with the present sampling of its preset."""
    origin = ORIGINS[name]
    # A time that is asked for is kept.
    spec, steps = experiment(name, seconds or origin.seconds), 0 if seconds else origin.steps
    print(f"{name}: {spec.training.seconds:g} s of training" + (f", then {steps} steps" if steps else ""), flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        run_dir, folder = Path(runs or temporary, name), Path(temporary, "model", name)
        for stage in stages(spec, steps):
            resume = run_dir.exists()
            pull(train(stage, run_dir, resume=resume, data_dir=data_dir, device=device, cadence=Every(0.1)))
        folder.mkdir(parents=True)
        run = Run.open(run_dir)
        parameters = write_weights(run, folder)
        quality = describe(name, folder, run.spec, parameters, n, data_dir, device)
        shutil.rmtree(MODELS / name, ignore_errors=True)
        MODELS.mkdir(parents=True, exist_ok=True)
        shutil.copytree(folder, MODELS / name)
    show(quality)


def measure(name: str, n: int, data_dir: Path | None, device: str) -> None:
    """Measure an existing model with the present sampling of its preset."""
    print(f"{name}: measuring", flush=True)
    old = load_card(name)
    show(describe(name, MODELS / name, old.spec, old.parameters, n, data_dir, device))


def describe(
    name: str, folder: Path, trained: ExperimentSpec, parameters: int, n: int, data_dir: Path | None, device: str
) -> Quality:
    """Measure a model, and write its manifest and its card with the present sampling of its preset."""
    present = experiment(name, trained.training.seconds)
    spec = trained.replace_all({"title": present.title, "sampling": present.sampling.model_dump()})
    drawn = spec.replace("sampling.chains", n)
    (quality,) = pull(evaluate(drawn, run_dir=folder, data_dir=data_dir, device=device, cadence=Every(0.1)))
    manifest = Run.open(folder).manifest.model_copy(update={"spec": spec})
    (folder / MANIFEST).write_text(manifest.to_json(indent=2) + "\n")
    time_limit = f" --seconds {trained.training.seconds:g}" if trained.training.seconds else ""
    command = f"python packaging/pretrain.py {name}{time_limit} --n {n}"
    text = card(name, Run.open(folder), parameters, quality, command, data_dir).to_json(indent=2)
    (folder / CARD).write_text(text + "\n")
    return quality


def show(quality: Quality) -> None:
    """Print all figures beside those of real images."""
    for figure in quality.figures:
        print(f"  {figure.title:28}{figure.value:10.4g}{figure.real:10.4g}")


def main(
    names: Annotated[tuple[str, ...], tyro.conf.Positional] = (),
    *,
    seconds: float = 0.0,
    n: int = 2048,
    runs: Path | None = None,
    measure_only: Annotated[bool, tyro.conf.arg(name="measure")] = False,
    data_dir: Path | None = None,
    device: str = "auto",
) -> None:
    """Make the pretrained models.

    Args:
        names: Names of the models; by default all, or to be measured those that exist.
        seconds: Time of training for each; 0 for its default, with all stages.
        n: Number of samples behind the figures.
        runs: Folder in which the runs stay, and are continued if they are there; by default none is kept.
        measure_only: Train nothing; measure the existing models with the present sampling of their presets.
        data_dir: The data folder.
        device: Device to compute on.
    """
    names = names or tuple(name for name in ORIGINS if not measure_only or name in model_names())
    for name in names:
        if name not in ORIGINS:
            raise SystemExit(f"There is no model called {name!r}; there are {', '.join(ORIGINS)}.")
    for name in names:
        if measure_only:
            measure(name, n, data_dir, device)
            continue
        make(name, seconds, n, runs, data_dir, device)


if __name__ == "__main__":
    tyro.cli(main)
