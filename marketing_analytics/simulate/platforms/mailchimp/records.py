"""Mailchimp's records at a moment: mails, recipients and what they did."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np

from marketing_analytics.simulate.emulation.world_files import (
    NEVER_US,
    IntArray,
    WorldFiles,
    int_column,
)

TOTALS = (
    "sent", "opens", "unique_opens", "human", "unique_human", "clicks", "unique_clicks", "hard",
    "soft", "last_open", "last_click",
)  # fmt: skip
LINKS = '"_links": []'
SCANNER_IP = "203.0.113.25"


def mail_time(moment_us: int) -> str:
    """Return a time with its offset, or the empty text for never."""
    if moment_us <= 0 or moment_us >= NEVER_US:
        return ""
    return datetime.fromtimestamp(moment_us // 1_000_000, UTC).isoformat()


def quoted(text: str) -> str:
    """Return a text as JSON."""
    return json.dumps(text)


class MailRecords:
    """All mails of a world; answers are kept until the clock moves."""

    def __init__(self, world: WorldFiles) -> None:
        self.mails = world.rows("mails")
        self.audiences = world.rows("mail_lists")
        self.flows = world.rows("mail_flows")
        self.index = {mail["campaign_id"]: i for i, mail in enumerate(self.mails)}
        people = world.table("people")
        self.address: list[str] = people["email"].to_pylist()
        self.address_id: list[str] = people["email_id"].to_pylist()
        self.subscribed_us = int_column(people, "subscribed_at")
        self.is_eur = np.asarray(people["is_eur"].to_pylist(), dtype=bool)
        self.load_sends(world)
        self.kept_for_us = -1
        self.kept: dict[Any, Any] = {}

    def load_sends(self, world: WorldFiles) -> None:
        """Order sends by mail and events by send, to find a mail's in one step."""
        sends, events = world.table("mail_sends"), world.table("mail_events")
        mail = int_column(sends, "mail")
        by_mail = np.argsort(mail, kind="stable")
        self.mail_bounds = np.searchsorted(mail[by_mail], np.arange(len(self.mails) + 1))
        self.send_order = by_mail
        self.person = int_column(sends, "person")
        self.sent_us = int_column(sends, "sent_at")
        self.left_us = int_column(sends, "unsubscribed_at")
        self.status: list[str] = sends["status"].to_pylist()
        send = int_column(events, "send")
        self.event_bounds = np.searchsorted(send, np.arange(sends.num_rows + 1))
        self.event_action: list[str] = events["action"].to_pylist()
        self.event_is_machine: list[bool] = events["is_machine"].to_pylist()
        self.event_url: list[str | None] = events["url"].to_pylist()
        self.urls = sorted({url for url in self.event_url if url})
        self.event_us: list[int] = int_column(events, "at").tolist()

    def keep(self, key: Any, now_us: int, make: Callable[[], Any]) -> Any:
        """Return the answer kept for this moment, or make and keep it."""
        if now_us != self.kept_for_us:
            self.kept.clear()
            self.kept_for_us = now_us
        if key not in self.kept:
            self.kept[key] = make()
        return self.kept[key]

    def sends_of(self, mail: int, now_us: int) -> IntArray:
        """Return the sends of a mail until a moment."""
        low, high = self.mail_bounds[mail], self.mail_bounds[mail + 1]
        sends = self.send_order[low:high]
        return np.asarray(sends[self.sent_us[sends] <= now_us], dtype=np.int64)

    def events_of(self, send: int, now_us: int) -> range:
        """Return the events of a send until a moment; they are in order of time."""
        # events are sorted by send: bounds find those of one without a search
        low, high = int(self.event_bounds[send]), int(self.event_bounds[send + 1])
        # from the end: at most moments few events lie in the future
        while high > low and self.event_us[high - 1] > now_us:
            high -= 1
        return range(low, high)

    def find(self, campaign_id: str, now_us: int) -> int | None:
        """Return the mail of an id once it has been sent (a flow's mail: once it exists)."""
        mail = self.index.get(campaign_id)
        if mail is None:
            return None
        row = self.mails[mail]
        # a draft has 0 for the time it was sent
        is_sent = row["flow"] or 0 < row["sent_us"] <= now_us
        return mail if is_sent else None

    def campaigns(self, now_us: int) -> list[dict[str, Any]]:
        """Return the newsletters that exist at a moment; a draft was never sent."""
        return list(self.keep("campaigns", now_us, lambda: self.make_campaigns(now_us)))

    def make_campaigns(self, now_us: int) -> list[dict[str, Any]]:
        """Return one row per newsletter."""
        rows = []
        for i, mail in enumerate(self.mails):
            if mail["flow"] or mail["created_us"] > now_us:
                continue
            is_sent = 0 < mail["sent_us"] <= now_us
            waiting = "schedule" if mail["sent_us"] else "save"
            rows.append(
                {
                    "id": mail["campaign_id"],
                    "web_id": 5_000_000 + i,
                    "type": "regular",
                    "create_time": mail_time(mail["created_us"]),
                    "send_time": mail_time(mail["sent_us"]),
                    "status": "sent" if is_sent else waiting,
                    "emails_sent": len(self.sends_of(i, now_us)) if is_sent else 0,
                    "recipients": {"list_id": mail["list_id"], "segment_text": ""},
                    "settings": self.settings(mail),
                    "tracking": {"opens": True, "html_clicks": True},
                    "report_summary": self.summary(i, now_us) if is_sent else {},
                    "_links": [],
                }
            )
        return rows

    def settings(self, mail: dict[str, Any]) -> dict[str, str]:
        """Return subject and title."""
        return {
            "subject_line": mail["subject"],
            "title": mail["title"],
            "from_name": "The Shop",
            "reply_to": "hello@shop.example",
        }

    def totals(self, mail: int, now_us: int) -> dict[str, int]:
        """Return the counts of a mail at a moment."""
        totals: dict[str, int] = self.keep(
            ("totals", mail), now_us, lambda: self.make_totals(mail, now_us)
        )
        return totals

    def make_totals(self, mail: int, now_us: int) -> dict[str, int]:
        """Count what recipients did."""
        sends = self.sends_of(mail, now_us).tolist()
        totals = dict.fromkeys(TOTALS, 0)
        for send in sends:
            totals["sent"] += 1
            if self.status[send] != "sent":
                totals[self.status[send]] += 1
            opens = human = clicks = 0
            for event in self.events_of(send, now_us):
                action = self.event_action[event]
                opens += action == "open"
                human += action == "open" and not self.event_is_machine[event]
                clicks += action == "click"
                if action in {"open", "click"}:
                    last = f"last_{action}"
                    totals[last] = max(totals[last], self.event_us[event])
            for name, number in (("opens", opens), ("human", human), ("clicks", clicks)):
                totals[name] += number
                # a recipient counts once, however often
                totals[f"unique_{name}"] += number > 0
        totals["left"] = int((self.left_us[sends] <= now_us).sum()) if sends else 0
        return totals

    def summary(self, mail: int, now_us: int) -> dict[str, Any]:
        """Return report_summary of a newsletter; rates are fractions."""
        totals = self.totals(mail, now_us)
        # rates of a mail that nobody got are zero, not an error
        sent = max(totals["sent"], 1)
        return {
            "opens": totals["opens"],
            "unique_opens": totals["unique_opens"],
            "open_rate": totals["unique_opens"] / sent,
            "clicks": totals["clicks"],
            "subscriber_clicks": totals["unique_clicks"],
            "click_rate": totals["unique_clicks"] / sent,
        }

    def reports(self, now_us: int) -> list[dict[str, Any]]:
        """Return the report of every mail that was sent."""
        mails = [self.find(mail["campaign_id"], now_us) for mail in self.mails]
        return [self.report(mail, now_us) for mail in mails if mail is not None]

    def report(self, mail: int, now_us: int) -> dict[str, Any]:
        """Return the report of one mail, life to date."""
        row, totals = self.mails[mail], self.totals(mail, now_us)
        sent = max(totals["sent"], 1)
        return {
            "id": row["campaign_id"],
            "campaign_title": row["title"],
            "type": "automation" if row["flow"] else "regular",
            "list_id": row["list_id"],
            "subject_line": row["subject"],
            "emails_sent": totals["sent"],
            "abuse_reports": 0,
            "unsubscribed": totals["left"],
            "send_time": mail_time(row["sent_us"] or row["created_us"]),
            "bounces": {
                "hard_bounces": totals["hard"],
                "soft_bounces": totals["soft"],
                "syntax_errors": 0,
            },
            "forwards": {"forwards_count": 0, "forwards_opens": 0},
            "opens": {
                "opens_total": totals["opens"],
                "unique_opens": totals["unique_opens"],
                "open_rate": totals["unique_opens"] / sent,
                "last_open": mail_time(totals["last_open"]),
                "proxy_excluded_opens": totals["human"],
                "proxy_excluded_unique_opens": totals["unique_human"],
                "proxy_excluded_open_rate": totals["unique_human"] / sent,
            },
            "clicks": {
                "clicks_total": totals["clicks"],
                "unique_clicks": totals["unique_clicks"],
                "unique_subscriber_clicks": totals["unique_clicks"],
                "click_rate": totals["unique_clicks"] / sent,
                "last_click": mail_time(totals["last_click"]),
            },
            "_links": [],
        }

    def activity(self, mail: int, now_us: int, since_us: int) -> list[str]:
        """Return one JSON text per recipient, most of them with empty activity."""
        rows: list[str] = self.keep(
            ("activity", mail, since_us), now_us, lambda: self.make_activity(mail, now_us, since_us)
        )
        return rows

    def make_activity(self, mail: int, now_us: int, since_us: int) -> list[str]:
        """Write the activity of every recipient."""
        head = self.head(mail)
        rows = []
        for send in self.sends_of(mail, now_us).tolist():
            events = [
                self.event_text(event, send)
                for event in self.events_of(send, now_us)
                if self.event_us[event] > since_us
            ]
            rows.append(f'{{{head}, {self.who(send)}, "activity": [{", ".join(events)}], {LINKS}}}')
        return rows

    def event_text(self, event: int, send: int) -> str:
        """Return one activity as JSON; nothing tells the opens of machines, as at Mailchimp."""
        action, at = self.event_action[event], mail_time(self.event_us[event])
        if action == "click":
            is_machine, person = self.event_is_machine[event], self.person[send]
            ip = SCANNER_IP if is_machine else f"192.0.2.{person % 254 + 1}"
            url = self.event_url[event]
            return f'{{"action": "click", "timestamp": "{at}", "url": "{url}", "ip": "{ip}"}}'
        if action == "bounce":
            return f'{{"action": "bounce", "type": "{self.status[send]}", "timestamp": "{at}"}}'
        return f'{{"action": "open", "timestamp": "{at}", "ip": ""}}'

    def head(self, mail: int) -> str:
        """Return the ids every recipient of a mail carries, as JSON members."""
        row = self.mails[mail]
        return f'"campaign_id": "{row["campaign_id"]}", "list_id": "{row["list_id"]}"'

    def who(self, send: int) -> str:
        """Return the recipient of a send as JSON members."""
        person = self.person[send]
        address = quoted(self.address[person])
        return f'"email_id": "{self.address_id[person]}", "email_address": {address}'

    def sent_to(self, mail: int, now_us: int) -> list[str]:
        """Return one JSON text per recipient with the number of opens."""
        rows: list[str] = self.keep(
            ("sent_to", mail), now_us, lambda: self.make_sent_to(mail, now_us)
        )
        return rows

    def make_sent_to(self, mail: int, now_us: int) -> list[str]:
        """Write the recipients of a mail."""
        head, rows = self.head(mail), []
        for send in self.sends_of(mail, now_us).tolist():
            opens = [
                self.event_us[event]
                for event in self.events_of(send, now_us)
                if self.event_action[event] == "open"
            ]
            last = mail_time(max(opens)) if opens else ""
            rows.append(
                f'{{{head}, {self.who(send)}, "merge_fields": {{}}, "vip": false, '
                f'"status": "{self.status[send]}", "open_count": {len(opens)}, '
                f'"last_open": "{last}", "gmt_offset": 0, {LINKS}}}'
            )
        return rows

    def unsubscribed(self, mail: int, now_us: int) -> list[str]:
        """Return one JSON text per recipient who left through this mail."""
        sends = self.sends_of(mail, now_us)
        head = self.head(mail)
        return [
            f'{{{head}, {self.who(send)}, "merge_fields": {{}}, "vip": false, '
            f'"timestamp": "{mail_time(int(self.left_us[send]))}", '
            f'"reason": "None given", "list_is_active": true, {LINKS}}}'
            for send in sends[self.left_us[sends] <= now_us].tolist()
        ]

    def steps_of(self, flow_id: str) -> list[int]:
        """Return the mails of a flow in order."""
        return [i for i, mail in enumerate(self.mails) if mail["flow"] == flow_id]

    def automations(self, now_us: int) -> list[dict[str, Any]]:
        """Return the flows."""
        rows = []
        for flow in self.flows:
            steps = self.steps_of(flow["flow_id"])
            rows.append(
                {
                    "id": flow["flow_id"],
                    "create_time": mail_time(flow["created_us"]),
                    # switched on an hour after it was made
                    "start_time": mail_time(flow["created_us"] + 3_600_000_000),
                    "status": "sending",
                    "emails_sent": sum(len(self.sends_of(i, now_us)) for i in steps),
                    "recipients": {"list_id": flow["list_id"]},
                    "settings": {"title": flow["title"], "from_name": "The Shop"},
                    "trigger_settings": {
                        "workflow_type": flow["key"],
                        "workflow_emails_count": len(steps),
                    },
                    "_links": [],
                }
            )
        return rows

    def automation_emails(self, flow_id: str, now_us: int) -> list[dict[str, Any]]:
        """Return the steps of a flow."""
        rows = []
        for step in self.steps_of(flow_id):
            mail = self.mails[step]
            # Mailchimp shows a delay in the largest unit that fits
            hours = mail["delay_us"] // 3_600_000_000
            is_days = hours >= 24 and hours % 24 == 0
            amount, unit = (hours // 24, "day") if is_days else (hours, "hour")
            delay = {"amount": amount, "type": unit if hours else "now", "direction": "after"}
            rows.append(
                {
                    "id": mail["campaign_id"],
                    "workflow_id": flow_id,
                    "position": mail["position"],
                    "delay": delay,
                    "create_time": mail_time(mail["created_us"]),
                    "start_time": mail_time(mail["created_us"] + 3_600_000_000),
                    "status": "sending",
                    "emails_sent": len(self.sends_of(step, now_us)),
                    "recipients": {"list_id": mail["list_id"]},
                    "settings": self.settings(mail),
                    "_links": [],
                }
            )
        return rows
