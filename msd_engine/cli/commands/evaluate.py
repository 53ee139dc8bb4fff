"""`msd evaluate`: quality of generated images, as a table and one line of JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from msd_engine.cli.fields import given_fields
from msd_engine.cli.follow import FRAMES_HZ, follow
from msd_engine.cli.inputs import check_one_source, chosen_source, compute_with, count_of, is_given
from msd_engine.cli.options import Evaluate
from msd_engine.cli.outcome import RefusedError, say
from msd_engine.events import Event, Figure, Quality, Started
from msd_engine.events.verdicts import in_words
from msd_engine.specs import ExperimentSpec

DRAWN = 1024
"""Default number of samples drawn from a run."""

_CURVE = (1, 2, 5, 10, 20)
_POINT = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,5})")


def evaluate(options: Evaluate) -> dict[str, Any]:
    """Measure samples and return their figures, or those of each point of the curve.

    Raises:
        RefusedError: The options contradict each other, or the job cannot begin with them.
        CutShortError: The job failed or was stopped.
        SpecError: A field is unknown or out of range.
        UserError: A file or folder is missing or damaged.
    """
    account = QualityAccount()
    follow(_job(options), account)
    text = curve_table(account.found) if options.curve else table(account.found[-1])
    if not options.json:
        return {"text": text}
    say(text)
    return account.points() if options.curve else figures(account.found[-1])


class QualityAccount:
    """The figures of one measurement."""

    def __init__(self) -> None:
        """Start without figures."""
        self.found: list[Quality] = []
        self._device = ""

    def take(self, event: Event) -> None:
        """Process one event."""
        match event:
            case Started():
                self._device = event.device
            case Quality():
                self.found.append(event)
            case _:
                pass

    def figures(self) -> dict[str, Any]:
        """Return the current figures, by name."""
        return {"device": self._device} | self.points()

    def points(self) -> dict[str, Any]:
        """Return the figures of all sets of samples."""
        return {"points": [figures(quality) for quality in self.found]}

    def how_to_continue(self) -> str:
        """Return the state after a stop."""
        return "Stopped before the end; the features of real images are cached for the next time."


def figures(quality: Quality) -> dict[str, Any]:
    """Return a measurement as plain values by name: each with its interval and the value of real images, if known."""
    named: dict[str, Any] = {
        "data": quality.data,
        "features": quality.features,
        "n": quality.n,
        "real_n": quality.real_n,
        "reference_n": quality.reference_n,
        "evaluations": quality.evaluations or None,
        "sampling_s": _known(quality.elapsed_s),
    }
    for figure in quality.figures:
        named[figure.name] = _known(figure.value)
        if math.isfinite(figure.low):
            named[f"{figure.name}_interval"] = [figure.low, figure.high]
        named[f"{figure.name}_real"] = _known(figure.real)
        if math.isfinite(figure.real_spread):
            named[f"{figure.name}_real_spread"] = figure.real_spread
    named["lived"], named["dead"] = quality.lived, dict(quality.dead)
    if quality.refused:
        named["refused"] = quality.refused
    pairs = zip(quality.class_names, quality.shares, quality.real_shares, strict=False)
    named["classes"] = {name: [float(share), float(real)] for name, share, real in pairs}
    return named


def table(quality: Quality) -> str:
    """Return a measurement as a table for people."""
    spec = ExperimentSpec.from_json(quality.spec_json)
    source, begun = "network" if spec.sampling.source == "trained" else "exact", f", {spec.begun}" * spec.begins_at_data
    wanted = f" ({quality.evaluations} {source} evaluations each)" if quality.evaluations else ""
    lines = [
        f"{quality.n} samples of {quality.data}{wanted}{begun} and {quality.real_n} real training images, both against "
        f"{quality.reference_n} held-out images; features: {quality.features}",
        f"{'':28}{'samples':>10}  {'95 % interval':<22}{'real':>10}",
    ]
    for figure in quality.figures:
        interval = f"{_short(figure.low)} to {_short(figure.high)}" if math.isfinite(figure.low) else ""
        spread = f" ± {figure.real_spread:.2g}" if math.isfinite(figure.real_spread) else ""
        lines.append(f"{figure.title:28}{_short(figure.value):>10}  {interval:<22}{_short(figure.real):>10}{spread}")
    if any(math.isfinite(figure.real_spread) for figure in quality.figures):
        lines.append(f"± of real: standard deviation between disjoint sets of {quality.real_n} training images")
    reasons = in_words(quality.dead)
    lines.append(f"{quality.lived} of {quality.n} survived" + (f"; dead: {reasons}" if reasons else ""))
    if quality.refused:
        lines.append(quality.refused)
    if quality.class_names:
        ratios = quality.shares / quality.real_shares.clip(min=1e-12)
        pairs = zip(quality.class_names, ratios, strict=True)
        lines.append("class share / real: " + "  ".join(f"{name} {ratio:.2f}" for name, ratio in pairs))
    return "\n".join(lines)


def curve_table(found: list[Quality]) -> str:
    """Return the points of a curve as a table for people, by evaluations of one sample."""
    names = [figure.title for figure in found[0].figures]
    lines = [f"{'evaluations':>12}" + "".join(f"{name[:15]:>17}" for name in names)]
    for quality in sorted(found, key=lambda one: one.evaluations):
        values: list[Figure] = list(quality.figures)
        lines.append(f"{quality.evaluations:12}" + "".join(f"{_short(figure.value):>17}" for figure in values))
    return "\n".join(lines + [one.refused for one in found[:1] if one.refused])


def _job(options: Evaluate) -> Iterator[Event]:
    given = given_fields(options.fields)
    n = count_of(options.n, "--n") if is_given(options.n) else 0
    source = options.source
    if source is not None and not source.is_dir() and not (is_given(options.preset) or is_given(options.model)):
        if given or options.curve or is_given(options.points):
            raise RefusedError("A sample file is measured unchanged: fields and --curve need a run folder.")
        return _measure(options, samples=source, n=n)
    check_one_source(source, options.preset, options.model, file="a sample file or a trained run folder")
    drawn = {"sampling.chains": str(n or DRAWN)} | given
    spec, run = chosen_source(source, options.preset, options.model, drawn)
    return _measure(options, spec=spec, run_dir=run, curve=_points(options, spec))


def _measure(options: Evaluate, **source: Any) -> Iterator[Event]:
    compute_with(options.threads)
    # Imported here: the job imports torch, and a refusal should not wait for it.
    from msd_engine.jobs.quality.evaluate import evaluate as job
    from msd_engine.specs.live import Every

    return job(
        **source,
        inception=options.inception,
        retrain=options.retrain,
        data_dir=options.data_dir,
        device=options.device,
        cadence=Every(FRAMES_HZ),
    )


def _points(options: Evaluate, spec: ExperimentSpec) -> tuple[tuple[int, int], ...]:
    if not options.curve:
        if is_given(options.points):
            raise RefusedError("--points needs --curve; give both.")
        return ()
    if not is_given(options.points):
        return tuple((spec.sampling.levels, steps) for steps in _CURVE)
    found = [_POINT.fullmatch(word.strip()) for word in options.points.split(",")]
    if any(match is None for match in found):
        raise RefusedError(f"--points must be levels x steps such as 25x5,25x10, but is {options.points!r}.")
    return tuple((int(match[1]), int(match[2])) for match in found if match)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _short(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else ""
