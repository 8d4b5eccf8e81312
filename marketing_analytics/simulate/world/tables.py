"""The truth as Parquet tables, one file each, and how they are written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from marketing_analytics.simulate.world.ads.claims import KINDS
from marketing_analytics.simulate.world.ads.platforms import BY_NAME
from marketing_analytics.simulate.world.chance import IntArray, gather, texts
from marketing_analytics.simulate.world.columns import days, moments, named
from marketing_analytics.simulate.world.customers.people import DEVICE_KINDS
from marketing_analytics.simulate.world.customers.ties import usual_ways
from marketing_analytics.simulate.world.demand.meetings import AD_KINDS
from marketing_analytics.simulate.world.demand.truth import (
    NAMES,
    caused_order_table,
    caused_table,
    pause_table,
    region_table,
    response_table,
)
from marketing_analytics.simulate.world.mail.events import ACTIONS, MACHINES
from marketing_analytics.simulate.world.mail.plan import LINKS
from marketing_analytics.simulate.world.mail.sends import held_out
from marketing_analytics.simulate.world.names import device_names, email_hash, ids
from marketing_analytics.simulate.world.web.ga4_events import click_id
from marketing_analytics.simulate.world.web.visits import CHANNELS, FREE_SOURCES, SOURCES
from marketing_analytics.simulate.world.world import World, order_is_tracked

TAGS = ("full", "click_id_only", "lost")
SEND_STATUSES = ("sent", "hard", "soft")


def entity_table(rows: Sequence[Any]) -> pa.Table:
    """Return frozen dataclasses as a table, `_us` and `_day` fields as integers."""
    names = list(rows[0].__dataclass_fields__)
    return pa.table({name: pa.array([getattr(row, name) for row in rows]) for name in names})


def ad_day_table(world: World) -> pa.Table:
    """Return one row per ad and account-local day with delivery."""
    table, ads = world.ad_days, world.catalog.ads
    columns = {
        name: named([getattr(ad, name) for ad in ads], table.ad)
        for name in ("platform", "account_id", "campaign_id", "ad_group_id", "ad_id")
    }
    return pa.table(
        {
            **columns,
            "date": days(table.day),
            "impressions": table.impressions,
            "clicks": table.clicks,
            "spend_cents": table.spend_cents,
            "visits": table.visits,
            "removed_at": moments(table.removed_us),
            "reach": table.reach,
            "click_rate_left_ppm": table.click_rate_left,
        }
    )


def claim_table(world: World) -> pa.Table:
    """Return one row per conversion a platform claims; `ad_day` is a row of ad_days."""
    claims = world.claims
    return pa.table(
        {
            "ad_day": claims.row,
            "order_id": named(ids("order", len(world.orders.person)), claims.order),
            "kind": gather(KINDS, claims.kind),
            "lag_us": claims.lag_us,
            "reported_at": moments(claims.reported_us),
            "weight_ppm": claims.weight_ppm,
            "value_cents": claims.value_cents,
        }
    )


def customer_names(world: World, persons: IntArray) -> pa.Array:
    """Return the customer id of each person, null for guests and visitors."""
    customers = world.people.customers
    return named(ids("customer", customers), np.where(persons < customers, persons, -1))


def session_table(world: World) -> pa.Table:
    """Return one row per session, also of those that analytics never saw."""
    sessions, ads = world.sessions, world.catalog.ads
    orders = ids("order", len(world.orders.person))
    return pa.table(
        {
            "session_id": ids("session", sessions.count),
            "person": sessions.person,
            "customer_id": customer_names(world, sessions.person),
            "user_pseudo_id": named(
                device_names(world.parameters.seed, len(world.people.device_kind)), sessions.device
            ),
            "ga_session_id": sessions.session_id,
            "started_at": moments(sessions.start_us),
            "ended_at": moments(sessions.end_us),
            "source": gather(SOURCES, sessions.source),
            "channel": gather(CHANNELS, sessions.source),
            "campaign_id": named([ad.campaign_id for ad in ads], sessions.ad),
            "ad_id": named([ad.ad_id for ad in ads], sessions.ad),
            "ad_date": days(sessions.ad_day),
            "click_id": click_ids(world),
            "email_campaign_id": mail_names(world, sessions.mail),
            "tags": gather(TAGS, sessions.tag),
            "is_tracked": sessions.is_tracked,
            "is_logged_in": sessions.is_logged_in,
            "depth": sessions.depth,
            "order_id": named(orders, sessions.order),
            "journey_order_id": named(orders, sessions.journey_order),
        }
    )


def click_ids(world: World) -> pa.Array:
    """Return what the platform calls the click of each session, null without one."""
    ads, seed = world.catalog.ads, world.parameters.seed
    return pa.array(
        [
            click_id(BY_NAME[ads[ad].platform].click_id, session, seed) if ad >= 0 else None
            for session, ad in enumerate(world.sessions.ad.tolist())
        ],
        pa.string(),
    )


def mail_names(world: World, sends: IntArray) -> pa.Array:
    """Return the campaign id of each send index, null for -1."""
    if len(world.sends.mail) == 0:
        return pa.nulls(len(sends), pa.string())
    # session to send to mail, with -1 carried through
    mails = np.where(sends >= 0, world.sends.mail[np.maximum(sends, 0)], -1)
    return named([mail.campaign_id for mail in world.mail_plan.mails], mails)


def touch_table(world: World, sessions: pa.Table) -> pa.Table:
    """Return one row per order and session that led to it, the converting one included."""
    index = np.flatnonzero(world.sessions.journey_order >= 0)
    order = world.sessions.journey_order[index]
    # touches of an order in order of time; the index settles ties
    index = index[np.lexsort((index, world.sessions.start_us[index], order))]
    columns = (
        "journey_order_id",
        "session_id",
        "started_at",
        "channel",
        "source",
        "campaign_id",
        "is_tracked",
    )
    return sessions.select(columns).take(pa.array(index)).rename_columns(["order_id", *columns[1:]])


def order_table(world: World) -> pa.Table:
    """Return one row per order with the channels without which it would not have come."""
    orders = world.orders
    usd = world.exchange.usd_cents(orders.total_cents, orders.is_eur, orders.day)
    return pa.table(
        {
            "order_id": ids("order", len(orders.person)),
            "person": orders.person,
            "customer_id": customer_names(world, orders.person),
            "ordered_at": moments(orders.ordered_us),
            "order_date": days(orders.day),
            "currency": gather(("USD", "EUR"), orders.is_eur.astype(np.int64)),
            "total_cents": orders.total_cents,
            "total_usd_cents": usd,
            "is_first_order": orders.is_first,
            "is_tracked": order_is_tracked(world),
            "region": named(NAMES, world.people.region[orders.person]),
            "caused_by": caused_by(world),
        }
    )


def caused_by(world: World) -> pa.Array:
    """Return per order the channels without which it would not have come, mostly none."""
    found: list[list[str]] = [[] for _ in range(len(world.orders.person))]
    for channel in sorted(set(CHANNELS)):
        for order in world.causes.orders_of(channel).tolist():
            found[order].append(channel)
    return pa.array(found, pa.list_(pa.string()))


def refund_table(world: World) -> pa.Table:
    """Return one row per refund."""
    refunds = world.refunds
    is_eur = world.orders.is_eur[refunds.order]
    return pa.table(
        {
            "refund_id": ids("refund", len(refunds.order)),
            "order_id": ids("order", len(world.orders.person))[refunds.order],
            "refunded_at": moments(refunds.refunded_us),
            "amount_cents": refunds.amount_cents,
            "amount_usd_cents": world.exchange.usd_cents(refunds.amount_cents, is_eur, refunds.day),
        }
    )


def people_table(world: World) -> pa.Table:
    """Return one row per person with the times of consent, membership and leaving, and habits."""
    people = world.people
    index = np.arange(people.count)
    ways = usual_ways(world.parameters, people)
    return pa.table(
        {
            "person": index,
            "customer_id": customer_names(world, index),
            "email": people.email,
            "email_id": texts([email_hash(e) if e else "" for e in people.email]),
            "country": people.country,
            "region": named(NAMES, people.region),
            "is_eur": people.is_eur,
            "subscribed_at": moments(people.subscribed_us),
            "opted_out_at": moments(people.opted_out_us),
            "is_blocking": people.is_blocking,
            "has_scanner": people.has_scanner,
            "lapsed_at": moments(world.ties.lapsed_of(index)),
            "usual_source": gather(FREE_SOURCES, ways.usual),
            "followed_ads": gather(AD_KINDS, ways.followed),
        }
    )


def device_table(world: World) -> pa.Table:
    """Return one row per device."""
    people = world.people
    return pa.table(
        {
            "user_pseudo_id": device_names(world.parameters.seed, len(people.device_kind)),
            "person": people.device_person,
            "kind": gather(DEVICE_KINDS, people.device_kind),
        }
    )


def send_table(world: World) -> pa.Table:
    """Return one row per mail and recipient; `mail` is a row of mails."""
    sends = world.sends
    return pa.table(
        {
            "mail": sends.mail,
            "person": sends.person,
            "sent_at": moments(sends.sent_us),
            "status": gather(SEND_STATUSES, sends.status),
            "unsubscribed_at": moments(sends.unsubscribed_us),
        }
    )


def mail_event_table(world: World) -> pa.Table:
    """Return one row per open, click or bounce; `send` is a row of sends."""
    events = world.mail_events
    return pa.table(
        {
            "send": events.send,
            "action": gather(ACTIONS, events.kind),
            "is_machine": np.isin(events.kind, MACHINES),
            "at": moments(events.at_us),
            "url": named(LINKS, events.link),
        }
    )


def mail_hold_out_table(world: World) -> pa.Table:
    """Return one row per flow and member of its list who is never sent it."""
    people, flows = world.people, world.mail_plan.flows
    is_member = people.subscribed_us < world.parameters.end_us
    found = [
        np.flatnonzero(
            is_member
            & (people.is_eur == flow.is_eur)
            & held_out(world.parameters, people, flow.key)
        )
        for flow in flows
    ]
    names = [flow.flow_id for flow, members in zip(flows, found, strict=True) for _ in members]
    return pa.table({"flow": pa.array(names, pa.string()), "person": np.concatenate(found)})


def incremental_counts(world: World) -> dict[str, int]:
    """Return the orders each channel truly caused: those that are missing without it."""
    return {channel: len(world.causes.orders_of(channel)) for channel in sorted(set(CHANNELS))}


def truth_tables(world: World) -> dict[str, pa.Table]:
    """Return every truth table by file name."""
    sessions = session_table(world)
    counts = incremental_counts(world)
    plan = world.mail_plan
    return {
        "accounts": entity_table(world.catalog.accounts),
        "campaigns": entity_table(world.catalog.campaigns),
        "ad_groups": entity_table(world.catalog.ad_groups),
        "ads": entity_table(world.catalog.ads),
        "ad_days": ad_day_table(world),
        "claims": claim_table(world),
        "people": people_table(world),
        "devices": device_table(world),
        "sessions": sessions,
        "touches": touch_table(world, sessions),
        "orders": order_table(world),
        "refunds": refund_table(world),
        "mail_lists": entity_table(plan.lists),
        "mails": entity_table(plan.mails),
        "mail_flows": entity_table(plan.flows),
        "mail_hold_outs": mail_hold_out_table(world),
        "mail_sends": send_table(world),
        "mail_events": mail_event_table(world),
        "regions": region_table(world),
        "hold_outs": pause_table(world),
        "response": response_table(world),
        "caused": caused_table(world),
        "caused_orders": caused_order_table(world),
        "incremental_conversions": pa.table(
            {"channel": list(counts), "conversions": list(counts.values())}
        ),
    }


def write_truth(world: World, folder: Path) -> None:
    """Write every truth table as folder/<name>.parquet."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in truth_tables(world).items():
        # zstd is deterministic: the same table gives the same bytes
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd")
