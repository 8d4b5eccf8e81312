"""One module a monitor; each has its questions in SQL beside it (`sql/`)."""

from __future__ import annotations

import importlib
from typing import Any

from marketing_analytics.monitor.check import Check

MODULES = (
    "attribution_drift",
    "campaign_freshness",
    "ltv_accuracy",
    "reconciliation",
    "spend_reconciliation",
    "volume",
    "columns",
    "consent_rate",
    "unmapped_channels",
    "budget",
    "job_runs",
    "dashboard_sla",
)


def checks() -> dict[str, Check]:
    """Return all monitors by name."""
    found: list[Check] = [
        importlib.import_module(f"{__name__}.{module}").CHECK for module in MODULES
    ]
    return {check.name: check for check in found}


def schema() -> dict[str, Any]:
    """Return what the section `monitors` of monitors.yml holds."""
    return {
        "type": "object",
        "description": "What is watched; what is not named here is as `monitor list` shows it.",
        "additionalProperties": False,
        "properties": {name: check.schema() for name, check in checks().items()},
    }
