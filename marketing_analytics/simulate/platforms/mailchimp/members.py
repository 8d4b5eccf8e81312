"""Mailchimp's audiences at a moment: members, what became of them, segments and growth."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketing_analytics.simulate.emulation.world_files import (
    NEVER_US,
    IntArray,
    WorldFiles,
    int_column,
)
from marketing_analytics.simulate.platforms.mailchimp.records import MailRecords, mail_time

DAY_US = 86_400_000_000
STATUSES = ("subscribed", "unsubscribed", "cleaned")
SUBSCRIBED, UNSUBSCRIBED, CLEANED = range(3)
# the one saved segment that every audience has
NEW_DAYS = 30


class MemberRecords:
    """The members of all audiences; who withdrew consent at the shop has left the list."""

    def __init__(self, world: WorldFiles, mails: MailRecords) -> None:
        self.mails = mails
        people = world.table("people")
        self.country: list[str] = people["country"].to_pylist()
        self.opted_out_us = int_column(people, "opted_out_at")
        count = len(self.country)
        self.left_us = np.full(count, NEVER_US, dtype=np.int64)
        np.minimum.at(self.left_us, mails.person, mails.left_us)
        is_hard = np.asarray(mails.status, dtype=object) == "hard"
        self.bounced_us = np.full(count, NEVER_US, dtype=np.int64)
        np.minimum.at(self.bounced_us, mails.person[is_hard], mails.sent_us[is_hard])
        titles = {flow["flow_id"]: flow["title"] for flow in mails.flows}
        self.tags: dict[int, list[str]] = {}
        for row in world.rows("mail_hold_outs"):
            self.tags.setdefault(row["person"], []).append(f"Hold-out: {titles[row['flow']]}")

    def audience(self, list_id: str) -> dict[str, Any] | None:
        """Return an audience of the world."""
        return next((a for a in self.mails.audiences if a["list_id"] == list_id), None)

    def persons_of(self, audience: dict[str, Any], now_us: int) -> IntArray:
        """Return who has been a member of an audience until a moment."""
        mails = self.mails
        is_member = (mails.subscribed_us <= now_us) & (mails.is_eur == audience["is_eur"])
        return np.flatnonzero(is_member).astype(np.int64)

    def ends(self, now_us: int) -> tuple[IntArray, IntArray]:
        """Return status and time of the last change of every person at a moment."""
        gone_us = np.minimum(self.left_us, self.opted_out_us)
        is_cleaned = (self.bounced_us <= now_us) & (self.bounced_us <= gone_us)
        status = np.where(is_cleaned, CLEANED, np.where(gone_us <= now_us, UNSUBSCRIBED, 0))
        ended_us = np.where(is_cleaned, self.bounced_us, gone_us)
        changed_us = np.where(status == SUBSCRIBED, self.mails.subscribed_us, ended_us)
        return status.astype(np.int64), changed_us.astype(np.int64)

    def lists(self, now_us: int) -> list[dict[str, Any]]:
        """Return the audiences with their numbers of members."""
        rows = []
        status, _ = self.ends(now_us)
        for audience in self.mails.audiences:
            counts = np.bincount(status[self.persons_of(audience, now_us)], minlength=3).tolist()
            own = [mail for mail in self.mails.mails if mail["list_id"] == audience["list_id"]]
            sent = [mail["sent_us"] for mail in own if 0 < mail["sent_us"] <= now_us]
            rows.append(
                {
                    "id": audience["list_id"],
                    # the number in the address of its page; any stable one will do
                    "web_id": int(audience["list_id"][:6], 16),
                    "name": audience["name"],
                    "date_created": mail_time(min(mail["created_us"] for mail in own)),
                    "list_rating": 0,
                    "stats": {
                        "member_count": counts[SUBSCRIBED],
                        "unsubscribe_count": counts[UNSUBSCRIBED],
                        "cleaned_count": counts[CLEANED],
                        "campaign_count": len(sent),
                        "campaign_last_sent": mail_time(max(sent, default=0)),
                    },
                    "visibility": "pub",
                    "_links": [],
                }
            )
        return rows

    def members(self, list_id: str, now_us: int) -> list[dict[str, Any]]:
        """Return the members of an audience."""
        rows: list[dict[str, Any]] = self.mails.keep(
            ("members", list_id), now_us, lambda: self.make_members(list_id, now_us)
        )
        return rows

    def make_members(self, list_id: str, now_us: int) -> list[dict[str, Any]]:
        """Return one row per member."""
        audience = self.audience(list_id)
        if audience is None:
            return []
        status, changed_us = self.ends(now_us)
        rates = self.rates(now_us)
        return [
            self.member(person, list_id, STATUSES[status[person]], int(changed_us[person]), rates)
            for person in self.persons_of(audience, now_us).tolist()
        ]

    def member(
        self, person: int, list_id: str, status: str, changed_us: int, rates: NDArray[np.float64]
    ) -> dict[str, Any]:
        """Return one member."""
        joined = mail_time(int(self.mails.subscribed_us[person]))
        member_id = self.mails.address_id[person]
        tags = self.tags.get(person, [])
        row = {
            "id": member_id,
            "email_address": self.mails.address[person],
            "unique_email_id": member_id[:10],
            "web_id": person + 1,
            "email_type": "html",
            "status": status,
            "merge_fields": {},
            "interests": {},
            "stats": {
                "avg_open_rate": round(float(rates[0, person]), 4),
                "avg_click_rate": round(float(rates[1, person]), 4),
            },
            "ip_signup": "",
            "timestamp_signup": joined,
            "ip_opt": "",
            "timestamp_opt": joined,
            "member_rating": 2,
            "last_changed": mail_time(changed_us),
            "language": "",
            "vip": False,
            "email_client": "",
            "location": {"latitude": 0, "longitude": 0, "country_code": self.country[person]},
            "source": "Web Form",
            "tags_count": len(tags),
            "tags": [{"id": number, "name": name} for number, name in enumerate(tags, start=1)],
            "list_id": list_id,
            "_links": [],
        }
        return row | ({"unsubscribe_reason": "None given"} if status == "unsubscribed" else {})

    def rates(self, now_us: int) -> NDArray[np.float64]:
        """Return for every person the share of mails that were opened, and clicked."""
        mails, count = self.mails, len(self.country)
        sent = np.bincount(mails.person[mails.sent_us <= now_us], minlength=count)
        action = np.asarray(mails.event_action, dtype=object)
        is_past = np.asarray(mails.event_us, dtype=np.int64) <= now_us
        # bounds of events by send: the send of every event
        send = np.repeat(np.arange(len(mails.person)), np.diff(mails.event_bounds))
        rates = np.zeros((2, count))
        for index, wanted in enumerate(("open", "click")):
            acted = np.unique(send[(action == wanted) & is_past])
            number = np.bincount(mails.person[acted], minlength=count)
            rates[index] = number / np.maximum(sent, 1)
        return rates

    def segments(self, list_id: str, now_us: int) -> list[dict[str, Any]]:
        """Return the saved segment of an audience: who joined in the last days."""
        audience = self.audience(list_id)
        if audience is None:
            return []
        created = mail_time(min(m["created_us"] for m in self.mails.mails))
        return [
            {
                "id": int(list_id[:6], 16),
                "name": f"Joined in the last {NEW_DAYS} days",
                "member_count": len(self.segment_members(list_id, now_us)),
                "type": "saved",
                "created_at": created,
                "updated_at": created,
                "options": {
                    "match": "all",
                    "conditions": [
                        {
                            "condition_type": "Date",
                            "field": "timestamp_opt",
                            "op": "within",
                            "value": str(NEW_DAYS),
                        }
                    ],
                },
                "list_id": list_id,
                "_links": [],
            }
        ]

    def segment_members(self, list_id: str, now_us: int) -> list[dict[str, Any]]:
        """Return the subscribed members of the segment."""
        oldest = mail_time(now_us - NEW_DAYS * DAY_US)
        return [
            row
            for row in self.members(list_id, now_us)
            if row["status"] == "subscribed" and row["timestamp_opt"] >= oldest
        ]

    def growth(self, list_id: str, now_us: int) -> list[dict[str, Any]]:
        """Return one row per month, the latest first."""
        audience = self.audience(list_id)
        if audience is None:
            return []
        persons = self.persons_of(audience, now_us)
        status, changed_us = self.ends(now_us)
        ended = persons[status[persons] != SUBSCRIBED]
        joined = [month_of(moment) for moment in self.mails.subscribed_us[persons].tolist()]
        left = list(
            zip(
                [month_of(moment) for moment in changed_us[ended].tolist()],
                status[ended].tolist(),
                strict=True,
            )
        )
        rows = []
        for month in sorted({*joined, *(month for month, _ in left)}, reverse=True):
            lost = sum(1 for at, _ in left if at <= month)
            rows.append(
                {
                    "list_id": list_id,
                    "month": month,
                    "existing": 0,
                    "imports": 0,
                    "optins": joined.count(month),
                    "subscribed": sum(1 for at in joined if at <= month) - lost,
                    "unsubscribed": left.count((month, UNSUBSCRIBED)),
                    "cleaned": left.count((month, CLEANED)),
                    "_links": [],
                }
            )
        return rows


def month_of(moment_us: int) -> str:
    """Return a month like 2026-10."""
    return f"{datetime.fromtimestamp(moment_us // 1_000_000, UTC):%Y-%m}"
