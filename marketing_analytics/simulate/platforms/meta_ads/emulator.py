"""Meta Marketing API v26.0 (v25.0): accounts, objects, insights (direct and as report runs).

Every request goes through `answer`, batches too: the path says which object and which list of it.
Shapes and error codes: developers.facebook.com/docs/marketing-api/insights.
"""

from __future__ import annotations

import json
import re
import time
from collections import deque
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from marketing_analytics.simulate.emulation.control import PlatformControl, SimulatedClock
from marketing_analytics.simulate.emulation.world_files import WorldFiles
from marketing_analytics.simulate.platforms.meta_ads.batch import read_batch, sub_answer
from marketing_analytics.simulate.platforms.meta_ads.entities import EDGES, TYPES, Entities
from marketing_analytics.simulate.platforms.meta_ads.errors import (
    MetaError,
    token_error,
    unknown_edge,
    unknown_object,
)
from marketing_analytics.simulate.platforms.meta_ads.graph import FIELDS
from marketing_analytics.simulate.platforms.meta_ads.listings import DEFAULT_LIMIT, Listings
from marketing_analytics.simulate.platforms.meta_ads.parameters import (
    PAGING,
    Parameters,
    check_known,
    read_fields,
    read_flag,
    read_limit,
    read_names,
    read_parameters,
)
from marketing_analytics.simulate.platforms.meta_ads.reports.insights import Insights, Scope
from marketing_analytics.simulate.platforms.meta_ads.reports.runs import ReportRun, ReportRuns

VERSIONS = ("v25.0", "v26.0")
METHODS = ["GET", "POST", "DELETE", "PUT", "PATCH"]
INSIGHTS_LIMIT = 1_000
# score of reads that decays over 300 s; a full hour of it would be 100 %
USAGE_WINDOW_SECONDS, USAGE_FULL = 300.0, 6_000
REPORTED = ("account", "campaigns", "adsets", "ads")
# the user of the token: it owns no business, and nobody is assigned to its accounts
ME = {"id": "100000000000001", "name": "Reader of ads"}
EMPTY_LISTS = {"me": ("business_users",), "account": ("assigned_users",), "ads": ("leads",)}


class MetaAds:
    """The emulator of one world."""

    def __init__(self, world: WorldFiles, clock: SimulatedClock) -> None:
        self.clock = clock
        self.token = f"EAAsim{world.seed}MetaToken"
        self.entities = Entities(world)
        self.insights = Insights(world, self.entities)
        self.listings = Listings(self.entities, self.token)
        self.runs = ReportRuns()
        self.calls: deque[float] = deque()
        self.control = PlatformControl(
            "meta_ads",
            clock,
            self.refuse,
            self.runs.by_id.clear,
            withheld=self.insights.delivery.withheld,
        )
        self.app = Starlette(routes=[Route("/{path:path}", self.endpoint, methods=METHODS)])

    def settings(self, url: str) -> dict[str, str]:
        """Return the settings of a client."""
        return {
            "META_ADS_BASE_URL": f"{url}/v26.0",
            "META_ADS_ACCESS_TOKEN": self.token,
            "META_ADS_ACCOUNT_IDS": ",".join(self.entities.accounts),
        }

    def refuse(self, kind: str, retry_after: float | None, request: Request) -> Response:
        """Return the error body of an injected fault."""
        if kind == "status_429":
            # the header counts minutes, and no wait would be no throttle
            minutes = max(1, round((retry_after or 60) / 60))
            message = (
                "(#80000) There have been too many calls from this ad-account. Wait a bit and "
                "try again."
            )
            response = MetaError(
                message, code=80_000, subcode=2_446_079, is_transient=True
            ).answer()
            usage = self.business_usage(100, minutes)
            response.headers["x-business-use-case-usage"] = json.dumps(usage)
            if retry_after is not None:
                response.headers["retry-after"] = str(round(retry_after))
            return response
        if kind == "expired_token":
            said = "Error validating access token: Session has expired."
            return token_error(said, 463).answer()
        message = "An unexpected error has occurred. Please retry your request later."
        return MetaError(message, code=2, is_transient=True, status=500).answer()

    async def endpoint(self, request: Request) -> Response:
        """Answer one request, which may hold others."""
        try:
            parameters = await read_parameters(request)
            self.check_token(request, parameters)
            if "batch" in parameters:
                body: Any = self.answer_batch(request, parameters)
            else:
                method = parameters.get("method", request.method).upper()
                body = self.answer(request, method, request.path_params["path"], parameters)
        except MetaError as error:
            return self.with_usage(error.answer())
        return self.with_usage(JSONResponse(body))

    def check_token(self, request: Request, parameters: Parameters) -> None:
        """Raise MetaError unless the token is right."""
        header = request.headers.get("authorization", "")
        token = header.removeprefix("Bearer ").strip() or parameters.get("access_token", "")
        if not token:
            raise MetaError("An access token is required to request this resource.", code=104)
        if token != self.token:
            raise MetaError("Invalid OAuth access token - Cannot parse access token", code=190)

    def answer_batch(self, request: Request, parameters: Parameters) -> list[dict[str, Any]]:
        """Return the answers to the requests of a batch, in order. Raise MetaError."""
        check_known(parameters, ("batch", "include_headers"))
        with_headers = read_flag({"include_headers": "true", **parameters}, "include_headers")
        answers = []
        for one in read_batch(parameters):
            try:
                body = self.answer(request, one.method, one.path, one.parameters)
                answers.append(sub_answer(self.with_usage(JSONResponse(body)), with_headers))
            except MetaError as error:
                answers.append(sub_answer(self.with_usage(error.answer()), with_headers))
        return answers

    def answer(self, request: Request, method: str, path: str, parameters: Parameters) -> Any:
        """Return the body of an answer. Raise MetaError."""
        node, edge = read_path(method, path)
        if method != "GET" and not (method == "POST" and edge == "insights"):
            raise MetaError("(#200) Requires ads_management permission", code=200, status=403)
        if node == "me":
            return self.answer_me(request, edge, parameters)
        if node in self.runs.by_id and method == "GET":
            return self.answer_run(request, self.runs.by_id[node], edge, parameters)
        scope = self.scope_of(node, method)
        if not edge:
            return self.show(scope, node, parameters)
        if edge == "insights" and scope.kind in REPORTED:
            return self.answer_insights(request, method, scope, parameters)
        if edge in EMPTY_LISTS.get(scope.kind, ()):
            check_known(parameters, ("fields", "business", "filtering", *PAGING))
            return {"data": []}
        if edge not in EDGES.get(scope.kind, ()):
            raise unknown_edge(edge, TYPES[scope.kind][0])
        own_id = scope.own_id or scope.account_id
        return self.listings.edge(request, parameters, scope.kind, own_id, edge)

    def scope_of(self, node: str, method: str = "get") -> Scope:
        """Return the object of a path. Raise MetaError when it is not ours."""
        account = node.removeprefix("act_")
        if node.startswith("act_") and account in self.entities.accounts:
            return Scope(account)
        if node in self.entities.by_id:
            kind, row = self.entities.by_id[node]
            return Scope(row["account_id"], kind, node)
        raise unknown_object(node, method.lower())

    def answer_me(self, request: Request, edge: str, parameters: Parameters) -> Any:
        """Answer /me and what hangs on it. Raise MetaError."""
        if not edge:
            check_known(parameters, ("fields",))
            return {name: ME[name] for name in read_fields(parameters, tuple(ME), default=("id",))}
        if edge in EMPTY_LISTS["me"]:
            check_known(parameters, ("fields", *PAGING))
            return {"data": []}
        if edge != "adaccounts":
            raise unknown_edge(edge, "User")
        check_known(parameters, ("fields", *PAGING))
        rows = self.entities.account_rows(parameters, self.insights.spent_cents())
        body = self.listings.page(request, parameters, rows)
        if read_flag(parameters, "summary"):
            body["summary"] = {"total_count": len(rows)}
        return body

    def show(self, scope: Scope, node: str, parameters: Parameters) -> dict[str, Any]:
        """Answer a request for one object."""
        check_known(parameters, ("fields",))
        if scope.kind == "account":
            spent = self.insights.spent_cents()
            return self.entities.account_rows(parameters, spent, scope.account_id)[0]
        fields = read_fields(parameters, FIELDS[scope.kind], default=("id",))
        return self.entities.shown(self.entities.by_id[node][1], {"id": {}, **fields})

    def answer_insights(
        self, request: Request, method: str, scope: Scope, parameters: Parameters
    ) -> dict[str, Any]:
        """Answer GET (rows) and POST (a report run) of insights."""
        is_job = method == "POST"
        if not is_job and read_limit(parameters, DEFAULT_LIMIT) > INSIGHTS_LIMIT:
            message = "Please reduce the amount of data you're asking for, then retry your request"
            raise MetaError(message, code=1, status=500)
        report = self.insights.report(scope, parameters, self.clock.now_us, is_job=is_job)
        if not is_job:
            body = self.listings.page(request, parameters, report.rows, INSIGHTS_LIMIT)
            return body | self.insights.summary(report, parameters)
        fault = self.control.take(request.url.path, ("report_failed",))
        start, end = self.insights.span(scope, parameters, self.clock.now_us)
        span = (start.isoformat(), end.isoformat())
        run = self.runs.start(scope, parameters, report, span, is_failing=fault is not None)
        return {"report_run_id": run.run_id}

    def answer_run(
        self, request: Request, run: ReportRun, edge: str, parameters: Parameters
    ) -> dict[str, Any]:
        """Answer a report run and its result. Raise MetaError."""
        if not edge:
            check_known(parameters, ("fields",))
            state = run.poll(self.clock.now_us)
            asked = read_names(parameters, "fields")
            return {k: v for k, v in state.items() if k in {"id", *asked}} if asked else state
        if edge != "insights":
            raise unknown_edge(edge, "AdReportRun")
        check_known(parameters, (*PAGING, "fields"))
        if not run.is_complete:
            message = (
                "(#2601) Loading async ads insights is not allowed: the report is not complete"
            )
            raise MetaError(message, code=2_601)
        default = read_limit(run.parameters, DEFAULT_LIMIT)
        known = run.report.fields
        dropped = {*known} - {*read_fields(parameters, known, default=known)}
        rows = [
            {name: value for name, value in row.items() if name not in dropped}
            for row in run.report.rows
        ]
        body = self.listings.page(request, parameters, rows, INSIGHTS_LIMIT, default)
        return body | self.insights.summary(run.report, {**run.parameters, **parameters})

    def business_usage(self, percent: int, wait_minutes: int) -> dict[str, Any]:
        """Return the usage of the business, with an entry per kind of limit."""
        entry = {"call_count": percent, "total_cputime": percent // 2, "total_time": percent // 2}
        wait = {
            "estimated_time_to_regain_access": wait_minutes,
            "ads_api_access_tier": "standard_access",
        }
        kinds = ("ads_management", "ads_insights")
        return {"900100200300": [{"type": kind, **entry, **wait} for kind in kinds]}

    def with_usage(self, response: Response) -> Response:
        """Add the usage headers, which climb with the calls of the last five minutes."""
        now = time.monotonic()
        self.calls.append(now)
        # the oldest calls fall out of the window
        while now - self.calls[0] > USAGE_WINDOW_SECONDS:
            self.calls.popleft()
        # 100 would mean that the account is blocked
        percent = min(99, len(self.calls) * 100 // USAGE_FULL)
        tier = "standard_access"
        values = {
            "x-app-usage": {"call_count": percent, "total_cputime": 0, "total_time": percent},
            "x-ad-account-usage": {"acc_id_util_pct": float(percent), "ads_api_access_tier": tier},
            "x-business-use-case-usage": self.business_usage(percent, 0),
            "x-fb-ads-insights-throttle": {
                "app_id_util_pct": float(percent),
                "acc_id_util_pct": len(self.calls) * 100 / USAGE_FULL,
                "ads_api_access_tier": tier,
            },
        }
        for name, value in values.items():
            response.headers.setdefault(name, json.dumps(value))
        return response


def read_path(method: str, path: str) -> tuple[str, str]:
    """Return the object of a path and the list below it, "" for none. Raise MetaError.

    Without a version it is the one that the app has by default.
    """
    parts = [part for part in path.split("/") if part]
    if parts and re.fullmatch(r"v\d+\.\d+", parts[0]):
        version = parts.pop(0)
        if version not in VERSIONS:
            said = f"(#2635) You are calling a deprecated version of the Ads API: {version}."
            raise MetaError(said, code=2_635)
    if not parts:
        said = f"Unsupported {method.lower()} request. Please read the Graph API documentation."
        raise MetaError(said, code=100, kind="GraphMethodException")
    if len(parts) > 2:
        raise MetaError(f"Unknown path components: /{'/'.join(parts[2:])}", code=2_500)
    return parts[0], parts[1] if len(parts) == 2 else ""


EMULATOR = MetaAds
