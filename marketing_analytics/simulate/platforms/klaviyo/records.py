"""Klaviyo's resources at a moment: the account, its campaigns, flows and events.

The account is that of the European shop, so that all of its money is in euros.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marketing_analytics.simulate.emulation.world_files import WorldFiles
from marketing_analytics.simulate.platforms.klaviyo.events import (
    BOUNCED,
    CLICKED,
    JOINED,
    LEFT,
    METRICS,
    OPENED,
    ORDERED,
    RECEIVED,
    REFUNDED,
)
from marketing_analytics.simulate.platforms.klaviyo.names import (
    iso,
    long_id,
    reference,
    resource,
    short_id,
)
from marketing_analytics.simulate.platforms.klaviyo.profiles import TIME_ZONE, Profiles
from marketing_analytics.simulate.platforms.klaviyo.query import Condition, Resource

CURRENCY = "EUR"
SHOP_METRICS = (ORDERED, REFUNDED)
SECOND_US = 1_000_000
Mail = dict[str, Any]


class Records:
    """The account of a world; answers are kept until the clock moves."""

    def __init__(self, world: WorldFiles) -> None:
        self.profiles = Profiles(world)
        self.log = self.profiles.log
        self.mails: list[Mail] = world.rows("mails")
        self.world_flows = [flow for flow in world.rows("mail_flows") if flow["is_eur"]]
        self.world_lists = [row for row in world.rows("mail_lists") if row["is_eur"]]
        self.begin_us: int = min(mail["created_us"] for mail in self.mails)
        self.account_id = short_id("account", str(world.seed))
        self.metric_ids = [short_id("metric", name) for name in METRICS]
        self.kept_for_us = -1
        self.kept: dict[str, list[Resource]] = {}

    def keep(self, name: str, now_us: int, make: Callable[[int], list[Resource]]) -> list[Resource]:
        """Return the answer kept for this moment, or make and keep it."""
        if now_us != self.kept_for_us:
            self.kept.clear()
            self.kept_for_us = now_us
        if name not in self.kept:
            self.kept[name] = make(now_us)
        return self.kept[name]

    def lists_of(self, kind: str, now_us: int) -> list[Resource]:
        """Return all resources of a kind at a moment, but events."""
        makers: dict[str, Callable[[int], list[Resource]]] = {
            "accounts": self.accounts,
            "metrics": self.metrics,
            "profiles": self.profiles.all,
            "campaigns": self.campaigns,
            "campaign-messages": self.campaign_messages,
            "campaign-recipient-estimations": self.estimations,
            "flows": self.flows,
            "flow-actions": self.flow_actions,
            "flow-messages": self.flow_messages,
            "lists": self.lists,
        }
        # segments and templates: the shop has none
        return self.keep(kind, now_us, makers[kind]) if kind in makers else []

    def accounts(self, now_us: int) -> list[Resource]:
        """Return the one account of the key."""
        contact = {
            "default_sender_name": "The Shop",
            "default_sender_email": "hello@shop.example",
            "website_url": "https://www.shop.example",
            "organization_name": "The Shop Europe",
            "street_address": {
                "address1": "1 Example Street",
                "address2": "",
                "city": "Berlin",
                "region": "",
                "country": "Germany",
                "zip": "10115",
            },
        }
        attributes = {
            "test_account": False,
            "contact_information": contact,
            "industry": "Ecommerce",
            "timezone": TIME_ZONE,
            "preferred_currency": CURRENCY,
            "public_api_key": self.account_id,
            "locale": "en-US",
        }
        return [resource("account", self.account_id, attributes)]

    def metrics(self, now_us: int) -> list[Resource]:
        """Return the metrics; they are as old as the account."""
        rows = []
        for kind, name in enumerate(METRICS):
            is_shop = kind in SHOP_METRICS
            integration = {
                "object": "integration",
                "id": "0eMvjm" if is_shop else "0rG4eQ",
                "name": "Shopify" if is_shop else "Klaviyo",
                "category": "eCommerce" if is_shop else "Internal",
            }
            attributes = {
                "name": name,
                "created": iso(self.begin_us),
                "updated": iso(self.begin_us),
                "integration": integration,
            }
            rows.append(resource("metric", self.metric_ids[kind], attributes))
        return rows

    def member_count(self, now_us: int) -> int:
        """Return how many persons a newsletter would go to."""
        states = (self.profiles.consent(person, now_us)[0] for person in self.profiles.main_ids)
        return sum(state == "SUBSCRIBED" for state in states)

    def estimations(self, now_us: int) -> list[Resource]:
        """Return whom every campaign would reach now."""
        attributes = {"estimated_recipient_count": self.member_count(now_us)}
        return [
            resource("campaign-recipient-estimation", campaign_id(mail), attributes)
            for mail in self.newsletters(now_us)
        ]

    def lists(self, now_us: int) -> list[Resource]:
        """Return the list that newsletters go to."""
        attributes = {
            "created": iso(self.begin_us),
            "updated": iso(self.begin_us),
            "opt_in_process": "single_opt_in",
            "profile_count": self.member_count(now_us),
        }
        return [
            resource(
                "list",
                short_id("list", row["list_id"]),
                {"name": row["name"], **attributes},
                {"tags": []},
            )
            for row in self.world_lists
        ]

    def newsletters(self, now_us: int) -> list[Mail]:
        """Return the mails that are campaigns of the account and exist at a moment."""
        return [
            mail
            for mail in self.mails
            if mail["is_eur"] and not mail["flow"] and mail["created_us"] <= now_us
        ]

    def campaigns(self, now_us: int) -> list[Resource]:
        """Return the campaigns, all of them e-mails; a draft was never sent."""
        rows = []
        for mail in self.newsletters(now_us):
            sent_us = mail["sent_us"]
            is_sent = 0 < sent_us <= now_us
            waiting = "Scheduled" if sent_us else "Draft"
            audience = [short_id("list", mail["list_id"])]
            attributes = {
                "name": mail["title"],
                "status": "Sent" if is_sent else waiting,
                "archived": False,
                "audiences": {"included": audience, "excluded": []},
                "send_options": {"use_smart_sending": False},
                "tracking_options": {"is_tracking_opens": True, "is_tracking_clicks": True},
                "send_strategy": {"method": "static", "datetime": iso(sent_us)},
                "created_at": iso(mail["created_us"]),
                "scheduled_at": iso(mail["created_us"]) if sent_us else None,
                "updated_at": iso(sent_us if is_sent else mail["created_us"]),
                "send_time": iso(sent_us),
            }
            messages = [reference("campaign-message", message_id(mail))]
            related = {"campaign-messages": messages, "tags": []}
            rows.append(resource("campaign", campaign_id(mail), attributes, related))
        return rows

    def campaign_messages(self, now_us: int) -> list[Resource]:
        """Return the message of every campaign."""
        rows = []
        for mail in self.newsletters(now_us):
            content = {
                "subject": mail["subject"],
                "preview_text": None,
                "from_email": "hello@shop.example",
                "from_label": "The Shop",
                "reply_to_email": None,
                "cc_email": None,
                "bcc_email": None,
            }
            attributes = {
                "definition": {"channel": "email", "label": mail["title"], "content": content},
                "send_times": [{"datetime": iso(mail["sent_us"]), "is_local": False}],
                "created_at": iso(mail["created_us"]),
                "updated_at": iso(mail["created_us"]),
            }
            related = {"campaign": reference("campaign", campaign_id(mail))}
            rows.append(resource("campaign-message", message_id(mail), attributes, related))
        return rows

    def steps_of(self, flow_id: str) -> list[Mail]:
        """Return the mails of a flow in order."""
        return [mail for mail in self.mails if mail["flow"] == flow_id]

    def flows(self, now_us: int) -> list[Resource]:
        """Return the flows."""
        rows = []
        for flow in self.world_flows:
            attributes = {
                "name": flow["title"],
                "status": "live",
                "archived": False,
                "created": iso(flow["created_us"]),
                "updated": iso(flow["created_us"]),
                "trigger_type": "Added to List" if flow["key"] == "welcome" else "Metric",
            }
            steps = self.steps_of(flow["flow_id"])
            actions = [reference("flow-action", action_id(mail)) for mail in steps]
            related = {"flow-actions": actions, "tags": []}
            rows.append(resource("flow", short_id("flow", flow["flow_id"]), attributes, related))
        return rows

    def steps(self) -> list[Mail]:
        """Return the mails of all flows of the account."""
        return [mail for flow in self.world_flows for mail in self.steps_of(flow["flow_id"])]

    def flow_actions(self, now_us: int) -> list[Resource]:
        """Return the actions that send the mails of flows; waits are not among them."""
        rows = []
        for mail in self.steps():
            definition = {
                "id": action_id(mail),
                "type": "send-email",
                "links": {"next": None},
                "data": {"message": message_of_flow(mail), "status": "live"},
            }
            attributes = {
                "definition": definition,
                "created": iso(mail["created_us"]),
                "updated": iso(mail["created_us"]),
            }
            related = {
                "flow": reference("flow", short_id("flow", mail["flow"])),
                "flow-messages": [reference("flow-message", message_id(mail))],
            }
            rows.append(resource("flow-action", action_id(mail), attributes, related))
        return rows

    def flow_messages(self, now_us: int) -> list[Resource]:
        """Return the messages of flows."""
        return [
            resource(
                "flow-message",
                message_id(mail),
                {
                    "channel": "email",
                    "definition": message_of_flow(mail),
                    "created": iso(mail["created_us"]),
                    "updated": iso(mail["created_us"]),
                },
                {"flow-action": reference("flow-action", action_id(mail))},
            )
            for mail in self.steps()
        ]

    def events(self, now_us: int, conditions: tuple[Condition, ...]) -> list[int]:
        """Return the events that pass all conditions, oldest first."""
        events_of = {
            "metric_id": lambda name: self.log.kind == self.metric_of(name),
            "profile_id": lambda name: self.profiles.events_of(name, now_us),
        }
        found: list[int] = self.log.visible(now_us, conditions, events_of).tolist()
        return found

    def metric_of(self, metric_id: str) -> int:
        """Return the place of a metric, -1 where there is none."""
        return self.metric_ids.index(metric_id) if metric_id in self.metric_ids else -1

    def event(self, event: int, now_us: int) -> Resource:
        """Return one event."""
        log = self.log
        kind, person, ref = int(log.kind[event]), int(log.person[event]), int(log.ref[event])
        seconds = int(log.at_us[event]) // SECOND_US
        attributes = {
            "timestamp": seconds,
            "event_properties": self.properties(kind, person, ref),
            "datetime": iso(seconds * SECOND_US),
            "uuid": f"{seconds:08x}-{kind:04x}-11e0-8001-{ref:012x}",
        }
        related = {
            "profile": reference("profile", self.profiles.id_of(person, kind, now_us)),
            "metric": reference("metric", self.metric_ids[kind]),
            "attributions": [],
        }
        return resource("event", short_id(f"event {kind}", str(ref), 11), attributes, related)

    def properties(self, kind: int, person: int, ref: int) -> dict[str, Any]:
        """Return the properties of an event of a metric."""
        log = self.log
        if kind == ORDERED:
            return order_properties(log.order_ids[ref], log.order_ids[ref], log.order_cents[ref])
        if kind == REFUNDED:
            order_id = log.order_ids[log.refund_order[ref]]
            return order_properties(log.refund_ids[ref], order_id, log.refund_cents[ref])
        if kind == JOINED:
            return {"$event_id": f"joined {person}", "method": "form"}
        send = ref if kind in {RECEIVED, LEFT} else int(log.event_send[ref])
        found = self.mail_properties(self.mails[int(log.send_mail[send])], person)
        if kind == OPENED:
            found["machine_open"] = log.is_machine[ref]
        if kind == CLICKED:
            found["URL"] = log.url[ref]
        if kind == BOUNCED:
            found["Bounce Type"] = "Hard" if log.is_hard_bounce(ref) else "Soft"
        return found

    def mail_properties(self, mail: Mail, person: int) -> dict[str, Any]:
        """Return what the events of a message say of it."""
        flow = {"$flow": short_id("flow", mail["flow"])} if mail["flow"] else {}
        return {
            "$message": message_id(mail),
            **flow,
            "Campaign Name": mail["title"],
            "Subject": mail["subject"],
            "Recipient Email Address": self.profiles.email[person],
        }


def order_properties(event_id: str, order_id: str, cents: int) -> dict[str, Any]:
    """Return the properties of an order or a refund."""
    return {
        "$event_id": event_id,
        # the shortest text of a cent amount is exact
        "$value": cents / 100,
        "$currency_code": CURRENCY,
        "OrderId": order_id,
    }


def campaign_id(mail: Mail) -> str:
    """Return the id of a newsletter."""
    return long_id("campaign", mail["campaign_id"])


def message_id(mail: Mail) -> str:
    """Return the id of the message that a mail is."""
    if mail["flow"]:
        return short_id("message", mail["campaign_id"])
    return long_id("message", mail["campaign_id"])


def action_id(mail: Mail) -> str:
    """Return the id of the action that sends a mail of a flow."""
    return str(int(mail["campaign_id"], 16) % 10**8)


def message_of_flow(mail: Mail) -> dict[str, Any]:
    """Return the definition of a flow's message."""
    return {
        "id": message_id(mail),
        "name": mail["title"],
        "subject_line": mail["subject"],
        "preview_text": None,
        "from_email": "hello@shop.example",
        "from_label": "The Shop",
        "reply_to_email": None,
        "cc_email": None,
        "bcc_email": None,
        "template_id": None,
        "smart_sending_enabled": True,
        "transactional": False,
        "add_tracking_params": True,
        "custom_tracking_params": None,
        "additional_filters": None,
    }
