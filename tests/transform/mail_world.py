"""The mail of a simulated world as raw tables: what emulators answer, as ingestion stores it.

Beside it the truth of every open and click, which the models never see.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from raw_tables import KEY, TABLES, Rows

from marketing_analytics.ingest.engine.answers import Account
from marketing_analytics.ingest.engine.persons import with_sender
from marketing_analytics.ingest.engine.tables import build, pluck
from marketing_analytics.ingest.platforms.klaviyo import tables as klaviyo
from marketing_analytics.ingest.platforms.klaviyo.source import with_derived
from marketing_analytics.ingest.platforms.mailchimp import tables as mailchimp
from marketing_analytics.ingest.platforms.mailchimp.mailings import activity_columns
from marketing_analytics.ingest.platforms.sendgrid.events import event_columns
from marketing_analytics.simulate.emulation.world_files import WorldFiles, open_world
from marketing_analytics.simulate.platforms.klaviyo.events import CLICKED, OPENED
from marketing_analytics.simulate.platforms.klaviyo.records import Records
from marketing_analytics.simulate.platforms.mailchimp.records import MailRecords
from marketing_analytics.simulate.platforms.sendgrid.mails import SCANNER_AGENT, PostOffice
from marketing_analytics.simulate.world.build import build_world
from marketing_analytics.simulate.world.parameters import WorldParameters

# platform, kind and key of an event, and whether a machine did it
Truth = dict[tuple[str, str, str], bool]
Columns = Mapping[str, Sequence[Any]]


class MailWorld:
    """A world of one seed: its raw rows, the truth of its events and its ledger."""

    def __init__(self, folder: Path, parameters: WorldParameters) -> None:
        self.ledger = build_world(parameters, folder)
        self.rows: Rows = {name: [] for name in TABLES}
        self.truth: Truth = {}
        world = open_world(folder)
        self.add_mailchimp(world)
        self.add_klaviyo(world)
        self.add_sendgrid(world)

    def add(self, name: str, columns: Columns) -> None:
        """Add the rows of a table, cast as ingestion casts them."""
        table = TABLES[name]
        empty = [None] * len(next(iter(columns.values())))
        given = {column: columns.get(column, empty) for column in table.columns}
        built, rejected = build(table, given)
        assert rejected == []
        self.rows[name] += [tuple(row.values()) for row in built.to_pylist()]

    def add_mailchimp(self, world: WorldFiles) -> None:
        """Add campaigns, flows, recipients and activity."""
        records, now = MailRecords(world), world.as_of_us
        found = pluck(records.campaigns(now), mailchimp.CAMPAIGN_PATHS)
        self.add("mailchimp.campaigns", with_sender(found))
        flows = records.automations(now)
        self.add("mailchimp.automations", pluck(flows, mailchimp.AUTOMATION_PATHS))
        for flow in flows:
            steps = records.automation_emails(flow["id"], now)
            found = pluck(steps, mailchimp.AUTOMATION_EMAIL_PATHS)
            self.add("mailchimp.automation_emails", with_sender(found))
        for mail, row in enumerate(records.mails):
            self.add_mailing(records, mail, row["campaign_id"], now)

    def add_mailing(self, records: MailRecords, mail: int, campaign_id: str, now: int) -> None:
        """Add what became of one mail."""
        sent = [json.loads(text) for text in records.sent_to(mail, now)]
        if not sent:
            return
        self.add("mailchimp.sent_to", pluck(sent, mailchimp.SENT_TO_PATHS))
        active = [json.loads(text) for text in records.activity(mail, now, 0)]
        self.add("mailchimp.email_activity", activity_columns(active))
        gone = [json.loads(text) for text in records.unsubscribed(mail, now)]
        if gone:
            self.add("mailchimp.unsubscribes", pluck(gone, mailchimp.UNSUBSCRIBE_PATHS))
        for send in records.sends_of(mail, now).tolist():
            person = KEY.pseudonym("email", records.address[records.person[send]])
            for index, event in enumerate(records.events_of(send, now)):
                key = ("mailchimp", records.event_action[event], f"{campaign_id}/{person}/{index}")
                self.truth[key] = records.event_is_machine[event]

    def add_klaviyo(self, world: WorldFiles) -> None:
        """Add profiles, campaigns, flows and events."""
        records, now = Records(world), world.as_of_us
        for name, paths in (
            ("metrics", klaviyo.METRIC_PATHS),
            ("profiles", klaviyo.PROFILE_PATHS),
            ("campaigns", klaviyo.CAMPAIGN_PATHS),
            ("campaign-messages", klaviyo.CAMPAIGN_MESSAGE_PATHS),
            ("flows", klaviyo.FLOW_PATHS),
            ("flow-actions", klaviyo.FLOW_ACTION_PATHS),
        ):
            resources = records.lists_of(name, now)
            columns = pluck(resources, paths)
            if name == "campaigns":
                columns["channel"] = ["email"] * len(resources)
            if name in {"campaign-messages", "flow-actions"}:
                parent = "campaign" if name == "campaign-messages" else "flow"
                columns[f"{parent}_id"] = [
                    one["relationships"][parent]["data"]["id"] for one in resources
                ]
                columns = with_sender(columns)
            self.add(f"klaviyo.{name.replace('-', '_')}", columns)
        numbers = records.events(now, ())
        events = [records.event(number, now) for number in numbers]
        columns = pluck(events, klaviyo.EVENT_PATHS)
        self.add("klaviyo.events", with_derived(columns, Account("a", "EUR", ZoneInfo("UTC"))))
        kinds = {OPENED: "open", CLICKED: "click"}
        for number, event in zip(numbers, events, strict=True):
            kind = kinds.get(int(records.log.kind[number]))
            if kind:
                is_machine = records.log.is_machine[int(records.log.ref[number])]
                self.truth["klaviyo", kind, event["id"]] = is_machine

    def add_sendgrid(self, world: WorldFiles) -> None:
        """Add the events of the webhook."""
        events = PostOffice(world).box.events
        self.add("sendgrid.events", event_columns(events, []))
        for event in events:
            key = ("sendgrid", event["event"], event["sg_event_id"])
            by_scanner = event.get("useragent") == SCANNER_AGENT
            self.truth[key] = bool(event.get("sg_machine_open")) or by_scanner
