"""The plain identifiers of many persons, from the restricted tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from marketing_analytics.audiences.formats import Contact
from marketing_analytics.audiences.members import Member
from marketing_analytics.governance.traces.person import WORDS, Databases, of_persons
from marketing_analytics.governance.traces.tables import rows_with

# rows that name both tell whose phone it is
OWNERS = ("customer_key", "email_key")
Known = dict[tuple[str, str], str]


def contacts_of(found: Databases, members: Sequence[Member]) -> list[Contact]:
    """Return what is known of each member, in their order."""
    keys = {key for one in members for key in (one.customer_key, one.email_key) if key}
    phones = phones_of(found, keys)
    known = values_of_persons(found, keys | set(phones.values()))
    return [contact_of(one, phones, known) for one in members]


def phones_of(found: Databases, keys: Iterable[str]) -> dict[str, str]:
    """Return the pseudonym of a phone by that of its customer or address; of several the first."""
    phones: dict[str, str] = {}
    for table in found.raw_tables:
        for owner in OWNERS:
            if {owner, "phone_key"} <= set(table.texts):
                for key, phone_key in rows_with(
                    found.raw, table, owner, keys, [owner, "phone_key"]
                ):
                    if phone_key:
                        phones[key] = min(phones.get(key, phone_key), phone_key)
    return phones


def values_of_persons(found: Databases, keys: set[str]) -> Known:
    """Return plain values by pseudonym and kind; of several the first."""
    known: Known = {}
    for table in of_persons(found.restricted_tables):
        wanted = ["person_key", "kind", "value"]
        for key, kind, value in rows_with(found.restricted, table, "person_key", keys, wanted):
            if value:
                known[key, kind] = min(known.get((key, kind), value), value)
    return known


def contact_of(member: Member, phones: dict[str, str], known: Known) -> Contact:
    """Return what is known of a member; what is known by the address comes first."""
    owners = [key for key in (member.email_key, member.customer_key) if key]
    first_name, last_name = (
        next((known[key, word] for key in owners if (key, word) in known), "") for word in WORDS
    )
    phone = next((phones[key] for key in owners if key in phones), "")
    return Contact(
        known.get((member.email_key, "email"), ""),
        known.get((phone, "phone"), ""),
        first_name,
        last_name,
        member.country,
    )
