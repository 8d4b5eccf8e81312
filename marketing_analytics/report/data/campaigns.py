"""Campaigns of a channel and ads of a campaign, by day: what is loaded when a channel is opened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from marketing_analytics.report.data.attribution import DAY_KINDS, recent_from
from marketing_analytics.report.data.series import (
    columns_of,
    lines,
    listed,
    on_days,
    rows_of,
)
from marketing_analytics.report.snapshots.snapshot import Snapshot

SPEND = ("spend", "clicks", "conversions", "value")
SPEND_SQL = """
with

placed as (

    select
        {keys},
        {names},
        date_diff('day', cast($first as date), day_date) as place,
        cast(round(coalesce(spend_usd, 0) * 100) as bigint) as spend,
        coalesce(clicks, 0) as clicks,
        cast(coalesce(claimed_conversions, 0) as double) as conversions,
        cast(round(coalesce(claimed_value_usd, 0) * 100) as bigint) as value
    from {table}
    where day_date between $first and $last

)

select
    {keys},
    {latest_names},
    list(place order by place) as places,
    list(spend order by place) as spend,
    list(clicks order by place) as clicks,
    list(conversions order by place) as conversions,
    list(value order by place) as value
from placed
group by {keys}
order by {keys}
"""


def spend_sql(table: str, keys: tuple[str, ...], names: tuple[str, ...]) -> str:
    """Return the statement of spend and claims by day; a name is the latest that is known."""
    return SPEND_SQL.format(
        table=table,
        keys=", ".join(keys),
        names=", ".join(names),
        latest_names=", ".join(f"coalesce(arg_max({name}, place), '') as {name}" for name in names),
    )


CAMPAIGNS_SQL = spend_sql(
    "campaign_days", ("channel", "platform", "campaign_id"), ("campaign_name",)
)
ADS_SQL = spend_sql(
    "ad_days",
    ("platform", "campaign_id", "ad_group_id", "ad_id"),
    ("ad_group_name", "ad_name"),
)
KEYS = ("channel", "platform", "campaign_id", "conversion_type")
CREDIT_SQL = """
select
    enum_code(channel) as channel,
    -- the first of all texts is the empty one
    coalesce(enum_code(platform), 0) as platform,
    enum_code(campaign_id) as campaign_id,
    enum_code(conversion_type) as conversion_type,
    date_diff('day', cast($first as date), day_date) as place,
    cast(round(revenue_usd * 100) as bigint) as revenue,
    cast(credit as double) as credit
from rpt_campaign_attribution_days
where model = $model and day_kind = $day_kind and day_date between $first and $last
order by channel, platform, campaign_id, conversion_type, place
"""


CREDITED_ONLY_SQL = """
select distinct
    days.channel,
    coalesce(days.platform, '') as platform,
    days.campaign_id
from rpt_campaign_attribution_days as days
left join (
    select distinct channel, platform, campaign_id
    from campaign_days
    where day_date between $first and $last
) as spent
    on days.channel = spent.channel
    and days.platform = spent.platform
    and days.campaign_id = spent.campaign_id
where spent.campaign_id is null and days.day_date between $first and $last
order by all
"""


def trimmed(places: Any, values: dict[str, Any]) -> dict[str, Any]:
    """Return lists from the first day with anything to the last, and which day the first is."""
    first, last = int(places[0]), int(places[-1])
    found: dict[str, Any] = {"from": first}
    for name, given in values.items():
        found[name] = listed(name, on_days(places - first, given, last - first + 1))
    return found


def spends(
    snapshot: Snapshot, sql: str, days: dict[str, Any]
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield what is said of a campaign or an ad, and its lists."""
    for told in rows_of(snapshot, sql, **days):
        values = {name: told.pop(name) for name in SPEND}
        yield told, trimmed(told.pop("places"), values)


def campaign_files(snapshot: Snapshot, models: list[str]) -> Iterator[tuple[str, Any]]:
    """Yield a file a channel, one a channel, model and kind of day, and one a campaign.

    All are of the recent days: `from` counts from the first of them.
    """
    days = {"first": snapshot.days[recent_from(snapshot)], "last": snapshot.last_day}
    with_ads, named = ads(snapshot, days), {}
    for number, (key, value) in enumerate(sorted(with_ads.items())):
        named[key] = f"ads-{number}"
        yield named[key], value
    channels: dict[str, list[Any]] = {}
    for row, lists in spends(snapshot, CAMPAIGNS_SQL, days):
        key = (row["platform"], row["campaign_id"])
        channels.setdefault(row["channel"], []).append(
            {
                "platform": row["platform"],
                "id": row["campaign_id"],
                "name": row["campaign_name"] or row["campaign_id"],
                "ads": named.get(key, ""),
                **lists,
            }
        )
    for row in credited_only(snapshot, days):
        channels.setdefault(row["channel"], []).append(
            {
                "platform": row["platform"],
                "id": row["campaign_id"],
                "name": row["name"] or row["campaign_id"],
                "ads": "",
                "from": 0,
                **{name: [] for name in SPEND},
            }
        )
    for channel, campaigns in channels.items():
        yield f"campaigns-{channel}", campaigns
    if snapshot.has("rpt_campaign_attribution_days"):
        for model in models:
            for day_kind in DAY_KINDS:
                for channel, credit in credits_of(snapshot, model, day_kind, days).items():
                    yield f"campaigns-{channel}-{model}-{day_kind}", credit


def credited_only(snapshot: Snapshot, days: dict[str, Any]) -> list[dict[str, Any]]:
    """Return campaigns that have credit and no spend: mail, and what is not loaded."""
    if not snapshot.has("rpt_campaign_attribution_days"):
        return []
    names = mail_names(snapshot)
    return [
        {**row, "name": names.get((row["platform"], row["campaign_id"]))}
        for row in snapshot.rows(CREDITED_ONLY_SQL, **days)
    ]


def mail_names(snapshot: Snapshot) -> dict[tuple[str, str], str]:
    """Return the titles of mail campaigns."""
    if not snapshot.has("fct_email_campaigns"):
        return {}
    return {
        (row["platform"], row["campaign_id"]): row["name"]
        for row in snapshot.rows(
            "select platform, campaign_id, max(campaign_title) as name from fct_email_campaigns"
            " group by all"
        )
    }


def credits_of(
    snapshot: Snapshot, model: str, day_kind: str, days: dict[str, Any]
) -> dict[str, list[Any]]:
    """Return what is credited to campaigns by type of conversion, by channel."""
    channels: dict[str, list[Any]] = {}
    columns = columns_of(snapshot, CREDIT_SQL, model=model, day_kind=day_kind, **days)
    names = snapshot.texts("rpt_campaign_attribution_days", *KEYS)
    for key, rows in lines(columns, KEYS, names):
        channels.setdefault(key["channel"], []).append(
            {
                "platform": key["platform"],
                "id": key["campaign_id"],
                "type": key["conversion_type"],
                **trimmed(rows.pop("place"), rows),
            }
        )
    return channels


def ads(snapshot: Snapshot, days: dict[str, Any]) -> dict[tuple[str, str], list[Any]]:
    """Return the ads of each campaign; credit is known of campaigns only."""
    if not snapshot.has("ad_days"):
        return {}
    found: dict[tuple[str, str], list[Any]] = {}
    for row, lists in spends(snapshot, ADS_SQL, days):
        found.setdefault((row["platform"], row["campaign_id"]), []).append(
            {
                "group": row["ad_group_id"],
                "group_name": row["ad_group_name"] or row["ad_group_id"],
                "id": row["ad_id"],
                "name": row["ad_name"] or row["ad_id"],
                **lists,
            }
        )
    return found
