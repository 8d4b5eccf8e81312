"""How pages name a job: by the ownership mark in its description, else by its full name."""

from __future__ import annotations

from dataclasses import dataclass

from marketing_analytics.cloud_api.names import owner_of


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
    owner = owner_of(description)
    if owner is None:
        return JobName(name)
    scope = owner.scope
    return JobName(name, owner.key, scope.team, scope.branch, scope.user)
