"""Credentials of a project: user and schema are stored and shown, passwords and keys are not."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from marketing_analytics.local_cloud.api.answers import ApiError
from marketing_analytics.local_cloud.api.call import Call
from marketing_analytics.local_cloud.api.checks import (
    REQUIRED,
    Fields,
    Reader,
    number_between,
    one_of,
    text,
)
from marketing_analytics.local_cloud.api.settings.family import Family
from marketing_analytics.local_cloud.store.settings import Kind

THREADS: tuple[Reader, Any] = (number_between(0, 256), 0)
TEXT: tuple[Reader, Any] = (text, "")
DATABASE_USER = {
    "username": TEXT,
    "default_schema": TEXT,
    "target_name": TEXT,
    "threads": THREADS,
}
# the fields of each type, how they are read, and what they are when a body leaves them out
FIELDS: dict[str, dict[str, tuple[Reader, Any]]] = {
    "postgres": DATABASE_USER,
    "redshift": DATABASE_USER,
    "snowflake": {
        **dict.fromkeys(("user", "database", "role", "warehouse", "schema"), TEXT),
        "auth_type": (one_of("password", "keypair"), "password"),
        "threads": THREADS,
    },
    "bigquery": {"schema": TEXT, "target_name": TEXT, "threads": THREADS},
}
SECRETS = ("password", "private_key", "private_key_passphrase")


def read_credentials(_: Call, fields: Fields, old: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of credentials. Raise a 501 for those of an adapter."""
    kind = fields.body.get("type")
    kind = old.get("type") if kind is None else kind
    if kind == "adapter":
        raise ApiError(501, "Credentials of the type adapter are not built here.")
    if kind is None:
        fields.fail(REQUIRED, "type")
        return old
    fields.read("type", one_of(*FIELDS))
    for name in SECRETS:
        fields.read(name, text)
    known = FIELDS.get(str(kind), {})
    found = {
        name: fields.read(name, reader, old.get(name, default))
        for name, (reader, default) in known.items()
    }
    return {"type": kind, **found}


FAMILY = Family(Kind.CREDENTIALS, read_credentials)


def list_credentials(call: Call) -> Response:
    """List the credentials of a project."""
    return FAMILY.list_page(call)


def create(call: Call) -> Response:
    """Create credentials; passwords and keys are not stored."""
    return FAMILY.create(call)


def read(call: Call) -> Response:
    """Read credentials, without passwords and keys."""
    return FAMILY.read_one(call)


def update(call: Call) -> Response:
    """Change credentials: what the body leaves out stays."""
    return FAMILY.change(call)


def delete(call: Call) -> Response:
    """Delete credentials."""
    return FAMILY.delete(call)
