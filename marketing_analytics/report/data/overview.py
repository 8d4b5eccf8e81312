"""What every page needs first: days, orders, spend, plans, and credit of the default model."""

from __future__ import annotations

from typing import Any

from marketing_analytics.report.data.attribution import credit_days, recent_from
from marketing_analytics.report.data.series import cents, dense
from marketing_analytics.report.numbers.definitions import METRICS, Metric
from marketing_analytics.report.snapshots.snapshot import Snapshot

ANNOTATIONS = 12
NOTHING: dict[str, dict[str, Any]] = {"credit": {}, "revenue": {}}


def overview(snapshot: Snapshot, defaults: dict[str, Any]) -> dict[str, Any]:
    """Return the data of the first page."""
    first, days = snapshot.first_day, len(snapshot.days)
    orders = snapshot.rows("select day_date, conversion_type, orders, revenue_usd from order_days")
    spend = snapshot.rows(
        "select day_date, channel, sum(spend_usd) as spend_usd from campaign_days group by all"
    )
    count = ("conversion_type",)
    return {
        "first_day": str(first),
        "last_day": str(snapshot.last_day),
        "as_of": str(snapshot.as_of_date),
        "days": days,
        "has_days": snapshot.has_days,
        "recent_from": recent_from(snapshot),
        "defaults": defaults,
        "models": models(snapshot),
        "windows": [
            row["window_days"]
            for row in snapshot.rows(
                "select distinct window_days from rpt_attribution_days order by 1"
            )
        ],
        "currencies": currencies(snapshot),
        "channels": channels(snapshot),
        "metrics": [metric_json(metric) for metric in METRICS],
        "orders": dense(orders, count, "orders", days, first, int),
        "revenue": dense(orders, count, "revenue_usd", days, first),
        "spend": dense(spend, ("channel",), "spend_usd", days, first),
        "plans": plans(snapshot),
        "value": values(snapshot),
        "annotations": beginnings(snapshot),
        # what has no spend is in the file of the model
        "credit": {
            **next(credit_days(snapshot, defaults["model"], defaults["window"], defaults["day"])),
            "without": NOTHING,
        },
    }  # fmt: skip


def metric_json(metric: Metric) -> dict[str, Any]:
    """Return what a page needs of a definition."""
    return {
        "name": metric.name,
        "label": metric.label,
        "unit": metric.unit,
        "better": metric.better,
        "formula": metric.formula,
        "target": metric.target,
    }


def models(snapshot: Snapshot) -> list[str]:
    """Return the rule models of the build, most known first."""
    known = ("first_touch", "last_touch", "last_non_direct", "last_paid", "linear", "time_decay",
             "position_based", "j_shaped", "inverse_j_shaped")  # fmt: skip
    found = {
        row["model"] for row in snapshot.rows("select distinct model from rpt_attribution_days")
    }
    return [model for model in known if model in found] + sorted(found - set(known))


def currencies(snapshot: Snapshot) -> list[dict[str, Any]]:
    """Return the currencies that amounts can be shown in, their own first.

    `per_unit` is what a unit is worth in the currency of the amounts: they are divided by it. Rates
    come in dollars, those of the as-of date, so that others cross over the dollar.
    """
    own = snapshot.currency
    rows = (
        snapshot.rows(
            "select currency, usd_per_unit from currency_rates"
            " where usd_per_unit > 0 and currency <> 'USD'"
        )
        if snapshot.has("currency_rates")
        else []
    )
    rates = {"USD": 1.0, **{row["currency"]: float(row["usd_per_unit"]) for row in rows}}
    # without a rate of its own nothing can be said in another one
    others = sorted(rates.keys() - {own}) if own in rates else []
    return [
        {"code": own, "per_unit": 1},
        *({"code": code, "per_unit": rates[code] / rates[own]} for code in others),
    ]


def channels(snapshot: Snapshot) -> list[dict[str, Any]]:
    """Return the channels that have credit or spend, in the order of reports."""
    return snapshot.rows(
        "select channel as key, channel_name as name, is_paid from dim_channels"
        " where channel in (select channel from rpt_attribution_days)"
        " or channel in (select channel from campaign_days) order by sort_order"
    )


def plans(snapshot: Snapshot) -> dict[str, dict[str, float]]:
    """Return the plan by metric and month."""
    if not snapshot.has("rpt_executive_kpis"):
        return {}
    found: dict[str, dict[str, float]] = {}
    for row in snapshot.rows(
        "select metric, strftime(kpi_month, '%Y-%m') as month, plan_value"
        " from rpt_executive_kpis where plan_value is not null order by 1, 2"
    ):
        found.setdefault(row["metric"], {})[row["month"]] = float(row["plan_value"])
    return found


def values(snapshot: Snapshot) -> dict[str, dict[str, int]]:
    """Return expected value, in cents, and customers by month of the first purchase."""
    if not snapshot.has("rpt_lifetime_value"):
        return {}
    return {
        row["month"]: {"value": cents(row["value_usd"]), "customers": int(row["customers"])}
        for row in snapshot.rows(
            "select strftime(cohort_month, '%Y-%m') as month, sum(value_365d_usd) as value_usd,"
            " sum(customers) as customers from rpt_lifetime_value"
            " where value_365d_usd is not null group by 1 order by 1"
        )
    }


def beginnings(snapshot: Snapshot) -> list[dict[str, Any]]:
    """Return when the campaigns with most spend began, after the first day of the data."""
    return [
        {"day": (row["began"] - snapshot.first_day).days, "text": f"{row['name']} began"}
        for row in snapshot.rows(
            "select coalesce(max(campaign_name), campaign_id) as name, min(day_date) as began"
            " from campaign_days where spend_usd > 0 group by platform, campaign_id"
            " having min(day_date) > cast($first as date) + 7"
            " order by sum(spend_usd) desc limit $limit",
            first=snapshot.first_day,
            limit=ANNOTATIONS,
        )
    ]
