"""`msd propose`: a ladder and a step from the data, beside those of the spec."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from msd_engine.cli.fields import given_fields, with_fields
from msd_engine.cli.follow import FRAMES_HZ, follow
from msd_engine.cli.inputs import check_one_source, check_writable, is_given, spec_of, spec_of_run
from msd_engine.cli.options import Propose
from msd_engine.cli.outcome import say
from msd_engine.events import Event, Ladder, Proposed
from msd_engine.specs import ExperimentSpec, declarations, model_folder

# Fixed inputs of the proposal.
_KEPT = ("training.k", "sampling.sampler", "sampling.sigma_L", "sampling.steps_per_level")


def propose(options: Propose) -> dict[str, Any]:
    """Propose a ladder and a step, and return the proposed fields with their basis.

    Raises:
        RefusedError: The options contradict each other, or the job cannot begin with them.
        CutShortError: The job was stopped.
        SpecError: A field, a preset or a model is unknown, or a value out of range.
        UserError: A file or folder is missing or damaged, or cannot be written.
    """
    check_one_source(options.run, options.preset, options.model)
    if options.out is not None:
        check_writable(options.out, ".json")
    given = given_fields(options.fields)
    run = model_folder(options.model) if is_given(options.model) else options.run
    spec = spec_of_run(run, given) if run is not None else with_fields(spec_of(options.preset), given)
    account = _Account()
    follow(_job(options, spec), account)
    proposed = account.proposed()
    better = spec.replace_all(dict(proposed.values))
    ladders = _ladder(spec, run), _ladder(better, run)
    written = {}
    if options.out is not None:
        # Imported here: a refusal should not wait for torch, imported by the file writers.
        from msd_engine.backend.files import write_atomically

        write_atomically(options.out, better.to_json().encode())
        written = {"out": str(options.out)}
    text = table(spec, better, proposed, ladders)
    if not options.json:
        return {"text": text, **written}
    say(text)
    figures = {
        f"{name}_{when}": value
        for when, ladder in zip(("now", "then"), ladders, strict=True)
        for name, value in _figures(ladder).items()
    }
    return {
        "values": dict(proposed.values),
        "kept": {path: spec.get(path) for path in _KEPT},
        **figures,
        "text": proposed.text,
        **written,
    }


class _Account:
    """Collects the proposal."""

    def __init__(self) -> None:
        self._proposed: Proposed | None = None

    def take(self, event: Event) -> None:
        """Process one event."""
        if isinstance(event, Proposed):
            self._proposed = event

    def figures(self) -> dict[str, Any]:
        """Return the current figures, by name."""
        return {}

    def how_to_continue(self) -> str:
        """Return the state after a stop."""
        return "Stopped; nothing was proposed."

    def proposed(self) -> Proposed:
        """Return the proposal of a finished job."""
        if self._proposed is None:
            raise RuntimeError("the proposing job finished without a proposal")
        return self._proposed


def table(spec: ExperimentSpec, better: ExperimentSpec, proposed: Proposed, ladders: tuple[Ladder, Ladder]) -> str:
    """Return a proposal as a table for people: each field now and as proposed, the consequences, and the reasons.

    Args:
        spec: The experiment.
        better: The same with the proposal.
        proposed: The proposal.
        ladders: The ladders of both.
    """
    known = {declared.path: declared for declared in declarations(spec)}
    rows = [("", "", "now", "proposed")]
    for path in (*proposed.values, *_KEPT):
        rows.append((known[path].title, known[path].symbol, _word(spec.get(path)), _word(better.get(path))))
    now, then = (_figures(ladder) for ladder in ladders)
    rows.append(("Swelling, largest", "s_T²/σ²", _word(now["swelling"]), _word(then["swelling"])))
    rows.append(("Evaluations of a chain", "", _word(now["evaluations"]), _word(then["evaluations"])))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [f"{a:{widths[0]}}  {b:{widths[1]}}  {c:>{widths[2]}}  {d:>{widths[3]}}" for a, b, c, d in rows]
    flags = " ".join(f"--{path} {_word(value)}" for path, value in proposed.values.items())
    return "\n".join([*lines, proposed.text, f"As flags: {flags}"])


def _figures(ladder: Ladder) -> dict[str, float | int]:
    return {"swelling": float(np.fmax.reduce(ladder.swelling)), "evaluations": ladder.evaluations}


def _word(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else f"{value}"


def _job(options: Propose, spec: ExperimentSpec) -> Iterator[Event]:
    from msd_engine.jobs.sampling.propose import proposal
    from msd_engine.specs.live import Every

    return proposal(spec, rule=options.step, data_dir=options.data_dir, cadence=Every(FRAMES_HZ))


def _ladder(spec: ExperimentSpec, run: Path | None) -> Ladder:
    from msd_engine.jobs.sampling.ladder import ladder

    return next(event for event in ladder(spec, run_dir=run) if isinstance(event, Ladder))
