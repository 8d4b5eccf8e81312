"""The section `alerts` of monitors.yml: channels, what each is told, when it is reminded.

The file names environment variables, never addresses: these are secrets.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from marketing_analytics.monitor.alerts.notices import Channel
from marketing_analytics.monitor.durations import PATTERN, duration
from marketing_analytics.monitor.results import KINDS, SEVERITIES

NAME_OF_VARIABLE = "^[A-Z][A-Z0-9_]*$"


def schema() -> dict[str, Any]:
    """Return what the section holds."""
    channel = {
        "type": "object",
        "description": "A channel.",
        "additionalProperties": False,
        "required": ["address_from"],
        "properties": {
            "address_from": {
                "type": "string",
                "pattern": NAME_OF_VARIABLE,
                "description": "Environment variable that holds the address; never the address.",
            },
            "severities": {
                "type": "array",
                "minItems": 1,
                "items": {"type": "string", "enum": list(SEVERITIES)},
                "description": "What it is told [default: all].",
            },
            "monitors": {
                "type": "array",
                "minItems": 1,
                "items": {"type": "string", "enum": list(KINDS)},
                "description": "Only of these monitors [default: all].",
            },
            "remind_after": remind_after(),
            "allow_private_addresses": {
                "type": "boolean",
                "default": False,
                "description": "Whether its address may lead into this network.",
            },
        },
    }
    return {
        "type": "object",
        "description": "Who is told.",
        "additionalProperties": False,
        "properties": {
            "remind_after": remind_after(),
            "channels": {
                "type": "object",
                "description": "Channels by their names.",
                "additionalProperties": channel,
            },
        },
    }


def remind_after() -> dict[str, Any]:
    """Return the rule of a reminder."""
    return {
        "type": "string",
        "pattern": PATTERN,
        "description": "When a problem that goes on is told again, like 24h [default: never].",
    }


def channels_of(section: Mapping[str, Any]) -> list[Channel]:
    """Return the channels of a checked section."""
    return [
        Channel(
            name,
            given["address_from"],
            tuple(given.get("severities", SEVERITIES)),
            tuple(given.get("monitors", ())),
            reminder(given.get("remind_after") or section.get("remind_after")),
            bool(given.get("allow_private_addresses", False)),
        )
        for name, given in (section.get("channels") or {}).items()
    ]


def reminder(text: str | None) -> timedelta | None:
    """Return how long after a notice the next one follows, or None."""
    return duration(text) if text else None
