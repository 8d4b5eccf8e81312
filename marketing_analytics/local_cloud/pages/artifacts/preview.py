"""The beginning of a file that a run left, as text that can be read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from marketing_analytics.core.plain_files import open_plain
from marketing_analytics.core.redaction import redact
from marketing_analytics.local_cloud.pages.runs.sql import MAX_LINE_CHARACTERS, SqlLine

MAX_READ_BYTES = 2 * 1024 * 1024
MAX_SHOWN_CHARACTERS = 60_000
MAX_LINES = 1_000
TEXTS = (".json", ".sql", ".csv", ".yml", ".yaml", ".txt", ".md", ".jsonl")


@dataclass(frozen=True)
class Preview:
    """Lines of a file; `is_part` when it goes on."""

    lines: Sequence[SqlLine]
    is_part: bool


def preview_of(path: Path, secrets: Sequence[str]) -> Preview | None:
    """Return the beginning of a text, JSON with a line a value; None for what is no text."""
    if path.suffix not in TEXTS:
        return None
    with open_plain(path) as file:
        data = file.read(MAX_READ_BYTES)
    size = path.stat().st_size
    text = data.decode("utf-8", "replace")
    if path.suffix == ".json" and size <= MAX_READ_BYTES:
        text = indented(text)
    shown = redact(text, secrets)[:MAX_SHOWN_CHARACTERS]
    lines = [
        SqlLine(number, line[:MAX_LINE_CHARACTERS])
        for number, line in enumerate(shown.split("\n")[:MAX_LINES], start=1)
    ]
    is_part = size > len(data) or sum(len(line.text) + 1 for line in lines) < len(text)
    return Preview(lines, is_part)


def indented(text: str) -> str:
    """Return JSON with a line a value, anything else as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
