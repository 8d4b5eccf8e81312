"""What channels are asked for beside credit: claims, models of all days, paths, hold-outs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from marketing_analytics.report.data.attribution import DAY_KINDS
from marketing_analytics.report.data.hold_outs import flow_hold_outs, region_hold_outs
from marketing_analytics.report.data.series import (
    cents,
    listed,
    on_days,
    rows_of,
    with_numbers,
)
from marketing_analytics.report.snapshots.snapshot import Snapshot

# a path or a length that fewer conversions took is left out or merged
MINIMUM_CONVERSIONS = 10
PATHS, LONGEST = 15, 6
CLAIMS_SQL = """
with

daily as (

    select
        platform,
        channel,
        day_date,
        sum(spend_usd) as spend_usd,
        sum(claimed_conversions) as claimed_conversions,
        sum(claimed_value_usd) as claimed_value_usd
    from campaign_days
    where day_date between $first and $last
    group by platform, channel, day_date

),

placed as (

    select
        platform,
        channel,
        date_diff('day', cast($first as date), day_date) as place,
        cast(round(coalesce(spend_usd, 0) * 100) as bigint) as spend,
        cast(round(coalesce(claimed_value_usd, 0) * 100) as bigint) as value,
        cast(coalesce(claimed_conversions, 0) as double) as conversions
    from daily

)

select
    cast(platform as varchar) as platform,
    cast(channel as varchar) as channel,
    list(place order by place) as places,
    list(spend order by place) as spend,
    list(value order by place) as value,
    list(conversions order by place) as conversions
from placed
group by platform, channel
order by platform, channel
"""
PLATFORM_CREDIT_SQL = """
with

daily as (

    select
        platform,
        channel,
        day_date,
        sum(revenue_usd) as revenue_usd,
        sum(credit) as credit
    from rpt_campaign_attribution_days
    where model = $model and day_kind = $day_kind and day_date between $first and $last
        and platform in (select platform from campaign_days)
    group by platform, channel, day_date

),

placed as (

    select
        platform,
        channel,
        date_diff('day', cast($first as date), day_date) as place,
        cast(round(revenue_usd * 100) as bigint) as revenue,
        cast(credit as double) as credit
    from daily

)

select
    cast(platform as varchar) as platform,
    cast(channel as varchar) as channel,
    list(place order by place) as places,
    list(revenue order by place) as revenue,
    list(credit order by place) as credit
from placed
group by platform, channel
order by platform, channel
"""
PATHS_SQL = """
select
    channel_path as path,
    path_length as length,
    conversions,
    conversions_share as share,
    conversion_rate as rate,
    revenue_usd,
    median_days_to_convert as median_days,
    p90_days_to_convert as p90_days
from rpt_conversion_paths
where conversion_type = $conversion_type and window_days = $window_days
    and conversions >= $minimum
order by conversions desc, channel_path
limit $limit
"""
# days of a length are a mean of its paths' means, by their conversions
LENGTHS_SQL = """
select
    least(path_length, $longest) as length,
    sum(conversions) as conversions,
    sum(conversions * mean_days_to_convert) / sum(conversions) as mean_days
from rpt_conversion_paths
where conversion_type = $conversion_type and window_days = $window_days and conversions > 0
group by all
having sum(conversions) >= $minimum
order by 1
"""


def channel_files(snapshot: Snapshot, models: list[str]) -> Iterator[tuple[str, Any]]:
    """Yield claims by day, and what is credited to platforms: a file a model and kind of day."""
    yield "claims", claims(snapshot)
    if snapshot.has("rpt_campaign_attribution_days"):
        for model, day_kind in product(models, DAY_KINDS):
            yield f"platforms-{model}-{day_kind}", platform_credit(snapshot, model, day_kind)


def channels_page(snapshot: Snapshot) -> dict[str, Any]:
    """Return what the page begins with, beside the overview's."""
    return {
        "minimum": MINIMUM_CONVERSIONS,
        "longest": LONGEST,
        "path_models": path_models(snapshot),
        "paths": paths(snapshot),
        "hold_outs": flow_hold_outs(snapshot),
        "causal": region_hold_outs(snapshot),
    }


def claims(snapshot: Snapshot) -> list[dict[str, Any]]:
    """Return spend and what is claimed by platform and channel, a value a day."""
    days = {"first": snapshot.first_day, "last": snapshot.last_day}
    return by_day(snapshot, CLAIMS_SQL, days, ("spend", "value", "conversions"))


def platform_credit(snapshot: Snapshot, model: str, day_kind: str) -> list[dict[str, Any]]:
    """Return what is credited to touches that name a campaign, by platform and channel."""
    values = {"model": model, "day_kind": day_kind,
              "first": snapshot.first_day, "last": snapshot.last_day}  # fmt: skip
    return by_day(snapshot, PLATFORM_CREDIT_SQL, values, ("revenue", "credit"))


def by_day(
    snapshot: Snapshot, sql: str, values: dict[str, Any], names: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Return the rows of a statement with lists of a value a day."""
    return [
        {
            "platform": row["platform"],
            "channel": row["channel"],
            **{
                name: listed(name, on_days(row["places"], row[name], len(snapshot.days)))
                for name in names
            },
        }
        for row in rows_of(snapshot, sql, **values)
    ]


def path_models(snapshot: Snapshot) -> list[dict[str, Any]]:
    """Return what the models over whole paths credit to channels, of all days."""
    if not snapshot.has("fct_path_attribution"):
        return []
    return [
        {**row, "credit": float(row["credit"]), "revenue": cents(row["revenue"])}
        for row in snapshot.rows(
            "select model, conversion_type as type, window_days as days, channel,"
            " sum(credit) as credit, sum(revenue_usd) as revenue from fct_path_attribution"
            " where path_level = 'channel' group by all order by all"
        )
    ]


def paths(snapshot: Snapshot) -> dict[str, Any]:
    """Return the paths that most conversions took and how long they were, by type and window."""
    if not snapshot.has("rpt_conversion_paths"):
        return {}
    found: dict[str, Any] = {}
    for row in snapshot.rows(
        "select conversion_type, window_days, sum(conversions) as conversions,"
        " coalesce(sum(conversions) filter (conversions < $minimum), 0) as rare"
        " from rpt_conversion_paths group by all order by all",
        minimum=MINIMUM_CONVERSIONS,
    ):
        asked = {
            "conversion_type": row["conversion_type"],
            "window_days": row["window_days"],
            "minimum": MINIMUM_CONVERSIONS,
        }
        top = snapshot.rows(PATHS_SQL, **asked, limit=PATHS)
        found.setdefault(row["conversion_type"], {})[str(row["window_days"])] = {
            "conversions": int(row["conversions"] or 0),
            "rare": int(row["rare"]),
            "paths": [with_numbers(one) for one in top],
            "lengths": [
                with_numbers(one) for one in snapshot.rows(LENGTHS_SQL, **asked, longest=LONGEST)
            ],
        }
    return found
