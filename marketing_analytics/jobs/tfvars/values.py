"""Values of a variable file with their places, and the operations on constants.

Numbers are int when whole, else Decimal; results that are not exact are refused, because
Terraform counts with 512 bits and we do not want to differ in the last digit.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Context, Decimal, DecimalException, DivisionByZero, Inexact, InvalidOperation
from pathlib import Path
from typing import Any, TypeAlias

from marketing_analytics.core.errors import FileError, InternalError
from marketing_analytics.core.redaction import MASK, is_secret_name, redact, starred

Number: TypeAlias = int | Decimal
Data: TypeAlias = "str | bool | int | Decimal | list[Value] | dict[str, Value] | Broken | None"

EXACT = Context(prec=100, traps=[Inexact, DivisionByZero, InvalidOperation])
MAX_EXPONENT = 400
MAX_DEPTH = 40
# a file with more of them is no job file
MAX_MISTAKES = 100


# only from the first letter on: from every letter it would cost the square of a long word
KEY = re.compile(r'(?<![\w-])([\w-]+)"?\s*[=:]\s*')
LETTER = re.compile(r"[^\s\",{}\[\]]")
FIRST_WORD = re.compile(r"[^\s\",{}\[\]]{6,}")


def value_of_secret(line: str) -> str:
    """Return the part of a line that follows the name of a secret."""
    found = (line[key.end() :] for key in KEY.finditer(line) if is_secret_name(key.group(1)))
    return next(found, "")


@dataclass(frozen=True)
class Broken:
    """Stands for a value that could not be computed, for the reason that `error` tells."""

    error: FileError


class Value:
    """One value; `at` is its offset in the text, `keys` the offsets of an object's keys.

    `end` is the offset after the bracket that closes a list or object that is written out.
    """

    __slots__ = ("at", "data", "end", "keys")

    def __init__(
        self, data: Data, at: int, keys: dict[str, int] | None = None, end: int | None = None
    ) -> None:
        self.data = data
        self.at = at
        self.keys = keys or {}
        self.end = at if end is None else end

    @property
    def members(self) -> dict[str, Value]:
        """Return the data of what is known to be an object."""
        if not isinstance(self.data, dict):
            raise InternalError(f"{kind_of(self.data)} where an object was read")
        return self.data

    @property
    def items(self) -> list[Value]:
        """Return the data of what is known to be a list."""
        if not isinstance(self.data, list):
            raise InternalError(f"{kind_of(self.data)} where a list was read")
        return self.data

    def __repr__(self) -> str:
        return f"Value({plain(self)!r})"


class Source:
    """The text of a file; turns offsets into errors that show the place.

    `errors` are the mistakes that did not end the reading: those of values and of repeated keys.
    """

    def __init__(self, text: str, path: str | Path) -> None:
        self.text = text
        self.path = path
        self.errors: list[FileError] = []

    def note(self, error: FileError) -> Broken:
        """Keep a mistake and return what stands for its value. Raise it if there are too many."""
        for known in self.errors:
            # the body of a loop is read several times
            if (known.line, known.column) == (error.line, error.column):
                return Broken(known)
        if len(self.errors) >= MAX_MISTAKES:
            raise error
        self.errors.append(error)
        return Broken(error)

    def place(self, at: int) -> tuple[int, int]:
        """Return line and column of an offset, both from 1."""
        at = min(max(at, 0), len(self.text))
        line = self.text.count("\n", 0, at) + 1
        return line, at - (self.text.rfind("\n", 0, at) + 1) + 1

    def line_text(self, line: int) -> str:
        """Return the text of a line, without its end."""
        start = 0
        for _ in range(line - 1):
            start = self.text.find("\n", start) + 1
        end = self.text.find("\n", start)
        return self.text[start : end if end >= 0 else None].rstrip("\r")

    def error(self, message: str, at: int, hint: str = "") -> FileError:
        """Return an error that points at an offset; a secret of its line is not shown."""
        line, column = self.place(at)
        text = self.line_text(line)
        secret = value_of_secret(text)
        word = FIRST_WORD.search(secret)
        if secret and (text[column - 1 :] == secret or (word and word.group() in hint)):
            hint = "remove the line; the token comes from DBTCLOUD_TOKEN"
        if word:
            message = message.replace(word.group(), MASK)
        return FileError(
            redact(message),
            path=self.path,
            line=line,
            column=column,
            source=starred(text.replace(secret, LETTER.sub("*", secret)) if secret else text),
            hint=redact(hint) or "see docs/jobs.md for the file format",
        )


class Arithmetic:
    """Operations on constant values; failures are errors at the operator's place."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def error(self, message: str, at: int, hint: str = "") -> FileError:
        """Return an error at an offset."""
        return self.source.error(message, at, hint)

    def number(self, value: Value, at: int) -> Decimal:
        """Return the value as a number; a text that is one is converted."""
        number = as_number(value.data)
        if number is None:
            raise self.error(
                f"{kind_of(value.data)} where a number is needed", at, "write a number"
            )
        return Decimal(number)

    def boolean(self, value: Value, at: int) -> bool:
        """Return the value as true or false; the texts "true" and "false" are converted."""
        boolean = as_boolean(value.data)
        if boolean is None:
            raise self.error(
                f"{kind_of(value.data)} where true or false is needed", at, "write a bool"
            )
        return boolean

    def text(self, value: Value, at: int) -> str:
        """Return the value as part of a text; null, lists and objects are refused."""
        text = as_text(value.data)
        if text is None:
            raise self.error(
                f"{kind_of(value.data)} cannot be part of a text", at, "write the text out"
            )
        return text

    def unary(self, operator: str, operand: Value, at: int) -> Value:
        """Return -operand or !operand."""
        if operator == "!":
            return Value(not self.boolean(operand, at), at)
        return Value(tidy(-self.number(operand, at)), at)

    def binary(self, operator: str, left: Value, right: Value, at: int) -> Value:
        """Return the result of a binary operator."""
        if operator in ("==", "!="):
            return Value(is_equal(left.data, right.data) == (operator == "=="), left.at)
        if operator in ("&&", "||"):
            one, two = self.boolean(left, at), self.boolean(right, at)
            return Value(one and two if operator == "&&" else one or two, left.at)
        one_number, two_number = self.number(left, at), self.number(right, at)
        if operator in COMPARISONS:
            return Value(COMPARISONS[operator](one_number, two_number), left.at)
        return Value(self.calculate(operator, one_number, two_number, at), left.at)

    def calculate(self, operator: str, left: Decimal, right: Decimal, at: int) -> Number:
        """Return an exact result, or refuse."""
        try:
            return tidy(CALCULATIONS[operator](left, right))
        except DecimalException:
            raise self.error(
                f"the result of {operator!r} cannot be written exactly",
                at,
                "write the result instead of the calculation",
            ) from None

    def choose(self, condition: Value, one: Value, two: Value, at: int) -> Value:
        """Return the value of a conditional; both sides are brought to one type."""
        chosen = one if self.boolean(condition, at) else two
        kinds = {shape_of(one.data), shape_of(two.data)} - {"null"}
        if len(kinds) < 2:
            return chosen
        if kinds <= {"a text", "a number"} or kinds <= {"a text", "a bool"}:
            return Value(as_text(chosen.data), chosen.at)
        raise self.error(
            "the two results of this conditional have different types",
            at,
            "write the chosen value instead of the conditional",
        )


COMPARISONS: dict[str, Any] = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}
CALCULATIONS: dict[str, Any] = {
    "+": EXACT.add,
    "-": EXACT.subtract,
    "*": EXACT.multiply,
    "/": EXACT.divide,
    "%": EXACT.remainder,
}


def plain(value: Value) -> Any:
    """Return the value as plain Python data, without places."""
    data = value.data
    if isinstance(data, list):
        return [plain(item) for item in data]
    if isinstance(data, dict):
        return {key: plain(item) for key, item in data.items()}
    return data


def kind_of(data: Data) -> str:
    """Return what kind of value this is, for messages."""
    if data is None:
        return "null"
    if isinstance(data, bool):
        return "a bool"
    if isinstance(data, str):
        return "a text"
    if isinstance(data, list):
        return "a list"
    return "an object" if isinstance(data, dict) else "a number"


def shape_of(data: Data) -> str:
    """Return the type of a value including its members', as comparable text."""
    if isinstance(data, list):
        return "[" + ",".join(shape_of(item.data) for item in data) + "]"
    if isinstance(data, dict):
        members = sorted(f"{key!r}:{shape_of(item.data)}" for key, item in data.items())
        return "{" + ",".join(members) + "}"
    return kind_of(data)


def tidy(number: Decimal) -> Number:
    """Return whole numbers as int."""
    return int(number) if number == number.to_integral_value() else number


def parse_number(text: str) -> Number | None:
    """Return the number a literal stands for; None when its exponent is out of reason."""
    number = Decimal(text)
    if number and abs(number.adjusted()) > MAX_EXPONENT:
        return None
    return tidy(number)


def as_number(data: Data) -> Number | None:
    """Return data as a number the way Terraform converts; None when it cannot be."""
    if isinstance(data, bool):
        return None
    if isinstance(data, int | Decimal):
        return data
    if not isinstance(data, str) or not data.isascii() or data != data.strip() or "_" in data:
        return None
    try:
        return parse_number(data) if data.lower().strip("+-")[:1].isdigit() else None
    except DecimalException:
        return None


def as_boolean(data: Data) -> bool | None:
    """Return data as a bool the way Terraform converts; None when it cannot be."""
    if isinstance(data, bool):
        return data
    return {"true": True, "false": False}.get(data) if isinstance(data, str) else None


def as_text(data: Data) -> str | None:
    """Return data as a text the way Terraform converts; None when it cannot be."""
    if isinstance(data, str):
        return data
    if isinstance(data, bool):
        return "true" if data else "false"
    if isinstance(data, int):
        return str(data)
    return format(data.normalize(), "f") if isinstance(data, Decimal) else None


def is_equal(left: Data, right: Data) -> bool:
    """Return whether two values have the same type and content."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(
            is_equal(one.data, two.data) for one, two in zip(left, right, strict=True)
        )
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(
            is_equal(item.data, right[key].data) for key, item in left.items()
        )
    return kind_of(left) == kind_of(right) and left == right


def normalize_text(text: str) -> str:
    """Return the text in Unicode's composed form, as Terraform stores it."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)
