"""What a platform's emulator offers to the server."""

from __future__ import annotations

from typing import Protocol

from starlette.types import ASGIApp

from marketing_analytics.simulate.emulation.control import PlatformControl, SimulatedClock
from marketing_analytics.simulate.emulation.world_files import WorldFiles


class Emulator(Protocol):
    """One platform over a built world: an app, and the control of its port."""

    app: ASGIApp
    control: PlatformControl

    def settings(self, url: str) -> dict[str, str]:
        """Return what ingestion must be told when the emulator answers at `url`."""
        ...


class EmulatorKind(Protocol):
    """Makes the emulator of a world."""

    def __call__(self, world: WorldFiles, clock: SimulatedClock) -> Emulator:
        """Return an emulator that believes in `clock`."""
        ...
