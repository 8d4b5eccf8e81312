"""The section `service_levels` of monitors.yml: what is promised of a dashboard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from marketing_analytics.core.errors import FileError, UserError
from marketing_analytics.core.redaction import remember
from marketing_analytics.monitor.durations import PATTERN, duration
from marketing_analytics.monitor.levels.burn import DAY
from marketing_analytics.monitor.levels.probes import target_of

if TYPE_CHECKING:
    from marketing_analytics.monitor.settings import Settings, Value


@dataclass(frozen=True)
class Level:
    """What is promised of one target."""

    name: str
    target: str
    objective_percent: float = 99.9
    window_days: int = 28
    fresh_within: timedelta = timedelta(hours=26)
    probe_every: timedelta = timedelta(minutes=1)

    @property
    def objective(self) -> float:
        """Return the share of minutes that are to be good."""
        return round(self.objective_percent / 100, 8)

    @property
    def window_minutes(self) -> int:
        """Return the window in minutes."""
        return self.window_days * DAY

    @property
    def reach_minutes(self) -> int:
        """Return for how many minutes a probe speaks: until the next one, which may be late."""
        return max(1, round(2 * self.probe_every.total_seconds() / 60))


def schema() -> dict[str, Any]:
    """Return what the section holds."""
    level = {
        "type": "object",
        "description": "What is promised of a dashboard.",
        "additionalProperties": False,
        "required": ["target"],
        "properties": {
            "target": {
                "type": "string",
                "description": "Folder of the report, or https://host/path/ of its pages.",
            },
            "objective_percent": {
                "type": "number",
                "minimum": 50,
                "maximum": 99.999,
                "default": Level.objective_percent,
                "description": "Share of minutes that are good.",
            },
            "window_days": {
                "type": "integer",
                "minimum": 1,
                "maximum": 90,
                "default": Level.window_days,
                "description": "Days over which it is counted.",
            },
            "fresh_within": {
                "type": "string",
                "pattern": PATTERN,
                "default": "26h",
                "description": "Age up to which the data of the pages are fresh, like 26h.",
            },
            "probe_every": {
                "type": "string",
                "pattern": PATTERN,
                "default": "1m",
                "description": "How often it is probed; a probe speaks for twice as long.",
            },
        },
    }
    return {
        "type": "object",
        "description": "What is promised, by name.",
        "additionalProperties": level,
    }


def mistakes(settings: Settings, section: Value) -> Iterator[FileError]:
    """Yield the targets of a section that no page can be read at."""
    for level in section.entries.values():
        target = level.entries["target"]
        try:
            target_of(target.data)
        except UserError as error:
            # what a user, a password or a query is may be a secret: the line is shown without
            if any(sign in target.data for sign in "@?#"):
                remember(target.data)
            yield settings.error(target, error.message, error.hint)


def levels_of(section: Mapping[str, Any]) -> list[Level]:
    """Return the service levels of a checked section. Raise UserError for a target that is none."""
    return [level_of(name, given) for name, given in section.items()]


def level_of(name: str, given: Mapping[str, Any]) -> Level:
    """Return one service level."""
    usual = Level(name, target_of(given["target"]))
    return Level(
        name,
        usual.target,
        float(given.get("objective_percent", usual.objective_percent)),
        int(given.get("window_days", usual.window_days)),
        duration(given["fresh_within"]) if "fresh_within" in given else usual.fresh_within,
        duration(given["probe_every"]) if "probe_every" in given else usual.probe_every,
    )


def level_for(target: str, levels: list[Level]) -> Level:
    """Return what is promised of a target, given by name or place; else the usual promise."""
    for level in levels:
        if level.name == target:
            return level
    place = target_of(target)
    return next((level for level in levels if level.target == place), Level(place, place))


def wanted(known: list[Level], targets: Sequence[str]) -> list[Level]:
    """Return the levels of targets, or all that are known. Raise UserError without any."""
    if not targets and not known:
        raise UserError(
            "there is nothing to probe",
            hint="name a folder or an address, or write it under service_levels in monitors.yml",
        )
    return [level_for(target, known) for target in targets] or known
