"""Webhooks: who is told how runs go. Ids are texts, and paths have no slash at the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from starlette.responses import Response

from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.api.answers import many, not_found, one
from marketing_analytics.local_cloud.api.call import MAX_ID, Call
from marketing_analytics.local_cloud.api.checks import (
    REQUIRED,
    CheckError,
    Fields,
    boolean,
    text,
)
from marketing_analytics.local_cloud.api.moments import iso
from marketing_analytics.local_cloud.api.references import jobs_error
from marketing_analytics.local_cloud.store.connection import transaction
from marketing_analytics.local_cloud.webhooks import store
from marketing_analytics.local_cloud.webhooks.addresses import read_target
from marketing_analytics.local_cloud.webhooks.store import EVENTS, Delivery, Webhook


def list_subscriptions(call: Call) -> Response:
    """List the webhooks of an account."""
    limit, offset = call.limit(), call.offset()
    page = store.list_webhooks(call.connection, call.account_id, limit=limit, offset=offset)
    filters = {"limit": limit, "offset": offset}
    return many([show(hook) for hook in page.rows], page.total_count, filters)


def create(call: Call) -> Response:
    """Create a webhook; only this answer shows its `hmac_secret`."""
    with transaction(call.connection):
        fields = read_fields(call, [])
        webhook_id, secret = store.add_webhook(call.connection, call.account_id, fields)
    return one({**show(stored(call, webhook_id)), "hmac_secret": secret}, 201)


def read(call: Call) -> Response:
    """Read a webhook, without its secret."""
    return one(show(stored(call)))


def update(call: Call) -> Response:
    """Replace what a webhook is told and where."""
    with transaction(call.connection):
        old = stored(call)
        fields = read_fields(call, old.fields["job_ids"])
        store.save_webhook(call.connection, old, fields, store.ACTIVE)
        return one(show(stored(call)))


def delete(call: Call) -> Response:
    """Delete a webhook; what it was not told yet is dropped."""
    with transaction(call.connection):
        hook = stored(call)
        store.save_webhook(call.connection, hook, hook.fields, store.DELETED)
    return one({**show(hook), "active": False})


def test(call: Call) -> Response:
    """Queue a delivery that says nothing of a run; the list of events tells how it went."""
    with transaction(call.connection):
        hook = stored(call)
        delivery_id = store.add_delivery(call.connection, hook, store.STARTED, {"test": True})
    return one({"verification_error": None, "verification_status_code": "0", "id": delivery_id})


def list_deliveries(call: Call) -> Response:
    """List what a webhook was told, newest first, and how that went."""
    hook, limit, offset = stored(call), call.limit(), call.offset()
    page = store.list_deliveries(call.connection, hook.id, limit=limit, offset=offset)
    shown = [show_delivery(delivery) for delivery in page.rows]
    return many(shown, page.total_count, {"limit": limit, "offset": offset}, "-created_at")


def stored(call: Call, webhook_id: str = "") -> Webhook:
    """Return the webhook of the path. Raise a 404."""
    wanted = webhook_id or str(call.ids["subscription_id"])
    hook = store.get_webhook(call.connection, call.account_id, wanted)
    if hook is None:
        raise not_found()
    return hook


def read_fields(call: Call, old_jobs: Collection[str]) -> dict[str, Any]:
    """Return what a client decides of a webhook; `old_jobs` are those it has. Raise a 400."""
    fields = Fields(call.body())
    found = {
        "name": fields.read("name", text),
        "description": fields.read("description", text, ""),
        "client_url": fields.read("client_url", url_reader(call.webhook_hosts)),
        "event_types": fields.read("event_types", read_events),
        "job_ids": fields.read("job_ids", read_ids, []),
        "active": fields.read("active", boolean, True),
    }
    for name in ("name", "client_url", "event_types"):
        if not found[name] and name not in fields.errors:
            fields.fail(REQUIRED, name)
    wrong = jobs_error(call, numbers(found["job_ids"]), numbers(old_jobs))
    if wrong:
        fields.fail(wrong, "job_ids")
    fields.check()
    return found


def url_reader(allowed: Collection[str]) -> Callable[[Any], str]:
    """Return a reader of addresses; names are resolved and judged when they are used."""

    def read(value: Any) -> str:
        url = text(value)
        try:
            read_target(url, allowed)
        except UserError as error:
            raise CheckError(error.message) from None
        return url

    return read


def read_events(value: Any) -> list[str]:
    """Return kinds of events."""
    if not isinstance(value, list) or not all(item in EVENTS for item in value):
        raise CheckError(f"expected a list of {', '.join(EVENTS)}")
    return list(dict.fromkeys(value))


def read_ids(value: Any) -> list[str]:
    """Return ids of jobs as texts; clients send numbers too."""
    if not isinstance(value, list) or not all(is_id(item) for item in value):
        raise CheckError("expected a list of job ids")
    return [str(item) for item in value]


def is_id(item: Any) -> bool:
    """Return whether a value of a list is an id, as a number or as its digits."""
    digits = str(item)
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= len(str(MAX_ID))
    return is_number and int(digits) <= MAX_ID


def numbers(job_ids: Collection[str]) -> list[int]:
    """Return ids of jobs as numbers."""
    return [int(job_id) for job_id in job_ids]


def show(hook: Webhook) -> dict[str, Any]:
    """Return a webhook as the API shows it."""
    return {
        "id": hook.id,
        "account_identifier": f"act_{hook.account_id}",
        **hook.fields,
        "hmac_secret": None,
        "http_status_code": hook.last_status,
        "created_at": microseconds(hook.created_at),
        "updated_at": microseconds(hook.updated_at),
    }


def show_delivery(delivery: Delivery) -> dict[str, Any]:
    """Return a delivery with how it went."""
    return {
        "id": delivery.id,
        "event_type": delivery.event_type,
        "run_id": delivery.run_id,
        "attempts": delivery.attempts,
        "http_status_code": str(delivery.status_code),
        "problem": delivery.problem or None,
        "next_attempt_at": iso(delivery.next_attempt_at),
        "delivered_at": iso(delivery.delivered_at),
        "created_at": iso(delivery.created_at),
        "body": json.loads(delivery.body),
    }


def microseconds(text_of_time: str) -> str:
    """Return a time as dbt Cloud's webhooks write it: microseconds since 1970, as a text."""
    return str(int(datetime.fromisoformat(text_of_time).timestamp() * 1_000_000))
