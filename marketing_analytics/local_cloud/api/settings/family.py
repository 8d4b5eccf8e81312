"""What every family of settings does alike: list, create, read, change, delete.

A family says how its body is read. Secrets are read and dropped: nothing here would use them, and
what is not stored cannot leak.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import Response

from marketing_analytics.local_cloud.api.answers import many, not_found, one
from marketing_analytics.local_cloud.api.call import Call
from marketing_analytics.local_cloud.api.checks import Fields, one_of, state_of_new
from marketing_analytics.local_cloud.api.listing import show_filters
from marketing_analytics.local_cloud.api.projects import stored_project
from marketing_analytics.local_cloud.api.settings.views import show
from marketing_analytics.local_cloud.store import settings as store
from marketing_analytics.local_cloud.store.connection import transaction
from marketing_analytics.local_cloud.store.settings import Kind, Setting

DELETED = 2
# takes the call, the fields of its body, and what is stored; returns what is stored then
Reader = Callable[[Call, Fields, dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Family:
    """One kind of settings and how its body is read."""

    kind: Kind
    read_fields: Reader
    path_name: str = "id"

    def list_page(self, call: Call) -> Response:
        """Answer with one page; the project of the path is a filter."""
        order_by = call.order_by(store.ORDERS)
        filters: dict[str, Any] = {"limit": call.limit(), "offset": call.offset()}
        filters |= {"state": call.state(), "account_id": call.account_id, **filters_of(call)}
        if (project_id := project_of(call)) is not None:
            filters["project_id"] = project_id
        wanted = {**filters, "kind": self.kind, "order_by": order_by}
        page = store.list_settings(call.connection, wanted)
        shown = [show(row) for row in page.rows]
        return many(shown, page.total_count, show_filters(filters), order_by)

    def create(self, call: Call) -> Response:
        """Create one from the body."""
        with transaction(call.connection):
            project_id = project_of(call)
            fields = self.read(call, {})
            added = store.add_setting(
                call.connection, call.account_id, self.kind, fields, project_id
            )
            return one(show(self.find(call, added)), 201)

    def read_one(self, call: Call) -> Response:
        """Answer with the one of the path."""
        return one(show(self.stored(call)))

    def change(self, call: Call) -> Response:
        """Change the one of the path; state 2 deletes it."""
        with transaction(call.connection):
            old = self.stored(call)
            state = Fields(call.body())
            code = state.read("state", one_of(1, DELETED), 1)
            state.check()
            if code == DELETED:
                return one(show(save(call, replace(old, state=DELETED))))
            return one(show(self.rewrite(call, old, self.read(call, old.fields))))

    def delete(self, call: Call) -> Response:
        """Delete the one of the path."""
        with transaction(call.connection):
            return one(show(save(call, replace(self.stored(call), state=DELETED))))

    def rewrite(self, call: Call, old: Setting, fields: dict[str, Any]) -> Setting:
        """Write new fields and return the setting as it is now."""
        name = fields.get("name") or ""
        save(call, replace(old, name=name, payload=json.dumps(fields)))
        return self.find(call, old.id)

    def read(self, call: Call, old: dict[str, Any]) -> dict[str, Any]:
        """Return the fields to store; `old` is empty for a new one. Raise a 400."""
        fields = Fields(call.body())
        if not old:
            fields.read("state", state_of_new)
        found = self.read_fields(call, fields, old)
        fields.check()
        return found

    def stored(self, call: Call) -> Setting:
        """Return the setting of the path. Raise a 404, also for one of another project."""
        found = self.find(call, call.id_of(self.path_name))
        project_id = project_of(call)
        if project_id is not None and found.project_id != project_id:
            raise not_found()
        return found

    def find(self, call: Call, setting_id: int) -> Setting:
        """Return an active setting of the account. Raise a 404."""
        found = store.get_setting(call.connection, call.account_id, self.kind, setting_id)
        if found is None:
            raise not_found()
        return found


def filters_of(call: Call) -> dict[str, Any]:
    """Return what a list is asked for; a field that its settings do not have leaves none."""
    names = ("name", "name__icontains", *store.FIELDS)
    given = {"pk": call.numbers("pk"), **{name: call.text(name) for name in names}}
    return {name: value for name, value in given.items() if value is not None}


def project_of(call: Call) -> int | None:
    """Return the project of the path, None for what belongs to the account. Raise a 404."""
    return stored_project(call).id if "project_id" in call.ids else None


def save(call: Call, setting: Setting) -> Setting:
    """Write a setting and return it."""
    store.save_setting(call.connection, setting)
    return setting
