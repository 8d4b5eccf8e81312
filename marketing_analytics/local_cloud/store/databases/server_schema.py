"""Open a store on a PostgreSQL server and bring it to the schema of this program.

It has a schema of its own in its database. Servers that start at once upgrade it one after the
other, each in one transaction. `store_marks` says how many scripts it has seen and which data
folder belongs to it.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from marketing_analytics.core.errors import MachineError
from marketing_analytics.local_cloud.store.access.sealing import KEY_FILE, read_key
from marketing_analytics.local_cloud.store.databases.dialect import translate_script
from marketing_analytics.local_cloud.store.databases.postgresql import (
    SCHEMA,
    SETTINGS,
    Database,
    ServerConnection,
)
from marketing_analytics.local_cloud.store.databases.scripts import (
    MIGRATIONS,
    apply,
    parts_of,
    read_scripts,
)

OLDEST_VERSION = 14
# leases are judged by the clocks of several machines
MAX_CLOCK_SECONDS = 3.0
OWN_SCRIPTS = MIGRATIONS / "postgresql"
MARKS = """
create table if not exists store_marks (
    name text collate "C" primary key, value text collate "C" not null
)
"""


def open_server_store(
    database: Database, scripts: Sequence[str], check_is_first: Callable[[Database], None]
) -> ServerConnection:
    """Open the store; create or upgrade its tables. Raise MachineError when it cannot be used."""
    connection = ServerConnection(database)
    try:
        check_server(connection)
        # another server may be at it, and an upgrade may take long
        connection.run_script("set lock_timeout = '300s'; set statement_timeout = 0")
        bring_up_to_date(connection, scripts, check_is_first)
        usual = ("lock_timeout", "statement_timeout")
        connection.run_script("; ".join(f"set {name} = {SETTINGS[name]}" for name in usual))
    except sqlite3.Error as error:
        connection.close()
        raise MachineError(
            f"cannot use the store in {database}: {error}",
            hint="check the address, the password and the rights of its user",
        ) from None
    except BaseException:
        connection.close()
        raise
    return connection


def check_server(connection: ServerConnection) -> None:
    """Raise MachineError for a server that is too old, or whose clock is another one."""
    row = connection.execute(
        "select current_setting('server_version') as version,"
        " cast(current_setting('server_version_num') as integer) / 10000 as major,"
        " extract(epoch from clock_timestamp()) as seconds"
    ).fetchone()
    if row["major"] < OLDEST_VERSION:
        raise MachineError(
            f"the database {connection.database} is PostgreSQL {row['version']}",
            hint=f"the store needs PostgreSQL {OLDEST_VERSION} or later",
        )
    apart = abs(datetime.now(UTC).timestamp() - float(row["seconds"]))
    if apart > MAX_CLOCK_SECONDS:
        raise MachineError(
            f"the clocks of this machine and of the database are {apart:.0f} s apart",
            hint="set both by NTP: servers judge each other by the time",
        )


def bring_up_to_date(
    connection: ServerConnection,
    scripts: Sequence[str],
    check_is_first: Callable[[Database], None],
) -> None:
    """Apply the scripts that a store has not seen, in one transaction of this server alone."""
    connection.begin()
    try:
        make_schema(connection)
        version = int(mark_of(connection, "version") or 0)
        if version > len(scripts):
            raise MachineError(
                f"the store in {connection.database} has version {version}, this program knows"
                f" {len(scripts)}",
                hint="update marketing, or name another database",
            )
        if not version:
            check_is_first(connection.database)
        connection.run_script((OWN_SCRIPTS / "words.sql").read_text("utf-8"))
        for script in own_words(scripts)[version:]:
            connection.run_script(script)
        check_parts(connection, scripts)
        set_mark(connection, "version", str(len(scripts)))
        check_folder(connection)
        connection.commit()
    except BaseException:
        connection.rollback()
        raise


def make_schema(connection: ServerConnection) -> None:
    """Make the schema of the store unless it is there; its user may have no right to make one."""
    statement = "select 1 from information_schema.schemata where schema_name = :name"
    if connection.execute(statement, {"name": SCHEMA}).fetchone() is None:
        connection.run_script(f"create schema {SCHEMA}")
    connection.run_script(MARKS)


def own_words(scripts: Sequence[str]) -> list[str]:
    """Return scripts as PostgreSQL takes them; some stand beside in its own words."""
    names = [path.name for path in sorted(MIGRATIONS.glob("[0-9]*_*.sql"))]
    own = {
        text: (OWN_SCRIPTS / name).read_text("utf-8")
        for name, text in zip(names, read_scripts(MIGRATIONS), strict=True)
        if (OWN_SCRIPTS / name).exists()
    }
    return [own.get(script) or translate_script(script) for script in scripts]


def mark_of(connection: ServerConnection, name: str) -> str | None:
    """Return what a store says of itself, None when it does not."""
    statement = "select value from store_marks where name = :name"
    row = connection.execute(statement, {"name": name}).fetchone()
    return str(row["value"]) if row else None


def set_mark(connection: ServerConnection, name: str, value: str) -> None:
    """Let a store say something of itself."""
    statement = (
        "insert into store_marks (name, value) values (:name, :value)"
        " on conflict (name) do update set value = excluded.value"
    )
    connection.execute(statement, {"name": name, "value": value})


def check_parts(connection: ServerConnection, scripts: Sequence[str]) -> None:
    """Raise MachineError unless the store has the tables and columns of its version."""
    statement = (
        "select table_name, column_name from information_schema.columns"
        " where table_schema = :schema"
        " union all select indexname, 'index' from pg_indexes where schemaname = :schema"
    )
    rows = connection.execute(statement, {"schema": SCHEMA}).fetchall()
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as model:
        apply(model, scripts)
        indexes = {
            name
            for (name,) in model.execute(
                "select name from sqlite_schema where type = 'index' and sql is not null"
            )
        }
        wanted = {(name, "index" if name in indexes else part) for name, part in parts_of(model)}
    lacking = wanted - {(row[0], row[1]) for row in rows}
    if lacking:
        names = ", ".join(sorted({name for name, _ in lacking}))
        raise MachineError(
            f"the store in {connection.database} is not whole: {names}",
            hint="restore it from a copy, or name another database",
        )


def check_folder(connection: ServerConnection) -> None:
    """Raise MachineError when this data folder is not the one that other servers use."""
    key_file = Path(connection.key_folder, KEY_FILE)
    print_of_key = hashlib.sha256(read_key(key_file)).hexdigest()[:16]
    known = mark_of(connection, "key")
    if known is None:
        set_mark(connection, "key", print_of_key)
    elif known != print_of_key:
        raise MachineError(
            f"{key_file} is not the key of the store in {connection.database}",
            hint="give every server of a store the same --data-dir, on a disk that they share",
        )
