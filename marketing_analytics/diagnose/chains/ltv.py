"""Lifetime value: from purchases to predictions that are judged."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from marketing_analytics.diagnose.link import (
    Link,
    Row,
    Verdict,
    broken,
    money,
    ok,
    percent,
    unknown,
)
from marketing_analytics.web.words import plural

CENT = Decimal("0.01")
# what the fit asks for
LEAST_REPEAT_CUSTOMERS = 50
# a fit of last week scores this week's customers as well
MOST_FIT_DAYS, MOST_GAP_DAYS = 7, 8
MOST_DAYS_BEHIND = 1
# the interval holds 80 %: with as many customers as a small shop has, this much more or less
COVERAGE = (0.7, 0.93)
MOST_BIAS = 0.25
SLOPE = (0.7, 1.4)
# fewer customers say nothing about a model
LEAST_CUSTOMERS = 200
RUN = "run its job: `marketing jobs run customer-ltv-modeling --follow`"
RUNBOOK = "docs/runbooks/ltv.md"
ACCURACY = "docs/runbooks/ltv-accuracy.md"


def judge_purchases(rows: Sequence[Row]) -> Verdict:
    """Judge purchases against days with an order: as many, and to the cent."""
    row = rows[0]
    if not row["purchases"]:
        return broken("no customer has a purchase")
    if row["customers"] != row["customers_with_purchase"]:
        return broken(
            f"{plural(row['customers'], 'customer has', 'customers have')} orders and"
            f" {row['customers_with_purchase']} a purchase"
        )
    if abs(row["orders_usd"] - row["purchases_usd"]) >= CENT:
        return broken(
            f"orders are worth {money(row['orders_usd'])}, purchases {money(row['purchases_usd'])}"
        )
    return ok(f"{plural(row['purchases'], 'purchase')} of {plural(row['customers'], 'customer')}")


def judge_histories(rows: Sequence[Row]) -> Verdict:
    """Judge what the fit of today is made of."""
    current = next((row for row in rows if row["cut_off"] == "current"), None)
    if current is None:
        return broken("no customer has a history")
    if current["repeat_customers"] < LEAST_REPEAT_CUSTOMERS:
        return broken(
            f"{plural(current['repeat_customers'], 'customer')} bought again, a fit needs"
            f" {LEAST_REPEAT_CUSTOMERS}"
        )
    return ok(
        f"{plural(current['customers'], 'customer')} of"
        f" {plural(current['longest_days'], 'day')},"
        f" {current['repeat_customers']:,} bought again"
    )


def judge_fit(rows: Sequence[Row]) -> Verdict:
    """Judge the latest fit: it converged."""
    if not rows:
        return broken("nothing was ever fitted")
    latest = rows[0]
    if latest["status"] != "good":
        return broken(
            f"the fit of {latest['as_of_date']} is {latest['status']}: {latest['reason']}"
        )
    return ok(f"the fit of {latest['as_of_date']} converged")


def judge_fit_in_force(rows: Sequence[Row]) -> Verdict:
    """Judge the fit that scores today: a week old at most."""
    if not rows:
        return broken("no fit is in force: the cohorts' average is shown")
    row = rows[0]
    if row["fit_age_days"] > MOST_FIT_DAYS:
        return broken(
            f"the fit in force is of {row['fit_date']}, {plural(row['fit_age_days'], 'day')} old"
        )
    return ok(f"the fit of {row['fit_date']} scores today's customers")


def judge_scores(rows: Sequence[Row]) -> Verdict:
    """Judge values: one for each customer with a history, none that cannot be."""
    row = rows[0]
    if row["with_history"] != row["with_value"]:
        return broken(
            f"{plural(row['with_history'], 'customer has', 'customers have')} a history and"
            f" {row['with_value']} a value"
        )
    if row["impossible"]:
        return broken(
            f"{plural(row['impossible'], 'customer has', 'customers have')} a value that cannot be"
        )
    customers = plural(row["with_value"], "customer has", "customers have")
    return ok(f"{customers} a value, by {row['shown_model']}")


def judge_predictions(rows: Sequence[Row]) -> Verdict:
    """Judge predictions that were kept: of today, and of each week before."""
    if not rows:
        return broken("no prediction was kept")
    latest = rows[0]
    if latest["days_behind"] > MOST_DAYS_BEHIND:
        return broken(
            f"the latest predictions are of {latest['prediction_date']},"
            f" {plural(latest['days_behind'], 'day')} ago"
        )
    gaps = [row for row in rows if (row["days_since"] or 0) > MOST_GAP_DAYS]
    if gaps:
        return broken(
            f"no predictions were kept in the {plural(gaps[0]['days_since'], 'day')} before"
            f" {gaps[0]['prediction_date']}"
        )
    return ok(f"predictions of {plural(len(rows), 'day')} are kept, the latest of today")


def judged(rows: Sequence[Row]) -> Row | None:
    """Return the row of the latest predictions with enough customers."""
    return next((row for row in rows if row["customers"] >= LEAST_CUSTOMERS), None)


def judge_accuracy(rows: Sequence[Row]) -> Verdict:
    """Judge bias and interval of the longest horizon that has passed."""
    row = judged(rows)
    if row is None:
        return unknown(f"no horizon of {LEAST_CUSTOMERS} customers has passed yet")
    of = f"{row['horizon_days']} days from {row['prediction_date']}"
    if row["revenue_bias"] is not None and abs(row["revenue_bias"]) > MOST_BIAS:
        return broken(f"revenue of {of} was expected {percent(row['revenue_bias'])} too high")
    if not COVERAGE[0] <= row["interval_coverage"] <= COVERAGE[1]:
        return broken(
            f"{percent(row['interval_coverage'])} of the customers lie inside of their interval"
            f" of 80 % ({of})"
        )
    if not row["has_beaten_benchmark"]:
        return broken(f"the cohorts' average was nearer than the model ({of})")
    return ok(
        f"bias {percent(row['revenue_bias'])}, {percent(row['interval_coverage'])} inside ({of})"
    )


def judge_calibration(rows: Sequence[Row]) -> Verdict:
    """Judge purchases for each one more that was expected."""
    row = judged(rows)
    if row is None or row["calibration_slope"] is None:
        return unknown(f"no horizon of {LEAST_CUSTOMERS} customers has passed yet")
    slope = row["calibration_slope"]
    if not SLOPE[0] <= slope <= SLOPE[1]:
        return broken(
            f"{slope:.2f} purchases came for each one more that was expected"
            f" ({row['horizon_days']} days from {row['prediction_date']})"
        )
    return ok(f"{slope:.2f} purchases came for each one more that was expected")


def judge_as_of(rows: Sequence[Row]) -> Verdict:
    """Judge the day of the values: today."""
    row = rows[0]
    if row["prediction_date"] is None:
        return broken("no customer has a value")
    if row["days_behind"] > MOST_DAYS_BEHIND:
        return broken(
            f"values are of {row['prediction_date']}, {plural(row['days_behind'], 'day')} before"
            f" {row['as_of_date']}"
        )
    return ok(f"values are of {row['prediction_date']}")


CHAIN = (
    Link(
        "purchases", "ltv/purchases",
        "Is every order with something left of it part of a purchase?",
        "int_orders__revenue, int_value__purchases", judge_purchases,
        RUN, RUNBOOK,
    ),
    Link(
        "histories", "ltv/histories",
        "Are there customers enough who bought again?",
        "int_value__histories", judge_histories,
        "wait for more orders, or load more of the past:"
        " `marketing ingest run --source shop --since DATE`",
        RUNBOOK,
    ),
    Link(
        "fit", "ltv/fit",
        "Did the latest fit converge?",
        "rpt_lifetime_value_fits", judge_fit,
        "read its reason; where dbt runs no Python: `marketing measure fit`",
        RUNBOOK,
    ),
    Link(
        "fit in force", "ltv/fit_in_force",
        "Is the fit that scores today's customers young?",
        "int_value__parameters", judge_fit_in_force,
        RUN, RUNBOOK,
    ),
    Link(
        "scores", "ltv/scores",
        "Has every customer with a history a value that can be?",
        "fct_customer_lifetime_value, int_value__histories", judge_scores,
        RUN, RUNBOOK,
    ),
    Link(
        "predictions kept", "ltv/predictions",
        "Are predictions kept, to be judged later?",
        "int_value__predictions", judge_predictions,
        RUN, RUNBOOK,
    ),
    Link(
        "accuracy", "ltv/accuracy",
        "Did earlier predictions come true?",
        "rpt_lifetime_value_accuracy", judge_accuracy,
        "look at cohorts and channels in rpt_lifetime_value_calibration: what changed for them?",
        ACCURACY,
    ),
    Link(
        "calibration", "ltv/calibration",
        "Do customers of whom more is expected bring more?",
        "rpt_lifetime_value_accuracy, rpt_lifetime_value_calibration", judge_calibration,
        "look at cohorts and channels in rpt_lifetime_value_calibration: what changed for them?",
        ACCURACY,
    ),
    Link(
        "as-of", "ltv/as_of",
        "Are the values of today?",
        "fct_customer_lifetime_value, int_calendar__as_of", judge_as_of,
        RUN, RUNBOOK,
    ),
)  # fmt: skip
