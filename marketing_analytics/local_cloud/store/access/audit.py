"""Who changed what, over the API and on the pages."""

from __future__ import annotations

from dataclasses import dataclass

from marketing_analytics.local_cloud.store.connection import (
    Connection,
    Value,
    load_sql,
    now_text,
)
from marketing_analytics.local_cloud.store.pages import Page, page_of

# the least status of what was not done
REFUSED = 400


@dataclass(frozen=True, kw_only=True)
class AuditEvent:
    """One request that changed something, or was refused; times are store texts."""

    id: int
    account_id: int
    token_id: int
    token_name: str
    method: str
    path: str
    status: int
    client: str
    created_at: str


def add_event(
    connection: Connection,
    *,
    account_id: int,
    token_id: int,
    token_name: str,
    method: str,
    path: str,
    status: int,
    client: str,
) -> None:
    """Note a request."""
    values: dict[str, Value] = {
        "account_id": account_id,
        "token_id": token_id,
        "token_name": token_name,
        "method": method,
        "path": path[:500],
        "status": status,
        "client": client,
        "now": now_text(),
    }
    connection.execute(load_sql("audit")["add_event"], values)


def list_events(
    connection: Connection,
    account_id: int,
    *,
    since: str | None,
    until: str | None,
    limit: int,
    offset: int,
) -> Page[AuditEvent]:
    """Return one page of events, newest first; `since` and `until` are store texts."""
    values: dict[str, Value] = {
        "account_id": account_id,
        "since": since,
        "until": until,
        "limit": limit,
        "offset": offset,
    }
    return page_of(connection, AuditEvent, load_sql("audit")["list_audit"], values)


def newest_events(
    connection: Connection,
    account_id: int,
    *,
    search: str,
    is_refused: bool,
    limit: int,
    offset: int,
) -> Page[AuditEvent]:
    """Return one page of events, newest first: those whose path or token has a text, or refused."""
    values: dict[str, Value] = {
        "account_id": account_id,
        "search": search or None,
        "least_status": REFUSED if is_refused else None,
        "limit": limit,
        "offset": offset,
    }
    return page_of(connection, AuditEvent, load_sql("audit")["newest_audit"], values)
