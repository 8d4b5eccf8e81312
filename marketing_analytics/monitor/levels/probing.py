"""Probe once, or again and again, and keep what was found."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import PlatformError
from marketing_analytics.monitor.levels.probes import Probe
from marketing_analytics.monitor.levels.probes import probe as look_at
from marketing_analytics.monitor.levels.settings import Level
from marketing_analytics.monitor.levels.store import keep_probes, move_notes
from marketing_analytics.monitor.place import Place

WAIT_SECONDS = 2.0
AT_END_SECONDS = 10.0
PIPED_WIDTH = 100


def probe_command(console: Console, place: Place, levels: Sequence[Level]) -> int:
    """Probe once; return 1 where something is bad."""
    found = [look_at(level.target, level.fresh_within) for level in levels]
    is_kept = keep_probes(place, found, wait_seconds=WAIT_SECONDS)
    if console.is_json:
        console.json({"schema_version": 1, "probes": [probe_json(each) for each in found]})
    for each in found:
        tell(console, each)
    if not is_kept:
        console.note(f"{place} is being written; the probe is noted beside it until then")
    return 0 if all(each.is_available and each.is_fresh for each in found) else 1


def probe_on(console: Console, place: Place, levels: Sequence[Level], every_seconds: float) -> int:
    """Probe at each multiple of some seconds, until interrupted."""
    try:
        while True:
            for level in levels:
                each = look_at(level.target, level.fresh_within)
                keep(console, place, each)
                if console.is_json:
                    console.json(probe_json(each))
                else:
                    tell(console, each)
            time.sleep(every_seconds - time.time() % every_seconds)
    finally:
        move_notes(place, wait_seconds=AT_END_SECONDS)


def keep(console: Console, place: Place, each: Probe) -> None:
    """Keep a probe; what hinders that is told, and the next one is made all the same."""
    try:
        keep_probes(place, [each])
    except PlatformError as error:
        console.note(f"the probe of {each.probed_at:%H:%M:%S} is not kept: {error.message}")


def tell(console: Console, each: Probe) -> None:
    """Print what a probe found."""
    at = f"{each.probed_at:%Y-%m-%d %H:%M:%S} UTC  {each.target}"
    if not each.is_available:
        state = f"not readable: {each.error}"
    else:
        age = f"data of {(each.age_seconds or 0) / 3600:.1f} h ago"
        fresh = "fresh" if each.is_fresh else "too old"
        state = f"whole in {1000 * (each.latency_seconds or 0):.0f} ms, {fresh}: {age}"
    console.prose(f"{at}  {state}", indent="  ", piped_width=PIPED_WIDTH)


def probe_json(each: Probe) -> dict[str, Any]:
    """Return the form of the `--json` output."""
    return {
        name: f"{value.isoformat()}Z" if isinstance(value, datetime) else value
        for name, value in vars(each).items()
    }
