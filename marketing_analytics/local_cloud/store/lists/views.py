"""The saved views of an account in the store."""

from __future__ import annotations

from dataclasses import dataclass

from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.store.connection import (
    Connection,
    Value,
    find,
    find_all,
    load_sql,
    now_text,
    transaction,
)

MAX_VIEWS = 30
MAX_NAME_CHARACTERS = 60


@dataclass(frozen=True, kw_only=True)
class SavedView:
    """A filter with its name; `page` is the list, `query` as in its address, `?` in front."""

    id: int
    page: str
    name: str
    query: str


def list_views(connection: Connection, account_id: int, page: str) -> list[SavedView]:
    """Return the views of a list by name."""
    values: dict[str, Value] = {"account_id": account_id, "page": page}
    return find_all(connection, SavedView, load_sql("views")["list_views"], values)


def save_view(connection: Connection, account_id: int, page: str, name: str, query: str) -> None:
    """Keep a filter under a name, instead of what the name meant before. Raise UserError."""
    with transaction(connection):
        names = {view.name for view in list_views(connection, account_id, page)}
        if len(names | {name}) > MAX_VIEWS:
            raise UserError(
                f"a list has at most {MAX_VIEWS} saved views", hint="Remove one of them first."
            )
        values: dict[str, Value] = {
            "account_id": account_id,
            "page": page,
            "name": name,
            "query": query,
            "now": now_text(),
        }
        connection.execute(load_sql("views")["save_view"], values)


def remove_view(connection: Connection, account_id: int, view_id: int) -> SavedView | None:
    """Remove a view and return it, None when there is none."""
    values: dict[str, Value] = {"account_id": account_id, "view_id": view_id}
    view = find(connection, SavedView, load_sql("views")["get_view"], values)
    connection.execute(load_sql("views")["remove_view"], values)
    return view
