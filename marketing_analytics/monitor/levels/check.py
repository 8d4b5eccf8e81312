"""The dashboard is up and fresh 99.9 % of the minutes of 28 days.

`marketing monitor probe` looks at it from outside, every minute. A minute with a bad probe is
bad, one that nobody looked at is unknown and never good. It fails when the error budget burns so
fast that it matters and goes on: 14.4 times too fast over 1 h and 5 min, or 6 times over 6 h and
30 min (page), or faster than it lasts over 3 d and 6 h (ticket). A budget that is used up warns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from marketing_analytics.monitor.check import Check, Finding, Look
from marketing_analytics.monitor.levels.burn import Budget, Pair, budget, burning, length, rate_over
from marketing_analytics.monitor.levels.minutes import Minutes
from marketing_analytics.monitor.levels.probes import Probe
from marketing_analytics.monitor.levels.settings import Level, levels_of
from marketing_analytics.monitor.levels.store import availability, freshness, probes_since
from marketing_analytics.web.words import plural

# what is counted, what is said of a bad minute, what is to be done
INDICATORS: dict[str, tuple[Callable[..., Minutes], str, str]] = {
    "availability": (
        availability,
        "could not be read whole",
        "open the page; build it again with marketing report build, or mend what serves it",
    ),
    "freshness": (
        freshness,
        "showed data that were too old",
        "see why the last job did not publish: marketing diagnose freshness",
    ),
}
UNKNOWN_ACTION = "have marketing monitor probe --every 60 run somewhere else than the dashboard"


def look(seen: Look) -> Iterator[Finding]:
    """Yield two findings a service level."""
    levels = levels_of(seen.options.get("service_levels") or {})
    if not levels:
        return
    longest = max(level.window_days for level in levels)
    probes = probes_since(seen.connection, seen.place, seen.now - timedelta(days=longest + 1))
    for level in levels:
        own = [each for each in probes if each.target == level.target]
        for name in INDICATORS:
            yield finding(level, name, own, seen.now)


def finding(level: Level, name: str, probes: list[Probe], now: datetime) -> Finding:
    """Return what one indicator says."""
    count, verb, action = INDICATORS[name]
    minutes = count(level, probes, now)
    spent = budget(minutes, level.objective, level.window_minutes)
    pair = burning(minutes, level.objective)
    looked = availability(level, probes, now)
    status, severity = verdict(pair, looked, spent, level)
    if status == "unknown":
        sentence, action = unknown(level, looked), UNKNOWN_ACTION
    elif pair is not None:
        sentence = f"{told_of_pair(level, pair, minutes, verb)}; {told_of_budget(spent)}"
        sentence += last_error(probes)
    else:
        sentence = f"{level.name} is {told_of_share(spent, level)}; {told_of_budget(spent)}"
    share = spent.good_share
    if share is None and status == "ok":
        sentence = f"{level.name} could not be read yet, so that its {name} is unknown"
        status = "unknown"
    return Finding(
        f"{level.name} {name}",
        status,
        sentence,
        "" if status == "ok" else action,
        value=None if share is None else 100 * share,
        lower=level.objective_percent,
        upper=100.0,
        severity=severity,
    )


def verdict(pair: Pair | None, looked: Minutes, spent: Budget, level: Level) -> tuple[str, str]:
    """Return status and severity; an empty severity is that of the monitor."""
    if pair is not None:
        return "failing", pair.severity
    if not looked.states or looked.unknown_now > level.reach_minutes:
        return "unknown", "ticket"
    if spent.left_minutes <= 0:
        return "warning", "ticket"
    return "ok", ""


def unknown(level: Level, looked: Minutes) -> str:
    """Return for how long nobody knows."""
    if not looked.states:
        return f"nobody has probed {level.name}: whether it is up and fresh is unknown"
    return f"nobody has probed {level.name} for {length(looked.unknown_now)}"


def told_of_pair(level: Level, pair: Pair, minutes: Minutes, verb: str) -> str:
    """Return what happens, how bad it is."""
    count = minutes.last(pair.long)
    found = rate_over(minutes, pair.long, level.objective) or 0.0
    return (
        f"{level.name} {verb} in {count.bad} of {plural(count.known, 'minute')} of the last"
        f" {length(pair.long)}: {found:.1f} times too fast for {level.objective_percent:g} %"
        f" (limit {pair.rate:g} over {pair})"
    )


def told_of_share(spent: Budget, level: Level) -> str:
    """Return how good it was."""
    share = 100 * (spent.good_share or 0.0)
    days = spent.count.total / (24 * 60)
    return f"good in {share:.3f} % of {days:.1f} days (promised {level.objective_percent:g} %)"


def told_of_budget(spent: Budget) -> str:
    """Return what is left, and what nobody knows."""
    left = f"{spent.left_minutes:.1f} of {spent.allowed_minutes:.1f} min of the budget are left"
    gaps = spent.count.unknown
    return left + (f", {gaps} min are unknown" if gaps else "")


def last_error(probes: list[Probe]) -> str:
    """Return what the last bad probe said."""
    errors = [each.error for each in probes if each.error]
    return f"; last: {errors[-1]}" if errors else ""


CHECK = Check(
    name="dashboard_sla",
    title="the dashboard is up and fresh as promised",
    severity="page",
    tables=(),
    look=look,
)
