"""What every column of the intermediate models and marts holds over the small world, as recorded.

`python tests/transform/figures.py` records it anew: the difference shows a reviewer which columns
of which models a change of the SQL has moved. That figures are right is held by other tests.
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from itertools import chain
from pathlib import Path

from small_warehouse import SCHEMA, Warehouse

RECORDED = Path(__file__).with_name("figures.csv")
NAMES = ("model", "column", "type", "filled", "distinct", "checksum")
Figures = dict[tuple[str, str], tuple[str, ...]]
KEY_COLUMNS = 4
AT_ONCE = 40
# the times of loading and fitting are those of the test
NOT_OF_THE_WORLD = ("loaded_at", "fitted_at", "trained_at", "signature")


def recorded() -> Figures:
    """Return the figures as they were recorded."""
    with RECORDED.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {(row["model"], row["column"]): tuple(row[name] for name in NAMES[2:]) for row in rows}


def figures(warehouse: Warehouse) -> Figures:
    """Return the figures of a warehouse.

    A checksum holds each value together with the first columns of its row, which identify it, so
    that values that change places are seen. Another version of DuckDB may hash otherwise: record
    anew.
    """
    columns: dict[str, list[tuple[str, str]]] = {model: [] for model in models(warehouse)}
    for model, name, kind in warehouse.query(
        "select table_name, column_name, data_type from information_schema.columns"
        f" where table_schema = '{SCHEMA}' order by table_name, ordinal_position"
    ):
        if model in columns and name not in NOT_OF_THE_WORLD:
            columns[model].append((name, kind))
    queries = [of_model(model, kept) for model, kept in columns.items()]
    found: Figures = {}
    # DuckDB stands still on a union of all of them, views of views among them
    parts = [queries[start : start + AT_ONCE] for start in range(0, len(queries), AT_ONCE)]
    rows_of_parts = (warehouse.query(" union all ".join(part)) for part in parts)
    for model, rows, cells in chain.from_iterable(rows_of_parts):
        found[model, "*"] = ("", str(rows), "", "")
        for place, (name, kind) in enumerate(columns[model]):
            filled, distinct, checksum = cells[3 * place : 3 * place + 3]
            found[model, name] = (kind, filled, distinct, checksum or "")
    return dict(sorted(found.items()))


def models(warehouse: Warehouse) -> list[str]:
    """Return the names of the intermediate models and marts."""
    nodes = json.loads((warehouse.target / "manifest.json").read_text())["nodes"].values()
    return sorted(
        node["name"]
        for node in nodes
        if node["resource_type"] == "model" and node["fqn"][1] != "staging"
    )


def of_model(model: str, columns: list[tuple[str, str]]) -> str:
    """Return the query of the figures of a model."""
    key = " || '|' || ".join(as_text(*column) for column in columns[:KEY_COLUMNS])
    cells = []
    for name, kind in columns:
        text = as_text(name, kind)
        checksum = f"sum(hash(row_key, {text}) % 1000000007) % 1000000007"
        cells += [f"count({name})", f"count(distinct {text})", checksum]
    texts = ", ".join(f"cast({cell} as varchar)" for cell in cells)
    rows = f"(select *, {key} as row_key from {model})"
    return f"select '{model}', count(*), [{texts}] from {rows}"


def as_text(name: str, kind: str) -> str:
    """Return a value as text; of doubles what no order of adding up changes."""
    # a little more, so that no half decides; no zero below zero
    value = f"round({name} + 3e-8, 6) + 0" if kind == "DOUBLE" else name
    return f"coalesce(cast({value} as varchar), '~')"


def record(warehouse: Warehouse) -> None:
    """Write the figures of a warehouse."""
    with RECORDED.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(NAMES)
        writer.writerows((*key, *value) for key, value in figures(warehouse).items())


if __name__ == "__main__":
    from raw_tables import small_world
    from small_warehouse import make_warehouse

    with tempfile.TemporaryDirectory() as folder:
        made = make_warehouse(Path(folder), small_world(seed=1))
        built = made.run_dbt("build", "--resource-type", "seed", "--resource-type", "model")
        if built.returncode:
            sys.exit(built.stdout[-3000:])
        record(made)
