"""Reports of Google Ads: delivery and conversions, grouped by what a query asks for."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from marketing_analytics.simulate.emulation.delivery import Delivery, local_today
from marketing_analytics.simulate.emulation.world_files import IntArray, WorldFiles
from marketing_analytics.simulate.platforms.google_ads.atoms import Atoms, Splits
from marketing_analytics.simulate.platforms.google_ads.clicks import (
    COUNTRIES,
    DEVICES,
    GEO_TARGETS,
    HIDDEN_TERM,
    NETWORKS,
    TERM_ENDINGS,
    part_of,
)
from marketing_analytics.simulate.platforms.google_ads.dates import (
    calendar,
    calendar_values,
    date_span,
)
from marketing_analytics.simulate.platforms.google_ads.fields import CALENDAR, CONVERSION, HOUR
from marketing_analytics.simulate.platforms.google_ads.gaql import Query
from marketing_analytics.simulate.platforms.google_ads.rows import (
    ACTIONS,
    GoogleRows,
    Values,
    constant_of,
)

# what the rows of a report are per, and the parts of delivery that belong to its key
KEYS: dict[str, tuple[str, tuple[str, ...]]] = {
    "customer": ("account_id", ()),
    "campaign": ("campaign_id", ()),
    "campaign_budget": ("campaign_id", ()),
    "ad_group": ("ad_group_id", ()),
    "ad_group_ad": ("ad_id", ()),
    "keyword_view": ("ad_group_id", ("keyword",)),
    "search_term_view": ("ad_group_id", ("keyword", "term")),
}
# views of a customer: fields of campaigns or ad groups split them
VIEWS = ("geographic_view", "user_location_view", "shopping_performance_view")
# they hold what delivered, not what there is
WITHOUT_ENTITIES = (*VIEWS, "click_view", "search_term_view")
KINDS = {
    "keyword_view": ("SEARCH",),
    "search_term_view": ("SEARCH", "SHOPPING"),
    "shopping_performance_view": ("SHOPPING",),
}
# the keyword of a click stands in fields of its own
CLICK_FIELDS = {
    "segments.keyword.ad_group_criterion": "click_view.keyword",
    "segments.keyword.info.text": "click_view.keyword_info.text",
    "segments.keyword.info.match_type": "click_view.keyword_info.match_type",
}
PART_OF_SEGMENT = {"segments.device": "device", "segments.ad_network_type": "network"}


class GoogleReports:
    """Delivery of one world, as reports."""

    def __init__(self, world: WorldFiles, rows: GoogleRows) -> None:
        self.world = world
        self.rows = rows
        self.delivery = Delivery(world, "google_ads")
        self.kinds = np.array(
            [rows.kind_of(i) for i in self.delivery.ids["campaign_id"]], dtype=object
        )
        self.splits = Splits(world, self.delivery)

    def report(self, query: Query, account_id: str, now_us: int) -> Iterator[Values]:
        """Yield the rows of a query with metrics or segments. Raise GaqlError."""
        zone = self.rows.accounts[account_id]["timezone_name"]
        since, until = date_span(query, local_today(now_us, zone))
        shown = self.delivery.visible(account_id, since, until, now_us, zone)
        if query.resource == "click_view":
            yield from self.click_rows(shown, account_id)
            return
        if query.resource not in {*KEYS, *VIEWS}:
            return
        atoms = self.splits.at(now_us, grain_of(query), split_of(query))
        index = np.flatnonzero(self.is_shown(query, shown, atoms))
        found = list(self.groups(query, account_id, atoms, index)) if len(index) else []
        yield from found
        # only rows that are split disappear when they count nothing
        if not any(field.startswith("segments.") for field in query.fields):
            yield from self.idle(query.resource, account_id, found)

    def idle(self, resource: str, account_id: str, found: list[Values]) -> Iterator[Values]:
        """Yield the entities without delivery, with zeros."""
        name = f"{resource}.resource_name"
        seen = {row[name] for row in found}
        nothing = metrics(dict.fromkeys(Atoms.FIGURES, 0))
        for row in self.rows.entities(resource, account_id):
            if row[name] not in seen:
                yield {**row, **nothing}

    def is_shown(self, query: Query, shown: IntArray, atoms: Atoms) -> Any:
        """Return which atoms belong to a resource and to the rows that are shown."""
        column, parts = key_of(query)
        is_row = np.zeros(self.delivery.size, dtype=bool)
        is_row[shown] = True
        # Performance Max has neither ad groups nor ads
        is_row &= self.delivery.ids[column] != ""
        if query.resource in KINDS:
            is_row &= np.isin(self.kinds.astype(str), KINDS[query.resource])
        is_shown = is_row[atoms.row]
        if "term" in parts:
            is_shown &= part_of(atoms.code, "term") != HIDDEN_TERM
        return is_shown

    def groups(
        self, query: Query, account_id: str, atoms: Atoms, index: IntArray
    ) -> Iterator[Values]:
        """Yield a row per group of atoms."""
        column, key_parts = key_of(query)
        names, own = np.unique(
            self.delivery.ids[column][atoms.row[index]].astype(str), return_inverse=True
        )
        asked = [PART_OF_SEGMENT[f] for f in query.fields if f in PART_OF_SEGMENT]
        spans = [calendar(f) for f in query.fields if f in CALENDAR]
        days = self.delivery.day[atoms.row[index]]
        columns: list[IntArray] = [*(span(days) for span in spans), own]
        columns += [part_of(atoms.code[index], part) for part in (*key_parts, *asked)]
        if query.all_fields & set(CONVERSION):
            columns.append(atoms.action[index])
        if split_of(query):
            columns.append(atoms.part[index])
        keys, inverse = np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)
        sums = {name: np.zeros(len(keys), dtype=np.int64) for name in Atoms.FIGURES}
        for name, total in sums.items():
            np.add.at(total, inverse.ravel(), getattr(atoms, name)[index])
        first = np.zeros(len(keys), dtype=np.int64)
        first[inverse.ravel()[::-1]] = index[::-1]
        made: dict[Any, Values] = {}
        for number, key in enumerate(keys.tolist()):
            code, row = int(atoms.code[first[number]]), int(atoms.row[first[number]])
            action, part = int(atoms.action[first[number]]), int(atoms.part[first[number]])
            place = tuple(key[len(spans) :])
            if place not in made:
                own_id = str(names[key[len(spans)]])
                made[place] = {
                    **self.entity(query, account_id, own_id, code),
                    **self.segments(account_id, own_id, code, row, action),
                    "segments.hour": part,
                }
                if query.resource in VIEWS:
                    made[place] |= self.rows.view(query.resource, account_id, part)
            yield {
                **made[place],
                **calendar_values(int(self.delivery.day[row])),
                **metrics({name: int(total[number]) for name, total in sums.items()}),
            }

    def entity(self, query: Query, account_id: str, own_id: str, code: int) -> Values:
        """Return the attributes of one row of a report."""
        if query.resource == "keyword_view":
            return self.rows.criterion(own_id, part_of(code, "keyword"))
        makers: dict[str, Callable[[str], Values]] = {
            "account_id": self.rows.customer,
            "campaign_id": self.rows.campaign,
            "ad_group_id": self.rows.ad_group,
            "ad_id": self.rows.ad,
        }
        return makers[key_of(query)[0]](own_id)

    def segments(self, account_id: str, own_id: str, code: int, row: int, action: int) -> Values:
        """Return the segments of a cell; what was not asked for is left out later."""
        part = {name: part_of(code, name) for name in ("device", "network")}
        done = ACTIONS[action]
        campaign = self.rows.campaign(self.delivery.ids["campaign_id"][row])
        is_over = campaign["campaign.status"] == "REMOVED"
        found: Values = {
            "segments.budget_campaign_association_status.campaign": campaign[
                "campaign.resource_name"
            ],
            "segments.budget_campaign_association_status.status": (
                "REMOVED" if is_over else "ENABLED"
            ),
            "segments.click_type": (
                "PRODUCT_LISTING_AD_CLICKS" if self.kinds[row] == "SHOPPING" else "URL_CLICKS"
            ),
            "segments.device": DEVICES[part["device"]],
            "segments.ad_network_type": NETWORKS[self.kinds[row]][part["network"]],
            "segments.conversion_action": self.rows.action_name(account_id, action),
            "segments.conversion_action_name": done.name,
            "segments.conversion_action_category": done.category,
        }
        if own_id in self.rows.groups:
            found |= self.search_term(account_id, own_id, code)
        return found

    def search_term(self, account_id: str, group: str, code: int) -> Values:
        """Return what was searched for, and the keyword that it met."""
        term = part_of(code, "term")
        keyword = self.rows.criterion(group, part_of(code, "keyword"))
        text = keyword["ad_group_criterion.keyword.text"] + TERM_ENDINGS[term]
        number = zlib.crc32(text.encode())
        place = f"{keyword['campaign.id']}~{group}~{number}"
        found = {
            "search_term_view.resource_name": f"customers/{account_id}/searchTermViews/{place}",
            "search_term_view.search_term": text,
            "search_term_view.ad_group": keyword["ad_group.resource_name"],
            "search_term_view.status": "NONE" if TERM_ENDINGS[term] else "ADDED",
            "segments.search_term_match_type": "BROAD" if TERM_ENDINGS[term] else "EXACT",
        }
        # product groups are no keywords
        if keyword["campaign.advertising_channel_type"] == "SEARCH":
            found |= {
                "segments.keyword.ad_group_criterion": keyword["ad_group_criterion.resource_name"],
                "segments.keyword.info.text": keyword["ad_group_criterion.keyword.text"],
                "segments.keyword.info.match_type": keyword[
                    "ad_group_criterion.keyword.match_type"
                ],
            }
        return found

    def click_rows(self, shown: IntArray, account_id: str) -> Iterator[Values]:
        """Yield the clicks of some rows of delivery."""
        clicks, ids = self.splits.clicks, self.delivery.ids
        is_row = np.zeros(self.delivery.size, dtype=bool)
        is_row[shown] = True
        for index in np.flatnonzero(is_row[clicks.row]).tolist():
            row, code = int(clicks.row[index]), int(clicks.code[index])
            group, ad = ids["ad_group_id"][row], ids["ad_id"][row]
            campaign = ids["campaign_id"][row]
            day = calendar_values(int(self.delivery.day[row]))
            gclid = clicks.gclid[index]
            place = constant_of(GEO_TARGETS[COUNTRIES[clicks.country[index]]])
            values = {
                **(self.rows.ad_group(group) if group else self.rows.campaign(campaign)),
                **self.segments(account_id, group, code, row, 0),
                **day,
                "click_view.resource_name": (
                    f"customers/{account_id}/clickViews/{day['segments.date']}~{gclid}"
                ),
                "click_view.gclid": gclid,
                "click_view.page_number": 1,
                "metrics.clicks": 1,
            }
            for where in ("area_of_interest", "location_of_presence"):
                values[f"click_view.{where}.country"] = place
                values[f"click_view.{where}.most_specific"] = place
            if ad:
                name = f"customers/{account_id}/adGroupAds/{group}~{ad}"
                values["click_view.ad_group_ad"] = name
            for segment in [name for name in values if name.startswith("segments.keyword.")]:
                values[CLICK_FIELDS[segment]] = values[segment]
            yield values


def key_of(query: Query) -> tuple[str, tuple[str, ...]]:
    """Return what the rows of a report are per, and the parts of delivery in its key."""
    if query.resource not in VIEWS:
        return KEYS[query.resource]
    owners = {field.split(".")[0] for field in query.all_fields}
    column = next((f"{name}_id" for name in ("ad_group", "campaign") if name in owners), "")
    return column or "account_id", ()


def split_of(query: Query) -> str:
    """Return what splits devices and networks: the country, the hour, or neither."""
    if query.resource in {"geographic_view", "user_location_view"}:
        return "country"
    return "hour" if HOUR in query.fields else ""


def grain_of(query: Query) -> str:
    """Return how finely delivery must be split for a query."""
    if query.all_fields & set(CONVERSION):
        return "claim"
    is_split = bool(query.all_fields & set(PART_OF_SEGMENT) or key_of(query)[1] or split_of(query))
    return "cell" if is_split else "row"


def whole(value: int, scale: int) -> int | float:
    """Return value / scale as a JSON number: an integer when it is one, as Google does."""
    return value // scale if value % scale == 0 else value / scale


def metrics(sums: dict[str, int]) -> Values:
    """Return the metrics of a group: counts and micros as integers."""
    impressions, clicks = sums["impressions"], sums["clicks"]
    # a cent is 10,000 micros
    micros = sums["spend_cents"] * 10_000
    conversions = whole(sums["conversions"], 1_000_000)
    value = whole(sums["value"], 1_000_000)
    return {
        "metrics.impressions": impressions,
        "metrics.clicks": clicks,
        "metrics.interactions": clicks,
        "metrics.cost_micros": micros,
        "metrics.conversions": conversions,
        "metrics.conversions_value": value,
        "metrics.all_conversions": conversions,
        "metrics.all_conversions_value": value,
        # counted up: Google sends whole ones
        "metrics.view_through_conversions": -(-sums["views"] // 1_000_000),
        "metrics.ctr": clicks / impressions if impressions else 0,
        "metrics.average_cpc": micros / clicks if clicks else 0,
        "metrics.average_cpm": micros * 1_000 / impressions if impressions else 0,
        "metrics.value_per_conversion": value / conversions if conversions else 0,
        "metrics.cost_per_conversion": micros / conversions if conversions else 0,
    }
