"""The base class of a page that plays kept states of its chains: play, pause, step and the speed."""

from __future__ import annotations

from dataclasses import replace

from msd_gui.pages.mixture.play.player import Player
from msd_gui.pages.training.page import TrainingPage
from msd_gui.session.resolve import EngineState
from msd_gui.session.settings import Settings
from msd_gui.views.plane.timeline import Timeline


class PlayingPage(TrainingPage):
    """A page whose chains are played; subclasses create `player` and `timeline`."""

    player: Player
    timeline: Timeline

    def state(self) -> EngineState:
        """Return what the page's jobs are doing; its chains are played from their kept states."""
        return replace(super().state(), replays=True)

    def has_states(self) -> bool:
        """Return whether any state of the chains is known."""
        return not self.player.empty

    @property
    def playing(self) -> bool:
        """Whether the chains are being played."""
        return self.player.playhead.playing

    def restore(self, name: str, settings: Settings) -> None:
        """Load the spec that the page had, and play chains as fast as then."""
        super().restore(name, settings)
        self.player.set_speed(settings.speed_hz)

    def keep(self, name: str, settings: Settings) -> None:
        """Keep the spec and the speed."""
        super().keep(name, settings)
        settings.speed_hz = self.player.playhead.speed

    def do_play(self) -> None:
        """Play or pause; at the end, play again from the beginning."""
        self.player.toggle()

    def do_step(self) -> None:
        """Go one step further."""
        self.player.step(1)

    def do_back(self) -> None:
        """Go one step back."""
        self.player.step(-1)

    def do_level_on(self) -> None:
        """Go to the next level."""
        self.timeline.go_to_level(1)

    def do_level_back(self) -> None:
        """Go to the start of the level, or to the level before."""
        self.timeline.go_to_level(-1)

    def do_restart(self) -> None:
        """Play from the first step."""
        self.player.restart()
