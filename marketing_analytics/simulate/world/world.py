"""A whole world in memory, generated in the order of cause and effect."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketing_analytics.simulate.world.ads.catalog import Catalog, build_catalog
from marketing_analytics.simulate.world.ads.claims import Claims, build_causes, build_claims
from marketing_analytics.simulate.world.ads.days import AdDays, build_ad_days, with_budgets
from marketing_analytics.simulate.world.chance import IntArray
from marketing_analytics.simulate.world.customers.people import People, build_people, draw_markets
from marketing_analytics.simulate.world.customers.purchases import (
    Orders,
    Refunds,
    build_orders,
    build_refunds,
)
from marketing_analytics.simulate.world.exchange import Exchange, build_exchange
from marketing_analytics.simulate.world.mail.events import MailEvents, build_mail_events
from marketing_analytics.simulate.world.mail.plan import MailPlan, plan_mails
from marketing_analytics.simulate.world.mail.sends import Sends, build_sends, mails_of_sessions
from marketing_analytics.simulate.world.parameters import WorldParameters
from marketing_analytics.simulate.world.web.visits import (
    EMAIL_SOURCE,
    Sessions,
    build_sessions,
    sketch_sessions,
    without_email,
)


@dataclass(frozen=True)
class World:
    """Everything that happened."""

    parameters: WorldParameters
    exchange: Exchange
    catalog: Catalog
    people: People
    orders: Orders
    refunds: Refunds
    sessions: Sessions
    mail_plan: MailPlan
    sends: Sends
    mail_events: MailEvents
    ad_days: AdDays
    claims: Claims
    causes: IntArray


def generate(parameters: WorldParameters) -> World:
    """Return the world of these parameters; the same parameters give the same world."""
    exchange = build_exchange(parameters)
    catalog = build_catalog(parameters)
    is_eur = draw_markets(parameters)
    orders = build_orders(parameters, is_eur)
    refunds = build_refunds(parameters, orders)
    people = build_people(parameters, is_eur, orders)
    sketch = sketch_sessions(parameters, people, orders)
    plan = plan_mails(parameters)
    sends = build_sends(parameters, plan, people, orders, sketch)
    mail = mails_of_sessions(sends, sketch)
    sketch = without_email(sketch, (sketch.source == EMAIL_SOURCE) & (mail < 0))
    sessions = build_sessions(parameters, catalog, people, sketch, mail)
    events = build_mail_events(parameters, people, sends, sessions.mail, sessions.start_us)
    ad_days = build_ad_days(parameters, catalog, sessions)
    catalog = with_budgets(catalog, ad_days)
    return World(
        parameters=parameters,
        exchange=exchange,
        catalog=catalog,
        people=people,
        orders=orders,
        refunds=refunds,
        sessions=sessions,
        mail_plan=plan,
        sends=sends,
        mail_events=events,
        ad_days=ad_days,
        claims=build_claims(parameters, catalog, exchange, orders, sessions, ad_days),
        causes=build_causes(parameters, orders, sessions),
    )


def order_is_tracked(world: World) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return per order whether analytics saw its purchase."""
    index = np.flatnonzero(world.sessions.order >= 0)
    tracked = np.zeros(len(world.orders.customer), dtype=bool)
    tracked[world.sessions.order[index]] = world.sessions.is_tracked[index]
    return tracked
