"""Credit by channel and day: a file a model, window and kind of day, one more for days long ago."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from marketing_analytics.report.data.series import columns_of, lines, listed, on_days
from marketing_analytics.report.snapshots.snapshot import Snapshot

PREFERRED_MODEL, PREFERRED_WINDOW_DAYS = "position_based", 30
DAY_KINDS = ("conversion", "touch")
# a year and the one it is compared with begin in one file; what was before is loaded when asked for
RECENT_DAYS = 400
KEYS = ("has_spend", "channel", "conversion_type")
SQL = """
select
    has_spend,
    enum_code(channel) as channel,
    enum_code(conversion_type) as conversion_type,
    date_diff('day', cast($first as date), day_date) as place,
    cast(round(revenue_usd * 100) as bigint) as revenue,
    cast(credit as double) as credit
from rpt_attribution_days
where
    model = $model
    and window_days = $window_days
    and day_kind = $day_kind
    and day_date between $first and $last
order by has_spend, channel, conversion_type, place
"""


def recent_from(snapshot: Snapshot) -> int:
    """Return the place of the first of the recent days."""
    return max(0, len(snapshot.days) - RECENT_DAYS)


def credit_days(
    snapshot: Snapshot, model: str, window_days: int, day_kind: str
) -> Iterator[dict[str, Any]]:
    """Yield credit (hundredths) and revenue (cents) by channel and type, a value a day.

    First of the recent days, then of those before, where there are any. `with` is of platforms
    whose spend is loaded, of which ROAS and CAC are; `without` of the rest.
    """
    start, end = recent_from(snapshot), len(snapshot.days)
    asked = {"model": model, "window_days": window_days, "day_kind": day_kind}
    columns = columns_of(snapshot, SQL, **asked, first=snapshot.days[0], last=snapshot.days[-1])
    names = snapshot.texts("rpt_attribution_days", *KEYS[1:])
    found = list(lines(columns, KEYS, names))
    for days in (range(start, end), range(start)):
        if days:
            told = {"model": model, "window": window_days, "day": day_kind, "from": days.start}
            yield told | credit_of(found, days)


def credit_of(found: Iterable[tuple[dict[str, Any], dict[str, Any]]], days: range) -> Any:
    """Return the same of some days; who has none in them is left out."""
    import numpy

    made: dict[str, Any] = {kind: {"credit": {}, "revenue": {}} for kind in ("with", "without")}
    for key, rows in found:
        first, last = numpy.searchsorted(rows["place"], (days.start, days.stop))
        if first == last:
            continue
        for name, channels in made["with" if key["has_spend"] else "without"].items():
            places = rows["place"][first:last] - days.start
            line = on_days(places, rows[name][first:last], len(days))
            channels.setdefault(key["channel"], {})[key["conversion_type"]] = listed(name, line)
    return made


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
