"""How handlers answer: the store opened for one request, a page with what every page shows."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse

from marketing_analytics.local_cloud.pages.health import Health, health_of
from marketing_analytics.local_cloud.pages.reads import Reads, open_reads
from marketing_analytics.local_cloud.pages.rendering import render
from marketing_analytics.local_cloud.pages.settings import UiSettings
from marketing_analytics.local_cloud.runs import store
from marketing_analytics.local_cloud.store.accounts import get_account
from marketing_analytics.web.frame import fresh
from marketing_analytics.web.zones import COOKIE, in_zone, zone_of


@dataclass(frozen=True)
class Standing:
    """What header and footer of every page show of the server."""

    queued: int
    running: int
    slots: int
    health: list[Health]
    has_session: bool


class Answering:
    """What handlers of pages share, bound to one server's settings."""

    def __init__(self, settings: UiSettings) -> None:
        self.settings = settings

    def reads(self) -> AbstractContextManager[Reads]:
        """Return the store, opened for one request."""
        return open_reads(self.settings.database, self.settings.account_id)

    def page(self, request: Request, reads: Reads, template: str, **values: Any) -> HTMLResponse:
        """Return a rendered page with what every page shows: engine health and queue length."""
        with in_zone(zone_of(request.cookies.get(COOKIE))):
            text = render(template, path=request.url.path, frame=self.standing(reads), **values)
        return fresh(request, HTMLResponse(text))

    def standing(self, reads: Reads) -> Standing:
        """Return what header and footer show."""
        counts = store.count_active_runs(reads.connection, reads.account_id)
        account = get_account(reads.connection, reads.account_id)
        return Standing(
            queued=counts.queued,
            running=counts.running,
            slots=account.run_slots if account else 0,
            health=[*health_of(reads, datetime.now(UTC)), *self.settings.health()],
            has_session=self.settings.needs_sign_in,
        )


def page_count(total: int, per_page: int) -> int:
    """Return the number of pages, at least one."""
    return max(1, -(-total // per_page))


def limited(value: int) -> int:
    """Return an id that fits SQLite; larger ones name nothing."""
    return value if value < 2**63 else -1


def form_fields(body: bytes) -> dict[str, str]:
    """Return the fields of a sent form; of those with one name the first."""
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=50)
    return {name: values[0].replace("\0", "") for name, values in fields.items()}
