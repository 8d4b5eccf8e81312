"""Open a store and bring it to the schema of this program.

The schema is the sum of the numbered scripts in `migrations/`; the `user_version` of a file says
how many of them it has seen. A new store gets all of them. An older file is copied beside itself
first (`cloud.sqlite.v1.bak`) and then upgraded in one transaction: all of it, or nothing.
"""

from __future__ import annotations

import glob
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from marketing_analytics.core.errors import MachineError
from marketing_analytics.local_cloud.store.access.sealing import PRIVATE, seal_what_is_plain
from marketing_analytics.local_cloud.store.connection import (
    Connection,
    Database,
    Place,
    transaction,
)
from marketing_analytics.local_cloud.store.databases.scripts import (
    MIGRATIONS,
    apply,
    parts_of,
    read_scripts,
)
from marketing_analytics.local_cloud.store.databases.server_schema import open_server_store
from marketing_analytics.local_cloud.store.databases.sqlite import (
    FileConnection,
    damaged_store,
    open_file,
)

# folders beside the store that only runs fill
LEFT_BY_RUNS = ("runs", "warehouse")
# a migration may make a table anew, so its references are checked at the end of it
FOREIGN_KEYS_OFF, FOREIGN_KEYS_ON = "pragma foreign_keys = off", "pragma foreign_keys = on"


def open_store(place: Place | str, migrations: Path = MIGRATIONS) -> Connection:
    """Open the store; create or upgrade its tables. Raise MachineError when it cannot be used."""
    if isinstance(place, Database):
        return open_server_store(place, read_scripts(migrations), check_is_first)
    connection = open_file(place)
    path = Path(place)
    try:
        keep_private(path)
        bring_up_to_date(connection, path, read_scripts(migrations))
        seal_secrets(connection)
        check_integrity(connection, path)
        keep_private(path)
    except sqlite3.Error as error:
        connection.close()
        raise damaged_store(path, error) from None
    except BaseException:
        connection.close()
        raise
    return connection


def keep_private(path: Path) -> None:
    """Let only the owner of a store read it, and what stands beside it."""
    for file in path.parent.glob(f"{glob.escape(path.name)}*"):
        file.chmod(PRIVATE)


def seal_secrets(connection: FileConnection) -> None:
    """Seal what an older program stored as it is, and leave no trace of it in the file."""
    with transaction(connection):
        is_changed = seal_what_is_plain(connection) > 0
    if is_changed:
        connection.execute("vacuum")
        connection.execute("pragma wal_checkpoint(truncate)")


def bring_up_to_date(connection: FileConnection, path: Path, scripts: Sequence[str]) -> None:
    """Apply the scripts that a store has not seen. Raise MachineError for one we must not touch."""
    version = schema_version(connection)
    if version > len(scripts):
        raise MachineError(
            f"the store {path} has version {version}, this program knows {len(scripts)}",
            hint="update marketing, or start with another --data-dir",
        )
    check_parts(connection, path, scripts[:version])
    if not version:
        check_is_first(path)
    if version == len(scripts):
        return
    if version:
        back_up(connection, path.with_name(f"{path.name}.v{version}.bak"))
    connection.execute(FOREIGN_KEYS_OFF)
    with transaction(connection):
        # another process may have been faster
        apply(connection, scripts[schema_version(connection) :])
        connection.execute(f"pragma user_version = {len(scripts)}")
        if connection.execute("pragma foreign_key_check").fetchone():
            raise sqlite3.IntegrityError("rows of the store refer to rows that are not there")
    connection.execute(FOREIGN_KEYS_ON)


def schema_version(connection: FileConnection) -> int:
    """Return how many migrations the store has seen, 0 for a new one."""
    return int(connection.execute("pragma user_version").fetchone()[0])


def check_is_first(path: Path | Database) -> None:
    """Raise MachineError when a new store would number its runs over those of a lost one."""
    folder = path.key_folder if isinstance(path, Database) else path.parent
    left = [name for name in LEFT_BY_RUNS if any((folder / name).glob("*"))]
    if not left:
        return
    if isinstance(path, Database):
        raise MachineError(
            f"the store {path} is empty, but runs left {' and '.join(left)} in {folder}",
            hint="name the database they belong to, or another --data-dir",
        )
    copies = sorted(path.parent.glob(f"{path.name}.v*.bak"))
    back = f"put {copies[-1]} back in its place" if copies else "put a copy of it back"
    raise MachineError(
        f"the store {path} is missing or empty, but runs left {' and '.join(left)} beside it",
        hint=f"{back}, or start afresh: move {path.parent} away, or give another --data-dir",
    )


def check_parts(connection: FileConnection, path: Path, scripts: Sequence[str]) -> None:
    """Raise MachineError unless the store has what is in its version; a new one has nothing."""
    found = parts_of(connection)
    if not scripts and found:
        raise MachineError(
            f"{path} is a database of something else",
            hint="move it away, or start with another --data-dir",
        )
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as model:
        apply(model, scripts)
        lacking = parts_of(model) - found
    if lacking:
        names = ", ".join(sorted({name for name, _ in lacking}))
        raise MachineError(
            f"the store {path} says version {len(scripts)}, but is not whole: {names}",
            hint="restore it from a copy, or start with another --data-dir",
        )


def back_up(connection: sqlite3.Connection, path: Path) -> None:
    """Copy the store to a file that appears whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    with closing(sqlite3.connect(part)) as copy:
        connection.backup(copy)
    part.replace(path)


def check_integrity(connection: FileConnection, path: Path | str) -> None:
    """Raise MachineError when the file is damaged."""
    found = connection.execute("pragma quick_check(1)").fetchone()[0]
    if found != "ok":
        raise damaged_store(path, sqlite3.DatabaseError(str(found)))
