"""What advertising caused: the orders that are missing where it is taken out, by the same numbers.

Each part is taken out alone, so an order may be missing without either of two parts: the sum over
parts can be more than what all of them together cause.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from marketing_analytics.simulate.world.ads.platforms import BY_NAME
from marketing_analytics.simulate.world.chance import BoolArray, IntArray
from marketing_analytics.simulate.world.customers.buyers import Buyers
from marketing_analytics.simulate.world.customers.purchases import Orders
from marketing_analytics.simulate.world.demand.shoppers import Market
from marketing_analytics.simulate.world.demand.tactics import AFFILIATE, EMAIL
from marketing_analytics.simulate.world.mail.plan import MailPlan

CAMPAIGN, TACTIC, CHANNEL = "campaign", "tactic", "channel"


@dataclass(frozen=True)
class Part:
    """A part of advertising; `campaigns` are indexes of the catalog, `mails` of the mail plan."""

    level: str
    channel: str
    tactic: str
    campaign_id: str
    campaigns: tuple[int, ...] = ()
    mails: tuple[int, ...] = ()
    has_affiliates: bool = False


@dataclass(frozen=True)
class Causes:
    """`part` and `order` side by side: each order that is missing without the part."""

    parts: tuple[Part, ...]
    part: IntArray
    order: IntArray

    def orders_of(self, channel: str) -> IntArray:
        """Return the orders that a channel caused."""
        wanted = [p.level == CHANNEL and p.channel == channel for p in self.parts]
        rows = np.flatnonzero(np.array(wanted)[self.part])
        return np.asarray(self.order[rows], dtype=np.int64)


def all_parts(market: Market, mail_plan: MailPlan) -> Iterator[Part]:
    """Return every campaign, tactic and channel that can be taken out."""
    campaigns = market.plan.catalog.campaigns
    channels = [BY_NAME[campaign.platform].channel for campaign in campaigns]
    for i, campaign in enumerate(campaigns):
        yield Part(CAMPAIGN, channels[i], campaign.tactic, campaign.campaign_id, (i,))
    for tactic in dict.fromkeys(campaign.tactic for campaign in campaigns):
        mine = tuple(i for i, c in enumerate(campaigns) if c.tactic == tactic)
        yield Part(TACTIC, channels[mine[0]], tactic, "", mine)
    for channel in dict.fromkeys(channels):
        mine = tuple(i for i, c in enumerate(channels) if c == channel)
        yield Part(CHANNEL, channel, "", "", mine)
    for level in (TACTIC, CHANNEL):
        tactic = AFFILIATE if level == TACTIC else ""
        yield Part(level, AFFILIATE, tactic, "", has_affiliates=True)
    newsletters = tuple(i for i, mail in enumerate(mail_plan.mails) if mail.sent_us)
    for i in newsletters:
        yield Part(CAMPAIGN, EMAIL, EMAIL, mail_plan.mails[i].campaign_id, mails=(i,))
    yield Part(TACTIC, EMAIL, EMAIL, "", mails=newsletters)
    yield Part(CHANNEL, EMAIL, "", "", mails=newsletters)


def missing_without(market: Market, buyers: Buyers, orders: Orders, part: Part) -> BoolArray:
    """Return per order whether it would not exist without a part.

    A buyer who would not have come takes all later orders along.
    """
    missing = np.isin(orders.mail, part.mails)
    if not part.campaigns and not part.has_affiliates:
        return missing
    cents = market.plan.campaign_cents.copy()
    cents[list(part.campaigns)] = 0
    pages = market.plan.affiliates_run & (not part.has_affiliates)
    is_buyer = market.buyers(cents, pages)[buyers.shopper]
    return np.asarray(missing | ~is_buyer[orders.person])


def build_causes(market: Market, buyers: Buyers, orders: Orders, mail_plan: MailPlan) -> Causes:
    """Return what each part caused."""
    parts = tuple(all_parts(market, mail_plan))
    found = [np.flatnonzero(missing_without(market, buyers, orders, part)) for part in parts]
    counts = [len(rows) for rows in found]
    part = np.repeat(np.arange(len(parts), dtype=np.int64), counts)
    return Causes(parts, part, np.concatenate(found).astype(np.int64))
