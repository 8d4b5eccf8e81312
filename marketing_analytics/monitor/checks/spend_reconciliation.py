"""Spend in the marts against what the platforms reported, by account and day.

Both are the same money in the account's currency, so they are equal but for what a platform
restated between the load and the build; that is what the tolerance is for.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby

from marketing_analytics.monitor.check import Check, Finding, Look, Threshold

ACTION = "build the ad tables again (dbt build --select tag:staging tag:ads), then look again"


def look(seen: Look) -> Iterator[Finding]:
    """Yield accounts whose spend differs on some day."""
    first = seen.as_of - timedelta(days=int(seen.thresholds["days"]))
    rows = seen.rows("spend_by_account_day", first, seen.as_of, first, seen.as_of)
    accounts = 0
    for (platform, account), days in groupby(rows, key=lambda r: (r["platform"], r["account_id"])):
        accounts += 1
        wrong = []
        for day in days:
            marts, reported = float(day["marts_spend"]), float(day["platform_spend"])
            allowed = max(0.01, reported * seen.thresholds["tolerance_percent"] / 100)
            if abs(marts - reported) > allowed:
                wrong.append((day["report_date"], marts, reported))
        if wrong:
            yield differs(f"{platform}/{account}", wrong)
    yield Finding("", "ok", f"spend of {accounts} accounts is what the platforms reported")


def differs(subject: str, wrong: list[tuple[object, float, float]]) -> Finding:
    """Return the finding for an account."""
    marts, reported = (sum(day[index] for day in wrong) for index in (1, 2))  # type: ignore[misc]
    less = "less" if marts < reported else "more"
    count = "1 day" if len(wrong) == 1 else f"{len(wrong)} days"
    return Finding(
        subject,
        "failing",
        f"the marts hold {abs(marts - reported):,.2f} {less} spend than the platform reported"
        f" ({marts:,.2f} of {reported:,.2f} on {count})",
        ACTION,
        value=marts,
        lower=reported,
        upper=reported,
        since=wrong[0][0],  # type: ignore[arg-type]
    )


CHECK = Check(
    name="spend_reconciliation",
    title="spend is what the platforms reported",
    severity="page",
    tables=("fct_ad_spend", "int_ads__daily"),
    look=look,
    thresholds={
        "tolerance_percent": Threshold(0.5, "Difference of an account and day that is allowed."),
        "days": Threshold(35, "Days looked at.", minimum=1),
    },
)
