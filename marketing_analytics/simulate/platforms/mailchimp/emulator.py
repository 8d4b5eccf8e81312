"""Mailchimp Marketing API 3.0: audiences, members, campaigns, reports, automations, batches.

Errors are RFC 7807 problem documents; lists are paged by offset and count, and answer with the
fields that are asked for. Parameters that are not known here are refused.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Match, Route

from marketing_analytics.simulate.emulation.control import PlatformControl, SimulatedClock
from marketing_analytics.simulate.emulation.world_files import WorldFiles
from marketing_analytics.simulate.platforms.mailchimp.answers import (
    CHOICE,
    PAGING,
    SORTING,
    ProblemError,
    api_key_invalid,
    check_parameters,
    chosen,
    invalid,
    method_not_allowed,
    page,
    read_time,
    resource_missing,
    selected,
    sides_of,
    too_many,
)
from marketing_analytics.simulate.platforms.mailchimp.batches import Batches
from marketing_analytics.simulate.platforms.mailchimp.details import click_details, open_details
from marketing_analytics.simulate.platforms.mailchimp.members import MemberRecords
from marketing_analytics.simulate.platforms.mailchimp.records import MailRecords, mail_time

DATA_CENTRE = "us21"
CONNECTION_LIMIT = 10
# a request holds its connection this long, so that simultaneous ones can be counted
LATENCY_SECONDS = 0.002
MEMBER_STATUSES = (
    "subscribed", "unsubscribed", "cleaned", "pending", "transactional", "archived",
)  # fmt: skip

Handler = Callable[[Request], Any]


class Mailchimp:
    """The emulator of one world."""

    def __init__(self, world: WorldFiles, clock: SimulatedClock) -> None:
        self.clock = clock
        self.records = MailRecords(world)
        self.members = MemberRecords(world, self.records)
        self.api_key = f"{world.seed:032x}-{DATA_CENTRE}"
        self.batches = Batches(self.ask, self.api_key)
        self.control = PlatformControl(
            "mailchimp", clock, self.refuse, connection_limit=CONNECTION_LIMIT
        )
        routes: list[tuple[str, Handler]] = [
            ("/", self.root),
            ("/ping", lambda _: {"health_status": "Everything's Chimpy!"}),
            ("/lists", self.lists),
            ("/lists/{id}", self.one_list),
            ("/lists/{id}/members", self.list_members),
            ("/lists/{id}/members/{member}", self.one_member),
            ("/lists/{id}/segments", self.segments),
            ("/lists/{id}/segments/{segment}/members", self.segment_members),
            ("/lists/{id}/growth-history", self.growth),
            ("/lists/{id}/interest-categories", self.none_of_list("categories")),
            ("/lists/{id}/tag-search", self.none_of_list("tags")),
            ("/campaigns", self.campaigns),
            ("/campaigns/{id}", self.campaign),
            ("/reports", self.reports),
            ("/reports/{id}", self.report),
            ("/reports/{id}/email-activity", self.activity),
            ("/reports/{id}/sent-to", self.sent_to),
            ("/reports/{id}/unsubscribed", self.unsubscribed),
            ("/reports/{id}/click-details", self.clicks),
            ("/reports/{id}/open-details", self.opens),
            ("/automations", self.automations),
            ("/automations/{id}/emails", self.automation_emails),
            ("/templates", lambda request: self.listed(request, "templates", [])),
            ("/batches/{id}", self.batch),
        ]
        self.reads = [Route(f"/3.0{path}", self.guarded(handler)) for path, handler in routes]
        self.handlers = {f"/3.0{path}": handler for path, handler in routes}
        self.app = Starlette(
            routes=[
                *self.reads,
                Route("/3.0/batches", self.guarded(self.batch_list), methods=["GET"]),
                Route("/3.0/batches", self.submit_batch, methods=["POST"]),
                # the address of an archive is a secret of its own
                Route("/batch-results/{id}.tar.gz", self.archive),
            ],
            exception_handlers={404: not_found, 405: wrong_method},
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

    def ask(self, path: str, params: dict[str, Any]) -> tuple[int, str]:
        """Return status and body of a read inside of a batch."""
        scope = {
            "type": "http",
            "method": "GET",
            "path": f"/3.0/{path.lstrip('/')}",
            "root_path": "",
            "headers": [],
            "query_string": urlencode(params).encode(),
        }
        try:
            for route in self.reads:
                match, child = route.matches(scope)
                if match is Match.FULL:
                    body = self.handlers[route.path](Request({**scope, **child}))
                    return 200, body if isinstance(body, str) else json.dumps(body)
            raise resource_missing()
        except ProblemError as problem:
            return problem.status, json.dumps(problem.body)

    def listed(
        self,
        request: Request,
        name: str,
        rows: list[dict[str, Any]],
        times: Sequence[str] = (),
        texts: Sequence[str] = (),
        extra: dict[str, Any] | None = None,
    ) -> str:
        """Return a page of a list that can be narrowed by times and by texts, and ordered."""
        order = SORTING if times else ()
        check_parameters(request, (*PAGING, *order, *sides_of(times), *texts))
        return page(request, name, selected(request, rows, times, texts), extra=extra)

    def single(self, request: Request, body: dict[str, Any]) -> Any:
        """Return one resource, as far as its fields are asked for."""
        check_parameters(request, CHOICE)
        return chosen(request, body)

    def root(self, request: Request) -> Any:
        """Answer GET / with the account."""
        total = sum(row["stats"]["member_count"] for row in self.members.lists(self.clock.now_us))
        account = {"account_id": self.api_key[:10], "account_name": "The Shop"}
        return self.single(request, {**account, "total_subscribers": total, "_links": []})

    def lists(self, request: Request) -> str:
        """Answer GET /lists."""
        return self.listed(
            request, "lists", self.members.lists(self.clock.now_us), ("date_created",)
        )

    def list_of(self, request: Request) -> str:
        """Return the audience of the path. Raise ProblemError when there is none."""
        list_id: str = request.path_params["id"]
        if self.members.audience(list_id) is None:
            raise resource_missing()
        return list_id

    def one_list(self, request: Request) -> Any:
        """Answer GET /lists/{id}."""
        wanted = self.list_of(request)
        rows = self.members.lists(self.clock.now_us)
        return self.single(request, next(row for row in rows if row["id"] == wanted))

    def list_members(self, request: Request) -> str:
        """Answer GET /lists/{id}/members."""
        list_id = self.list_of(request)
        status = request.query_params.get("status")
        if status and status not in MEMBER_STATUSES:
            raise invalid("status", f"The value is not one of {', '.join(MEMBER_STATUSES)}.")
        rows = self.members.members(list_id, self.clock.now_us)
        times, texts = ("last_changed", "timestamp_opt"), ("status", "unique_email_id")
        return self.listed(request, "members", rows, times, texts, {"list_id": list_id})

    def one_member(self, request: Request) -> Any:
        """Answer GET /lists/{id}/members/{member}."""
        for row in self.members.members(self.list_of(request), self.clock.now_us):
            if row["id"] == request.path_params["member"]:
                return self.single(request, row)
        raise resource_missing()

    def segments(self, request: Request) -> str:
        """Answer GET /lists/{id}/segments."""
        list_id = self.list_of(request)
        rows = self.members.segments(list_id, self.clock.now_us)
        times, extra = ("created_at", "updated_at"), {"list_id": list_id}
        return self.listed(request, "segments", rows, times, ("type",), extra)

    def segment_members(self, request: Request) -> str:
        """Answer GET /lists/{id}/segments/{segment}/members."""
        list_id, now_us = self.list_of(request), self.clock.now_us
        found = [str(row["id"]) for row in self.members.segments(list_id, now_us)]
        if request.path_params["segment"] not in found:
            raise resource_missing()
        return self.listed(request, "members", self.members.segment_members(list_id, now_us))

    def growth(self, request: Request) -> str:
        """Answer GET /lists/{id}/growth-history."""
        list_id = self.list_of(request)
        rows = self.members.growth(list_id, self.clock.now_us)
        return self.listed(request, "history", rows, extra={"list_id": list_id})

    def none_of_list(self, name: str) -> Handler:
        """Return the handler of something that no audience of the shop has."""

        def answer(request: Request) -> str:
            return self.listed(request, name, [], extra={"list_id": self.list_of(request)})

        return answer

    def campaigns(self, request: Request) -> str:
        """Answer GET /campaigns."""
        rows = self.records.campaigns(self.clock.now_us)
        if wanted := request.query_params.get("list_id"):
            rows = [row for row in rows if row["recipients"]["list_id"] == wanted]
        check_parameters(
            request,
            (
                *PAGING,
                *SORTING,
                *sides_of(("send_time", "create_time")),
                "status",
                "type",
                "list_id",
            ),
        )
        found = selected(request, rows, ("send_time", "create_time"), ("status", "type"))
        return page(request, "campaigns", found)

    def campaign(self, request: Request) -> Any:
        """Answer GET /campaigns/{id}."""
        wanted = request.path_params["id"]
        for row in self.records.campaigns(self.clock.now_us):
            if row["id"] == wanted:
                return self.single(request, row)
        raise resource_missing()

    def reports(self, request: Request) -> str:
        """Answer GET /reports: newsletters and automation mails that were sent."""
        rows = self.records.reports(self.clock.now_us)
        return self.listed(request, "reports", rows, ("send_time",), ("type",))

    def report(self, request: Request) -> Any:
        """Answer GET /reports/{id}."""
        mail = self.records.find(request.path_params["id"], self.clock.now_us)
        if mail is None:
            raise resource_missing()
        return self.single(request, self.records.report(mail, self.clock.now_us))

    def of_mail(
        self, request: Request, name: str, rows_of: Callable[[int, int], Sequence[Any]], *more: str
    ) -> str:
        """Return a page of a report's rows; a campaign that was not sent yet has none."""
        check_parameters(request, (*PAGING, *more))
        wanted, now_us = request.path_params["id"], self.clock.now_us
        mail = self.records.find(wanted, now_us)
        if mail is None and wanted not in {row["id"] for row in self.records.campaigns(now_us)}:
            raise resource_missing()
        rows = [] if mail is None else rows_of(mail, now_us)
        return page(request, name, rows, extra={"campaign_id": wanted})

    def activity(self, request: Request) -> str:
        """Answer GET /reports/{id}/email-activity."""
        text = request.query_params.get("since")
        since_us = int(read_time("since", text) * 1_000_000) if text else -1
        rows_of = partial(self.records.activity, since_us=since_us)
        return self.of_mail(request, "emails", rows_of, "since")

    def sent_to(self, request: Request) -> str:
        """Answer GET /reports/{id}/sent-to."""
        return self.of_mail(request, "sent_to", self.records.sent_to)

    def unsubscribed(self, request: Request) -> str:
        """Answer GET /reports/{id}/unsubscribed."""
        return self.of_mail(request, "unsubscribes", self.records.unsubscribed)

    def clicks(self, request: Request) -> str:
        """Answer GET /reports/{id}/click-details."""
        return self.of_mail(request, "urls_clicked", partial(click_details, self.records))

    def opens(self, request: Request) -> str:
        """Answer GET /reports/{id}/open-details."""
        return self.of_mail(request, "members", partial(open_details, self.records))

    def automations(self, request: Request) -> str:
        """Answer GET /automations."""
        rows = self.records.automations(self.clock.now_us)
        times = ("create_time", "start_time")
        return self.listed(request, "automations", rows, times, ("status",))

    def automation_emails(self, request: Request) -> str:
        """Answer GET /automations/{id}/emails."""
        rows = self.records.automation_emails(request.path_params["id"], self.clock.now_us)
        if not rows:
            raise resource_missing()
        return self.listed(request, "emails", rows)

    def batch_list(self, request: Request) -> str:
        """Answer GET /batches."""
        base_url = str(request.base_url)
        rows = [self.batches.as_json(name, base_url) for name in self.batches.by_id]
        return self.listed(request, "batches", rows)

    def batch(self, request: Request) -> Any:
        """Answer GET /batches/{id}."""
        body = self.batches.as_json(request.path_params["id"], str(request.base_url))
        return self.single(request, body)

    async def submit_batch(self, request: Request) -> Response:
        """Answer POST /batches."""
        try:
            self.check(request)
            body = json.loads(await request.body())
            batch = self.batches.submit(body, mail_time(self.clock.now_us))
        except ProblemError as problem:
            return problem.answer()
        except ValueError:
            return unreadable().answer()
        return JSONResponse(batch.as_json(""))

    async def archive(self, request: Request) -> Response:
        """Answer the address of an archive, without a key of the API."""
        batch_id = request.path_params["id"]
        if request.query_params.get("key") != self.batches.key_of(batch_id):
            return Response(
                "<Error><Code>AccessDenied</Code></Error>", 403, media_type="application/xml"
            )
        return Response(self.batches.find(batch_id).archive(), media_type="application/gzip")


def unreadable() -> ProblemError:
    """Return the problem of a body that is no JSON."""
    return ProblemError(400, "JSON Parse Error", "We encountered an error parsing your JSON.")


async def not_found(request: Request, _: Exception) -> Response:
    """Answer an unknown path."""
    return resource_missing().answer() if "/3.0" in request.url.path else HTMLResponse("", 404)


async def wrong_method(_request: Request, _: Exception) -> Response:
    """Answer a method that a path does not have."""
    return method_not_allowed().answer()


EMULATOR = Mailchimp
