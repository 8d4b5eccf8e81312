"""What stands on changed models: built again without dbt, with its contracts and data tests."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb


def _module(name: str, code: str) -> Any:
    """Return a model in Python as a module; its dataclasses look for it among the others."""
    module = ModuleType(name)
    sys.modules[name] = module
    exec(code, module.__dict__)
    return module


class _Warehouse:
    """What a dbt model in Python asks of dbt."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def config(self, **_: Any) -> None:
        """Take what is said of how the model is stored."""

    def ref(self, name: str) -> Any:
        """Return the rows of a model."""
        return self.connection.sql(f"select * from wh.built.{name}")


class Descendants:
    """The compiled SQL of a build, to be run without dbt."""

    def __init__(self, base: Path) -> None:
        self.base = base
        target = base / "target"
        manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
        results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
        nodes = manifest["nodes"]
        # as dbt ran them: each after those it stands on
        self.ran = [
            (nodes[one["unique_id"]], one["compiled_code"])
            for one in results
            if one["unique_id"] in nodes and one["compiled_code"]
        ]
        self.contracts = {
            node["name"]
            for node, _ in self.ran
            if node["resource_type"] == "model" and node["config"]["contract"]["enforced"]
        }

    def first_failure(self, path: Path, changed: list[str]) -> tuple[tuple[str, str] | None, bool]:
        """Build what stands on changed models; return what fails first, and at what.

        A model that cannot be built or whose types its contract does not allow ("build"), or a
        "data test" that finds a row.

        And whether any model holds other rows than before.

        Where a changed model holds the same rows as before, nothing that stands on it can differ.
        """
        connection = duckdb.connect(str(path))
        try:
            connection.execute("set threads = 2")
            connection.execute(f"attach '{self.base / 'raw.duckdb'}' as raw (read_only)")
            connection.execute(f"attach '{self.base / 'wh.duckdb'}' as before (read_only)")
            different = {name for name in changed if self._differs(connection, name)}
            return next(self._failures(connection, different), None), bool(different)
        finally:
            connection.close()

    def _failures(self, connection: Any, different: set[str]) -> Iterator[tuple[str, str]]:
        for node, sql in self.ran:
            parents = {name.split(".")[2] for name in node["depends_on"]["nodes"]}
            if not parents & different:
                continue
            if node["resource_type"] == "model" and node["name"] not in different:
                is_built = self._is_built(connection, node, sql)
                if not is_built or self._is_of_other_types(connection, node["name"]):
                    yield "build", node["name"]
                    return
                if self._differs(connection, node["name"]):
                    different.add(node["name"])
            elif node["resource_type"] == "test" and self._finds_rows(connection, sql):
                yield "data test", node["name"]

    def _is_built(self, connection: Any, node: dict[str, Any], sql: str) -> bool:
        """Make a model's table or view anew; a model in Python is trained as dbt would."""
        kind = "view" if node["config"]["materialized"] == "view" else "table"
        try:
            if node["language"] == "python":
                model = _module(node["name"], node["raw_code"]).model
                connection.register("trained", model(_Warehouse(connection), None))
                sql = "select * from trained"
            connection.execute(f"create or replace {kind} {node['relation_name']} as {sql}")
        except (duckdb.Error, LookupError, TypeError, ValueError):
            return False
        return True

    def _finds_rows(self, connection: Any, sql: str) -> bool:
        """Tell whether a data test fails: it finds rows, or cannot be run any more."""
        try:
            (count,) = connection.execute(f"select count(*) from ({sql})").fetchone()
        except duckdb.Error:
            return True
        return bool(count)

    def _differs(self, connection: Any, name: str) -> bool:
        """Tell whether a model holds other rows than before."""
        query = "select count(*), sum(hash(t)) from {}.built.{} as t"
        now, before = (
            connection.execute(query.format(place, name)).fetchone() for place in ("wh", "before")
        )
        return bool(now != before)

    def _is_of_other_types(self, connection: Any, name: str) -> bool:
        """Tell whether a column has another type than before, and the contract forbids it."""
        if name not in self.contracts:
            return False
        query = "select column_name, column_type from (describe {}.built.{})"
        now, before = (
            connection.execute(query.format(place, name)).fetchall() for place in ("wh", "before")
        )
        return bool(now != before)
