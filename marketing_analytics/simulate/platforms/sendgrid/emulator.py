"""SendGrid v3: statistics, categories, suppressions, the key of the event webhook.

`POST /_webhook/deliver {url, since?}` is a door of the emulator: it posts the events until now to
a receiver, signed. A key that ends with `-without-<scope>` lacks that scope.

Documentation: https://www.twilio.com/docs/sendgrid/api-reference
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from marketing_analytics.simulate.emulation.control import PlatformControl, SimulatedClock
from marketing_analytics.simulate.emulation.world_files import WorldFiles
from marketing_analytics.simulate.platforms.sendgrid import unused
from marketing_analytics.simulate.platforms.sendgrid.mails import (
    GROUP_ID,
    GROUP_NAME,
    MAIN,
    SUBUSER,
)
from marketing_analytics.simulate.platforms.sendgrid.records import MailRecords, stat_rows
from marketing_analytics.simulate.platforms.sendgrid.webhook import Signer, deliver

# requests to one endpoint in a minute; more than SendGrid gives, since tests are in a hurry
RATE_LIMIT = 6_000
RATE_SECONDS = 60
MOST_ROWS = 500
MOST_PAGE_SIZE = 1_000
MOST_CATEGORIES = 10
# a key shows them beside those of its lists
GENERAL_SCOPES = ("suppression.read", "templates.versions.read")
STATS = ("start_date", "end_date", "aggregated_by", "limit", "offset")
TIMES = ("start_time", "end_time", "limit", "offset")


class SendgridError(Exception):
    """An answer with a list of errors."""

    def __init__(self, status: int, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"errors": [{"message": message, "field": field, "help": None}]}


@dataclass(frozen=True)
class Endpoint:
    """What an address answers, the parameters it takes, and the scope that it asks for."""

    answer: Callable[[Request], Any]
    scope: str
    parameters: tuple[str, ...] = ()
    method: str = "GET"


class Sendgrid:
    """The emulator of one world."""

    def __init__(self, world: WorldFiles, clock: SimulatedClock) -> None:
        self.clock = clock
        self.records = MailRecords(world)
        self.signer = Signer(world.seed)
        self.api_key = f"SG.{world.seed:022x}.{world.seed:043x}"
        self.asked: Counter[tuple[str, int]] = Counter()
        self.control = PlatformControl("sendgrid", clock, self.refuse, self.asked.clear)
        endpoints = {
            "/scopes": Endpoint(self.scopes, ""),
            "/stats": Endpoint(self.stats, "stats.read", STATS),
            "/categories": Endpoint(
                self.categories, "categories.read", ("limit", "offset", "category")
            ),
            "/categories/stats": Endpoint(
                self.category_stats, "categories.stats.read", (*STATS, "categories")
            ),
            "/asm/groups": Endpoint(self.groups, "asm.groups.read", ("id",)),
            "/asm/suppressions": Endpoint(
                self.group_suppressions, "asm.groups.suppressions.read", TIMES
            ),
            "/asm/groups/{id}/suppressions": Endpoint(
                self.group_members, "asm.groups.suppressions.read"
            ),
            "/user/webhooks/event/settings/signed": Endpoint(
                lambda _: {"public_key": self.signer.public_key},
                "user.webhooks.event.settings.read",
            ),
            **{
                f"/suppression/{kind}": Endpoint(
                    self.listed(kind), f"suppression.{kind}.read", (*TIMES, "email")
                )
                for kind in ("bounces", "blocks", "invalid_emails", "spam_reports", "unsubscribes")
            },
            **unused_endpoints(),
        }
        self.known_scopes = sorted(
            {one.scope for one in endpoints.values()} - {""} | set(GENERAL_SCOPES)
        )
        self.app = Starlette(
            routes=[
                *(
                    Route(f"/v3{path}", self.guarded(path, one), methods=[one.method])
                    for path, one in endpoints.items()
                ),
                Route("/_webhook/deliver", self.deliver, methods=["POST"]),
                Route("/_exports/{name}", unused.export_file),
            ],
            exception_handlers={404: not_found, 405: not_allowed},
        )

    def settings(self, url: str) -> dict[str, str]:
        """Return the settings of a client."""
        return {
            "SENDGRID_BASE_URL": f"{url}/v3",
            "SENDGRID_API_KEY": self.api_key,
            "SENDGRID_SUBUSERS": SUBUSER,
            "SENDGRID_WEBHOOK_PUBLIC_KEY": self.signer.public_key,
        }

    @property
    def now(self) -> int:
        """Return the time in seconds."""
        return self.clock.now_us // 1_000_000

    def refuse(self, kind: str, retry_after: float | None, _: Request) -> Response:
        """Return the error body of an injected fault."""
        if kind == "expired_token":
            return render(no_access())
        if kind == "status_429":
            error = SendgridError(429, "too many requests")
            return render(error, {"X-RateLimit-Reset": str(reset_after(retry_after))})
        return render(SendgridError(500, "internal error"))

    def guarded(self, path: str, endpoint: Endpoint) -> Any:
        """Return an endpoint that checks access, budget and parameters."""

        async def answer(request: Request) -> Response:
            is_allowed, headers = self.spend(path)
            try:
                if not is_allowed:
                    raise SendgridError(429, "too many requests")
                self.check(request, endpoint)
                problem = unused.export_body_error(await request.body())
                if endpoint.method == "POST" and problem:
                    raise SendgridError(400, problem)
                body = endpoint.answer(request)
            except SendgridError as error:
                return render(error, headers)
            return JSONResponse(body, headers=headers)

        return answer

    def spend(self, path: str) -> tuple[bool, dict[str, str]]:
        """Count a request; return whether the budget allowed it, and the headers."""
        minute = int(time.time()) // RATE_SECONDS
        self.asked[path, minute] += 1
        left = RATE_LIMIT - self.asked[path, minute]
        headers = {
            "X-RateLimit-Limit": str(RATE_LIMIT),
            "X-RateLimit-Remaining": str(max(0, left)),
            "X-RateLimit-Reset": str((minute + 1) * RATE_SECONDS),
        }
        return left >= 0, headers

    def check(self, request: Request, endpoint: Endpoint) -> None:
        """Raise SendgridError unless key, subuser, scope and parameters are right."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if not key:
            raise SendgridError(401, "Permission denied, wrong credentials")
        own, _, lacking = key.partition("-without-")
        if scheme != "Bearer" or own != self.api_key:
            raise no_access()
        if request.headers.get("on-behalf-of", SUBUSER) != SUBUSER:
            raise SendgridError(403, "access forbidden")
        if endpoint.scope and endpoint.scope == lacking:
            raise SendgridError(403, "access forbidden")
        for name in request.query_params:
            if name not in endpoint.parameters:
                raise SendgridError(400, "this parameter is not known", name)
        if not 1 <= read_number(request, "page_size", 1) <= MOST_PAGE_SIZE:
            raise SendgridError(400, f"page_size is from 1 to {MOST_PAGE_SIZE}", "page_size")

    def account(self, request: Request) -> str:
        """Return whose mail is asked for."""
        return request.headers.get("on-behalf-of", MAIN)

    def scopes(self, request: Request) -> Any:
        """Answer GET /scopes."""
        lacking = request.headers["authorization"].partition("-without-")[2]
        return {"scopes": [scope for scope in self.known_scopes if scope != lacking]}

    def stats(self, request: Request) -> Any:
        """Answer GET /stats."""
        return self.page(request, self.stat_rows(request, [""]), 10**6)

    def category_stats(self, request: Request) -> Any:
        """Answer GET /categories/stats."""
        names = request.query_params.getlist("categories")
        if not names:
            raise SendgridError(400, "at least one category is required", "categories")
        if len(names) > MOST_CATEGORIES:
            raise SendgridError(400, "at most 10 categories", "categories")
        return self.page(request, self.stat_rows(request, names), 10**6)

    def stat_rows(self, request: Request, names: list[str]) -> list[dict[str, Any]]:
        """Return the rows of a statistic."""
        unit = request.query_params.get("aggregated_by", "day")
        if unit not in {"day", "week", "month"}:
            raise SendgridError(400, "aggregated_by is day, week or month", "aggregated_by")
        today = datetime.fromtimestamp(self.now, UTC).date()
        start = read_day(request, "start_date", None)
        end = read_day(request, "end_date", today)
        if end < start:
            raise SendgridError(400, "end_date is before start_date", "end_date")
        days = [start + timedelta(days=i) for i in range((end - start).days + 1)]
        counts = self.records.counts(self.now, self.account(request))
        return stat_rows(counts, [day for day in days if day <= today], unit, names)

    def categories(self, request: Request) -> Any:
        """Answer GET /categories; `category` is the beginning of a name."""
        prefix = request.query_params.get("category", "")
        names = self.records.categories(self.now, self.account(request))
        rows = [{"category": name} for name in names if name.startswith(prefix)]
        return self.page(request, rows, 50)

    def listed(self, kind: str) -> Callable[[Request], Any]:
        """Return what answers GET /suppression/<kind>."""

        def answer(request: Request) -> Any:
            rows = self.records.suppressions(kind, self.now, self.account(request))
            if email := request.query_params.get("email"):
                rows = [row for row in rows if row["email"] == email]
            return self.page(request, between(request, rows, "created"), MOST_ROWS)

        return answer

    def groups(self, request: Request) -> Any:
        """Answer GET /asm/groups."""
        wanted = request.query_params.getlist("id")
        if wanted and str(GROUP_ID) not in wanted:
            return []
        members = self.records.suppressions("group", self.now, self.account(request))
        return [
            {
                "id": GROUP_ID,
                "name": GROUP_NAME,
                "description": "Where your parcel is",
                "last_email_sent_at": None,
                "is_default": False,
                "unsubscribes": len(members),
            }
        ]

    def group_suppressions(self, request: Request) -> Any:
        """Answer GET /asm/suppressions: all of them, unless fewer are asked for."""
        rows = self.records.suppressions("group", self.now, self.account(request))
        return self.page(request, between(request, rows, "created_at"), 10**6)

    def group_members(self, request: Request) -> Any:
        """Answer GET /asm/groups/{id}/suppressions: addresses alone."""
        if request.path_params["id"] != str(GROUP_ID):
            raise SendgridError(404, "resource not found")
        rows = self.records.suppressions("group", self.now, self.account(request))
        return [row["email"] for row in rows]

    def page(self, request: Request, rows: list[Any], default: int) -> list[Any]:
        """Return the rows of one page."""
        limit = read_number(request, "limit", default)
        if not 1 <= limit <= max(default, MOST_ROWS):
            raise SendgridError(400, f"limit is from 1 to {MOST_ROWS}", "limit")
        offset = read_number(request, "offset", 0)
        return rows[offset : offset + limit]

    async def deliver(self, request: Request) -> Response:
        """Post the events until now to a receiver; `since` leaves out older ones."""
        try:
            asked = json.loads(await request.body())
            url, since = str(asked["url"]), int(asked.get("since", 0))
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"error": "give url, and since in epoch seconds"}, 400)
        events = [one for one in self.records.events(self.now) if one["timestamp"] >= since]
        statuses = await deliver(self.signer, url, events, self.now)
        return JSONResponse({"events": len(events), "statuses": statuses})


def unused_endpoints() -> dict[str, Endpoint]:
    """Return the endpoints of what the shop does not use."""
    return {
        **{
            path: Endpoint(unused.empty(name, is_paged=is_paged), unused.SCOPE, parameters)
            for path, (name, is_paged, parameters) in unused.LISTS.items()
        },
        "/templates": Endpoint(unused.templates, "templates.read", (*unused.PAGED, "generations")),
        "/contactdb/recipients/search": Endpoint(
            unused.found_recipients,
            unused.SCOPE,
            ("page", "page_size", "created_at", "updated_at"),
        ),
        "/marketing/contacts/exports": Endpoint(unused.start_export, unused.SCOPE, (), "POST"),
        "/marketing/contacts/exports/{id}": Endpoint(unused.export_job, unused.SCOPE),
    }


def between(request: Request, rows: list[Any], field: str) -> list[Any]:
    """Return the rows of a span of time, both ends included."""
    start = read_number(request, "start_time", 0)
    end = read_number(request, "end_time", 10**12)
    return [row for row in rows if start <= row[field] <= end]


def read_number(request: Request, name: str, default: int) -> int:
    """Return a number of a parameter. Raise SendgridError."""
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        raise SendgridError(400, f"{name} is not a whole number", name)
    return int(text)


def read_day(request: Request, name: str, default: date | None) -> date:
    """Return a day of a parameter. Raise SendgridError."""
    text = request.query_params.get(name, str(default or ""))
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007
    except ValueError:
        raise SendgridError(400, f"{name} is not of the form YYYY-MM-DD", name) from None


def reset_after(seconds: float | None) -> int:
    """Return the epoch second of a reset."""
    return round(time.time() + (1 if seconds is None else seconds))


def no_access() -> SendgridError:
    """Return the error of a wrong key."""
    return SendgridError(401, "The provided authorization grant is invalid, expired, or revoked")


def render(error: SendgridError, headers: dict[str, str] | None = None) -> Response:
    """Return the HTTP answer of an error."""
    return JSONResponse(error.body, error.status, headers)


async def not_found(_: Request, __: Exception) -> Response:
    """Answer an unknown path."""
    return render(SendgridError(404, "resource not found"))


async def not_allowed(_: Request, __: Exception) -> Response:
    """Answer an unknown method."""
    return render(SendgridError(405, "method not allowed"))


EMULATOR = Sendgrid
