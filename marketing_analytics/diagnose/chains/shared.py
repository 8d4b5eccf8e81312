"""Links that stand in several chains."""

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
    unknown,
)
from marketing_analytics.web.words import plural

# of visits that a platform sold: links without tags or with those of another tool
MOST_WITHOUT_CAMPAIGN = 0.25
LEAST_SESSIONS = 20


def judge_loads(rows: Sequence[Row]) -> Verdict:
    """Judge the last loads: all ended, with all their windows and without errors."""
    if not rows:
        return broken("no source was ever loaded")
    bad = [row for row in rows if row["status"] not in ("ok", "running")]
    if bad:
        reasons = [
            f"{row['source']} {row['status']}"
            + (f" ({str(row['error_messages']).splitlines()[0]})" if row["error_messages"] else "")
            for row in bad
        ]
        return broken(f"the last sync was not whole: {listed(reasons)}")
    going = [row["source"] for row in rows if row["status"] == "running"]
    if going:
        return unknown(f"a sync goes on, or was killed: {listed(going)}")
    return ok(f"the last sync of {plural(len(rows), 'source')} was whole")


def judge_mapping(rows: Sequence[Row]) -> Verdict:
    """Judge visits that platforms sold: a quarter of none without a campaign."""
    bad = [
        row
        for row in rows
        if row["sessions"] >= LEAST_SESSIONS
        and row["without_campaign"] > MOST_WITHOUT_CAMPAIGN * row["sessions"]
    ]
    if bad:
        first = bad[0]
        example = f", such as {first['example_campaign']}" if first["example_campaign"] else ""
        return broken(
            f"{first['platform']}: {percent(share(first['without_campaign'], first['sessions']))}"
            f" of {plural(first['sessions'], 'visit')} lead to no campaign{example}"
        )
    without = share(sum(row["without_campaign"] for row in rows), sum(r["sessions"] for r in rows))
    return ok(f"{percent(without)} of the visits that platforms sold lead to no campaign")


def judge_orders(rows: Sequence[Row]) -> Verdict:
    """Judge orders that are loaded: each is a conversion, with its total."""
    rows = [row for row in rows if row["conversions"]]
    if not rows:
        return broken("no order that is loaded is a conversion")
    row = max(rows, key=lambda row: row["conversions"])
    missing = row["orders"] - row["conversions"]
    if missing:
        return broken(
            f"{missing} of {plural(row['orders'], 'order')} of {row['source']} are no conversions,"
            f" the first of {row['first_missing_date']}"
        )
    if row["order_total"] != row["conversion_total"]:
        return broken(
            f"orders of {row['source']} are worth {row['order_total']:,.2f},"
            f" conversions {row['conversion_total']:,.2f}"
        )
    orders = plural(row["orders"], "order")
    return ok(f"{orders} of {row['source']}: each a conversion, with its total")


CAMPAIGN_MAPPING = Link(
    "campaign mapping", "roi/campaign_mapping",
    "Do visits that a platform sold lead to one of its campaigns?",
    "int_web__sessions", judge_mapping,
    "tag the links with the campaign's id (utm_id), or add rows to the seed campaign_mapping",
    "docs/runbooks/unmapped-channels.md",
)  # fmt: skip

ORDERS = Link(
    "orders", "roi/orders",
    "Is every order that is loaded a conversion, with its total?",
    "stg_<shop>__orders, fct_conversions", judge_orders,
    "run its job: `marketing jobs run attribution-daily-refresh --follow`",
    "docs/runbooks/reconciliation.md",
)  # fmt: skip
