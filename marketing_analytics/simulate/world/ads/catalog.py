"""Ad accounts, campaigns, ad groups and ads of the platforms."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from marketing_analytics.simulate.world.ads.platforms import BY_NAME, GOOGLE, LINKEDIN, META
from marketing_analytics.simulate.world.chance import stream
from marketing_analytics.simulate.world.parameters import DAY_US, HOUR_US, WorldParameters

NEW_YORK, BERLIN = "America/New_York", "Europe/Berlin"


@dataclass(frozen=True)
class Account:
    """One ad account; `market` is the country group whose people see its ads."""

    platform: str
    account_id: str
    name: str
    currency: str
    timezone_name: str
    status: str
    market: str
    is_manager: bool = False


@dataclass(frozen=True)
class Campaign:
    """One campaign; days count from 1970 and are inclusive.

    Links carried `former_slug` until `renamed_us`; the platform knows the present name alone.
    """

    platform: str
    account_id: str
    campaign_id: str
    name: str
    slug: str
    status: str
    kind: str
    daily_budget_cents: int
    created_us: int
    updated_us: int
    first_day: int
    last_day: int
    tactic: str
    former_slug: str
    renamed_us: int


@dataclass(frozen=True)
class AdGroup:
    """One ad set or ad group."""

    platform: str
    account_id: str
    campaign_id: str
    ad_group_id: str
    name: str
    status: str
    updated_us: int


@dataclass(frozen=True)
class Ad:
    """One ad with its cost per click (cents) and click rate (parts per million).

    `ad_id` is empty for a Performance Max campaign, which has no ads.
    """

    platform: str
    account_id: str
    campaign_id: str
    ad_group_id: str
    ad_id: str
    name: str
    status: str
    updated_us: int
    first_day: int
    last_day: int
    weight: float
    cpc_cents: float
    ctr_ppm: float


@dataclass(frozen=True)
class Catalog:
    """Everything that can be advertised with."""

    accounts: tuple[Account, ...]
    campaigns: tuple[Campaign, ...]
    ad_groups: tuple[AdGroup, ...]
    ads: tuple[Ad, ...]

    def account(self, account_id: str) -> Account:
        """Return one account."""
        return next(a for a in self.accounts if a.account_id == account_id)

    @cached_property
    def by_id(self) -> dict[str, Campaign]:
        """Return the campaigns by id."""
        return {campaign.campaign_id: campaign for campaign in self.campaigns}

    def slug(self, campaign_id: str, moment_us: int) -> str:
        """Return what utm_campaign said at a moment."""
        campaign = self.by_id[campaign_id]
        return campaign.former_slug if moment_us < campaign.renamed_us else campaign.slug


# name, kind, tactic, status, ad groups, ads per group, weight in the platform's budget,
# share of the world it runs in (from, to)
Plan = tuple[str, str, str, str, int, int, float, float, float]

META_US: tuple[Plan, ...] = (
    ("US Prospecting Lookalike", "OUTCOME_SALES", "prospecting", "ACTIVE", 3, 3, 5.0, 0.0, 1.0),
    ("US Retargeting Visitors", "OUTCOME_SALES", "retargeting", "ACTIVE", 2, 2, 3.0, 0.0, 1.0),
    ("US Brand Video", "OUTCOME_AWARENESS", "video", "ACTIVE", 2, 2, 1.5, 0.0, 1.0),
    ("US Spring Sale", "OUTCOME_SALES", "prospecting", "ARCHIVED", 1, 2, 2.0, 0.0, 0.3),
    ("US Test Carousel", "OUTCOME_TRAFFIC", "prospecting", "DELETED", 1, 2, 1.0, 0.2, 0.5),
    ("US Autumn Collection", "OUTCOME_SALES", "prospecting", "PAUSED", 2, 2, 2.5, 0.6, 0.9),
)
META_EU: tuple[Plan, ...] = (
    ("EU Prospecting Broad", "OUTCOME_SALES", "prospecting", "ACTIVE", 3, 2, 4.0, 0.0, 1.0),
    ("EU Retargeting Visitors", "OUTCOME_SALES", "retargeting", "ACTIVE", 2, 2, 2.5, 0.0, 1.0),
    ("EU Leads Newsletter", "OUTCOME_LEADS", "leads", "PAUSED", 1, 2, 1.2, 0.1, 0.7),
)
GOOGLE_US: tuple[Plan, ...] = (
    ("US Search Brand", "SEARCH", "brand_search", "ENABLED", 2, 2, 3.0, 0.0, 1.0),
    ("US Search Generic", "SEARCH", "generic_search", "ENABLED", 3, 2, 4.0, 0.0, 1.0),
    ("US Shopping Feed", "SHOPPING", "shopping", "PAUSED", 2, 1, 2.0, 0.0, 0.8),
    ("US Performance Max", "PERFORMANCE_MAX", "performance_max", "ENABLED", 0, 0, 3.0, 0.25, 1.0),
    ("US Search Competitors", "SEARCH", "generic_search", "REMOVED", 1, 2, 0.8, 0.1, 0.4),
)
GOOGLE_EU: tuple[Plan, ...] = (
    ("EU Search Brand", "SEARCH", "brand_search", "ENABLED", 2, 2, 3.0, 0.0, 1.0),
    ("EU Search Generic", "SEARCH", "generic_search", "ENABLED", 2, 2, 3.5, 0.0, 1.0),
    ("EU Display Retargeting", "DISPLAY", "display_retargeting", "ENABLED", 1, 3, 1.5, 0.0, 1.0),
)
LINKEDIN_ALL: tuple[Plan, ...] = (
    ("B2B Thought Leadership", "WEBSITE_VISIT", "b2b", "ACTIVE", 1, 3, 2.0, 0.0, 1.0),
    ("B2B Corporate Gifting", "WEBSITE_CONVERSION", "b2b", "ACTIVE", 2, 2, 3.0, 0.0, 1.0),
    ("B2B Event Invitations", "LEAD_GENERATION", "b2b", "ARCHIVED", 1, 2, 1.0, 0.2, 0.6),
)

# renamed within the world: links from before say the former name
FORMER_NAMES = {
    "EU Prospecting Broad": "EU Prospecting Interests",
    "US Search Generic": "US Search Non-Brand",
}

# (cost per click in cents, click rate in ppm) by tactic, campaign kind or platform
PRICES = {
    # nobody else bids much on the own name
    "brand_search": (90.0, 36_000.0),
    "retargeting": (95.0, 13_000.0),
    META: (165.0, 13_000.0),
    "SEARCH": (225.0, 36_000.0),
    "SHOPPING": (130.0, 12_000.0),
    "DISPLAY": (95.0, 7_000.0),
    "PERFORMANCE_MAX": (170.0, 15_000.0),
    LINKEDIN: (540.0, 6_500.0),
}


def slug_of(name: str) -> str:
    """Return a campaign name as it is written into utm_campaign."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def prices_of(campaign: Campaign) -> tuple[float, float]:
    """Return the usual (cost per click in cents, click rate in ppm) of a campaign."""
    names = (campaign.tactic, campaign.kind, campaign.platform)
    return next(PRICES[name] for name in names if name in PRICES)


class CatalogMaker:
    """Hands out ids in order and collects what is made."""

    def __init__(self, parameters: WorldParameters) -> None:
        self.parameters = parameters
        self.rng = stream(parameters.seed, "catalog")
        self.offset = int(self.rng.integers(1_000, 900_000)) * 10_000
        self.count = 0
        # in the morning of a day before the middle of the world
        self.renamed_us = parameters.start_us + int(parameters.days * 0.4) * DAY_US + 9 * HOUR_US
        self.campaigns: list[Campaign] = []
        self.ad_groups: list[AdGroup] = []
        self.ads: list[Ad] = []

    def next_id(self, platform: str) -> str:
        """Return a new id in the platform's usual length."""
        self.count += 1
        base = BY_NAME[platform].id_base
        # the offset keeps ids of different seeds apart, 7 keeps neighbours apart
        return str(base + self.offset % (base // 10) + self.count * 7)

    def add_campaign(self, account: Account, plan: Plan) -> None:
        """Make one campaign with its ad groups and ads."""
        name, kind, tactic, status, groups, ads_per_group, weight, from_share, to_share = plan
        days = self.parameters.days
        first = self.parameters.start_day + int(days * from_share)
        # a share of 1 would end one day after the world
        last = min(self.parameters.end_day, self.parameters.start_day + int(days * to_share))
        is_running = to_share >= 1.0
        # a campaign is last touched when it is stopped
        updated_us = (self.parameters.start_day if is_running else last) * DAY_US + 9 * HOUR_US
        campaign = Campaign(
            platform=account.platform,
            account_id=account.account_id,
            campaign_id=self.next_id(account.platform),
            name=name,
            slug=slug_of(name),
            status=status,
            kind=kind,
            daily_budget_cents=0,
            created_us=(first - int(self.rng.integers(2, 60))) * DAY_US + 8 * HOUR_US,
            updated_us=updated_us,
            first_day=first,
            last_day=last,
            tactic=tactic,
            former_slug=slug_of(FORMER_NAMES.get(name, name)),
            renamed_us=self.renamed_us if name in FORMER_NAMES else 0,
        )
        self.campaigns.append(campaign)
        if groups == 0:
            # Performance Max: delivery without ads
            self.add_ad(campaign, "", "", "", weight)
        for group in range(groups):
            self.add_group(campaign, group, ads_per_group, weight / groups)

    def add_group(self, campaign: Campaign, group: int, ads: int, weight: float) -> None:
        """Make one ad group with its ads."""
        audiences = ("Broad", "Interest", "Lookalike 1%", "Returning", "High value")
        ad_group = AdGroup(
            platform=campaign.platform,
            account_id=campaign.account_id,
            campaign_id=campaign.campaign_id,
            ad_group_id=self.next_id(campaign.platform),
            name=f"{campaign.name} - {audiences[group % len(audiences)]}",
            status=campaign.status,
            updated_us=campaign.updated_us,
        )
        self.ad_groups.append(ad_group)
        for number in range(ads):
            name = f"{campaign.name} - Creative {chr(65 + group)}{number + 1}"
            ad_id = self.next_id(campaign.platform)
            self.add_ad(campaign, ad_group.ad_group_id, ad_id, name, weight / ads)

    def add_ad(
        self, campaign: Campaign, ad_group_id: str, ad_id: str, name: str, weight: float
    ) -> None:
        """Make one ad with prices near those of its kind."""
        cpc, ctr = prices_of(campaign)
        self.ads.append(
            Ad(
                platform=campaign.platform,
                account_id=campaign.account_id,
                campaign_id=campaign.campaign_id,
                ad_group_id=ad_group_id,
                ad_id=ad_id,
                name=name,
                status=campaign.status,
                updated_us=campaign.updated_us,
                first_day=campaign.first_day,
                last_day=campaign.last_day,
                # ads of one group never do equally well
                weight=weight * float(self.rng.uniform(0.5, 1.5)),
                # clipped: one absurd price would make every mean useless
                cpc_cents=cpc * float(np.clip(self.rng.lognormal(0, 0.15), 0.7, 1.5)),
                ctr_ppm=ctr * float(np.clip(self.rng.lognormal(0, 0.2), 0.78, 1.3)),
            )
        )


def build_accounts(parameters: WorldParameters) -> tuple[tuple[Account, tuple[Plan, ...]], ...]:
    """Return the accounts with the campaigns planned in each."""
    # a prime: accounts of neighbouring seeds look unrelated
    shift = parameters.seed * 7_919 % 1_000_000
    meta, google, linkedin = 102_000_000 + shift, 4_180_000_000 + shift, 507_000_000 + shift
    us, eu = ("USD", NEW_YORK), ("EUR", BERLIN)
    return (
        (Account(META, f"{meta}1", "Shop US", *us, "ACTIVE", "US"), META_US),
        (Account(META, f"{meta}2", "Shop Europe", *eu, "ACTIVE", "EU"), META_EU),
        (Account(GOOGLE, str(google), "Shop Group", *us, "ENABLED", "", is_manager=True), ()),
        (Account(GOOGLE, str(google + 11), "Shop US", *us, "ENABLED", "US"), GOOGLE_US),
        (Account(GOOGLE, str(google + 12), "Shop Europe", *eu, "ENABLED", "EU"), GOOGLE_EU),
        (Account(GOOGLE, str(google + 13), "Shop Pilot", *eu, "CANCELED", ""), ()),
        (Account(LINKEDIN, str(linkedin), "Shop B2B", "USD", "UTC", "ACTIVE", ""), LINKEDIN_ALL),
    )


def build_catalog(parameters: WorldParameters) -> Catalog:
    """Return the catalog of one world."""
    maker = CatalogMaker(parameters)
    planned = build_accounts(parameters)
    for account, plans in planned:
        for plan in plans:
            maker.add_campaign(account, plan)
    return Catalog(
        accounts=tuple(account for account, _ in planned),
        campaigns=tuple(maker.campaigns),
        ad_groups=tuple(maker.ad_groups),
        ads=tuple(maker.ads),
    )
