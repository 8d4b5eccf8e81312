"""The service levels as OpenSLO (openslo.com, v1), over the metrics that we serve."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from marketing_analytics.monitor.levels.burn import PAIRS
from marketing_analytics.monitor.levels.check import INDICATORS
from marketing_analytics.monitor.levels.settings import Level

API_VERSION = "openslo/v1"


def openslo_of(levels: Iterable[Level]) -> str:
    """Return a document for each level and indicator."""
    import yaml  # type: ignore[import-untyped]

    documents = [document(level, name) for level in levels for name in INDICATORS]
    text: str = yaml.safe_dump_all(documents, sort_keys=False)
    return text


def document(level: Level, indicator: str) -> dict[str, Any]:
    """Return one SLO: good minutes among those that are known."""
    return {
        "apiVersion": API_VERSION,
        "kind": "SLO",
        "metadata": {
            "name": re.sub("[^a-z0-9]+", "-", f"{level.name}-{indicator}".lower()).strip("-"),
            "displayName": f"{level.name}: {indicator}",
        },
        "spec": {
            "description": description(level, indicator),
            "service": level.name,
            "indicator": {
                "metadata": {"name": indicator},
                "spec": {
                    "ratioMetric": {
                        "good": query(level, indicator, "good"),
                        "total": query(level, indicator, "good|bad"),
                    }
                },
            },
            "timeWindow": [{"duration": f"{level.window_days}d", "isRolling": True}],
            "budgetingMethod": "Occurrences",
            "objectives": [{"target": round(level.objective, 6)}],
        },
    }


def description(level: Level, indicator: str) -> str:
    """Return what is promised in words."""
    alarms = ", ".join(f"{pair} at {pair.rate:g}" for pair in PAIRS)
    what = {
        "availability": "the page can be read whole",
        "freshness": f"its data are at most {level.fresh_within.total_seconds() / 3600:g} h old",
    }[indicator]
    return f"Minutes in which {what}, seen by a probe from outside. Alarms by burn rate: {alarms}."


def query(level: Level, indicator: str, states: str) -> dict[str, Any]:
    """Return where minutes of some states are read."""
    name = level.name.replace("\\", "\\\\").replace('"', '\\"')
    selector = f'service="{name}",indicator="{indicator}",state=~"{states}"'
    return {
        "metricSource": {
            "type": "Prometheus",
            "spec": {"query": f"sum(marketing_service_level_minutes{{{selector}}})"},
        }
    }
