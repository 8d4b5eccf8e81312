"""Which dbt Cloud, and what opens it; apart from the client, which loads HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Access:
    """Where dbt Cloud is, which project of which account, and the token that opens it."""

    host_url: str
    account_id: int
    project_id: int
    token: str = field(repr=False)
