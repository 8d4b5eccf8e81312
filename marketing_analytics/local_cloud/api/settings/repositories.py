"""Repositories of a project: where the code of its runs is, and who may read it by reference."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.api.call import Call
from marketing_analytics.local_cloud.api.checks import (
    REQUIRED,
    CheckError,
    Fields,
    text,
    text_or_none,
)
from marketing_analytics.local_cloud.api.settings.family import Family
from marketing_analytics.local_cloud.runs.code.remotes import check_address, is_address
from marketing_analytics.local_cloud.store.settings import Kind

# integrations with hosts of repositories are not built here, so their ids mean nothing
ABSENT = ("deploy_key_id", "deploy_key", "github_installation_id", "github_webhook_id")
TEMPLATE = "pull_request_url_template"


def read_repository(_: Call, fields: Fields, old: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a repository; what a change leaves out stays."""
    address = fields.read("remote_url", address_text, old.get("remote_url"))
    if address is None and "remote_url" not in fields.errors:
        fields.fail(REQUIRED, "remote_url")
    strategy = "git_clone_strategy"
    return {
        "remote_url": address,
        "full_name": name_in(address or ""),
        "remote_backend": None,
        strategy: fields.read(strategy, text, old.get(strategy, "deploy_key")),
        TEMPLATE: fields.read_or_clear(TEMPLATE, text_or_none, old.get(TEMPLATE)),
        **dict.fromkeys(ABSENT),
    }


def address_text(value: Any) -> str:
    """Return the address of a repository, without a password."""
    address = text(value).strip()
    if not is_address(address):
        raise CheckError("expected https://, ssh://, git@host:path or file:///path")
    try:
        check_address(address)
    except UserError as error:
        raise CheckError(f"{error.message}; {error.hint}") from None
    return address


def name_in(address: str) -> str:
    """Return owner and name of an address, as hosts of repositories call it."""
    path = address.rpartition("://")[2].replace(":", "/")
    return "/".join(path.removesuffix(".git").split("/")[-2:])


FAMILY = Family(Kind.REPOSITORY, read_repository)


def list_repositories(call: Call) -> Response:
    """List the repositories of a project."""
    return FAMILY.list_page(call)


def create(call: Call) -> Response:
    """Create a repository; a project uses it by its `repository_id`."""
    return FAMILY.create(call)


def read(call: Call) -> Response:
    """Read a repository."""
    return FAMILY.read_one(call)


def update(call: Call) -> Response:
    """Change a repository: what the body leaves out stays."""
    return FAMILY.change(call)


def delete(call: Call) -> Response:
    """Delete a repository."""
    return FAMILY.delete(call)
