"""What a token may do: nothing, read, run jobs, change things, or manage tokens too."""

from __future__ import annotations

from enum import IntEnum

from marketing_analytics.local_cloud.store.accounts import CONFIGURED, Token


class Level(IntEnum):
    """How much a token may do; a higher level may do what the lower ones may."""

    NONE = 0
    READ = 1
    RUN = 2
    WRITE = 3
    ADMIN = 4


# dbt Cloud's permission sets; others, such as that of billing, allow nothing here
LEVELS = {
    "account_viewer": Level.READ,
    "job_viewer": Level.READ,
    "metadata_only": Level.READ,
    "readonly": Level.READ,
    "stakeholder": Level.READ,
    "analyst": Level.READ,
    "job_runner": Level.RUN,
    "developer": Level.WRITE,
    "git_admin": Level.WRITE,
    "job_admin": Level.WRITE,
    "database_admin": Level.WRITE,
    "member": Level.WRITE,
    "project_creator": Level.WRITE,
    "team_admin": Level.WRITE,
    "account_admin": Level.ADMIN,
    "admin": Level.ADMIN,
    "owner": Level.ADMIN,
    "security_admin": Level.ADMIN,
}


def level_of(token: Token) -> Level:
    """Return how much a token may do."""
    if token.kind == CONFIGURED:
        return Level.ADMIN
    levels = [LEVELS.get(str(grant.get("permission_set")), Level.NONE) for grant in token.grants]
    return max(levels, default=Level.NONE)


def can_run(token: Token) -> bool:
    """Return whether a token may start and cancel runs."""
    return level_of(token) >= Level.RUN
