"""Probes are kept whatever happens to the warehouse.

A DuckDB file is taken while dbt writes it. A probe is noted in a file beside it at once, and goes
into the table when nobody else writes; whoever counts reads both.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from marketing_analytics.core.errors import LockedError
from marketing_analytics.core.locks import file_lock
from marketing_analytics.core.written import writing
from marketing_analytics.monitor import history
from marketing_analytics.monitor.levels.minutes import Minutes, minutes_of
from marketing_analytics.monitor.levels.probes import Probe, probe_of
from marketing_analytics.monitor.levels.settings import Level
from marketing_analytics.monitor.place import Place, named, opened

KEPT_DAYS = 100
LOCK_SECONDS = 10.0


def keep_probes(place: Place, probes: Sequence[Probe], *, wait_seconds: float = 0.0) -> bool:
    """Keep probes; return whether they are in the table already."""
    if not place.is_postgresql:
        note(place, probes)
    else:
        with opened(place, is_read_only=False) as connection:
            history.prepare(connection, place)
            history.add(connection, place, "monitor_probes", [vars(each) for each in probes])
            forget_old(connection, place, probes)
        return True
    try:
        move_notes(place, wait_seconds=wait_seconds)
    except LockedError:
        return False
    return True


def notes_of(place: Place) -> Path:
    """Return the file of probes that are not in the table yet."""
    return Path(f"{place.address}.{place.monitor_schema}.probes.jsonl")


def noting(place: Place) -> Any:
    """Return the lock on the file of notes."""
    lock = Path(f"{notes_of(place)}.lock")
    return file_lock(lock, taken="probes are being written", timeout_seconds=LOCK_SECONDS)


def note(place: Place, probes: Iterable[Probe]) -> None:
    """Write probes down."""
    # what a crash has cut ends where the next one begins
    lines = "".join(
        "\n" + json.dumps(vars(each) | {"probed_at": each.probed_at.isoformat()}) + "\n"
        for each in probes
    )
    path = notes_of(place)
    with noting(place), writing(path.parent), path.open("a", encoding="utf-8") as file:
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())


def noted(place: Place) -> list[Probe]:
    """Return the probes that are written down; a line that a crash has cut is left out."""
    path = notes_of(place)
    if place.is_postgresql or not path.exists():
        return []
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
            at = datetime.fromisoformat(row["probed_at"])
            found.append(probe_of(row | {"probed_at": at}))
        except (ValueError, KeyError, TypeError):
            continue
    return found


def move_notes(place: Place, *, wait_seconds: float = 0.0) -> None:
    """Put what is written down into the table. Raise LockedError while somebody writes there.

    After a crash in between, what is there already is not put there again.
    """
    if place.is_postgresql:
        return
    with noting(place):
        probes = noted(place)
        if not probes:
            return
        with opened(place, is_read_only=False, wait_seconds=wait_seconds) as connection:
            history.prepare(connection, place)
            earliest = min(each.probed_at for each in probes)
            kept = history.read(connection, place, "monitor_probes", "probed_at >= ?", [earliest])
            present = set(map(probe_of, kept))
            rows = [vars(each) for each in probes if each not in present]
            history.add(connection, place, "monitor_probes", rows)
            forget_old(connection, place, probes)
        with writing(notes_of(place).parent):
            notes_of(place).write_text("", encoding="utf-8")


def forget_old(connection: Any, place: Place, probes: Sequence[Probe]) -> None:
    """Remove the probes that are too old to be counted when these have come."""
    table = named(place.monitor_schema, "monitor_probes")
    oldest = max(each.probed_at for each in probes) - timedelta(days=KEPT_DAYS)
    connection.execute(f"delete from {table} where probed_at < ?", [oldest])  # noqa: S608 - a name of ours


def probes_since(connection: Any, place: Place, since: datetime) -> list[Probe]:
    """Return the probes since a time, of the table and those written down, oldest first."""
    rows = history.read(connection, place, "monitor_probes", "probed_at >= ?", [since])
    later = (each for each in noted(place) if each.probed_at >= since)
    return sorted({*map(probe_of, rows), *later}, key=lambda each: each.probed_at)


def availability(level: Level, probes: Iterable[Probe], now: datetime) -> Minutes:
    """Return the minutes in which the whole page could be read."""
    own = ((p.probed_at, p.is_available) for p in probes if p.target == level.target)
    return minutes_of(own, now, most=level.window_minutes, reach=level.reach_minutes)


def freshness(level: Level, probes: Iterable[Probe], now: datetime) -> Minutes:
    """Return the minutes in which what could be read was fresh."""
    own = ((p.probed_at, p.is_fresh) for p in probes if p.target == level.target)
    return minutes_of(own, now, most=level.window_minutes, reach=level.reach_minutes)
