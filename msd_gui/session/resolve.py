"""Derives from settings, networks and the state of a page what it can do and show, as one frozen value.

Nothing here starts a job or touches a widget. A page resolves after each change and shows the differences.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msd_engine.specs import ExperimentSpec
from msd_engine.specs.experiment import same_network
from msd_gui.session.made import Made
from msd_gui.session.networks import Network, Networks, usual_guidance
from msd_gui.session.refusals import refused_choices, refused_fields

EXACT = {"sampling.source": "exact"}
ANY_K = {"network.fusion": "mean", "noise.quantity": "auto"}
STARTING = "The engine is starting."


@dataclass(frozen=True)
class EngineState:
    """State of the jobs of a page.

    Attributes:
        ready: The engine is ready.
        training: Spec of the current training; None for none.
        stopped: Training spec of the run that can be resumed; None for none.
        elsewhere: Address of the run that the stopped one is a copy of; empty for no copy.
        drawing: Chains are being drawn.
        drawn: Chains have been drawn since the last training began.
        states: There are kept states to step through.
        replays: Play replays kept states instead of holding the chains.
    """

    ready: bool = False
    training: ExperimentSpec | None = None
    stopped: ExperimentSpec | None = None
    elsewhere: str = ""
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
    remedies = []
    if spec.takes_fewer_copies and (network is None or network.k == k):
        title = "This network takes one number of copies" if network is not None else f"No network for {data}"
        text = f"{spec.sampling.traits.title} shows it 1 to {k}: it needs a network that serves every k."
        remedies.append(Remedy("Use Langevin", {"sampling.sampler": "langevin"}))
        others = (one for one in candidates if one.fits(spec))
        remedies += [Remedy(f"Use {one.name}", network=one) for one in others][:1]
    elif network is not None:
        title = f"This network has k = {network.k}"
        text = f"k = {k} is set, but {network.name} needs {network.k} copies."
        remedies.append(Remedy(f"Back to {network.k}", {"training.k": network.k}))
        others = (one for one in candidates if one.fits(spec))
        remedies += [Remedy(f"Use {one.name} for k = {k}", network=one) for one in others][:1]
    else:
        known = sorted({one.k for one in candidates}, key=lambda other: max(other / k, k / other))
        under = " under this noise" if coloured else ""
        title = f"No network for k = {k}" if known else f"No network for {data}{under}"
        text = "Train one, or use the exact score."
        if known:
            text = f"Those for {data} have k = {' and '.join(map(str, sorted(known)))}."
        remedies += [Remedy(f"Use k = {other}", {"training.k": other}) for other in known[:1]]
    if coloured:
        remedies.append(Remedy("Use isotropic noise", {"noise.covariance": "isotropic"}))
    remedies.append(Remedy("Use the exact score", EXACT))
    if engine.training is None:
        if not spec.takes_fewer_copies or spec.serves_every_k:
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
    elif not busy and engine.elsewhere:
        resume = f"This run is a copy of {engine.elsewhere}: resume it there, or train a new run here."
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
        "level_on": no_states,
        "level_back": no_states,
        "restart": no_states if engine.replays else again,
    }
    if not engine.ready:
        refused |= dict.fromkeys(("train", "sample", "home"), STARTING)
    return {name: why for name, why in refused.items() if why}
