"""What hangs on ads and accounts: creatives, images, custom conversions, the log of changes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

Row = dict[str, Any]

SITE = "https://www.shop.example/"
PAGE_ID = "104857600000001"
BUTTONS = {"OUTCOME_LEADS": "SIGN_UP", "OUTCOME_AWARENESS": "LEARN_MORE"}
# Meta fills in what stands in braces when an ad is shown
URL_TAGS = (
    "utm_source={{{{site_source_name}}}}&utm_medium=paid_social"
    "&utm_campaign={slug}&utm_id={{{{campaign.id}}}}"
)
CUSTOM_CONVERSION = "Cart filled"


def creative_of(ad: Mapping[str, Any], campaign: Mapping[str, Any]) -> Row:
    """Return the creative of an ad; it leads to where the visits of the world arrive."""
    button = BUTTONS.get(campaign["kind"], "SHOP_NOW")
    title, body = campaign["name"], f"{campaign['name']}: see what is new in the shop."
    story = {
        "page_id": PAGE_ID,
        "link_data": {
            "link": SITE,
            "message": body,
            "name": title,
            "call_to_action": {"type": button, "value": {"link": SITE}},
            "image_hash": image_hash(ad["id"]),
        },
    }
    return {
        "id": ad["creative"]["id"],
        "account_id": ad["account_id"],
        "name": f"{ad['name']} {ad['created_time'][:10]}",
        "title": title,
        "body": body,
        "object_type": "SHARE",
        "call_to_action_type": button,
        "object_story_spec": story,
        "url_tags": URL_TAGS.format(slug=campaign["slug"]),
        "image_hash": image_hash(ad["id"]),
        "status": "DELETED" if ad["status"] == "DELETED" else "ACTIVE",
        "actor_id": PAGE_ID,
        "created_us": ad["created_us"],
    }


def image_hash(ad_id: str) -> str:
    """Return the hash that names the image of an ad."""
    return hashlib.md5(ad_id.encode(), usedforsecurity=False).hexdigest()


def image_of(creative: Mapping[str, Any]) -> Row:
    """Return the image of a creative; its id has the account in front."""
    own_hash = creative["image_hash"]
    created = creative["name"][-10:]
    return {
        "id": f"{creative['account_id']}:{own_hash}",
        "account_id": creative["account_id"],
        "hash": own_hash,
        "name": f"{own_hash[:8]}.jpg",
        "status": creative["status"],
        "width": 1_080,
        "height": 1_080,
        "original_width": 1_080,
        "original_height": 1_080,
        "created_time": f"{created}T09:00:00+0000",
        "updated_time": f"{created}T09:00:00+0000",
        "creatives": [creative["id"]],
        "created_us": creative["created_us"],
        "updated_us": creative["created_us"],
    }


def custom_conversion_of(account_id: str) -> Row:
    """Return the one custom conversion of an account: a filled cart."""
    return {
        "id": custom_conversion_id(account_id),
        "account_id": account_id,
        "name": CUSTOM_CONVERSION,
        "custom_event_type": "ADD_TO_CART",
        "rule": '{"and":[{"event":{"eq":"AddToCart"}}]}',
        "is_archived": False,
        "creation_time": "2024-01-15T09:00:00+0000",
        "retention_days": 180,
    }


def custom_conversion_id(account_id: str) -> str:
    """Return the id of the custom conversion of an account."""
    return f"77{account_id}"


def activities_of(campaigns: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Return the log of changes: every campaign was made, and changed once."""
    return [
        {
            "account_id": campaign["account_id"],
            "event_type": event,
            "event_time": campaign[time],
            "event_us": campaign[time.replace("_time", "_us")],
            "translated_event_type": said,
            "object_id": campaign["id"],
            "object_name": campaign["name"],
            "object_type": "CAMPAIGN",
            "actor_id": "1",
            "actor_name": "Shop",
        }
        for campaign in campaigns
        for event, time, said in (
            ("create_campaign_group", "created_time", "Campaign created"),
            ("update_campaign_run_status", "updated_time", "Campaign status updated"),
        )
    ]
