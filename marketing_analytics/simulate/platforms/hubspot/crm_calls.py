"""Calls of the CRM: objects, search, associations, properties, owners, pipelines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from marketing_analytics.simulate.emulation.control import SimulatedClock
from marketing_analytics.simulate.platforms.hubspot import definitions
from marketing_analytics.simulate.platforms.hubspot.associations import associated, batch_associated
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
    read_number,
    refuse_unknown,
    type_named,
)
from marketing_analytics.simulate.platforms.hubspot.refusals import invalid, missing
from marketing_analytics.simulate.platforms.hubspot.search import found_by, search_limit

MOST_INPUTS = 100


class CrmCalls:
    """Answers the calls of the CRM of one account, which exists `since` a time."""

    def __init__(
        self, crm: CrmObjects, clock: SimulatedClock, knobs: dict[str, float], since: str
    ) -> None:
        self.crm = crm
        self.clock = clock
        self.knobs = knobs
        self.since = since

    def routes(self) -> list[tuple[str, str, Callable[..., Any]]]:
        """Return method, path and handler of every call."""
        objects = "/crm/v3/objects/{kind}"
        return [
            ("GET", objects, self.list_objects),
            ("POST", f"{objects}/search", self.search),
            ("POST", f"{objects}/batch/read", self.read_batch),
            ("GET", f"{objects}/{{id}}", self.one_object),
            ("POST", "/crm/v4/associations/{kind}/{to}/batch/read", self.read_associations),
            ("GET", "/crm/v4/objects/{kind}/{id}/associations/{to}", self.associations_of),
            ("GET", "/crm/v3/properties/{kind}", self.properties),
            ("GET", "/crm/v3/properties/{kind}/{name}", self.one_property),
            ("GET", "/crm/v3/schemas", self.schemas),
            ("GET", "/crm/v3/owners", self.owners),
            ("GET", "/crm/v3/pipelines/{kind}", self.pipelines),
        ]

    def living(self, kind: str, *, is_archived: bool, now_us: int | None = None) -> list[CrmObject]:
        """Return the objects of a type that are archived, or those that are not."""
        now_us = self.clock.now_us if now_us is None else now_us
        found = self.crm.of(kind, self.clock.now_us).values()
        return [one for one in found if (one.archived_us <= now_us) == is_archived]

    def list_objects(self, request: Request) -> dict[str, Any]:
        """Answer GET /crm/v3/objects/{kind}: a page in order of the ids."""
        kind = type_named(request.path_params["kind"])
        refuse_unknown(
            request, "limit", "after", "properties", "propertiesWithHistory", "propertyMode",
            "associations", "archived",
        )  # fmt: skip
        is_archived = read_flag(request, "archived")
        names = named_properties(kind, read_list(request, "properties"))
        page, paging = page_of(
            request,
            self.living(kind, is_archived=is_archived),
            lambda one: one.object_id,
            # a page with the history of properties is half as long
            most=50 if read_list(request, "propertiesWithHistory") else 100,
        )
        wanted = read_list(request, "associations")
        rows = [
            one.as_json(names, is_archived=is_archived)
            | associated(kind, one, wanted)
            | one.history(read_list(request, "propertiesWithHistory"))
            for one in page
        ]
        return {"results": rows, **paging}

    def search(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Answer POST /crm/v3/objects/{kind}/search; what changed just now is not found yet."""
        kind = type_named(request.path_params["kind"])
        offset, limit = search_limit(body, int(self.knobs["search_ceiling"]))
        indexed_us = self.clock.now_us - int(self.knobs["search_lag_seconds"] * 1_000_000)
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
        refuse_unknown(request, "limit")
        kind = type_named(request.path_params["kind"])
        found = definitions.pipelines(self.since) if kind == "deals" else []
        return {"results": found[: read_number(request, "limit", len(found))]}

    def schemas(self, request: Request) -> dict[str, Any]:
        """Answer GET /crm/v3/schemas: the account has no types of objects of its own."""
        refuse_unknown(request)
        return {"results": []}


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
