"""What is compared: the selected models, each with its place in production and its key.

Out of two manifests of dbt: that of the run, and that of the run that it is deferred to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marketing_analytics.local_cloud.runs.artifacts import part_in


@dataclass(frozen=True)
class Compared:
    """A model; `after` and `before` are database, schema and identifier, `key` names columns.

    `event_time` is the column of the time that a row is of, "" where the model names none.
    """

    unique_id: str
    name: str
    after: dict[str, str]
    before: dict[str, str] | None
    key: list[str]
    event_time: str = ""

    def asked(self) -> dict[str, Any]:
        """Return the model as the macro takes it."""
        own = {"unique_id": self.unique_id, "key": self.key, "event_time": self.event_time}
        return {**own, "after": self.after, "before": self.before}


def read_nodes(manifest: Path) -> dict[str, dict[str, Any]]:
    """Return the nodes of a manifest by unique id, {} for one that cannot be read."""
    return part_in(manifest, "nodes") or {}


def compared_models(
    unique_ids: Iterable[str],
    own: Mapping[str, Mapping[str, Any]],
    others: Mapping[str, Mapping[str, Any]],
) -> list[Compared]:
    """Return the models that have a relation, in the order of their names."""
    found = []
    for unique_id in unique_ids:
        node = own.get(unique_id) or {}
        if not node.get("relation_name"):
            continue
        other = others.get(unique_id) or {}
        before = place_of(other) if other.get("relation_name") else None
        event_time = str((node.get("config") or {}).get("event_time") or "")
        own_place, key = place_of(node), key_of(node)
        found.append(Compared(unique_id, str(node["name"]), own_place, before, key, event_time))
    return sorted(found, key=lambda one: (one.name, one.unique_id))


def place_of(node: Mapping[str, Any]) -> dict[str, str]:
    """Return where a node builds."""
    names = {"database": "database", "schema": "schema", "alias": "identifier"}
    return {ours: str(node[theirs]) for theirs, ours in names.items() if node.get(theirs)}


def key_of(node: Mapping[str, Any]) -> list[str]:
    """Return the primary key of a model: its unique_key, else the one that dbt infers.

    dbt takes a constraint, columns with the tests unique and not_null, then those with one of them.
    """
    given = (node.get("config") or {}).get("unique_key")
    if isinstance(given, str) and given:
        return [given]
    if isinstance(given, list) and given:
        return [str(name) for name in given]
    return [str(name) for name in node.get("primary_key") or []]
