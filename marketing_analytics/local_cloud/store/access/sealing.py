"""Secret values are sealed before they are stored; the key is in `cloud.key` beside the store.

A copy of the store alone shows no secret. Who can read the whole data folder has the key too.
"""

from __future__ import annotations

import contextlib
import os
from functools import cache
from pathlib import Path

from marketing_analytics.core.errors import MachineError
from marketing_analytics.core.redaction import is_secret_name
from marketing_analytics.local_cloud.store.connection import Connection

MARK = "sealed:v1:"
KEY_FILE = "cloud.key"
PRIVATE = 0o600


class Seal:
    """Seals texts with one key and opens them again."""

    def __init__(self, key_file: Path) -> None:
        from cryptography.fernet import Fernet

        self._key_file = key_file
        self._box = Fernet(read_key(key_file))

    def close(self, text: str) -> str:
        """Return a text sealed."""
        return MARK + self._box.encrypt(text.encode("utf-8", "surrogateescape")).decode()

    def open(self, text: str) -> str:
        """Return what was sealed; what never was stays. Raise MachineError without the key."""
        from cryptography.fernet import InvalidToken

        if not text.startswith(MARK):
            return text
        try:
            return self._box.decrypt(text[len(MARK) :]).decode("utf-8", "surrogateescape")
        except InvalidToken:
            raise MachineError(
                f"{self._key_file} does not open the secrets of the store beside it",
                hint="restore the key that belongs to this store, or set the secrets again",
            ) from None


def read_key(path: Path) -> bytes:
    """Return the key of a data folder, a new one when there is none yet."""
    from cryptography.fernet import Fernet

    try:
        if not path.exists():
            make_key(path)
        key = path.read_bytes().strip()
        Fernet(key)
    except OSError as error:
        raise MachineError(
            f"cannot read the key {path}: {error.strerror}", hint="check its permissions"
        ) from None
    except ValueError:
        raise MachineError(
            f"{path} is no key", hint="restore it, or move it away and set the secrets again"
        ) from None
    return key


def make_key(path: Path) -> None:
    """Make a key, whole or not at all, and never over one that another process was faster with."""
    from cryptography.fernet import Fernet

    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(Fernet.generate_key())
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(part, path)
    part.unlink()


@cache
def seal_at(key_file: Path) -> Seal:
    """Return the seal of a data folder."""
    return Seal(key_file)


def seal_of(connection: Connection) -> Seal:
    """Return the seal of the folder that belongs to a store."""
    return seal_at(connection.key_folder / KEY_FILE)


def sealed(connection: Connection, name: str, value: str) -> str:
    """Return the value of a variable as it is stored."""
    return seal_of(connection).close(value) if is_secret_name(name) else value


def opened(connection: Connection, name: str, value: str) -> str:
    """Return the value of a variable as it is meant."""
    return seal_of(connection).open(value) if is_secret_name(name) else value


def seal_what_is_plain(connection: Connection) -> int:
    """Seal the secrets that an older program stored as they are; return how many there were.

    Needs an open transaction. Free pages may hold them still: `vacuum` writes the store anew.
    """
    rows = connection.execute(
        "select id, name, value from environment_variables where value not like :mark",
        {"mark": f"{MARK}%"},
    ).fetchall()
    plain = [(row[0], row[1], row[2]) for row in rows if is_secret_name(row[1])]
    for variable_id, name, value in plain:
        connection.execute(
            "update environment_variables set value = :value where id = :id",
            {"id": variable_id, "value": sealed(connection, name, value)},
        )
    return len(plain)
