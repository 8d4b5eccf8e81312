"""HubSpot's API: CRM objects, search, associations, pipelines, campaigns, e-mails, workflows.

`/crm/v3/objects/T`, `/T/X`, `/T/batch/read`, `/T/search` for contacts, companies and deals;
`/crm/v4/associations/T/U/batch/read`, `/crm/v4/objects/T/X/associations/U`; `/crm/v3/properties/T`,
`/crm/v3/owners`, `/crm/v3/pipelines/deals`; `/marketing/v3/campaigns`, `/marketing/v3/emails`;
`/automation/v4/flows`, `/automation/v4/flows/email-campaigns`.

Knobs: `search_ceiling`, `search_lag_seconds`, `burst_limit` (in ten seconds), `search_limit` (in
one), `daily_limit`, `token_minutes` (0: the token of a private app, which never expires).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from marketing_analytics.simulate.emulation.control import PlatformControl, SimulatedClock
from marketing_analytics.simulate.emulation.world_files import WorldFiles
from marketing_analytics.simulate.platforms.hubspot import definitions
from marketing_analytics.simulate.platforms.hubspot.associations import associated, batch_associated
from marketing_analytics.simulate.platforms.hubspot.limits import CallLimits
from marketing_analytics.simulate.platforms.hubspot.marketing import CAMPAIGN_PROPERTIES, Marketing
from marketing_analytics.simulate.platforms.hubspot.objects import (
    CrmObject,
    CrmObjects,
    hubspot_time,
)
from marketing_analytics.simulate.platforms.hubspot.parameters import (
    named_properties,
    page_of,
    read_flag,
    read_list,
    refuse_unknown,
    type_named,
)
from marketing_analytics.simulate.platforms.hubspot.refusals import (
    RefusalError,
    expired_token,
    invalid,
    invalid_token,
    missing,
    over_limit,
)
from marketing_analytics.simulate.platforms.hubspot.search import found_by, search_limit

KNOBS = {
    "search_ceiling": 10_000,
    "search_lag_seconds": 10,
    # a real account has 100 to 250; more here, since tests would only wait for the wall clock
    "burst_limit": 1_000,
    "search_limit": 5,
    "daily_limit": 250_000,
    "token_minutes": 0,
}
LONG_WAIT_SECONDS = 60
MOST_INPUTS = 100
EMAIL_SORTS = ("id", "name", "createdAt", "updatedAt")
MINUTE_US = 60_000_000


class HubSpot:
    """The emulator of one world."""

    def __init__(self, world: WorldFiles, clock: SimulatedClock) -> None:
        self.clock = clock
        self.crm = CrmObjects(world)
        self.marketing = Marketing(world)
        self.token = f"pat-na1-{world.seed:032x}"
        self.since = hubspot_time(min(mail["created_us"] for mail in self.marketing.mails))
        self.limits = CallLimits()
        self.control = PlatformControl(
            "hubspot", clock, self.refuse, self.limits.forget, knobs=dict(KNOBS)
        )
        objects, to = "/crm/v3/objects/{kind}", "associations/{to}"
        routes: list[tuple[str, str, Callable[..., Any]]] = [
            ("GET", objects, self.list_objects),
            ("POST", f"{objects}/search", self.search),
            ("POST", f"{objects}/batch/read", self.read_batch),
            ("GET", f"{objects}/{{id}}", self.one_object),
            ("POST", "/crm/v4/associations/{kind}/{to}/batch/read", self.read_associations),
            ("GET", f"/crm/v4/objects/{{kind}}/{{id}}/{to}", self.associations_of),
            ("GET", "/crm/v3/properties/{kind}", self.properties),
            ("GET", "/crm/v3/properties/{kind}/{name}", self.one_property),
            ("GET", "/crm/v3/owners", self.owners),
            ("GET", "/crm/v3/pipelines/{kind}", self.pipelines),
            ("GET", "/marketing/v3/campaigns", self.campaigns),
            ("GET", "/marketing/v3/campaigns/{id}", self.one_campaign),
            ("GET", "/marketing/v3/emails", self.emails),
            ("GET", "/marketing/v3/emails/{id}", self.one_email),
            ("GET", "/automation/v4/flows", self.workflows),
            ("GET", "/automation/v4/flows/email-campaigns", self.workflow_emails),
        ]
        # HubSpot takes an address with and without a slash at its end
        self.app = Starlette(
            routes=[
                Route(path + slash, self.guarded(handler), methods=[method])
                for method, path, handler in routes
                for slash in ("", "/")
            ],
            exception_handlers={404: unknown_route, 405: unknown_method},
        )

    def settings(self, url: str) -> dict[str, str]:
        """Return the settings of a client."""
        return {"HUBSPOT_BASE_URL": url, "HUBSPOT_ACCESS_TOKEN": self.token}

    def refuse(self, kind: str, retry_after: float | None, request: Request) -> Response:
        """Return the error body of an injected fault."""
        if kind == "expired_token":
            return expired_token().answer()
        if kind == "status_429":
            is_long = (retry_after or 0) > LONG_WAIT_SECONDS
            return over_limit("DAILY" if is_long else "TEN_SECONDLY_ROLLING", retry_after).answer()
        return RefusalError(500, "INTERNAL_ERROR", "internal error").answer()

    def guarded(self, handler: Callable[..., Any]) -> Any:
        """Return an endpoint that checks token and limits, and renders refusals."""

        async def endpoint(request: Request) -> Response:
            try:
                self.check_token(request)
                self.limits.count(request, self.clock.now_us, self.control.knobs)
                if request.method == "POST":
                    body = handler(request, await body_of(request))
                else:
                    body = handler(request)
            except RefusalError as refusal:
                return refusal.answer()
            answer = body if isinstance(body, Response) else JSONResponse(body)
            self.limits.tell(answer, self.control.knobs)
            return answer

        return endpoint

    def check_token(self, request: Request) -> None:
        """Raise RefusalError unless the token is right and its time is not over."""
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or value.strip() != self.token:
            raise invalid_token()
        minutes = self.control.knobs["token_minutes"]
        if minutes and self.clock.now_us > self.clock.start_us + minutes * MINUTE_US:
            raise expired_token()

    def living(self, kind: str, *, is_archived: bool, now_us: int | None = None) -> list[CrmObject]:
        """Return the objects of a type that are archived, or those that are not."""
        now_us = self.clock.now_us if now_us is None else now_us
        found = self.crm.of(kind, self.clock.now_us).values()
        return [one for one in found if (one.archived_us <= now_us) == is_archived]

    def list_objects(self, request: Request) -> dict[str, Any]:
        """Answer GET /crm/v3/objects/{kind}: a page in order of the ids."""
        kind = type_named(request.path_params["kind"])
        refuse_unknown(request, "limit", "after", "properties", "associations", "archived")
        is_archived = read_flag(request, "archived")
        names = named_properties(kind, read_list(request, "properties"))
        page, paging = page_of(
            request, self.living(kind, is_archived=is_archived), lambda one: one.object_id, most=100
        )
        wanted = read_list(request, "associations")
        rows = [
            one.as_json(names, is_archived=is_archived) | associated(kind, one, wanted)
            for one in page
        ]
        return {"results": rows, **paging}

    def search(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Answer POST /crm/v3/objects/{kind}/search; what changed just now is not found yet."""
        kind = type_named(request.path_params["kind"])
        offset, limit = search_limit(body, int(self.control.knobs["search_ceiling"]))
        indexed_us = self.clock.now_us - int(self.control.knobs["search_lag_seconds"] * 1_000_000)
        objects = [
            one for one in self.living(kind, is_archived=False) if one.updated_us <= indexed_us
        ]
        found = found_by(kind, body, objects)
        names = named_properties(kind, body.get("properties") or [])
        end = offset + limit
        rows = [one.as_json(names, is_archived=False) for one in found[offset:end]]
        paging = {"paging": {"next": {"after": str(end)}}} if end < len(found) else {}
        return {"total": len(found), "results": rows, **paging}

    def read_batch(self, request: Request, body: dict[str, Any]) -> Response:
        """Answer POST /crm/v3/objects/{kind}/batch/read."""
        kind = type_named(request.path_params["kind"])
        refuse_unknown(request, "archived")
        is_archived = read_flag(request, "archived")
        if unknown := set(body) - {"inputs", "properties", "propertiesWithHistory"}:
            raise invalid(f'Invalid input JSON: Unrecognized field "{min(unknown)}"')
        if body.get("propertiesWithHistory"):
            raise invalid("propertiesWithHistory is not kept here", where="propertiesWithHistory")
        wanted = [str(given.get("id")) for given in body.get("inputs") or []]
        if not wanted or len(wanted) > MOST_INPUTS:
            raise invalid(f"inputs must be from 1 to {MOST_INPUTS}", where="inputs")
        names = named_properties(kind, body.get("properties") or [])
        known = {str(one.object_id): one for one in self.living(kind, is_archived=is_archived)}
        rows = [known[w].as_json(names, is_archived=is_archived) for w in wanted if w in known]
        absent = [w for w in wanted if w not in known]
        return batch_answer(rows, absent, "Could not get some objects", self.clock.now_us)

    def one_object(self, request: Request) -> dict[str, Any]:
        """Answer GET /crm/v3/objects/{kind}/{id}, or by address with `idProperty=email`."""
        kind = type_named(request.path_params["kind"])
        refuse_unknown(request, "properties", "associations", "archived", "idProperty")
        is_archived = read_flag(request, "archived")
        key = request.query_params.get("idProperty", "hs_object_id")
        if key != "hs_object_id" and (kind, key) != ("contacts", "email"):
            raise invalid(f"{key} is not a unique property", where="idProperty")
        names = named_properties(kind, read_list(request, "properties"))
        wanted = read_list(request, "associations")
        for one in self.living(kind, is_archived=is_archived):
            if one.properties[key] == request.path_params["id"]:
                return one.as_json(names, is_archived=is_archived) | associated(kind, one, wanted)
        raise missing()

    def read_associations(self, request: Request, body: dict[str, Any]) -> Response:
        """Answer POST /crm/v4/associations/{kind}/{to}/batch/read."""
        kind, to = type_named(request.path_params["kind"]), type_named(request.path_params["to"])
        refuse_unknown(request)
        rows, absent = batch_associated(kind, to, body, self.crm.of(kind, self.clock.now_us))
        return batch_answer(rows, absent, f"No {to} is associated with", self.clock.now_us)

    def associations_of(self, request: Request) -> dict[str, Any]:
        """Answer GET /crm/v4/objects/{kind}/{id}/associations/{to}."""
        kind, to = type_named(request.path_params["kind"]), type_named(request.path_params["to"])
        refuse_unknown(request)
        given = {"inputs": [{"id": request.path_params["id"]}]}
        objects = self.crm.of(kind, self.clock.now_us)
        if request.path_params["id"] not in map(str, objects):
            raise missing()
        rows, _ = batch_associated(kind, to, given, objects)
        return {"results": rows[0]["to"] if rows else []}

    def properties(self, request: Request) -> dict[str, Any]:
        """Answer GET /crm/v3/properties/{kind}."""
        kind = type_named(request.path_params["kind"])
        refuse_unknown(request, "archived")
        is_archived = read_flag(request, "archived")
        found = [] if is_archived else definitions.property_definitions(kind, self.since)
        return {"results": found}

    def one_property(self, request: Request) -> dict[str, Any]:
        """Answer GET /crm/v3/properties/{kind}/{name}."""
        for one in self.properties(request)["results"]:
            if one["name"] == request.path_params["name"]:
                return dict(one)
        raise missing(f"Property {request.path_params['name']} does not exist")

    def owners(self, request: Request) -> dict[str, Any]:
        """Answer GET /crm/v3/owners."""
        refuse_unknown(request, "limit", "after", "archived", "email")
        is_archived = read_flag(request, "archived")
        rows = [] if is_archived else definitions.owners(self.since)
        if email := request.query_params.get("email"):
            rows = [row for row in rows if row["email"] == email]
        page, paging = page_of(request, rows, lambda row: int(row["id"]), most=500, default=100)
        return {"results": page, **paging}

    def pipelines(self, request: Request) -> dict[str, Any]:
        """Answer GET /crm/v3/pipelines/deals."""
        refuse_unknown(request)
        if type_named(request.path_params["kind"]) != "deals":
            raise invalid("This object type has no pipelines here", where="objectType")
        return {"results": definitions.pipelines(self.since)}

    def campaigns(self, request: Request) -> dict[str, Any]:
        """Answer GET /marketing/v3/campaigns."""
        refuse_unknown(request, "limit", "after", "name", "properties", "sort")
        rows = self.marketing.campaigns(self.clock.now_us)
        if name := request.query_params.get("name"):
            rows = [row for row in rows if name.lower() in row["properties"]["hs_name"].lower()]
        sort = request.query_params.get("sort", "hs_name")
        if sort.lstrip("-") not in {"hs_name", "createdAt", "updatedAt"}:
            raise invalid(f"{sort!r} is not a sort", where="sort")
        key = sort.lstrip("-")
        rows.sort(
            key=lambda row: row["properties"]["hs_name"] if key == "hs_name" else row[key],
            reverse=sort.startswith("-"),
        )
        page, paging = page_of(request, rows, None, most=100, default=50)
        shown = [self.with_named(request, row) for row in page]
        return {"total": len(rows), "results": shown, **paging}

    def one_campaign(self, request: Request) -> dict[str, Any]:
        """Answer GET /marketing/v3/campaigns/{id}."""
        refuse_unknown(request, "properties")
        for row in self.marketing.campaigns(self.clock.now_us):
            if row["id"] == request.path_params["id"]:
                return self.with_named(request, row) | {"assets": {}}
        raise missing("Campaign not found")

    def with_named(self, request: Request, row: dict[str, Any]) -> dict[str, Any]:
        """Return a campaign with the properties that were asked for; those unknown are left out."""
        wanted = read_list(request, "properties") or ["hs_name"]
        values = {n: row["properties"][n] for n in wanted if n in CAMPAIGN_PROPERTIES}
        return {**row, "properties": values}

    def emails(self, request: Request) -> dict[str, Any]:
        """Answer GET /marketing/v3/emails."""
        refuse_unknown(
            request, "limit", "after", "archived", "includeStats", "type", "isPublished", "sort",
            "workflowNames", "marketingCampaignNames",
        )  # fmt: skip
        rows = [] if read_flag(request, "archived") else self.marketing.emails(self.clock.now_us)
        if kind := request.query_params.get("type"):
            rows = [row for row in rows if row["type"] == kind]
        if "isPublished" in request.query_params:
            is_wanted = read_flag(request, "isPublished")
            rows = [row for row in rows if row["isPublished"] == is_wanted]
        for sort in reversed(request.query_params.getlist("sort")):
            if sort.lstrip("-") not in EMAIL_SORTS:
                raise invalid(f"{sort!r} is not a sort", where="sort")
            rows.sort(key=lambda row: row[sort.lstrip("-")], reverse=sort.startswith("-"))
        page, paging = page_of(request, rows, None, most=100, default=10)
        return {"total": len(rows), "results": [shown(request, row) for row in page], **paging}

    def one_email(self, request: Request) -> dict[str, Any]:
        """Answer GET /marketing/v3/emails/{id}."""
        refuse_unknown(
            request, "archived", "includeStats", "workflowNames", "marketingCampaignNames"
        )
        for row in self.marketing.emails(self.clock.now_us):
            if row["id"] == request.path_params["id"] and not read_flag(request, "archived"):
                return shown(request, row)
        raise missing("Email not found")

    def workflows(self, request: Request) -> dict[str, Any]:
        """Answer GET /automation/v4/flows."""
        refuse_unknown(request, "limit", "after")
        rows = self.marketing.workflows()
        page, paging = page_of(request, rows, None, most=100, default=100)
        return {"results": page, **paging}

    def workflow_emails(self, request: Request) -> dict[str, Any]:
        """Answer GET /automation/v4/flows/email-campaigns."""
        refuse_unknown(request, "limit", "after", "flowId")
        rows = self.marketing.workflow_emails()
        if wanted := request.query_params.getlist("flowId"):
            rows = [row for row in rows if row["flowId"] in wanted]
        page, paging = page_of(request, rows, None, most=100, default=100)
        return {"results": page, **paging}


def shown(request: Request, row: dict[str, Any]) -> dict[str, Any]:
    """Return an e-mail with what was asked for beside itself."""
    left_out = set()
    if not read_flag(request, "includeStats"):
        left_out.add("stats")
    if not read_flag(request, "workflowNames"):
        left_out.add("workflowNames")
    if not read_flag(request, "marketingCampaignNames"):
        left_out.add("campaignName")
    return {name: value for name, value in row.items() if name not in left_out}


def batch_answer(
    rows: list[dict[str, Any]], absent: list[str], complaint: str, now_us: int
) -> Response:
    """Return the answer of a batch: 207 where something was not found."""
    moment = hubspot_time(now_us)
    body: dict[str, Any] = {"status": "COMPLETE", "results": rows}
    if absent:
        body |= {
            "numErrors": len(absent),
            "errors": [
                {
                    "status": "error",
                    "category": "OBJECT_NOT_FOUND",
                    "message": f"{complaint} {object_id}",
                    "context": {"fromObjectId": [object_id]},
                    "errors": [],
                    "links": {},
                }
                for object_id in absent
            ],
        }
    return JSONResponse(body | {"startedAt": moment, "completedAt": moment}, 207 if absent else 200)


async def body_of(request: Request) -> dict[str, Any]:
    """Return the JSON object of a request. Raise RefusalError."""
    if "json" not in request.headers.get("content-type", ""):
        raise RefusalError(415, "VALIDATION_ERROR", "Content-Type must be application/json")
    try:
        body = json.loads(await request.body())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise invalid("Invalid input JSON on line 1, column 1")
    return body


async def unknown_route(_: Request, __: Exception) -> Response:
    """Answer an address that leads nowhere."""
    return missing().answer()


async def unknown_method(request: Request, _: Exception) -> Response:
    """Answer a method that an address does not take."""
    return RefusalError(405, "VALIDATION_ERROR", f"{request.method} is not allowed").answer()


EMULATOR = HubSpot
