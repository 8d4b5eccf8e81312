"""Rows per source and day against their own history, weekday by weekday.

The last day, and the last two together, are compared with eight weeks before: level, weekday and
spread are medians, so a bad day does not spoil what comes after. Tables of ads are compared by
campaign: what a campaign usually has, summed over those that ran on the day by other tables or by
visits, so that a campaign that begins or ends alarms nobody. Days that the last run counted are
counted again: rows that have gone, or come twice, are told too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from statistics import median

from marketing_analytics.monitor.check import Check, Finding, Look, Note, Threshold
from marketing_analytics.monitor.series import Verdict, judge_count, root
from marketing_analytics.web.words import plural

HISTORY_DAYS, KEPT_DAYS, USUAL_DAYS = 56, 14, 28
RECENT_DAYS, FILLED_UP_DAYS = 3, 3
# what chance alone changes, in roots of counts
ROOTS = 3
# table: (what it is called, the column of its day)
TABLES = {
    "stg_ga4__events": ("ga4/events", "event_date"),
    "stg_ga4_reports__traffic": ("ga4_reports/traffic", "report_date"),
    "stg_shop__orders": ("shop/orders", "order_date"),
    "stg_shop__customers": ("shop/customers", "created_at"),
    "stg_shop__consents": ("shop/consents", "changed_at"),
    "stg_shopify__orders": ("shopify/orders", "order_date"),
    "stg_klaviyo__events": ("klaviyo/events", "event_date"),
    "stg_mailchimp__email_activity": ("mailchimp/email_activity", "activity_at"),
    "stg_sendgrid__events": ("sendgrid/events", "event_at"),
    "stg_hubspot__contacts": ("hubspot/contacts", "created_at"),
    "int_web__sessions": ("marts/sessions", "session_date"),
    "int_email__events": ("marts/email_events", "event_at"),
    "fct_touchpoints": ("marts/touchpoints", "touch_date"),
    "fct_conversions": ("marts/conversions", "conversion_date"),
}
# tables of ads by platform; the marts hold all platforms in one
ADS = {
    "google_ads": ("campaign_stats", "ad_stats"),
    "meta_ads": ("ad_insights",),
    "linkedin_ads": ("campaign_stats", "creative_stats"),
}
ACTION = "see `marketing ingest status`, sync the source again, then build its models"
Counts = dict[str, dict[date, float]]


def look(seen: Look) -> Iterator[Finding]:
    """Yield tables whose rows are not what they usually are."""
    before = {
        (note.subject, date.fromisoformat(note.name)): note.value or 0.0 for note in seen.memory
    }
    looked = 0
    for table, (subject, day) in TABLES.items():
        if table in seen.tables:
            counts = by_day(seen, table, day)
            looked += bool(counts)
            yield from findings(seen, subject, counts, before, day_finding(seen, subject, counts))
    for platform in ADS:
        tables = ads_counts(seen, platform)
        visits = visits_of(seen, platform)
        for subject, by_campaign in tables.items():
            looked += bool(by_campaign)
            others = [visits, *(tables[name] for name in tables if name != subject)]
            finding = ads_finding(seen, subject, by_campaign, others)
            yield from findings(seen, subject, summed(by_campaign), before, finding)
    yield Finding("", "ok", f"{plural(looked, 'table has', 'tables have')} the usual rows")


def by_day(seen: Look, table: str, day: str) -> dict[date, float]:
    """Return the rows of a table by day."""
    first = seen.as_of - timedelta(days=HISTORY_DAYS + RECENT_DAYS)
    last = seen.as_of + timedelta(days=1)
    rows = seen.rows("rows_by_day", first, last, table=table, day=day)
    return {row["day"]: float(row["row_count"]) for row in rows}


def findings(
    seen: Look,
    subject: str,
    counts: Mapping[date, float],
    before: Mapping[tuple[str, date], float],
    finding: Finding | None,
) -> Iterator[Finding]:
    """Yield what is wrong with a table, and note its days for the next run."""
    wrong = rewritten(seen, subject, counts, before)
    for back in range(KEPT_DAYS):
        day = seen.as_of - timedelta(days=back)
        # as it was before it changed, until somebody has mended it or it is old
        known = before[subject, day] if day in wrong else counts.get(day, 0.0)
        seen.note(Note(subject, day.isoformat(), known))
    if wrong:
        yield rewritten_finding(seen, subject, wrong)
    elif finding:
        yield finding


def rewritten(
    seen: Look,
    subject: str,
    counts: Mapping[date, float],
    before: Mapping[tuple[str, date], float],
) -> dict[date, tuple[float, float]]:
    """Return the days that had another number of rows at the last run, with both numbers."""
    limit = seen.thresholds["rewritten_percent"] / 100
    wrong = {}
    for (name, day), known in sorted(before.items()):
        now = counts.get(day, 0.0)
        changed = abs(now - known) > limit * known and abs(root(now) - root(known)) > ROOTS
        # the last days are filled up by the next load
        is_filled_up = now > known and day > seen.as_of - timedelta(days=FILLED_UP_DAYS)
        is_kept = day > seen.as_of - timedelta(days=KEPT_DAYS)
        if name == subject and changed and is_kept and not is_filled_up:
            wrong[day] = (known, now)
    return wrong


def rewritten_finding(
    seen: Look, subject: str, wrong: Mapping[date, tuple[float, float]]
) -> Finding:
    """Return the finding for days that had another number of rows."""
    day, (known, now) = max(wrong.items(), key=lambda item: abs(item[1][1] - item[1][0]))
    limit = seen.thresholds["rewritten_percent"] / 100
    more = f" (and {plural(len(wrong) - 1, 'more day')})" if len(wrong) > 1 else ""
    return Finding(
        subject,
        "failing",
        f"{day} had {plural(known, 'row')} when it was counted before and has {now:,.0f} now{more}",
        ACTION,
        value=now,
        lower=known * (1 - limit),
        upper=known * (1 + limit),
        since=min(wrong),
    )


def day_finding(seen: Look, subject: str, counts: Mapping[date, float]) -> Finding | None:
    """Return the finding for a day, or two together, unlike their history."""
    if not counts:
        return None
    limit = seen.thresholds["limit"]
    for back in range(RECENT_DAYS):
        day = seen.as_of - timedelta(days=back)
        values = series_to(day, counts)
        one = judge_count(values[:-1], values[-1], limit)
        # rows that lack still do when the next day has come
        is_far = one is not None and is_unlike(seen, one, values[-1])
        if one and is_far and (one.distance < 0 or not back):
            return unusual(subject, day, f"{day} has", values[-1], one)
    values = series_to(seen.as_of, counts)
    pairs = [sum(values[place - 1 : place + 1]) for place in range(1, len(values))]
    one = judge_count(values[:-1], values[-1], limit)
    two = judge_count(pairs[:-2], pairs[-1], limit, ahead=1)
    # both days have to lie on that side: a wrong day that is over alarms no more
    if one and two and is_unlike(seen, two, pairs[-1]) and one.distance * two.distance > 0:
        since = seen.as_of - timedelta(days=1)
        return unusual(subject, since, f"{since} and {seen.as_of} have", pairs[-1], two)
    return None


def is_unlike(seen: Look, verdict: Verdict, rows: float) -> bool:
    """Return whether a count is far from what is usual, and by more than demand makes."""
    times = seen.thresholds["times"]
    is_large = rows * times < verdict.expected or rows > verdict.expected * times
    return is_large and abs(verdict.distance) > seen.thresholds["limit"]


def series_to(day: date, counts: Mapping[date, float]) -> list[float]:
    """Return the rows of eight weeks and a day up to a day; none before the first that is known."""
    first = max(min(counts), day - timedelta(days=HISTORY_DAYS))
    days = max((day - first).days, 0)
    return [counts.get(first + timedelta(days=place), 0.0) for place in range(days + 1)]


def unusual(subject: str, since: date, days: str, rows: float, verdict: Verdict) -> Finding:
    """Return the finding for days unlike their history."""
    return Finding(
        subject,
        "failing",
        f"{days} {plural(rows, 'row')} where {verdict.expected:,.0f} are usual"
        f" ({verdict.lower:,.0f} to {verdict.upper:,.0f})",
        ACTION,
        value=rows,
        lower=verdict.lower,
        upper=verdict.upper,
        since=since,
    )


def ads_counts(seen: Look, platform: str) -> dict[str, Counts]:
    """Return the rows of a platform's tables by campaign and day."""
    found: dict[str, Counts] = {}
    for name in ADS[platform]:
        if f"stg_{platform}__{name}" in seen.tables:
            table = f"stg_{platform}__{name}"
            found[f"{platform}/{name}"] = campaign_counts(seen, "rows_by_campaign_day", table)
    if "fct_ad_spend" in seen.tables:
        found[f"marts/{platform}"] = campaign_counts(seen, "spend_rows", platform)
    return found


def campaign_counts(seen: Look, query: str, name: str) -> Counts:
    """Return the rows of a table of ads, or of a platform in the marts, by campaign and day."""
    first = seen.as_of - timedelta(days=USUAL_DAYS)
    last = seen.as_of + timedelta(days=1)
    if query == "rows_by_campaign_day":
        rows = seen.rows(query, first, last, table=name)
    else:
        rows = seen.rows(query, name, first, last)
    found: Counts = defaultdict(dict)
    for row in rows:
        found[str(row["campaign_id"])][row["day"]] = float(row["row_count"])
    return found


def visits_of(seen: Look, platform: str) -> Counts:
    """Return the visits by campaign and day; few of them say nothing of a day."""
    if "fct_touchpoints" not in seen.tables:
        return {}
    found = campaign_counts(seen, "visits_by_campaign_day", platform)
    for days in found.values():
        if days.get(seen.as_of, 0.0) < max(3.0, 0.6 * median(days.values())):
            days.pop(seen.as_of, None)
    return found


def ads_finding(
    seen: Look, subject: str, by_campaign: Counts, others: list[Counts]
) -> Finding | None:
    """Return the finding for a day with fewer or more rows than its campaigns usually have."""
    running = {name for other in others for name, days in other.items() if seen.as_of in days}
    usual = {
        name: median(days[day] for day in earlier)
        for name, days in by_campaign.items()
        if name in running and len(earlier := [day for day in days if day < seen.as_of]) >= 7
    }
    expected = sum(usual.values())
    rows = sum(by_campaign[name].get(seen.as_of, 0.0) for name in usual)
    share = seen.thresholds["ads_percent"] / 100
    lower, upper = expected * (1 - share), expected * (1 + share)
    if lower <= rows <= upper or abs(root(rows) - root(expected)) < 1:
        return None
    verdict = Verdict(0.0, expected, lower, upper)
    return unusual(subject, seen.as_of, f"{seen.as_of} has", rows, verdict)


def summed(by_campaign: Counts) -> dict[date, float]:
    """Return the rows by day."""
    found: dict[date, float] = defaultdict(float)
    for days in by_campaign.values():
        for day, rows in days.items():
            found[day] += rows
    return found


CHECK = Check(
    name="volume",
    title="every source has the rows that it usually has",
    severity="ticket",
    tables=(),
    look=look,
    thresholds={
        "limit": Threshold(4.5, "Spreads from what is usual that alarm.", minimum=2),
        "times": Threshold(1.6, "And so many times the usual, or less by that.", minimum=1),
        "ads_percent": Threshold(35, "What the rows of a platform's day may differ."),
        "rewritten_percent": Threshold(25, "What the rows of a day may change after a run."),
    },
)
