"""Names, slugs and the ownership mark of jobs.

A job belongs to a scope: a team, and for branch jobs also a branch and a user. What says so
is the mark at the end of its description, never its name.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

from marketing_analytics.cloud_api.limits import MAX_NAME_LENGTH

SLUG_LENGTH = 63
USER_LENGTH = 40
SCHEMA_LENGTH = 63
HASH_LENGTH = 8

TEAM_PATTERN = "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$"
KEY_PATTERN = "^[a-z0-9][a-z0-9_-]{0,59}$"
MARK = re.compile(
    r"\[jobs:v1 ([a-z0-9-]+)(?:/([a-z0-9-]+)/([a-z0-9-]+))?/([a-z0-9_-]+)( keep)?\]\s*\Z"
)


@dataclass(frozen=True)
class Scope:
    """Whose jobs: a team's shared ones, or those of one branch and user."""

    team: str
    branch: str = ""
    user: str = ""

    def name_of(self, key: str) -> str:
        """Return the job's name in dbt Cloud."""
        parts = [self.team, self.branch, self.user, key]
        return shorten("-".join(part for part in parts if part), MAX_NAME_LENGTH)

    def mark_of(self, key: str, *, is_kept: bool = False) -> str:
        """Return the ownership mark of a job; it says too when the job is never deleted."""
        parts = [self.team, self.branch, self.user, key]
        return f"[jobs:v1 {'/'.join(part for part in parts if part)}{' keep' if is_kept else ''}]"

    def describe(self) -> str:
        """Return the scope in words."""
        if not self.branch:
            return f"team {self.team}"
        return f"team {self.team} · branch {self.branch} · user {self.user}"

    @property
    def schema(self) -> str:
        """Return the schema of a branch: `{user}_{branch}` in [a-z0-9_], at most 63 long.

        A user with a dash gets two underscores between: anna-b on c is not anna on b-c.
        """
        user, branch = self.user.replace("-", "_"), self.branch.replace("-", "_")
        joint = "__" if "_" in user else "_"
        return shorten(f"{user}{joint}{branch}", SCHEMA_LENGTH, "_")


def jobs_counted(count: int) -> str:
    """Return `1 job` or `2 jobs`."""
    return "1 job" if count == 1 else f"{count} jobs"


@dataclass(frozen=True)
class Owner:
    """What an ownership mark says."""

    scope: Scope
    key: str
    # the job is never deleted; no part of who owns it
    is_kept: bool = field(default=False, compare=False)

    @property
    def mark(self) -> str:
        """Return the mark that says this."""
        return self.scope.mark_of(self.key, is_kept=self.is_kept)


def owner_of(description: str | None) -> Owner | None:
    """Return the owner that a description's mark names, or None."""
    match = MARK.search(description or "")
    if not match:
        return None
    team, branch, user, key, keep = match.groups()
    return Owner(Scope(team, branch or "", user or ""), key, bool(keep))


def without_mark(description: str | None) -> str:
    """Return a description without its ownership mark."""
    return MARK.sub("", description or "").strip()


def slug_of(text: str, length: int = SLUG_LENGTH) -> str:
    """Return a slug made like GitLab's CI_COMMIT_REF_SLUG; a longer one ends in a hash."""
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return shorten(slug, length)


def shorten(text: str, length: int, joint: str = "-") -> str:
    """Return the text, or its start and a hash of all of it when it is too long."""
    if len(text) <= length:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:HASH_LENGTH]
    return f"{text[: length - HASH_LENGTH - 1].rstrip('-_')}{joint}{digest}"
