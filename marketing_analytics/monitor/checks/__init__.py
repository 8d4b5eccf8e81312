"""One module a monitor; each has its questions in SQL beside it (`sql/`)."""

from __future__ import annotations

import importlib
from typing import Any

from marketing_analytics.monitor.checks.check import Check

NAMES = (
    "spend_reconciliation",
    "budget",
    "unmapped_channels",
    "dashboard_sla",
)


def checks() -> dict[str, Check]:
    """Return all monitors by name."""
    return {name: load(name) for name in NAMES}


def load(name: str) -> Check:
    """Return a monitor."""
    found: Check = importlib.import_module(f"{__name__}.{name}").CHECK
    return found


def schema() -> dict[str, Any]:
    """Return what the section `monitors` of monitors.yml holds."""
    return {
        "type": "object",
        "description": "What is watched; what is not named here is as `monitor list` shows it.",
        "additionalProperties": False,
        "properties": {name: check.schema() for name, check in checks().items()},
    }
