"""Accounts and their tokens; only the SHA-256 of a token is kept."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marketing_analytics.local_cloud.store.connection import (
    Connection,
    Value,
    find,
    load_sql,
    now_text,
)
from marketing_analytics.local_cloud.store.pages import Page, page_of

# a token of DBTCLOUD_TOKEN, and one that was made over the API
CONFIGURED, SERVICE = "configured", "service"


@dataclass(frozen=True)
class Account:
    """An account; times are store texts."""

    id: int
    name: str
    run_slots: int
    state: int
    created_at: str
    updated_at: str


@dataclass(frozen=True)
class Token:
    """A token that counts, by its hash; `permissions` is JSON, [] for one that may do all."""

    id: int
    account_id: int
    name: str
    kind: str
    permissions: str
    token_sha256: str
    last_used_at: str | None
    created_at: str

    @property
    def grants(self) -> list[dict[str, Any]]:
        """Return the permission sets of a service token."""
        found: list[dict[str, Any]] = json.loads(self.permissions)
        return found


def get_account(connection: Connection, account_id: int) -> Account | None:
    """Return an active account, or None."""
    statement = load_sql("accounts")["get_account"]
    return find(connection, Account, statement, {"account_id": account_id})


def add_account(connection: Connection, account_id: int, name: str) -> None:
    """Create an account unless it exists."""
    values = {"account_id": account_id, "name": name, "now": now_text()}
    connection.execute(load_sql("accounts")["add_account"], values)


def hash_token(token: str) -> str:
    """Return the SHA-256 of a token in hex."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def add_token(
    connection: Connection,
    account_id: int,
    name: str,
    token: str,
    *,
    kind: str = CONFIGURED,
    permissions: Sequence[Mapping[str, Any]] = (),
) -> bool:
    """Let a token into an account; return whether it did not count before."""
    added = connection.execute(
        load_sql("accounts")["add_token"],
        {
            "account_id": account_id,
            "name": name,
            "token_sha256": hash_token(token),
            "kind": kind,
            "permissions": json.dumps(list(permissions)),
            "now": now_text(),
        },
    )
    return added.rowcount > 0


def revoke_replaced(connection: Connection, account_id: int, token: str) -> int:
    """End the tokens that the configuration named before this one; return how many."""
    values = {"account_id": account_id, "token_sha256": hash_token(token), "now": now_text()}
    return connection.execute(load_sql("accounts")["revoke_replaced"], values).rowcount


def token_of(connection: Connection, token: str) -> Token | None:
    """Return what is known of a token, or None for an unknown or revoked one."""
    given = hash_token(token)
    found = find_token(connection, given)
    return found if found and hmac.compare_digest(found.token_sha256, given) else None


def list_tokens(connection: Connection, account_id: int, *, limit: int, offset: int) -> Page[Token]:
    """Return one page of the service tokens that count."""
    values: dict[str, Value] = {"account_id": account_id, "limit": limit, "offset": offset}
    return page_of(connection, Token, load_sql("accounts")["list_tokens"], values)


def save_token(
    connection: Connection,
    token_id: int,
    name: str,
    permissions: Sequence[Mapping[str, Any]],
) -> None:
    """Give a token another name and other permissions."""
    values = {"token_id": token_id, "name": name, "permissions": json.dumps(list(permissions))}
    connection.execute(load_sql("accounts")["save_token"], values)


def revoke_token(connection: Connection, token_id: int) -> None:
    """End a token."""
    values = {"token_id": token_id, "now": now_text()}
    connection.execute(load_sql("accounts")["revoke_token"], values)


def note_use(connection: Connection, token_id: int) -> None:
    """Note that a token is used now."""
    values = {"token_id": token_id, "now": now_text()}
    connection.execute(load_sql("accounts")["note_use"], values)


def find_token(connection: Connection, token_sha256: str) -> Token | None:
    """Return the token with this hash, or None for an unknown or revoked one."""
    statement = load_sql("accounts")["find_token"]
    return find(connection, Token, statement, {"token_sha256": token_sha256})


def get_token(connection: Connection, token_id: int) -> Token | None:
    """Return a token by its id, or None for an unknown or revoked one."""
    return find(connection, Token, load_sql("accounts")["get_token"], {"token_id": token_id})


def configured_token(connection: Connection, account_id: int) -> Token | None:
    """Return the token of an account that the configuration names, or None."""
    statement = load_sql("accounts")["configured_token"]
    return find(connection, Token, statement, {"account_id": account_id})
