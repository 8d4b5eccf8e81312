"""`for` expressions over constant lists and objects; the body is read again per element."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from marketing_analytics.jobs.tfvars.values import Broken, Value, kind_of

if TYPE_CHECKING:
    from marketing_analytics.jobs.tfvars.reader import Parser

MAX_ITERATIONS = 10_000


def object_for(parser: Parser, at: int) -> Value:
    """Read `{for k, v in x : key => value}`; newlines mean nothing inside."""
    parser.skips_newlines = True
    found: dict[str, Value] = {}
    for key, item in for_body(parser, "}"):
        assert key is not None  # noqa: S101
        if isinstance(key.data, Broken):
            continue
        name = parser.arithmetic.text(key, key.at)
        if name in found:
            message = f'the key "{name}" comes twice'
            parser.source.note(parser.error(message, key.at, "write the object out"))
        found[name] = item
    return Value(found, at, dict.fromkeys(found, at))


def for_body(parser: Parser, close: str) -> Iterator[tuple[Value | None, Value]]:
    """Yield key and value per element, reading the body again for each of them."""
    start = parser.at
    names, elements = for_header(parser)
    if not elements:
        raise parser.error("the collection is empty", start, "write the value out")
    body, outer = parser.at, parser.scope
    for element in elements:
        parser.iterations += 1
        if parser.iterations > MAX_ITERATIONS:
            raise parser.error("too many iterations", start, "write the value out")
        parser.at = body
        parser.scope = outer | dict(zip(names, element[-len(names) :], strict=True))
        entry = for_entry(parser, close)
        if entry:
            yield entry
    parser.scope = outer


def for_header(parser: Parser) -> tuple[list[str], list[tuple[Value, Value]]]:
    """Read `for k, v in collection :`."""
    parser.at += len("for")
    names: list[str] = []
    while len(names) < 2:
        parser.skip()
        names.append(parser.member_name())
        if not parser.takes(","):
            break
    parser.skip()
    if parser.name() != "in":
        raise parser.error("'in' is expected here", hint="write for x in list : x")
    collection = parser.expression()
    if not parser.takes(":"):
        raise parser.error("':' is expected here", hint="write for x in list : x")
    return names, elements(parser, collection)


def elements(parser: Parser, collection: Value) -> list[tuple[Value, Value]]:
    """Return (key, value) of each element; objects go by key order."""
    data = collection.data
    if isinstance(data, list):
        return [(Value(index, item.at), item) for index, item in enumerate(data)]
    if isinstance(data, dict):
        return [(Value(key, item.at), item) for key, item in sorted(data.items())]
    if not isinstance(data, Broken):
        message = f"cannot go through {kind_of(data)}"
        hint = "give a list or object"
        data = parser.source.note(parser.error(message, collection.at, hint))
    # the body is read once, for its own mistakes
    return [(Value(data, collection.at), Value(data, collection.at))]


def for_entry(parser: Parser, close: str) -> tuple[Value | None, Value] | None:
    """Read one body with its condition; None when the condition is false."""
    key: Value | None = None
    value = parser.expression()
    if close == "}":
        if not parser.takes("=>"):
            raise parser.error("'=>' is expected here", hint="write key => value")
        key, value = value, parser.expression()
    is_wanted = True
    parser.skip()
    if parser.next_name() == "if" and parser.name():
        condition = parser.expression()
        is_wanted = not isinstance(condition.data, Broken) and parser.arithmetic.boolean(
            condition, parser.at
        )
    if not parser.takes(close):
        raise parser.error(f"{close!r} is expected here", hint="grouping with ... is not supported")
    return (key, value) if is_wanted else None
