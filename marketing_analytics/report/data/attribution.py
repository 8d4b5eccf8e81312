"""Credit by channel and day: a file a model, window and kind of day, one more for days long ago."""

from __future__ import annotations

from typing import Any

from marketing_analytics.report.data.series import columns_of, hundredths, nested
from marketing_analytics.report.snapshots.snapshot import Snapshot

PREFERRED_MODEL, PREFERRED_WINDOW_DAYS = "position_based", 30
DAY_KINDS = ("conversion", "touch")
# a year and the one it is compared with begin in one file; what was before is loaded when asked for
RECENT_DAYS = 400
SQL = """
select
    date_diff('day', cast($first as date), day_date) as place,
    cast(channel as varchar) as channel,
    cast(conversion_type as varchar) as conversion_type,
    has_spend,
    cast(round(revenue_usd * 100) as bigint) as revenue,
    cast(credit as double) as credit
from rpt_attribution_days
where
    model = $model
    and window_days = $window_days
    and day_kind = $day_kind
    and day_date between $first and $last
order by channel, conversion_type
"""


def recent_from(snapshot: Snapshot) -> int:
    """Return the place of the first of the recent days."""
    return max(0, len(snapshot.days) - RECENT_DAYS)


def credit_days(
    snapshot: Snapshot, model: str, window_days: int, day_kind: str, *, is_recent: bool = True
) -> dict[str, Any]:
    """Return credit (hundredths) and revenue (cents) by channel and type, a value a day.

    `with` is of platforms whose spend is loaded, of which ROAS and CAC are; `without` of the rest.
    """
    start = recent_from(snapshot)
    places = range(start, len(snapshot.days)) if is_recent else range(start)
    columns = columns_of(
        snapshot,
        SQL,
        model=model,
        window_days=window_days,
        day_kind=day_kind,
        first=snapshot.days[places.start],
        last=snapshot.days[places.stop - 1],
    )
    has_spend = columns["has_spend"]
    return {
        "model": model,
        "window": window_days,
        "day": day_kind,
        "from": places.start,
        **{
            name: {
                value: nested(part, ("channel", "conversion_type"), value, len(places), convert)
                for value, convert in (("credit", hundredths), ("revenue", None))
            }
            for name, part in (("with", only(columns, has_spend)),
                               ("without", only(columns, ~has_spend)))
        },
    }  # fmt: skip


def only(columns: dict[str, Any], is_ours: Any) -> dict[str, Any]:
    """Return the rows that are marked."""
    return {name: values[is_ours] for name, values in columns.items()}


def defaults_of(snapshot: Snapshot) -> dict[str, Any]:
    """Return model, window and kind of day that are shown where nothing is asked for."""
    models = [row["model"] for row in snapshot.rows(
        "select distinct model from rpt_attribution_days order by 1")]  # fmt: skip
    windows = [row["window_days"] for row in snapshot.rows(
        "select distinct window_days from rpt_attribution_days order by 1")]  # fmt: skip
    return {
        "model": preferred(models, PREFERRED_MODEL),
        "window": preferred(windows, PREFERRED_WINDOW_DAYS),
        "day": "conversion",
    }


def preferred(found: list[Any], wanted: Any) -> Any:
    """Return what is wanted where it is there or nothing is, else the last that is."""
    return wanted if wanted in found or not found else found[-1]
