"""What all chains of pages have in common: one runner draws them."""

from __future__ import annotations

from msd_gui.bridge.runner import Runner


class DrawsChains:
    """The state of the runner that draws chains, for a class with such a `_runner`."""

    _runner: Runner

    @property
    def running(self) -> bool:
        """Whether chains are being drawn."""
        return self._runner.running

    @property
    def playing(self) -> bool:
        """Whether chains are being drawn and not paused."""
        return self._runner.running and not self._runner.held

    def hold(self) -> None:
        """Pause or continue the chains."""
        self._runner.hold()

    def stop(self) -> None:
        """Stop the chains."""
        self._runner.stop()
