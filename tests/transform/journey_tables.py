"""The compiled SQL of the journey models over given journeys, in a DuckDB of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
from exact_chains import Journey
from small_warehouse import SCHEMA

WALK = (
    "int_markov__moves", "int_markov__starts", "int_markov__walk_1", "int_markov__walk_2",
    "int_markov__walk_3", "int_markov__walk_4", "int_markov__walk_5", "int_markov__walk_6",
    "int_markov__walk_7", "int_markov__walk_8", "int_markov__effects",
)  # fmt: skip
CHAIN = (
    "int_journeys__nodes", "int_journeys__visits", "int_journeys__coverage",
    "int_markov__transitions", *WALK, "int_shapley__effects", "fct_path_attribution",
    "rpt_conversion_paths",
)  # fmt: skip


def connect() -> duckdb.DuckDBPyConnection:
    """Return an empty warehouse with the project's names."""
    connection = duckdb.connect()
    connection.execute(f"attach ':memory:' as wh; create schema wh.{SCHEMA}; use wh.{SCHEMA}")
    connection.execute(
        "create table int_journeys__steps (window_days integer, journey_id text,"
        " is_converted boolean, journey_type text, step integer, journey_steps integer,"
        " channel text, platform text, campaign_id text, revenue_usd decimal(18, 2),"
        " seconds_to_conversion double)"
    )
    return connection


def run(connection: duckdb.DuckDBPyConnection, target: Path, *models: str) -> None:
    """Make tables of models by their compiled SQL."""
    for model in models:
        (path,) = (target / "compiled").rglob(f"*/journeys/{model}.sql")
        connection.execute(f"create table {model} as {path.read_text()}")


def run_journeys(
    target: Path, worlds: Mapping[int, Sequence[Journey]]
) -> duckdb.DuckDBPyConnection:
    """Run all models; a world stands in the place of a window, node n is channel c<n // 10>."""
    connection = connect()
    rows: list[tuple[Any, ...]] = [
        (
            world, f"{number}", journey.revenue is not None, journey.kind, step,
            len(journey.nodes),
            f"c{node // 10:03}", "x" if node % 10 else None, f"{node:06}" if node % 10 else None,
            journey.revenue, None,
        )
        for world, journeys in worlds.items()
        for number, journey in enumerate(journeys)
        for step, node in enumerate(journey.nodes, 1)
    ]  # fmt: skip
    connection.executemany(
        "insert into int_journeys__steps values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows
    )
    connection.execute(
        "create table fct_touchpoints as select distinct channel, platform, campaign_id"
        " from int_journeys__steps"
    )
    connection.execute(
        "create table fct_conversions as select journey_id as conversion_id,"
        " journey_type as conversion_type, false as is_refunded, revenue_usd"
        " from int_journeys__steps"
        " where false"
    )
    run(connection, target, *CHAIN)
    return connection
