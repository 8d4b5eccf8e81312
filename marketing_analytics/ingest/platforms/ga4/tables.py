"""Raw tables of the GA4 export; a day is replaced in all of them together."""

from __future__ import annotations

from marketing_analytics.ingest.engine.tables import Table

EVENTS = Table(
    "events",
    {
        "event_date": "date",
        "event_at": "time",
        "event_timestamp_us": "count",
        "event_name": "text",
        "event_index": "count",
        "user_pseudo_id": "text",
        "user_id": "text",
        "ga_session_id": "count",
        "ga_session_number": "count",
        "page_location": "text",
        "page_referrer": "text",
        "source": "text",
        "medium": "text",
        "campaign": "text",
        "campaign_id": "text",
        "gclid": "text",
        "transaction_id": "text",
        "value": "money",
        "currency": "text",
        "engagement_time_ms": "count",
        "session_engaged": "text",
        "device_category": "text",
        "browser": "text",
        "country": "text",
        "region": "text",
        "analytics_storage": "text",
        "ads_storage": "text",
    },
    # made unique by the query, as in the other tables
    key=(),
    mode="parts",
    part_by=("event_date",),
    personal={"user_pseudo_id": "device", "user_id": "customer"},
)

EVENT_ITEMS = Table(
    "event_items",
    {
        "event_date": "date",
        "event_timestamp_us": "count",
        "event_index": "count",
        "user_pseudo_id": "text",
        "item_index": "count",
        "item_id": "text",
        "item_name": "text",
        "item_brand": "text",
        "item_variant": "text",
        "item_category": "text",
        "item_list_name": "text",
        "promotion_name": "text",
        "coupon": "text",
        "price": "fraction",
        "price_in_usd": "fraction",
        "quantity": "count",
        "item_revenue": "fraction",
        "item_revenue_in_usd": "fraction",
    },
    key=(),
    mode="parts",
    part_by=("event_date",),
    personal={"user_pseudo_id": "device"},
)

USER_PROPERTIES = Table(
    "user_properties",
    {
        "event_date": "date",
        "user_pseudo_id": "text",
        "property_name": "text",
        "string_value": "text",
        "int_value": "count",
        "double_value": "fraction",
        "set_at": "time",
    },
    key=(),
    mode="parts",
    part_by=("event_date",),
    personal={"user_pseudo_id": "device"},
)

TABLES = (EVENTS, EVENT_ITEMS, USER_PROPERTIES)
