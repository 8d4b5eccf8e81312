"""Extended attributes of a project: free JSON for the profile of an environment."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from marketing_analytics.local_cloud.api.call import Call
from marketing_analytics.local_cloud.api.checks import REQUIRED, Fields, mapping
from marketing_analytics.local_cloud.api.settings.family import Family
from marketing_analytics.local_cloud.store.settings import Kind


def read_attributes(_: Call, fields: Fields, old: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes; a change replaces them as a whole."""
    given = fields.read("extended_attributes", mapping, old.get("extended_attributes"))
    if given is None:
        fields.fail(REQUIRED, "extended_attributes")
    return {"extended_attributes": given}


FAMILY = Family(Kind.EXTENDED_ATTRIBUTES, read_attributes)


def create(call: Call) -> Response:
    """Create extended attributes; an environment names them for its profile."""
    return FAMILY.create(call)


def read(call: Call) -> Response:
    """Read extended attributes."""
    return FAMILY.read_one(call)


def update(call: Call) -> Response:
    """Replace extended attributes."""
    return FAMILY.change(call)


def delete(call: Call) -> Response:
    """Delete extended attributes."""
    return FAMILY.delete(call)
