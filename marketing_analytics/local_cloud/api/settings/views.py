"""Settings as the API shows them, also inside of what names them by an id."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from marketing_analytics.local_cloud.api.call import Call
from marketing_analytics.local_cloud.api.moments import iso
from marketing_analytics.local_cloud.store.settings import Kind, Setting, get_setting

# what include_related may name; each is under `name_id`
RELATED = {
    "connection": Kind.CONNECTION,
    "credentials": Kind.CREDENTIALS,
    "repository": Kind.REPOSITORY,
}


def show(setting: Setting) -> dict[str, Any]:
    """Return a setting as the API shows it."""
    place = {} if setting.project_id is None else {"project_id": setting.project_id}
    return {
        "id": setting.id,
        "account_id": setting.account_id,
        **place,
        **setting.fields,
        "state": setting.state,
        "created_at": iso(setting.created_at),
        "updated_at": iso(setting.updated_at),
    }


def include_settings(call: Call, shown: Iterable[dict[str, Any]]) -> None:
    """Put the settings that were asked for into what names them; null where there is none."""
    wanted = RELATED.keys() & call.included()
    for item in shown:
        for name in wanted & item.keys():
            setting_id = item[f"{name}_id"]
            found = setting_id and get_setting(
                call.connection, call.account_id, RELATED[name], setting_id
            )
            item[name] = show(found) if found else None
