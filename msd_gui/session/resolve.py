"""Derives from settings, networks and the state of a page what it can do and show, as one frozen value.

Nothing here starts a job or touches a widget. A page resolves after each change and shows the differences.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msd_engine.specs import ExperimentSpec, SamplingSpec
from msd_engine.specs.data import POINT_SETS
from msd_engine.specs.experiment import same_network
from msd_engine.specs.tables.forms import FORMS, FormRow
from msd_engine.specs.tables.noise import unsuitable
from msd_engine.specs.tables.objectives import OBJECTIVES, ObjectiveRow
from msd_engine.specs.tables.samplers import BEYOND_NETWORKS, TRAITS
from msd_gui.session.made import Made
from msd_gui.session.networks import Network, Networks, usual_guidance

EXACT = {"sampling.source": "exact"}
FIXED_STEPS, MOST_FIXED_STEPS = 1000, 1_000_000
ANY_K = {"network.fusion": "mean", "noise.quantity": "auto"}
STARTING = "The engine is starting."


@dataclass(frozen=True)
class EngineState:
    """State of the jobs of a page.

    Attributes:
        ready: The engine is ready.
        training: Spec of the current training; None for none.
        stopped: Training spec of the run that can be resumed; None for none.
        drawing: Chains are being drawn.
        drawn: Chains have been drawn since the last training began.
        states: There are kept states to step through.
        replays: Play replays kept states instead of holding the chains.
    """

    ready: bool = False
    training: ExperimentSpec | None = None
    stopped: ExperimentSpec | None = None
    drawing: bool = False
    drawn: bool = False
    states: bool = False
    replays: bool = False


@dataclass(frozen=True)
class Remedy:
    """One button of a card.

    Attributes:
        label: Label of the button.
        values: New values of fields by dotted path.
        network: The network to use; None keeps the choice.
        action: The action that follows, such as ``train``; empty for none.
    """

    label: str
    values: Mapping[str, Any] = field(default_factory=dict)
    network: Network | None = None
    action: str = ""


@dataclass(frozen=True)
class Problem:
    """Text of a card about the network.

    Attributes:
        title: The problem, in a few words.
        text: The reason, and what stays on the screen.
        remedies: Its buttons.
    """

    title: str
    text: str
    remedies: tuple[Remedy, ...] = ()


@dataclass(frozen=True)
class Resolved:
    """What a page can do and show.

    Attributes:
        spec: The settings.
        network: The network for them, in use or not; None if none fits.
        candidates: The networks of these data.
        learning: Chains wait for the first or the newest weights of the network in training.
        problem: Why nothing denoises these settings; None if something does, or will after training.
        card: Message about the network: the problem, or that training would make another one; None for nothing.
        fields: Why a field is disabled, by dotted path; the others are enabled.
        choices: Why a choice of a field is disabled, by dotted path and choice; the others are enabled.
        actions: Why an action is disabled, by its name; the others are enabled.
        placeholder: Text in place of the future chains.
    """

    spec: ExperimentSpec
    network: Network | None
    candidates: tuple[Network, ...]
    learning: bool
    problem: Problem | None
    card: Problem | None
    fields: Mapping[str, str]
    choices: Mapping[tuple[str, str], str]
    actions: Mapping[str, str]
    placeholder: str

    @property
    def exact(self) -> bool:
        """Whether the score is exact and needs no network."""
        return self.spec.sampling.source == "exact"

    @property
    def in_use(self) -> Network | None:
        """The network that denoises these settings; None for the exact score, and if none fits."""
        return None if self.exact or self.network is None or not self.network.fits(self.spec) else self.network

    @property
    def run(self) -> Path | None:
        """The folder of the network in use."""
        return self.in_use.folder if self.in_use is not None else None

    @property
    def serves(self) -> bool:
        """Whether there is a denoiser for these settings now."""
        return self.exact or self.in_use is not None

    @property
    def made(self) -> Made:
        """Origin of new chains, if there is a denoiser."""
        return Made(self.spec, None if self.exact else self.network)


def resolve(spec: ExperimentSpec, networks: Networks, engine: EngineState) -> Resolved:
    """Resolve what a page can do and show.

    Args:
        spec: Its settings.
        networks: The available networks.
        engine: State of its jobs.
    """
    exact = spec.sampling.source == "exact"
    network, candidates = networks.network(spec), networks.candidates(spec)
    learning = engine.training is not None and Network(Path(), engine.training).fits(spec) and not exact
    fits = network is not None and network.fits(spec)
    problem = None if exact or fits or learning else _problem(spec, network, candidates, engine)
    serves = exact or fits
    return Resolved(
        spec=spec,
        network=network,
        candidates=candidates,
        learning=learning,
        problem=problem,
        card=problem or (None if exact or learning else _note(spec, network, engine) or _guidance(spec, network)),
        fields=refused_fields(spec),
        choices=refused_choices(spec),
        actions=_actions(spec, engine, problem, serves=serves, exact=exact),
        placeholder=_placeholder(spec, network if fits else None, exact=exact, learning=learning, problem=problem),
    )


# -- the network -------------------------------------------------------------------------------------------------------


def _problem(
    spec: ExperimentSpec, network: Network | None, candidates: tuple[Network, ...], engine: EngineState
) -> Problem:
    """Describe a missing or unfit network, with a remedy for every alternative."""
    k, data = spec.training.k, spec.data.title
    coloured = spec.noise.covariance != "isotropic"
    trainable = not coloured or spec.data.kind == "mixture"
    remedies = []
    if network is not None:
        title = f"This network has k = {network.k}"
        text = f"k = {k} is set, but {network.name} needs {network.k} copies."
        remedies.append(Remedy(f"Back to {network.k}", {"training.k": network.k}))
        others = (one for one in candidates if one.fits(spec))
        remedies += [Remedy(f"Use {one.name} for k = {k}", network=one) for one in others][:1]
    else:
        known = sorted({one.k for one in candidates}, key=lambda other: max(other / k, k / other))
        title = f"No network for k = {k}" if known else f"No network for {data}"
        text = "Train one, or use the exact score."
        if known:
            text = f"Those for {data} have k = {' and '.join(map(str, sorted(known)))}."
        if not trainable:
            text = "Networks of images take isotropic noise only, so far."
        remedies += [Remedy(f"Use k = {other}", {"training.k": other}) for other in known[:1]]
    if coloured:
        remedies.append(Remedy("Use isotropic noise", {"noise.covariance": "isotropic"}))
    remedies.append(Remedy("Use the exact score", EXACT))
    if engine.training is None and trainable:
        remedies.append(Remedy(f"Train for k = {k}", action="train"))
        if not spec.serves_every_k:
            remedies.append(Remedy("Train for every k", ANY_K, action="train"))
    return Problem(title, text, tuple(remedies))


def _note(spec: ExperimentSpec, network: Network | None, engine: EngineState) -> Problem | None:
    """Warn that training would make another network than the one in use from this page."""
    trained = engine.stopped
    if network is None or trained is None or network.spec != trained or same_network(trained, spec):
        return None
    text = f"Training settings have changed since. Until you train, {network.name} keeps denoising."
    return Problem("Another network", text, (Remedy("Train", action="train"),))


def _guidance(spec: ExperimentSpec, network: Network | None) -> Problem | None:
    """Offer the usual guidance of a sampler that is not the one for which the network's own guidance was chosen."""
    if network is None:
        return None
    own, sampling = network.spec.sampling, spec.sampling
    usual = usual_guidance(spec.data.name, sampling.sampler)
    if sampling.sampler == own.sampler or sampling.guidance != own.guidance or sampling.guidance in (1.0, usual):
        return None
    now, other = sampling.traits.title, own.traits.title
    why = f"The shipped settings of {now} have w = {usual:g}." if usual != 1.0 else f"None is known to suit {now}."
    text = f"w = {own.guidance:g} was chosen for {other}; it can spoil the samples of another sampler. {why}"
    return Problem("Guidance of another sampler", text, (Remedy(f"Set w = {usual:g}", {"sampling.guidance": usual}),))


def _placeholder(
    spec: ExperimentSpec, network: Network | None, *, exact: bool, learning: bool, problem: Problem | None
) -> str:
    if problem is not None:
        return f"{problem.title}. {problem.text}"
    if exact:
        score = f"with the exact score of {'the images' if spec.data.kind == 'images' else 'the target'}"
    elif learning or network is None:
        score = "by the network in training"
    else:
        score = f"by {network.words}"
    return f"Press Sample to denoise chains into new images {score}."


# -- fields ------------------------------------------------------------------------------------------------------------


def refused_fields(spec: ExperimentSpec) -> dict[str, str]:
    """Return why fields are disabled by dotted path, shown on the page or not."""
    sampling, change = spec.sampling, spec.denoise.change
    annealed, trained = sampling.annealed, sampling.source == "trained"
    level = "There is no noise." if sampling.noiseless else "Fixed dynamics stay at σ_L."
    law = spec.noise.law
    allowed = {
        "sampling.guidance": (trained, "The exact posterior mean needs no guidance."),
        "sampling.exact_above": (trained, "The exact posterior mean is used at all noises."),
        "training.k": (not sampling.noiseless, "Chains without noise have no copies."),
        "sampling.method": (
            not (sampling.needs_ladder or sampling.noiseless),
            f"{sampling.traits.title} always uses a ladder." if sampling.needs_ladder else level,
        ),
        "sampling.ladder": (annealed, level),
        "sampling.sigma_1": (annealed, level),
        "sampling.levels": (annealed, level),
        "sampling.sigma_L": (not sampling.noiseless, level),
        "sampling.rho": (annealed and sampling.ladder == "karras", "Only the ladder of Karras has an exponent."),
        "sampling.start_width": (sampling.start == "uniform", "Only a uniform start has a box."),
        "noise.process": (
            law == "uniform-t" or (annealed and sampling.ladder in ("report", "quadratic")),
            "Only ladders and noise laws in time depend on it.",
        ),
        "noise.log_mean": (law == "log-normal", "Belongs to the log-normal law."),
        "noise.log_std": (law == "log-normal", "Belongs to the log-normal law."),
        "noise.largest": (law == "ladder", "Belongs to the ladder of training noises."),
        "noise.smallest": (law == "ladder", "Belongs to the ladder of training noises."),
        "noise.noises": (law == "ladder", "Belongs to the ladder of training noises."),
        "denoise.copy_index": (change in ("drop", "replace"), "Choose one copy first."),
        "denoise.other": (change == "replace", "Belongs to a copy that is replaced."),
        "denoise.painting": (sampling.glides, "The sampler already settles at each noise: it also inpaints."),
    }
    return {path: why for path, (on, why) in allowed.items() if not on}


def refused_choices(spec: ExperimentSpec) -> dict[tuple[str, str], str]:
    """Return why choices are disabled, by the dotted path of the field and the choice."""
    refused: dict[tuple[str, str], str] = {}
    if spec.data.kind == "images":
        tables: dict[str, Mapping[Any, FormRow | ObjectiveRow]] = {
            "training.form": FORMS,
            "training.objective": OBJECTIVES,
        }
        rows = ((path, word, row) for path, table in tables.items() for word, row in table.items())
        refused |= {(path, word): f"For points only: {row.only_points}." for path, word, row in rows if row.only_points}
    if spec.sampling.source == "trained":
        refused |= {
            ("sampling.sampler", name): f"It needs the exact score: {BEYOND_NETWORKS[row.needs]}."
            for name, row in TRAITS.items()
            if row.needs
        }
    if spec.data.kind == "mixture" and spec.data.is_points:
        why = "It needs a density without noise, which points do not have."
        refused |= {("sampling.sampler", name): why for name, row in TRAITS.items() if row.noiseless}
    if spec.data.kind == "images":
        why = "It needs an exact density, which images do not have: choose a mixture or points."
        refused |= {("sampling.sampler", name): why for name, row in TRAITS.items() if not row.draws_images}
    if spec.training.k == 1:
        refused["denoise.change", "drop"] = "With k = 1 there is no other copy."
    if spec.data.name != "custom":
        refused["data.name", "custom"] = "Open a file with an explicit mixture."
    if spec.data.name != "points":
        refused["data.name", "points"] = "Open a CSV or NPY file with points, or paste them."
    refused |= {("noise.covariance", word): why for word, why in unsuitable(spec.data.kind).items()}
    if spec.data.name != "folder":
        refused["data.name", "folder"] = "Open or drop a folder of pictures."
    return refused


# -- actions -----------------------------------------------------------------------------------------------------------


def _actions(
    spec: ExperimentSpec, engine: EngineState, problem: Problem | None, *, serves: bool, exact: bool
) -> dict[str, str]:
    """Return why actions are disabled, present on the page or not."""
    busy = "A network is being trained: stop the training first." if engine.training is not None else ""
    no_network = problem.title + "." if problem is not None else ""
    no_states = "" if engine.states else "No chains have been drawn yet."
    resume = busy
    if not busy and engine.stopped is None:
        resume = "There is no stopped run."
    elif not busy and engine.stopped is not None and not same_network(engine.stopped, spec):
        resume = "These settings need a different network from the stopped run's."
    no_weights = "" if serves else "The network has no weights yet."
    again = "" if engine.drawn and serves else no_network or "No chains have been drawn yet."
    refused = {
        "train": busy,
        "resume": resume,
        "sample": no_network,
        "denoise": "The exact score needs no network." if exact else no_network or no_weights,
        "stop": "" if busy or engine.drawing else "Nothing runs.",
        "play": no_states if engine.replays else ("" if engine.drawing else "No chains are being drawn."),
        "step": no_states,
        "back": no_states,
        "restart": no_states if engine.replays else again,
    }
    if not engine.ready:
        refused |= dict.fromkeys(("train", "sample", "home"), STARTING)
    return {name: why for name, why in refused.items() if why}


# -- dependent changes ----------------------------------------------------------------------------------------------


def sampler_rule(spec: ExperimentSpec, sampler: str) -> dict[str, Any]:
    """Return the changes required by a sampler: some need a ladder, posterior draws need an exact score."""
    wanted = spec.sampling.model_copy(update={"sampler": sampler})
    along: dict[str, Any] = {}
    if wanted.needs_ladder:
        along |= method_rule(spec, "annealed") | {"sampling.method": "annealed"}
    if wanted.glides and wanted.levels < 2:
        along["sampling.levels"] = 2
    if wanted.needs_exact:
        along["sampling.source"] = "exact"
    if wanted.noiseless:
        along |= method_rule(spec, "fixed") | {"sampling.method": "fixed"}
    return along


def data_rule(spec: ExperimentSpec, name: str) -> dict[str, Any]:
    """Return the changes required by data in the plane: points have no density without noise."""
    return {"sampling.sampler": "langevin"} if spec.sampling.noiseless and name in POINT_SETS else {}


def method_rule(spec: ExperimentSpec, method: str) -> dict[str, Any]:
    """Return what must change with the dynamics of a mixture.

    Fixed noise starts as in Song and Ermon 2019 (arXiv:1907.05600, §3.2): uniformly in a box, with as many steps as the
    ladder had in all, at least 1000. Annealing divides its steps among the levels again, and starts round.
    """
    sampling = spec.sampling
    if spec.data.kind != "mixture" or method == sampling.method:
        return {}
    if method == "annealed":
        return annealed_again(sampling) | {"sampling.start": "gaussian"}
    steps = min(max(FIXED_STEPS, sampling.levels * sampling.steps_per_level), MOST_FIXED_STEPS)
    return {"sampling.start": "uniform", "sampling.steps_per_level": steps}


def annealed_again(sampling: SamplingSpec) -> dict[str, Any]:
    """Return what makes annealed dynamics of fixed ones, with as many steps in all."""
    other = {"sampling.sampler": "langevin"} if sampling.noiseless else {}
    return other | {
        "sampling.method": "annealed",
        "sampling.sigma_1": max(sampling.sigma_1, sampling.sigma_L),
        "sampling.steps_per_level": max(1, sampling.steps_per_level // sampling.levels),
    }


def copies_rule(spec: ExperimentSpec, k: int) -> dict[str, Any]:
    """Return the noises of one copy with which k copies have the present σ_eff = σ/√k."""
    wider = math.sqrt(k / spec.training.k)
    paths = ("sampling.sigma_1", "sampling.sigma_L", "denoise.sigma")
    return {path: spec.get(path) * wider for path in paths}


def source_rule(spec: ExperimentSpec, source: str) -> dict[str, Any]:
    """Return the changes required by a source of the score: a network gives x̂ alone."""
    return {"sampling.sampler": "langevin"} if source == "trained" and spec.sampling.needs_exact else {}
