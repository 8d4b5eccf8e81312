"""Share of each channel in visits and in the credit of every model, against its own history.

A drift is split. Mix: the visits or journeys of a channel are more or fewer than on the same
weekdays of eight weeks; where its spend changed alike, that is announced and no alarm. Rule:
journeys are credited otherwise than they were, which the kept credit of the same days, the credit
of first and last touches, and sums of one a conversion show without chance. A change of the models,
their windows, the settings or the seeds of channels is announced for some days, with all that
follows from it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from statistics import median

from marketing_analytics.monitor.check import MOST_DAYS, Check, Finding, Look, Threshold
from marketing_analytics.monitor.checks.credit_rules import (
    TOUCHES,
    broken_rules,
    definitions,
)
from marketing_analytics.monitor.series import Verdict, judge_share
from marketing_analytics.web.words import plural

HISTORY_DAYS, SPEND_DAYS, FOLLOW_DAYS = 56, 14, 3
# days whose spend was so many times that of today, or less by that, say nothing of today
LIKE_TODAY = 2.0
LEAST_LIKE_DAYS = 21
ACTION = "see which sources and campaigns changed: `marketing diagnose attribution`"

Days = Mapping[date, Mapping[str, float]]


@dataclass(frozen=True)
class Drift:
    """A channel whose share is unlike its history."""

    share: float
    verdict: Verdict
    since: date


def look(seen: Look) -> Iterator[Finding]:
    """Yield channels and models that drift."""
    first = seen.as_of - timedelta(days=HISTORY_DAYS + 1)
    credit_of = credits_of(seen, first)
    defined = definitions(seen)
    yield from defined.findings
    yield from broken_rules(seen, credit_of, defined)
    touches: dict[date, dict[str, float]] = defaultdict(dict)
    for row in seen.rows("touches_by_day", first, seen.as_of):
        touches[row["day"]][row["channel"]] = float(row["touches"])
    spend = spend_of(seen, first)
    drifting = drifts(
        seen, touches, spend, seen.thresholds["touch_points"], seen.thresholds["limit"]
    )
    for channel, drift in drifting.items():
        finding = of_drift(f"visits/{channel}", f"mix: {channel} has", "of the visits", drift)
        yield defined.announced(explained(seen, spend.get(channel, {}), finding))
    for channel, finding in credit_mixes(seen, credit_of, spend, set(drifting)):
        yield defined.announced(explained(seen, spend.get(channel, {}), finding))
    models = len(credit_of) - 1
    yield Finding(
        "", "ok", f"channels have their usual share of visits and of {plural(models, 'model')}"
    )


def credits_of(seen: Look, first: date) -> dict[str, dict[date, dict[str, float]]]:
    """Return credit by model, day and channel, and the touches of the model that has them all."""
    found: dict[str, dict[date, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    touches: dict[date, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in seen.rows("credits_by_day", first, seen.as_of):
        found[row["model"]][row["day"]][row["channel"]] = float(row["credit"])
        known = touches[row["day"]]
        known[row["channel"]] = max(known[row["channel"]], float(row["touches"]))
    return {**found, TOUCHES: {day: dict(each) for day, each in touches.items()}}


def spend_of(seen: Look, first: date) -> dict[str, dict[date, float]]:
    """Return spend by channel and day, where it is known."""
    found: dict[str, dict[date, float]] = defaultdict(dict)
    if {"fct_ad_spend", "dim_campaigns"} <= seen.tables:
        for row in seen.rows("spend_by_channel_day", first, seen.as_of):
            found[row["channel"]][row["day"]] = float(row["spend_usd"])
    return found


def drifts(
    seen: Look,
    days: Days,
    spend: Mapping[str, Mapping[date, float]],
    least_points: float,
    limit: float,
) -> dict[str, Drift]:
    """Return the channels whose share of the last day, or last two, is unlike its history."""
    found = {}
    for channel in sorted({name for each in days.values() for name in each}):
        drift = drift_of(seen, history_of(seen, days, channel, spend.get(channel, {})), limit)
        if drift and abs(drift.share - drift.verdict.expected) * 100 >= least_points:
            found[channel] = drift
    return found


def history_of(
    seen: Look, days: Days, channel: str, spend: Mapping[date, float]
) -> list[tuple[float, float]]:
    """Return part and whole of eight weeks and the last day.

    Days on which the channel cost far more or less than today are filled with what is usual on the
    others, where there are enough of those.
    """
    order = [seen.as_of - timedelta(days=back) for back in range(HISTORY_DAYS, -1, -1)]
    parts = [days.get(day, {}).get(channel, 0.0) for day in order]
    wholes = [sum(days.get(day, {}).values()) for day in order]
    today = spend.get(seen.as_of, 0.0)
    is_like = [
        not spend or today / LIKE_TODAY <= spend.get(day, 0.0) <= today * LIKE_TODAY
        for day in order[:-1]
    ]
    like = [index for index, is_one in enumerate(is_like) if is_one and wholes[index]]
    if len(like) < LEAST_LIKE_DAYS:
        return list(zip(parts, wholes, strict=True))
    share = median(parts[index] / wholes[index] for index in like)
    known = set(like)
    return [
        (part if index in known or index == HISTORY_DAYS else share * whole, whole)
        for index, (part, whole) in enumerate(zip(parts, wholes, strict=True))
    ]


def drift_of(seen: Look, values: Sequence[tuple[float, float]], limit: float) -> Drift | None:
    """Return how far the last day of a share, or its last two, lie from its history, if far."""
    pairs = [(one[0] + two[0], one[1] + two[1]) for one, two in pairwise(values)]
    one = judge_share(values[:-1], *values[-1], limit)
    two = judge_share(pairs[:-2], *pairs[-1], limit, ahead=1)
    if one and abs(one.distance) > limit:
        return Drift(values[-1][0] / values[-1][1], one, seen.as_of)
    if one and two and abs(two.distance) > limit and one.distance * two.distance > 0:
        return Drift(pairs[-1][0] / pairs[-1][1], two, seen.as_of - timedelta(days=1))
    return None


def credit_mixes(
    seen: Look,
    credit_of: Mapping[str, Days],
    spend: Mapping[str, Mapping[date, float]],
    drifting: set[str],
) -> Iterator[tuple[str, Finding]]:
    """Yield channels with another share of the credit, each with the model that shows it most."""
    worst: dict[str, tuple[str, Drift]] = {}
    points, limit = seen.thresholds["credit_points"], seen.thresholds["credit_limit"]
    touches = credit_of.get(TOUCHES, {})
    mixed = drifting | drifts(seen, touches, spend, points / 2, limit / 2).keys()
    for model, days in credit_of.items():
        if model == TOUCHES:
            continue
        for channel, drift in drifts(seen, days, spend, points, limit).items():
            known = worst.get(channel)
            if known is None or abs(drift.verdict.distance) > abs(known[1].verdict.distance):
                worst[channel] = model, drift
    for channel, (model, drift) in worst.items():
        kind = "mix" if channel in mixed else "rule"
        sentence = f"{kind}: {model} gives {channel}"
        yield channel, of_drift(f"credit/{channel}", sentence, "of the credit", drift)


def of_drift(subject: str, begin: str, end: str, drift: Drift) -> Finding:
    """Return the finding for a share unlike its history."""
    verdict = drift.verdict
    return Finding(
        subject,
        "failing",
        f"{begin} {drift.share:.1%} {end} where {verdict.expected:.1%} is usual"
        f" ({verdict.lower:.1%} to {verdict.upper:.1%})",
        ACTION,
        value=drift.share,
        lower=verdict.lower,
        upper=verdict.upper,
        since=drift.since,
    )


def explained(seen: Look, spend: Mapping[date, float], finding: Finding) -> Finding:
    """Return a finding as an announcement where the spend of its channel moved it there."""
    if not spend or finding.value is None or finding.lower is None or finding.upper is None:
        return finding
    order = [seen.as_of - timedelta(days=back) for back in range(SPEND_DAYS + 1, 1, -1)]
    usual = median(spend.get(day, 0.0) for day in order)
    # visits follow spend by some days
    lately = [spend.get(seen.as_of - timedelta(days=back), 0.0) for back in range(FOLLOW_DAYS)]
    is_low = finding.value < finding.lower
    now = min(lately) if is_low else max(lately)
    times = now / usual if usual else (0.0 if is_low else float("inf"))
    is_followed = finding.value >= finding.lower * times if is_low else (
        finding.value <= finding.upper * times
    )  # fmt: skip
    if (times < 1) == is_low and is_followed:
        spent = f"{now:,.0f} {seen.currency} where {usual:,.0f} was usual"
        sentence = f"{finding.sentence}; its spend is {spent}"
        return replace(finding, status="announced", sentence=sentence)
    return finding


CHECK = Check(
    name="attribution_drift",
    title="channels get their usual share of credit",
    severity="ticket",
    tables=("fct_attribution", "fct_conversions", "fct_touchpoints"),
    look=look,
    thresholds={
        "limit": Threshold(4.5, "Spreads of visits from what is usual that alarm.", minimum=2),
        "credit_limit": Threshold(6.0, "Spreads of credit, which few orders make.", minimum=2),
        "touch_points": Threshold(2.5, "And so many points of the visits."),
        "credit_points": Threshold(10.0, "Or so many points of a model's credit."),
        "rule_points": Threshold(1.0, "Points by which credit of the same days may move."),
        "announced_days": Threshold(
            7, "Days for which a change of definition is announced.", maximum=MOST_DAYS
        ),
    },
)
