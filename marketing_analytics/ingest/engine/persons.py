"""Persons on the way in: a keyed pseudonym with the rows, the plain value in restricted tables.

A pseudonym is HMAC-SHA-256 of the kind and the value, with a key from the environment or a file:
equal in all sources, of no use without the key. The key is never stored; what is stored tells
which one it was, so that two keys are never mixed.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from marketing_analytics.core.commands import program
from marketing_analytics.core.errors import UserError
from marketing_analytics.ingest.engine.tables import ATTRIBUTES, Rejected, Table

KEY_SETTING = "MARKETING_PSEUDONYM_KEY"
KEY_FILE_SETTING = "MARKETING_PSEUDONYM_KEY_FILE"
# keys before that of today, under which persons were erased
RETIRED_SETTING = "MARKETING_PSEUDONYM_RETIRED_KEYS"
HOW = "write it like 1:SECRET, the secret from `openssl rand -hex 32`"
LEAST_SECRET_LENGTH = 16

PERSONS = Table(
    "persons",
    {"person_key": "text", "kind": "text", "value": "text"},
    key=("person_key", "kind"),
)
REJECTED_ROWS = Table(
    "rejected_rows", {"rejected_id": "text", "raw_json": "text"}, ("rejected_id",)
)
RESTRICTED_TABLES = (PERSONS, REJECTED_ROWS)


def restricted(source: str) -> str:
    """Return the schema of a source's plain values."""
    return f"{source}_restricted"


@dataclass(frozen=True, repr=False)
class Key:
    """A secret with its version, which stands in front of every pseudonym."""

    version: int
    secret: bytes

    def digest(self, text: str) -> str:
        """Return 32 hexadecimal characters."""
        return hmac.digest(self.secret, text.encode(), "sha256").hex()[:32]

    def pseudonym(self, kind: str, value: str | None) -> str | None:
        """Return the pseudonym of an identifier; None for an empty one."""
        plain = normal(kind, value or "")
        return f"{self.version}-{self.digest(f'{kind}:{plain}')}" if plain else None

    @property
    def mark(self) -> str:
        """Return what tells this key from others, and nothing of the secret."""
        return f"{self.version}-{self.digest('which key')[:12]}"


def normal(kind: str, value: str) -> str:
    """Return an identifier as it is compared: e-mail without case, phones by their digits."""
    if kind == "email":
        return value.strip().lower()
    if kind == "phone":
        return "".join(character for character in value if character.isdigit())
    return value.strip()


def with_key(settings: Mapping[str, str]) -> dict[str, str]:
    """Return settings with the key that stands in the file they name.

    Raise UserError for a file that cannot be read.
    """
    path = settings.get(KEY_FILE_SETTING)
    if settings.get(KEY_SETTING) or not path:
        return dict(settings)
    try:
        return {**settings, KEY_SETTING: Path(path).expanduser().read_text().strip()}
    except (OSError, ValueError):
        raise UserError(f"cannot read {KEY_FILE_SETTING} {path}", hint=HOW) from None


def key_of(settings: Mapping[str, str]) -> Key | None:
    """Return the key in the settings, None where there is none.

    Raise UserError for one that cannot be used; the message holds nothing of it.
    """
    text = settings.get(KEY_SETTING, "")
    return key_from(text, KEY_SETTING) if text else None


def key_from(text: str, setting: str) -> Key:
    """Return the key in a text. Raise UserError, with the name of its setting alone."""
    version, _, secret = text.strip().partition(":")
    if not version.isdecimal() or len(secret) < LEAST_SECRET_LENGTH:
        least = f"{LEAST_SECRET_LENGTH} characters"
        raise UserError(f"{setting} is not a version and a secret of at least {least}", hint=HOW)
    return Key(int(version), secret.encode())


def check_key(source: str, key: Key, state: Mapping[str, Any]) -> None:
    """Raise UserError when a source was loaded with another key: its pseudonyms would not join."""
    known = state.get("pseudonym_key")
    if known == key.mark or not state:
        return
    version = known.partition("-")[0] if known else ""
    was = f"with key {version}" if known else "before pseudonyms were made here"
    given = f"the key {key.version} that is given"
    if version == str(key.version):
        given += ": its secret is another"
    raise UserError(
        f"{source} was loaded {was}, and not with {given}",
        hint=f"give that key, or load into a new file: `{program()} ingest run --raw-database`",
    )


def replaced(table: Table, built: Any, key: Key) -> tuple[Any, Any]:
    """Return the rows as stored, and the rows for PERSONS.

    `built` is an Arrow table with the columns of `table`.
    """
    keys = {
        name: pseudonyms(key, kind, built.column(name))
        for name, kind in table.personal.items()
        if kind not in ATTRIBUTES
    }
    stored = pa.table(
        {
            table.stored_name(name): keys.get(name, built.column(name))
            for name in table.columns
            if table.stored_name(name)
        }
        | {name: domains(built.column(of)) for name, of in table.domains.items()}
    )
    found: dict[tuple[str, str], str] = {
        (person_key, table.personal[name]): value
        for name, column in keys.items()
        for person_key, value in distinct_pairs(column, built.column(name))
    }
    found |= attributes(table, built, list(keys.values()))
    return stored, persons_of(found)


def pseudonyms(key: Key, kind: str, column: Any) -> Any:
    """Return the pseudonyms of a column of text; each value is hashed once."""
    encoded = chunk_of(column).dictionary_encode()
    made = [key.pseudonym(kind, value) for value in encoded.dictionary.to_pylist()]
    return pa.array(made, pa.string()).take(encoded.indices)


def domain_of(address: Any) -> str | None:
    """Return the domain of an e-mail address, None where it is none."""
    text = address if isinstance(address, str) else ""
    _, at, domain = text.strip().lower().rpartition("@")
    return domain if at and domain else None


def with_sender(columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Return columns of mails with the domain of the sender in place of its address."""
    return columns | {"sender_domain": [domain_of(one) for one in columns["sender_domain"]]}


def domains(column: Any) -> Any:
    """Return the domains of a column of e-mail addresses."""
    encoded = chunk_of(column).dictionary_encode()
    found = [domain_of(address) for address in encoded.dictionary.to_pylist()]
    return pa.array(found, pa.string()).take(encoded.indices)


def chunk_of(column: Any) -> Any:
    """Return a column in one piece."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def distinct_pairs(keys: Any, values: Any) -> Iterable[tuple[str, str]]:
    """Return every pseudonym with a value that it stands for."""
    pairs = pa.table({"key": keys, "value": values}).group_by(["key", "value"], use_threads=False)
    pairs = pairs.aggregate([])
    rows = zip(pairs.column("key").to_pylist(), pairs.column("value").to_pylist(), strict=True)
    return ((key, value) for key, value in rows if key is not None)


def attributes(table: Table, built: Any, keys: Sequence[Any]) -> dict[tuple[str, str], str]:
    """Return names and addresses by person and column."""
    names = [name for name, kind in table.personal.items() if kind in ATTRIBUTES]
    if not names:
        return {}
    columns = [column.to_pylist() for column in keys]
    rows = built.select([*table.key, *names]).to_pylist()
    found: dict[tuple[str, str], str] = {}
    for index, row in enumerate(rows):
        known = (column[index] for column in columns if column[index])
        own = " ".join(str(row[name]) for name in table.key)
        person_key = next(known, f"{table.name} {own}")
        found |= {(person_key, name): row[name] for name in names if row[name]}
    return found


def persons_of(found: Mapping[tuple[str, str], str]) -> Any:
    """Return rows of PERSONS, an Arrow table."""
    columns = {
        "person_key": [person_key for person_key, _ in found],
        "kind": [kind for _, kind in found],
        "value": list(found.values()),
    }
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def parted(key: Key, rejected: Sequence[Rejected]) -> tuple[list[dict[str, str]], Any]:
    """Return rejected rows of a personal table without the row as received, and those rows."""
    ids = [key.digest(row.text) for row in rejected]
    open_rows = [
        row.as_row() | {"rejected_id": rejected_id, "raw_json": ""}
        for rejected_id, row in zip(ids, rejected, strict=True)
    ]
    closed = {"rejected_id": ids, "raw_json": [row.raw_json for row in rejected]}
    return open_rows, pa.table({name: pa.array(v, pa.string()) for name, v in closed.items()})
