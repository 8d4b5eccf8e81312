"""Values as Terraform's variable files write them, in the layout of `terraform fmt`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from marketing_analytics.jobs.tfvars.values import Data, as_text

LINE_LENGTH = 100
INDENT = "  "

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
# words that mean something else where a key may stand
RESERVED = ("for", "null", "true", "false")
ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass
class Row:
    """One attribute: the comments above it, its value, and a comment at the end of its line."""

    name: str
    value: Data
    above: list[str] = field(default_factory=list)
    behind: str = ""


def rows_of(rows: Sequence[Row], depth: int) -> list[str]:
    """Return the lines of attributes; `=` and comments of neighbouring lines are aligned."""
    lines: list[str] = []
    chain: list[Row] = []
    for row in rows:
        start = f"{INDENT * depth}{key_of(row.name)} = "
        value = literal(row.value, depth, len(start))
        is_long = "\n" in value
        if row.above or is_long:
            lines += aligned(chain, depth)
            chain = []
        lines += [f"{INDENT * depth}{comment}".rstrip() for comment in row.above]
        if is_long:
            lines += f"{start}{value}".split("\n")
            lines[-1] += f" {row.behind}" if row.behind else ""
        else:
            chain.append(row)
    return lines + aligned(chain, depth)


def aligned(rows: Sequence[Row], depth: int) -> list[str]:
    """Return one line for each attribute."""
    width = max((len(key_of(row.name)) for row in rows), default=0)
    texts = [
        f"{INDENT * depth}{key_of(row.name):{width}} = {literal(row.value, depth)}" for row in rows
    ]
    lines = list(texts)
    for index, row in enumerate(rows):
        if row.behind:
            lines[index] = f"{texts[index]:{comment_column(rows, texts, index)}} {row.behind}"
    return lines


def comment_column(rows: Sequence[Row], texts: Sequence[str], index: int) -> int:
    """Return where the comments of the neighbouring lines stand."""
    first = last = index
    while first > 0 and rows[first - 1].behind:
        first -= 1
    while last + 1 < len(rows) and rows[last + 1].behind:
        last += 1
    return max(map(len, texts[first : last + 1]))


def key_of(name: str) -> str:
    """Return a key, in quotes where it needs them."""
    return name if NAME.fullmatch(name) and name not in RESERVED else quoted(name)


def literal(data: Data, depth: int, before: int = 0) -> str:
    """Return a value; a list or object that does not fit a line has one line an item.

    before: how many characters stand before it.
    """
    if isinstance(data, str):
        return quoted(data)
    if isinstance(data, list | dict):
        line = on_one_line(data)
        is_short = before + len(line) <= LINE_LENGTH and "\n" not in line
        return line if is_short else on_lines(data, depth)
    return "null" if data is None else as_text(data) or ""


def on_one_line(data: Data) -> str:
    """Return a list or object on one line."""
    if isinstance(data, list):
        return f"[{', '.join(literal(item.data, 0) for item in data)}]"
    assert isinstance(data, dict)  # noqa: S101
    members = [f"{key_of(key)} = {literal(item.data, 0)}" for key, item in data.items()]
    return f"{{ {', '.join(members)} }}" if members else "{}"


def on_lines(data: Data, depth: int) -> str:
    """Return a list or object with a line for each item."""
    if isinstance(data, list):
        items = [f"{INDENT * (depth + 1)}{literal(item.data, depth + 1)}," for item in data]
        return "\n".join(["[", *items, f"{INDENT * depth}]"])
    assert isinstance(data, dict)  # noqa: S101
    members = rows_of([Row(key, item.data) for key, item in data.items()], depth + 1)
    return "\n".join(["{", *members, f"{INDENT * depth}}}"])


def quoted(text: str) -> str:
    """Return a text in double quotes, with nothing in it that Terraform would evaluate."""
    escaped = "".join(
        ESCAPES.get(letter) or (letter if letter.isprintable() else f"\\U{ord(letter):08x}")
        for letter in text
    )
    return '"' + escaped.replace("${", "$${").replace("%{", "%%{") + '"'
