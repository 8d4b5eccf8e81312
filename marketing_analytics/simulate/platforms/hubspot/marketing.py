"""Marketing of a world at a moment: campaigns, e-mails with their statistics, workflows."""

from __future__ import annotations

import uuid
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketing_analytics.simulate.emulation.world_files import (
    NEVER_US,
    IntArray,
    WorldFiles,
    int_column,
)
from marketing_analytics.simulate.platforms.hubspot.objects import hubspot_time

EMAIL_IDS, EMAIL_CAMPAIGN_IDS, FLOW_IDS = 90_000_000_000, 400_000_000, 1_600_000_000
NAMESPACE = uuid.UUID("00000000-0000-4000-8000-000000000000")
CAMPAIGN_PROPERTIES = (
    "hs_name",
    "hs_campaign_status",
    "hs_start_date",
    "hs_end_date",
    "hs_utm",
    "hs_currency_code",
    "hs_budget_items_sum_amount",
    "hs_spend_items_sum_amount",
    "hs_owner",
    "hs_notes",
    "hs_audience",
    "hs_goal",
)


class Marketing:
    """The mail plan as HubSpot would hold it."""

    def __init__(self, world: WorldFiles) -> None:
        self.seed = world.seed
        self.mails = world.rows("mails")
        self.flows = world.rows("mail_flows")
        sends, events = world.table("mail_sends"), world.table("mail_events")
        self.mail = int_column(sends, "mail")
        self.sent_us = int_column(sends, "sent_at")
        self.left_us = int_column(sends, "unsubscribed_at")
        self.status = np.asarray(sends["status"].to_pylist(), dtype=object)
        self.event_send = int_column(events, "send")
        self.event_us = int_column(events, "at")
        self.is_machine = np.asarray(events["is_machine"].to_pylist(), dtype=bool)
        self.action = np.asarray(events["action"].to_pylist(), dtype=object)
        people = world.table("people")["email"].to_pylist()
        self.address = [people[person] for person in int_column(sends, "person").tolist()]
        self.flow_titles = {flow["flow_id"]: self.flow_title(flow) for flow in self.flows}
        self.counted_for_us = -1
        self.counted: list[dict[str, int]] = []

    def campaign_name(self, mail: dict[str, Any]) -> str:
        """Return the campaign of a newsletter: those of a region and kind are one."""
        region = "EU" if mail["is_eur"] else "US"
        return f"{region} {'promotions' if 'promotion' in mail['title'] else 'newsletters'}"

    def campaign_id(self, name: str) -> str:
        """Return the id of a campaign."""
        return str(uuid.uuid5(NAMESPACE, f"{self.seed} {name}"))

    def flow_title(self, flow: dict[str, Any]) -> str:
        """Return the name of a workflow."""
        return f"{flow['title']} {'EU' if flow['is_eur'] else 'US'}"

    def campaigns(self, now_us: int) -> list[dict[str, Any]]:
        """Return the campaigns whose first e-mail exists."""
        mails: dict[str, list[dict[str, Any]]] = {}
        for mail in self.mails:
            if not mail["flow"] and mail["created_us"] <= now_us:
                mails.setdefault(self.campaign_name(mail), []).append(mail)
        rows = []
        for name, found in sorted(mails.items()):
            created_us = min(mail["created_us"] for mail in found)
            values = {
                "hs_name": name,
                "hs_campaign_status": "in_progress",
                # a day without a time
                "hs_start_date": hubspot_time(created_us)[:10],
                "hs_utm": name.lower().replace(" ", "-"),
                "hs_currency_code": "EUR" if found[0]["is_eur"] else "USD",
                "hs_notes": "",
            }
            rows.append(
                {
                    "id": self.campaign_id(name),
                    "properties": {name: values.get(name) for name in CAMPAIGN_PROPERTIES},
                    "businessUnits": [{"id": 0}],
                    "createdAt": hubspot_time(created_us),
                    "updatedAt": hubspot_time(max(mail["created_us"] for mail in found)),
                }
            )
        return rows

    def emails(self, now_us: int) -> list[dict[str, Any]]:
        """Return the e-mails that exist, with their statistics."""
        counters = self.counters(now_us)
        return [
            self.email(index, mail, counters[index], now_us)
            for index, mail in enumerate(self.mails)
            if mail["created_us"] <= now_us
        ]

    def email(
        self, index: int, mail: dict[str, Any], counters: dict[str, int], now_us: int
    ) -> dict[str, Any]:
        """Return one e-mail; a draft was never published."""
        is_automated = bool(mail["flow"])
        published_us = mail["created_us"] if is_automated else mail["sent_us"]
        is_published = 0 < published_us <= now_us
        state = "AUTOMATED" if is_automated else ("PUBLISHED" if is_published else "DRAFT")
        if not is_automated and mail["sent_us"] > now_us:
            state = "SCHEDULED"
        updated_us = published_us if is_published else mail["created_us"]
        row: dict[str, Any] = {
            "id": str(EMAIL_IDS + index),
            "name": mail["title"],
            "subject": mail["subject"],
            "type": "AUTOMATED_EMAIL" if is_automated else "BATCH_EMAIL",
            "subcategory": "automated" if is_automated else "batch",
            "state": state,
            "language": "en",
            "isPublished": is_published,
            "isTransactional": False,
            "archived": False,
            "createdAt": hubspot_time(mail["created_us"]),
            "updatedAt": hubspot_time(updated_us),
            "from": {"fromName": "The Shop", "replyTo": "hello@shop.example"},
            "primaryEmailCampaignId": str(EMAIL_CAMPAIGN_IDS + index),
            "allEmailCampaignIds": [str(EMAIL_CAMPAIGN_IDS + index)],
            "stats": statistics(counters),
        }
        if published_us:
            row["publishDate"] = hubspot_time(published_us)
        if is_published:
            row["publishedAt"] = hubspot_time(published_us)
        if is_automated:
            row["workflowNames"] = [self.flow_titles[mail["flow"]]]
        else:
            name = self.campaign_name(mail)
            row |= {"campaign": self.campaign_id(name), "campaignName": name}
        return row

    def counters(self, now_us: int) -> list[dict[str, int]]:
        """Return what happened to every mail so far; recipients count once for each action."""
        if now_us != self.counted_for_us:
            self.counted = self.count(now_us)
            self.counted_for_us = now_us
        return self.counted

    def count(self, now_us: int) -> list[dict[str, int]]:
        """Count sends and what recipients did, by mail."""
        sent = self.sent_us <= now_us
        columns = {
            "sent": self.per_mail(sent),
            "hardbounced": self.per_mail(sent & (self.status == "hard")),
            "softbounced": self.per_mail(sent & (self.status == "soft")),
            "unsubscribed": self.per_mail(self.left_us <= now_us),
            "open": self.per_mail(self.did("open", now_us)),
            "click": self.per_mail(self.did("click", now_us, of_people=True)),
        }
        return [
            {name: int(column[index]) for name, column in columns.items()}
            for index in range(len(self.mails))
        ]

    def did(self, action: str, now_us: int, *, of_people: bool = False) -> NDArray[np.bool_]:
        """Return for each send whether its recipient did something, machines left out or not."""
        happened = (self.action == action) & (self.event_us <= now_us)
        happened &= ~(self.is_machine & of_people)
        mask = np.zeros(len(self.mail), dtype=bool)
        mask[self.event_send[happened]] = True
        return mask

    def per_mail(self, mask: NDArray[np.bool_]) -> IntArray:
        """Return the number of chosen sends of each mail."""
        return np.bincount(self.mail[mask], minlength=len(self.mails)).astype(np.int64)

    def happened(self) -> list[tuple[int, int, int, str, str, bool]]:
        """Return moment, send, mail, address, kind and machine of everything that ever happens."""
        mail, sent_us = self.mail.tolist(), self.sent_us.tolist()
        found = [
            (moment, send, mail[send], self.address[send], "SENT", False)
            for send, moment in enumerate(sent_us)
        ]
        columns = (self.event_send.tolist(), self.event_us.tolist(), self.action)
        for send, moment, action, is_machine in zip(
            *columns, self.is_machine.tolist(), strict=True
        ):
            kind = str(action).upper()
            found.append((moment, send, mail[send], self.address[send], kind, is_machine))
        return sorted(found)

    def left(self) -> list[tuple[int, str]]:
        """Return moment and address of everybody who ever unsubscribes."""
        left_us = self.left_us.tolist()
        return sorted(
            (moment, self.address[send]) for send, moment in enumerate(left_us) if moment < NEVER_US
        )

    def workflows(self) -> list[dict[str, Any]]:
        """Return the workflows as they are listed."""
        return [
            {
                "id": str(FLOW_IDS + index),
                "uuid": str(uuid.uuid5(NAMESPACE, flow["flow_id"])),
                "name": self.flow_title(flow),
                "isEnabled": True,
                "flowType": "WORKFLOW",
                "objectTypeId": "0-1",
                "revisionId": "1",
                "createdAt": hubspot_time(flow["created_us"]),
                "updatedAt": hubspot_time(flow["created_us"]),
            }
            for index, flow in enumerate(self.flows)
        ]

    def workflow_emails(self) -> list[dict[str, Any]]:
        """Return which workflow sends which e-mail."""
        ids = {flow["flow_id"]: str(FLOW_IDS + index) for index, flow in enumerate(self.flows)}
        return [
            {
                "emailCampaignId": str(EMAIL_CAMPAIGN_IDS + index),
                "emailContentId": str(EMAIL_IDS + index),
                "flowId": ids[mail["flow"]],
            }
            for index, mail in enumerate(self.mails)
            if mail["flow"]
        ]


def statistics(counted: dict[str, int]) -> dict[str, Any]:
    """Return the statistics of an e-mail, life to date; ratios are in percent."""
    bounced = counted["hardbounced"] + counted["softbounced"]
    delivered = counted["sent"] - bounced
    counters = counted | {
        "delivered": delivered,
        "bounce": bounced,
        "dropped": 0,
        "pending": 0,
        "reply": 0,
        "spamreport": 0,
        "contactslost": counted["hardbounced"] + counted["unsubscribed"],
        "notsent": 0,
        "selected": counted["sent"],
    }
    ratios = {
        "openratio": percent(counted["open"], delivered),
        "clickratio": percent(counted["click"], delivered),
        "clickthroughratio": percent(counted["click"], counted["open"]),
        "deliveredratio": percent(delivered, counted["sent"]),
        "bounceratio": percent(bounced, counted["sent"]),
        "unsubscribedratio": percent(counted["unsubscribed"], delivered),
    }
    return {"counters": counters, "ratios": ratios, "deviceBreakdown": {}, "qualifierStats": {}}


def percent(part: int, whole: int) -> float:
    """Return a share in percent, 0 of nothing."""
    return 100 * part / whole if whole else 0.0
