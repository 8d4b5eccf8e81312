"""Mailchimp Marketing API 3.0: lists, campaigns, reports and activity, classic automations.

`/ping`, `/lists`, `/campaigns`, `/reports` with `email-activity`, `sent-to`, `unsubscribed`,
`/automations`, `/automations/X/emails`.

Errors are RFC 7807 problem documents; lists are paged by offset and count.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from marketing_analytics.core.clock import parse_time
from marketing_analytics.core.errors import UserError
from marketing_analytics.simulate.emulation.control import PlatformControl, SimulatedClock
from marketing_analytics.simulate.emulation.world_files import WorldFiles
from marketing_analytics.simulate.platforms.mailchimp.records import MailRecords

DATA_CENTRE = "us21"
CONNECTION_LIMIT = 10
DEFAULT_COUNT, MAX_COUNT = 10, 1_000
GLOSSARY = "https://mailchimp.com/developer/marketing/docs/errors/"
# a request holds its connection this long, so that simultaneous ones can be counted
LATENCY_SECONDS = 0.002
# (parameter, key of the row it compares with)
SINCE_FILTERS = {
    "since_send_time": "send_time",
    "before_send_time": "send_time",
    "since_create_time": "create_time",
    "before_create_time": "create_time",
}
COMMON = ("count", "offset", "fields", "exclude_fields")
ACCEPTED = {
    "lists": COMMON,
    "campaigns": (*COMMON, *SINCE_FILTERS, "status", "type", "list_id", "sort_field", "sort_dir"),
    "reports": (*COMMON, "since_send_time", "before_send_time", "type"),
    "emails": (*COMMON, "since"),
    "sent_to": COMMON,
    "unsubscribes": COMMON,
    "automations": (*COMMON, "since_create_time", "before_create_time", "status"),
}


class ProblemError(Exception):
    """An answer as application/problem+json."""

    def __init__(
        self, status: int, title: str, detail: str, errors: list[dict[str, str]] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.body: dict[str, Any] = {
            "type": GLOSSARY,
            "title": title,
            "status": status,
            "detail": detail,
            "instance": "00000000-0000-4000-8000-000000000000",
        }
        if errors:
            self.body["errors"] = errors

    def answer(self) -> Response:
        """Return the HTTP answer."""
        text = json.dumps(self.body)
        return Response(text, self.status, media_type="application/problem+json")


class Mailchimp:
    """The emulator of one world."""

    def __init__(self, world: WorldFiles, clock: SimulatedClock) -> None:
        self.clock = clock
        self.records = MailRecords(world)
        self.api_key = f"{world.seed:032x}-{DATA_CENTRE}"
        self.control = PlatformControl(
            "mailchimp", clock, self.refuse, connection_limit=CONNECTION_LIMIT
        )
        routes: list[tuple[str, Callable[[Request], Any]]] = [
            ("/3.0/ping", lambda _: {"health_status": "Everything's Chimpy!"}),
            ("/3.0/lists", self.lists),
            ("/3.0/campaigns", self.campaigns),
            ("/3.0/campaigns/{id}", self.campaign),
            ("/3.0/reports", self.reports),
            ("/3.0/reports/{id}", self.report),
            ("/3.0/reports/{id}/email-activity", self.activity),
            ("/3.0/reports/{id}/sent-to", self.sent_to),
            ("/3.0/reports/{id}/unsubscribed", self.unsubscribed),
            ("/3.0/automations", self.automations),
            ("/3.0/automations/{id}/emails", self.automation_emails),
        ]
        self.app = Starlette(
            routes=[Route(path, self.guarded(handler)) for path, handler in routes],
            exception_handlers={404: not_found},
        )

    def settings(self, url: str) -> dict[str, str]:
        """Return the settings of a client."""
        return {"MAILCHIMP_BASE_URL": f"{url}/3.0", "MAILCHIMP_API_KEY": self.api_key}

    def refuse(self, kind: str, retry_after: float | None, request: Request) -> Response:
        """Return the error body of an injected fault."""
        if kind == "expired_token":
            return api_key_invalid().answer()
        if kind == "status_429":
            response = too_many().answer()
            if retry_after is not None:
                response.headers["retry-after"] = str(round(retry_after))
            return response
        detail = "An unexpected internal error has occurred. Please contact Support."
        return ProblemError(500, "Internal Server Error", detail).answer()

    def guarded(self, handler: Callable[[Request], Any]) -> Any:
        """Return an endpoint that checks the key and renders problems."""

        async def endpoint(request: Request) -> Response:
            try:
                self.check(request)
                await asyncio.sleep(LATENCY_SECONDS)
                body = handler(request)
            except ProblemError as problem:
                return problem.answer()
            text = body if isinstance(body, str) else json.dumps(body)
            return Response(text, media_type="application/json; charset=utf-8")

        return endpoint

    def check(self, request: Request) -> None:
        """Raise ProblemError unless the key is right, as Basic with any user or as a bearer."""
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        key = value.strip()
        if scheme.lower() == "basic":
            try:
                key = base64.b64decode(value, validate=True).decode().partition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                key = ""
        elif scheme.lower() != "bearer":
            key = ""
        if key != self.api_key:
            other = key.rpartition("-")[2]
            if key.startswith(self.api_key[:32]) and other != DATA_CENTRE:
                detail = f"The API key provided is linked to a different data center: {other}"
                raise ProblemError(403, "Wrong Datacenter", detail)
            raise api_key_invalid()

    def page(self, request: Request, name: str, rows: list[Any]) -> str:
        """Return one page of rows, which are dictionaries or finished JSON texts."""
        parameters = request.query_params
        unknown = sorted(set(parameters) - set(ACCEPTED[name]))
        if unknown:
            raise invalid(unknown[0], "This parameter is not known here.")
        count = read_number(request, "count", DEFAULT_COUNT, MAX_COUNT)
        offset = read_number(request, "offset", 0, 10**9)
        part = rows[offset : offset + count]
        texts = [row if isinstance(row, str) else json.dumps(row) for row in part]
        extra = ""
        if name in {"emails", "sent_to", "unsubscribes"} and "id" in request.path_params:
            extra = f'"campaign_id": {json.dumps(request.path_params["id"])}, '
        return (
            f'{{"{name}": [{", ".join(texts)}], {extra}"total_items": {len(rows)}, "_links": []}}'
        )

    def filtered(self, request: Request, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the rows that pass the since/before, status, type and list filters."""
        for parameter, key in SINCE_FILTERS.items():
            if text := request.query_params.get(parameter):
                limit = read_time(parameter, text)
                is_since = parameter.startswith("since")
                rows = [r for r in rows if r[key] and (moment(r[key]) > limit) == is_since]
        for key in ("status", "type"):
            if wanted := request.query_params.get(key):
                rows = [r for r in rows if r.get(key) == wanted]
        if wanted := request.query_params.get("list_id"):
            rows = [r for r in rows if r["recipients"]["list_id"] == wanted]
        field = request.query_params.get("sort_field")
        if field:
            if field not in {"create_time", "send_time"}:
                raise invalid("sort_field", "The value is not one of create_time, send_time.")
            rows = sorted(rows, key=lambda r: r[field] or "")
            if request.query_params.get("sort_dir", "ASC").upper() == "DESC":
                rows.reverse()
        return rows

    def lists(self, request: Request) -> str:
        """Answer GET /lists."""
        return self.page(request, "lists", self.records.lists(self.clock.now_us))

    def campaigns(self, request: Request) -> str:
        """Answer GET /campaigns."""
        rows = self.filtered(request, self.records.campaigns(self.clock.now_us))
        return self.page(request, "campaigns", rows)

    def campaign(self, request: Request) -> dict[str, Any]:
        """Answer GET /campaigns/{id}."""
        wanted = request.path_params["id"]
        for row in self.records.campaigns(self.clock.now_us):
            if row["id"] == wanted:
                return row
        raise resource_missing()

    def reports(self, request: Request) -> str:
        """Answer GET /reports: newsletters and automation mails that were sent."""
        rows = self.filtered(request, self.records.reports(self.clock.now_us))
        return self.page(request, "reports", rows)

    def mail_of(self, request: Request) -> int:
        """Return the mail of the path. Raise ProblemError when it has not been sent."""
        mail = self.records.find(request.path_params["id"], self.clock.now_us)
        if mail is None:
            raise resource_missing()
        return mail

    def report(self, request: Request) -> dict[str, Any]:
        """Answer GET /reports/{id}."""
        return self.records.report(self.mail_of(request), self.clock.now_us)

    def activity(self, request: Request) -> str:
        """Answer GET /reports/{id}/email-activity."""
        since_us = -1
        if text := request.query_params.get("since"):
            since_us = int(read_time("since", text) * 1_000_000)
        rows = self.records.activity(self.mail_of(request), self.clock.now_us, since_us)
        return self.page(request, "emails", rows)

    def sent_to(self, request: Request) -> str:
        """Answer GET /reports/{id}/sent-to."""
        rows = self.records.sent_to(self.mail_of(request), self.clock.now_us)
        return self.page(request, "sent_to", rows)

    def unsubscribed(self, request: Request) -> str:
        """Answer GET /reports/{id}/unsubscribed."""
        rows = self.records.unsubscribed(self.mail_of(request), self.clock.now_us)
        return self.page(request, "unsubscribes", rows)

    def automations(self, request: Request) -> str:
        """Answer GET /automations."""
        rows = self.filtered(request, self.records.automations(self.clock.now_us))
        return self.page(request, "automations", rows)

    def automation_emails(self, request: Request) -> str:
        """Answer GET /automations/{id}/emails."""
        flow = request.path_params["id"]
        rows = self.records.automation_emails(flow, self.clock.now_us)
        if not rows:
            raise resource_missing()
        return self.page(request, "emails", rows)


def read_number(request: Request, name: str, default: int, highest: int) -> int:
    """Return a paging parameter. Raise ProblemError."""
    text = request.query_params.get(name, str(default))
    if not text.isdigit() or int(text) > highest:
        raise invalid(name, f"Value must be an integer from 0 to {highest}.")
    return int(text)


def read_time(name: str, text: str) -> float:
    """Return an ISO time as seconds since 1970. Raise ProblemError."""
    try:
        # a plus that was not encoded arrives as a space
        return parse_time(text.replace(" ", "+"), name).timestamp()
    except UserError:
        raise invalid(name, "Value must be an ISO 8601 time.") from None


def moment(text: str) -> float:
    """Return a time of our own as seconds since 1970."""
    return parse_time(text).timestamp()


def invalid(field: str, message: str) -> ProblemError:
    """Return the problem of a bad parameter."""
    detail = "The resource submitted could not be validated. See the 'errors' array."
    return ProblemError(400, "Invalid Resource", detail, [{"field": field, "message": message}])


def api_key_invalid() -> ProblemError:
    """Return the problem of a wrong key."""
    detail = "Your API key may be invalid, or you've attempted to access the wrong datacenter."
    return ProblemError(401, "API Key Invalid", detail)


def too_many() -> ProblemError:
    """Return the problem of too many simultaneous connections."""
    detail = "You have exceeded the limit of 10 simultaneous connections."
    return ProblemError(429, "Too Many Requests", detail)


def resource_missing() -> ProblemError:
    """Return the problem of a path without a resource."""
    return ProblemError(404, "Resource Not Found", "The requested resource could not be found.")


async def not_found(request: Request, _: Exception) -> Response:
    """Answer an unknown path."""
    return resource_missing().answer() if "/3.0" in request.url.path else HTMLResponse("", 404)


EMULATOR = Mailchimp
