"""Receipts of audiences that were handed on: who exported what, and which persons were in it.

Persons stand here by pseudonym alone. Who is erased goes from here too; the receipt then says how
many of its persons were, since the file is out of reach.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from marketing_analytics.ingest.raw import journal
from marketing_analytics.ingest.raw.declared import tables_of
from marketing_analytics.warehouse.transactions import transaction

COLUMNS = (
    "export_id, audience, platform, exported_by, file_name, file_sha256, person_count, "
    "left_out_json, erased_count, exported_at"
)
MEMBERS = "export_id, customer_key, _loaded_at"
READ = f"select {COLUMNS} from _ingest.audience_exports order by exported_at, export_id"  # noqa: S608
OF_PERSONS = """
    select export_id, count(distinct customer_key) from _ingest.audience_members
    where customer_key = any(cast(? as varchar[])) group by export_id
"""
NOTE_ERASED = """
    update _ingest.audience_exports set erased_count = erased_count + ? where export_id = ?
"""


@dataclass(frozen=True)
class Receipt:
    """What was handed on, by whom and when; `left_out` counts persons by reason."""

    audience: str
    platform: str
    exported_by: str
    file_name: str
    file_sha256: str
    person_count: int
    left_out: Mapping[str, int] = field(default_factory=dict, compare=False)
    erased_count: int = 0
    export_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    exported_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def as_json(self) -> dict[str, Any]:
        """Return the document of `--json`; it names nobody of the audience."""
        return {**vars(self), "exported_at": self.exported_at.isoformat()}

    def __str__(self) -> str:
        """Return a line for people."""
        return (
            f"{self.exported_at:%Y-%m-%d %H:%M} {self.audience} to {self.platform} by "
            f"{self.exported_by}: {self.person_count:,} persons, {self.file_name} "
            f"(SHA-256 {self.file_sha256[:12]})"
        )


def keep(connection: Any, receipt: Receipt, customer_keys: Iterable[str]) -> None:
    """Keep a receipt with its persons."""
    journal.create(connection)
    now = receipt.exported_at
    values = {**vars(receipt), "left_out_json": json.dumps(dict(receipt.left_out))}
    row = [*(values[name] for name in COLUMNS.split(", ")), now]
    with transaction(connection):
        journal.insert(connection, "audience_exports", f"{COLUMNS}, _loaded_at", [row])
        rows = [[receipt.export_id, key, now] for key in sorted(set(customer_keys))]
        journal.insert(connection, "audience_members", MEMBERS, rows)


def forget(connection: Any, receipt: Receipt) -> None:
    """Take back the receipt of a file that could not be written."""
    with transaction(connection):
        for table in ("audience_members", "audience_exports"):
            query = f"delete from _ingest.{table} where export_id = ?"  # noqa: S608
            connection.execute(query, [receipt.export_id])


def receipts(connection: Any) -> list[Receipt]:
    """Return all receipts, the oldest first."""
    if "audience_exports" not in tables_of(connection, "_ingest"):
        return []
    names = COLUMNS.split(", ")
    rows = [dict(zip(names, row, strict=True)) for row in connection.execute(READ).fetchall()]
    return [Receipt(left_out=json.loads(row.pop("left_out_json")), **row) for row in rows]


def receipts_with(connection: Any, keys: Iterable[str]) -> dict[Receipt, int]:
    """Return the receipts of audiences that some persons were in, with how many of them."""
    if "audience_members" not in tables_of(connection, "_ingest"):
        return {}
    counts = dict(connection.execute(OF_PERSONS, [sorted(keys)]).fetchall())
    return {one: counts[one.export_id] for one in receipts(connection) if one.export_id in counts}


def count_erased(connection: Any, keys: Iterable[str]) -> dict[Receipt, int]:
    """Count erased persons in the receipts of audiences they were in; return those.

    Their rows are deleted with all others, in the same transaction.
    """
    found = receipts_with(connection, keys)
    for receipt, count in found.items():
        connection.execute(NOTE_ERASED, [count, receipt.export_id])
    return found
