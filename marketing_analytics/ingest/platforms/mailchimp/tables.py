"""The raw tables of Mailchimp, and where their columns are in its answers."""

from __future__ import annotations

from marketing_analytics.ingest.engine.tables import Attribute, Identifier, Table

# the id is a plain hash of the address, which anyone can make
PERSONAL: dict[str, Identifier | Attribute] = {"email_id": "member", "email_address": "email"}

CAMPAIGNS = Table(
    "campaigns",
    {
        "campaign_id": "text",
        "type": "text",
        "status": "text",
        "list_id": "text",
        "subject_line": "text",
        "title": "text",
        "send_at": "time",
        "created_at": "time",
        "emails_sent": "count",
    },
    key=("campaign_id",),
)
REPORTS = Table(
    "reports",
    {
        "campaign_id": "text",
        "snapshot_date": "date",
        "emails_sent": "count",
        "hard_bounces": "count",
        "soft_bounces": "count",
        "opens_total": "count",
        "unique_opens": "count",
        "proxy_excluded_opens": "count",
        "proxy_excluded_unique_opens": "count",
        "clicks_total": "count",
        "unique_subscriber_clicks": "count",
        "unsubscribed": "count",
        "abuse_reports": "count",
    },
    key=("campaign_id", "snapshot_date"),
)
EMAIL_ACTIVITY = Table(
    "email_activity",
    {
        "campaign_id": "text",
        "email_id": "text",
        "email_address": "text",
        "action": "text",
        "activity_type": "text",
        "activity_at": "time",
        "url": "text",
        "activity_index": "count",
    },
    key=("campaign_id", "email_id", "activity_index"),
    mode="parts",
    part_by=("campaign_id",),
    required=("activity_at",),
    personal=PERSONAL,
)
SENT_TO = Table(
    "sent_to",
    {
        "campaign_id": "text",
        "email_id": "text",
        "email_address": "text",
        "status": "text",
        "open_count": "count",
        "last_open_at": "time",
    },
    key=("campaign_id", "email_id"),
    mode="parts",
    part_by=("campaign_id",),
    personal=PERSONAL,
)
UNSUBSCRIBES = Table(
    "unsubscribes",
    {
        "campaign_id": "text",
        "email_id": "text",
        "email_address": "text",
        "unsubscribed_at": "time",
        "reason": "text",
    },
    key=("campaign_id", "email_id"),
    mode="parts",
    part_by=("campaign_id",),
    personal=PERSONAL,
)
AUTOMATIONS = Table(
    "automations",
    {
        "automation_id": "text",
        "title": "text",
        "status": "text",
        "list_id": "text",
        "created_at": "time",
        "started_at": "time",
        "emails_sent": "count",
    },
    key=("automation_id",),
)
AUTOMATION_EMAILS = Table(
    "automation_emails",
    {
        "email_campaign_id": "text",
        "automation_id": "text",
        "position": "count",
        "title": "text",
        "subject_line": "text",
        "status": "text",
        "delay_amount": "count",
        "delay_type": "text",
        "emails_sent": "count",
    },
    key=("email_campaign_id",),
)
TABLES = (
    CAMPAIGNS,
    REPORTS,
    EMAIL_ACTIVITY,
    SENT_TO,
    UNSUBSCRIBES,
    AUTOMATIONS,
    AUTOMATION_EMAILS,
)

CAMPAIGN_PATHS = {
    "campaign_id": "id",
    "type": "type",
    "status": "status",
    "list_id": "recipients.list_id",
    "subject_line": "settings.subject_line",
    "title": "settings.title",
    "send_at": "send_time",
    "created_at": "create_time",
    "emails_sent": "emails_sent",
}
REPORT_PATHS = {
    "campaign_id": "id",
    "emails_sent": "emails_sent",
    "hard_bounces": "bounces.hard_bounces",
    "soft_bounces": "bounces.soft_bounces",
    "opens_total": "opens.opens_total",
    "unique_opens": "opens.unique_opens",
    "proxy_excluded_opens": "opens.proxy_excluded_opens",
    "proxy_excluded_unique_opens": "opens.proxy_excluded_unique_opens",
    "clicks_total": "clicks.clicks_total",
    "unique_subscriber_clicks": "clicks.unique_subscriber_clicks",
    "unsubscribed": "unsubscribed",
    "abuse_reports": "abuse_reports",
}
SENT_TO_PATHS = {
    "campaign_id": "campaign_id",
    "email_id": "email_id",
    "email_address": "email_address",
    "status": "status",
    "open_count": "open_count",
    "last_open_at": "last_open",
}
UNSUBSCRIBE_PATHS = {
    "campaign_id": "campaign_id",
    "email_id": "email_id",
    "email_address": "email_address",
    "unsubscribed_at": "timestamp",
    "reason": "reason",
}
AUTOMATION_PATHS = {
    "automation_id": "id",
    "title": "settings.title",
    "status": "status",
    "list_id": "recipients.list_id",
    "created_at": "create_time",
    "started_at": "start_time",
    "emails_sent": "emails_sent",
}
AUTOMATION_EMAIL_PATHS = {
    "email_campaign_id": "id",
    "automation_id": "workflow_id",
    "position": "position",
    "title": "settings.title",
    "subject_line": "settings.subject_line",
    "status": "status",
    "delay_amount": "delay.amount",
    "delay_type": "delay.type",
    "emails_sent": "emails_sent",
}
