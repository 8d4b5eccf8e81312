"""Turn one log line into plain text pieces with class names; nothing else survives.

Colours are mapped by an allow-list; other terminal sequences are dropped; control and
direction-changing characters are shown as visible signs.
"""

from __future__ import annotations

import re

from marketing_analytics.web.words import visible

Piece = tuple[str, str]  # class names, text

MAX_SHOWN_CHARACTERS = 4_000
_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_SEQUENCE = re.compile(
    r"\x1b\[([0-9;:]*)m"  # colours: the only kind that is read
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # other control sequences
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\|$)"  # operating system commands, links included
    r"|\x1b[@-_]"
)


def pieces_of(line: str, *, unread: int = 0) -> list[Piece]:
    """Return the line as (class names, text) pieces; `unread` counts what was cut before."""
    hidden = max(0, len(line) - MAX_SHOWN_CHARACTERS) + unread
    line = line[:MAX_SHOWN_CHARACTERS]
    if "\x1b" not in line:
        pieces: list[Piece] = [("", visible(line))]
    else:
        pieces = _coloured(line)
    if hidden > 0:
        pieces.append(("a-dim", f" … {hidden:,} more characters in the raw log"))
    return pieces


def _coloured(line: str) -> list[Piece]:
    pieces: list[Piece] = []
    classes: tuple[str, ...] = ()
    position = 0
    for match in _SEQUENCE.finditer(line):
        _append(pieces, classes, line[position : match.start()])
        if match[1] is not None:
            classes = _next_classes(classes, match[1])
        position = match.end()
    _append(pieces, classes, line[position:])
    return pieces or [("", "")]


def _append(pieces: list[Piece], classes: tuple[str, ...], text: str) -> None:
    if text:
        pieces.append((" ".join(classes), visible(text)))


def _next_classes(classes: tuple[str, ...], codes: str) -> tuple[str, ...]:
    for code in (codes or "0").replace(":", ";").split(";"):
        number = int(code) if code.isdigit() and len(code) < 4 else 0
        if number == 0:
            classes = ()
        elif number in (1, 2):
            classes = (*(c for c in classes if c not in ("a-bold", "a-dim")), _weight(number))
        elif 30 <= number <= 37 or 90 <= number <= 97:
            classes = (*_without_colour(classes), f"a-{_COLOURS[number % 10]}")
        elif number == 39:
            classes = _without_colour(classes)
        elif number == 22:
            classes = tuple(c for c in classes if c not in ("a-bold", "a-dim"))
        elif number in (38, 48):
            break
    return classes


def _weight(number: int) -> str:
    return "a-bold" if number == 1 else "a-dim"


def _without_colour(classes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(c for c in classes if c in ("a-bold", "a-dim"))


def plain(line: str) -> str:
    """Return the line without terminal sequences."""
    return visible(_SEQUENCE.sub("", line)) if "\x1b" in line else visible(line)
