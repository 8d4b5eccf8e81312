"""CRM objects of a world at a moment: contacts are people, companies are domains, deals are orders.

A deal is won where a customer ordered for a larger sum. A checkout that a known customer left is
an open deal, and a lost one two weeks later; nobody knows its amount.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from marketing_analytics.simulate.emulation.control import DAY_US
from marketing_analytics.simulate.emulation.world_files import NEVER_US, WorldFiles, int_column
from marketing_analytics.simulate.platforms.hubspot.definitions import (
    PIPELINE_ID,
    STAGE_BY_ID,
    owner_id,
)

CONTACT_IDS, COMPANY_IDS = 20_000_000_000, 10_000_000_000
WON_DEAL_IDS, LEFT_DEAL_IDS = 30_000_000_000, 39_000_000_000
WON_DEAL_USD_CENTS = 5_000
# a session of this depth began a checkout; the next one is an order
CHECKOUT_DEPTH = 4
LOST_AFTER_US = 14 * DAY_US
ARCHIVED_AFTER_US = 7 * DAY_US  # after a person objected
PURGED_AFTER_US = 90 * DAY_US  # after it was archived


def hubspot_time(moment_us: int) -> str:
    """Return a time in ISO 8601 with milliseconds."""
    moment = datetime.fromtimestamp(moment_us / 1e6, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


@dataclass
class CrmObject:
    """One contact, company or deal."""

    object_id: int
    created_us: int
    updated_us: int
    properties: dict[str, str | None]
    archived_us: int = NEVER_US
    # ids by type of object
    associated: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def as_json(self, names: list[str], *, is_archived: bool) -> dict[str, Any]:
        """Return the record with some of its properties; all values are text or null."""
        record = {
            "id": str(self.object_id),
            "properties": {name: self.properties[name] for name in names},
            "createdAt": hubspot_time(self.created_us),
            "updatedAt": hubspot_time(self.updated_us),
            "archived": is_archived,
        }
        if is_archived:
            record["archivedAt"] = hubspot_time(self.archived_us)
        return record

    def history(self, names: list[str]) -> dict[str, Any]:
        """Return the history of properties: the world keeps their last value alone."""
        last = {"timestamp": hubspot_time(self.updated_us), "sourceType": "INTEGRATION"}
        found = {
            name: [{"value": self.properties[name], **last}]
            for name in names
            if self.properties.get(name) is not None
        }
        return {"propertiesWithHistory": found} if names else {}


class CrmObjects:
    """All CRM objects of a world; they are made anew when the clock moves."""

    def __init__(self, world: WorldFiles) -> None:
        people = world.table("people")
        self.people = people.to_pylist()
        self.subscribed_us = int_column(people, "subscribed_at").tolist()
        self.opted_out_us = int_column(people, "opted_out_at").tolist()
        orders = world.table("orders")
        self.orders = orders.to_pylist()
        self.ordered_us = int_column(orders, "ordered_at").tolist()
        sessions = world.table("sessions")
        self.sessions = sessions.to_pylist()
        self.started_us = int_column(sessions, "started_at").tolist()
        self.made_for_us = -1
        self.made: dict[str, dict[int, CrmObject]] = {}

    def of(self, kind: str, now_us: int) -> dict[int, CrmObject]:
        """Return the objects of a type by id, in order of their ids, archived ones included."""
        if now_us != self.made_for_us:
            self.made = self.make(now_us)
            self.made_for_us = now_us
        return self.made.get(kind, {})

    def make(self, now_us: int) -> dict[str, dict[int, CrmObject]]:
        """Make all objects that exist at a moment."""
        contacts = self.make_contacts(now_us)
        companies = self.make_companies(contacts)
        deals = self.make_deals(contacts, now_us)
        for deal in deals.values():
            (contact_id,) = deal.associated["contacts"]
            contact = contacts[contact_id]
            contact.associated["deals"].append(deal.object_id)
            for company_id in contact.associated["companies"]:
                deal.associated["companies"].append(company_id)
                companies[company_id].associated["deals"].append(deal.object_id)
        return {"contacts": contacts, "companies": companies, "deals": deals}

    def make_contacts(self, now_us: int) -> dict[int, CrmObject]:
        """Make a contact of everybody who gave an address by subscribing or ordering."""
        ordered: dict[int, list[int]] = defaultdict(list)
        for order, moment in zip(self.orders, self.ordered_us, strict=True):
            ordered[order["person"]].append(moment)
        contacts = {}
        for number, person in enumerate(self.people):
            moments = [self.subscribed_us[number], *ordered.get(number, [])]
            known = [moment for moment in moments if moment <= now_us]
            archived_us = self.opted_out_us[number] + ARCHIVED_AFTER_US
            if not person["email"] or not known or archived_us + PURGED_AFTER_US <= now_us:
                continue
            has_ordered = any(moment <= now_us for moment in moments[1:])
            has_objected = self.opted_out_us[number] <= now_us
            changes = [*known, *([self.opted_out_us[number]] if has_objected else [])]
            contact = CrmObject(
                CONTACT_IDS + number,
                min(known),
                max(changes),
                contact_properties(number, person, has_ordered, has_objected),
                archived_us if archived_us <= now_us else NEVER_US,
            )
            contacts[contact.object_id] = stamped(contact, "lastmodifieddate")
        return contacts

    def make_companies(self, contacts: dict[int, CrmObject]) -> dict[int, CrmObject]:
        """Make a company of every domain of addresses."""
        members: dict[str, list[CrmObject]] = defaultdict(list)
        for contact in contacts.values():
            members[str(contact.properties["email"]).rpartition("@")[2]].append(contact)
        companies = {}
        for number, domain in enumerate(sorted(members)):
            found = members[domain]
            created = [contact.created_us for contact in found]
            company = CrmObject(
                COMPANY_IDS + number,
                min(created),
                max(created),
                {
                    "name": domain.replace(".", " ").title(),
                    "domain": domain,
                    "country": None,
                    "industry": "",
                    "lifecyclestage": "customer",
                    "annualrevenue": None,
                    # a number that somebody cleared is empty, not null
                    "numberofemployees": "",
                    "hubspot_owner_id": owner_id(number),
                },
            )
            companies[company.object_id] = stamped(company, "hs_lastmodifieddate")
            for contact in found:
                contact.properties["associatedcompanyid"] = str(company.object_id)
                contact.associated["companies"].append(company.object_id)
                company.associated["contacts"].append(contact.object_id)
        return companies

    def make_deals(self, contacts: dict[int, CrmObject], now_us: int) -> dict[int, CrmObject]:
        """Make the deals that were won, and the checkouts that were left."""
        deals = {}
        for number, order in enumerate(self.orders):
            contact_id = CONTACT_IDS + order["person"]
            moment = self.ordered_us[number]
            is_large = order["total_usd_cents"] >= WON_DEAL_USD_CENTS
            if is_large and moment <= now_us and contact_id in contacts:
                properties = won_properties(number, order, moment)
                deal = CrmObject(WON_DEAL_IDS + number, moment, moment, properties)
                deals[deal.object_id] = related(deal, contact_id)
        for number, session in enumerate(self.sessions):
            moment = self.started_us[number]
            contact_id = CONTACT_IDS + session["person"]
            is_left = session["depth"] == CHECKOUT_DEPTH and not session["order_id"]
            if is_left and session["customer_id"] and moment <= now_us and contact_id in contacts:
                # a checkout before anybody knew who it was became a deal with the contact
                moment = max(moment, contacts[contact_id].created_us)
                lost_us = moment + LOST_AFTER_US
                is_lost = lost_us <= now_us
                properties = left_properties(number, session, lost_us, is_lost=is_lost)
                updated_us = lost_us if is_lost else moment
                deal = CrmObject(LEFT_DEAL_IDS + number, moment, updated_us, properties)
                deals[deal.object_id] = related(deal, contact_id)
        return deals


def stamped(made: CrmObject, modified: str) -> CrmObject:
    """Return an object with the properties that every object has."""
    made.properties |= {
        "createdate": hubspot_time(made.created_us),
        modified: hubspot_time(made.updated_us),
        "hs_object_id": str(made.object_id),
    }
    return made


def related(deal: CrmObject, contact_id: int) -> CrmObject:
    """Return a deal with its contact."""
    deal.associated["contacts"].append(contact_id)
    return stamped(deal, "hs_lastmodifieddate")


def contact_properties(
    number: int, person: dict[str, Any], has_ordered: bool, has_objected: bool
) -> dict[str, str | None]:
    """Return the properties of a contact; names are those of the address."""
    first, _, last = person["email"].partition("@")[0].partition(".")
    return {
        "email": person["email"],
        "firstname": first.title(),
        "lastname": last.rstrip("0123456789").title(),
        # a cleared phone number is empty, one never given is null
        "phone": "" if number % 4 == 0 else None,
        "country": person["country"],
        "lifecyclestage": "customer" if has_ordered else "subscriber",
        "hs_lead_status": None,
        "hs_analytics_source": None,
        "hs_email_optout": "true" if has_objected else "",
        "hubspot_owner_id": owner_id(number),
        "associatedcompanyid": None,
    }


def won_properties(number: int, order: dict[str, Any], moment_us: int) -> dict[str, str | None]:
    """Return the properties of a deal that is an order."""
    return deal_properties("closedwon", f"Order {order['order_id']}", number) | {
        "dealtype": "newbusiness" if order["is_first_order"] else "existingbusiness",
        "amount": cents(order["total_cents"]),
        "amount_in_home_currency": cents(order["total_usd_cents"]),
        "deal_currency_code": order["currency"],
        "closedate": hubspot_time(moment_us),
    }


def left_properties(
    number: int, session: dict[str, Any], lost_us: int, *, is_lost: bool
) -> dict[str, str | None]:
    """Return the properties of a deal that is a checkout somebody left."""
    stage = "closedlost" if is_lost else "presentationscheduled"
    return deal_properties(stage, f"Checkout {session['session_id']}", number) | {
        "dealtype": None,
        "amount": "" if is_lost else None,
        "amount_in_home_currency": "" if is_lost else None,
        "deal_currency_code": None,
        "closedate": hubspot_time(lost_us),
    }


def deal_properties(stage_id: str, name: str, number: int) -> dict[str, str | None]:
    """Return the properties that follow from a deal's stage."""
    stage = STAGE_BY_ID[stage_id]
    return {
        "dealname": name,
        "pipeline": PIPELINE_ID,
        "dealstage": stage_id,
        "hs_is_closed": str(stage.is_closed).lower(),
        "hs_is_closed_won": str(stage_id == "closedwon").lower(),
        "hs_deal_stage_probability": stage.probability,
        "hs_analytics_source": None,
        "hubspot_owner_id": owner_id(number),
    }


def cents(value: int) -> str:
    """Return an amount as HubSpot writes numbers: without needless zeros."""
    text = f"{value // 100}.{value % 100:02d}"
    return text.rstrip("0").rstrip(".")
