"""Accounts and their tokens; only the SHA-256 of a token is kept."""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
from dataclasses import dataclass

from marketing_analytics.local_cloud.store.connection import find, load_sql, now_text


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
    """A token that counts, by its hash."""

    id: int
    account_id: int
    token_sha256: str


def get_account(connection: sqlite3.Connection, account_id: int) -> Account | None:
    """Return an active account, or None."""
    statement = load_sql("accounts")["get_account"]
    return find(connection, Account, statement, {"account_id": account_id})


def add_account(connection: sqlite3.Connection, account_id: int, name: str) -> None:
    """Create an account unless it exists."""
    values = {"account_id": account_id, "name": name, "now": now_text()}
    connection.execute(load_sql("accounts")["add_account"], values)


def hash_token(token: str) -> str:
    """Return the SHA-256 of a token in hex."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def add_token(connection: sqlite3.Connection, account_id: int, name: str, token: str) -> bool:
    """Let a token into an account; return whether it is new."""
    added = connection.execute(
        load_sql("accounts")["add_token"],
        {
            "account_id": account_id,
            "name": name,
            "token_sha256": hash_token(token),
            "now": now_text(),
        },
    )
    return added.rowcount > 0


def account_of_token(connection: sqlite3.Connection, token: str) -> int | None:
    """Return the account a token belongs to, or None for an unknown or revoked one."""
    given = hash_token(token)
    found = find_token(connection, given)
    if found is None or not hmac.compare_digest(found.token_sha256, given):
        return None
    return found.account_id


def find_token(connection: sqlite3.Connection, token_sha256: str) -> Token | None:
    """Return the token with this hash, or None for an unknown or revoked one."""
    statement = load_sql("accounts")["find_token"]
    return find(connection, Token, statement, {"token_sha256": token_sha256})


def get_token(connection: sqlite3.Connection, token_id: int) -> Token | None:
    """Return a token by its id, or None for an unknown or revoked one."""
    return find(connection, Token, load_sql("accounts")["get_token"], {"token_id": token_id})
