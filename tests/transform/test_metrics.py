"""The metrics as MetricFlow reads them: each query it writes gives the figure of the raw rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow.protocols.sql_client import SqlEngine
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow_semantics.model.dbt_manifest_parser import (
    parse_manifest_from_dbt_generated_manifest,
)
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup
from small_warehouse import Warehouse

pytestmark = pytest.mark.system
Ask = Callable[..., list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Dialect:
    """What MetricFlow asks of a client to write SQL; the SQL is run as any other."""

    sql_engine_type: SqlEngine = SqlEngine.DUCKDB
    sql_plan_renderer: DuckDbSqlPlanRenderer = field(default_factory=DuckDbSqlPlanRenderer)


@pytest.fixture(scope="module")
def ask(built: Warehouse) -> Ask:
    """Return a function that answers metrics, by dimensions."""
    text = (built.target / "semantic_manifest.json").read_text(encoding="utf-8")
    manifest = parse_manifest_from_dbt_generated_manifest(text)
    engine = MetricFlowEngine(SemanticManifestLookup(manifest), Dialect())

    def answer(*metrics: str, by: tuple[str, ...] = ()) -> list[tuple[Any, ...]]:
        request = MetricFlowQueryRequest.create(
            metric_names=list(metrics), group_by_names=list(by) or None
        )
        return built.query(engine.explain(request).sql_statement.sql)

    return answer


def test_every_metric_can_be_asked_by_month(ask: Ask, built: Warehouse) -> None:
    text = (built.target / "semantic_manifest.json").read_text(encoding="utf-8")
    for metric in json.loads(text)["metrics"]:
        rows = ask(metric["name"], by=("metric_time__month",))
        assert any(row[1] for row in rows), metric["name"]


def test_totals_are_those_of_the_marts(ask: Ask, built: Warehouse) -> None:
    ((orders, revenue, average),) = ask("orders", "revenue_usd", "average_order_usd")
    expected = built.query("select count(*), sum(revenue_usd) from fct_conversions")
    assert [(orders, revenue)] == expected
    assert average == pytest.approx(float(revenue) / orders)


def test_credit_over_all_channels_is_the_revenue(ask: Ask, built: Warehouse) -> None:
    ((revenue,),) = built.query("select sum(revenue_usd) from fct_conversions")
    channels = ask("attributed_revenue_usd", by=("credit__channel",))
    assert len(channels) > 3
    assert sum((value for _, value in channels), Decimal()) == revenue


def test_figures_of_two_marts_stand_side_by_side(ask: Ask, built: Warehouse) -> None:
    asked = ask("spend_usd", "revenue_usd", "mer", by=("metric_time__month",))
    months = {str(month)[:7]: figures for month, *figures in asked}
    kpis = built.query(
        "select cast(kpi_month as varchar), metric, actual_value from rpt_executive_kpis"
        " where metric in ('spend_usd', 'revenue_usd', 'roas')"
    )
    places = {"spend_usd": 0, "revenue_usd": 1, "roas": 2}
    assert kpis
    for month, metric, value in kpis:
        found = months[month[:7]][places[metric]]
        assert float(found or 0) == pytest.approx(float(value or 0), abs=1e-4)
