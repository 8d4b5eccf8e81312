"""The audit log: every request that changed something, tried to or was forbidden, newest first."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from marketing_analytics.local_cloud.api.answers import many
from marketing_analytics.local_cloud.api.call import Call
from marketing_analytics.local_cloud.api.moments import iso
from marketing_analytics.local_cloud.store.access.audit import AuditEvent, list_events


def list_recent(call: Call) -> Response:
    """List the events of an account; `logged_at_start` and `logged_at_end` bound them."""
    limit, offset = call.limit(), call.offset()
    page = list_events(
        call.connection,
        call.account_id,
        since=call.moment("logged_at_start"),
        until=call.moment("logged_at_end"),
        limit=limit,
        offset=offset,
    )
    filters = {"limit": limit, "offset": offset, "account_id": call.account_id}
    return many([show(event) for event in page.rows], page.total_count, filters, "-id")


def show(event: AuditEvent) -> dict[str, Any]:
    """Return an event in the words of dbt Cloud."""
    return {
        "id": event.id,
        "account_id": event.account_id,
        "service": "SERVICE_PUBLIC_API",
        "source": "SOURCE_PUBLIC_API",
        "actor_type": "ACTOR_SERVICE_TOKEN",
        "actor_name": event.token_name,
        "actor_id": str(event.token_id),
        "actor_ip": event.client,
        "routing_key": f"v1.events.api.{event.method.lower()}",
        "event_context": {"path": event.path, "status": event.status},
        "logged_at": iso(event.created_at),
        "created_at": iso(event.created_at),
    }
