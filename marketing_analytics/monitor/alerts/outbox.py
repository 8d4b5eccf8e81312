"""What is to be told, kept until it is delivered.

Deciding is one transaction: the notices of the runs and the mark that these are decided.
One process decides at a time; there is no index that would see to it, since one of DuckDB 1.5 is
damaged by a kill. Delivering is claim, send, conclude. A crash between the last two leaves the
claim behind; when that has run out, the notice is sent once more, with a word that it may have
arrived before.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from marketing_analytics.monitor.alerts.channels import Outcome
from marketing_analytics.monitor.alerts.mutes import (
    Acknowledgement,
    Mutes,
    acknowledgement_of,
    silence_of,
)
from marketing_analytics.monitor.alerts.notices import (
    Channel,
    Notice,
    Told,
    decide,
    is_over,
    notice_of,
    told_by,
)
from marketing_analytics.monitor.history import add, prepare, read
from marketing_analytics.monitor.place import Place, check_schema, named, opened
from marketing_analytics.monitor.results import Result, result_of
from marketing_analytics.warehouse.postgresql import advisory_lock
from marketing_analytics.warehouse.transactions import transaction

# a delivery takes less; measured by the clock on the wall, not the business clock
CLAIM_SECONDS = 300
LOCK_SECONDS = 60.0
WAITING = "delivered_at is null"


def keep_notices(place: Place, channels: Sequence[Channel], now: datetime) -> list[Notice]:
    """Decide what the runs since the last time ask for, and keep it."""
    with deciding(place), opened(place, is_read_only=False) as connection:
        prepare(connection, place)
        with transaction(connection):
            told = told_by(all_notices(connection, place))
            return [
                notice
                for run_id in undecided_runs(connection, place)
                for notice in decide_run(connection, place, run_id, told, channels, now)
            ]


def deciding(place: Place) -> AbstractContextManager[None]:
    """Return what lets one process decide at a time; a DuckDB file does so itself."""
    if not place.is_postgresql:
        return nullcontext()
    return advisory_lock(
        place.address,
        f"alerts of {place.monitor_schema}",
        taken="another process decides on the alerts",
        hint="run again when it has ended",
        timeout_seconds=LOCK_SECONDS,
    )


def notices(place: Place) -> str:
    """Return the name of the table in SQL."""
    return named(place.monitor_schema, "monitor_notices")


def undecided_runs(connection: Any, place: Place) -> list[str]:
    """Return the runs made after the first decided one that nobody decided on, oldest first.

    Where none was decided yet it is the newest alone: the past is no news. Numbers of runs tell
    when they were made, for clocks can be set.
    """
    runs = read(connection, place, "monitor_runs", "ended_at is not null")
    made = sorted(run["run_id"] for run in runs)
    decided = {row["run_id"] for row in read(connection, place, "monitor_decisions")}
    if not decided:
        return made[-1:]
    # not after the last one: of two that ran at once the older may end, and be decided, later
    return [run_id for run_id in made if run_id > min(decided) and run_id not in decided]


def decide_run(
    connection: Any,
    place: Place,
    run_id: str,
    told: dict[tuple[str, str, str], Told],
    channels: Sequence[Channel],
    now: datetime,
) -> list[Notice]:
    """Keep the notices of one run, what has ended with it, and that it is decided."""
    rows = read(connection, place, "monitor_results", "run_id = ?", [run_id])
    results = [result_of(row) for row in rows]
    mutes = mutes_of(connection, place)
    end_acknowledgements(connection, place, run_id, results, mutes.acknowledgements)
    decided = decide(results, told, channels, mutes, now)
    for notice in decided:
        told[notice.about] = told.get(notice.about, Told()).and_then(notice)
    add(connection, place, "monitor_notices", [vars(notice) for notice in decided])
    add(connection, place, "monitor_decisions", [{"run_id": run_id, "decided_at": now}])
    return decided


def end_acknowledgements(
    connection: Any,
    place: Place,
    run_id: str,
    results: Sequence[Result],
    taken: Sequence[Acknowledgement],
) -> None:
    """End the acknowledgements of problems that a run found over, whoever is told of it."""
    found = {(result.monitor, result.subject): result for result in results}
    table = named(place.monitor_schema, "monitor_acknowledgements")
    ended = {
        (each.monitor, each.subject) for each in taken if is_over(found, each.monitor, each.subject)
    }
    for monitor, subject in sorted(ended):
        connection.execute(
            f"update {table} set ended_run_id = ? where monitor = ? and subject = ?"  # noqa: S608
            # one given since is of a later problem
            " and ended_run_id is null and coalesce(run_id, '') < ?",
            [run_id, monitor, subject, run_id],
        )


def all_notices(
    connection: Any, place: Place, condition: str = "true", values: Sequence[Any] = ()
) -> list[Notice]:
    """Return notices in the order of their runs; no clock orders them, for clocks can be set."""
    rows = read(connection, place, "monitor_notices", condition, values)
    return sorted(map(notice_of, rows), key=lambda notice: (notice.run_id, notice.sequence))


def kept_notices(place: Place, *, is_waiting: bool = False) -> list[Notice]:
    """Return what was told, or what of it waits to be delivered."""
    with opened(place) as connection:
        check_schema(connection, place)
        return all_notices(connection, place, WAITING if is_waiting else "true")


def mutes_in(place: Place, now: datetime) -> Mutes:
    """Return the silences that are not over, and the acknowledgements."""
    with opened(place) as connection:
        found = mutes_of(connection, place)
    return replace(found, silences=tuple(s for s in found.silences if now < s.until_at))


def mutes_of(connection: Any, place: Place) -> Mutes:
    """Return the silences, and the acknowledgements of what goes on."""
    return Mutes(
        tuple(map(silence_of, read(connection, place, "monitor_silences"))),
        tuple(
            map(
                acknowledgement_of,
                read(connection, place, "monitor_acknowledgements", "ended_run_id is null"),
            )
        ),
    )


def claim(place: Place, channel_name: str) -> list[Notice]:
    """Take what is kept for a channel, so that no other process sends it meanwhile."""
    now = wall_clock()
    statement = f"""
        update {notices(place)}
        set
            attempts = attempts + 1,
            open_attempts = open_attempts + 1,
            attempted_at = ?,
            last_error = null
        where
            delivered_at is null
            and channel_name = ?
            and (
                attempted_at is null
                or last_error is not null
                or attempted_at <= ?
                -- a clock that was ahead claims nothing for longer
                or attempted_at > ?
            )
        returning notice_id
    """  # noqa: S608 - a name of ours
    claimed_for = timedelta(seconds=CLAIM_SECONDS)
    values = [now, channel_name, now - claimed_for, now + claimed_for]
    with opened(place, is_read_only=False) as connection:
        taken = {row[0] for row in connection.execute(statement, values).fetchall()}
        kept = all_notices(connection, place, WAITING)
    return [notice for notice in kept if notice.notice_id in taken]


def conclude(place: Place, claimed: Sequence[Notice], outcome: Outcome) -> None:
    """Keep how an attempt ended."""
    ids = [notice.notice_id for notice in claimed]
    statement = f"""
        update {notices(place)}
        set delivered_at = ?, last_error = ?, open_attempts = open_attempts - ?
        where notice_id in ({", ".join("?" * len(ids))})
    """  # noqa: S608 - a name of ours
    delivered_at = None if outcome.error else wall_clock()
    values = [delivered_at, outcome.error or None, int(outcome.is_known), *ids]
    with opened(place, is_read_only=False) as connection:
        connection.execute(statement, values)


def note_unsent(place: Place, channel_name: str, reason: str) -> None:
    """Keep why nothing could be sent to a channel; a delivery under way stays as it is."""
    statement = f"""
        update {notices(place)}
        set last_error = ?
        where
            delivered_at is null
            and channel_name = ?
            and (attempted_at is null or last_error is not null)
    """  # noqa: S608 - a name of ours
    with opened(place, is_read_only=False) as connection:
        connection.execute(statement, [reason, channel_name])


def wall_clock() -> datetime:
    """Return the time in UTC, which nobody sets, as the tables hold it."""
    return datetime.now(UTC).replace(tzinfo=None)
