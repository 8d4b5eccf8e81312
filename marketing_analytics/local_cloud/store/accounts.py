"""Accounts and their tokens; only the SHA-256 of a token is kept."""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
from dataclasses import dataclass

from marketing_analytics.local_cloud.store.connection import load_sql, now_text, record


@dataclass(frozen=True)
class Account:
    """An account; times are store texts."""

    id: int
    name: str
    run_slots: int
    state: int
    created_at: str
    updated_at: str


def get_account(connection: sqlite3.Connection, account_id: int) -> Account | None:
    """Return an active account, or None."""
    statement = load_sql("accounts")["get_account"]
    row = connection.execute(statement, {"account_id": account_id}).fetchone()
    return record(Account, row) if row else None


def add_account(connection: sqlite3.Connection, account_id: int, name: str) -> None:
    """Create an account unless it exists."""
    values = {"account_id": account_id, "name": name, "now": now_text()}
    connection.execute(load_sql("accounts")["add_account"], values)


def hash_token(token: str) -> str:
    """Return the SHA-256 of a token in hex."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def add_token(connection: sqlite3.Connection, account_id: int, name: str, token: str) -> None:
    """Let a token into an account."""
    connection.execute(
        load_sql("accounts")["add_token"],
        {
            "account_id": account_id,
            "name": name,
            "token_sha256": hash_token(token),
            "now": now_text(),
        },
    )


def account_of_token(connection: sqlite3.Connection, token: str) -> int | None:
    """Return the account a token belongs to, or None for an unknown or revoked one."""
    given = hash_token(token)
    statement = load_sql("accounts")["find_token"]
    row = connection.execute(statement, {"token_sha256": given}).fetchone()
    if row is None or not hmac.compare_digest(row["token_sha256"], given):
        return None
    return int(row["account_id"])
