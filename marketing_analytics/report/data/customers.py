"""What the page of customers shows: funnel, cohorts, expected value and its judgement, segments."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from marketing_analytics.report.data.series import cents, dense, plain
from marketing_analytics.report.snapshots.snapshot import Snapshot

# a year and the days that are compared with it by weekday
RECENT_DAYS = 400
STAGES = ("sessions", "product_view", "add_to_cart", "checkout", "purchase")
STAGE_COLUMNS = {
    "sessions": "sessions",
    **{stage: f"{stage}_sessions" for stage in STAGES[1:]},
}
FUNNEL = "select * from fct_acquisition_funnel"
NEWEST = """
select cohort_month, customers from cohort_months
where month_number = 0 order by cohort_month desc limit 1
"""
SPEND = """
select strftime(day_date, '%Y-%m') as month, sum(spend_usd) as spend_usd
from campaign_days group by 1 having sum(spend_usd) <> 0 order by 1
"""
# name in the file: table, statement
TABLES = {
    "cohorts": ("cohort_months", "from cohort_months order by cohort_month, month_number"),
    "value": ("value_cells", "from value_cells order by cohort_month, channel"),
    "accuracy": ("value_accuracy", "from value_accuracy order by horizon_days"),
    "calibration": (
        "value_calibration",
        (
            "from value_calibration order by horizon_days, group_kind,"
            " try_cast(group_name as integer), group_name"
        ),
    ),
    "segments": (
        "rfm_segments",
        "from rfm_segments order by customers * revenue_a_customer_usd desc, segment",
    ),
    "moves": ("rfm_moves", "from rfm_moves order by scored_date, customers desc, previous_segment"),
    "models": ("segment_models", "from segment_models order by segment_name, outcome"),
    "behaviour": ("behaviour_cohorts", "from behaviour_cohorts order by persons desc, cohort"),
    "acquisition": (
        "acquisition_channels",
        "from acquisition_channels order by cohort_month, channel",
    ),
}


def customers_data(snapshot: Snapshot, _defaults: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    """Yield the page's first file, the funnel of all channels, and that of each one."""
    yield "customers", customers(snapshot)
    rows = snapshot.rows(FUNNEL) if snapshot.has("fct_acquisition_funnel") else []
    yield "funnel", {"stages": stages(snapshot, rows), "newest": newest(snapshot)}
    channels = {
        "stages": by_channel(snapshot, rows),
        "spend": spend(snapshot, rows),
        "times": times(snapshot, rows),
    }
    begins = max(0, len(snapshot.days) - RECENT_DAYS)
    yield "funnel-recent", {"from": begins, **cut(channels, slice(begins, None))}
    yield "funnel-older", cut(channels, slice(0, begins))


def cut(lists: Any, days: slice) -> Any:
    """Return nested dicts of lists with some of their days."""
    if isinstance(lists, list):
        return lists[days]
    return {name: cut(value, days) for name, value in lists.items()}


def customers(snapshot: Snapshot) -> dict[str, Any]:
    """Return every table that does not go by day; one that was not built is left out."""
    found = {
        name: plain(snapshot.rows(statement))
        for name, (table, statement) in TABLES.items()
        if snapshot.has(table)
    }
    spent = {row["month"]: cents(row["spend_usd"]) for row in snapshot.rows(SPEND)}
    return {**found, "spend": spent}


def of_days(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows with the day named as everywhere."""
    return [{**row, "day_date": row["session_date"]} for row in rows]


def stages(snapshot: Snapshot, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return visits by stage, a value a day, of all channels together."""
    first, days = snapshot.first_day, len(snapshot.days)
    staged = [{**row, "stage": stage} for row in of_days(rows) for stage in STAGES]
    return {
        stage: dense(
            (row for row in staged if row["stage"] == stage),
            ("stage",), STAGE_COLUMNS[stage], days, first, int,
        ).get(stage, [0] * days)
        for stage in STAGES
    }  # fmt: skip


def by_channel(snapshot: Snapshot, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return visits by channel and stage, a value a day."""
    channels = sorted({row["channel"] for row in rows})
    return {
        channel: stages(snapshot, [row for row in rows if row["channel"] == channel])
        for channel in channels
    }


def spend(snapshot: Snapshot, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return spend by channel, in cents a day, of channels that have any."""
    spent = [row for row in of_days(rows) if row["spend_usd"]]
    return dense(spent, ("channel",), "spend_usd", len(snapshot.days), snapshot.first_day)


def times(snapshot: Snapshot, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return mean seconds from step to step, a value a day; null where untold.

    Pages weight a day's mean by the visits that reached the step on it.
    """
    first, days = snapshot.first_day, len(snapshot.days)
    found: dict[str, Any] = {}
    for row in rows:
        place = (row["session_date"] - first).days
        if not 0 <= place < days:
            continue
        lists = found.setdefault(row["channel"], {stage: [0] * days for stage in STAGES[1:]})
        for stage in STAGES[1:]:
            mean, visits = row[f"seconds_to_{stage}"], row[STAGE_COLUMNS[stage]]
            if visits:
                lists[stage][place] = None if mean is None else round(mean)
    return found


def newest(snapshot: Snapshot) -> dict[str, Any]:
    """Return the last month of first purchases: its customers, and what they are worth."""
    found: dict[str, Any] = {}
    if snapshot.has("cohort_months"):
        found = next(iter(plain(snapshot.rows(NEWEST))), {})
    if found and snapshot.has("rpt_lifetime_value"):
        value = snapshot.rows(
            "select sum(value_365d_usd) as value_usd, sum(customers) as valued"
            " from rpt_lifetime_value where cohort_month = cast($month as date)"
            " and value_365d_usd is not null",
            month=found["cohort_month"],
        )
        found |= plain(value)[0]
    return found
