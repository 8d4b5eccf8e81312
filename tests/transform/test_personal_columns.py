"""Every column that tells of a person is tagged: by its name, by what it holds, by its lineage."""

from __future__ import annotations

import json
import re

import pytest
from raw_tables import TABLES
from small_warehouse import PROJECT, SCHEMA, Warehouse

from marketing_analytics.governance.inventory import inventory
from marketing_analytics.governance.project import described
from marketing_analytics.ingest.engine.tables import ATTRIBUTES

# a pseudonym, alone or inside of a longer value, or a plain address
PERSONAL_VALUE = r"(^|[^0-9a-f])\d+-[0-9a-f]{32}|[\w.+-]+@[\w-]+\.[A-Za-z]{2,}"
DESCRIBED = {one.name: one for one in described(PROJECT)}
HOW = (
    "tag it: config: {meta: {personal: {kind: ..., purpose: ..., retention: ...}}}"
    " (docs/privacy.md)"
)


def test_every_column_with_a_personal_name_is_tagged() -> None:
    untagged = {one.name: one.untagged for one in DESCRIBED.values() if one.untagged}
    assert untagged == {}, HOW


def test_every_tag_says_kind_purpose_and_retention() -> None:
    for one in DESCRIBED.values():
        for column, tag in one.personal.items():
            assert set(tag) == {"kind", "purpose", "retention"}, f"{one.name}.{column}"
            assert tag["purpose"] in {"analytics", "marketing", "profiling"}, f"{one.name}.{column}"


def test_every_pseudonym_that_ingestion_stores_is_tagged() -> None:
    for name, table in TABLES.items():
        stored = {
            table.stored_name(column)
            for column, kind in table.personal.items()
            if kind not in ATTRIBUTES
        }
        assert not stored or stored <= set(DESCRIBED[name].personal), f"{name}: {HOW}"


@pytest.mark.system
def test_every_column_that_holds_a_pseudonym_or_an_address_is_tagged(built: Warehouse) -> None:
    columns = built.query(
        "select table_name, column_name from information_schema.columns "
        f"where table_schema = '{SCHEMA}' and table_catalog = 'wh' and data_type = 'VARCHAR'"
    )
    looks = (
        f"select '{table}' as place, '{column}' as name, coalesce(bool_or("
        f"regexp_matches({column}, '{PERSONAL_VALUE}')), false) as is_personal "
        f"from (select {column} from {table} where {column} is not null limit 500)"
        for table, column in columns
    )
    held = built.query(f"select place, name from ({' union all '.join(looks)}) where is_personal")
    tags = {name: one.personal for name, one in DESCRIBED.items()}
    found = [f"{table}.{column}" for table, column in held if column not in tags.get(table, {})]
    assert found == [], HOW


@pytest.mark.system
def test_every_personal_column_is_followed_to_raw_ones(built: Warehouse) -> None:
    manifest = json.loads((built.target / "manifest.json").read_text())
    lines = inventory(manifest)
    assert not [line for line in lines if line.is_by_name]
    found = {line.column for line in lines}
    built_models = {node["name"] for node in manifest["nodes"].values()}
    models = [one for one in DESCRIBED.values() if one.name in built_models]
    wanted = {f"{one.name}.{column}" for one in models for column in one.personal}
    assert wanted <= found
    origins = {line.source for line in lines if line.column == "fct_customer_value.customer_key"}
    assert origins == {"shop.orders.customer_key"}
    assert all(re.fullmatch(r"\w+\.\w+\.\w+", line.source) for line in lines)
