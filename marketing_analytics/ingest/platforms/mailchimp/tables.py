"""Mailchimp's raw tables, and where their columns stand in the API's records."""

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
        "sender_domain": "text",
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
    domains={"email_domain": "email_address"},
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
        "sender_domain": "text",
    },
    key=("email_campaign_id",),
)
AUDIENCES = Table(
    "audiences",
    {
        "list_id": "text",
        "name": "text",
        "visibility": "text",
        "created_at": "time",
        "member_count": "count",
        "unsubscribe_count": "count",
        "cleaned_count": "count",
        "campaign_last_sent_at": "time",
        # the day of the last reading of all members: who was not seen since is deleted
        "members_complete_on": "date",
    },
    key=("list_id",),
)
# names, merge fields, addresses and places are not even asked for
MEMBERS = Table(
    "members",
    {
        "list_id": "text",
        "member_id": "text",
        "email_address": "text",
        "status": "text",
        "email_type": "text",
        "source": "text",
        "language": "text",
        "is_vip": "flag",
        "member_rating": "count",
        "average_open_rate": "fraction",
        "average_click_rate": "fraction",
        "signed_up_at": "time",
        "opted_in_at": "time",
        "last_changed_at": "time",
        "unsubscribe_reason": "text",
        # a JSON list of names
        "tags": "text",
        "seen_on": "date",
    },
    key=("list_id", "member_id"),
    personal={"member_id": "member", "email_address": "email"},
)
TABLES = (
    CAMPAIGNS,
    REPORTS,
    EMAIL_ACTIVITY,
    SENT_TO,
    UNSUBSCRIBES,
    AUTOMATIONS,
    AUTOMATION_EMAILS,
    AUDIENCES,
    MEMBERS,
)

# the address that mail is sent from; its domain alone is stored
SENDER = "settings.reply_to"
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
    "sender_domain": SENDER,
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
    "sender_domain": SENDER,
}
AUDIENCE_PATHS = {
    "list_id": "id",
    "name": "name",
    "visibility": "visibility",
    "created_at": "date_created",
    "member_count": "stats.member_count",
    "unsubscribe_count": "stats.unsubscribe_count",
    "cleaned_count": "stats.cleaned_count",
    "campaign_last_sent_at": "stats.campaign_last_sent",
}
MEMBER_PATHS = {
    "list_id": "list_id",
    "member_id": "id",
    "email_address": "email_address",
    "status": "status",
    "email_type": "email_type",
    "source": "source",
    "language": "language",
    "is_vip": "vip",
    "member_rating": "member_rating",
    "average_open_rate": "stats.avg_open_rate",
    "average_click_rate": "stats.avg_click_rate",
    "signed_up_at": "timestamp_signup",
    "opted_in_at": "timestamp_opt",
    "last_changed_at": "last_changed",
    "unsubscribe_reason": "unsubscribe_reason",
}
