"""What dbt would have left of the seeded runs: manifest, results, sources, docs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

# who reads whom
PARENTS = {
    "stg_meta_ads__ad_insights": ("source.marketing.meta_ads.insights",),
    "stg_google_ads__campaign_stats": ("source.marketing.google_ads.campaign_stats",),
    "stg_shop__orders": ("source.marketing.shop.orders",),
    "stg_ga4__events": ("source.marketing.ga4.events",),
    "int_identity__people": ("stg_shop__orders", "stg_ga4__events"),
    "int_attribution__touchpoints": ("int_identity__people", "stg_ga4__events"),
    "fct_conversions": ("int_identity__people", "stg_shop__orders"),
    "fct_touchpoints": ("int_attribution__touchpoints",),
    "fct_attribution": ("fct_touchpoints", "fct_conversions"),
    "rpt_channel_attribution": ("fct_attribution", "fct_ad_spend", "dim_channels"),
    "fct_ad_spend": ("stg_meta_ads__ad_insights", "stg_google_ads__campaign_stats"),
    "dim_channels": ("fct_ad_spend",),
}
SOURCES = (
    ("meta_ads", "insights", "pass", 1.2),
    ("google_ads", "campaign_stats", "pass", 3.5),
    ("shop", "orders", "warn", 14.0),
    ("ga4", "events", "error", 52.0),
)


def sql_of(name: str) -> str:
    """Return a query that looks like one of a mart."""
    reads = [parent.split(".")[-1] for parent in PARENTS[name]]
    ctes = [f"{read} as (\n\n    select * from {{{{ ref('{read}') }}}}\n\n)" for read in reads]
    columns = "    conversion_id,\n    channel_id,\n    credit_share,\n    count(*) as row_count\n"
    joined = ",\n\n".join(ctes)
    return f"with\n\n{joined}\n\nselect\n{columns}from {reads[0]}\ngroup by all\n"


def compiled_of(name: str) -> str:
    """Return the query as dbt would send it."""
    text = sql_of(name)
    for read in (parent.split(".")[-1] for parent in PARENTS[name]):
        text = text.replace(f"{{{{ ref('{read}') }}}}", f'"dev"."ana"."{read}"')
    return text


def model_node(name: str) -> dict[str, Any]:
    """Return a model as a manifest has it."""
    parents = [p if "." in p else f"model.marketing.{p}" for p in PARENTS[name]]
    layer = {"stg": "staging", "int": "intermediate"}.get(name[:3], "marts")
    columns = {
        column: {"name": column, "description": words, "data_type": kind}
        for column, words, kind in (
            ("conversion_id", "The conversion that the credit is for.", "varchar"),
            ("channel_id", "The channel that gets it.", "varchar"),
            ("credit_share", "Its share, 0 to 1; shares of a conversion add up to 1.", "double"),
        )
    }
    return {
        "unique_id": f"model.marketing.{name}",
        "name": name,
        "resource_type": "model",
        "original_file_path": f"models/{layer}/{name}.sql",
        "relation_name": f'"dev"."ana"."{name}"',
        "description": f"One row per thing that {name} counts.",
        "tags": ["attribution"],
        "checksum": {"name": "sha256", "checksum": f"{abs(hash(name)):x}"},
        "config": {"materialized": "view" if layer == "staging" else "table"},
        "raw_code": sql_of(name),
        "compiled_code": compiled_of(name),
        "columns": columns,
        "depends_on": {"nodes": parents},
    }


def test_node(name: str) -> dict[str, Any]:
    """Return a test of uniqueness as a manifest has it."""
    model = f"model.marketing.{name.removeprefix('unique_').removesuffix('_id')}"
    return {
        "unique_id": f"test.marketing.{name}",
        "name": name,
        "resource_type": "test",
        "original_file_path": "models/marts/marts.yml",
        "checksum": {"name": "none", "checksum": ""},
        "config": {"materialized": "test"},
        "raw_code": "{{ test_unique(**_dbt_generic_test_kwargs) }}",
        "compiled_code": test_sql(model),
        "depends_on": {"nodes": [model]},
        "attached_node": model,
        "column_name": "conversion_id",
    }


def test_sql(model: str) -> str:
    """Return the query of a test of uniqueness."""
    table = model.split(".")[-1]
    return (
        f'select\n    conversion_id as unique_field,\n    count(*) as n_records\nfrom "dev"."ana".'
        f'"{table}"\nwhere conversion_id is not null\ngroup by conversion_id\nhaving count(*) > 1\n'
    )


def source_node(source: str, table: str) -> dict[str, Any]:
    """Return a source as a manifest has it."""
    return {
        "unique_id": f"source.marketing.{source}.{table}",
        "name": table,
        "source_name": source,
        "resource_type": "source",
        "original_file_path": "models/staging/sources.yml",
        "relation_name": f'"raw"."{source}"."{table}"',
    }


def write_artifacts(
    folder: Path, nodes: Iterable[Mapping[str, Any]], looked_at: datetime, *, has_docs: bool = True
) -> None:
    """Write what dbt leaves in its target folder; `nodes` are rows of `run_nodes`."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = list(nodes)
    tests = [test_node(row["name"]) for row in rows if row["resource_type"] == "test"]
    models = [model_node(name) for name in PARENTS]
    sources = [source_node(source, table) for source, table, _, _ in SOURCES]
    manifest = {
        "metadata": {"project_name": "marketing"},
        "nodes": {node["unique_id"]: node for node in [*models, *tests]},
        "sources": {node["unique_id"]: node for node in sources},
    }
    write(folder / "manifest.json", manifest)
    write(folder / "run_results.json", {"results": [result_of(row) for row in rows]})
    if sampled := failing_rows(rows):
        write(folder / "failing_rows.json", sampled)
    write(folder / "sources.json", {"results": [age_of(*s, looked_at) for s in SOURCES]})
    if has_docs:
        write(folder / "catalog.json", {"nodes": {}, "sources": {}})
        (folder / "index.html").write_text(
            "<!doctype html><title>dbt Docs</title><h1>dbt docs</h1><script>"
            'var n={manifest:"MANIFEST.JSON INLINE DATA",catalog:"CATALOG.JSON INLINE DATA"};'
            "document.querySelector('h1').textContent="
            "'docs of '+Object.keys(n.manifest.nodes).length+' nodes';</script>",
            "utf-8",
        )


def failing_rows(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what is kept of the rows that fail tests: texts are masked already."""
    sample = {
        "columns": ["unique_field", "customer_email", "n_records"],
        "rows": [["c\u2026 (9)", "**********", "2"], ["c\u2026 (9)", "**********", "3"]],
        "more_columns": 4,
    }
    return {row["unique_id"]: sample for row in rows if row["status"] == "fail"}


def write_changes(folder: Path) -> None:
    """Write how the run differs from production."""
    write(folder / "compare_changes.json", changes())


def changes() -> dict[str, Any]:
    """Return how a run differs from production, a model of every kind."""
    values = [{"name": "credit_share", "rows": 12_034}]
    columns = {
        "added": [{"name": "is_new", "type": "boolean"}],
        "removed": [],
        "retyped": [{"name": "channel_id", "before": "integer", "after": "varchar"}],
        "values": values,
    }
    rows = {"before": 48_211, "after": 48_230, "added": 21, "removed": 2, "changed": 12_034}
    models: list[dict[str, Any]] = [
        {"name": "fct_touchpoints", "what": "same", "primary_key": ["id"],
         "rows": {"before": 9, "after": 9, "added": 0, "removed": 0, "changed": 0}},
        {"name": "fct_attribution", "what": "changed", "rows": rows, "columns": columns,
         "primary_key": ["conversion_id", "channel_id"], "note": "values are not compared",
         "sample_rows": {
             "added": [{"conversion_id": "4821", "channel_id": "p\u2026 (6)", "credit_share": "1"}],
             "changed": [{"conversion_id": "17", "credit_share": {"before": "0.5", "after": "1"}}],
         },
         "sample_keys": {"added": [["48212", "p\u2026 (6)"], ["48213", "p\u2026 (6)"]],
                         "removed": [["17", "e\u2026 (5)"]], "changed": []}},
        {"name": "dim_channels", "what": "same count", "rows": {"before": 7, "after": 7},
         "note": "no primary key: only rows and columns are counted"},
        {"name": "fct_ad_spend", "what": "added", "rows": {"before": None, "after": 1_200},
         "note": "production does not have it"},
        {"name": "fct_conversions", "what": "failed", "note": "permission denied for schema prod"},
    ]  # fmt: skip
    named = [{**one, "unique_id": f"model.marketing.{one['name']}"} for one in models]
    flags = "--select state:modified"
    return {"compared_with_run_id": 1, "flags": flags, "error": None, "models": named}


def result_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a node's result as dbt writes it."""
    is_test = row["resource_type"] == "test"
    name = row["name"]
    code = (
        test_sql(name.removeprefix("unique_").removesuffix("_id")) if is_test else compiled_of(name)
    )
    return {
        "unique_id": row["unique_id"],
        "status": row["status"],
        "message": row["message"],
        "compiled_code": code,
        "failures": (3 if row["status"] == "fail" else 0) if is_test else None,
        "execution_time": row["execution_seconds"],
        "adapter_response": {} if is_test else {"rows_affected": 1000 + len(name) * 37},
        "relation_name": None,
    }


def age_of(source: str, table: str, status: str, hours: float, at: datetime) -> dict[str, Any]:
    """Return a source's freshness as dbt writes it."""
    return {
        "unique_id": f"source.marketing.{source}.{table}",
        "max_loaded_at": (at - timedelta(hours=hours)).isoformat(),
        "snapshotted_at": at.isoformat(),
        "max_loaded_at_time_ago_in_s": hours * 3600,
        "status": status,
        "criteria": {
            "warn_after": {"count": 12, "period": "hour"},
            "error_after": {"count": 2, "period": "day"},
        },
    }


def write(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON file."""
    path.write_text(json.dumps(value), "utf-8")
