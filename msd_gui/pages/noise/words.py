"""What the frames of the noise page say, as curves, figures and sentences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.noise import Forward, Likelihood, NoiseSide
from msd_engine.events.plots import Axis, Curve, Curves
from msd_gui.widgets.controls.numbers import number
from msd_gui.widgets.panels.readings import Reading

WHITE, CHOSEN = "own 1", "own 8"
"""Colours of the two noises."""

NO_SPECTRA = Curves("Spectra of data and noise", Axis("|κ|", "cycles per pixel", log=True), Axis("power", log=True))
NO_AUTOCOVARIANCE = Curves("Correlation of two pixels of the noise", Axis("distance", "pixels"), Axis("correlation"))
"""The plots before the first frame."""


def spectra(frame: Forward) -> Curves:
    """Return the power of the data and of both noises by frequency; bands are where the data exceed a noise."""
    kappa, data = frame.spectrum.frequency, frame.alpha**2 * frame.spectrum.power
    curves = []
    for side, colour in zip(frame.sides, (WHITE, CHOSEN), strict=True):
        noise = frame.sigma_eff**2 * side.power
        # At t = 0 there is no noise, which has no place on a logarithmic axis.
        noise = np.where(noise > 0, noise, np.nan)
        high = np.maximum(data, noise)
        curves.append(Curve(side.name, kappa, noise, colour, low=noise, high=high, spread="band"))
    return replace(NO_SPECTRA, curves=(*curves, Curve("data", kappa, np.where(data > 0, data, np.nan), "data")))


def autocovariance(frame: Forward) -> Curves:
    """Return the correlation of two pixels by their distance in a row."""
    curves = tuple(
        Curve(side.name, np.arange(len(side.autocovariance)), side.autocovariance, colour, dots=True)
        for side, colour in zip(frame.sides, (WHITE, CHOSEN), strict=True)
    )
    return replace(NO_AUTOCOVARIANCE, curves=curves)


def readings(frame: Forward) -> tuple[Reading, ...]:
    """Return the figures of the process at its time, and of the chosen noise."""
    rows = [
        Reading("α", number(frame.alpha), help="Factor of the data."),
        Reading("σ", number(frame.sigma), help="Standard deviation of the noise of one copy."),
        Reading(
            "σ̃ = σ/α",
            number(frame.noise),
            help="The same copy, divided by α, is one of the variance-exploding process with this noise.",
        ),
        Reading("σ/√k", number(frame.sigma_eff), help="Standard deviation of the noise of the mean of the copies."),
    ]
    if len(frame.spectrum.power):
        white = frame.sides[0]
        total = frame.signal_to_noise(white)
        for side in frame.sides:
            shares = frame.signal_to_noise(side)
            rows.append(
                Reading(
                    f"Rings seen, {side.name.lower()}",
                    f"{(shares > 1).sum()} of {len(total)}",
                    help="Rings of frequencies where the data have more power than the noise.",
                )
            )
    rows.append(
        Reading(
            "ln det C per number",
            number(frame.sides[1].log_det),
            help="0 for white noise; the more negative, the more predictable each number of the noise from the others.",
        )
    )
    return tuple(rows)


def log_likelihood(found: Likelihood) -> Reading:
    """Return the mean log-likelihood of a datum by the flow and exactly."""
    help_text = (
        "Mean log density of data with the noise of the end of a chain, followed along the probability flow to the "
        "largest noise, and the exact one. The largest difference of one datum is "
        f"{number(found.largest_error)} nats."
    )
    flow, exact = (f"{value:.4f}" for value in (found.mean, found.exact_mean))
    return Reading("Log-likelihood per datum, nats", flow, exact, help=help_text)


def sentences(frame: Forward) -> str:
    """Return what both noises hide now, and in how many steps the waves emerge, a line for each."""
    return "\n".join(f"{side.name}: {hidden(frame, side)}.{_emerging(side)}" for side in frame.sides)


def _emerging(side: NoiseSide) -> str:
    early, late = side.emerging
    if not early < late:
        return ""
    ends = f"t = {number(late, 2)} and {number(early, 2)}"
    return f" Eight of ten waves appear between {ends}, within {number(10 * (late - early), 2)} of 10 even steps."


def hidden(frame: Forward, side: NoiseSide) -> str:
    """Return which waves of the data have less power than the noise, as the end of a sentence."""
    if not len(frame.spectrum.power):
        longer, shorter = np.sqrt(np.linalg.eigvalsh(side.covariance)[::-1]) * frame.sigma_eff
        return f"standard deviation {number(longer)} along, {number(shorter)} across"
    lost = frame.signal_to_noise(side) < 1
    waves: NDArray[np.float64] = 1 / frame.spectrum.frequency
    if lost.all():
        return "hides all waves of the data"
    if not lost.any():
        return "hides no wave of the data"
    first, last = np.flatnonzero(lost)[[0, -1]]
    if lost[first:].all():
        return f"hides waves of {number(waves[first])} pixels and shorter: the finest detail goes first"
    if lost[: last + 1].all():
        return f"hides waves of {number(waves[last])} pixels and longer: the coarsest shapes go first"
    ends = f"from {number(waves[last])} to {number(waves[first])} pixels"
    return f"hides {lost.sum()} of {len(lost)} rings of frequencies, {ends}"
