"""Notifications of an account: who is told about which jobs. Stored and shown; none is sent."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from marketing_analytics.local_cloud.api.call import Call
from marketing_analytics.local_cloud.api.checks import (
    REQUIRED,
    CheckError,
    Fields,
    identifier,
    one_of,
    text_or_none,
)
from marketing_analytics.local_cloud.api.references import jobs_error
from marketing_analytics.local_cloud.api.settings.family import Family
from marketing_analytics.local_cloud.store.settings import Kind

USER, SLACK, EXTERNAL = 1, 2, 4
EVENTS = ("on_cancel", "on_failure", "on_warning", "on_success")
NEEDED = {
    USER: (),
    SLACK: ("slack_channel_id", "slack_channel_name"),
    EXTERNAL: ("external_email",),
}
TEXTS = ("external_email", "slack_channel_id", "slack_channel_name")


def read_notification(call: Call, fields: Fields, old: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a notification; a change keeps what it leaves out."""
    user_id = fields.read("user_id", identifier, old.get("user_id"))
    if user_id is None and "user_id" not in fields.errors:
        fields.fail(REQUIRED, "user_id")
    kind = fields.read("type", one_of(*NEEDED), old.get("type", USER))
    found = {
        "user_id": user_id,
        "type": kind,
        **{name: fields.read(name, read_jobs, old.get(name, [])) for name in EVENTS},
        **{name: fields.read_or_clear(name, text_or_none, old.get(name)) for name in TEXTS},
    }
    for name in NEEDED[kind]:
        if found[name] is None and name not in fields.errors:
            fields.fail(REQUIRED, name)
    for name in EVENTS:
        wrong = jobs_error(call, found[name], old.get(name, []))
        if wrong:
            fields.fail(wrong, name)
    return found


def read_jobs(value: Any) -> list[int]:
    """Return ids of jobs."""
    if not isinstance(value, list):
        raise CheckError("expected a list of job ids")
    return [identifier(item) for item in value]


FAMILY = Family(Kind.NOTIFICATION, read_notification)


def list_notifications(call: Call) -> Response:
    """List the notifications of an account."""
    return FAMILY.list_page(call)


def create(call: Call) -> Response:
    """Create a notification; it is stored and shown, nothing is sent from here."""
    return FAMILY.create(call)


def read(call: Call) -> Response:
    """Read a notification."""
    return FAMILY.read_one(call)


def update(call: Call) -> Response:
    """Change a notification; state 2 deletes it."""
    return FAMILY.change(call)


def delete(call: Call) -> Response:
    """Delete a notification."""
    return FAMILY.delete(call)
