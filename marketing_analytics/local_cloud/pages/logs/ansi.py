"""Turn one log line into plain text pieces with class names; nothing else survives.

Colours are mapped by an allow-list; other terminal sequences are dropped; control and
direction-changing characters are shown as visible signs.
"""

from __future__ import annotations

import re

from marketing_analytics.core.signs import visible

Piece = tuple[str, str]  # class names, text

MAX_SHOWN_CHARACTERS = 4_000
COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
SEQUENCE = re.compile(
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
        pieces = coloured_pieces(line)
    if hidden > 0:
        pieces.append(("a-dim", f" … {hidden:,} more characters in the raw log"))
    return pieces


def coloured_pieces(line: str) -> list[Piece]:
    """Return a line that holds sequences as pieces."""
    pieces: list[Piece] = []
    classes: tuple[str, ...] = ()
    position = 0
    for match in SEQUENCE.finditer(line):
        append_piece(pieces, classes, line[position : match.start()])
        if match[1] is not None:
            classes = next_classes(classes, match[1])
        position = match.end()
    append_piece(pieces, classes, line[position:])
    return pieces or [("", "")]


def append_piece(pieces: list[Piece], classes: tuple[str, ...], text: str) -> None:
    """Add a piece unless it is empty."""
    if text:
        pieces.append((" ".join(classes), visible(text)))


def next_classes(classes: tuple[str, ...], codes: str) -> tuple[str, ...]:
    """Return the classes in force after the codes of a sequence."""
    for code in (codes or "0").replace(":", ";").split(";"):
        number = int(code) if code.isdigit() and len(code) < 4 else 0
        if number == 0:
            classes = ()
        elif number in (1, 2):
            classes = (*(c for c in classes if c not in ("a-bold", "a-dim")), weight_of(number))
        elif 30 <= number <= 37 or 90 <= number <= 97:
            classes = (*without_colour(classes), f"a-{COLOURS[number % 10]}")
        elif number == 39:
            classes = without_colour(classes)
        elif number == 22:
            classes = tuple(c for c in classes if c not in ("a-bold", "a-dim"))
        elif number in (38, 48):
            break
    return classes


def weight_of(number: int) -> str:
    """Return the class of code 1 or 2."""
    return "a-bold" if number == 1 else "a-dim"


def without_colour(classes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the classes that are no colour."""
    return tuple(c for c in classes if c in ("a-bold", "a-dim"))


def plain(line: str) -> str:
    """Return the line without terminal sequences."""
    return visible(SEQUENCE.sub("", line)) if "\x1b" in line else visible(line)
