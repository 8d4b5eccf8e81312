"""Kept predictions of lifetime value against what was bought since.

Bias has an interval of its own: what the errors of single customers make of a sum, and a slack
that every model has. Coverage of the intervals that were promised (80 %) and the calibration by
tenths are looked at alike. A figure that leaves the run of its own last values alarms too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date
from statistics import median
from typing import Any

from marketing_analytics.monitor.check import Check, Finding, Look, Note, Threshold
from marketing_analytics.web.words import plural

KEPT_VALUES = 14
ACTION = "fit again (`marketing measure fit`, or dbt build --select +tag:customers), compare fits"
# figure: how far it may lie from its last values, and what it is called
JUMPS = {
    "revenue_bias": (0.1, "bias of revenue"),
    "purchases_bias": (0.1, "bias of purchases"),
    "mae_ratio": (0.25, "error per customer, in those of the benchmark,"),
    "interval_coverage": (0.08, "coverage of the intervals"),
}


def look(seen: Look) -> Iterator[Finding]:
    """Yield horizons whose predictions are off, and note their figures."""
    rows = seen.rows("ltv_accuracy")
    latest = max((row["prediction_date"] for row in rows), default=None)
    if latest is None:
        yield Finding("", "unknown", "no prediction is old enough to be judged", ACTION)
        return
    judged = 0
    for row in rows:
        if row["prediction_date"] != newest(rows, row["kind"], row["horizon_days"]):
            continue
        judged += 1
        subject = f"{row['kind']}/{row['horizon_days']} days"
        figures = figures_of(row)
        wrong = outside(seen, figures, row) or jumped(seen, subject, figures, row)
        remember(seen, subject, figures, row["prediction_date"])
        if wrong:
            yield Finding(
                subject, "failing", f"{subject}: {wrong[0]}", ACTION, *wrong[1:], since=seen.as_of
            )
    yield from uncalibrated(seen) if "rpt_lifetime_value_calibration" in seen.tables else ()
    yield Finding(
        "", "ok", f"predictions of {plural(judged, 'horizon')} are inside of their intervals"
    )


def newest(rows: list[Mapping[str, Any]], kind: str, horizon: int) -> date:
    """Return the latest day of which a kind and horizon is judged."""
    days: list[date] = [
        row["prediction_date"]
        for row in rows
        if row["kind"] == kind and row["horizon_days"] == horizon
    ]
    return max(days)


def figures_of(row: Mapping[str, Any]) -> dict[str, float]:
    """Return the figures of a horizon that are known."""
    benchmark = row["benchmark_revenue_mae_usd"]
    ratio = row["revenue_mae_usd"] / benchmark if benchmark else None
    given = {**row, "mae_ratio": ratio}
    return {name: float(given[name]) for name in JUMPS if given[name] is not None}


Wrong = tuple[str, float, float | None, float | None]


def outside(seen: Look, figures: Mapping[str, float], row: Mapping[str, Any]) -> Wrong | None:
    """Return what is outside of its interval, with value and bounds."""
    customers = max(float(row["customers"]), 1.0)
    limit = seen.thresholds["limit"]
    allowed = seen.thresholds["bias_percent"] / 100 + limit * chance_of(row)
    for name in ("revenue_bias", "purchases_bias"):
        value = figures.get(name, 0.0)
        if abs(value) > allowed:
            sentence = f"{JUMPS[name][1]} is {value:+.0%}, within {allowed:.0%} is chance"
            return sentence, value, -allowed, allowed
    coverage = figures.get("interval_coverage")
    promised = seen.thresholds["coverage_percent"] / 100
    least = promised - 0.05 - limit * math.sqrt(promised * (1 - promised) / customers)
    if coverage is not None and coverage < least:
        sentence = f"{coverage:.0%} of the customers are in intervals that promise {promised:.0%}"
        return sentence, coverage, least, 1.0
    return None


def chance_of(row: Mapping[str, Any]) -> float:
    """Return the spread of a bias that single customers make by chance."""
    actual = max(abs(float(row["revenue_usd"] or 0)), 1e-9)
    return float(row["revenue_rmse_usd"] or 0) * math.sqrt(float(row["customers"])) / actual


def jumped(
    seen: Look, subject: str, figures: Mapping[str, float], row: Mapping[str, Any]
) -> Wrong | None:
    """Return the figure that has left the run of its last values."""
    # as much of the purchases is new since then
    renewed = math.sqrt(min(1.0, KEPT_VALUES / float(row["horizon_days"])))
    for name, (slack, title) in JUMPS.items():
        is_bias = name.endswith("bias")
        allowed = slack + is_bias * seen.thresholds["limit"] * chance_of(row) * renewed
        kept = [note.value for note in seen.memory if note.subject == f"{subject}/{name}"]
        known = [value for value in kept if value is not None]
        if len(known) < 3 or name not in figures:
            continue
        centre, value = median(known), figures[name]
        if abs(value - centre) > allowed:
            sentence = f"{title} is {value:.2f} and was {centre:.2f} in the last runs"
            return sentence, value, centre - allowed, centre + allowed
    return None


def remember(seen: Look, subject: str, figures: Mapping[str, float], day: date) -> None:
    """Note the figures of a day behind those that are known."""
    for name, value in figures.items():
        key = f"{subject}/{name}"
        kept = {note.name: note for note in seen.memory if note.subject == key}
        kept[f"{seen.as_of}"] = Note(key, f"{seen.as_of}", value, str(day))
        for _, note in sorted(kept.items())[-KEPT_VALUES:]:
            seen.note(note)


def uncalibrated(seen: Look) -> Iterator[Finding]:
    """Yield tenths of customers who bought far from what was expected of them."""
    limit, least = seen.thresholds["limit"], seen.thresholds["calibration_percent"] / 100
    for row in seen.rows("ltv_calibration"):
        expected, found = float(row["expected_purchases"]), float(row["purchases"])
        # purchases come in clusters: twice the variance of chance
        distance = (found - expected) / math.sqrt(2 * max(expected, 1.0))
        if abs(distance) > limit + 1.5 and abs(found - expected) > least * expected:
            yield Finding(
                f"{row['kind']}/{row['horizon_days']} days/tenth {row['group_name']}",
                "failing",
                f"the customers of tenth {row['group_name']} were to buy"
                f" {plural(expected, 'time')} in {row['horizon_days']} days and bought"
                f" {plural(found, 'time')}",
                ACTION,
                found,
                expected * (1 - least),
                expected * (1 + least),
                seen.as_of,
            )


CHECK = Check(
    name="ltv_accuracy",
    title="kept predictions of lifetime value come true",
    severity="ticket",
    tables=("rpt_lifetime_value_accuracy",),
    look=look,
    thresholds={
        "bias_percent": Threshold(15, "Bias that every model may have, beside chance."),
        "limit": Threshold(2.6, "Spreads of chance that are allowed.", minimum=1),
        "coverage_percent": Threshold(80, "What the intervals promise.", maximum=100),
        "calibration_percent": Threshold(50, "What a tenth may buy more or less."),
    },
)
