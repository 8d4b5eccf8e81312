"""The ledger: every total of the world, so that anything downstream can be reconciled.

Money is converted per row (order, refund, ad-day; campaign-day for Google and LinkedIn Ads), half
up.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marketing_analytics.simulate.world.ads.claims import CLICK, VIEW
from marketing_analytics.simulate.world.ads.platforms import (
    GOOGLE,
    LINKEDIN,
    META,
    PLATFORMS,
)
from marketing_analytics.simulate.world.chance import BoolArray, IntArray
from marketing_analytics.simulate.world.customers.people import NEVER_US
from marketing_analytics.simulate.world.demand.truth import Totals, level_totals, region_totals
from marketing_analytics.simulate.world.mail.events import CLICK as MAIL_CLICK
from marketing_analytics.simulate.world.mail.events import MACHINE_CLICK, MACHINE_OPEN, OPEN
from marketing_analytics.simulate.world.names import money
from marketing_analytics.simulate.world.parameters import DAY_US
from marketing_analytics.simulate.world.tables import incremental_counts, mail_hold_out_table
from marketing_analytics.simulate.world.web.ga4 import Ga4Counts
from marketing_analytics.simulate.world.world import World

SEVEN_DAYS_US = 7 * DAY_US


def orders_part(world: World) -> dict[str, Any]:
    """Return count, gross, refunds and net of all orders."""
    orders, refunds = world.orders, world.refunds
    is_eur = orders.is_eur[refunds.order]
    gross = int(world.exchange.usd_cents(orders.total_cents, orders.is_eur, orders.day).sum())
    back = int(world.exchange.usd_cents(refunds.amount_cents, is_eur, refunds.day).sum())
    by_currency = {
        name: {
            "gross": money(orders.total_cents[orders.is_eur == flag].sum()),
            "refunds": money(refunds.amount_cents[is_eur == flag].sum()),
        }
        for name, flag in (("USD", False), ("EUR", True))
    }
    return {
        "count": len(orders.person),
        "of_guests": int((orders.person >= world.people.customers).sum()),
        "gross_usd": money(gross),
        "refunds_usd": money(back),
        "net_usd": money(gross - back),
        "by_currency": by_currency,
    }


class AdRows:
    """Ad days grouped to the rows each platform's totals are converted by."""

    def __init__(self, world: World) -> None:
        table, ads = world.ad_days, world.catalog.ads
        accounts = {a.account_id: a for a in world.catalog.accounts}
        campaigns = [c.campaign_id for c in world.catalog.campaigns]
        self.world = world
        self.platform = np.array([PLATFORMS.index(a.platform) for a in ads])[table.ad]
        self.is_eur = np.array([accounts[a.account_id].currency == "EUR" for a in ads])[table.ad]
        campaign = np.array([campaigns.index(a.campaign_id) for a in ads])[table.ad]
        by_campaign = [PLATFORMS.index(name) for name in (GOOGLE, LINKEDIN)]
        # converted per campaign and day, where reports of campaigns may hold spend of no ad
        unit = np.where(np.isin(self.platform, by_campaign), campaign + len(ads), table.ad)
        # one number per unit and day; 20 bits are more than any day needs
        keys = unit * (1 << 20) + table.day
        _, first, self.group = np.unique(keys, return_index=True, return_inverse=True)
        # a group never mixes accounts, so its first row speaks for all
        self.group_is_eur = self.is_eur[first]
        self.group_day = table.day[first]
        self.group_platform = self.platform[first]

    def usd_cents(self, platform: str, cents: IntArray) -> int:
        """Return the sum in US cents of a column of ad days."""
        rows = self.platform == PLATFORMS.index(platform)
        sums = np.zeros(len(self.group_day), dtype=np.int64)
        # summed first, then rounded once: as the marts do
        np.add.at(sums, self.group[rows], cents[rows])
        exchange = self.world.exchange
        return int(exchange.usd_cents(sums, self.group_is_eur, self.group_day).sum())

    def usd_cents_of_micros(self, platform: str, micros: IntArray) -> int:
        """Return the sum in US cents of a column of micros."""
        rows = self.platform == PLATFORMS.index(platform)
        sums = np.zeros(len(self.group_day), dtype=np.int64)
        np.add.at(sums, self.group[rows], micros[rows])
        exchange = self.world.exchange
        return int(exchange.usd_cents_of_micros(sums, self.group_is_eur, self.group_day).sum())


def spend_part(world: World, rows: AdRows) -> dict[str, Any]:
    """Return spend, impressions and clicks per platform."""
    table, result = world.ad_days, {}
    for index, platform in enumerate(PLATFORMS):
        mine = rows.platform == index
        result[platform] = {
            "usd": money(rows.usd_cents(platform, table.spend_cents)),
            "by_currency": {
                "USD": money(table.spend_cents[mine & ~rows.is_eur].sum()),
                "EUR": money(table.spend_cents[mine & rows.is_eur].sum()),
            },
            "impressions": int(table.impressions[mine].sum()),
            "clicks": int(table.clicks[mine].sum()),
        }
    return result


def default_claims(world: World, platform: str, rows: AdRows, now_us: int) -> BoolArray:
    """Return the claims counted by default: Meta 7-day click + 1-day view, others all clicks."""
    claims = world.claims
    # a claim counts once the platform has reported it
    mine = (rows.platform[claims.row] == PLATFORMS.index(platform)) & (claims.reported_us <= now_us)
    if platform == META:
        in_window = (claims.kind == CLICK) & (claims.lag_us <= SEVEN_DAYS_US)
        return np.asarray(mine & (in_window | (claims.kind == VIEW)))
    return np.asarray(mine & (claims.kind == CLICK))


def claimed_micros(world: World, chosen: BoolArray) -> tuple[int, IntArray]:
    """Return (conversions in millionths, value in micros per ad day) of some claims."""
    claims = world.claims
    micros = np.zeros(len(world.ad_days.ad), dtype=np.int64)
    # cents x millionths / 100 are micros; the platform cuts off what is smaller
    value = claims.value_cents * claims.weight_ppm // 100
    np.add.at(micros, claims.row[chosen], value[chosen])
    return int(claims.weight_ppm[chosen].sum()), micros


def millionths(value: int) -> str:
    """Return millionths as a decimal text with six places."""
    return f"{value // 1_000_000}.{value % 1_000_000:06d}"


def claimed_part(world: World, rows: AdRows) -> dict[str, Any]:
    """Return what each platform claims at the ledger's moment."""
    result = {}
    for platform in PLATFORMS:
        chosen = default_claims(world, platform, rows, world.parameters.as_of_us)
        weight, micros = claimed_micros(world, chosen)
        if platform == GOOGLE:
            value = rows.usd_cents_of_micros(platform, micros)
        else:
            # the others report whole cents, so their rest is gone before the conversion
            value = rows.usd_cents(platform, micros // 10_000)
        result[platform] = {"conversions": millionths(weight), "value_usd": money(value)}
    return result


def mail_part(world: World, *, is_flow: bool) -> dict[str, int]:
    """Return the counts of newsletters, or of automation mails."""
    mails, sends, events = world.mail_plan.mails, world.sends, world.mail_events
    flags = np.array([bool(mail.flow) for mail in mails]) == is_flow
    mine = flags[sends.mail]
    kinds = events.kind[mine[events.send]]
    counts = {
        "sent": int(mine.sum()),
        "opens_human": int((kinds == OPEN).sum()),
        "opens_machine": int((kinds == MACHINE_OPEN).sum()),
        "clicks": int(np.isin(kinds, (MAIL_CLICK, MACHINE_CLICK)).sum()),
        "clicks_machine": int((kinds == MACHINE_CLICK).sum()),
        "unsubscribes": int((mine & (sends.unsubscribed_us < NEVER_US)).sum()),
        "hard_bounces": int((mine & (sends.status == 1)).sum()),
        "soft_bounces": int((mine & (sends.status == 2)).sum()),
    }
    if is_flow:
        found = {"flows": len(world.mail_plan.flows), "emails": int(flags.sum())}
        # steps of flows cause nothing, so that who is held out misses nothing
        held = {"held_out": mail_hold_out_table(world).num_rows, "caused_orders": 0}
        return found | counts | held
    sent = sum(not mail.flow and mail.sent_us > 0 for mail in mails)
    return {"campaigns": sent} | counts


def raw_part(
    world: World, rows: AdRows, ga4: Ga4Counts, shop: dict[str, int]
) -> dict[str, dict[str, Any]]:
    """Return the row counts a complete load has at the ledger's moment."""
    catalog, table = world.catalog, world.ad_days
    is_google = rows.platform == PLATFORMS.index(GOOGLE)
    is_meta = rows.platform == PLATFORMS.index(META)
    is_linkedin = rows.platform == PLATFORMS.index(LINKEDIN)
    linkedin_spend = money(table.spend_cents[is_linkedin].sum())
    has_ad = np.array([bool(ad.ad_id) for ad in catalog.ads])[table.ad]
    campaign_rows = {
        name: int((rows.group_platform == PLATFORMS.index(name)).sum()) for name in PLATFORMS
    }
    # a cent is 10,000 micros
    micros = int(table.spend_cents[is_google].sum()) * 10_000
    in_ads = int(table.spend_cents[is_google & has_ad].sum()) * 10_000
    result: dict[str, dict[str, Any]] = {
        "meta_ads.ad_insights": {
            "rows": int(is_meta.sum()),
            "spend": money(table.spend_cents[is_meta].sum()),
        },
        "google_ads.campaign_stats": {"rows": campaign_rows[GOOGLE], "cost_micros": micros},
        "google_ads.ad_stats": {"rows": int((is_google & has_ad).sum()), "cost_micros": in_ads},
        "linkedin_ads.campaign_stats": {"rows": campaign_rows[LINKEDIN], "spend": linkedin_spend},
        "linkedin_ads.creative_stats": {"rows": int(is_linkedin.sum()), "spend": linkedin_spend},
        "mailchimp.email_activity": {"rows": len(world.mail_events.send)},
        "mailchimp.sent_to": {"rows": len(world.sends.mail)},
        "mailchimp.automations": {"rows": len(world.mail_plan.flows)},
        "mailchimp.automation_emails": {"rows": sum(bool(m.flow) for m in world.mail_plan.mails)},
        "mailchimp.campaigns": {"rows": sum(not m.flow for m in world.mail_plan.mails)},
        "ga4.events": {"rows": ga4.events},
        # every order has one item
        "ga4.event_items": {"rows": ga4.purchases},
        "ga4.user_properties": {"rows": ga4.user_properties},
    }
    result |= {f"shop.{name}": {"rows": count} for name, count in shop.items()}
    for platform, names in (
        (META, ("accounts", "campaigns", "ad_sets", "ads")),
        (GOOGLE, ("customers", "campaigns", "ad_groups", "ads")),
        # a group holds no ads there: every account has one
        (LINKEDIN, ("accounts", "campaigns", "", "creatives")),
    ):
        parts: tuple[tuple[Any, ...], ...] = (
            catalog.accounts,
            catalog.campaigns,
            catalog.ad_groups,
            catalog.ads,
        )
        for name, part in zip(names, parts, strict=True):
            # a Performance Max campaign stands in the catalog as an ad without an id
            count = sum(e.platform == platform and getattr(e, "ad_id", "-") != "" for e in part)
            if name:
                result[f"{platform}.{name}"] = {"rows": count}
    result["linkedin_ads.campaign_groups"] = result["linkedin_ads.accounts"]
    return dict(sorted(result.items()))


def caused_part(world: World) -> dict[str, Any]:
    """Return what every part cost and caused, by taking it out of the world.

    By region they stand per channel; `truth/caused` and `truth/response` have the days.
    """

    def shown(parts: dict[str, Totals]) -> dict[str, Any]:
        return {
            name: {
                "spend_usd": money(found["spend"]),
                "orders": found["orders"],
                "revenue_usd": money(found["revenue"]),
            }
            for name, found in parts.items()
        }

    levels = {f"{level}s": shown(parts) for level, parts in level_totals(world).items()}
    return levels | {"regions": {name: shown(p) for name, p in region_totals(world).items()}}


def build_ledger(world: World, ga4: Ga4Counts, shop: dict[str, int]) -> dict[str, Any]:
    """Return the ledger as plain JSON values; money is decimal text."""
    parameters, rows = world.parameters, AdRows(world)
    opted_out = world.people.opted_out_us[: world.people.customers] < NEVER_US
    return {
        "schema_version": 1,
        "seed": parameters.seed,
        "customer_count": parameters.customers,
        "days": parameters.days,
        "start_date": parameters.start_date.isoformat(),
        "end_date": parameters.end_date.isoformat(),
        "as_of": parameters.to_json()["as_of"],
        "orders": orders_part(world),
        "spend": spend_part(world, rows),
        "claimed": claimed_part(world, rows),
        "email": mail_part(world, is_flow=False),
        "automation": mail_part(world, is_flow=True),
        "ga4": {
            "events": ga4.events,
            "sessions": ga4.sessions,
            "purchases": ga4.purchases,
            "bot_events": ga4.bot_events,
            "bot_sessions": ga4.bot_sessions,
        },
        "customers": {
            "count": parameters.customers,
            "opted_out": int(opted_out.sum()),
            "lapsed": int((world.ties.lapsed_us < NEVER_US).sum()),
        },
        "incremental_conversions": incremental_counts(world),
        "caused": caused_part(world),
        "raw_tables": raw_part(world, rows, ga4, shop),
    }
