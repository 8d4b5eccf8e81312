"""Credit by channel and day: one file a model, window and kind of day."""

from __future__ import annotations

from typing import Any

from marketing_analytics.report.data.series import columns_of, nested
from marketing_analytics.report.snapshot import Snapshot

DAY_KINDS = ("conversion", "touch")
SQL = """
select
    date_diff('day', cast($first as date), day_date) as place,
    channel,
    conversion_type,
    sum(credit) as credit,
    cast(sum(revenue_usd) * 100 as bigint) as cents,
    cast(coalesce(sum(revenue_usd) filter (where has_spend), 0) * 100 as bigint) as cents_with_spend
from rpt_attribution_days
where
    model = $model
    and window_days = $window_days
    and day_kind = $day_kind
    and day_date between $first and $last
group by all
"""


def credit_days(snapshot: Snapshot, model: str, window_days: int, day_kind: str) -> dict[str, Any]:
    """Return credit and revenue (cents) by channel and type of conversion, a value a day.

    `with_spend` is the part of platforms whose spend is loaded: ROAS is of that part.
    """
    columns = columns_of(
        snapshot,
        SQL,
        model=model,
        window_days=window_days,
        day_kind=day_kind,
        first=snapshot.first_day,
        last=snapshot.last_day,
    )
    keys, days = ("channel", "conversion_type"), len(snapshot.days)
    return {
        "model": model,
        "window": window_days,
        "day": day_kind,
        "credit": nested(columns, keys, "credit", days),
        "revenue": nested(columns, keys, "cents", days),
        "with_spend": nested(columns, keys, "cents_with_spend", days),
    }
