"""What the emulated account defines: properties, stages, owners, types of associations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# name, label, type, field type
PROPERTIES: dict[str, tuple[tuple[str, str, str, str], ...]] = {
    "contacts": (
        ("email", "Email", "string", "text"),
        ("firstname", "First Name", "string", "text"),
        ("lastname", "Last Name", "string", "text"),
        ("phone", "Phone Number", "string", "phonenumber"),
        ("country", "Country/Region", "string", "text"),
        ("lifecyclestage", "Lifecycle Stage", "enumeration", "radio"),
        ("hs_lead_status", "Lead Status", "enumeration", "radio"),
        ("hs_analytics_source", "Original Source", "enumeration", "select"),
        ("hs_email_optout", "Unsubscribed from all email", "bool", "booleancheckbox"),
        ("hubspot_owner_id", "Contact owner", "enumeration", "select"),
        ("associatedcompanyid", "Primary Associated Company ID", "number", "number"),
        ("createdate", "Create Date", "datetime", "date"),
        ("lastmodifieddate", "Last Modified Date", "datetime", "date"),
        ("hs_object_id", "Record ID", "number", "number"),
    ),
    "companies": (
        ("name", "Company name", "string", "text"),
        ("domain", "Company Domain Name", "string", "text"),
        ("country", "Country/Region", "string", "text"),
        ("industry", "Industry", "enumeration", "select"),
        ("lifecyclestage", "Lifecycle Stage", "enumeration", "radio"),
        ("annualrevenue", "Annual Revenue", "number", "number"),
        ("numberofemployees", "Number of Employees", "number", "number"),
        ("hubspot_owner_id", "Company owner", "enumeration", "select"),
        ("createdate", "Create Date", "datetime", "date"),
        ("hs_lastmodifieddate", "Last Modified Date", "datetime", "date"),
        ("hs_object_id", "Record ID", "number", "number"),
    ),
    "deals": (
        ("dealname", "Deal Name", "string", "text"),
        ("pipeline", "Pipeline", "enumeration", "select"),
        ("dealstage", "Deal Stage", "enumeration", "radio"),
        ("dealtype", "Deal Type", "enumeration", "radio"),
        ("amount", "Amount", "number", "number"),
        ("amount_in_home_currency", "Amount in company currency", "number", "number"),
        ("deal_currency_code", "Currency", "enumeration", "select"),
        ("closedate", "Close Date", "datetime", "date"),
        ("hs_is_closed", "Is Deal Closed?", "bool", "booleancheckbox"),
        ("hs_is_closed_won", "Is Closed Won", "bool", "booleancheckbox"),
        ("hs_deal_stage_probability", "Deal probability", "number", "number"),
        ("hs_analytics_source", "Original Source Type", "enumeration", "select"),
        ("hubspot_owner_id", "Deal owner", "enumeration", "select"),
        ("createdate", "Create Date", "datetime", "date"),
        ("hs_lastmodifieddate", "Last Modified Date", "datetime", "date"),
        ("hs_object_id", "Record ID", "number", "number"),
    ),
}
# types that every account has, and of which this one holds no objects
OTHER_TYPES = {
    "tickets": "ticket",
    "line_items": "line_item",
    "products": "product",
    "quotes": "quote",
    "leads": "lead",
    "goal_targets": "goal_target",
    "deal_splits": "deal_split",
    "calls": "call",
    "emails": "email",
    "meetings": "meeting",
    "notes": "note",
    "tasks": "task",
    "forms": "form",
}
# those at the end of a type's own
COMMON_PROPERTIES = PROPERTIES["companies"][-3:]
PROPERTIES |= dict.fromkeys(OTHER_TYPES, COMMON_PROPERTIES)
# what an answer holds when no properties are named
DEFAULT_PROPERTIES = {
    "contacts": (
        "createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname",
    ),
    "companies": ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
    "deals": (
        "amount", "closedate", "createdate", "dealname", "dealstage", "hs_lastmodifieddate",
        "hs_object_id", "pipeline",
    ),
    **dict.fromkeys(OTHER_TYPES, ("createdate", "hs_lastmodifieddate", "hs_object_id")),
}  # fmt: skip
# an object type may be named in the plural, in the singular, or by its number
SINGULAR = {"contacts": "contact", "companies": "company", "deals": "deal", **OTHER_TYPES}
TYPE_NAMES = (
    {"0-1": "contacts", "0-2": "companies", "0-3": "deals"}
    | {plural: plural for plural in SINGULAR}
    | {singular: plural for plural, singular in SINGULAR.items()}
)
# from, to: (type id, label)
ASSOCIATION_TYPES: dict[tuple[str, str], tuple[tuple[int, str | None], ...]] = {
    ("contacts", "companies"): ((279, None), (1, "Primary")),
    ("contacts", "deals"): ((4, None),),
    ("companies", "contacts"): ((280, None), (2, "Primary")),
    ("companies", "deals"): ((342, None), (6, "Primary")),
    ("deals", "contacts"): ((3, None),),
    ("deals", "companies"): ((341, None), (5, "Primary")),
}
PIPELINE_ID = "default"


@dataclass(frozen=True)
class Stage:
    """One stage of the sales pipeline."""

    stage_id: str
    label: str
    probability: str
    is_closed: bool


STAGES = (
    Stage("presentationscheduled", "Checkout started", "0.6", is_closed=False),
    Stage("closedwon", "Closed won", "1.0", is_closed=True),
    Stage("closedlost", "Closed lost", "0.0", is_closed=True),
)
STAGE_BY_ID = {stage.stage_id: stage for stage in STAGES}
OWNERS = (("Ines", "Sommer"), ("Jack", "Rivera"), ("Mara", "Lindt"))


def owner_id(number: int) -> str:
    """Return the id of the owner of a numbered record."""
    return str(50_001 + number % len(OWNERS))


def owners(created_at: str) -> list[dict[str, Any]]:
    """Return the people who work with the account."""
    return [
        {
            "id": owner_id(index),
            "email": f"{first.lower()}.{last.lower()}@shop.example",
            "type": "PERSON",
            "firstName": first,
            "lastName": last,
            "userId": 70_001 + index,
            "userIdIncludingInactive": 70_001 + index,
            "createdAt": created_at,
            "updatedAt": created_at,
            "archived": False,
        }
        for index, (first, last) in enumerate(OWNERS)
    ]


def pipelines(created_at: str) -> list[dict[str, Any]]:
    """Return the one pipeline of deals with its stages."""
    times = {"createdAt": created_at, "updatedAt": created_at}
    stages = [
        {
            "id": stage.stage_id,
            "label": stage.label,
            "displayOrder": position,
            # HubSpot sends both as text
            "metadata": {
                "probability": stage.probability,
                "isClosed": str(stage.is_closed).lower(),
            },
            "archived": False,
            "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
            **times,
        }
        for position, stage in enumerate(STAGES)
    ]
    pipeline = {"id": PIPELINE_ID, "label": "Sales Pipeline", "displayOrder": 0, "archived": False}
    return [{**pipeline, "stages": stages, **times}]


def property_definitions(kind: str, created_at: str) -> list[dict[str, Any]]:
    """Return the definitions of a type's properties."""
    return [
        {
            "name": name,
            "label": label,
            "type": data_type,
            "fieldType": field_type,
            "description": "",
            "groupName": f"{kind}information",
            "options": [],
            "displayOrder": -1,
            "calculated": False,
            "externalOptions": name == "hubspot_owner_id",
            "hasUniqueValue": name == "hs_object_id",
            "hidden": False,
            "hubspotDefined": True,
            "formField": data_type == "string",
            "dataSensitivity": "non_sensitive",
            "archived": False,
            "createdAt": created_at,
            "updatedAt": created_at,
            "modificationMetadata": {
                "archivable": True,
                "readOnlyDefinition": True,
                "readOnlyValue": name.startswith("hs_"),
            },
        }
        for name, label, data_type, field_type in PROPERTIES[kind]
    ]
