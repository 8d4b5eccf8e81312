"""What the raw database holds of every source: when it was loaded, how far, and what is doubted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from marketing_analytics.ingest.raw.declared import tables_of
from marketing_analytics.ingest.raw.places import Place, opened
from marketing_analytics.ingest.raw.state import stored_state


@dataclass(frozen=True)
class Reading:
    """How far one report of one account was read; the days may have gaps."""

    report: str
    account_id: str
    first_day: date
    last_day: date
    read_on: date

    def as_json(self) -> dict[str, str]:
        """Return the form of the `--json` output."""
        return {
            "report": self.report,
            "account_id": self.account_id,
            "first_day": str(self.first_day),
            "last_day": str(self.last_day),
            "read_on": str(self.read_on),
        }


@dataclass(frozen=True)
class SourceStatus:
    """One source in the raw database; `loaded_at` is None where it never was."""

    source: str
    loaded_at: datetime | None
    rejected: int
    held: int
    readings: tuple[Reading, ...]

    @property
    def last_day(self) -> date | None:
        """Return the last day that every account and report was read to."""
        return min((reading.last_day for reading in self.readings), default=None)

    def as_json(self) -> dict[str, Any]:
        """Return the form of the `--json` output."""
        return {
            "source": self.source,
            "loaded_at": self.loaded_at.isoformat() if self.loaded_at else None,
            "last_day": str(self.last_day) if self.last_day else None,
            "rejected": self.rejected,
            "held": self.held,
            "readings": [reading.as_json() for reading in self.readings],
        }


def read_status(place: Place, sources: Sequence[str], *, wait_seconds: float) -> list[SourceStatus]:
    """Return what a raw database holds of some sources, in their order.

    Raise MachineError where there is no such file, LockedError where it stays taken.
    """
    with opened(place, wait_seconds, is_read_only=True) as connection:
        return [status_of(connection, source) for source in sources]


def status_of(connection: Any, source: str) -> SourceStatus:
    """Return what the database holds of one source."""
    tables = tables_of(connection, source)
    if "_dlt_loads" not in tables:
        return SourceStatus(source, None, 0, 0, ())
    state = stored_state(connection, source)
    loaded_at = one(connection, f'select max(inserted_at) from "{source}"._dlt_loads')  # noqa: S608
    rejected = 0
    if "_rejected" in tables:
        rejected = one(connection, f'select count(*) from "{source}"._rejected')  # noqa: S608
    return SourceStatus(
        source,
        loaded_at.astimezone(UTC) if loaded_at else None,
        rejected,
        sum(map(len, state.get("held", {}).values())),
        tuple(readings_of(state)),
    )


def one(connection: Any, query: str) -> Any:
    """Return the only value of a query."""
    return connection.execute(query).fetchone()[0]


def readings_of(state: Mapping[str, Any]) -> list[Reading]:
    """Return how far accounts were read, or the days of files."""
    found = [
        Reading(
            report,
            account_id,
            date.fromisoformat(min(first for first, _, _ in spans)),
            date.fromisoformat(max(last for _, last, _ in spans)),
            date.fromisoformat(max(read_on for _, _, read_on in spans)),
        )
        for report, accounts in state.get("coverage", {}).items()
        for account_id, spans in accounts.items()
        if spans
    ]
    return sorted(found, key=lambda reading: (reading.report, reading.account_id))
