"""The pages of the audit log, of webhooks with their deliveries, and of drift."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from marketing_analytics.local_cloud.pages.answering import Answering, page_count
from marketing_analytics.local_cloud.pages.asking import number, search_text
from marketing_analytics.local_cloud.pages.records.audit import EVENTS_PER_PAGE, audit_page
from marketing_analytics.local_cloud.pages.records.drift import Drift
from marketing_analytics.local_cloud.pages.records.webhooks import (
    DELIVERIES_PER_PAGE,
    MAX_ATTEMPTS,
    hook_lines,
    hook_page,
)
from marketing_analytics.local_cloud.pages.settings import UiSettings
from marketing_analytics.local_cloud.webhooks.store import get_delivery


class RecordPages(Answering):
    """Handlers of what happened around the runs."""

    def __init__(self, settings: UiSettings) -> None:
        super().__init__(settings)
        self.drift = Drift(settings.job_files, settings.data_dir)

    def routes(self) -> list[BaseRoute]:
        """Return the paths."""
        return [
            Route("/audit", self.audit),
            Route("/webhooks", self.webhooks),
            Route("/webhooks/{webhook_id}", self.webhook),
            Route("/deliveries/{delivery_id}/again", self.send_again, methods=["POST"]),
            Route("/drift", self.show_drift),
            Route("/drift/compare", self.compare, methods=["POST"]),
        ]

    def audit(self, request: Request) -> Response:
        """Show who changed what, or was refused."""
        asked = request.query_params
        search, is_refused = search_text(asked), asked.get("show") == "refused"
        page = number(asked.get("page")) or 1
        with self.reads() as reads:
            found = audit_page(reads, search, is_refused, page)
            last = page_count(found.total, EVENTS_PER_PAGE)
            if page > last:
                page, found = last, audit_page(reads, search, is_refused, last)
            return self.page(
                request,
                reads,
                "audit.html",
                now=datetime.now(UTC),
                lines=found.lines,
                total=found.total,
                search=search,
                show="refused" if is_refused else "",
                page=page,
                pages=last,
            )

    def webhooks(self, request: Request) -> Response:
        """Show the webhooks and how their deliveries went."""
        with self.reads() as reads:
            return self.page(request, reads, "webhooks.html", hooks=hook_lines(reads))

    def webhook(self, request: Request) -> Response:
        """Show what one webhook was told, newest first."""
        webhook_id = request.path_params["webhook_id"]
        page = number(request.query_params.get("page")) or 1
        with self.reads() as reads:
            found = hook_page(reads, webhook_id, page)
            if found is None:
                raise HTTPException(404, "There is no such webhook.")
            last = page_count(found.total, DELIVERIES_PER_PAGE)
            if page > last:
                page, found = last, hook_page(reads, webhook_id, last) or found
            return self.page(
                request,
                reads,
                "webhook.html",
                now=datetime.now(UTC),
                hook=found.hook,
                lines=found.lines,
                total=found.total,
                page=page,
                pages=last,
                max_attempts=MAX_ATTEMPTS,
            )

    def send_again(self, request: Request) -> Response:
        """Queue a delivery once more and show its webhook."""
        with self.reads() as reads:
            delivery = get_delivery(
                reads.connection, reads.account_id, request.path_params["delivery_id"]
            )
        if delivery is None:
            raise HTTPException(404, "There is no such delivery.")
        self.settings.actions.send_again(delivery.id)
        return RedirectResponse(f"/webhooks/{delivery.webhook_id}", status_code=303)

    def show_drift(self, request: Request) -> Response:
        """Show what differed between job files and jobs when it was last looked at."""
        with self.reads() as reads:
            files = self.drift.lines(reads.secrets())
            now = datetime.now(UTC)
            return self.page(request, reads, "drift.html", now=now, files=files)

    def compare(self, request: Request) -> Response:
        """Compare the job files now and show what differs."""
        self.drift.look()
        return RedirectResponse("/drift", status_code=303)
