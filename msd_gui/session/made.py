"""What the chains, pictures and figures on a page were made with, beside what is set now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from msd_engine.specs import ExperimentSpec, declarations
from msd_gui.session.networks import Network


@dataclass(frozen=True)
class Made:
    """What chains, pictures or figures were made with.

    Attributes:
        spec: The settings.
        network: The network that denoised, with the step of its weights; None for the exact score.
    """

    spec: ExperimentSpec
    network: Network | None

    @property
    def run(self) -> Path | None:
        """The folder of the network."""
        return self.network.folder if self.network is not None else None

    @property
    def from_data(self) -> bool:
        """Whether the images or the mixture of the settings denoise, at least at first, and not a network alone."""
        return (
            self.network is None or self.spec.sigma_of_copy(self.spec.sampling.exact_above) < self.spec.sampling.sigma_1
        )

    @property
    def chains(self) -> tuple[object, ...]:
        """All that makes other chains where it changes, but newer weights of the same network.

        A network has its own data and copies; the exact score, and chains that begin with it, follow those that are
        set.
        """
        spec, sampling = self.spec, self.spec.sampling
        guided = self.network is not None and sampling.guidance != 1.0
        noise = spec.noise if guided or sampling.ladder in ("report", "as-trained") else spec.noise.covariance
        return sampling, spec.training.k, spec.data if self.from_data else spec.data.name, noise, self.run

    @property
    def key(self) -> tuple[object, ...]:
        """All that makes chains of one kind, whatever their number and seed, with the step of the weights."""
        sampling = self.spec.sampling.model_copy(update={"chains": 1, "seed": 0})
        return sampling, *self.chains[1:], self.network.step if self.network is not None else 0

    @property
    def words(self) -> str:
        """Who denoised."""
        return "the exact score" if self.network is None else self.network.words

    def settings(self) -> dict[str, str]:
        """Return all that chains are drawn by, in words: the network, and the fields by dotted path."""
        words = {"network": f"by {self.words}"}
        drawn_by = ("training.k", "sampling.", "data." if self.from_data else "data.name")
        for field in declarations(self.spec):
            if field.path.startswith(drawn_by) and field.path != "sampling.source":
                value = self.spec.get(field.path)
                titles = dict(zip(field.choices, field.titles, strict=True))
                text = titles.get(value) or f"{value:.4g}"
                words[field.path] = f"{field.symbol} = {text}" if field.symbol else f"{field.title.lower()} {text}"
        return words

    def differences(self, now: Made) -> str:
        """Return in words what made it, as far as something else is set now; empty where all is the same.

        Args:
            now: What is set now.
        """
        if (self.chains, self.network) == (now.chains, now.network):
            return ""
        others = now.settings()
        network, *fields = ("" if others.get(path) == words else words for path, words in self.settings().items())
        listed = ", ".join(field for field in fields if field)
        return f"{'with ' * bool(listed)}{listed} {network}".strip()
