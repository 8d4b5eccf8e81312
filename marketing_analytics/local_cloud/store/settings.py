"""Settings of an account beside its jobs: connections, credentials, groups, notifications."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from marketing_analytics.local_cloud.store.connection import (
    Connection,
    Value,
    find,
    load_sql,
    now_text,
)
from marketing_analytics.local_cloud.store.pages import Filter, Page, read_page

# what a payload may hold, and a list be asked for
FIELDS = (
    "type",
    "user_id",
    "external_email",
    "slack_channel_id",
    "adapter_version",
    "remote_url",
)
FILTERS = ("account_id", "kind", "state", "pk", "project_id", "name", "name__icontains", *FIELDS)
ORDERS = ("id", "name")


class Kind(StrEnum):
    """What a setting is."""

    CONNECTION = "connection"
    CREDENTIALS = "credentials"
    EXTENDED_ATTRIBUTES = "extended attributes"
    GROUP = "group"
    NOTIFICATION = "notification"
    REPOSITORY = "repository"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A setting; `payload` is the JSON of its own fields, times are store texts."""

    id: int
    account_id: int
    project_id: int | None
    kind: str
    name: str
    payload: str
    state: int
    created_at: str
    updated_at: str

    @property
    def fields(self) -> dict[str, Any]:
        """Return the fields of the payload."""
        fields: dict[str, Any] = json.loads(self.payload)
        return fields


def get_setting(
    connection: Connection, account_id: int, kind: Kind, setting_id: int
) -> Setting | None:
    """Return an active setting of a kind, or None."""
    values: dict[str, Value] = {
        "account_id": account_id,
        "kind": kind,
        "setting_id": setting_id,
    }
    return find(connection, Setting, load_sql("settings")["get_setting"], values)


def list_settings(connection: Connection, filters: Mapping[str, Filter]) -> Page[Setting]:
    """Return one page of settings; FILTERS, limit, offset and order_by are understood."""
    return read_page(connection, Setting, "settings", filters, FILTERS)


def add_setting(
    connection: Connection,
    account_id: int,
    kind: Kind,
    fields: Mapping[str, Any],
    project_id: int | None = None,
) -> int:
    """Create a setting and return its id."""
    values = {
        "account_id": account_id,
        "project_id": project_id,
        "kind": kind,
        "name": fields.get("name") or "",
        "payload": json.dumps(fields),
        "now": now_text(),
    }
    return int(connection.execute(load_sql("settings")["add_setting"], values).fetchone()[0])


def delete_settings(connection: Connection, project_id: int) -> None:
    """Delete the settings of a project."""
    values: dict[str, Value] = {"project_id": project_id, "now": now_text()}
    connection.execute(load_sql("settings")["delete_settings"], values)


def save_setting(connection: Connection, setting: Setting) -> None:
    """Write a changed setting back."""
    values = {**asdict(setting), "setting_id": setting.id, "now": now_text()}
    connection.execute(load_sql("settings")["save_setting"], values)
