"""The account's profiles at a moment: one a person, and a second one where the shop made it.

The list knows an address, the shop a customer number. Where the two never met, a person has two
profiles: the events of orders are of the second one, until it is merged into the first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketing_analytics.simulate.emulation.world_files import NEVER_US, WorldFiles, int_column
from marketing_analytics.simulate.platforms.klaviyo.events import (
    BOUNCED,
    DAY_US,
    LEFT,
    ORDERED,
    REFUNDED,
    EventLog,
)
from marketing_analytics.simulate.platforms.klaviyo.names import iso, long_id, resource
from marketing_analytics.simulate.platforms.klaviyo.query import Resource

TIME_ZONE = "Europe/Berlin"
# of the customers on the list, one in so many has a second profile
TWIN_SHARE = 10
OF_SHOP = (ORDERED, REFUNDED)


class Profiles:
    """The persons of the European shop."""

    def __init__(self, world: WorldFiles) -> None:
        people = world.table("people")
        self.email: list[str] = people["email"].to_pylist()
        self.customer: list[str | None] = people["customer_id"].to_pylist()
        self.country: list[str] = people["country"].to_pylist()
        self.joined_us: list[int] = int_column(people, "subscribed_at").tolist()
        self.opted_out_us: list[int] = int_column(people, "opted_out_at").tolist()
        is_eur = np.asarray(people["is_eur"].to_pylist(), dtype=bool)
        is_member = is_eur & np.asarray([bool(email) for email in self.email])
        members: list[int] = np.flatnonzero(is_member).tolist()
        self.log = EventLog(world, is_member)
        self.merged_us = world.as_of_us + DAY_US
        self.main_ids = {person: long_id("profile", self.email[person]) for person in members}
        on_list = [p for p in members if self.customer[p] and self.joined_us[p] < NEVER_US]
        self.twin_ids = {
            p: long_id("profile", str(self.customer[p])) for p in on_list[::TWIN_SHARE]
        }
        self.person_of = {name: person for person, name in self.main_ids.items()}
        self.person_of |= {name: person for person, name in self.twin_ids.items()}
        # when each person was first seen by the list, and by the shop
        self.first_us: dict[int, int] = {}
        self.first_shop_us: dict[int, int] = {}
        # what ended a membership, and why
        self.ended: dict[int, tuple[int, str]] = {}
        self.read_log()

    def read_log(self) -> None:
        """Note when persons came and went."""
        log = self.log
        columns = (log.kind.tolist(), log.at_us.tolist(), log.person.tolist(), log.ref.tolist())
        for kind, at_us, person, ref in zip(*columns, strict=True):
            is_of_twin = kind in OF_SHOP and person in self.twin_ids
            first = self.first_shop_us if is_of_twin else self.first_us
            first.setdefault(person, at_us)
            if kind == LEFT:
                self.ended.setdefault(person, (at_us, "UNSUBSCRIBE"))
            if kind == BOUNCED and log.is_hard_bounce(ref):
                self.ended.setdefault(person, (at_us, "HARD_BOUNCE"))
        for person in self.main_ids:
            out_us = self.opted_out_us[person]
            if out_us < self.ended.get(person, (NEVER_US, ""))[0]:
                self.ended[person] = (out_us, "USER_SUPPRESSED")

    def is_merged(self, now_us: int) -> bool:
        """Return whether the second profiles are gone by now."""
        return now_us >= self.merged_us

    def id_of(self, person: int, kind: int, now_us: int) -> str:
        """Return the profile that an event of a metric belongs to at a moment."""
        if kind in OF_SHOP and person in self.twin_ids and not self.is_merged(now_us):
            return self.twin_ids[person]
        return self.main_ids[person]

    def events_of(self, profile_id: str, now_us: int) -> NDArray[np.bool_]:
        """Return which events are of a profile at a moment."""
        person = self.person_of.get(profile_id, -1)
        of_person: NDArray[np.bool_] = np.equal(self.log.person, person)
        if person not in self.twin_ids:
            return of_person
        is_twin = profile_id == self.twin_ids[person]
        if self.is_merged(now_us):
            return np.zeros_like(of_person) if is_twin else of_person
        of_profile: NDArray[np.bool_] = of_person & (np.isin(self.log.kind, OF_SHOP) == is_twin)
        return of_profile

    def find(self, profile_id: str, now_us: int) -> str:
        """Return the id under which a profile is found at a moment, "" where there is none."""
        person = self.person_of.get(profile_id)
        if person is None:
            return ""
        return self.main_ids[person] if self.is_merged(now_us) else profile_id

    def all(self, now_us: int) -> list[Resource]:
        """Return the profiles that exist at a moment."""
        last = self.last_events(now_us)
        rows = []
        for person, profile_id in self.main_ids.items():
            first_us = self.first_us.get(person, NEVER_US)
            if first_us <= now_us:
                rows.append(self.main(person, profile_id, now_us, last.get(profile_id, 0)))
            twin = self.twin_ids.get(person)
            has_twin = self.first_shop_us.get(person, NEVER_US) <= now_us
            if twin and has_twin and not self.is_merged(now_us):
                rows.append(self.twin(person, twin, last.get(twin, 0)))
        return rows

    def last_events(self, now_us: int) -> dict[str, int]:
        """Return the time of the last event by profile."""
        log = self.log
        events = log.visible(now_us)
        last = np.zeros((2, len(self.email)), dtype=np.int64)
        is_shop = np.isin(log.kind[events], OF_SHOP).astype(np.int64)
        np.maximum.at(last, (is_shop, log.person[events]), log.at_us[events])
        found: dict[str, int] = {}
        for person, profile_id in self.main_ids.items():
            twin = self.twin_ids.get(person) if not self.is_merged(now_us) else None
            found[profile_id] = int(last[0, person] if twin else last[:, person].max())
            if twin:
                found[twin] = int(last[1, person])
        return found

    def main(self, person: int, profile_id: str, now_us: int, last_us: int) -> Resource:
        """Return the profile that has the person's address."""
        created_us = self.first_us[person]
        ended_us, _ = self.ended.get(person, (NEVER_US, ""))
        moments = [created_us, ended_us, self.joined_us[person]]
        is_twin = person in self.twin_ids
        if is_twin:
            moments.append(self.merged_us)
        names = [
            part.rstrip("0123456789").capitalize()
            for part in self.email[person].partition("@")[0].split(".")
        ]
        knows_customer = not is_twin or self.is_merged(now_us)
        return resource(
            "profile",
            profile_id,
            {
                **self.common(person, created_us, last_us),
                "email": self.email[person],
                "external_id": self.customer[person] if knows_customer else None,
                "first_name": names[0],
                "last_name": names[-1],
                "updated": iso(max(at for at in moments if at <= now_us)),
                "subscriptions": subscriptions(self.consent(person, now_us)),
            },
        )

    def twin(self, person: int, profile_id: str, last_us: int) -> Resource:
        """Return the profile that the shop made: a customer number without an address."""
        created_us = self.first_shop_us[person]
        return resource(
            "profile",
            profile_id,
            {
                **self.common(person, created_us, last_us),
                "email": None,
                "external_id": self.customer[person],
                "first_name": None,
                "last_name": None,
                "updated": iso(created_us),
                "subscriptions": subscriptions(("NEVER_SUBSCRIBED", 0, "")),
            },
        )

    def common(self, person: int, created_us: int, last_us: int) -> dict[str, Any]:
        """Return what all profiles say alike."""
        absent = dict.fromkeys(("phone_number", "locale", "organization", "title", "image"))
        places = ("address1", "address2", "city", "latitude", "longitude", "region", "zip", "ip")
        return {
            **absent,
            "created": iso(created_us),
            "last_event_date": iso(last_us),
            "location": {
                **dict.fromkeys(places),
                "country": self.country[person],
                "timezone": TIME_ZONE,
            },
            "properties": {},
            "predictive_analytics": None,
        }

    def consent(self, person: int, now_us: int) -> tuple[str, int, str]:
        """Return consent to mail, since when, and what keeps mail away."""
        ended_us, reason = self.ended.get(person, (NEVER_US, ""))
        joined_us = self.joined_us[person]
        if ended_us <= now_us:
            return "UNSUBSCRIBED", ended_us, reason
        if joined_us <= now_us:
            return "SUBSCRIBED", joined_us, ""
        return "NEVER_SUBSCRIBED", 0, ""


def subscriptions(consent: tuple[str, int, str]) -> dict[str, Any]:
    """Return the consents of a profile; the shop sends no text messages."""
    state, since_us, reason = consent
    suppression = [{"reason": reason, "timestamp": iso(since_us)}] if reason else []
    return {
        "email": {
            "marketing": {
                "can_receive_email_marketing": state == "SUBSCRIBED",
                "consent": state,
                "consent_timestamp": iso(since_us),
                "last_updated": iso(since_us),
                "method": None,
                "method_detail": None,
                "custom_method_detail": None,
                "double_optin": None,
                "suppression": suppression,
                "list_suppressions": [],
            }
        },
        "sms": {
            "marketing": {
                "can_receive_sms_marketing": False,
                "consent": "NEVER_SUBSCRIBED",
                "consent_timestamp": None,
                "method": None,
                "method_detail": None,
                "last_updated": None,
            }
        },
        "mobile_push": None,
    }
