"""Attribution: from visits and orders to credit, in which channel."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from marketing_analytics.diagnose.chains.shared import CAMPAIGN_MAPPING, ORDERS, judge_loads
from marketing_analytics.diagnose.link import (
    Link,
    Row,
    Verdict,
    broken,
    money,
    ok,
    percent,
    share,
    unknown,
)
from marketing_analytics.web.words import plural

MOST_DAYS_BEHIND = 1
# orders of who may be measured whose purchase is seen: blockers take some, a broken tag most
LEAST_TRACKED, MOST_POINTS_LOST = 0.6, 0.1
LEAST_ORDERS = 20
MOST_PURCHASES_WITHOUT_ORDER = 0.02
MOST_UNMAPPED = 0.05
MOST_WITHOUT_TOUCH = 0.02
# first orders whose path begins before the window, and those that lose all of it
MOST_CUT, MOST_LOST = 0.25, 0.02
MOST_UNATTRIBUTED = 0.25
# credit is kept with twelve decimals, revenue in cents
CREDIT, CENT = Decimal("0.000001"), Decimal("0.01")
RUN = "run its job: `marketing jobs run attribution-daily-refresh --follow`"


def judge_web_days(rows: Sequence[Row]) -> Verdict:
    """Judge days of visits: until today, and some on each day with an order."""
    if not rows or rows[0]["last_day"] is None:
        return broken("no visit is known")
    row = rows[0]
    if row["days_behind"] > MOST_DAYS_BEHIND:
        return broken(
            f"visits end on {row['last_day']}, {plural(row['days_behind'], 'day')}"
            f" before {row['as_of_date']}"
        )
    if row["order_days_without_visits"]:
        return broken(
            f"{plural(row['order_days_without_visits'], 'day')} of the last 28 with orders"
            " and no visit"
        )
    return ok(f"visits reach until {row['last_day']}, no day is missing")


def judge_tracking(rows: Sequence[Row]) -> Verdict:
    """Judge purchases seen: 60 % of the orders, and no fall by ten points."""
    row = rows[0]
    now = share(row["tracked"], row["orders"])
    before = share(row["tracked_before"], row["orders_before"])
    if now is None:
        return broken("no order in the last 28 days")
    if now < LEAST_TRACKED and row["orders"] >= LEAST_ORDERS:
        return broken(
            f"{percent(now)} of {plural(row['orders'], 'order')} are seen by the web analytics"
        )
    if before is not None and now < before - MOST_POINTS_LOST and row["orders"] >= LEAST_ORDERS:
        return broken(
            f"{percent(now)} of the orders of 28 days are seen by the web analytics,"
            f" {percent(before)} in the 84 before"
        )
    return ok(f"{percent(now)} of {plural(row['orders'], 'order')} are seen by the web analytics")


def judge_purchase_ids(rows: Sequence[Row]) -> Verdict:
    """Judge purchases of the web analytics: their number is that of an order."""
    row = rows[0]
    lost = share(row["without_order"], row["purchases"])
    if lost is not None and lost > MOST_PURCHASES_WITHOUT_ORDER:
        return broken(
            f"{row['without_order']} of {plural(row['purchases'], 'purchase')} with the number of"
            f" no order, such as {row['example_order']}"
        )
    return ok(
        f"{plural(row['purchases'], 'purchase carries', 'purchases carry')} the number of an order"
    )


def judge_rules(rows: Sequence[Row]) -> Verdict:
    """Judge visits and orders that no rule of channels knows: 5 %."""
    row = rows[0]
    visits = share(row["sessions"], row["all_sessions"])
    orders = share(row["conversions"], row["all_conversions"])
    if max(visits or 0.0, orders or 0.0) > MOST_UNMAPPED:
        return broken(
            f"{percent(visits)} of the visits and {percent(orders)} of the orders have a source"
            f" that no rule knows, such as {row['example']}"
        )
    return ok(f"{percent(visits)} of the visits have a source that no rule knows")


def judge_touches(rows: Sequence[Row]) -> Verdict:
    """Judge orders whose purchase was seen: 2 % without a touch."""
    row = rows[0]
    without = share(row["without_touch"], row["orders"])
    if without is None:
        return unknown("no order with a purchase that was seen")
    if without > MOST_WITHOUT_TOUCH:
        return broken(
            f"{row['without_touch']} of {plural(row['orders'], 'order')} whose purchase was seen"
            f" have no touch, such as {row['example_order']}"
        )
    return ok(f"{percent(1 - without)} of the orders that were seen have a touch")


def judge_window(rows: Sequence[Row]) -> Verdict:
    """Judge the own window against the time that customers take."""
    if not rows:
        return unknown("no first order has a touch")
    row = rows[0]
    cut, lost = share(row["cut"], row["orders"]), share(row["lost"], row["orders"])
    if (cut or 0.0) > MOST_CUT or (lost or 0.0) > MOST_LOST:
        return broken(
            f"a window of {row['own_days']} days cuts {percent(cut)} of the paths to a first"
            f" order and loses {percent(lost)} wholly: nine in ten take"
            f" {row['ninetieth_days']:.0f} days"
        )
    return ok(
        f"{row['own_days']} days cut {percent(cut)} of the paths, nine in ten take"
        f" {row['ninetieth_days']:.0f} days"
    )


def judge_credit(rows: Sequence[Row]) -> Verdict:
    """Judge each model and window: all revenue, all credit, and nothing else."""
    if not rows:
        return broken("no conversion has credit")
    for row in rows:
        name = f"{row['model']} in {row['window_days']} days"
        if abs(row["revenue_usd"] - row["orders_usd"]) >= CENT:
            return broken(
                f"{name} hands out {money(row['revenue_usd'])} of {money(row['orders_usd'])}"
            )
        if abs(row["credit"] - row["conversions"]) > CREDIT:
            return broken(
                f"{name} hands out {row['credit']:.6f} credit for"
                f" {plural(row['conversions'], 'order')}"
            )
    return ok(f"{len(rows)} models and windows hand out {money(rows[0]['orders_usd'])} each")


def judge_first_orders(rows: Sequence[Row]) -> Verdict:
    """Judge first orders: one for each customer."""
    row = rows[0]
    if row["without_first"] or row["with_several"]:
        return broken(
            f"{plural(row['without_first'], 'customer')} with orders and no first one,"
            f" {row['with_several']} have several"
        )
    return ok(f"{plural(row['customers'], 'customer has', 'customers have')} one first order each")


def judge_unattributed(rows: Sequence[Row]) -> Verdict:
    """Judge revenue that no touch leads to: a quarter, and the largest reason."""
    row = rows[0]
    part = share(row["unattributed_usd"], row["revenue_usd"])
    if part is None:
        return unknown("no revenue in the last 84 days")
    reasons = {
        "their purchase was not seen": row["untracked_usd"],
        "the customer refused": row["refused_usd"],
        "they are of guests": row["guests_usd"],
        "no touch lies in the window": row["no_touch_usd"],
    }
    reason = max(reasons, key=lambda name: reasons[name])
    sentence = f"{percent(part)} of the revenue has no touch"
    if part > MOST_UNATTRIBUTED:
        return broken(f"{sentence}, most of it as {reason} ({money(reasons[reason])})")
    return ok(sentence + (f", most of it as {reason}" if part else ""))


CHAIN = (
    Link(
        "source limits", "attribution/loads",
        "Did the last sync of visits and orders end well?",
        "stg_ingest__loads", judge_loads,
        "run `marketing ingest doctor`, mend what it names, then `marketing ingest run`",
        "docs/runbooks/attribution.md",
    ),
    Link(
        "visits", "attribution/web_days",
        "Are there visits until today, and on every day with orders?",
        "int_web__sessions, fct_conversions", judge_web_days,
        "read the days again: `marketing ingest run --source ga4 --reread`, then"
        " `marketing jobs run attribution-daily-refresh --follow`",
        "docs/runbooks/attribution.md",
    ),
    ORDERS,
    Link(
        "first orders", "attribution/first_orders",
        "Has every customer one first order?",
        "int_orders__revenue", judge_first_orders,
        "mend is_first_order in the shop; of Shopify read all orders again:"
        " `marketing ingest run --source shopify --reread`",
        "docs/runbooks/attribution.md",
    ),
    Link(
        "tracking", "attribution/tracking",
        "How many orders does the web analytics see?",
        "fct_conversions", judge_tracking,
        "look at the tag on the page after payment, and at the consent banner",
        "docs/runbooks/attribution.md",
    ),
    Link(
        "order numbers", "attribution/purchase_ids",
        "Do purchases carry the number of their order?",
        "int_web__purchases, fct_conversions", judge_purchase_ids,
        "let the tag send the shop's own order number as transaction_id",
        "docs/runbooks/attribution.md",
    ),
    Link(
        "touches", "attribution/touches",
        "Have orders whose purchase was seen a touch at all?",
        "fct_conversions, int_attribution__credits", judge_touches,
        RUN, "docs/runbooks/attribution.md",
    ),
    Link(
        "window", "attribution/window",
        "Is the window as long as customers take?",
        "int_attribution__credits, fct_conversions", judge_window,
        "raise default_attribution_window_days in transform/dbt_project.yml to a larger one of"
        " attribution_windows_days, then build",
        "docs/runbooks/attribution.md",
    ),
    Link(
        "channel rules", "attribution/channel_rules",
        "Do the rules know the sources of visits?",
        "rpt_unmapped_traffic, int_web__sessions", judge_rules,
        "add rows to the seeds channel_rules or traffic_sources (docs/campaign-tracking.md)",
        "docs/runbooks/unmapped-channels.md",
    ),
    CAMPAIGN_MAPPING,
    Link(
        "unattributed", "attribution/unattributed",
        "How much revenue has no touch, and why?",
        "fct_conversions, int_attribution__default_model", judge_unattributed,
        "run `marketing diagnose consent` where customers refused; else look at the tag",
        "docs/runbooks/attribution.md",
    ),
    Link(
        "credit", "attribution/credit",
        "Does each model hand out the revenue of the orders, and one credit an order?",
        "fct_attribution, fct_conversions", judge_credit,
        "build the credit anew: `dbt build --full-refresh --select +fct_attribution`",
        "docs/runbooks/attribution-drift.md",
    ),
)  # fmt: skip
