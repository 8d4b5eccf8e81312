"""A whole world in memory, generated in the order of cause and effect."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketing_analytics.simulate.world.ads.catalog import Catalog, build_catalog
from marketing_analytics.simulate.world.ads.claims import Claims, build_claims
from marketing_analytics.simulate.world.ads.days import AdDays, build_ad_days, with_budgets
from marketing_analytics.simulate.world.customers.buyers import Buyers, build_buyers
from marketing_analytics.simulate.world.customers.people import People, build_people
from marketing_analytics.simulate.world.customers.purchases import (
    Orders,
    Refunds,
    build_orders,
    build_refunds,
)
from marketing_analytics.simulate.world.customers.ties import Ties
from marketing_analytics.simulate.world.demand.causes import Causes, build_causes
from marketing_analytics.simulate.world.demand.journeys import draw_visits, has_visited_before
from marketing_analytics.simulate.world.demand.meetings import Meetings
from marketing_analytics.simulate.world.demand.plan import plan_spend
from marketing_analytics.simulate.world.demand.regions import IS_EUR
from marketing_analytics.simulate.world.demand.shoppers import (
    Market,
    draw_shoppers,
    open_market,
)
from marketing_analytics.simulate.world.exchange import Exchange, build_exchange
from marketing_analytics.simulate.world.mail.events import MailEvents, build_mail_events
from marketing_analytics.simulate.world.mail.plan import MailPlan, plan_mails
from marketing_analytics.simulate.world.mail.sends import Sends, build_sends, mails_of_sessions
from marketing_analytics.simulate.world.mail.wakes import wake_customers
from marketing_analytics.simulate.world.parameters import WorldParameters
from marketing_analytics.simulate.world.web.visits import (
    EMAIL_SOURCE,
    Sessions,
    Sketcher,
    build_sessions,
    sketch_sessions,
    without_email,
)


@dataclass(frozen=True)
class World:
    """Everything that happened, and the market it came out of."""

    parameters: WorldParameters
    exchange: Exchange
    catalog: Catalog
    market: Market
    buyers: Buyers
    people: People
    ties: Ties
    orders: Orders
    refunds: Refunds
    sessions: Sessions
    mail_plan: MailPlan
    sends: Sends
    mail_events: MailEvents
    ad_days: AdDays
    claims: Claims
    causes: Causes


def generate(parameters: WorldParameters) -> World:
    """Return the world of these parameters; the same parameters give the same world.

    Demand and spend come first, then the visits they bring, then who buys, then what the shop,
    the mail and the platforms know of it.
    """
    exchange = build_exchange(parameters)
    plan = plan_spend(parameters, build_catalog(parameters))
    meetings = Meetings(parameters, plan)
    shoppers = draw_shoppers(parameters, plan)
    visits = draw_visits(parameters, plan, meetings, shoppers)
    market = open_market(parameters, plan, shoppers, has_visited_before(visits))
    buyers = build_buyers(parameters, market, visits)
    region = shoppers.region[buyers.shopper]
    decided_us = buyers.decided_us[buyers.shopper[parameters.buyers :]]
    people = build_people(parameters, region, buyers.first_us, decided_us)
    mail_plan = plan_mails(parameters)
    woken = wake_customers(parameters, mail_plan, people, buyers.first_us[: parameters.customers])
    orders, ties = build_orders(parameters, buyers.first_us, IS_EUR[region], woken)
    refunds = build_refunds(parameters, orders, ties)
    sketcher = Sketcher(parameters, plan, meetings, people, orders, ties)
    sketch = sketch_sessions(sketcher, visits, buyers)
    sends = build_sends(parameters, mail_plan, people, orders, sketch)
    mail = mails_of_sessions(sends, sketch)
    sketch = without_email(sketch, (sketch.source == EMAIL_SOURCE) & (mail < 0))
    sessions = build_sessions(parameters, plan, people, sketch, mail)
    events = build_mail_events(parameters, people, ties, sends, sessions.mail, sessions.start_us)
    ad_days = build_ad_days(parameters, plan, sessions)
    catalog = with_budgets(plan.catalog, ad_days)
    return World(
        parameters=parameters,
        exchange=exchange,
        catalog=catalog,
        market=market,
        buyers=buyers,
        people=people,
        ties=ties,
        orders=orders,
        refunds=refunds,
        sessions=sessions,
        mail_plan=mail_plan,
        sends=sends,
        mail_events=events,
        ad_days=ad_days,
        claims=build_claims(parameters, catalog, exchange, orders, sessions, ad_days),
        causes=build_causes(market, buyers, orders, mail_plan),
    )


def order_is_tracked(world: World) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return per order whether analytics saw its purchase."""
    index = np.flatnonzero(world.sessions.order >= 0)
    tracked = np.zeros(len(world.orders.person), dtype=bool)
    tracked[world.sessions.order[index]] = world.sessions.is_tracked[index]
    return tracked
