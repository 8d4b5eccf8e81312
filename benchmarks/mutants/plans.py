"""Do two queries mean the same? Only where the engine itself finds so.

An outer join whose rows without a partner are dropped later on is an inner join to the engine's
optimiser. What it does not infer by itself is said to it: a comparison in the condition of a join
is never true of a null.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

# what looks at the rows that are there: other rows would make it another query
LOOKING = ("statistics_propagation", "empty_result_pullup", "compressed_materialization")

ESTIMATES = {"Estimated Cardinality"}


def are_planned_alike(warehouse: Path, raw: Path, pairs: list[tuple[str, str]]) -> bool:
    """Tell whether the engine means to do the same for both queries of every pair.

    A plan does not say of which table a column is: only queries that read the same columns of the
    same tables can be compared.
    """
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(f"attach '{raw}' as raw (read_only)")
        connection.execute("set explain_output = 'optimized_only'")
        connection.execute(f"set disabled_optimizers = '{','.join(LOOKING)}'")
        try:
            return all(_plan(connection, one) == _plan(connection, other) for one, other in pairs)
        except (duckdb.Error, sqlglot.ParseError):
            return False


def _plan(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    (row,) = connection.execute(f"explain (format json) {without_nulls(sql)}").fetchall()
    return _ordered(json.loads(row[1]))


def _ordered(plan: Any) -> Any:
    """Return a plan without estimates, the conditions of a join in one order: it is by chance."""
    if isinstance(plan, list):
        return [_ordered(part) for part in plan]
    if isinstance(plan, dict):
        parts = {key: _ordered(part) for key, part in plan.items() if key not in ESTIMATES}
        if isinstance(parts.get("Conditions"), list):
            parts["Conditions"].sort()
        return parts
    return plan


def without_nulls(sql: str) -> str:
    """Return a query of the same meaning that says where a join cannot find a null.

    It keeps no common table apart, so that a condition reaches as far as it can.
    """
    query = sqlglot.parse_one(sql, read="duckdb")
    for table in query.find_all(exp.CTE):
        table.set("materialized", False)
    for join in query.find_all(exp.Join):
        condition = join.args.get("on")
        if condition is not None:
            parts = list(condition.flatten()) if isinstance(condition, exp.And) else [condition]
            join.set("on", exp.and_(*parts, *_not_null(parts)))
    return query.sql(dialect="duckdb")


def _not_null(parts: list[exp.Expr]) -> list[exp.Expr]:
    """Return that the columns which the condition compares are not null."""
    compared = [
        side
        for part in parts
        if isinstance(part, (exp.EQ, exp.GT, exp.GTE, exp.LT, exp.LTE))
        for side in (part.this, part.expression)
        if isinstance(side, exp.Column)
    ]
    return [exp.not_(exp.Is(this=column.copy(), expression=exp.null())) for column in compared]
