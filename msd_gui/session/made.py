"""The settings and network behind the displayed chains, pictures and figures, compared with the current ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from msd_engine.specs import ExperimentSpec, declarations
from msd_gui.session.networks import Network


@dataclass(frozen=True)
class Made:
    """Origin of chains, pictures or figures.

    Attributes:
        spec: The settings.
        network: The denoising network, with the step of its weights; None for the exact score.
    """

    spec: ExperimentSpec
    network: Network | None

    @property
    def run(self) -> Path | None:
        """The folder of the network."""
        return self.network.folder if self.network is not None else None

    @property
    def from_data(self) -> bool:
        """Whether the images or the mixture of the settings denoise, at least at first."""
        return self.network is None or self.spec.begins_at_data

    @property
    def chains(self) -> tuple[object, ...]:
        """Key that changes with the chains, except for newer weights of the same network.

        A network has its own data and copies; the exact score, and chains that begin with it, follow the settings.
        """
        spec, sampling = self.spec, self.spec.sampling
        guided = self.network is not None and sampling.guidance != 1.0
        noise = spec.law if guided or sampling.ladder in ("report", "quadratic", "as-trained") else spec.noise.colour
        data = spec.data if self.from_data else spec.data.identity
        return sampling, spec.training.k, data, noise, self.run, spec.branch

    @property
    def key(self) -> tuple[object, ...]:
        """Key of one kind of chains, whatever their number and seed, with the step of the weights."""
        sampling = self.spec.sampling.model_copy(update={"chains": 1, "seed": 0})
        return sampling, *self.chains[1:], self.network.step if self.network is not None else 0

    @property
    def words(self) -> str:
        """Name of the denoiser."""
        return "the exact score" if self.network is None else self.network.words

    def settings(self) -> dict[str, str]:
        """Return the settings of the chains as text: the network, and the fields by dotted path."""
        words = {"network": f"by {self.words}"}
        drawn_by = ("training.k", "sampling.", *(("data.",) if self.from_data else ("data.name", "data.path")))
        for field in declarations(self.spec):
            if field.path.startswith(drawn_by) and field.path != "sampling.source":
                value = self.spec.get(field.path)
                titles = dict(zip(field.choices, field.titles, strict=True))
                text = titles.get(value) or (value if isinstance(value, str) else f"{value:.4g}")
                words[field.path] = f"{field.symbol} = {text}" if field.symbol else f"{field.title.lower()} {text}"
        if words.get("data.limit") and not self.spec.get("data.limit"):
            words["data.limit"] = "all images"
        if self.spec.branch is not None:
            words["branch"] = f"branch at {self.spec.branch.step:,}"
        return words

    def differences(self, now: Made) -> str:
        """Return the settings that differ from the current ones as text; empty if all agree."""
        if (self.chains, self.network) == (now.chains, now.network):
            return ""
        others = now.settings()
        network, *fields = ("" if others.get(path) == words else words for path, words in self.settings().items())
        listed = ", ".join(field for field in fields if field)
        return f"{'with ' * bool(listed)}{listed} {network}".strip()
