"""What every column of the intermediate models and marts holds over the small world, as recorded.

`python tests/transform/figures.py` records it anew: the difference shows a reviewer which columns of
which models a change of the SQL has moved. That figures are right is held by other tests.
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from small_warehouse import SCHEMA, Warehouse

RECORDED = Path(__file__).with_name("figures.csv")
NAMES = ("model", "column", "type", "filled", "distinct", "checksum")
Figures = dict[tuple[str, str], tuple[str, ...]]
KEY_COLUMNS = 4
# the time of loading is that of the test
NOT_OF_THE_WORLD = ("loaded_at", "signature")


def recorded() -> Figures:
    """Return the figures as they were recorded."""
    with RECORDED.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        (row["model"], row["column"]): tuple(row[name] for name in NAMES[2:]) for row in rows
    }


def figures(warehouse: Warehouse) -> Figures:
    """Return the figures of a warehouse."""
    return {row[:2]: row[2:] for model in models(warehouse) for row in of_model(warehouse, model)}


def models(warehouse: Warehouse) -> list[str]:
    """Return the names of the intermediate models and marts."""
    nodes = json.loads((warehouse.target / "manifest.json").read_text())["nodes"].values()
    return sorted(
        node["name"]
        for node in nodes
        if node["resource_type"] == "model" and node["fqn"][1] != "staging"
    )


def of_model(warehouse: Warehouse, model: str) -> Iterator[tuple[str, ...]]:
    """Return the figures of a model.

    The checksum holds each value together with the first columns of its row, which identify it, so
    that values that change places are seen.
    """
    columns = warehouse.query(
        "select column_name, data_type from information_schema.columns"
        f" where table_schema = '{SCHEMA}' and table_name = '{model}' order by ordinal_position"
    )
    kept = [(name, kind) for name, kind in columns if name not in NOT_OF_THE_WORLD]
    key = " || '|' || ".join(as_text(*column) for column in kept[:KEY_COLUMNS])
    parts = []
    for name, kind in kept:
        text = as_text(name, kind)
        parts += [f"count({name})", f"count(distinct {text})"]
        parts += [f"sum(md5_number_lower(row_key || {text}) % 1000000007) % 1000000007"]
    values = warehouse.query(
        f"select count(*), {', '.join(parts)} from (select *, {key} as row_key from {model})"
    )[0]
    yield (model, "*", "", str(values[0]), "", "")
    for place, (name, kind) in enumerate(kept):
        filled, distinct, checksum = values[1 + 3 * place : 4 + 3 * place]
        yield (model, name, kind, str(filled), str(distinct), str(checksum))


def as_text(name: str, kind: str) -> str:
    """Return a value as text; of doubles what no order of adding up changes."""
    text = f"format('{{:.6g}}', {name})" if kind == "DOUBLE" else f"cast({name} as varchar)"
    return f"coalesce({text}, '~')"


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
