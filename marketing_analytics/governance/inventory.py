"""The map of personal data: from every raw column to every column that is made of it.

dbt's manifest says which models read which; sqlglot says, model by model, which columns a column
is made of. Where it cannot, a column of the same name in a parent is taken, and that is said.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marketing_analytics.core.errors import UserError, reason_of
from marketing_analytics.governance.traces.person import declared

# a node and one of its columns
Column = tuple[str, str]


@dataclass(frozen=True)
class Step:
    """A column of a model, what it is made of, and whether only names say so."""

    made_of: tuple[Column, ...]
    is_by_name: bool = False


@dataclass(frozen=True)
class Line:
    """One way from a raw column to a personal column of a model."""

    source: str
    column: str
    kind: str
    purpose: str
    is_by_name: bool

    def as_json(self) -> dict[str, Any]:
        """Return the form of the `--json` output."""
        return dict(vars(self))


def read_manifest(target: Path) -> dict[str, Any]:
    """Return dbt's manifest with compiled models. Raise UserError without one."""
    path = target / "manifest.json"
    try:
        manifest: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"cannot read {path}: {reason_of(error)}",
            hint="run `dbt compile` in the project first, or name its folder with --target",
        ) from None
    except ValueError:
        raise UserError(f"{path} is no JSON", hint="run `dbt compile` again") from None
    if not any(node.get("compiled_code") for node in manifest.get("nodes", {}).values()):
        raise UserError(f"{path} holds no compiled model", hint="run `dbt compile` first")
    return manifest


def personal_of(node: Mapping[str, Any], column: str) -> Mapping[str, Any]:
    """Return the tag of a column, empty where it has none."""
    described = node["columns"].get(column) or {}
    meta = (described.get("config") or {}).get("meta") or described.get("meta") or {}
    tag: Mapping[str, Any] = meta.get("personal") or {}
    return tag


def inventory(manifest: Mapping[str, Any]) -> list[Line]:
    """Return every tagged column of a model with the raw columns that it is made of."""
    nodes = {
        **{name: node for name, node in manifest["nodes"].items() if is_table(node)},
        **manifest["sources"],
    }
    trace = Trace(nodes, manifest["metadata"].get("adapter_type") or "duckdb")
    lines = set()
    for name, node in nodes.items():
        if node["resource_type"] != "model":
            continue
        for column in node["columns"]:
            if tag := personal_of(node, column):
                for (source, made_of), is_by_name in trace.origins((name, column)).items():
                    lines.add(
                        Line(
                            f"{shown(nodes[source])}.{made_of}",
                            f"{shown(node)}.{column}",
                            str(tag.get("kind", "")),
                            str(tag.get("purpose", "")),
                            is_by_name,
                        )
                    )
    return sorted(lines, key=lambda line: (line.source, line.column))


def is_table(node: Mapping[str, Any]) -> bool:
    """Return whether a node of the manifest is something that models read."""
    return node["resource_type"] in {"model", "seed", "snapshot"}


def shown(node: Mapping[str, Any]) -> str:
    """Return a node's name for people."""
    if node["resource_type"] == "source":
        return f"{node['source_name']}.{node['name']}"
    return str(node["name"])


class Trace:
    """Follows columns of nodes back to raw ones."""

    def __init__(self, nodes: Mapping[str, Any], dialect: str) -> None:
        self.nodes = nodes
        self.dialect = dialect
        self.by_place = {place_of(node): name for name, node in nodes.items()}
        self.declared = declared()
        self.scopes: dict[str, Any] = {}
        self.known: dict[Column, dict[Column, bool]] = {}

    def origins(self, column: Column) -> dict[Column, bool]:
        """Return the raw columns that one is made of, and whether only names say so."""
        if column not in self.known:
            self.known[column] = {}
            name = column[0]
            if self.nodes[name]["resource_type"] == "source":
                self.known[column] = {column: False}
            elif self.nodes[name]["resource_type"] == "model":
                self.known[column] = self._through(self.step(column))
        return self.known[column]

    def _through(self, step: Step) -> dict[Column, bool]:
        found: dict[Column, bool] = {}
        for parent in step.made_of:
            for origin, is_by_name in self.origins(parent).items():
                found[origin] = found.get(origin, True) and (is_by_name or step.is_by_name)
        return found

    def step(self, column: Column) -> Step:
        """Return the columns of the parents that a column of a model is made of."""
        from sqlglot.errors import SqlglotError

        try:
            return Step(tuple(dict.fromkeys(self._read(column))))
        except (SqlglotError, ValueError, KeyError, RecursionError):
            parents = self.nodes[column[0]]["depends_on"]["nodes"]
            same = [(one, column[1]) for one in parents if column[1] in self._columns(one)]
            return Step(tuple(same), is_by_name=True)

    def _columns(self, name: str) -> Mapping[str, Any]:
        """Return the columns of a node; of a raw table all that ingestion declares."""
        node = self.nodes.get(name) or {"columns": {}, "resource_type": ""}
        if node["resource_type"] == "source":
            table = self.declared.get((node["source_name"], node["name"]))
            if table:
                return dict(table.stored.columns) | {"_loaded_at": ""}
        columns: Mapping[str, Any] = node["columns"]
        return columns

    def _read(self, column: Column) -> Iterator[Column]:
        from sqlglot import exp
        from sqlglot.lineage import lineage

        name, own = column
        scope = self._scope(name)
        for node in lineage(own, scope.expression, dialect=self.dialect, scope=scope).walk():
            if isinstance(node.expression, exp.Table) and not node.downstream:
                table = node.expression
                place = (table.db.lower(), table.name.lower())
                if node.name.endswith("*"):
                    raise ValueError(f"the columns of {table.name} are not known")
                if place in self.by_place:
                    yield self.by_place[place], node.name.rpartition(".")[2].strip('"').lower()

    def _scope(self, name: str) -> Any:
        """Return the compiled SQL of a model with every `*` written out."""
        if name not in self.scopes:
            from sqlglot import exp, parse_one
            from sqlglot.optimizer.qualify import qualify
            from sqlglot.optimizer.scope import build_scope

            parsed = parse_one(self.nodes[name]["compiled_code"], dialect=self.dialect)
            schema: dict[str, Any] = {}
            for parent in self.nodes[name]["depends_on"]["nodes"]:
                if parent in self.nodes and self._columns(parent):
                    tables = schema.setdefault(self.nodes[parent]["schema"], {})
                    columns = dict.fromkeys(self._columns(parent), "varchar")
                    tables[place_of(self.nodes[parent])[1]] = columns
            for table in parsed.find_all(exp.Table):
                table.set("catalog", None)
            self.scopes[name] = build_scope(
                qualify(
                    parsed,
                    dialect=self.dialect,
                    schema=schema,
                    validate_qualify_columns=False,
                    identify=False,
                )
            )
        return self.scopes[name]


def place_of(node: Mapping[str, Any]) -> tuple[str, str]:
    """Return schema and table of a node."""
    name = node.get("identifier") or node.get("alias") or node["name"]
    return str(node["schema"]).lower(), str(name).lower()
