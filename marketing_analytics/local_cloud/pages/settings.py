"""What the pages need to know of the server, and what they can make it do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from marketing_analytics.local_cloud.pages.health import Health
from marketing_analytics.local_cloud.pages.records.drift import JobFiles
from marketing_analytics.web.hosts import answered_hosts, is_loopback


class Actions(Protocol):
    """What the pages can make the server do. All raise PlatformError to refuse."""

    def run_job(self, job_id: int, overrides: Mapping[str, Any] | None = None) -> int:
        """Queue a run of a job and return its id; `overrides` are those of the API's trigger."""

    def retry_run(self, run_id: int) -> int:
        """Queue a run that goes on where another failed and return its id."""

    def cancel_run(self, run_id: int) -> None:
        """Ask for a run to be cancelled."""

    def send_again(self, delivery_id: str) -> None:
        """Queue a delivery of a webhook once more."""


def no_health() -> Sequence[Health]:
    """Return no more lines than those of every server."""
    return ()


@dataclass(frozen=True)
class UiSettings:
    """Everything the pages need to know of the server."""

    database: Path
    data_dir: Path
    account_id: int
    actions: Actions
    bound_host: str = "127.0.0.1"
    allowed_hosts: frozenset[str] = field(default_factory=frozenset)
    has_proxy: bool = False
    health: Callable[[], Sequence[Health]] = no_health
    job_files: JobFiles = field(default_factory=JobFiles)

    @property
    def answered_hosts(self) -> frozenset[str]:
        """Return the host names that are answered; empty = every one."""
        return answered_hosts(self.bound_host, self.allowed_hosts)

    @property
    def needs_sign_in(self) -> bool:
        """Return whether others than this machine can reach the pages.

        A host name that is let in is one under which something in front of the server is reached.
        """
        return self.has_proxy or not all(
            is_loopback(host) for host in (self.bound_host, *self.allowed_hosts)
        )
