"""Consent: from decisions to who is left out of marts and audiences."""

from __future__ import annotations

from collections.abc import Sequence

from marketing_analytics.diagnose.link import (
    Link,
    Row,
    Verdict,
    broken,
    listed,
    ok,
    percent,
    share,
)
from marketing_analytics.web.words import plural

# customers whom nobody asked, of a country: seed consent_defaults speaks for them
MOST_NOT_ASKED = 0.05
LEAST_CUSTOMERS = 20
RUNBOOK = "docs/runbooks/consent.md"
RUN = (
    "run `marketing jobs run attribution-daily-refresh --follow` and"
    " `marketing jobs run customer-ltv-modeling --follow`"
)


def judge_decisions(rows: Sequence[Row]) -> Verdict:
    """Judge decisions that are loaded: all stand in the models."""
    missing = [row for row in rows if (row["loaded"] or 0) > (row["built"] or 0)]
    if missing:
        row = missing[0]
        return broken(
            f"{plural(row['loaded'] - (row['built'] or 0), 'decision')} of {row['source']} loaded"
            f" and not applied, the latest of {row['loaded_to']:%Y-%m-%d %H:%M}"
        )
    decisions = plural(sum(row["built"] or 0 for row in rows), "decision")
    return ok(f"{decisions} in the models")


def judge_ledger(rows: Sequence[Row]) -> Verdict:
    """Judge new customers: 5 % of none of the countries without a decision."""
    bad = [
        row
        for row in rows
        if row["customers"] >= LEAST_CUSTOMERS
        and row["without_decision"] > MOST_NOT_ASKED * row["customers"]
    ]
    if bad:
        return broken(
            "new customers without a decision: "
            + listed(
                [
                    f"{row['without_decision']} of {row['customers']} ({row['country']})"
                    for row in bad
                ]
            )
        )
    customers = sum(row["customers"] for row in rows)
    without = share(sum(row["without_decision"] for row in rows), customers)
    return ok(f"{percent(without)} of {plural(customers, 'new customer')} have no decision")


def judge_windows(rows: Sequence[Row]) -> Verdict:
    """Judge touches of who refused a purpose: none is too old."""
    row = rows[0]
    if row["too_old"]:
        return broken(
            f"{plural(row['too_old'], 'touch counts', 'touches count')} longer than allowed, up to"
            f" {plural(row['oldest_days'], 'day')}"
        )
    return ok(
        f"{plural(row['touches'], 'touch', 'touches')} with a shorter window, none is too old"
    )


def judge_opt_outs(rows: Sequence[Row]) -> Verdict:
    """Judge customers whose last decision is a refusal: all are opted out."""
    row = rows[0]
    if row["not_applied"]:
        return broken(
            f"{row['not_applied']} of {plural(row['refusals'], 'refusal')} do not count, since"
            f" {row['since_at']:%Y-%m-%d %H:%M}"
        )
    return ok(f"{plural(row['refusals'], 'refusal counts', 'refusals count')}")


def judge_marts(rows: Sequence[Row]) -> Verdict:
    """Judge marts: nobody who refused."""
    found = [row for row in rows if row["customers"]]
    if found:
        return broken(
            "who refused still stands in "
            + listed([f"{row['mart']} ({row['customers']})" for row in found])
        )
    return ok(f"nobody who refused stands in {plural(len(rows), 'mart')}")


def judge_audiences(rows: Sequence[Row]) -> Verdict:
    """Judge exported audiences: nobody who refuses now."""
    found = [row for row in rows if row["refusing"]]
    if found:
        return broken(
            "who refuses now stands in files that were handed on: "
            + listed([f"{r['audience']} for {r['platform']} ({r['refusing']})" for r in found])
        )
    return ok(f"{plural(len(rows), 'exported audience')}, nobody in them refuses")


CHAIN = (
    Link(
        "decisions", "consent/decisions",
        "Are all decisions that are loaded in the models?",
        "stg_shop__consents, stg_ingest__consents, int_consent__decisions", judge_decisions,
        RUN, RUNBOOK,
    ),
    Link(
        "ledger", "consent/ledger",
        "Was every new customer asked?",
        "int_consent__customers, int_consent__decisions", judge_ledger,
        "look at the shop's sign-up form of that country; until then say in the seed"
        " consent_defaults what counts for who was not asked",
        "docs/runbooks/consent-rate.md",
    ),
    Link(
        "windows", "consent/windows",
        "Do touches count no longer than a refusal allows?",
        "int_attribution__credits, fct_touchpoints", judge_windows,
        "build the credit anew: `dbt build --full-refresh --select +fct_attribution`", RUNBOOK,
    ),
    Link(
        "opt-outs", "consent/opt_outs",
        "Is everybody whose last decision is a refusal opted out?",
        "int_consent__decisions, int_consent__customers", judge_opt_outs,
        RUN, RUNBOOK,
    ),
    Link(
        "marts", "consent/marts",
        "Is nobody who refused left in a mart?",
        "marts of touches, orders, value and segments; int_consent__customers", judge_marts,
        RUN, RUNBOOK,
    ),
    Link(
        "audiences", "consent/audiences",
        "Does nobody who refuses now stand in an audience that was handed on?",
        "raw._ingest.audience_exports, raw._ingest.audience_members, int_consent__customers",
        judge_audiences,
        "export the audience again and replace it at the platform:"
        " `marketing audience export AUDIENCE --to PLATFORM --out FILE --overwrite`",
        RUNBOOK, absent="no audience was ever exported",
    ),
)  # fmt: skip
