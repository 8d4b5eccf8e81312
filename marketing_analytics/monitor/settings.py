"""monitors.yml: read with the place of every value, and checked against the schema of its sections.

Each part of the watch says by a function `schema()` what its section holds. Errors are
file:line:column with what is valid.
"""

from __future__ import annotations

import difflib
import importlib
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marketing_analytics.core.errors import FileError, UserError, in_one, reason_of
from marketing_analytics.core.redaction import remember
from marketing_analytics.core.yaml_text import too_large

FILE = Path("monitors.yml")
VERSION = 1
MOST_SHOWN = 100
MOST_NESTED = 50
# section: the package that says by `schema()` what it holds
SECTIONS = {
    "monitors": "marketing_analytics.monitor.checks",
    "alerts": "marketing_analytics.monitor.alerts.settings",
    "service_levels": "marketing_analytics.monitor.levels.settings",
}
KINDS = {
    "object": (dict, "a map of names and values"),
    "array": (list, "a list"),
    "string": (str, "a text"),
    "integer": (int, "a whole number"),
    "number": ((int, float), "a number"),
    "boolean": (bool, "true or false"),
}


@dataclass(frozen=True)
class Value:
    """A value of the file and its place; `entries` and `items` are those of maps and lists."""

    data: Any
    line: int
    column: int
    entries: Mapping[str, Value] = field(default_factory=dict)
    items: tuple[Value, ...] = ()
    # where the name of an entry stands
    key_places: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """The file, checked."""

    path: Path
    lines: tuple[str, ...]
    root: Value

    def section(self, name: str) -> dict[str, Any]:
        """Return a section as plain maps and lists; empty where the file has none."""
        value = self.root.entries.get(name)
        return dict(value.data) if value and value.data else {}

    def error(self, value: Value, message: str, hint: str) -> FileError:
        """Return the error for a value, for checks that no schema can say."""
        return self.error_at((value.line, value.column), message, hint)

    def error_at(self, place: tuple[int, int], message: str, hint: str) -> FileError:
        """Return the error for a place; the line is shown below it."""
        line, column = place
        source = self.lines[line - 1] if line <= len(self.lines) else ""
        return FileError(
            message, path=self.path, line=line, column=column, source=source, hint=hint
        )


def read_settings(path: Path | None = None) -> Settings:
    """Return the settings of a file, checked; without a path those of ./monitors.yml, or none.

    Raise FileError that names every mistake, UserError for a file that cannot be read.
    """
    if path is None and not FILE.exists():
        return Settings(FILE, (), Value({}, 1, 1))
    path = path or FILE
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"cannot read {path}: {reason_of(error)}",
            hint="give the file of thresholds with --config; the repository has monitors.yml",
        ) from None
    settings = Settings(path, tuple(text.splitlines()), parse(path, text))
    # an address has no place there; an error that shows it would tell a secret
    for address in addresses_in(settings.root.entries.get("alerts")):
        remember(address)
    errors = list(mistakes(settings, settings.root, schema(), ""))
    errors = errors or list(further_mistakes(settings))
    if errors:
        raise in_one(errors)
    return settings


def addresses_in(value: Value | None) -> Iterator[str]:
    """Yield the texts of a value that are addresses."""
    if value is None:
        return
    if isinstance(value.data, str) and "://" in value.data:
        yield value.data
    for inner in (*value.items, *value.entries.values()):
        yield from addresses_in(inner)


def parse(path: Path, text: str) -> Value:
    """Return the root of a YAML text. Raise FileError where it is none, or holds a name twice."""
    import yaml  # type: ignore[import-untyped]

    loader = None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return Value({}, 1, 1)
        if wide := too_large(node):
            mark = wide.start_mark
            raise nested(path, text, (mark.line + 1, mark.column + 1))
        return value_of(loader, node, path, text)
    except RecursionError:
        mark = loader.get_mark() if loader else None
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise nested(path, text, place) from None
    except yaml.MarkedYAMLError as error:
        lines = text.splitlines()
        marks = [mark for mark in (error.problem_mark, error.context_mark) if mark]
        # what is not closed ends behind the last line: where it began says more
        mark = next((mark for mark in marks if mark.line < len(lines)), None)
        line = mark.line if mark else 0
        raise FileError(
            f"not YAML: {error.problem or error.context}",
            path=path,
            line=line + 1,
            column=mark.column + 1 if mark else 1,
            # it may hold an address with a secret
            source=lines[line] if lines and "://" not in lines[line] else "",
            hint="indent with spaces, write `name: value`, put texts with : or # into quotes",
        ) from None
    except (yaml.YAMLError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise FileError(f"not YAML: {reason}", path=path, hint="write plain text") from None


def nested(path: Path, text: str, place: tuple[int, int]) -> FileError:
    """Return the error for what is nested too deeply, without an end, or means too much."""
    lines = text.splitlines()
    source = lines[place[0] - 1] if place[0] <= len(lines) else ""
    return FileError(
        "this is nested too deeply, refers to itself, or its aliases mean too many values",
        path=path,
        line=place[0],
        column=place[1],
        # it may hold an address with a secret
        source="" if "://" in source else source,
        hint="write it flatter, and an alias like *name outside of what it stands for",
    )


def value_of(loader: Any, node: Any, path: Path, text: str, depth: int = 0) -> Value:
    """Return a node of YAML with its place."""
    import yaml

    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    if depth > MOST_NESTED:
        raise nested(path, text, (line, column))
    if isinstance(node, yaml.SequenceNode):
        items = tuple(value_of(loader, item, path, text, depth + 1) for item in node.value)
        return Value([item.data for item in items], line, column, items=items)
    if not isinstance(node, yaml.MappingNode):
        return Value(loader.construct_object(node), line, column)
    loader.flatten_mapping(node)
    entries: dict[str, Value] = {}
    places: dict[str, tuple[int, int]] = {}
    for key, value in node.value:
        name = str(getattr(key, "value", ""))
        place = key.start_mark.line + 1, key.start_mark.column + 1
        if name in entries:
            raise FileError(
                f"{name} is given twice",
                path=path,
                line=place[0],
                column=place[1],
                source=text.splitlines()[place[0] - 1],
                hint=f"keep one; the first stands in line {places[name][0]}",
            )
        entries[name] = value_of(loader, value, path, text, depth + 1)
        places[name] = place
    data = {name: value.data for name, value in entries.items()}
    return Value(data, line, column, entries=entries, key_places=places)


def further_mistakes(settings: Settings) -> Iterator[FileError]:
    """Yield what the parts find in their sections by `mistakes`, which no schema can say."""
    for name, module in SECTIONS.items():
        find = getattr(part(module), "mistakes", None)
        if find and name in settings.root.entries:
            yield from find(settings, settings.root.entries[name])


def mistakes(
    settings: Settings, value: Value, rule: Mapping[str, Any], name: str
) -> Iterator[FileError]:
    """Yield what in a value is against a JSON schema; as much of the language as we use."""
    kind = rule.get("type", "")
    if kind and not is_kind(value.data, kind):
        found = f"{name or 'the file'} is {shown(value.data)}" if kind != "object" else name or "it"
        wanted = KINDS[kind][1]
        message = f"{found}, not {wanted}" if kind != "object" else f"{found} is no map"
        yield settings.error(value, message, hint_of(rule, f"write {wanted}"))
        return
    reason = unfit(value.data, rule)
    if reason:
        yield settings.error(value, f"{name} is {shown(value.data)}", hint_of(rule, reason))
    for index, item in enumerate(value.items):
        yield from mistakes(settings, item, rule.get("items", {}), f"{name}[{index}]")
    if kind == "object":
        yield from mistakes_of_map(settings, value, rule, name)


def mistakes_of_map(
    settings: Settings, value: Value, rule: Mapping[str, Any], name: str
) -> Iterator[FileError]:
    """Yield unknown and absent names of a map, and what is wrong with its values."""
    known = rule.get("properties", {})
    others = rule.get("additionalProperties", True)
    for key, entry in value.entries.items():
        path = f"{name}.{key}" if name else key
        if key in known:
            yield from mistakes(settings, entry, known[key], path)
        elif isinstance(others, Mapping):
            yield from mistakes(settings, entry, others, path)
        elif not others:
            where = f" in {name}" if name else ""
            yield settings.error_at(
                value.key_places[key],
                f"unknown name {key!r}{where}",
                f"{meant(key, known)}known here: {', '.join(known)}",
            )
    absent = [key for key in rule.get("required", ()) if key not in value.entries]
    if absent:
        where = name or "the file"
        yield settings.error(value, f"{where} has no {', '.join(absent)}", hint_of(rule, "add it"))


def is_kind(data: Any, kind: str) -> bool:
    """Return whether a value is of a type of JSON; true, false, .nan and .inf are no numbers."""
    if kind in ("integer", "number") and not is_number(data):
        return False
    return isinstance(data, KINDS[kind][0])  # type: ignore[arg-type]


def is_number(data: Any) -> bool:
    """Return whether a value is a number that can be counted and compared with."""
    if isinstance(data, bool) or not isinstance(data, int | float):
        return False
    try:
        return math.isfinite(data)
    except OverflowError:
        return False


def shown(data: Any) -> str:
    """Return a value as an error shows it."""
    try:
        text = repr(data)
    except (ValueError, RecursionError):
        # Python writes no numbers of thousands of digits
        return "what is too large to show"
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def meant(given: Any, known: Iterable[str]) -> str:
    """Return the question whether a near name was meant; an empty text where none is near."""
    near = difflib.get_close_matches(str(given), list(known), n=1, cutoff=0.5)
    return f"did you mean {near[0]}? " if near else ""


def unfit(data: Any, rule: Mapping[str, Any]) -> str:
    """Return what a value should be, where it is not."""
    if "const" in rule and data != rule["const"]:
        return f"write {rule['const']}"
    if "enum" in rule and data not in rule["enum"]:
        return f"{meant(data, rule['enum'])}write one of {', '.join(map(str, rule['enum']))}"
    if "minimum" in rule and data < rule["minimum"]:
        return f"write {rule['minimum']} or more"
    if "maximum" in rule and data > rule["maximum"]:
        return f"write {rule['maximum']} or less"
    if "pattern" in rule and not re.search(rule["pattern"], str(data)):
        return f"it has to match {rule['pattern']}"
    if len(data) < rule["minItems"] if "minItems" in rule else False:
        return f"name {rule['minItems']} or more"
    return ""


def hint_of(rule: Mapping[str, Any], valid: str) -> str:
    """Return what is valid, with what the value is for."""
    purpose = rule.get("description", "")
    return f"{valid} ({purpose[:1].lower()}{purpose[1:].rstrip('.')})" if purpose else valid


def schema() -> dict[str, Any]:
    """Return the JSON schema of the file: docs/monitors.schema.json."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What `marketing monitor` watches, whom it tells, and what is promised",
        "type": "object",
        "additionalProperties": False,
        "required": ["version"],
        "properties": {
            "version": {
                "type": "integer",
                "const": VERSION,
                "description": "Version of this form.",
            }
        }
        | {name: section_schema(module) for name, module in SECTIONS.items()},
    }


def section_schema(module: str) -> dict[str, Any]:
    """Return what a section holds; anything, where its part is not installed."""
    found = part(module)
    return found.schema() if found else {"type": "object"}


def part(module: str) -> Any:
    """Return a part of the watch, or None where it is not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        return None
