"""One folder a platform; its module `emulator` offers the class EMULATOR.

A platform may import `emulation` and its own folder, and meets the world through its files. It
is found by its folder: no list names it.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import cast

from marketing_analytics.simulate.emulation.emulator import EmulatorKind


def emulator_names() -> list[str]:
    """Return the names of all emulated platforms."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg)


def load_emulator(name: str) -> EmulatorKind:
    """Return the emulator of a platform."""
    return cast("EmulatorKind", import_module(f"{__name__}.{name}.emulator").EMULATOR)
