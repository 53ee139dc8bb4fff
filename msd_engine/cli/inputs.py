"""Inputs of the commands: presets, run folders, output paths, and files of earlier commands."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from msd_engine.cli.fields import NOT_GIVEN, given_fields, no_commas, whole_number, with_fields
from msd_engine.cli.follow import FRAMES_HZ
from msd_engine.cli.outcome import RefusedError, say
from msd_engine.specs import (
    ExperimentSpec,
    TrainingSpec,
    declarations,
    load_preset,
    model_folder,
    preset_names,
    pretrained_for,
)


def spec_of(preset: str) -> ExperimentSpec:
    """Return the experiment of a preset or a file.

    Args:
        preset: The name of a preset, the path of a file or run folder that carries a spec, or that of a folder of
            pictures.

    Raises:
        SpecError: There is neither such a preset nor such a file.
        UserError: The file carries no valid spec.
    """
    preset = os.path.expanduser(preset)
    looks_like_path = "/" in preset or "\\" in preset or Path(preset).suffix or Path(preset).exists()
    if preset in preset_names() or not looks_like_path:
        return load_preset(preset)
    # Imported here: it imports torch, which commands on presets do not need.
    from msd_engine.jobs.pictures.own import is_pictures
    from msd_engine.runs.restoring import read_spec

    path = Path(preset)
    return spec_of_pictures(path) if is_pictures(path) else read_spec(path)


def spec_of_pictures(path: Path) -> ExperimentSpec:
    """Return an experiment that suits the user's own pictures.

    Args:
        path: A folder of pictures, or an NPY or NPZ file.

    Raises:
        UserError: It holds too few usable pictures.
    """
    from msd_engine.events import Notice
    from msd_engine.jobs.pictures.own import experiment_of

    steps = experiment_of(path)
    while True:
        try:
            event = next(steps)
        except StopIteration as end:
            found: ExperimentSpec
            found, sentence = end.value
            say(sentence)
            return found
        if isinstance(event, Notice):
            say(event.text)


def spec_of_run(run: Path, given: Mapping[str, str]) -> ExperimentSpec:
    """Return the experiment for sampling from a trained run.

    Args:
        run: The run folder.
        given: Texts from the command line by dotted path.

    Returns:
        The run's spec with the given fields.

    Raises:
        RefusedError: A field belongs to the training.
        SpecError: A field is unknown or out of range.
        UserError: There is no such run.
    """
    from msd_engine.runs.run import Run

    trained = Run.open(run).spec
    spec = with_fields(trained, {"sampling.source": "trained"} | dict(given))
    for path in given:
        if path.startswith(("sampling.", "denoise.")) or spec.get(path) == trained.get(path):
            continue
        if path != "training.k":
            raise RefusedError(f"{path} belongs to the trained run and cannot be changed for sampling.")
        if not trained.serves_every_k:
            raise RefusedError(
                f"training.k belongs to the trained run, which takes k = {trained.training.k} copies alone: a network "
                "trained with --network.fusion mean takes any number."
            )
    return spec


def check_one_source(run: Path | None, preset: str, model: str, *, file: str = "a trained run folder") -> None:
    """Require exactly one source of samples.

    Args:
        run: A run folder, or None.
        preset: Name of a preset or a file, or the mark of an omitted option.
        model: Name of a pretrained model, or the mark of an omitted option.
        file: Description of the command's positional argument, for the message.

    Raises:
        RefusedError: None or several of them were given.
    """
    if is_given(preset) + is_given(model) + (run is not None) != 1:
        raise RefusedError(f"Give exactly one of {file}, --preset NAME and --model NAME.")


def chosen_source(
    run: Path | None, preset: str, model: str, given: Mapping[str, str]
) -> tuple[ExperimentSpec, Path | None]:
    """Return the experiment of the chains, and the run of their network.

    Args:
        run: A run folder, or None.
        preset: Name of a preset or a file, or the mark of an omitted option.
        model: Name of a pretrained model, or the mark of an omitted option.
        given: Texts of fields from the command line by dotted path.

    Returns:
        The experiment of the given preset, else that of the network; and the run folder or the folder of a pretrained
        model, None for the exact score.

    Raises:
        RefusedError: A field belongs to the training, or there is no network.
        SpecError: A field, a preset or a model is unknown, or a value out of range.
        UserError: A file or folder is missing or damaged.
    """
    if is_given(model):
        run = model_folder(model)
    of_run = None if is_given(preset) else run
    spec = with_fields(spec_of(preset), given) if of_run is None else spec_of_run(of_run, given)
    if spec.sampling.source == "exact":
        return spec, None
    if run is not None:
        return spec, run
    card = pretrained_for(spec)
    if card is None:
        raise RefusedError(
            f"This preset needs a trained denoiser, and no pretrained model fits its data with k = {spec.training.k}: "
            "train it first and give the run folder, or choose the exact score with --sampling.source exact."
        )
    say(f"The network is the pretrained model {card.name}.")
    return spec, model_folder(card.name)


def count_of(text: str, option: str) -> int:
    """Return the positive whole number of an option.

    Args:
        text: The given text.
        option: The option, for the message.

    Raises:
        RefusedError: The text is no such number.
    """
    try:
        count = whole_number(text)
    except ValueError:
        count = 0
    if count < 1:
        raise RefusedError(f"{option} must be a positive whole number, but is {text!r}{no_commas(text)}.")
    return count


def chains_given(n: str) -> dict[str, str]:
    """Return the field of ``--n``, by dotted path: none if it was not given; refuse invalid numbers."""
    return {"sampling.chains": str(count_of(n, "--n"))} if is_given(n) else {}


def threads_given(text: str) -> int:
    """Return the fixed number of threads of ``--threads``, 0 if it was not given; refuse invalid numbers."""
    return count_of(text, "--threads") if is_given(text) else 0


def compute_with(threads: str) -> None:
    """Set the number of threads for the following computation; refuse invalid numbers."""
    count = threads_given(threads)
    # Imported here: it imports torch, and a refusal should not wait for it.
    from msd_engine.backend.threads import use_threads

    use_threads(count)


def is_given(text: str) -> bool:
    """Return whether a text option was given on the command line."""
    return text != NOT_GIVEN


def npz_to_write(path: Path | None) -> Path:
    """Return the file of ``--out`` for numbers; refuse a missing or unwritable one, as `check_writable` does."""
    if path is None:
        raise RefusedError("Give the sample file with --out FILE.npz.")
    check_writable(path, ".npz")
    return path


def check_writable(path: Path, suffix: str) -> None:
    """Refuse an unwritable output file before the work begins.

    Args:
        path: The file to write.
        suffix: The required suffix.

    Raises:
        RefusedError: The suffix is different, or the folder is missing.
    """
    if path.suffix.lower() != suffix:
        raise RefusedError(f"{path} must end in {suffix}.")
    if path.is_dir():
        raise RefusedError(f"{path} is a folder; give a file name.")
    if not path.parent.is_dir():
        raise RefusedError(f"The folder {path.parent} does not exist; create it first.")


def budget(steps: str, seconds: str) -> dict[str, str]:
    """Return the fields of a budget: a single given limit removes the preset's other limit.

    Args:
        steps: The text of ``--steps``, or the mark of an omitted option.
        seconds: The same for ``--seconds``.

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


class Resumable(Protocol):
    """The shared options of resumable commands."""

    @property
    def preset(self) -> str:
        """Preset or file of something new."""
        ...

    @property
    def out(self) -> Path | None:
        """Its folder."""
        ...

    @property
    def resume(self) -> Path | None:
        """The folder to resume."""
        ...

    @property
    def data_dir(self) -> Path | None:
        """Folder of the image sets."""
        ...

    @property
    def device(self) -> str:
        """Name of the device."""
        ...

    @property
    def threads(self) -> str:
        """Number of threads."""
        ...

    @property
    def fields(self) -> Any:
        """Further options, by dotted path."""
        ...


def folder_of(options: Resumable, place: str) -> Path:
    """Return the working folder of a command.

    Args:
        options: The command line.
        place: Name of the folder in messages, such as ``RUN``.

    Returns:
        The folder to resume, or the new one.

    Raises:
        RefusedError: The options choose neither or both, or the new folder is missing.
    """
    resumes = options.resume is not None and not is_repeatable(options)
    if is_given(options.preset) == resumes:
        raise RefusedError(f"Give either --preset NAME with --out {place}, or --resume {place}.")
    if options.resume is not None and resumes:
        return options.resume
    if options.out is None:
        raise RefusedError(f"Give the new folder with --out {place}.")
    return options.out


def is_repeatable(options: Resumable) -> bool:
    """Return whether the command begins its work or goes on with it, whatever is there: ``--resume auto``."""
    return options.resume == Path("auto")


def check_as_begun(options: Resumable, sentence: str, *more: str) -> None:
    """Refuse options that would change a resumed run or comparison.

    Args:
        options: The command line: neither another folder nor fields may be given.
        sentence: The message, with the allowed options.
        more: Texts of further forbidden options.

    Raises:
        RefusedError: One of them was given.
    """
    if options.out is not None or given_fields(options.fields) or any(is_given(text) for text in more):
        raise RefusedError(sentence)


def job_options(options: Resumable, *, resume: bool) -> dict[str, Any]:
    """Return the arguments of the command's job besides spec and folder: whether it resumes, and those given."""
    threads = threads_given(options.threads)
    # Imported here: it imports torch, and a refusal should not wait for it.
    from msd_engine.specs.live import Every

    return {
        "resume": resume,
        "data_dir": options.data_dir,
        "device": options.device,
        "threads": threads,
        "cadence": Every(FRAMES_HZ),
    }
