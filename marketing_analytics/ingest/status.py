"""What the raw database holds of every source: how far, what is doubted, what a run said last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import PlatformError
from marketing_analytics.core.signs import visible
from marketing_analytics.ingest.raw.declared import tables_of
from marketing_analytics.ingest.raw.places import Place, opened
from marketing_analytics.ingest.raw.state import stored_state

ENDED = {"failed": "failed", "partial": "was partial"}


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
class LastLoad:
    """What became of the last run of a source; `finished_at` is None until it ends, or for ever."""

    status: str
    started_at: datetime
    finished_at: datetime | None
    errors: tuple[str, ...]

    def if_nobody_runs(self) -> LastLoad:
        """Return it as the next run would call it: what goes on without a process was killed."""
        return replace(self, status="interrupted") if self.status == "running" else self

    @property
    def complaint(self) -> str:
        """Return what a person should know about it; nothing where all is well."""
        if self.status == "ok":
            return ""
        began = f"the run of {shown(self.started_at)}"
        if self.status == "running":
            return f"{began} goes on"
        if self.status == "interrupted":
            return f"{began} was killed"
        # one that is partial without an error has rows that did not fit
        reason = visible(self.errors[0]) if self.errors else "some rows or values did not fit"
        more = f" (and {len(self.errors) - 1:,} more errors)" if len(self.errors) > 1 else ""
        return f"{began} {ENDED.get(self.status, self.status)}: {reason}{more}"

    def as_json(self) -> dict[str, Any]:
        """Return the form of the `--json` output."""
        return {
            "status": self.status,
            "started_at": self.started_at.isoformat(),
            "finished_at": self.finished_at.isoformat() if self.finished_at else None,
            "errors": list(self.errors),
        }


@dataclass(frozen=True)
class SourceStatus:
    """One source in the raw database; `loaded_at` is None where it never was."""

    source: str
    loaded_at: datetime | None
    rejected: int
    held: int
    readings: tuple[Reading, ...]
    last_load: LastLoad | None = None

    @property
    def last_day(self) -> date | None:
        """Return the last day that every account and report was read to."""
        return min((reading.last_day for reading in self.readings), default=None)

    def as_json(self) -> dict[str, Any]:
        """Return the form of the `--json` output."""
        return {
            "source": self.source,
            "loaded_at": self.loaded_at.isoformat() if self.loaded_at else None,
            "last_load": self.last_load.as_json() if self.last_load else None,
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
        loads = last_loads(connection)
        if any(load.status == "running" for load in loads.values()) and not is_written(place):
            loads = {source: load.if_nobody_runs() for source, load in loads.items()}
        return [status_of(connection, source, loads.get(source)) for source in sources]


def is_written(place: Place) -> bool:
    """Return whether a run goes on; also where nobody can tell."""
    try:
        with place.writer_lock(0.0):
            return False
    except PlatformError:
        return True


def last_loads(connection: Any) -> dict[str, LastLoad]:
    """Return what became of the last run of every source; none where no run noted it."""
    if "loads" not in tables_of(connection, "_ingest"):
        return {}
    query = "select source, status, started_at, finished_at, error_messages from _ingest.loads"
    rows = connection.execute(f"{query} order by started_at, _loaded_at").fetchall()
    return {
        source: LastLoad(
            status,
            started_at.astimezone(UTC),
            finished_at.astimezone(UTC) if finished_at else None,
            tuple((error_messages or "").splitlines()),
        )
        for source, status, started_at, finished_at, error_messages in rows
    }


def status_of(connection: Any, source: str, last_load: LastLoad | None) -> SourceStatus:
    """Return what the database holds of one source."""
    tables = tables_of(connection, source)
    if "_dlt_loads" not in tables:
        return SourceStatus(source, None, 0, 0, (), last_load)
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
        last_load,
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


def shown(at: datetime | None) -> str:
    """Return a time for a person."""
    return f"{at:%Y-%m-%d %H:%M}" if at else "never"


def print_status(console: Console, found: Sequence[SourceStatus]) -> None:
    """Print a line per source, and below what needs one of its own."""
    # as wide as fits into 80 columns
    console.table(
        ["source", "loaded (UTC)", "last run", "read to", "accounts"],
        [
            [
                one.source,
                shown(one.loaded_at),
                one.last_load.status if one.last_load else "-",
                str(one.last_day or "-"),
                str(len({reading.account_id for reading in one.readings}) or "-"),
            ]
            for one in found
        ],
        right=(4,),
    )
    for one in found:
        for text in remarks_of(one):
            console.prose(f"{one.source}: {text}", indent="  ")


def remarks_of(one: SourceStatus) -> list[str]:
    """Return what went wrong with a source, what is doubted, and the accounts that lie behind."""
    remarks = [one.last_load.complaint] if one.last_load else []
    if one.rejected:
        counted = f"{one.rejected:,} rows or values did not fit"
        remarks.append(f"{counted}; table {one.source}._rejected has them")
    if one.held:
        remarks.append(f"{one.held:,} answers are held back until the next read says the same")
    newest = max((reading.last_day for reading in one.readings), default=None)
    remarks += [
        f"{reading.report} of account {reading.account_id} ends with {reading.last_day}, "
        f"the newest with {newest}"
        for reading in one.readings
        if reading.last_day != newest
    ]
    return [text for text in remarks if text]
