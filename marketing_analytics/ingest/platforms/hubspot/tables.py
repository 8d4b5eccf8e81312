"""Raw tables of HubSpot, and where their columns stand in its answers.

Every table but the statistics is replaced by its own ids: a record that came replaces itself, and
one that a whole list no longer holds is deleted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from marketing_analytics.ingest.engine.answers import part
from marketing_analytics.ingest.engine.tables import Attribute, Identifier, Kind, Table

NAMED: dict[str, Identifier | Attribute] = {
    "email": "email",
    "first_name": "name",
    "last_name": "name",
}
OBJECT_COLUMNS: dict[str, Kind] = {
    "owner_id": "text",
    "created_at": "time",
    "updated_at": "time",
    "is_archived": "flag",
    "archived_at": "time",
}
CONTACTS = Table(
    "contacts",
    {
        "contact_id": "text",
        "email": "text",
        "first_name": "text",
        "last_name": "text",
        "phone": "text",
        "country": "text",
        "lifecycle_stage": "text",
        "lead_status": "text",
        "original_source": "text",
        "is_opted_out": "flag",
        "company_id": "text",
        **OBJECT_COLUMNS,
    },
    key=("contact_id",),
    mode="parts",
    part_by=("contact_id",),
    personal={**NAMED, "phone": "phone"},
    links={"contact_id": "hubspot contact"},
)
COMPANIES = Table(
    "companies",
    {
        "company_id": "text",
        "company_name": "text",
        "domain": "text",
        "country": "text",
        "industry": "text",
        "lifecycle_stage": "text",
        "annual_revenue": "fraction",
        **OBJECT_COLUMNS,
    },
    key=("company_id",),
    mode="parts",
    part_by=("company_id",),
)
DEALS = Table(
    "deals",
    {
        "deal_id": "text",
        "deal_name": "text",
        "pipeline_id": "text",
        "stage_id": "text",
        "deal_type": "text",
        # HubSpot computes amounts with more places than money has
        "amount": "fraction",
        "amount_in_home_currency": "fraction",
        "currency": "text",
        "close_at": "time",
        "is_closed": "flag",
        "is_won": "flag",
        "probability": "fraction",
        "original_source": "text",
        **OBJECT_COLUMNS,
    },
    key=("deal_id",),
    mode="parts",
    part_by=("deal_id",),
)
DEAL_ASSOCIATIONS = Table(
    "deal_associations",
    {
        "deal_id": "text",
        "object_type": "text",
        "object_id": "text",
        "association_type_id": "count",
        "association_label": "text",
    },
    key=("deal_id", "object_type", "object_id", "association_type_id"),
    mode="parts",
    part_by=("deal_id", "object_type"),
)
PROPERTIES = Table(
    "properties",
    {
        "object_type": "text",
        "property_name": "text",
        "label": "text",
        "data_type": "text",
        "group_name": "text",
        "is_hubspot_defined": "flag",
    },
    key=("object_type", "property_name"),
    mode="parts",
    part_by=("object_type", "property_name"),
)
OWNERS = Table(
    "owners",
    {
        "owner_id": "text",
        "email": "text",
        "first_name": "text",
        "last_name": "text",
        "created_at": "time",
        "updated_at": "time",
        "is_archived": "flag",
    },
    key=("owner_id",),
    mode="parts",
    part_by=("owner_id",),
    personal=NAMED,
)
DEAL_STAGES = Table(
    "deal_stages",
    {
        "pipeline_id": "text",
        "pipeline_label": "text",
        "pipeline_order": "count",
        "stage_id": "text",
        "stage_label": "text",
        "stage_order": "count",
        "probability": "fraction",
        "is_closed": "flag",
        "is_archived": "flag",
    },
    key=("pipeline_id", "stage_id"),
    mode="parts",
    part_by=("pipeline_id", "stage_id"),
)
CAMPAIGNS = Table(
    "campaigns",
    {
        "campaign_id": "text",
        "campaign_name": "text",
        "status": "text",
        "start_date": "date",
        "end_date": "date",
        "utm_campaign": "text",
        "currency": "text",
        "budget": "fraction",
        "spend": "fraction",
        "owner_id": "text",
        "created_at": "time",
        "updated_at": "time",
    },
    key=("campaign_id",),
    mode="parts",
    part_by=("campaign_id",),
)
EMAILS = Table(
    "emails",
    {
        "email_id": "text",
        "email_name": "text",
        "subject_line": "text",
        "type": "text",
        "state": "text",
        "campaign_id": "text",
        "is_published": "flag",
        "published_at": "time",
        "created_at": "time",
        "updated_at": "time",
        "is_archived": "flag",
        "sender_domain": "text",
    },
    key=("email_id",),
    mode="parts",
    part_by=("email_id",),
)
EMAIL_STATISTICS = Table(
    "email_statistics",
    {
        "email_id": "text",
        "snapshot_date": "date",
        "sent": "count",
        "delivered": "count",
        "opens": "count",
        "clicks": "count",
        "replies": "count",
        "hard_bounces": "count",
        "soft_bounces": "count",
        "dropped": "count",
        "unsubscribes": "count",
        "spam_reports": "count",
    },
    key=("email_id", "snapshot_date"),
)
WORKFLOWS = Table(
    "workflows",
    {
        "workflow_id": "text",
        "workflow_name": "text",
        "flow_type": "text",
        "object_type_id": "text",
        "is_enabled": "flag",
        "revision_id": "text",
        "created_at": "time",
        "updated_at": "time",
    },
    key=("workflow_id",),
    mode="parts",
    part_by=("workflow_id",),
)
WORKFLOW_EMAILS = Table(
    "workflow_emails",
    {"workflow_id": "text", "email_id": "text", "email_campaign_id": "text"},
    key=("workflow_id", "email_id", "email_campaign_id"),
    mode="parts",
    part_by=("workflow_id", "email_id", "email_campaign_id"),
)
TABLES = (
    CONTACTS,
    COMPANIES,
    DEALS,
    DEAL_ASSOCIATIONS,
    PROPERTIES,
    OWNERS,
    DEAL_STAGES,
    CAMPAIGNS,
    EMAILS,
    EMAIL_STATISTICS,
    WORKFLOWS,
    WORKFLOW_EMAILS,
)


@dataclass(frozen=True)
class ObjectType:
    """A type of CRM objects: its table, and the property of each column."""

    name: str
    table: Table
    properties: Mapping[str, str]
    # the property that says when an object last changed
    modified: str = "hs_lastmodifieddate"


SHARED = {"owner_id": "hubspot_owner_id", "created_at": "createdate"}
OBJECT_TYPES = (
    ObjectType(
        "contacts",
        CONTACTS,
        {
            "email": "email",
            "first_name": "firstname",
            "last_name": "lastname",
            "phone": "phone",
            "country": "country",
            "lifecycle_stage": "lifecyclestage",
            "lead_status": "hs_lead_status",
            "original_source": "hs_analytics_source",
            "is_opted_out": "hs_email_optout",
            "company_id": "associatedcompanyid",
            "updated_at": "lastmodifieddate",
            **SHARED,
        },
        modified="lastmodifieddate",
    ),
    ObjectType(
        "companies",
        COMPANIES,
        {
            "company_name": "name",
            "domain": "domain",
            "country": "country",
            "industry": "industry",
            "lifecycle_stage": "lifecyclestage",
            "annual_revenue": "annualrevenue",
            "updated_at": "hs_lastmodifieddate",
            **SHARED,
        },
    ),
    ObjectType(
        "deals",
        DEALS,
        {
            "deal_name": "dealname",
            "pipeline_id": "pipeline",
            "stage_id": "dealstage",
            "deal_type": "dealtype",
            "amount": "amount",
            "amount_in_home_currency": "amount_in_home_currency",
            "currency": "deal_currency_code",
            "close_at": "closedate",
            "is_closed": "hs_is_closed",
            "is_won": "hs_is_closed_won",
            "probability": "hs_deal_stage_probability",
            "original_source": "hs_analytics_source",
            "updated_at": "hs_lastmodifieddate",
            **SHARED,
        },
    ),
)

PROPERTY_PATHS = {
    "property_name": "name",
    "label": "label",
    "data_type": "type",
    "group_name": "groupName",
    "is_hubspot_defined": "hubspotDefined",
}
OWNER_PATHS = {
    "owner_id": "id",
    "email": "email",
    "first_name": "firstName",
    "last_name": "lastName",
    "created_at": "createdAt",
    "updated_at": "updatedAt",
    "is_archived": "archived",
}
CAMPAIGN_PROPERTIES = {
    "campaign_name": "hs_name",
    "status": "hs_campaign_status",
    "start_date": "hs_start_date",
    "end_date": "hs_end_date",
    "utm_campaign": "hs_utm",
    "currency": "hs_currency_code",
    "budget": "hs_budget_items_sum_amount",
    "spend": "hs_spend_items_sum_amount",
    "owner_id": "hs_owner",
}
EMAIL_PATHS = {
    "email_id": "id",
    "email_name": "name",
    "subject_line": "subject",
    "type": "type",
    "state": "state",
    "campaign_id": "campaign",
    "is_published": "isPublished",
    "published_at": "publishedAt",
    "created_at": "createdAt",
    "updated_at": "updatedAt",
    "is_archived": "archived",
}
COUNTERS = {
    "sent": "sent",
    "delivered": "delivered",
    "opens": "open",
    "clicks": "click",
    "replies": "reply",
    "hard_bounces": "hardbounced",
    "soft_bounces": "softbounced",
    "dropped": "dropped",
    "unsubscribes": "unsubscribed",
    "spam_reports": "spamreport",
}
WORKFLOW_PATHS = {
    "workflow_id": "id",
    "workflow_name": "name",
    "flow_type": "flowType",
    "object_type_id": "objectTypeId",
    "is_enabled": "isEnabled",
    "revision_id": "revisionId",
    "created_at": "createdAt",
    "updated_at": "updatedAt",
}
WORKFLOW_EMAIL_PATHS = {
    "workflow_id": "flowId",
    "email_id": "emailContentId",
    "email_campaign_id": "emailCampaignId",
}


def property_columns(
    table: Table, properties: Mapping[str, str], rows: Sequence[Mapping[str, Any]], path: str
) -> dict[str, list[Any]]:
    """Return columns from records whose values are properties, each as text or null."""
    values = [part(row, "properties", path) for row in rows]
    return {
        column: [typed(one.get(name), table.columns[column]) for one in values]
        for column, name in properties.items()
    }


def typed(value: Any, kind: Kind) -> Any:
    """Return a property's text as a value of a kind; a cleared number, flag or time is empty.

    Days come as ISO dates or as milliseconds of midnight in UTC.
    """
    if kind == "text" or not isinstance(value, str):
        return value
    if value == "":
        return None
    if kind == "flag":
        return {"true": True, "false": False}.get(value.lower(), value)
    if kind in {"time", "date"} and value.lstrip("-").isdigit():
        moment = datetime.fromtimestamp(int(value) / 1000, UTC)
        return moment.date().isoformat() if kind == "date" else moment.isoformat()
    return value
