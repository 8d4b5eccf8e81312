"""The file of what to sync: sources, accounts and first days; secrets stay in the environment.

TOML. Every mistake is told with its place; `schema` is what editors check it with.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from marketing_analytics.core.errors import FileError, UserError, in_one, reason_of
from marketing_analytics.ingest.platforms import load_source, source_names

SINCE = "since"
SYNTAX_PLACE = re.compile(r"(.*) \(at line (\d+), column (\d+)\)", re.DOTALL)
HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")
KEY = re.compile(r"""\s*["']?([^\s"'=]+)["']?\s*=\s*""")
# an unknown key like this is a setting, and its value perhaps a secret
SETTING = re.compile(r"[A-Z][A-Z0-9_]+")


@dataclass(frozen=True)
class SyncFile:
    """What a file asks for: settings by their names in the environment, first days by source."""

    sources: tuple[str, ...]
    settings: Mapping[str, str] = field(default_factory=dict)
    since: str | None = None
    since_of: Mapping[str, date] = field(default_factory=dict)


def read_sync_file(path: Path) -> SyncFile:
    """Return what a file asks for. Raise UserError or FileError that names all its mistakes."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"cannot read {path}: {reason_of(error)}", hint="name a TOML file of what to sync"
        ) from None
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise syntax_error(path, str(error)) from None
    errors = list(Checker(path, text).mistakes(content))
    if errors:
        raise in_one(errors)
    sources = tuple(name for name in content if name != SINCE)
    if not sources:
        raise UserError(f"{path} names no source", hint="write a table a source, like [meta_ads]")
    settings = {
        setting: ",".join(map(str, content[name][key]))
        for name in sources
        for key, setting in load_source(name).options.items()
        if key in content[name]
    }
    first_days = {name: as_day(content[name][SINCE]) for name in sources if SINCE in content[name]}
    since = content.get(SINCE)
    return SyncFile(
        sources,
        settings,
        str(since) if since else None,
        {name: day for name, day in first_days.items() if day},
    )


def syntax_error(path: Path, text: str) -> FileError:
    """Return the error of a file that is no TOML; the line is not shown, it may hold a secret."""
    found = SYNTAX_PLACE.fullmatch(text)
    message, line, column = found.groups() if found else (text, "1", "1")
    return FileError(f"not TOML: {message}", path=path, line=int(line), column=int(column))


def as_day(value: Any) -> date | None:
    """Return a day, given as a date or as text; None for anything else."""
    if isinstance(value, datetime):
        return None
    try:
        return value if isinstance(value, date) else date.fromisoformat(value)
    except (TypeError, ValueError):
        return None


def is_list_of_names(value: Any) -> bool:
    """Return whether a value is a list of texts or whole numbers, without commas."""
    return isinstance(value, list) and all(
        (isinstance(one, str) and one.strip() and "," not in one)
        or (isinstance(one, int) and not isinstance(one, bool))
        for one in value
    )


class Checker:
    """Finds the mistakes of one file."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.lines = text.splitlines()
        self.places = dict(places_of(self.lines))

    def mistakes(self, content: Mapping[str, Any]) -> Iterator[FileError]:
        """Yield every unknown key and every value of a wrong type."""
        known = [SINCE, *source_names()]
        for name, value in content.items():
            if name not in known:
                yield self.unknown("", name, known)
            elif name == SINCE:
                yield from self.check_day("", value)
            elif not isinstance(value, dict):
                hint = f"write a table: [{name}]"
                yield self.wrong("", name, f"{name} is a source, not a value", hint)
            else:
                yield from self.check_source(name, value)

    def check_source(self, name: str, given: Mapping[str, Any]) -> Iterator[FileError]:
        """Yield the mistakes of a source's table."""
        options = load_source(name).options
        for key, value in given.items():
            if key == SINCE:
                yield from self.check_day(name, value)
            elif key not in options:
                yield self.unknown(name, key, [SINCE, *options])
            elif value == []:
                hint = f"name some, or leave {key} out to read all"
                yield self.wrong(name, key, f"{key} is empty", hint)
            elif not is_list_of_names(value):
                hint = f'write a list: {key} = ["first", "second"]'
                yield self.wrong(name, key, f"{key} is not a list of names", hint)

    def check_day(self, table: str, value: Any) -> Iterator[FileError]:
        """Yield a mistake where a first day is none."""
        if as_day(value) is None:
            yield self.wrong(table, SINCE, "since is not a date", "write since = 2026-05-01")

    def unknown(self, table: str, key: str, known: list[str]) -> FileError:
        """Return the error for a key that nobody knows, with the one that was meant."""
        near = difflib.get_close_matches(key.lower(), known, n=1, cutoff=0.5)
        meant = f"did you mean {near[0]}? " if near else ""
        hint = f"{meant}known here: {', '.join(known)}"
        if SETTING.fullmatch(key):
            hint = "settings and secrets stay in the environment, or in --env-file"
        line, column, _ = self.place(table, key)
        where = f" in [{table}]" if table else ""
        # the line is not shown: it may hold a secret
        return FileError(
            f"unknown key {key!r}{where}", path=self.path, line=line, column=column, hint=hint
        )

    def wrong(self, table: str, key: str, message: str, hint: str) -> FileError:
        """Return the error for a value of a wrong type, at the value."""
        line, _, column = self.place(table, key)
        source = self.lines[line - 1] if self.lines else ""
        return FileError(
            message, path=self.path, line=line, column=column, source=source, hint=hint
        )

    def place(self, table: str, key: str) -> tuple[int, int, int]:
        """Return line, column of a key and column of its value."""
        return self.places.get((table, key)) or self.places.get(("", table)) or (1, 1, 1)


def places_of(lines: list[str]) -> Iterator[tuple[tuple[str, str], tuple[int, int, int]]]:
    """Yield (table, key) with line, column of the key and column of the value.

    tomllib knows places of broken syntax only.
    """
    table = ""
    for number, line in enumerate(lines, start=1):
        if header := HEADER.match(line):
            table = header[1].strip("\"'")
            column = header.start(1) + 1
            yield ("", table), (number, column, column)
        elif key := KEY.match(line):
            yield (table, key[1]), (number, key.start(1) + 1, key.end() + 1)
            # a.b = 1 and a = {b = 1} stand where a does
            first, _, rest = key[1].partition(".")
            if rest and not table:
                yield (first, rest), (number, key.start(1) + 1, key.end() + 1)


def schema() -> dict[str, Any]:
    """Return the JSON schema of the file."""
    day = {"type": "string", "format": "date", "description": "First day wanted."}
    sources = {
        name: {
            "type": "object",
            "description": f"Sync {name}.",
            "additionalProperties": False,
            "properties": {SINCE: day}
            | {
                key: {
                    "type": "array",
                    "minItems": 1,
                    "items": {"type": ["string", "integer"]},
                    "description": f"In place of {setting}.",
                }
                for key, setting in load_source(name).options.items()
            },
        }
        for name in source_names()
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What `marketing ingest run --config` syncs",
        "type": "object",
        "additionalProperties": False,
        "properties": {SINCE: day} | sources,
    }
