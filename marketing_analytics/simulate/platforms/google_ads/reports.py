"""Reports of Google Ads: delivery and conversions, grouped by what a query asks for."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from marketing_analytics.simulate.emulation.delivery import Delivery, local_today
from marketing_analytics.simulate.emulation.world_files import IntArray, WorldFiles
from marketing_analytics.simulate.platforms.google_ads.clicks import (
    DEVICES,
    GEO_TARGETS,
    HIDDEN_TERM,
    MARKET_COUNTRY,
    NETWORKS,
    TERM_ENDINGS,
    Cells,
    Clicks,
    build_cells,
    build_clicks,
    part_of,
)
from marketing_analytics.simulate.platforms.google_ads.dates import (
    calendar,
    calendar_values,
    date_span,
)
from marketing_analytics.simulate.platforms.google_ads.fields import CALENDAR, CONVERSION
from marketing_analytics.simulate.platforms.google_ads.gaql import Query
from marketing_analytics.simulate.platforms.google_ads.rows import ACTIONS, GoogleRows, Values

# what the rows of a report are per, and the parts of delivery that belong to its key
KEYS: dict[str, tuple[str, tuple[str, ...]]] = {
    "customer": ("account_id", ()),
    "campaign": ("campaign_id", ()),
    "ad_group": ("ad_group_id", ()),
    "ad_group_ad": ("ad_id", ()),
    "keyword_view": ("ad_group_id", ("keyword",)),
    "search_term_view": ("ad_group_id", ("keyword", "term")),
}
KINDS = {"keyword_view": ("SEARCH",), "search_term_view": ("SEARCH", "SHOPPING")}
# the keyword of a click stands in fields of its own
CLICK_FIELDS = {
    "segments.keyword.ad_group_criterion": "click_view.keyword",
    "segments.keyword.info.text": "click_view.keyword_info.text",
    "segments.keyword.info.match_type": "click_view.keyword_info.match_type",
}
PART_OF_SEGMENT = {"segments.device": "device", "segments.ad_network_type": "network"}


@dataclass(frozen=True)
class Atoms:
    """What is added up: rows of delivery, cells of rows, or single claims."""

    row: IntArray
    code: IntArray
    impressions: IntArray
    clicks: IntArray
    spend_cents: IntArray
    # millionths, and micros
    conversions: IntArray
    value: IntArray
    views: IntArray
    action: IntArray

    FIGURES = ("impressions", "clicks", "spend_cents", "conversions", "value", "views")


class GoogleReports:
    """Delivery of one world, as reports."""

    def __init__(self, world: WorldFiles, rows: GoogleRows) -> None:
        self.world = world
        self.rows = rows
        self.delivery = Delivery(world, "google_ads")
        self.kinds = np.array(
            [rows.kind_of(i) for i in self.delivery.ids["campaign_id"]], dtype=object
        )
        self._atoms: dict[tuple[str, int], Atoms] = {}

    @cached_property
    def clicks(self) -> Clicks:
        """Return all clicks, made when they are first asked for."""
        markets = {
            i: MARKET_COUNTRY.get(account["market"], "United States")
            for i, account in self.rows.accounts.items()
        }
        return build_clicks(self.world, self.delivery, markets)

    @cached_property
    def cells(self) -> Cells:
        """Return delivery in cells, made when it is first asked for."""
        return build_cells(self.delivery, self.clicks)

    def report(self, query: Query, account_id: str, now_us: int) -> Iterator[Values]:
        """Yield the rows of a query with metrics or segments. Raise GaqlError."""
        zone = self.rows.accounts[account_id]["timezone_name"]
        since, until = date_span(query, local_today(now_us, zone))
        shown = self.delivery.visible(account_id, since, until, now_us, zone)
        if query.resource == "click_view":
            yield from self.click_rows(shown, account_id)
            return
        atoms = self.atoms(grain_of(query), now_us)
        index = np.flatnonzero(self.is_shown(query.resource, shown, atoms))
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

    def is_shown(self, resource: str, shown: IntArray, atoms: Atoms) -> Any:
        """Return which atoms belong to a resource and to the rows that are shown."""
        column, parts = KEYS[resource]
        is_row = np.zeros(self.delivery.size, dtype=bool)
        is_row[shown] = True
        # Performance Max has neither ad groups nor ads
        is_row &= self.delivery.ids[column] != ""
        if resource in KINDS:
            is_row &= np.isin(self.kinds.astype(str), KINDS[resource])
        is_shown = is_row[atoms.row]
        if "term" in parts:
            is_shown &= part_of(atoms.code, "term") != HIDDEN_TERM
        return is_shown

    def atoms(self, grain: str, now_us: int) -> Atoms:
        """Return what is known at a moment, as finely as needed; the last answers are kept."""
        if any(at != now_us for _, at in self._atoms):
            self._atoms.clear()
        if (grain, now_us) not in self._atoms:
            makers = {"row": self.row_atoms, "cell": self.cell_atoms, "claim": self.claim_atoms}
            self._atoms[grain, now_us] = makers[grain](now_us)
        return self._atoms[grain, now_us]

    def row_atoms(self, now_us: int) -> Atoms:
        """Return the rows of delivery."""
        delivery, matured = self.delivery, self.delivery.at(now_us)
        nothing = np.zeros(delivery.size, dtype=np.int64)
        return Atoms(
            row=np.arange(delivery.size),
            code=nothing,
            impressions=delivery.impressions,
            clicks=delivery.clicks,
            spend_cents=delivery.spend_cents,
            conversions=matured.conversions["click"],
            value=matured.values["click"],
            views=matured.conversions["1d_view"],
            action=nothing,
        )

    def cell_atoms(self, now_us: int) -> Atoms:
        """Return the cells of delivery."""
        cells, claims = self.cells, self.claim_atoms(now_us)
        known = self.known_claims(now_us)
        figures = {}
        for name in ("conversions", "value", "views"):
            figures[name] = np.zeros(len(cells.row), dtype=np.int64)
            np.add.at(figures[name], cells.claim_cell[known], getattr(claims, name))
        return Atoms(
            cells.row,
            cells.code,
            cells.impressions,
            cells.clicks,
            cells.spend_cents,
            action=np.zeros(len(cells.row), dtype=np.int64),
            **figures,
        )

    def known_claims(self, now_us: int) -> IntArray:
        """Return the claims that Google knows of at a moment."""
        return np.flatnonzero(self.delivery.claim_reported_us <= now_us)

    def claim_atoms(self, now_us: int) -> Atoms:
        """Return single claims."""
        delivery, known = self.delivery, self.known_claims(now_us)
        nothing = np.zeros(len(known), dtype=np.int64)
        is_view = delivery.claim_is_view[known]
        share = delivery.claim_ppm[known]
        # what came after a view is a purchase on the web as well
        is_by_phone = ~delivery.claim_has_order[known] & ~is_view
        return Atoms(
            row=delivery.claim_row[known],
            code=self.cells.code[self.cells.claim_cell[known]],
            impressions=nothing,
            clicks=nothing,
            spend_cents=nothing,
            conversions=np.where(is_view, 0, share),
            value=np.where(is_view, 0, delivery.claim_micros[known]),
            views=np.where(is_view, share, 0),
            action=is_by_phone.astype(np.int64),
        )

    def groups(
        self, query: Query, account_id: str, atoms: Atoms, index: IntArray
    ) -> Iterator[Values]:
        """Yield a row per group of atoms."""
        column, key_parts = KEYS[query.resource]
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
        keys, inverse = np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)
        sums = {name: np.zeros(len(keys), dtype=np.int64) for name in Atoms.FIGURES}
        for name, total in sums.items():
            np.add.at(total, inverse.ravel(), getattr(atoms, name)[index])
        first = np.zeros(len(keys), dtype=np.int64)
        first[inverse.ravel()[::-1]] = index[::-1]
        made: dict[Any, Values] = {}
        for number, key in enumerate(keys.tolist()):
            code, row = int(atoms.code[first[number]]), int(atoms.row[first[number]])
            action = int(atoms.action[first[number]])
            place = tuple(key[len(spans) :])
            if place not in made:
                own_id = str(names[key[len(spans)]])
                made[place] = {
                    **self.entity(query.resource, account_id, own_id, code),
                    **self.segments(account_id, own_id, code, row, action),
                }
            yield {
                **made[place],
                **calendar_values(int(self.delivery.day[row])),
                **metrics({name: int(total[number]) for name, total in sums.items()}),
            }

    def entity(self, resource: str, account_id: str, own_id: str, code: int) -> Values:
        """Return the attributes of one row of a report."""
        if resource == "customer":
            return self.rows.customer(account_id)
        if resource == "keyword_view":
            return self.rows.criterion(own_id, part_of(code, "keyword"))
        makers: dict[str, Callable[[str], Values]] = {
            "campaign": self.rows.campaign,
            "ad_group_ad": self.rows.ad,
        }
        return makers.get(resource, self.rows.ad_group)(own_id)

    def segments(self, account_id: str, own_id: str, code: int, row: int, action: int) -> Values:
        """Return the segments of a cell; what was not asked for is left out later."""
        part = {name: part_of(code, name) for name in ("device", "network")}
        done = ACTIONS[action]
        found: Values = {
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
        clicks, ids = self.clicks, self.delivery.ids
        is_row = np.zeros(self.delivery.size, dtype=bool)
        is_row[shown] = True
        for index in np.flatnonzero(is_row[clicks.row]).tolist():
            row, code = int(clicks.row[index]), int(clicks.code[index])
            group, ad = ids["ad_group_id"][row], ids["ad_id"][row]
            campaign = ids["campaign_id"][row]
            day = calendar_values(int(self.delivery.day[row]))
            gclid = clicks.gclid[index]
            place = f"geoTargetConstants/{GEO_TARGETS[clicks.country[index]]}"
            values = {
                **(self.rows.ad_group(group) if group else self.rows.campaign(campaign)),
                **self.segments(account_id, group, code, row, 0),
                **day,
                "click_view.resource_name": (
                    f"customers/{account_id}/clickViews/{day['segments.date']}~{gclid}"
                ),
                "click_view.gclid": gclid,
                "click_view.page_number": 1,
                "segments.click_type": "URL_CLICKS",
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


def grain_of(query: Query) -> str:
    """Return how finely delivery must be split for a query."""
    if query.all_fields & set(CONVERSION):
        return "claim"
    is_split = bool(query.all_fields & set(PART_OF_SEGMENT)) or bool(KEYS[query.resource][1])
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
