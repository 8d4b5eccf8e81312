"""Build the pages for a server: `build_ui(settings)` returns an ASGI application."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import Router
from starlette.types import ASGIApp

from marketing_analytics.cloud.ui.guard import LOOPBACK_NAMES, Guard, Rules, SignIn, is_loopback
from marketing_analytics.cloud.ui.health import Health
from marketing_analytics.cloud.ui.reads import open_reads

ANY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104


class Actions(Protocol):
    """What the pages can make the server do. Both raise PlatformError to refuse."""

    def run_job(self, job_id: int) -> int:
        """Queue a run of a job and return its id."""

    def cancel_run(self, run_id: int) -> None:
        """Ask for a run to be cancelled."""


def _no_health() -> Sequence[Health]:
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
    health: Callable[[], Sequence[Health]] = _no_health

    def run_folder(self, run_id: int) -> Path:
        """Return the folder of a run's logs and artifacts."""
        return self.data_dir / "runs" / str(run_id)

    @property
    def rules(self) -> Rules:
        """Return which hosts are answered and whether a sign-in is needed."""
        needs_sign_in = not is_loopback(self.bound_host)
        if self.bound_host in ANY_ADDRESS and not self.allowed_hosts:
            return Rules(frozenset(), needs_sign_in)
        given = {host.lower() for host in (*self.allowed_hosts, self.bound_host)}
        return Rules(LOOPBACK_NAMES | given - ANY_ADDRESS, needs_sign_in)


def build_ui(settings: UiSettings) -> ASGIApp:
    """Return the pages as an ASGI application, guarded."""
    from marketing_analytics.cloud.ui.pages import Pages

    pages = Pages(settings, sign_in_for(settings))
    # not a Starlette application: its own last-resort answer would come before the guard's
    app = ExceptionMiddleware(Router(pages.routes()), handlers=pages.exception_handlers())
    return Guard(app, settings.rules, pages.sign_in, pages.error_page)


def sign_in_for(settings: UiSettings) -> SignIn:
    """Return the sign-in that checks tokens in the store."""

    def find_token(digest: str) -> int | None:
        with open_reads(settings.database, settings.account_id) as reads:
            row = reads.row("get_token", token_sha256=digest)
        return int(row["id"]) if row else None

    def find_hash(token_id: int) -> str | None:
        with open_reads(settings.database, settings.account_id) as reads:
            row = reads.row("get_token_by_id", token_id=token_id)
        return str(row["token_sha256"]) if row else None

    return SignIn(find_token, find_hash)
