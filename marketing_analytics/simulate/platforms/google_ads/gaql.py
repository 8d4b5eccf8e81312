"""A parser for GAQL, the query language of Google Ads.

SELECT fields FROM resource [WHERE condition AND ...] [ORDER BY field [ASC|DESC], ...] [LIMIT n]
[PARAMETERS name = value, ...]. What a field is, and which fit together, is decided in `fields`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

T = TypeVar("T")
TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\")"
    r"|(?P<word>[A-Za-z_][\w.]*|[+-]?\d[\w.:-]*)"
    r"|(?P<sign>!=|>=|<=|=|>|<|,|\(|\)|;))"
)
FIELD = re.compile(r"[a-z][a-z_0-9]*(\.[a-z_0-9]+)+")
SIGNS = ("=", "!=", ">", ">=", "<", "<=")
LISTS = ("IN", "NOT IN", "CONTAINS ANY", "CONTAINS ALL", "CONTAINS NONE")
TEXTS = ("LIKE", "NOT LIKE", "REGEXP_MATCH", "NOT REGEXP_MATCH")
PARAMETERS = ("include_drafts", "omit_unselected_resource_names")
ONE_DAY = timedelta(days=1)


class GaqlError(Exception):
    """A query that is refused; `name` is the error of the API, of the given kind."""

    def __init__(self, name: str, message: str, kind: str = "queryError") -> None:
        super().__init__(message)
        self.name = name
        self.message = message
        self.kind = kind


@dataclass(frozen=True)
class Token:
    """A word, a sign, or a text in quotes."""

    value: str
    is_text: bool = False

    @property
    def upper(self) -> str:
        """Return the keyword that a bare word may be; texts are none."""
        return "" if self.is_text else self.value.upper()


@dataclass(frozen=True)
class Condition:
    """One condition of WHERE; lists and BETWEEN have several values."""

    field: str
    operator: str
    values: tuple[Token, ...]


@dataclass(frozen=True)
class Query:
    """A parsed query."""

    fields: tuple[str, ...]
    resource: str
    conditions: tuple[Condition, ...]
    order_by: tuple[tuple[str, bool], ...]
    limit: int | None
    parameters: dict[str, str]

    @property
    def all_fields(self) -> set[str]:
        """Return every field the query names."""
        named = {c.field for c in self.conditions} | {field for field, _ in self.order_by}
        return named | set(self.fields)


def tokens_of(text: str) -> list[Token]:
    """Return the tokens of a query. Raise GaqlError."""
    found, at = [], 0
    while text[at:].strip():
        match = TOKEN.match(text, at)
        if match is None:
            rest = text[at:].strip()
            if rest[0] in "'\"":
                raise GaqlError("STRING_NOT_TERMINATED", f"Error in query: unterminated {rest}.")
            raise GaqlError("UNEXPECTED_INPUT", f"Error in query: unexpected input {rest[0]}.")
        if match["text"]:
            found.append(Token(re.sub(r"\\(.)", r"\1", match["text"][1:-1]), is_text=True))
        else:
            found.append(Token(match["word"] or match["sign"]))
        at = match.end()
    return found


class Parser:
    """Reads tokens from left to right."""

    def __init__(self, text: str, today: date) -> None:
        self.tokens = tokens_of(text)
        self.today = today
        self.at = 0

    def query(self) -> Query:
        """Return the query. Raise GaqlError."""
        self.expect("SELECT", "EXPECTED_SELECT")
        fields = self.several(self.field)
        self.expect("FROM", "EXPECTED_FROM")
        resource = self.next().value
        conditions = self.where() if self.takes("WHERE") else ()
        order_by: tuple[tuple[str, bool], ...] = ()
        if self.takes("ORDER"):
            self.expect("BY", "EXPECTED_BY")
            order_by = tuple(self.several(self.order))
        limit = self.limit() if self.takes("LIMIT") else None
        parameters = dict(self.several(self.parameter)) if self.takes("PARAMETERS") else {}
        self.takes(";")
        if self.at < len(self.tokens):
            raise unexpected(self.peek())
        return Query(tuple(fields), resource, conditions, order_by, limit, parameters)

    def peek(self) -> Token:
        """Return the next token, an empty one at the end."""
        return self.tokens[self.at] if self.at < len(self.tokens) else Token("")

    def next(self) -> Token:
        """Return the next token and move on. Raise GaqlError at the end."""
        if self.at >= len(self.tokens):
            raise GaqlError("UNEXPECTED_END_OF_QUERY", "Error in query: unexpected end of query.")
        self.at += 1
        return self.tokens[self.at - 1]

    def takes(self, *words: str) -> bool:
        """Return whether these words come next, and move behind them."""
        found = [token.upper for token in self.tokens[self.at : self.at + len(words)]]
        if found != list(words):
            return False
        self.at += len(words)
        return True

    def expect(self, word: str, name: str) -> None:
        """Move behind a word. Raise GaqlError where it is missing."""
        if not self.takes(word):
            raise GaqlError(name, f"Error in query: expected {word}, found '{self.peek().value}'.")

    def several(self, read: Callable[[], T]) -> list[T]:
        """Return what is read between commas."""
        found = [read()]
        while self.takes(","):
            found.append(read())
        return found

    def field(self) -> str:
        """Return the name of a field."""
        token = self.next()
        if token.is_text or not FIELD.fullmatch(token.value):
            raise unexpected(token, "BAD_FIELD_NAME")
        return token.value

    def where(self) -> tuple[Condition, ...]:
        """Return the conditions."""
        found = [self.condition()]
        while self.takes("AND"):
            found.append(self.condition())
        if self.peek().upper not in {"", "ORDER", "LIMIT", "PARAMETERS", ";"}:
            raise unexpected(self.peek(), "EXPECTED_AND")
        return tuple(found)

    def condition(self) -> Condition:
        """Return one condition."""
        field, operator = self.field(), self.operator()
        if operator in {"IS NULL", "IS NOT NULL"}:
            return Condition(field, operator, ())
        if operator == "DURING":
            start, end = self.period()
            return Condition(field, "BETWEEN", (Token(str(start), True), Token(str(end), True)))
        if operator == "BETWEEN":
            low = self.value()
            self.expect("AND", "EXPECTED_VALUE_WITH_BETWEEN_OPERATOR")
            return Condition(field, operator, (low, self.value()))
        if operator in LISTS:
            return Condition(field, operator, self.values())
        if self.peek().value == "(" and not self.peek().is_text:
            raise GaqlError("EXPECTED_SINGLE_VALUE", f"{operator} takes a single value.")
        return Condition(field, operator, (self.value(),))

    def operator(self) -> str:
        """Return an operator in capitals, with single spaces."""
        for name in (*LISTS, *TEXTS, "IS NOT NULL", "IS NULL", "BETWEEN", "DURING"):
            if self.takes(*name.split()):
                return name
        token = self.next()
        if token.is_text or token.value not in SIGNS:
            raise unexpected(token, "BAD_OPERATOR")
        return token.value

    def value(self) -> Token:
        """Return a literal."""
        token = self.next()
        if not token.is_text and token.value in {*SIGNS, ",", "(", ")", ";"}:
            raise unexpected(token, "BAD_VALUE")
        return token

    def values(self) -> tuple[Token, ...]:
        """Return the literals of a list."""
        if not self.takes("("):
            raise GaqlError("EXPECTED_LIST", f"Expected a list, found '{self.peek().value}'.")
        if self.takes(")"):
            raise GaqlError("PROHIBITED_EMPTY_LIST_IN_CONDITION", "The list of values is empty.")
        found = self.several(self.value)
        self.expect(")", "EXPECTED_LIST")
        return tuple(found)

    def period(self) -> tuple[date, date]:
        """Return the days of a named period, as the customer sees them today."""
        token = self.next()
        found = periods(self.today).get(token.upper)
        if found is None:
            message = f"Invalid date range for the DURING operator: {token.value}."
            raise GaqlError("INVALID_VALUE_WITH_DURING_OPERATOR", message)
        return found

    def order(self) -> tuple[str, bool]:
        """Return a field and whether it goes down."""
        field = self.field()
        if self.takes("DESC"):
            return field, True
        self.takes("ASC")
        return field, False

    def limit(self) -> int:
        """Return the number of rows asked for."""
        token = self.next()
        if token.is_text or not re.fullmatch(r"[+-]?\d+", token.value):
            raise GaqlError("BAD_LIMIT_VALUE", f"Invalid LIMIT: {token.value}.")
        if int(token.value) < 1:
            raise GaqlError("LIMIT_VALUE_TOO_LOW", f"LIMIT is too low: {token.value}.")
        return int(token.value)

    def parameter(self) -> tuple[str, str]:
        """Return a parameter and its value."""
        name = self.next()
        if name.is_text or name.value not in PARAMETERS:
            raise GaqlError("BAD_PARAMETER_NAME", f"Unknown parameter: {name.value}.")
        self.expect("=", "UNEXPECTED_INPUT")
        value = self.next()
        if value.value.lower() not in {"true", "false"}:
            raise GaqlError("BAD_PARAMETER_VALUE", f"{name.value} cannot be {value.value}.")
        return name.value, value.value.lower()


def unexpected(token: Token, name: str = "UNEXPECTED_INPUT") -> GaqlError:
    """Return the error of a token that cannot stand where it does."""
    return GaqlError(name, f"Error in query: unexpected input {token.value}.")


def periods(today: date) -> dict[str, tuple[date, date]]:
    """Return the periods that DURING knows."""
    yesterday = today - ONE_DAY
    first = today.replace(day=1)
    monday = today - ONE_DAY * today.weekday()
    sunday = today - ONE_DAY * ((today.weekday() + 1) % 7)
    return {
        "TODAY": (today, today),
        "YESTERDAY": (yesterday, yesterday),
        "LAST_7_DAYS": (today - ONE_DAY * 7, yesterday),
        "LAST_14_DAYS": (today - ONE_DAY * 14, yesterday),
        "LAST_30_DAYS": (today - ONE_DAY * 30, yesterday),
        "LAST_BUSINESS_WEEK": (monday - ONE_DAY * 7, monday - ONE_DAY * 3),
        "LAST_MONTH": ((first - ONE_DAY).replace(day=1), first - ONE_DAY),
        "LAST_WEEK_MON_SUN": (monday - ONE_DAY * 7, monday - ONE_DAY),
        "LAST_WEEK_SUN_SAT": (sunday - ONE_DAY * 7, sunday - ONE_DAY),
        "THIS_MONTH": (first, today),
        "THIS_WEEK_MON_TODAY": (monday, today),
        "THIS_WEEK_SUN_TODAY": (sunday, today),
    }


def parse_query(text: str, today: date) -> Query:
    """Return the query of a text. Raise GaqlError."""
    return Parser(text, today).query()
