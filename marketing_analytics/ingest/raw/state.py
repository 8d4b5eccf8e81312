"""The state of a source: what was read of it, in the tables in which dlt keeps it.

dlt stores a state with the rows that it loads. Where there are no rows to load, the same entry is
written here: a load of nothing would cost half a second.
"""

from __future__ import annotations

import copy
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from marketing_analytics.ingest.raw.declared import tables_of
from marketing_analytics.ingest.raw.few_rows import insert_rows


def pipeline_name(source: str) -> str:
    """Return dlt's name for the pipeline of a source."""
    return f"marketing_{source}"


def stored_state(connection: Any, source: str) -> dict[str, Any]:
    """Return the state of the last load that ended, as dlt itself would restore it.

    Asking dlt costs half a second per source, most of it for its own configuration.
    """
    stored = stored_document(connection, source)
    return copy.deepcopy(dict(stored.get("sources", {}).get(source, {})))


def stored_document(connection: Any, source: str) -> dict[str, Any]:
    """Return all that dlt knows of the pipeline of a source, empty before its first load."""
    if "_dlt_pipeline_state" not in tables_of(connection, source):
        return {}
    from dlt.common.versioned_state import decompress_state

    query = files(__package__).joinpath("stored_state.sql").read_text().format(schema=source)
    row = connection.execute(query, [pipeline_name(source)]).fetchone()
    return decompress_state(row[0]) if row else {}


def note_state(connection: Any, source: str, state: Mapping[str, Any]) -> bool:
    """Store a state without rows; return whether that could be: dlt makes the first entry.

    What dlt adds to a document while it loads is left out, so that it restores this one.
    """
    document = stored_document(connection, source)
    if not document:
        return False
    from dlt.common.versioned_state import bump_state_version_if_modified, compress_state

    document.pop("_local", None)
    document.setdefault("sources", {}).setdefault(source, {}).update(copy.deepcopy(dict(state)))
    version, version_hash, _ = bump_state_version_if_modified(document)  # type: ignore[arg-type]
    now = datetime.now(UTC)
    load_id = str(now.timestamp())
    insert(
        connection,
        f'"{source}"._dlt_pipeline_state',
        {
            "version": version,
            "engine_version": document["_state_engine_version"],
            "pipeline_name": pipeline_name(source),
            "state": compress_state(document),  # type: ignore[arg-type]
            "created_at": now,
            "version_hash": version_hash,
            "_dlt_load_id": load_id,
            "_dlt_id": secrets.token_urlsafe(10),
        },
    )
    loads = f'"{source}"._dlt_loads'
    query = f"select schema_name, schema_version_hash from {loads} order by load_id desc"  # noqa: S608
    schema_name, schema_version_hash = connection.execute(query).fetchone()
    insert(
        connection,
        loads,
        {
            "load_id": load_id,
            "schema_name": schema_name,
            "status": 0,
            "inserted_at": now,
            "schema_version_hash": schema_version_hash,
        },
    )
    return True


def forget_state(connection: Any, source: str) -> None:
    """Let the next run read everything again."""
    if "_dlt_pipeline_state" in tables_of(connection, source):
        query = f'delete from "{source}"._dlt_pipeline_state where pipeline_name = ?'  # noqa: S608
        connection.execute(query, [pipeline_name(source)])


def insert(connection: Any, table: str, row: Mapping[str, Any]) -> None:
    """Add a row to a table of dlt."""
    insert_rows(connection, table, ", ".join(row), [list(row.values())])
