"""What every endpoint of the emulator offers, as Klaviyo's specification of 2026-07-15 says.

Fields inside of objects can be chosen for `location` alone; others are refused.
"""

from __future__ import annotations

from marketing_analytics.simulate.platforms.klaviyo.query import RANGE, TEXTS, Offer

LOCATION = ("address1", "address2", "city", "country", "ip", "latitude", "longitude", "region",
            "timezone", "zip")  # fmt: skip
PROFILE = ("created", "email", "external_id", "first_name", "id", "image", "last_event_date",
           "last_name", "locale", "location", "organization", "phone_number", "properties",
           "title", "updated", *(f"location.{name}" for name in LOCATION))  # fmt: skip
OPTIONAL_OF_PROFILES = ("subscriptions", "predictive_analytics")
EVENT = ("datetime", "event_properties", "id", "timestamp", "uuid")
METRIC = ("created", "id", "integration", "name", "updated")
CAMPAIGN = ("archived", "audiences", "created_at", "id", "name", "scheduled_at", "send_options",
            "send_strategy", "send_time", "status", "tracking_options",
            "updated_at")  # fmt: skip
CAMPAIGN_MESSAGE = ("created_at", "definition", "id", "send_times", "updated_at")
FLOW = ("archived", "created", "id", "name", "status", "trigger_type", "updated")
FLOW_ACTION = ("created", "definition", "id", "updated")
FLOW_MESSAGE = ("channel", "created", "definition", "id", "updated")
LIST = ("created", "id", "name", "opt_in_process", "updated")
SEGMENT = ("created", "definition", "id", "is_active", "is_processing", "is_starred", "name",
           "updated")  # fmt: skip
TEMPLATE = ("amp", "created", "editor_type", "html", "id", "name", "text", "updated")
TAG = ("id", "name")
ACCOUNT = ("contact_information", "id", "industry", "locale", "preferred_currency",
           "public_api_key", "test_account", "timezone")  # fmt: skip

EQUAL_OR_RANGE = ("equals", *RANGE)
SUPPRESSION = "subscriptions.email.marketing.suppression"
CHANNEL_DETAIL = (
    "A channel filter is required to list campaigns. Please provide either: "
    "`?filter=equals(messages.channel,'email')` to list email campaigns, or "
    "`?filter=equals(messages.channel,'sms')` to list SMS campaigns."
)

LISTS: dict[str, Offer] = {
    "accounts": Offer({"account": ACCOUNT}),
    "metrics": Offer(
        {"metric": METRIC, "flow": FLOW},
        filters={"integration.name": ("equals",), "integration.category": ("equals",)},
        page_sizes=(200, 0),
    ),
    "profiles": Offer(
        {"profile": (*PROFILE, *OPTIONAL_OF_PROFILES)},
        filters={
            **dict.fromkeys(("id", "email", "phone_number", "external_id"), ("any", "equals")),
            "created": ("greater-than", "less-than"),
            "updated": ("greater-than", "less-than"),
            f"{SUPPRESSION}.reason": ("equals",),
            f"{SUPPRESSION}.timestamp": RANGE,
        },
        sorts=("created", "email", "id", "updated", f"{SUPPRESSION}.timestamp"),
        additional={"profile": OPTIONAL_OF_PROFILES},
        page_sizes=(20, 100),
    ),
    "events": Offer(
        {"event": EVENT, "metric": METRIC, "profile": PROFILE, "attribution": ("id",)},
        filters={
            "metric_id": ("equals",),
            "profile_id": ("equals",),
            "profile": ("has",),
            "metric": ("has",),
            "datetime": RANGE,
            "timestamp": RANGE,
        },
        sorts=("datetime", "timestamp"),
        includes=("attributions", "metric", "profile"),
        page_sizes=(200, 1000),
    ),
    "campaigns": Offer(
        {"campaign": CAMPAIGN, "campaign-message": CAMPAIGN_MESSAGE, "tag": TAG},
        filters={
            "id": ("any",),
            "messages.channel": ("equals",),
            "name": ("contains",),
            "status": ("any", "equals"),
            "archived": ("equals",),
            "created_at": RANGE,
            "scheduled_at": RANGE,
            "updated_at": RANGE,
        },
        sorts=("created_at", "id", "name", "scheduled_at", "updated_at"),
        includes=("campaign-messages", "tags"),
        page_sizes=(100, 100),
        needed_filter="messages.channel",
        needed_detail=CHANNEL_DETAIL,
    ),
    "campaign-messages": Offer(
        {"campaign-message": CAMPAIGN_MESSAGE, "campaign": CAMPAIGN}, includes=("campaign",)
    ),
    "flows": Offer(
        {"flow": FLOW, "flow-action": FLOW_ACTION, "tag": TAG},
        filters={
            "id": ("any",),
            "name": TEXTS,
            "status": ("equals",),
            "archived": ("equals",),
            "created": EQUAL_OR_RANGE,
            "updated": EQUAL_OR_RANGE,
            "trigger_type": ("equals",),
        },
        sorts=("created", "id", "name", "status", "trigger_type", "updated"),
        includes=("flow-actions", "tags"),
        page_sizes=(50, 50),
    ),
    "flow-actions": Offer(
        {"flow-action": FLOW_ACTION},
        filters={"id": ("any",), "created": EQUAL_OR_RANGE, "updated": EQUAL_OR_RANGE},
        sorts=("created", "id", "updated"),
        page_sizes=(50, 50),
    ),
    "flow-messages": Offer(
        {"flow-message": FLOW_MESSAGE},
        filters={"id": ("any",), "created": EQUAL_OR_RANGE, "updated": EQUAL_OR_RANGE},
        sorts=("created", "id", "updated"),
        page_sizes=(50, 50),
    ),
    "lists": Offer(
        {"list": LIST, "tag": TAG},
        filters={
            "name": ("any", "equals"),
            "id": ("any", "equals"),
            "created": ("greater-than",),
            "updated": ("greater-than",),
        },
        sorts=("created", "id", "name", "updated"),
        includes=("tags",),
        page_sizes=(10, 10),
    ),
    "segments": Offer(
        {"segment": SEGMENT, "tag": TAG},
        filters={
            "name": ("any", "equals"),
            "id": ("any", "equals"),
            "created": ("greater-than",),
            "updated": ("greater-than",),
        },
        sorts=("created", "id", "name", "updated"),
        includes=("tags",),
        page_sizes=(10, 10),
    ),
    "templates": Offer(
        {"template": TEMPLATE},
        filters={
            "id": ("any", "equals"),
            "name": ("any", "equals"),
            "created": EQUAL_OR_RANGE,
            "updated": EQUAL_OR_RANGE,
        },
        sorts=("created", "id", "name", "updated"),
        page_sizes=(10, 10),
    ),
}
# one resource by its id
SINGLES: dict[str, Offer] = {
    "accounts": Offer({"account": ACCOUNT}),
    "metrics": Offer({"metric": METRIC}),
    "profiles": Offer(
        {"profile": (*PROFILE, *OPTIONAL_OF_PROFILES)},
        additional={"profile": OPTIONAL_OF_PROFILES},
    ),
    "campaigns": Offer(
        {"campaign": CAMPAIGN, "campaign-message": CAMPAIGN_MESSAGE, "tag": TAG},
        includes=("campaign-messages", "tags"),
    ),
    "flows": Offer(
        {"flow": FLOW, "flow-action": FLOW_ACTION, "tag": TAG}, includes=("flow-actions", "tags")
    ),
    "campaign-recipient-estimations": Offer(
        {"campaign-recipient-estimation": ("estimated_recipient_count",)}
    ),
    "lists": Offer(
        {"list": (*LIST, "profile_count"), "tag": TAG},
        includes=("tags",),
        additional={"list": ("profile_count",)},
    ),
}
# attributes that are not shown unless they are asked for
OPTIONAL = frozenset({*OPTIONAL_OF_PROFILES, "profile_count"})
# requests a second
BURSTS = {
    "accounts": 1,
    "metrics": 10,
    "profiles": 75,
    "events": 350,
    "campaigns": 10,
    "campaign-recipient-estimations": 10,
    "flows": 3,
    "flow-actions": 3,
    "lists": 75,
    "segments": 75,
    "templates": 10,
}
