"""Read a job's team, branch, user and key from the ownership mark in its description.

The deploy tool writes the mark; jobs made by other means have none and show their name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# [jobs:v1 team/key] or [jobs:v1 team/branch/user/key], at the very end
_MARK = re.compile(
    r"\s*\[jobs:v\d+ ([a-z0-9-]+)(?:/([a-z0-9-]+)/([a-z0-9-]+))?/([a-z0-9_-]+)\]\s*\Z"
)


@dataclass(frozen=True)
class JobName:
    """A job's name and what its mark says; the parts are empty without a mark."""

    full: str
    key: str = ""
    team: str = ""
    branch: str = ""
    user: str = ""

    @property
    def title(self) -> str:
        """Return the short name: the key, or the full name without a mark."""
        return self.key or self.full


def job_name(name: str, description: str) -> JobName:
    """Return the readable name of a job."""
    mark = _MARK.search(description or "")
    if not mark:
        return JobName(name)
    team, branch, user, key = mark.groups()
    return JobName(name, key=key, team=team, branch=branch or "", user=user or "")


def plain_description(description: str) -> str:
    """Return the description without the mark."""
    return _MARK.sub("", description or "").strip()
