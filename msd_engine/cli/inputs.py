"""What the commands are given: presets, run folders and places to write to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msd_engine.cli.fields import NOT_GIVEN, with_fields
from msd_engine.cli.outcome import RefusedError
from msd_engine.specs import ExperimentSpec, TrainingSpec, declarations, load_preset, preset_names


def spec_of(preset: str) -> ExperimentSpec:
    """Return the experiment that a preset's name or a file stands for.

    Args:
        preset: The name of a preset, or the path of a file or run folder that carries a spec.

    Returns:
        The experiment.

    Raises:
        SpecError: There is neither such a preset nor such a file.
        UserError: The file carries no spec that is accepted.
    """
    looks_like_path = "/" in preset or "\\" in preset or Path(preset).suffix or Path(preset).exists()
    if preset in preset_names() or not looks_like_path:
        return load_preset(preset)
    # Imported here: it brings torch, which commands on presets alone need not wait for.
    from msd_engine.runs.restoring import read_spec

    return read_spec(preset)


def spec_of_run(run: Path, given: Mapping[str, str]) -> ExperimentSpec:
    """Return the experiment that samples from a trained run.

    Args:
        run: The run folder.
        given: Texts from the command line by dotted path.

    Returns:
        The run's spec with what was given.

    Raises:
        RefusedError: A field belongs to the training.
        SpecError: A field is unknown or out of range.
        UserError: There is no such run.
    """
    from msd_engine.runs.run import Run

    trained = Run.open(run).spec
    spec = with_fields(trained, {"sampling.source": "trained"} | dict(given))
    for path in given:
        if not path.startswith("sampling.") and spec.get(path) != trained.get(path):
            raise RefusedError(f"{path} belongs to the trained run and cannot be changed for sampling.")
    return spec


def count_of(text: str, option: str) -> int:
    """Return the positive whole number that an option was given.

    Args:
        text: What was given.
        option: The option, for the sentence.

    Returns:
        The number.

    Raises:
        RefusedError: It is none.
    """
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise RefusedError(f"{option} must be a positive whole number, but is {text!r}.")
    return int(text)


def is_given(text: str) -> bool:
    """Return whether a text option was given on the command line."""
    return text != NOT_GIVEN


def check_writable(path: Path, suffix: str) -> None:
    """Refuse, before any work is done, a file that could not be written at its end.

    Args:
        path: The file to be written.
        suffix: The suffix that it must have.

    Raises:
        RefusedError: The suffix is another one, or the folder is missing.
    """
    if path.suffix.lower() != suffix:
        raise RefusedError(f"{path} must end in {suffix}.")
    if path.is_dir():
        raise RefusedError(f"{path} is a folder; give the name of a file.")
    if not path.parent.is_dir():
        raise RefusedError(f"The folder {path.parent} does not exist; make it first.")


def budget(steps: str, seconds: str) -> dict[str, str]:
    """Return the fields of a budget: a limit that is given alone lifts the other one of the preset.

    Args:
        steps: The text of ``--steps``, or that it was not given.
        seconds: The text of ``--seconds``, or that it was not given.

    Returns:
        Texts by dotted path.
    """
    if is_given(steps) and is_given(seconds):
        return {"training.steps": steps, "training.seconds": seconds}
    if is_given(steps):
        return {"training.steps": steps, "training.seconds": "0"}
    if is_given(seconds):
        most = next(declared.high for declared in declarations(TrainingSpec) if declared.path == "steps")
        return {"training.steps": f"{most:.0f}", "training.seconds": seconds}
    return {}
