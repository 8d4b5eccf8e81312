"""The parser: one pass over the text, evaluating as it goes.

Grammar: the attribute subset of HCL's native syntax. Newlines end an attribute, are ignored
inside brackets and parentheses, and count again inside an object.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from marketing_analytics.core.errors import FileError, in_one
from marketing_analytics.jobs.tfvars.file_text import is_json, read_text
from marketing_analytics.jobs.tfvars.json_reader import JsonParser
from marketing_analytics.jobs.tfvars.loops import for_body, object_for
from marketing_analytics.jobs.tfvars.templates import read_heredoc, read_quoted
from marketing_analytics.jobs.tfvars.values import (
    MAX_DEPTH,
    Arithmetic,
    Broken,
    Source,
    Value,
    as_text,
    kind_of,
    parse_number,
)

BLANK = re.compile(r"(?:[ \t]+|/\*.*?\*/)*", re.DOTALL)
BLANK_AND_NEWLINES = re.compile(r"(?:[ \t]+|\r?\n|(?:#|//)[^\n]*(?:\n|\Z)|/\*.*?\*/)*", re.DOTALL)
COMMENT = re.compile(r"(?:#|//)[^\r\n]*|/\*.*?\*/", re.DOTALL)
LINE_END = re.compile(r"(?:(?:#|//)[^\n]*)?(?:\r?\n|\Z)")
NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
NAME = re.compile(r"[^\W\d][\w-]*")
OPERATOR = re.compile(r"==|!=|<=|>=|&&|\|\||[-+*%<>]|/(?![/*])")
FOR = re.compile(r"for\b(?!-)")
PRECEDENCE = {
    "||": 1,
    "&&": 2,
    "==": 3,
    "!=": 3,
    "<": 4,
    ">": 4,
    "<=": 4,
    ">=": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
    "%": 6,
}
KEYWORDS = {"true": True, "false": False, "null": None}


def parse_file(path: str | Path) -> tuple[Source, Value]:
    """Return the text and the variables of a file. Raise FileError when it cannot be read."""
    return read_variables(read_text(path), path)


def parse_text(text: str, path: str | Path = "input.tfvars") -> tuple[Source, Value]:
    """Return the source and the variables of a text. Raise FileError with every mistake."""
    source, root = read_variables(text, path)
    if source.errors:
        raise in_one(source.errors)
    return source, root


def read_variables(text: str, path: str | Path) -> tuple[Source, Value]:
    """Return the source, with the mistakes in values, and the variables (an object) of a text.

    Raise FileError with every mistake up to the first place where reading cannot go on.
    """
    source = Source(text, path)
    return source, parsed(source)[0]


def parsed(source: Source) -> tuple[Value, dict[int, str]]:
    """Return the variables of a text and its comments by their offsets."""
    parser = JsonParser(source) if is_json(source.path) else Parser(source)
    try:
        return parser.parse(), getattr(parser, "comments", {})
    except FileError as error:
        raise in_one([*source.errors, error]) from None


class Parser:
    """Reads one text from left to right; `at` is the current offset."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.at = 0
        self.depth = 0
        self.iterations = 0
        self.skips_newlines = False
        self.scope: dict[str, Value] = {}
        self.comments: dict[int, str] = {}
        self.arithmetic = Arithmetic(source)

    def error(self, message: str, at: int | None = None, hint: str = "") -> FileError:
        """Return an error at an offset, by default here."""
        return self.source.error(message, self.at if at is None else at, hint)

    # blanks and symbols

    def skip(self) -> None:
        """Skip blanks and comments; newlines too where they mean nothing."""
        self.skip_over(BLANK_AND_NEWLINES if self.skips_newlines else BLANK)

    def skip_lines(self) -> None:
        """Skip blanks, comments and newlines."""
        self.skip_over(BLANK_AND_NEWLINES)

    def skip_over(self, pattern: re.Pattern[str]) -> None:
        """Move past what a pattern finds here; comments in it are remembered by their offset."""
        match = pattern.match(self.text, self.at)
        assert match  # noqa: S101
        if match.end() - self.at > 1:
            found = COMMENT.finditer(self.text, self.at, match.end())
            self.comments |= {comment.start(): comment.group() for comment in found}
        self.at = match.end()

    def takes(self, symbol: str) -> bool:
        """Move past a symbol if it is next."""
        self.skip()
        if not self.text.startswith(symbol, self.at):
            return False
        self.at += len(symbol)
        return True

    def name(self) -> str | None:
        """Move past a name and return it, or None."""
        match = NAME.match(self.text, self.at)
        if not match:
            return None
        name = match.group()
        if not name.isascii() and not name.replace("-", "a").isidentifier():
            return None
        self.at = match.end()
        return name

    def next_name(self) -> str:
        """Return the name that comes next without moving past it, or an empty text."""
        match = NAME.match(self.text, self.at)
        return match.group() if match else ""

    def within_newlines(self, is_skipping: bool, read: Callable[[], Value]) -> Value:
        """Read something inside a bracket, with its own rule for newlines."""
        outer, self.skips_newlines = self.skips_newlines, is_skipping
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"nested more than {MAX_DEPTH} levels deep", hint="flatten the value")
        value = read()
        self.depth -= 1
        self.skips_newlines = outer
        return value

    # the file: name = value, one per line

    def computed(self, compute: Callable[..., Value], *operands: Value) -> Value:
        """Return what an operation makes of its operands; its mistake does not end the reading."""
        broken = next((value for value in operands if isinstance(value.data, Broken)), None)
        if broken:
            return broken
        try:
            return compute(*operands)
        except FileError as error:
            return Value(self.source.note(error), operands[0].at)

    def parse(self) -> Value:
        """Return the whole file as an object. Raise FileError where reading cannot go on."""
        found: dict[str, Value] = {}
        keys: dict[str, int] = {}
        self.skip_lines()
        while self.at < len(self.text):
            start = self.at
            name = self.variable_name()
            if name in keys:
                line = self.source.place(keys[name])[0]
                message = f"{name} is already set in line {line}"
                self.source.note(self.error(message, start, "remove one of the two"))
            found[name], keys[name] = self.expression(), start
            self.end_of_line()
            self.skip_lines()
        return Value(found, 0, keys)

    def variable_name(self) -> str:
        """Read `name =` of a variable."""
        start = self.at
        name = self.name()
        if name is None:
            is_quoted = self.text.startswith('"', start)
            hint = "write the name without quotes" if is_quoted else "write name = value"
            if self.text.startswith("{", start):
                hint = "name the file .tfvars.json, in lower case, if it is JSON"
            raise self.error("a variable name is expected here", start, hint)
        self.skip()
        if self.text.startswith("==", self.at) or not self.takes("="):
            hint = f"write {name} = {{ ... }}" if self.text.startswith("{", self.at) else ""
            raise self.error(f"'=' is expected after {name}", hint=hint or "write name = value")
        return name

    def end_of_line(self) -> None:
        """Demand the end of the line after a value."""
        self.skip()
        if not LINE_END.match(self.text, self.at):
            is_comma = self.text.startswith(",", self.at)
            raise self.error(
                "the line must end after the value",
                hint="remove the comma" if is_comma else "put each variable on its own line",
            )
        self.skip_over(LINE_END)

    # expressions

    def expression(self) -> Value:
        """Read a value, with operators and conditionals."""
        value = self.binary(self.operand(), 1)
        self.skip()
        if not self.text.startswith("?", self.at):
            return value
        return self.within_newlines(self.skips_newlines, lambda: self.conditional(value))

    def conditional(self, condition: Value) -> Value:
        """Read `? one : two`."""
        at = self.at
        self.at += 1
        one = self.expression()
        if not self.takes(":"):
            raise self.error("':' is expected in this conditional", hint="write condition ? a : b")
        choose = partial(self.arithmetic.choose, at=at)
        return self.computed(choose, condition, one, self.expression())

    def operator(self) -> str:
        """Return the operator that comes next, or an empty text."""
        self.skip()
        match = OPERATOR.match(self.text, self.at)
        # `=>` belongs to a for expression, and `=` alone to an attribute
        return match.group() if match else ""

    def binary(self, left: Value, level: int) -> Value:
        """Read operators of at least this precedence, from left to right."""
        while (operator := self.operator()) and PRECEDENCE[operator] >= level:
            at = self.at
            self.at += len(operator)
            right = self.operand()
            while (following := self.operator()) and PRECEDENCE[following] > PRECEDENCE[operator]:
                right = self.binary(right, PRECEDENCE[following])
            left = self.computed(partial(self.arithmetic.binary, operator, at=at), left, right)
        return left

    def operand(self) -> Value:
        """Read one operand: signs, a term, and what is taken out of it."""
        self.skip()
        at = self.at
        if self.text[at : at + 1] in ("-", "!"):
            self.at += 1
            sign = self.text[at]
            operand = self.within_newlines(self.skips_newlines, self.operand)
            return self.computed(partial(self.arithmetic.unary, sign, at=at), operand)
        return self.members(self.term())

    def members(self, value: Value) -> Value:
        """Read `.name` and `[index]` after a term."""
        while True:
            here = self.text[self.at : self.at + 1]
            if here == "." and not self.text.startswith("...", self.at):
                self.at += 1
                value = self.computed(self.member, value, Value(self.member_name(), self.at))
            elif here == "[" and not isinstance(value.data, str | int | bool):
                self.at += 1
                key = self.within_newlines(True, self.index)
                value = self.computed(self.member, value, key)
            else:
                return value

    def member_name(self) -> str:
        """Read the name after a dot."""
        name = self.name()
        if name is None:
            raise self.error("a name is expected after the dot", hint="write the value out")
        return name

    def index(self) -> Value:
        """Read `key]`."""
        self.skip()
        if self.text.startswith("*", self.at):
            raise self.error("splats are not supported here", hint="write the list out")
        key = self.expression()
        if not self.takes("]"):
            raise self.error("']' is expected here", hint="close the bracket")
        return key

    def member(self, value: Value, key: Value) -> Value:
        """Return a member of a constant list or object."""
        if isinstance(value.data, dict):
            found = value.data.get(as_text(key.data) or "")
        elif isinstance(value.data, list) and type(key.data) is int:
            found = value.data[key.data] if 0 <= key.data < len(value.data) else None
        else:
            found = None
        if found is None:
            raise self.error(
                f"{kind_of(value.data)} has no such member", key.at, "write the value out"
            )
        return Value(found.data, value.at, found.keys)

    # terms

    def term(self) -> Value:
        """Read a literal, list, object or parenthesis."""
        at, text = self.at, self.text
        first = text[at : at + 1]
        if first == '"':
            return self.quoted()
        if first == "[":
            return self.within_newlines(True, self.list_)
        if first == "{":
            return self.within_newlines(False, self.object_)
        if first == "(":
            return self.within_newlines(True, self.parenthesis)
        if first == "<" and text.startswith("<<", at):
            return read_heredoc(self)
        if first.isdigit() and first.isascii():
            return self.number()
        return self.word()

    def number(self) -> Value:
        """Read a number."""
        match = NUMBER.match(self.text, self.at)
        assert match  # noqa: S101
        at, self.at = self.at, match.end()
        number = parse_number(match.group())
        if number is None:
            message = "the number is too large or too small"
            return Value(self.source.note(self.error(message, at, "write a smaller number")), at)
        return Value(number, at)

    def word(self) -> Value:
        """Read true, false, null or a name that a for expression defines."""
        at = self.at
        name = self.name()
        if name is None:
            raise self.error("a value is expected here", at, self.value_hint())
        if name in self.scope:
            found = self.scope[name]
            return Value(found.data, at, found.keys)
        if name in KEYWORDS:
            return Value(KEYWORDS[name], at)
        self.skip()
        if self.text.startswith("(", self.at):
            message = f"functions cannot be called in a variable file: {name}"
            called = self.source.note(self.error(message, at, "write the result of the call"))
            self.at += 1
            self.within_newlines(True, lambda: Value(self.items(")"), at))
            return Value(called, at)
        message = f"variables cannot be used in a variable file: {name}"
        return Value(self.source.note(self.error(message, at, word_hint(name))), at)

    def value_hint(self) -> str:
        """Return a hint for something that is no value."""
        here = self.text[self.at : self.at + 1]
        if here == "'":
            return 'use double quotes (") for text'
        if here in ("", "\n", "\r"):
            return "write the value on the same line as the name"
        return "remove the surplus comma" if here == "," else "write a text, number, list or object"

    def quoted(self) -> Value:
        """Read a text in double quotes."""
        return read_quoted(self)

    def interpolation(self) -> Value:
        """Read the inside of `${ }` up to and including the brace."""
        if self.text.startswith("~", self.at):
            raise self.error("'~' in templates is not supported here", hint="write the text out")
        value = self.expression()
        if not self.takes("}"):
            raise self.error("'}' is expected to close '${'", hint="write $${ for a literal ${")
        return value

    def parenthesis(self) -> Value:
        """Read `( value )`."""
        self.at += 1
        value = self.expression()
        if not self.takes(")"):
            raise self.error("')' is expected here", hint="close the parenthesis")
        return value

    # lists and objects

    def list_(self) -> Value:
        """Read `[a, b]` or `[for x in y : z]`; newlines mean nothing inside."""
        at = self.at
        self.at += 1
        self.skip()
        if FOR.match(self.text, self.at):
            return Value([item for _, item in for_body(self, "]")], at)
        items = self.items("]")
        return Value(items, at, end=self.at)

    def items(self, close: str) -> list[Value]:
        """Read `a, b]`."""
        items: list[Value] = []
        while not self.takes(close):
            items.append(self.expression())
            if not self.takes(","):
                if self.takes(close):
                    break
                raise self.error("',' is expected between the items of a list", hint="add a comma")
        return items

    def object_(self) -> Value:
        """Read `{ key = value }`; entries are parted by newlines or commas."""
        at = self.at
        self.at += 1
        self.skip_lines()
        if FOR.match(self.text, self.at):
            return object_for(self, at)
        found: dict[str, Value] = {}
        keys: dict[str, int] = {}
        while not self.takes("}"):
            key_at = self.at
            key = self.object_key()
            if key in keys:
                line = self.source.place(keys[key])[0]
                hint = "remove one of the two (Terraform would silently take the last)"
                self.source.note(self.error(f'"{key}" is already set in line {line}', key_at, hint))
            found[key], keys[key] = self.expression(), key_at
            self.end_of_entry(at)
        return Value(found, at, keys, self.at)

    def object_key(self) -> str:
        """Read `key =` or `key :`; the key is bare, quoted, a number or in parentheses."""
        at = self.at
        key: str | None = self.name()
        if key is None:
            if self.text[at : at + 1] not in ('"', "(") and not NUMBER.match(self.text, at):
                unclosed = at >= len(self.text)
                raise self.error(
                    "the object is not closed" if unclosed else "a key is expected here",
                    hint="add '}'" if unclosed else 'write key = value, or "key" = value',
                )
            term = self.term()
            if isinstance(term.data, Broken):
                raise term.data.error
            key = self.arithmetic.text(term, at)
        self.skip()
        if self.text.startswith("==", self.at) or not (self.takes("=") or self.takes(":")):
            raise self.error(f"'=' is expected after {key!r}", hint="write key = value")
        return key

    def end_of_entry(self, opened_at: int) -> None:
        """Demand a newline, a comma or the closing brace after an entry."""
        self.skip()
        if self.text.startswith("}", self.at):
            return
        if self.text.startswith(",", self.at):
            self.at += 1
        elif self.at >= len(self.text):
            line = self.source.place(opened_at)[0]
            raise self.error(f"the object of line {line} is not closed", hint="add '}'")
        elif not LINE_END.match(self.text, self.at):
            raise self.error(
                "a newline or comma is expected after this value",
                hint="put each entry on its own line",
            )
        self.skip_lines()


def word_hint(name: str) -> str:
    """Return a hint for a bare word."""
    close = difflib.get_close_matches(name.lower(), KEYWORDS, n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else f'write "{name}" if it is a text'
