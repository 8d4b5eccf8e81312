"""Let old runs go, and copy a store while it is in use and put it back."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from marketing_analytics.core.errors import MachineError, UserError
from marketing_analytics.core.locks import file_lock
from marketing_analytics.local_cloud.store.access.sealing import PRIVATE
from marketing_analytics.local_cloud.store.connection import (
    Connection,
    load_sql,
    time_text,
    transaction,
)
from marketing_analytics.local_cloud.store.databases.sqlite import open_file
from marketing_analytics.local_cloud.store.schema import back_up, open_store

STORE, LOCK = "cloud.sqlite", "engine.lock"
RUNS_AT_ONCE = 200


def drop_old_runs(connection: Connection, kept: timedelta) -> list[int]:
    """Delete some runs that ended longer ago; return their ids, [] when none are left.

    The newest run of a job and its newest good one stay, so that there is something to defer to.
    """
    sql = load_sql("retention")
    before = time_text(datetime.now(UTC) - kept)
    with transaction(connection):
        connection.execute(sql["drop_events"], {"before": before})
        found = connection.execute(sql["old_runs"], {"before": before, "limit": RUNS_AT_ONCE})
        run_ids = [int(row["id"]) for row in found]
        for name in ("drop_nodes", "drop_steps", "drop_runs"):
            connection.execute(sql[name], {"run_ids": json.dumps(run_ids)})
    return run_ids


def copy_store(data_dir: Path, file: Path) -> None:
    """Copy the store of a data folder, also while a server uses it. Raise UserError, MachineError.

    The copy appears whole or not at all. The key of its secrets is not in it.
    """
    source = data_dir / STORE
    if not source.is_file():
        raise UserError(f"there is no store in {data_dir}", hint="name its folder with --data-dir")
    if file.exists():
        raise UserError(f"{file} exists already", hint="give another name")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with closing(open_file(source)) as connection:
            back_up(connection, file)
        file.chmod(PRIVATE)
    except (OSError, sqlite3.Error) as error:
        raise MachineError(f"cannot write {file}: {error}") from None


def put_back(data_dir: Path, file: Path) -> Path | None:
    """Make a copy the store of a data folder that no server uses; return where the old one is now.

    Raise UserError for a file that is no copy, LockedError while a server runs.
    """
    if not file.is_file():
        raise UserError(f"there is no file {file}")
    place = data_dir / STORE
    data_dir.mkdir(parents=True, exist_ok=True)
    with file_lock(
        data_dir / LOCK, taken=f"{data_dir} is in use by a server", hint="stop that server first"
    ):
        part = place.with_name(f"{STORE}.restored")
        try:
            take_copy(file, part)
            old = set_aside(place)
            part.replace(place)
        finally:
            for left in data_dir.glob(f"{part.name}*"):
                left.unlink()
    return old


def take_copy(file: Path, part: Path) -> None:
    """Write a copy of a store beside the store, as this program uses it. Raise UserError."""
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as copy:
            if not copy.execute("pragma user_version").fetchone()[0]:
                raise UserError(f"{file} is no copy of a store")
            back_up(copy, part)
        # upgrades one of an older program, and refuses one that is damaged
        open_store(part).close()
    except sqlite3.Error as error:
        raise UserError(f"{file} is no copy of a store: {error}") from None
    except MachineError as error:
        raise UserError(error.message.replace(str(part), str(file)), hint=error.hint) from None


def set_aside(place: Path) -> Path | None:
    """Move a store out of the way with what belongs to it; return where it is now."""
    if not place.exists():
        return None
    with closing(open_file(place)) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    old = place.with_name(f"{place.name}.before_{moment}")
    place.replace(old)
    for suffix in ("-wal", "-shm"):
        place.with_name(place.name + suffix).unlink(missing_ok=True)
    return old
