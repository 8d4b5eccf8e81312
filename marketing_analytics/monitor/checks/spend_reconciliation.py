"""Spend in the marts against what the platforms reported, by account and day.

Twice: against the rows that were loaded, which shows what a build lost, and against the totals that
the platform itself gives for the account, which shows what the load lost. All of it is the same
money in the account's currency, so it is equal but for what a platform restated between the load
and the build; that is what the tolerance is for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from marketing_analytics.monitor.check import MOST_DAYS, Check, Finding, Look, Threshold
from marketing_analytics.warehouse.marts import RAW_ALIAS
from marketing_analytics.web.words import plural

BUILD = "build the ad tables again (dbt build --select tag:staging tag:ads), then look again"
SYNC = "run `marketing ingest run --source {platform}`, then build the ad tables again"
Money = Mapping[tuple[str, str], Mapping[date, float]]


def look(seen: Look) -> Iterator[Finding]:
    """Yield accounts whose spend differs on some day."""
    first = seen.as_of - timedelta(days=int(seen.thresholds["days"]))
    marts: dict[tuple[str, str], dict[date, float]] = defaultdict(dict)
    loaded: dict[tuple[str, str], dict[date, float]] = defaultdict(dict)
    for row in seen.rows("spend_by_account_day", first, seen.as_of, first, seen.as_of):
        account = str(row["platform"]), str(row["account_id"])
        marts[account][row["report_date"]] = float(row["marts_spend"])
        loaded[account][row["report_date"]] = float(row["platform_spend"])
    totals = account_totals(seen, first, {platform for platform, _ in marts})
    for account in sorted(marts.keys() | totals.keys()):
        platform, name = account[0], "/".join(account)
        finding = differing(
            seen, name, marts[account], loaded[account], "the rows that were loaded", BUILD
        ) or differing(
            seen,
            name,
            loaded[account],
            totals.get(account, {}),
            f"what {platform} gives as the total of the account",
            SYNC.format(platform=platform),
        )
        if finding:
            yield finding
    beside = f", {len(totals)} of them by the platform's own totals" if totals else ""
    yield Finding(
        "", "ok", f"spend of {plural(len(marts), 'account')} is what was reported{beside}"
    )


def account_totals(seen: Look, first: date, platforms: set[str]) -> Money:
    """Return what platforms give as totals of accounts, where the raw tables can be reached."""
    found: dict[tuple[str, str], dict[date, float]] = defaultdict(dict)
    for row in seen.rows("tables_of_totals"):
        platform, catalog = row["table_schema"], row["table_catalog"]
        if platform not in platforms or (not seen.place.is_postgresql and catalog != RAW_ALIAS):
            continue
        table = (
            (platform, "_totals") if seen.place.is_postgresql else (catalog, platform, "_totals")
        )
        for day in seen.rows("account_totals", first, seen.as_of, totals=table):
            found[platform, str(day["account_id"])][day["day"]] = float(day["total"])
    return found


def differing(
    seen: Look,
    subject: str,
    found: Mapping[date, float],
    wanted: Mapping[date, float],
    what: str,
    action: str,
) -> Finding | None:
    """Return the finding for days whose spend is not what it should be."""
    allowed = seen.thresholds["tolerance_percent"] / 100
    wrong = [
        day
        for day, spend in sorted(wanted.items())
        if abs(found.get(day, 0.0) - spend) > max(0.01, allowed * spend) + 1e-6
    ]
    if not wrong:
        return None
    has, reported = (sum(days.get(day, 0.0) for day in wrong) for days in (found, wanted))
    size = sum(abs(found.get(day, 0.0) - wanted[day]) for day in wrong)
    return Finding(
        subject,
        "failing",
        f"spend of {subject} is {size:,.2f} {'less' if has < reported else 'more'} than {what}"
        f" ({has:,.2f} of {reported:,.2f} on {plural(len(wrong), 'day')})",
        action,
        value=has,
        lower=reported * (1 - allowed),
        upper=reported * (1 + allowed),
        since=wrong[0],
    )


CHECK = Check(
    name="spend_reconciliation",
    title="spend is what the platforms reported",
    severity="page",
    tables=("fct_ad_spend", "int_ads__daily"),
    look=look,
    thresholds={
        "tolerance_percent": Threshold(0.5, "Difference of an account and day that is allowed."),
        "days": Threshold(35, "Days looked at.", minimum=1, maximum=MOST_DAYS),
    },
)
