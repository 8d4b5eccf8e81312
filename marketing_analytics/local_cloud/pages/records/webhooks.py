"""Webhooks and what they were told: how often it was tried, what came back, what is next."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from marketing_analytics.core.redaction import redact
from marketing_analytics.local_cloud.pages.reads import Reads
from marketing_analytics.local_cloud.pages.states import State
from marketing_analytics.local_cloud.webhooks.store import (
    PAUSES,
    Delivery,
    Outcomes,
    Webhook,
    count_outcomes,
    get_webhook,
    list_deliveries,
    list_webhooks,
)
from marketing_analytics.web.words import parse_time

DELIVERIES_PER_PAGE = 25
MAX_WEBHOOKS = 200
MAX_ATTEMPTS = len(PAUSES) + 1
DELIVERED = State("Delivered", "check", "success")
WAITING = State("Waiting", "clock", "queued")
RETRYING = State("Retrying", "again", "warn")
GIVEN_UP = State("Given up", "cross", "error")
ON = State("On", "check", "success")
OFF = State("Off", "slash", "cancelled")


@dataclass(frozen=True)
class HookLine:
    """A webhook: what it is told, of which jobs (none means all), and how that went."""

    webhook_id: str
    name: str
    url: str
    state: State
    events: list[str]
    job_ids: list[str]
    outcomes: Outcomes


@dataclass(frozen=True)
class DeliveryLine:
    """One delivery. `answer` is the status that came back, 0 when none did."""

    delivery_id: str
    event: str
    state: State
    run_id: int | None
    attempts: int
    answer: int
    problem: str
    created_at: datetime | None
    delivered_at: datetime | None
    next_at: datetime | None
    body: str


@dataclass(frozen=True)
class HookPage:
    """A webhook with one page of its deliveries, and how many there are."""

    hook: HookLine
    lines: list[DeliveryLine]
    total: int


def hook_lines(reads: Reads) -> list[HookLine]:
    """Return the active webhooks of the account."""
    hooks = list_webhooks(reads.connection, reads.account_id, limit=MAX_WEBHOOKS, offset=0).rows
    outcomes = count_outcomes(reads.connection, reads.account_id)
    secrets = reads.secrets()
    return [hook_line(hook, outcomes.get(hook.id), secrets) for hook in hooks]


def hook_line(hook: Webhook, outcomes: Outcomes | None, secrets: Sequence[str]) -> HookLine:
    """Return one webhook; an address may hold a key."""
    fields = hook.fields
    return HookLine(
        webhook_id=hook.id,
        name=fields["name"],
        url=redact(fields["client_url"], secrets),
        state=ON if fields["active"] else OFF,
        events=[event.removeprefix("job.run.") for event in fields["event_types"]],
        job_ids=list(fields["job_ids"]),
        outcomes=outcomes or Outcomes(webhook_id=hook.id, delivered=0, waiting=0, given_up=0),
    )


def hook_page(reads: Reads, webhook_id: str, page: int) -> HookPage | None:
    """Return a webhook and what it was told, newest first; None when there is none."""
    hook = get_webhook(reads.connection, reads.account_id, webhook_id)
    if hook is None:
        return None
    found = list_deliveries(
        reads.connection,
        webhook_id,
        limit=DELIVERIES_PER_PAGE,
        offset=(page - 1) * DELIVERIES_PER_PAGE,
    )
    secrets = reads.secrets()
    outcomes = count_outcomes(reads.connection, reads.account_id).get(webhook_id)
    lines = [delivery_line(one, secrets) for one in found.rows]
    return HookPage(hook_line(hook, outcomes, secrets), lines, found.total_count)


def delivery_line(delivery: Delivery, secrets: Sequence[str]) -> DeliveryLine:
    """Return one delivery as shown."""
    return DeliveryLine(
        delivery_id=delivery.id,
        event=delivery.event_type.removeprefix("job.run."),
        state=state_of(delivery),
        run_id=delivery.run_id,
        attempts=delivery.attempts,
        answer=delivery.status_code,
        problem=redact(delivery.problem, secrets),
        created_at=parse_time(delivery.created_at),
        delivered_at=parse_time(delivery.delivered_at),
        next_at=parse_time(delivery.next_attempt_at),
        body=redact(json.dumps(json.loads(delivery.body), indent=2, ensure_ascii=False), secrets),
    )


def state_of(delivery: Delivery) -> State:
    """Return how a delivery stands."""
    if delivery.delivered_at:
        return DELIVERED
    if delivery.next_attempt_at is None:
        return GIVEN_UP
    return RETRYING if delivery.attempts else WAITING
