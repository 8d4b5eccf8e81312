"""Texts: quoted strings and heredocs, with their escapes and interpolations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from marketing_analytics.jobs.tfvars.values import Value, normalize_text

if TYPE_CHECKING:
    from marketing_analytics.jobs.tfvars.reader import Parser

PLAIN = re.compile(r'"([^"\\$%\r\n]*)"')
PART = re.compile(r"[^\"\\$%\r\n]+")
SPACES = re.compile(r"\s*")
HEREDOC = re.compile(r"<<(-?)([^\W\d][\w-]*)\r?\n")
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
HEX_DIGITS = {"u": 4, "U": 8}
MAX_CODE_POINT = 0x10FFFF


def read_quoted(parser: Parser) -> Value:
    """Read a text in double quotes; `"${x}"` alone keeps the type of x."""
    at = parser.at
    match = PLAIN.match(parser.text, at)
    if match:
        parser.at = match.end()
        return Value(normalize_text(match.group(1)), at)
    parser.at += 1
    parts: list[str | Value] = []
    while not parser.text.startswith('"', parser.at):
        parts.append(quoted_part(parser, at))
    parser.at += 1
    return join_parts(parser, parts, at)


def join_parts(parser: Parser, parts: list[str | Value], at: int) -> Value:
    """Return the text that the parts make."""
    if len(parts) == 1 and isinstance(parts[0], Value):
        return Value(parts[0].data, at, parts[0].keys)

    def join(*_: Value) -> Value:
        texts = [p if isinstance(p, str) else parser.arithmetic.text(p, p.at) for p in parts]
        return Value(normalize_text("".join(texts)), at)

    values = [part for part in parts if isinstance(part, Value)]
    return parser.computed(join, *values)


def quoted_part(parser: Parser, opened_at: int) -> str | Value:
    """Read plain characters, one escape or one interpolation."""
    match = PART.match(parser.text, parser.at)
    if match:
        parser.at = match.end()
        return match.group()
    first = parser.text[parser.at : parser.at + 1]
    if first == "\\":
        return escape(parser)
    if first in ("$", "%"):
        return template_sign(parser)
    line = parser.source.place(opened_at)[0]
    raise parser.error(
        f"the text of line {line} is not closed", opened_at, 'add the closing quote (")'
    )


def escape(parser: Parser) -> str:
    r"""Read `\n`, `\uXXXX` and the like."""
    at = parser.at
    letter = parser.text[at + 1 : at + 2]
    if letter in ESCAPES:
        parser.at += 2
        return ESCAPES[letter]
    if letter in ("", "\r", "\n"):
        raise parser.error("nothing follows this backslash", at, "write \\\\ for a backslash")
    digits = parser.text[at + 2 : at + 2 + HEX_DIGITS.get(letter, 0)]
    if letter not in HEX_DIGITS or not re.fullmatch(
        rf"[0-9a-fA-F]{{{HEX_DIGITS[letter]}}}", digits
    ):
        message = f"'\\{letter}' is not an escape"
        parser.source.note(parser.error(message, at, "write \\\\ for a backslash"))
        parser.at += 2
        return letter
    code = int(digits, 16)
    parser.at += 2 + len(digits)
    if code > MAX_CODE_POINT or 0xD800 <= code <= 0xDFFF:
        message = f"there is no character U+{digits}"
        parser.source.note(parser.error(message, at, "write the character itself"))
        return ""
    return chr(code)


def template_sign(parser: Parser) -> str | Value:
    """Read `$` or `%`: literal, escaped (`$${`) or the start of an interpolation."""
    at, text = parser.at, parser.text
    sign = text[at]
    if text.startswith(sign * 2 + "{", at):
        parser.at += 3
        return sign + "{"
    if not text.startswith("{", at + 1):
        parser.at += 1
        return sign
    if sign == "%":
        raise parser.error(
            "template directives are not supported here", at, "write %%{ for a literal %{"
        )
    parser.at += 2
    value = parser.within_newlines(True, parser.interpolation)
    return Value(value.data, at, value.keys)


def read_heredoc(parser: Parser) -> Value:
    """Read `<<NAME` or `<<-NAME`; the second strips the indent all lines share."""
    at = parser.at
    match = HEREDOC.match(parser.text, at)
    if not match:
        raise parser.error("a heredoc starts with <<NAME at the end of a line", at, "or use quotes")
    parser.at = match.end()
    lines = heredoc_lines(parser, match.group(2), at)
    if match.group(1):
        strip_indent(lines)
    return join_parts(parser, [part for line in lines for part in line] or [""], at)


def heredoc_lines(parser: Parser, marker: str, opened_at: int) -> list[list[str | Value]]:
    """Return the parts of each line, and stop before the newline after the marker."""
    lines: list[list[str | Value]] = []
    while True:
        end = parser.text.find("\n", parser.at)
        if end < 0:
            raise parser.error(
                f"the heredoc is not closed with {marker}", opened_at, f"add {marker}"
            )
        if parser.text[parser.at : end].strip(" \t\r") == marker:
            parser.at = end - (1 if parser.text[end - 1] == "\r" else 0)
            return lines
        lines.append(heredoc_line(parser))


def heredoc_line(parser: Parser) -> list[str | Value]:
    """Read one line including its newline; backslashes and quotes are literal."""
    parts: list[str | Value] = []
    while True:
        start = parser.at
        while parser.text[parser.at : parser.at + 1] not in ("", "$", "%", "\n"):
            parser.at += 1
        parts.append(parser.text[start : parser.at])
        here = parser.text[parser.at : parser.at + 1]
        if here in ("$", "%"):
            parts.append(template_sign(parser))
            continue
        parser.at += len(here)
        parts.append(here)
        return ["".join(parts)] if all(isinstance(p, str) for p in parts) else parts  # type: ignore[arg-type]


def strip_indent(lines: list[list[str | Value]]) -> None:
    """Remove the indent that all lines share; blank lines neither count nor change."""
    indents = {}
    for index, line in enumerate(lines):
        first = line[0] if isinstance(line[0], str) else ""
        if len(line) > 1 or first.strip():
            match = SPACES.match(first)
            indents[index] = match.end() if match else 0
    common = min(indents.values(), default=0)
    for index in indents:
        start = lines[index][0]
        if isinstance(start, str):
            lines[index][0] = start[common:]
