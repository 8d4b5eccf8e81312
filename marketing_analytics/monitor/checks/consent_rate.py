"""Share of decisions that grant something, by place and purpose, against its own history.

Also the share of orders that are tracked and of those who opted out: a banner that is broken shows
there first. The last day is judged, and the last two together; few decisions say little, which the
spread of a share knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from marketing_analytics.monitor.check import Check, Finding, Look, NotKnownError, Threshold
from marketing_analytics.monitor.series import Verdict, judge_share
from marketing_analytics.web.words import plural

HISTORY_DAYS = 56
DECISIONS = {"stg_shop__consents": "shop", "int_consent__decisions": "marts"}
EVENTS = ("is_analytics_consented", "is_ads_consented")
FLAGS = ("is_tracked", "is_opted_out")
# orders that are tracked better than ever need nobody; consent that everybody gives is suspicious
BETTER = {"orders/is_tracked": 1, "orders/is_opted_out": -1}
ACTION = (
    "open the consent banner and the sign-up form in a private window and look at what they send"
)
Shares = dict[date, tuple[float, float]]


def look(seen: Look) -> Iterator[Finding]:
    """Yield shares that are not what they usually are."""
    series = all_shares(seen)
    if not series:
        raise NotKnownError("there is no table of consents", "build the models of consent")
    for subject, shares in sorted(series.items()):
        finding = share_finding(seen, subject, shares)
        if finding:
            yield finding
    yield Finding("", "ok", f"{plural(len(series), 'share')} of consent as usual")


def all_shares(seen: Look) -> dict[str, Shares]:
    """Return (granted, all) by day of every place and purpose."""
    found: dict[str, Shares] = {}
    days = seen.as_of - timedelta(days=HISTORY_DAYS + 1), seen.as_of + timedelta(days=1)
    for table, place in DECISIONS.items():
        if table in seen.tables:
            for row in seen.rows("consents_by_day", *days, table=table):
                shares = found.setdefault(f"{place}/{row['subject']}", {})
                shares[row["day"]] = float(row["part"]), float(row["whole"])
    for query, table, columns in (
        ("consent_of_events_by_day", "stg_ga4__events", EVENTS),
        ("flag_of_conversions_by_day", "fct_conversions", FLAGS),
    ):
        for column in columns if table in seen.tables else ():
            place = "ga4" if table.startswith("stg") else "orders"
            found[f"{place}/{column}"] = {
                row["day"]: (float(row["part"]), float(row["whole"]))
                for row in seen.rows(query, *days, column=column)
            }
    return found


def share_finding(
    seen: Look, subject: str, shares: Mapping[date, tuple[float, float]]
) -> Finding | None:
    """Return the finding for a share of the last day, or of the last two, unlike its history."""
    limit = seen.thresholds["limit"]
    days = [seen.as_of - timedelta(days=back) for back in range(HISTORY_DAYS, -1, -1)]
    values = [shares.get(day, (0.0, 0.0)) for day in days]
    one = judge_share(values[:-1], *values[-1], limit)
    pairs = [
        (sum(part for part, _ in two), sum(whole for _, whole in two))
        for two in (values[place - 1 : place + 1] for place in range(1, len(values)))
    ]
    two = judge_share(pairs[:-2], *pairs[-1], limit, ahead=1)
    yesterday = seen.as_of - timedelta(days=1)
    for verdict, (part, whole), since in (
        (one, values[-1], seen.as_of),
        (two, pairs[-1], yesterday),
    ):
        is_far = verdict is not None and abs(verdict.distance) > limit
        is_better = verdict is not None and verdict.distance * BETTER.get(subject, 0) > 0
        if verdict and is_far and not is_better and is_large(seen, verdict, part / whole):
            return unusual(subject, since, part, whole, verdict)
    return None


def is_large(seen: Look, verdict: Verdict, share: float) -> bool:
    """Return whether a difference matters to anybody."""
    return abs(share - verdict.expected) * 100 >= seen.thresholds["points"]


def unusual(subject: str, since: date, part: float, whole: float, verdict: Verdict) -> Finding:
    """Return the finding for a share unlike its history."""
    share = part / whole
    return Finding(
        subject,
        "failing",
        f"{subject} is {share:.0%} ({part:,.0f} of {whole:,.0f}) where {verdict.expected:.0%} is"
        f" usual ({verdict.lower:.0%} to {verdict.upper:.0%})",
        ACTION,
        value=share,
        lower=verdict.lower,
        upper=verdict.upper,
        since=since,
    )


CHECK = Check(
    name="consent_rate",
    title="as many consent as usual",
    severity="ticket",
    tables=(),
    look=look,
    thresholds={
        "limit": Threshold(4.5, "Spreads from what is usual that alarm.", minimum=2),
        "points": Threshold(5.0, "And so many points of the share.", maximum=100),
    },
)
