"""The raw tables of Klaviyo, and where their columns stand in a resource of its JSON:API."""

from __future__ import annotations

from marketing_analytics.ingest.engine.tables import Table

ACCOUNTS = Table(
    "accounts",
    {
        "account_id": "text",
        "organization_name": "text",
        "preferred_currency": "text",
        "timezone": "text",
        "is_test_account": "flag",
    },
    key=("account_id",),
)
# metrics, campaigns and flows that are deleted stay: their events still name them
METRICS = Table(
    "metrics",
    {
        "metric_id": "text",
        "metric_name": "text",
        "integration_name": "text",
        "integration_category": "text",
        "created_at": "time",
        "updated_at": "time",
    },
    key=("metric_id",),
)
# every profile is a part of its own: a read of those that changed leaves the others alone
PROFILES = Table(
    "profiles",
    {
        "profile_id": "text",
        "email": "text",
        "phone_number": "text",
        "external_id": "text",
        "first_name": "text",
        "last_name": "text",
        "country": "text",
        "region": "text",
        "timezone": "text",
        "email_consent": "text",
        "email_consent_at": "time",
        "can_receive_email": "flag",
        "sms_consent": "text",
        "sms_consent_at": "time",
        "created_at": "time",
        "updated_at": "time",
        "last_event_at": "time",
    },
    key=("profile_id",),
    mode="parts",
    part_by=("profile_id",),
    personal={
        "email": "email",
        "phone_number": "phone",
        "external_id": "customer",
        "first_name": "name",
        "last_name": "name",
    },
    links={"profile_id": "klaviyo profile"},
    domains={"email_domain": "email"},
)
MERGED_PROFILES = Table(
    "merged_profiles",
    {"old_profile_id": "text", "profile_id": "text", "seen_at": "time"},
    key=("old_profile_id",),
    required=("profile_id",),
    links={"old_profile_id": "klaviyo profile", "profile_id": "klaviyo profile"},
)
CAMPAIGNS = Table(
    "campaigns",
    {
        "campaign_id": "text",
        "channel": "text",
        "campaign_name": "text",
        "status": "text",
        "is_archived": "flag",
        "created_at": "time",
        "updated_at": "time",
        "scheduled_at": "time",
        "send_at": "time",
    },
    key=("campaign_id",),
)
CAMPAIGN_MESSAGES = Table(
    "campaign_messages",
    {
        "message_id": "text",
        "campaign_id": "text",
        "channel": "text",
        "label": "text",
        "subject_line": "text",
        "created_at": "time",
        "updated_at": "time",
        "sender_domain": "text",
    },
    key=("message_id",),
)
FLOWS = Table(
    "flows",
    {
        "flow_id": "text",
        "flow_name": "text",
        "status": "text",
        "is_archived": "flag",
        "trigger_type": "text",
        "created_at": "time",
        "updated_at": "time",
    },
    key=("flow_id",),
)
FLOW_ACTIONS = Table(
    "flow_actions",
    {
        "action_id": "text",
        "flow_id": "text",
        "action_type": "text",
        "status": "text",
        "message_id": "text",
        "message_name": "text",
        "subject_line": "text",
        "created_at": "time",
        "updated_at": "time",
        "sender_domain": "text",
    },
    key=("action_id",),
)
EVENTS = Table(
    "events",
    {
        "event_id": "text",
        "event_at": "time",
        "event_date": "date",
        "metric_id": "text",
        "profile_id": "text",
        "message_id": "text",
        "flow_id": "text",
        "source_event_id": "text",
        "value": "fraction",
        "currency": "text",
        "clicked_url": "text",
        "is_machine_open": "flag",
        "bounce_type": "text",
    },
    key=("event_id",),
    mode="parts",
    part_by=("event_date",),
    required=("event_at", "metric_id"),
    links={"profile_id": "klaviyo profile"},
)
TABLES = (
    ACCOUNTS,
    METRICS,
    PROFILES,
    MERGED_PROFILES,
    CAMPAIGNS,
    CAMPAIGN_MESSAGES,
    FLOWS,
    FLOW_ACTIONS,
    EVENTS,
)

ACCOUNT_PATHS = {
    "account_id": "id",
    "organization_name": "attributes.contact_information.organization_name",
    "preferred_currency": "attributes.preferred_currency",
    "timezone": "attributes.timezone",
    "is_test_account": "attributes.test_account",
}
METRIC_PATHS = {
    "metric_id": "id",
    "metric_name": "attributes.name",
    "integration_name": "attributes.integration.name",
    "integration_category": "attributes.integration.category",
    "created_at": "attributes.created",
    "updated_at": "attributes.updated",
}
EMAIL_MARKETING = "attributes.subscriptions.email.marketing"
SMS_MARKETING = "attributes.subscriptions.sms.marketing"
PROFILE_PATHS = {
    "profile_id": "id",
    "email": "attributes.email",
    "phone_number": "attributes.phone_number",
    "external_id": "attributes.external_id",
    "first_name": "attributes.first_name",
    "last_name": "attributes.last_name",
    "country": "attributes.location.country",
    "region": "attributes.location.region",
    "timezone": "attributes.location.timezone",
    "email_consent": f"{EMAIL_MARKETING}.consent",
    "email_consent_at": f"{EMAIL_MARKETING}.consent_timestamp",
    "can_receive_email": f"{EMAIL_MARKETING}.can_receive_email_marketing",
    "sms_consent": f"{SMS_MARKETING}.consent",
    "sms_consent_at": f"{SMS_MARKETING}.consent_timestamp",
    "created_at": "attributes.created",
    "updated_at": "attributes.updated",
    "last_event_at": "attributes.last_event_date",
}
CAMPAIGN_PATHS = {
    "campaign_id": "id",
    "campaign_name": "attributes.name",
    "status": "attributes.status",
    "is_archived": "attributes.archived",
    "created_at": "attributes.created_at",
    "updated_at": "attributes.updated_at",
    "scheduled_at": "attributes.scheduled_at",
    "send_at": "attributes.send_time",
}
CAMPAIGN_MESSAGE_PATHS = {
    "message_id": "id",
    "channel": "attributes.definition.channel",
    "label": "attributes.definition.label",
    "subject_line": "attributes.definition.content.subject",
    "created_at": "attributes.created_at",
    "updated_at": "attributes.updated_at",
    # its domain alone is stored
    "sender_domain": "attributes.definition.content.from_email",
}
FLOW_PATHS = {
    "flow_id": "id",
    "flow_name": "attributes.name",
    "status": "attributes.status",
    "is_archived": "attributes.archived",
    "trigger_type": "attributes.trigger_type",
    "created_at": "attributes.created",
    "updated_at": "attributes.updated",
}
FLOW_ACTION_PATHS = {
    "action_id": "id",
    "action_type": "attributes.definition.type",
    "status": "attributes.definition.data.status",
    "message_id": "attributes.definition.data.message.id",
    "message_name": "attributes.definition.data.message.name",
    "subject_line": "attributes.definition.data.message.subject_line",
    "created_at": "attributes.created",
    "updated_at": "attributes.updated",
    "sender_domain": "attributes.definition.data.message.from_email",
}
EVENT_PATHS = {
    "event_id": "id",
    "event_at": "attributes.datetime",
    "timestamp": "attributes.timestamp",
    "metric_id": "relationships.metric.data.id",
    "profile_id": "relationships.profile.data.id",
    "message_id": "attributes.event_properties.$message",
    "flow_id": "attributes.event_properties.$flow",
    "source_event_id": "attributes.event_properties.$event_id",
    "value": "attributes.event_properties.$value",
    "currency": "attributes.event_properties.$currency_code",
    "clicked_url": "attributes.event_properties.URL",
    "is_machine_open": "attributes.event_properties.machine_open",
    "bounce_type": "attributes.event_properties.Bounce Type",
}
