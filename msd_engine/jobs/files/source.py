"""Which network drew what a file shows, and whether it is still there with the same weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from msd_engine.backend.errors import UserError
from msd_engine.backend.tensors import weights_digest
from msd_engine.runs.layout import MANIFEST, RUNS
from msd_engine.runs.run import Run
from msd_engine.specs import DrawnBy, ExperimentSpec, model_folder, model_names


@dataclass(frozen=True)
class Source:
    """The network behind a file.

    Attributes:
        run: Folder with these very weights; None if there is none.
        text: What the file shows, in one sentence.
        trouble: What is no longer true, and what to do, in one sentence; empty if all is.
    """

    run: Path | None
    text: str
    trouble: str = ""


def source_of(file: str, spec: ExperimentSpec, weights: DrawnBy | None, runs_dir: Path | None) -> Source:
    """Find the network that drew the content of a file.

    Args:
        file: Name of the file.
        spec: Its spec.
        weights: The weights that it names; None if it names none.
        runs_dir: Folder of the runs; None looks among the shipped models alone.

    Returns:
        The network, in words, and its folder if its weights are the same.
    """
    if spec.sampling.source == "exact":
        return Source(None, f"Restored from {file}: exact score.")
    if weights is None:
        trouble = "It does not name its network: chains that you draw now may come from another one."
        return Source(None, f"Restored from {file}.", trouble)
    text = f"Restored from {file}: network {weights.run}, step {weights.step:,}."
    steps = set[int]()
    for folder in _folders(weights.run, runs_dir):
        try:
            found = Run.open(folder).load_weights()
        except UserError:
            # Another run of that name may be whole.
            continue
        if weights_digest(found.tensors) == weights.sha256:
            return Source(folder, text)
        steps.add(found.step)
    if steps:
        trouble = (
            f"{weights.run} has other weights now (step {max(steps):,}): new chains differ from what the file shows. "
            f"Train with its settings to step {weights.step:,} for the same ones."
        )
    else:
        trouble = (
            f"{weights.run} is not among your runs any more: choose another network or train with these settings "
            "before you sample again."
        )
    return Source(None, text, trouble)


def _folders(name: str, runs_dir: Path | None) -> list[Path]:
    """Return the folders of that name: a shipped model, a run, and runs of comparisons."""
    found = [model_folder(name)] if name in model_names() else []
    # A name that leads out of the folder is no name of a run.
    if runs_dir is not None and Path(name).name == name != "..":
        places = [runs_dir, *(path for path in sorted(runs_dir.glob("*")) if path.is_dir())]
        places += sorted(runs_dir.glob(f"*/{RUNS}"))
        found += [place / name for place in places if (place / name / MANIFEST).is_file()]
    return found
