"""What a monitor is, what it sees, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from marketing_analytics.monitor.place import Place, named, rows_of
from marketing_analytics.monitor.results import SEVERITIES

SQL = Path(__file__).parent / "checks" / "sql"
# calendars end, so that more days than these cannot be counted back
MOST_DAYS = 3650


@dataclass(frozen=True)
class Threshold:
    """A number of monitors.yml."""

    default: float
    meaning: str
    minimum: float = 0
    maximum: float | None = None

    def schema(self) -> dict[str, Any]:
        """Return its JSON schema."""
        rule: dict[str, Any] = {
            "type": "number",
            "minimum": self.minimum,
            "default": self.default,
            "description": self.meaning,
        }
        return rule if self.maximum is None else rule | {"maximum": self.maximum}


@dataclass(frozen=True)
class Finding:
    """What a monitor says of one subject; `since` is the first day on which it was so."""

    subject: str
    status: str
    sentence: str
    action: str = ""
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    since: date | None = None
    # where it is not that of the monitor
    severity: str = ""


@dataclass(frozen=True)
class Note:
    """Something that the next run is to compare with."""

    subject: str
    name: str
    value: float | None = None
    text: str = ""


class NotKnownError(Exception):
    """A monitor cannot tell; the text says why."""


@dataclass
class Look:
    """What a monitor sees: the marts, the day, its thresholds, and what the last run noted."""

    connection: Any
    place: Place
    as_of: date
    now: datetime
    thresholds: Mapping[str, float]
    # tables and views of the marts
    tables: frozenset[str]
    # of all amounts
    currency: str = "USD"
    options: Mapping[str, Any] = field(default_factory=dict)
    memory: Sequence[Note] = ()
    # what the next run is to know; None keeps what the last one noted
    notes: list[Note] | None = None

    def rows(
        self, name: str, *values: Any, **names: str | tuple[str, ...]
    ) -> list[Mapping[str, Any]]:
        """Return the rows of a file of SQL, in which {marts} is the schema; `names` of others."""
        text = (SQL / f"{name}.sql").read_text(encoding="utf-8")
        for place, given in {"marts": self.place.schema, **names}.items():
            parts = (given,) if isinstance(given, str) else given
            text = text.replace(f"{{{place}}}", named(*parts))
        return rows_of(self.connection, text, values)

    def note(self, note: Note) -> None:
        """Keep something for the next run."""
        self.notes = [*(self.notes or []), note]


@dataclass(frozen=True)
class Check:
    """A monitor: a question about the marts, and who answers for them."""

    name: str
    title: str
    severity: str
    tables: tuple[str, ...]
    look: Callable[[Look], Iterable[Finding]]
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)
    # settings that are no numbers, by the JSON schema of each
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def runbook(self) -> str:
        """Return where it says what to do."""
        return f"docs/runbooks/{self.name.replace('_', '-')}.md"

    def schema(self) -> dict[str, Any]:
        """Return what its entry in monitors.yml holds."""
        own = {name: threshold.schema() for name, threshold in self.thresholds.items()}
        return {
            "type": "object",
            "description": self.title,
            "additionalProperties": False,
            "properties": {
                "is_enabled": {"type": "boolean", "description": "False: it is not run."},
                "owner": {"type": "string", "description": "Who is asked."},
                "severity": {
                    "type": "string",
                    "enum": list(SEVERITIES),
                    "default": self.severity,
                    "description": "How soon somebody has to look.",
                },
                "runbook": {"type": "string", "description": "Page of what to do."},
            }
            | own
            | {name: dict(rule) for name, rule in self.options.items()},
        }
