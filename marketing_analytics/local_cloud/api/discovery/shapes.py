"""Artifacts kept to the shapes that dbt gives them.

A model in Python can leave anything under their names; what has another shape is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Part = Mapping[str, Any]


def is_part(value: Any) -> bool:
    """Return whether a value is an object."""
    return isinstance(value, dict)


def is_table(value: Any) -> bool:
    """Return whether a value is an object of objects."""
    return isinstance(value, dict) and all(isinstance(item, dict) for item in value.values())


def is_parts(value: Any) -> bool:
    """Return whether a value is a list of objects."""
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def is_texts(value: Any) -> bool:
    """Return whether a value is a list of texts."""
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


# fields of resources, results and tables that more is read of than the value itself
SHAPES: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("config", "contract", "depends_on", "expect", "meta", "metadata"), is_part),
    **dict.fromkeys(("owner", "test_metadata"), is_part),
    **dict.fromkeys(("columns", "stats"), is_table),
    **dict.fromkeys(("arguments", "constraints", "given", "timing"), is_parts),
    **dict.fromkeys(("dimensions", "entities", "measures"), is_parts),
    **dict.fromkeys(("fqn", "nodes", "tags"), is_texts),
    "name": lambda value: isinstance(value, str),
    "rows": lambda value: isinstance(value, list | str),
}
NESTED = ("config", "depends_on")


def tidy(part: Part) -> Part:
    """Return a resource, result or table without the fields that have another shape."""
    kept = {
        name: value
        for name, value in part.items()
        if value is None or name not in SHAPES or SHAPES[name](value)
    }
    for name in NESTED:
        if kept.get(name):
            kept[name] = tidy(kept[name])
    if kept.get("given"):
        kept["given"] = [tidy(one) for one in kept["given"]]
    return kept


def part_of(value: Any) -> Part:
    """Return an object, {} for what is none."""
    return value if isinstance(value, dict) else {}


def table_of(value: Any) -> dict[str, Part]:
    """Return the objects of an object, tidy."""
    found = part_of(value).items()
    return {name: tidy(item) for name, item in found if isinstance(item, dict)}


def parts_of(value: Any) -> list[Part]:
    """Return the objects of a list, tidy."""
    found = value if isinstance(value, list) else []
    return [tidy(item) for item in found if isinstance(item, dict)]
