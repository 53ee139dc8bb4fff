"""The `msd` command: the jobs of the window, without a screen.

Exit codes: 0 done, 1 a job failed, 2 the command is invalid, 75 stopped under ``--resume auto`` (run the same command
again), 130 stopped otherwise. Messages for people go to standard error while a job runs; results go to standard output,
with ``--json`` as exactly one line.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import io
import itertools
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import tyro

import msd_engine
from msd_engine.backend.errors import NO_MEMORY, UserError, is_out_of_memory
from msd_engine.cli.commands.listing import list_presets, print_schema
from msd_engine.cli.fields import STEP_SIZE, declared_fields
from msd_engine.cli.noise import Likelihood, Noise
from msd_engine.cli.options import (
    COMMANDS,
    Command,
    Download,
    Evaluate,
    ExportTensorboard,
    Presets,
    Propose,
    Reproduce,
    Run,
    Runs,
    Sample,
    Schema,
    Sweep,
    Train,
    Tune,
    Why,
)
from msd_engine.cli.outcome import (
    AGAIN,
    DONE,
    FAILED,
    INTERRUPTED,
    REFUSED,
    CutShortError,
    RefusedError,
    print_json,
    say,
)
from msd_engine.cli.plane import Errors, Figure, Scores, ShootOut, Twins
from msd_engine.specs import JOBS, SpecError

_ABOUT = """Train k-sample denoisers and draw from them by chained Langevin dynamics.

Fields of the spec are flags of all commands that train, sample or denoise: --sampling.levels 20, or --levels 20 if
the name is unique.
--version prints the version."""

# Messages of tyro for an invalid choice, and for an option without its value.
_CHOICE = re.compile(r"Invalid choice ('[^']*') for argument '[^']*'\. Expected one of \((.*)\)\.?", re.IGNORECASE)
_MISSING = re.compile(r"Missing value for argument '([^']*)'\..*", re.IGNORECASE)
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: The arguments without the program's name; None for those of the process.

    Returns:
        The exit code.
    """
    if argv is None:
        _print_anywhere()
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments in (["--version"], ["-V"]):
        print(f"msd {msd_engine.__version__}")
        return DONE
    try:
        return _run(arguments)
    except BrokenPipeError:
        # The reader of the output has closed it, as `head` does; do not write the rest at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _run(arguments: Sequence[str]) -> int:
    status: dict[str, Any] = {"command": _named(arguments)}
    try:
        figures = _carry_out(_parse(arguments))
        if figures is not None and "--json" in arguments:
            print_json(status | {"status": "finished"} | figures)
        elif figures is not None:
            _print_figures(figures)
        return DONE
    except (RefusedError, SpecError, UserError) as error:
        sentence, code, figures = str(error), REFUSED, {"status": "refused"}
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        sentence, code, figures = NO_MEMORY, FAILED, {"status": "failed"}
    except CutShortError as error:
        kind = "failed" if error.code == FAILED else "interrupted"
        sentence, code, figures = str(error), error.code, {"status": kind, **error.figures}
    except KeyboardInterrupt:
        sentence, code, figures = "Stopped.", INTERRUPTED, {"status": "interrupted"}
    say(sentence if code in (AGAIN, INTERRUPTED) else f"msd: {sentence}")
    if "--json" in arguments:
        print_json(status | figures | {"error": sentence})
    return code


def _print_anywhere() -> None:
    """Replace symbols missing in the screen's encoding by a question mark instead of an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _parse(arguments: Sequence[str]) -> Command:
    """Read the command line; turn each refusal of tyro into one sentence."""
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            command, unknown = tyro.cli(
                COMMANDS, prog="msd", description=_ABOUT, args=arguments, return_unknown_args=True, use_underscores=True
            )
    except SystemExit as error:
        if not error.code:
            raise
        # An unknown option makes tyro fail at an optional run folder: report the option instead.
        strange = _strange(arguments)
        sentence = _unknown_command(arguments)
        if not sentence:
            sentence = _unknown_option(strange[0], arguments) if strange else _one_sentence(complaint.getvalue())
        raise RefusedError(sentence) from None
    if unknown:
        raise RefusedError(_unknown_option(unknown[0], arguments))
    return _at_home(command)


def _at_home(command: Command) -> Command:
    """Expand ``~`` to the user's folder in every path: after ``--out=`` a shell does not."""
    given = {member.name: getattr(command, member.name) for member in dataclasses.fields(command)}
    paths: Any = {name: Path(os.path.expanduser(value)) for name, value in given.items() if isinstance(value, Path)}
    return dataclasses.replace(command, **paths)


def _carry_out(command: Command) -> dict[str, Any] | None:
    """Run a command; import only the modules that it needs."""
    match command:
        case Train():
            from msd_engine.cli.commands.train import train

            return train(command)
        case Sample():
            from msd_engine.cli.commands.sample import sample

            return sample(command)
        case Run():
            from msd_engine.cli.commands.run import run

            return run(command)
        case Evaluate():
            from msd_engine.cli.commands.evaluate import evaluate

            return evaluate(command)
        case Why():
            from msd_engine.cli.commands.why import why

            return why(command)
        case Figure():
            from msd_engine.cli.commands.plane.figure import figure

            return figure(command)
        case Twins():
            from msd_engine.cli.commands.plane.twins import twins

            return twins(command)
        case Errors():
            from msd_engine.cli.commands.plane.errors import errors

            return errors(command)
        case Likelihood():
            from msd_engine.cli.commands.plane.likelihood import likelihood

            return likelihood(command)
        case ShootOut():
            from msd_engine.cli.commands.plane.shoot_out import shoot_out

            return shoot_out(command)
        case Propose():
            from msd_engine.cli.commands.propose import propose

            return propose(command)
        case Tune():
            from msd_engine.cli.commands.tune import tune

            return tune(command)
        case Scores():
            from msd_engine.cli.commands.plane.scores import scores

            return scores(command)
        case Sweep():
            from msd_engine.cli.commands.sweep import sweep

            return sweep(command)
        case Reproduce():
            from msd_engine.cli.commands.reproduce import reproduce

            return reproduce(command)
        case Noise():
            from msd_engine.cli.commands.noise import noise

            return noise(command)
        case Download():
            from msd_engine.cli.commands.download import download

            return download(command)
        case Presets():
            list_presets(as_json=command.json)
        case Runs():
            from msd_engine.cli.commands.runs import list_runs

            list_runs(command)
        case ExportTensorboard():
            from msd_engine.cli.commands.runs import export_tensorboard

            return export_tensorboard(command)
        case Schema():
            print_schema(table=command.table)
    return None


def _print_figures(figures: dict[str, Any]) -> None:
    text = figures.pop("text", "")
    if text:
        print(text)
    # Values of each sample are for --json; unknown figures are NaN, and empty texts are skipped.
    figures = {
        name: value
        for name, value in figures.items()
        if not isinstance(value, list) and value == value and value not in ("", {})
    }
    width = max((len(name) for name in figures), default=0)
    for name, value in figures.items():
        print(f"  {name:{width}}  {_words(value)}")


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_words(part)}" for name, part in value.items())
    return f"{value:.6g}" if isinstance(value, float) else f"{value}"


def _one_sentence(box: str) -> str:
    """Extract the sentence from tyro's box: a title, the sentence, a rule, a pointer to help."""
    lines = [line.strip("│ ") for line in _COLOURS.sub("", box).splitlines()[1:]]
    if lines and _is_rule(lines[0]):  # the box for screens without Unicode underlines its title
        lines = lines[1:]
    text = " ".join(itertools.takewhile(lambda line: not _is_rule(line), lines))
    if choice := _CHOICE.fullmatch(text):
        *first, last = re.findall(r"'([^']*)'", choice[2])
        return f"There is no {choice[1]} here: choose {', '.join(first)}{' or ' if first else ''}{last}."
    if missing := _MISSING.fullmatch(text):
        return f"{missing[1]} needs a value."
    return (text[:1].upper() + text[1:]) or "The command line is invalid; see msd --help."


def _is_rule(line: str) -> bool:
    return not line.strip("─-╰╯ ")


def _unknown_command(arguments: Sequence[str]) -> str:
    """Return the message for an unknown or missing command; empty for a known one."""
    known, word = list(_kinds()), _named(arguments)
    if word in known:
        return ""
    if word in JOBS:
        return f"There is no command {word!r}: give msd run --job {word}; see msd run --help."
    near = difflib.get_close_matches(word, known, n=1)
    if near:
        return f"There is no command {word!r}; see msd --help. Did you mean {near[0]}?"
    missing = f"There is no command {word!r}: choose one of" if word else "Give a command:"
    return f"{missing} {', '.join(known[:-1])} or {known[-1]}; see msd --help."


def _unknown_option(word: str, arguments: Sequence[str]) -> str:
    command = _named(arguments)
    if not word.startswith("-"):
        return f"The argument {word!r} is not expected here; see msd {command} --help."
    flag = word.split("=", 1)[0]
    near = difflib.get_close_matches(flag, sorted(_flags(command)), n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"There is no option {flag} for msd {command}; see msd {command} --help.{hint}"


def _strange(arguments: Sequence[str]) -> list[str]:
    """Return the words that look like options but are unknown to the command."""
    known = {flag.replace("_", "-") for flag in _flags(_named(arguments))}
    words = [word for word in arguments if word.startswith("--")] if known else []
    return [word for word in words if word.split("=", 1)[0].replace("_", "-") not in known]


def _named(arguments: Sequence[str]) -> str:
    """Return the given command, empty for none."""
    return next((name for name in arguments if not name.startswith("-")), "")


def _kinds() -> dict[str, type[Any]]:
    """Return the commands by their names."""
    return {re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower(): kind for kind in get_args(Command)}


def _flags(command: str) -> set[str]:
    """Return the options of a command as its help writes them; none for an unknown command."""
    kinds = _kinds()
    if command not in kinds:
        return set()
    members = [member for member in dataclasses.fields(kinds[command]) if member.name != "fields"]
    names = {"help", *(member.name.replace("_", "-") for member in members)}
    if len(members) < len(dataclasses.fields(kinds[command])):
        by_hand = kinds[command] is Run
        paths = [path for path in (*declared_fields(), STEP_SIZE) if by_hand or not path.startswith("denoise.")]
        names |= {name for path in paths for name in (path, path.rsplit(".", 1)[1])}
        names |= {"spec"} if kinds[command] in (Train, Sweep) else set()
    return {f"--{name}" for name in names}
