"""Variable files in JSON, as Terraform reads them: texts are literal, nothing comes twice."""

from __future__ import annotations

import json
import re
from typing import NoReturn

from marketing_analytics.core.errors import FileError
from marketing_analytics.jobs.tfvars.values import (
    MAX_DEPTH,
    Source,
    Value,
    normalize_text,
    parse_number,
)

# a member of this name is a comment, in the outermost object only
COMMENT = "//"

BLANK = re.compile(r"[ \t\r\n]*")
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![\w.+-])")
WORD = re.compile(r"[\w.+-]+")
SURROGATE = re.compile("[\ud800-\udfff]")
DECODER = json.JSONDecoder()
KEYWORDS = {"true": True, "false": False, "null": None}


class JsonParser:
    """Reads one text from left to right; `at` is the current offset."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.at = 0
        self.depth = 0

    def error(self, message: str, at: int, hint: str) -> FileError:
        """Return an error at an offset."""
        return self.source.error(message, at, hint)

    def parse(self) -> Value:
        """Return the whole file as an object. Raise FileError where the text is no JSON."""
        if self.text.startswith("\ufeff"):
            message = "the file begins with a byte order mark, which Terraform refuses in JSON"
            raise self.error(message, 0, "save it as UTF-8 without the mark in your editor")
        if not self.takes("{"):
            hint = 'write { "jobs": { ... } }'
            raise self.error("the file must hold one JSON object", self.at, hint)
        root = self.object_(self.at - 1, is_root=True)
        self.skip()
        if self.at < len(self.text):
            raise self.error("the file must end after the object", self.at, "remove what follows")
        return root

    def skip(self) -> None:
        """Skip blanks and newlines."""
        match = BLANK.match(self.text, self.at)
        assert match  # noqa: S101
        self.at = match.end()

    def takes(self, symbol: str) -> bool:
        """Move past a symbol if it is next."""
        self.skip()
        if not self.text.startswith(symbol, self.at):
            return False
        self.at += 1
        return True

    def value(self) -> Value:
        """Read a value."""
        self.skip()
        at = self.at
        first = self.text[at : at + 1]
        if first == '"':
            return Value(self.string(), at)
        if first in ("{", "["):
            self.at += 1
            self.depth += 1
            if self.depth > MAX_DEPTH:
                message = f"nested more than {MAX_DEPTH} levels deep"
                raise self.error(message, at, "flatten the value")
            found = self.object_(at) if first == "{" else self.list_(at)
            self.depth -= 1
            return found
        return self.word(at)

    def string(self) -> str:
        """Read a text; half of a surrogate pair becomes U+FFFD, as in Terraform."""
        at = self.at
        try:
            text, self.at = DECODER.raw_decode(self.text, at)
        except json.JSONDecodeError as error:
            is_open = error.msg.startswith("Unterminated")
            message = f"this is not a JSON text: {error.msg.lower()}"
            hint = 'add the closing quote (")' if is_open else "write \\n for a newline"
            raise self.error(message, at if is_open else error.pos, hint) from None
        return normalize_text(SURROGATE.sub("\ufffd", text))

    def word(self, at: int) -> Value:
        """Read a number, true, false or null."""
        number = NUMBER.match(self.text, at)
        if number:
            value = parse_number(number.group())
            self.at = number.end()
            if value is None:
                message = "the number is too large or too small"
                error = self.error(message, at, "write a smaller number")
                return Value(self.source.note(error), at)
            return Value(value, at)
        word = WORD.match(self.text, at)
        if word and word.group() in KEYWORDS:
            self.at = word.end()
            return Value(KEYWORDS[word.group()], at)
        raise self.error("a JSON value is expected here", at, "texts stand in double quotes")

    def list_(self, opened_at: int) -> Value:
        """Read what follows a `[`."""
        items: list[Value] = []
        if self.takes("]"):
            return Value(items, opened_at)
        while True:
            items.append(self.value())
            if self.takes("]"):
                return Value(items, opened_at)
            self.comma("]", "list", opened_at)

    def object_(self, opened_at: int, *, is_root: bool = False) -> Value:
        """Read what follows a `{`."""
        found: dict[str, Value] = {}
        keys: dict[str, int] = {}
        if self.takes("}"):
            return Value(found, opened_at, keys)
        while True:
            key, key_at = self.key(keys, is_root)
            value = self.value()
            if not (is_root and key == COMMENT):
                found[key], keys[key] = value, key_at
            if self.takes("}"):
                return Value(found, opened_at, keys)
            self.comma("}", "object", opened_at)

    def key(self, keys: dict[str, int], is_root: bool) -> tuple[str, int]:
        """Read `"key":`, which must be new, and return it with its place."""
        self.skip()
        at = self.at
        if not self.text.startswith('"', at):
            raise self.error("a key in double quotes is expected here", at, 'write "key": value')
        key = self.string()
        if key in keys:
            line = self.source.place(keys[key])[0]
            message = f'"{key}" is already set in line {line}'
            self.source.note(self.error(message, at, "remove one of the two"))
        if not self.takes(":"):
            raise self.error(f"':' is expected after {key!r}", self.at, 'write "key": value')
        return key, at

    def comma(self, close: str, kind: str, opened_at: int) -> None:
        """Demand a comma that something follows."""
        if not self.takes(","):
            self.skip()
            if self.at >= len(self.text):
                self.unclosed(close, kind, opened_at)
            raise self.error(f"',' is expected in this {kind}", self.at, "add a comma")
        comma_at = self.at - 1
        self.skip()
        if self.text.startswith(close, self.at):
            raise self.error("nothing follows this comma", comma_at, "remove it")
        if self.at >= len(self.text):
            self.unclosed(close, kind, opened_at)

    def unclosed(self, close: str, kind: str, opened_at: int) -> NoReturn:
        """Refuse a list or object without an end."""
        line = self.source.place(opened_at)[0]
        raise self.error(f"the {kind} of line {line} is not closed", self.at, f"add {close!r}")
