"""The raw tables of SendGrid and where their values stand in an answer."""

from __future__ import annotations

from marketing_analytics.ingest.engine.tables import Attribute, Identifier, Kind, Table

METRICS = (
    "blocks",
    "bounce_drops",
    "bounces",
    "clicks",
    "deferred",
    "delivered",
    "invalid_emails",
    "opens",
    "processed",
    "requests",
    "spam_report_drops",
    "spam_reports",
    "unique_clicks",
    "unique_opens",
    "unsubscribe_drops",
    "unsubscribes",
)
ADDRESS: dict[str, Identifier | Attribute] = {"email_address": "email", "ip_address": "address"}
COUNTS: dict[str, Kind] = dict.fromkeys(METRICS, "count")

DAILY_STATS = Table(
    "daily_stats",
    {"account_id": "text", "report_date": "date", **COUNTS},
    key=("account_id", "report_date"),
    mode="parts",
    part_by=("account_id", "report_date"),
)
CATEGORY_STATS = Table(
    "category_stats",
    {"account_id": "text", "report_date": "date", "category": "text", **COUNTS},
    key=("account_id", "report_date", "category"),
    mode="parts",
    part_by=("account_id", "report_date"),
)
# an address can stand in a list twice, with another time
SUPPRESSIONS = Table(
    "suppressions",
    {
        "account_id": "text",
        "suppression_type": "text",
        "group_id": "text",
        "group_name": "text",
        "email_address": "text",
        "created_at": "time",
        "status": "text",
        "reason": "text",
        "ip_address": "text",
    },
    key=("account_id", "suppression_type", "group_id", "email_address", "created_at"),
    mode="parts",
    part_by=("account_id", "suppression_type"),
    personal=ADDRESS,
)
EVENTS = Table(
    "events",
    {
        "event_id": "text",
        "message_id": "text",
        "event_type": "text",
        "event_at": "time",
        "email_address": "text",
        "categories": "text",
        "is_machine_open": "flag",
        "clicked_url": "text",
        "bounce_type": "text",
        "bounce_class": "text",
        "status": "text",
        "reason": "text",
        "response": "text",
        "attempt": "count",
        "group_id": "text",
        "campaign_id": "text",
        "campaign_name": "text",
        "user_agent": "text",
        "ip_address": "text",
        "custom_args": "text",
    },
    key=("event_id",),
    required=("event_type", "event_at"),
    personal={**ADDRESS, "user_agent": "address"},
    domains={"email_domain": "email_address"},
)
TABLES = (DAILY_STATS, CATEGORY_STATS, SUPPRESSIONS, EVENTS)
