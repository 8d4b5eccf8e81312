"""What the commands of persons' rights are asked with: the raw database, its key, folders."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from marketing_analytics.core.errors import MissingSettingError, UserError
from marketing_analytics.governance.erase import Where
from marketing_analytics.ingest.engine.erased import retired_keys
from marketing_analytics.ingest.engine.persons import KEY_SETTING, Key, check_key, key_of, with_key
from marketing_analytics.ingest.platforms import source_names
from marketing_analytics.ingest.raw.places import DuckDBFile, Place, opened
from marketing_analytics.ingest.raw.state import stored_state
from marketing_analytics.ingest.request import load_env_file, raw_place, seconds

DEFAULT_FOLDER = Path("var")


@dataclass(frozen=True)
class Asked:
    """The raw database of a command, the key of its pseudonyms, how long to wait for it."""

    place: Place
    key: Key
    wait_seconds: float
    retired: Sequence[Key] = ()


def asked_with(
    raw_database: str | None, env_file: Path | None, *, is_new_key: bool = False
) -> Asked:
    """Return what is asked for by flags and environment. Raise UserError without the right key."""
    if env_file:
        load_env_file(env_file)
    settings = with_key(os.environ)
    key = key_of(settings)
    if key is None:
        raise MissingSettingError(KEY_SETTING, purpose="the pseudonyms that stand in the tables")
    place = raw_place(raw_database, settings)
    wait_seconds = seconds("INGEST_LOCK_WAIT_SECONDS", settings)
    check_there(place)
    if is_new_key:
        return Asked(place, key, wait_seconds, retired_keys(settings))
    with opened(place, wait_seconds) as connection:
        for source in source_names():
            state = stored_state(connection, source)
            if state.get("pseudonym_key"):
                check_key(source, key, state)
    return Asked(place, key, wait_seconds)


def check_there(place: Place) -> None:
    """Raise UserError where nothing was ever loaded."""
    if not place.exists():
        raise UserError(
            f"there is no raw database at {place}",
            hint="name it with --raw-database or MARKETING_RAW_DATABASE",
        )


def where_of(asked: Asked, data: Sequence[Path], left_out: Sequence[Path]) -> Where:
    """Return where something of a person may be. Raise UserError for a folder that is none."""
    for path in (*data, *left_out):
        if not path.exists():
            raise UserError(f"there is no {path}", hint="name folders or files that exist")
    own: list[Path] = []
    if isinstance(asked.place, DuckDBFile):
        own = [asked.place.path, asked.place.restricted().path]
        default = asked.place.path.parent
    else:
        default = DEFAULT_FOLDER
    folders = (*(data or (default,)), *(path for path in own if path.exists()))
    return Where(asked.place, folders, tuple(left_out), asked.wait_seconds)


def persons_in(given: Sequence[str]) -> list[str]:
    """Return the persons given, from stdin where that is asked for: `-`, a line each."""
    if list(given) != ["-"]:
        return list(given)
    lines = [line.strip() for line in sys.stdin.read().splitlines()]
    return [line for line in lines if line]
