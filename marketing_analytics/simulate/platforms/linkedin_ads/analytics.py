"""LinkedIn's adAnalytics: whole accounts by pivot and period, cut off without a word.

Facts: learn.microsoft.com/linkedin/marketing/integrations/ads-reporting/ads-reporting and
ads-reporting-schema.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from marketing_analytics.simulate.emulation.delivery import EPOCH, Delivery, Matured
from marketing_analytics.simulate.emulation.world_files import WorldFiles
from marketing_analytics.simulate.platforms.linkedin_ads.entities import group_id, urn
from marketing_analytics.simulate.platforms.linkedin_ads.metrics import (
    ABSENT,
    DEFAULT_FIELDS,
    FIELDS,
    KEY_FIELDS,
)
from marketing_analytics.simulate.platforms.linkedin_ads.restli import (
    LinkedInError,
    ids_of,
    invalid,
    name_of,
    number_of,
    only,
    text_of,
)

MOST_FIELDS = 20
# pivot: kind of its URN, column of the delivery
PIVOTS = {
    "ACCOUNT": ("sponsoredAccount", "account_id"),
    "CAMPAIGN_GROUP": ("sponsoredCampaignGroup", "account_id"),
    "CAMPAIGN": ("sponsoredCampaign", "campaign_id"),
    "CREATIVE": ("sponsoredCreative", "ad_id"),
}
FACETS = {
    "accounts": ("sponsoredAccount", "account_id"),
    "campaigns": ("sponsoredCampaign", "campaign_id"),
    "creatives": ("sponsoredCreative", "ad_id"),
}
GRANULARITIES = ("ALL", "DAILY", "MONTHLY", "YEARLY")
MOST_PIVOTS = 3
RETENTION_DAYS = 10 * 366


@dataclass(frozen=True)
class Request:
    """What is asked of the analytics; days count from 1970."""

    pivots: tuple[str, ...]
    granularity: str
    since: int
    until: int
    fields: tuple[str, ...]
    facets: dict[str, list[str]]
    count: int | None


class Analytics:
    """Figures over the delivery of one world."""

    def __init__(self, world: WorldFiles, accounts: dict[str, dict[str, Any]]) -> None:
        self.accounts = accounts
        self.delivery = Delivery(world, "linkedin_ads")
        # what is above this is dropped
        self.most_elements = 15_000

    def answer(self, parameters: dict[str, Any], now_us: int) -> tuple[dict[str, Any], int]:
        """Return the body, and the metric values that were looked up. Raise LinkedInError."""
        asked = read_request(parameters, now_us)
        rows = self.rows(asked, now_us)
        matured = self.delivery.at(now_us)
        groups: dict[tuple[Any, ...], list[int]] = {}
        for row in rows:
            groups.setdefault(self.key(asked, row), []).append(row)
        elements = [
            element
            for key, members in sorted(groups.items())
            if (element := self.element(asked, key, members, matured)) is not None
        ]
        value_count = len(elements) * len(asked.fields)
        elements = elements[: self.most_elements]
        links = []
        if asked.count is not None and len(elements) > asked.count:
            elements = elements[: asked.count]
            links = [{"rel": "next", "type": "application/json", "href": "/rest/adAnalytics"}]
        paging = {"start": 0, "count": asked.count or 10, "links": links}
        return {"paging": paging, "elements": elements}, value_count

    def rows(self, asked: Request, now_us: int) -> list[int]:
        """Return the rows of what the token may see: the rest is left out, not refused."""
        ids = self.delivery.ids
        visible = [
            row
            for account_id, account in self.accounts.items()
            for row in self.delivery.visible(
                account_id, asked.since, asked.until, now_us, account["timezone_name"]
            ).tolist()
        ]
        return [
            row
            for row in visible
            if all(ids[FACETS[name][1]][row] in wanted for name, wanted in asked.facets.items())
        ]

    def key(self, asked: Request, row: int) -> tuple[Any, ...]:
        """Return the period and the ids of a row."""
        ids = self.delivery.ids
        day = EPOCH + timedelta(days=int(self.delivery.day[row]))
        period = {
            "ALL": (),
            "DAILY": (day.year, day.month, day.day),
            "MONTHLY": (day.year, day.month),
            "YEARLY": (day.year,),
        }[asked.granularity]
        return (period, *(ids[PIVOTS[pivot][1]][row] for pivot in asked.pivots))

    def element(
        self, asked: Request, key: tuple[Any, ...], members: list[int], matured: Matured
    ) -> dict[str, Any] | None:
        """Return one element with the asked fields; None where all of its figures are zero."""
        figures = self.figures(members, matured)
        metrics = {
            name: figures.get(name, 0)
            for name in asked.fields
            if name not in KEY_FIELDS and name not in ABSENT
        }
        if metrics and not any(float(value) for value in metrics.values()):
            return None
        days = [int(self.delivery.day[row]) for row in members]
        values = {
            **metrics,
            "dateRange": self.date_range(asked, min(days)),
            "pivotValues": [
                urn(PIVOTS[pivot][0], group_id(one) if pivot == "CAMPAIGN_GROUP" else one)
                for pivot, one in zip(asked.pivots, key[1:], strict=True)
            ],
        }
        return {name: values[name] for name in asked.fields if name in values}

    def date_range(self, asked: Request, day: int) -> dict[str, Any]:
        """Return the part of the asked days that the period of a day covers."""
        on = EPOCH + timedelta(days=day)
        start, end = on, on
        if asked.granularity == "MONTHLY":
            start = on.replace(day=1)
            end = (start + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        elif asked.granularity == "YEARLY":
            start, end = on.replace(month=1, day=1), on.replace(month=12, day=31)
        elif asked.granularity == "ALL":
            start, end = date.min, date.max
        first, last = (EPOCH + timedelta(days=one) for one in (asked.since, asked.until))
        return {"start": parts(max(start, first)), "end": parts(min(end, last))}

    def figures(self, members: list[int], matured: Matured) -> dict[str, Any]:
        """Return the figures of rows together: counts are numbers, money is text."""
        delivery = self.delivery
        clicks = int(delivery.clicks[members].sum())
        cents = int(delivery.spend_cents[members].sum())
        conversions = int(matured.conversions["click"][members].sum()) // 1_000_000
        value = int(matured.values["click"][members].sum()) // 10_000
        return {
            "impressions": int(delivery.impressions[members].sum()),
            "clicks": clicks,
            "landingPageClicks": clicks,
            "totalEngagements": clicks,
            "costInLocalCurrency": money(cents),
            # the world's account is kept in dollars
            "costInUsd": money(cents),
            "externalWebsiteConversions": conversions,
            "externalWebsitePostClickConversions": conversions,
            "conversionValueInLocalCurrency": money(value),
        }


def money(cents: int) -> str:
    """Return cents as text in major units."""
    return f"{cents // 100}.{cents % 100:02d}"


def parts(day: date) -> dict[str, int]:
    """Return a day as the API writes it."""
    return {"year": day.year, "month": day.month, "day": day.day}


def read_request(parameters: dict[str, Any], now_us: int) -> Request:
    """Return what is asked for. Raise LinkedInError."""
    finder = text_of(parameters, "q")
    if finder == "attributedRevenueMetrics":
        message = "Not enough permissions to access: the account has no CRM connected"
        raise LinkedInError(403, "ACCESS_DENIED", message, service_code=100)
    if finder not in {"analytics", "statistics"}:
        raise invalid("q", "q is one of analytics, statistics, attributedRevenueMetrics")
    pivot_name = "pivot" if finder == "analytics" else "pivots"
    only(
        parameters, "q", pivot_name, "timeGranularity", "dateRange", "fields", "start", "count",
        *FACETS,
    )  # fmt: skip
    facets = {
        name: ids_of(parameters, name, kind)
        for name, (kind, _) in FACETS.items()
        if name in parameters
    }
    if not any(facets.values()):
        raise invalid("accounts", f"at least one of {', '.join(FACETS)} is needed")
    if number_of(parameters, "start", 0, 10**9):
        raise invalid("start", "adAnalytics has no pages")
    since, until = read_days(parameters, now_us)
    return Request(
        pivots=read_pivots(parameters, pivot_name),
        granularity=name_of(parameters, "timeGranularity", GRANULARITIES),
        since=since,
        until=until,
        fields=read_fields(parameters),
        facets=facets,
        count=number_of(parameters, "count", 0, 10**9) if "count" in parameters else None,
    )


def read_pivots(parameters: dict[str, Any], name: str) -> tuple[str, ...]:
    """Return the asked pivots. Raise LinkedInError."""
    if name == "pivot":
        return (name_of(parameters, name, tuple(PIVOTS)),)
    given = parameters.get(name)
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_PIVOTS:
        raise invalid(name, f"pivots is a list of 1 to {MOST_PIVOTS}")
    return tuple(name_of({name: one}, name, tuple(PIVOTS)) for one in given)


def read_fields(parameters: dict[str, Any]) -> tuple[str, ...]:
    """Return the asked fields. Raise LinkedInError for one that there is not, or too many."""
    text = text_of(parameters, "fields")
    fields = tuple(dict.fromkeys(text.split(","))) if text else DEFAULT_FIELDS
    for name in fields:
        if name not in FIELDS:
            raise invalid("fields", f"{name} is no field of adAnalytics")
    if len(fields) > MOST_FIELDS:
        raise invalid("fields", f"{len(fields)} fields are more than {MOST_FIELDS}")
    return fields


def read_days(parameters: dict[str, Any], now_us: int) -> tuple[int, int]:
    """Return the first and the last day; without an end, today. Raise LinkedInError."""
    given = parameters.get("dateRange")
    if not isinstance(given, dict) or not set(given) <= {"start", "end"} or "start" not in given:
        raise invalid("dateRange", "dateRange is (start:(year:Y,month:M,day:D),end:(...))")
    today = now_us // 86_400_000_000
    since = read_day(given["start"])
    until = read_day(given["end"]) if "end" in given else today
    if since > until:
        raise invalid("dateRange", "start is after end")
    if today - since > RETENTION_DAYS:
        raise invalid("dateRange", "start is more than 10 years ago")
    return since, until


def read_day(given: Any) -> int:
    """Return a day as days since 1970. Raise LinkedInError."""
    if isinstance(given, dict) and set(given) == {"year", "month", "day"}:
        try:
            return (date(*(int(given[name]) for name in ("year", "month", "day"))) - EPOCH).days
        except (TypeError, ValueError):
            pass
    raise invalid("dateRange", f"{given!r} is no day")
