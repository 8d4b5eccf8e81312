"""The door to webhooks and their deliveries."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from marketing_analytics.cloud_api.states import Status
from marketing_analytics.local_cloud.store.access.sealing import seal_of
from marketing_analytics.local_cloud.store.connection import (
    Connection,
    Row,
    Value,
    find,
    find_all,
    load_sql,
    now_text,
    time_text,
)
from marketing_analytics.local_cloud.store.pages import Page, page_of

STARTED, COMPLETED, ERRORED = "job.run.started", "job.run.completed", "job.run.errored"
EVENTS = (STARTED, COMPLETED, ERRORED)
# seconds until the next attempt, after the first, the second, ...
PAUSES = (10, 60, 300, 1_800, 7_200)
KEPT = timedelta(days=30)
# longer than an attempt takes
TAKEN = timedelta(seconds=120)
ACTIVE, DELETED = 1, 2


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """A subscription; `payload` is JSON, `secret` is sealed, times are store texts."""

    id: str
    account_id: int
    payload: str
    secret: str
    last_status: str
    state: int
    created_at: str
    updated_at: str

    @property
    def fields(self) -> dict[str, Any]:
        """Return what the client decided."""
        fields: dict[str, Any] = json.loads(self.payload)
        return fields


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """Something to tell one receiver, and how that went; `problem` is "" when it went well."""

    id: str
    webhook_id: str
    run_id: int | None
    event_type: str
    body: str
    attempts: int
    next_attempt_at: str | None
    delivered_at: str | None
    status_code: int
    problem: str
    created_at: str


@dataclass(frozen=True, kw_only=True)
class DueDelivery(Delivery):
    """A delivery to send now, with its receiver."""

    payload: str
    secret: str


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """How the deliveries of a webhook went: answered with 2xx, to be tried (again), given up."""

    webhook_id: str
    delivered: int
    waiting: int
    given_up: int


def add_webhook(
    connection: Connection, account_id: int, fields: Mapping[str, Any]
) -> tuple[str, str]:
    """Create a webhook; return its id and its secret, which is shown this once."""
    webhook_id, secret = f"wsu_{secrets.token_urlsafe(16)}", secrets.token_hex(32)
    values = {
        "id": webhook_id,
        "account_id": account_id,
        "payload": json.dumps(fields),
        "secret": seal_of(connection).close(secret),
        "now": now_text(),
    }
    connection.execute(load_sql("webhooks")["add_webhook"], values)
    return webhook_id, secret


def get_webhook(connection: Connection, account_id: int, webhook_id: str) -> Webhook | None:
    """Return an active webhook, or None."""
    values: dict[str, Value] = {"account_id": account_id, "webhook_id": webhook_id}
    return find(connection, Webhook, load_sql("webhooks")["get_webhook"], values)


def list_webhooks(
    connection: Connection, account_id: int, *, limit: int, offset: int
) -> Page[Webhook]:
    """Return one page of the active webhooks."""
    values: dict[str, Value] = {"account_id": account_id, "limit": limit, "offset": offset}
    return page_of(connection, Webhook, load_sql("webhooks")["list_webhooks"], values)


def save_webhook(
    connection: Connection, webhook: Webhook, fields: Mapping[str, Any], state: int
) -> None:
    """Write a changed webhook back."""
    values = {
        "id": webhook.id,
        "payload": json.dumps(fields),
        "state": state,
        "now": now_text(),
    }
    connection.execute(load_sql("webhooks")["save_webhook"], values)


def tell(connection: Connection, run_id: int, *events: str) -> None:
    """Queue deliveries about a run inside an open transaction, for all who want to know."""
    hooks = find_all(
        connection, Webhook, load_sql("webhooks")["webhooks_of_run"], {"run_id": run_id}
    )
    if not hooks:
        return
    run = connection.execute(load_sql("webhooks")["run_in_words"], {"run_id": run_id}).fetchone()
    for hook in hooks:
        fields = hook.fields
        jobs = {str(job_id) for job_id in fields["job_ids"]}
        is_wanted = fields["active"] and (not jobs or str(run["job_id"]) in jobs)
        for event in events:
            if is_wanted and event in fields["event_types"]:
                add_delivery(connection, hook, event, data_of(run, event), run_id)


def add_delivery(
    connection: Connection,
    hook: Webhook,
    event: str,
    data: Mapping[str, Any],
    run_id: int | None = None,
) -> str:
    """Queue one delivery inside an open transaction and return its id."""
    delivery_id = f"wev_{secrets.token_urlsafe(16)}"
    body = {
        "accountId": hook.account_id,
        "webhooksID": hook.id,
        "eventId": delivery_id,
        "timestamp": datetime.now(UTC).isoformat(timespec="microseconds"),
        "eventType": event,
        "webhookName": hook.fields["name"],
        "data": dict(data),
    }
    values = {
        "id": delivery_id,
        "webhook_id": hook.id,
        "run_id": run_id,
        "event_type": event,
        "body": json.dumps(body),
        "now": now_text(),
    }
    connection.execute(load_sql("webhooks")["add_delivery"], values)
    return delivery_id


def data_of(run: Row, event: str) -> dict[str, Any]:
    """Return what a delivery says of a run; ids are texts, as dbt Cloud sends them."""
    status = Status(run["status"])
    end = {} if event == STARTED else {END_NAMES[event]: moment(run["finished_at"])}
    return {
        "jobId": str(run["job_id"]),
        "jobName": run["job_name"],
        "runId": str(run["id"]),
        "environmentId": str(run["environment_id"]),
        "environmentName": run["environment_name"],
        "dbtVersion": run["dbt_version"],
        "projectName": run["project_name"],
        "projectId": str(run["project_id"]),
        "runStatus": "Errored" if status is Status.ERROR else status.word,
        "runStatusCode": int(status),
        "runStatusMessage": run["status_message"] or "None",
        "runReason": run["cause"],
        "runStartedAt": moment(run["started_at"]),
        **end,
    }


END_NAMES = {COMPLETED: "runFinishedAt", ERRORED: "runErroredAt"}


def moment(text: str | None) -> str | None:
    """Return a time of the store as deliveries write it."""
    return text.replace(" ", "T").replace("+00:00", "Z") if text else None


def due_deliveries(connection: Connection) -> list[DueDelivery]:
    """Return what is to be sent now."""
    statement = load_sql("webhooks")["due_deliveries"]
    return find_all(connection, DueDelivery, statement, {"now": now_text()})


def take_delivery(connection: Connection, delivery: Delivery) -> bool:
    """Return whether this sender makes the next attempt, not another server of the store."""
    values = {
        "id": delivery.id,
        "next_attempt_at": delivery.next_attempt_at,
        "until": time_text(datetime.now(UTC) + TAKEN),
    }
    return connection.execute(load_sql("webhooks")["take_delivery"], values).rowcount > 0


def save_attempt(
    connection: Connection, delivery: Delivery, status_code: int, problem: str
) -> None:
    """Note how an attempt went, and when the next one is when it went wrong."""
    pause = PAUSES[delivery.attempts] if delivery.attempts < len(PAUSES) else None
    now = datetime.now(UTC)
    is_next = bool(problem) and pause is not None
    values: dict[str, Value] = {
        "id": delivery.id,
        "next_attempt_at": time_text(now + timedelta(seconds=pause or 0)) if is_next else None,
        "delivered_at": None if problem else time_text(now),
        "status_code": status_code,
        "problem": problem,
    }
    connection.execute(load_sql("webhooks")["save_attempt"], values)
    status = {"webhook_id": delivery.webhook_id, "last_status": str(status_code)}
    connection.execute(load_sql("webhooks")["save_status"], status)


def list_deliveries(
    connection: Connection, webhook_id: str, *, limit: int, offset: int
) -> Page[Delivery]:
    """Return one page of the deliveries of a webhook, newest first."""
    values: dict[str, Value] = {"webhook_id": webhook_id, "limit": limit, "offset": offset}
    return page_of(connection, Delivery, load_sql("webhooks")["list_deliveries"], values)


def count_outcomes(connection: Connection, account_id: int) -> dict[str, Outcomes]:
    """Return by webhook how its deliveries went; webhooks that told nothing are absent."""
    statement = load_sql("webhooks")["count_by_outcome"]
    found = find_all(connection, Outcomes, statement, {"account_id": account_id})
    return {one.webhook_id: one for one in found}


def get_delivery(connection: Connection, account_id: int, delivery_id: str) -> Delivery | None:
    """Return a delivery of an active webhook, or None."""
    values: dict[str, Value] = {"account_id": account_id, "delivery_id": delivery_id}
    return find(connection, Delivery, load_sql("webhooks")["get_delivery"], values)


def send_again(connection: Connection, delivery_id: str) -> None:
    """Queue a delivery once more, whatever became of it."""
    values = {"delivery_id": delivery_id, "now": now_text()}
    connection.execute(load_sql("webhooks")["send_again"], values)


def drop_old_deliveries(connection: Connection) -> int:
    """Delete what was told more than thirty days ago; return how many."""
    values = {"before": time_text(datetime.now(UTC) - KEPT)}
    return connection.execute(load_sql("webhooks")["drop_deliveries"], values).rowcount
