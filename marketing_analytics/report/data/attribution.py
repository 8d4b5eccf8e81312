"""Credit by channel and day: one file a model, window and kind of day."""

from __future__ import annotations

from typing import Any

from marketing_analytics.report.data.series import credit, dense
from marketing_analytics.report.snapshot import Snapshot

DAY_KINDS = ("conversion", "touch")
SQL = """
select day_date, channel, has_spend, conversion_type, credit, revenue_usd
from rpt_attribution_days
where model = $model and window_days = $window_days and day_kind = $day_kind
"""


def credit_days(snapshot: Snapshot, model: str, window_days: int, day_kind: str) -> dict[str, Any]:
    """Return credit and revenue (cents) by channel and type of conversion, a value a day.

    `with_spend` is the part of platforms whose spend is loaded: ROAS is of that part.
    """
    rows = snapshot.rows(SQL, model=model, window_days=window_days, day_kind=day_kind)
    with_spend = [row for row in rows if row["has_spend"]]
    first, days = snapshot.first_day, len(snapshot.days)
    keys = ("channel", "conversion_type")
    return {
        "model": model,
        "window": window_days,
        "day": day_kind,
        "credit": dense(rows, keys, "credit", days, first, credit),
        "revenue": dense(rows, keys, "revenue_usd", days, first),
        "with_spend": dense(with_spend, keys, "revenue_usd", days, first),
    }
