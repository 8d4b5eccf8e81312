"""Meta Marketing API v26.0 (v25.0): accounts, entities, insights (direct and as report jobs).

`/me/adaccounts`, `/act_X`, `/act_X/campaigns`, `/adsets`, `/ads`, `/act_X/insights`.

Shapes and error codes: developers.facebook.com/docs/marketing-api/insights.
"""

from __future__ import annotations

import base64
import json
import time
from collections import deque
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from marketing_analytics.simulate.emulation.control import PlatformControl, SimulatedClock
from marketing_analytics.simulate.emulation.world_files import WorldFiles
from marketing_analytics.simulate.platforms.meta_ads.entities import MetaEntities
from marketing_analytics.simulate.platforms.meta_ads.insights import Insights, MetaError

VERSIONS = ("v25.0", "v26.0")
POLLS = (
    ("Job Not Started", 0),
    ("Job Running", 40),
    ("Job Running", 100),
    ("Job Completed", 100),
)
DEFAULT_LIMIT, ENTITY_LIMIT, INSIGHTS_LIMIT = 25, 500, 1_000
# score of reads that decays over 300 s; a full hour of it would be 100 %
USAGE_WINDOW_SECONDS, USAGE_FULL = 300.0, 6_000
RESULT_PARAMETERS = ("limit", "after", "access_token")


@dataclass
class ReportRun:
    """One asynchronous report."""

    run_id: str
    account_id: str
    parameters: dict[str, str]
    rows: list[dict[str, Any]]
    is_failing: bool
    polls: int = 0

    @property
    def is_complete(self) -> bool:
        """Return whether the result may be read."""
        return self.polls >= len(POLLS) and not self.is_failing


class MetaAds:
    """The emulator of one world."""

    def __init__(self, world: WorldFiles, clock: SimulatedClock) -> None:
        self.clock = clock
        self.token = f"EAAsim{world.seed}MetaToken"
        self.entities = MetaEntities(world)
        self.insights = Insights(world, self.entities.accounts, self.entities.names())
        self.runs: dict[str, ReportRun] = {}
        self.calls: deque[float] = deque()
        self.control = PlatformControl("meta_ads", clock, self.refuse, self.runs.clear)
        routes = [
            Route("/{version}/me/adaccounts", self.guarded(self.list_accounts)),
            Route(
                "/{version}/act_{account}/insights",
                self.guarded(self.account_insights),
                methods=["GET", "POST"],
            ),
            Route("/{version}/act_{account}/{edge}", self.guarded(self.list_entities)),
            Route("/{version}/act_{account}", self.guarded(self.show_account)),
            Route("/{version}/{node}/insights", self.guarded(self.run_insights)),
            Route("/{version}/{node}", self.guarded(self.show_node)),
        ]
        self.app = Starlette(routes=routes)

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
            return token_error("Error validating access token: Session has expired.", 463)
        message = "An unexpected error has occurred. Please retry your request later."
        return MetaError(
            message, code=2, kind="OAuthException", is_transient=True, status=500
        ).answer()

    def guarded(self, handler: Any) -> Any:
        """Return an endpoint that checks version and token and renders errors."""

        async def endpoint(request: Request) -> Response:
            try:
                parameters = await read_parameters(request)
                self.check(request, parameters)
                body = handler(request, parameters)
            except MetaError as error:
                return self.with_usage(error.answer(), request)
            return self.with_usage(JSONResponse(body), request)

        return endpoint

    def check(self, request: Request, parameters: dict[str, str]) -> None:
        """Raise MetaError unless version and token are right."""
        version = request.path_params["version"]
        if version not in VERSIONS:
            message = f"(#2635) You are calling a deprecated version of the Ads API: {version}."
            raise MetaError(message, code=2_635)
        header = request.headers.get("authorization", "")
        token = header.removeprefix("Bearer ").strip() or parameters.get("access_token", "")
        if not token:
            raise MetaError("An access token is required to request this resource.", code=104)
        if token != self.token:
            raise MetaError("Invalid OAuth access token - Cannot parse access token", code=190)

    def business_usage(self, percent: int, wait_minutes: int) -> dict[str, Any]:
        """Return the usage of the business, with an entry per kind of limit."""
        entry = {"call_count": percent, "total_cputime": percent // 2, "total_time": percent // 2}
        wait = {
            "estimated_time_to_regain_access": wait_minutes,
            "ads_api_access_tier": "standard_access",
        }
        kinds = ("ads_management", "ads_insights")
        return {"900100200300": [{"type": kind, **entry, **wait} for kind in kinds]}

    def with_usage(self, response: Response, request: Request) -> Response:
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

    def list_accounts(self, request: Request, parameters: dict[str, str]) -> dict[str, Any]:
        """Answer GET /me/adaccounts."""
        rows = self.entities.account_rows(parameters, self.insights.spent_cents())
        return self.page(request, parameters, rows, ENTITY_LIMIT)

    def account_of(self, request: Request) -> str:
        """Return the account of the path. Raise MetaError when it is not ours."""
        account: str = request.path_params["account"]
        if account not in self.entities.accounts:
            raise unknown_object(f"act_{account}")
        return account

    def show_account(self, request: Request, parameters: dict[str, str]) -> dict[str, Any]:
        """Answer GET /act_X."""
        account = self.account_of(request)
        rows = self.entities.account_rows(parameters, self.insights.spent_cents(), account)
        return rows[0]

    def list_entities(self, request: Request, parameters: dict[str, str]) -> dict[str, Any]:
        """Answer GET /act_X/campaigns, /adsets, /ads."""
        account, edge = self.account_of(request), request.path_params["edge"]
        rows = self.entities.rows(edge, account, parameters, self.clock.now_us)
        return self.page(request, parameters, rows, ENTITY_LIMIT)

    def account_insights(self, request: Request, parameters: dict[str, str]) -> dict[str, Any]:
        """Answer GET (rows) and POST (a report run) of /act_X/insights."""
        account = self.account_of(request)
        is_job = request.method == "POST"
        if not is_job and read_limit(parameters, DEFAULT_LIMIT) > INSIGHTS_LIMIT:
            message = "Please reduce the amount of data you're asking for, then retry your request"
            raise MetaError(message, code=1, status=500)
        rows = self.insights.rows(account, parameters, self.clock.now_us, is_job=is_job)
        if not is_job:
            return self.page(request, parameters, rows, INSIGHTS_LIMIT)
        fault = self.control.take(request.url.path, ("report_failed",))
        # shorter than the ids of entities: a node is one or the other
        run_id = str(6_120_000_000_000 + len(self.runs) + 1)
        self.runs[run_id] = ReportRun(run_id, account, parameters, rows, fault is not None)
        return {"report_run_id": run_id}

    def show_node(self, request: Request, parameters: dict[str, str]) -> dict[str, Any]:
        """Answer GET /{report run or entity}."""
        node = request.path_params["node"]
        if node in self.runs:
            return self.poll(self.runs[node])
        row = self.entities.find(node, parameters)
        if row is None:
            raise unknown_object(node)
        return row

    def poll(self, run: ReportRun) -> dict[str, Any]:
        """Return the state of a report, one step further each time it is asked."""
        # progress depends on how often it is asked, not on time: tests need no waiting
        status, percent = POLLS[min(run.polls, len(POLLS) - 1)]
        run.polls += 1
        # asked again, since a default range moves with the clock
        since, until = self.insights.time_range(run.parameters, self.clock.now_us)
        body: dict[str, Any] = {
            "id": run.run_id,
            "account_id": run.account_id,
            "time_ref": self.clock.now_us // 1_000_000,
            "async_status": status,
            "async_percent_completion": percent,
            "is_running": status != "Job Completed",
            "date_start": since,
            "date_stop": until,
        }
        if run.is_failing and run.polls > 1:
            body |= {
                "async_status": "Job Failed",
                "is_running": False,
                "error_code": -2,
                "error_subcode": 2_490_547,
                "error_message": "The report could not be generated.",
                "error_user_title": "Report failed",
                "error_user_msg": "Please create the report again or ask for less data.",
            }
        elif status == "Job Completed":
            body["time_completed"] = self.clock.now_us // 1_000_000
        return body

    def run_insights(self, request: Request, parameters: dict[str, str]) -> dict[str, Any]:
        """Answer GET /{report run}/insights."""
        run = self.runs.get(request.path_params["node"])
        if run is None:
            raise unknown_object(request.path_params["node"])
        unknown = sorted(set(parameters) - set(RESULT_PARAMETERS) - {"fields"})
        if unknown:
            raise MetaError(f"(#100) Unknown parameter {unknown[0]}", code=100)
        if not run.is_complete:
            message = (
                "(#2601) Loading async ads insights is not allowed: the report is not complete"
            )
            raise MetaError(message, code=2_601)
        return self.page(request, parameters, run.rows, INSIGHTS_LIMIT)

    def page(
        self,
        request: Request,
        parameters: dict[str, str],
        rows: list[dict[str, Any]],
        highest: int,
    ) -> dict[str, Any]:
        """Return one page with its cursors; the last page has no `next`."""
        limit = min(read_limit(parameters, DEFAULT_LIMIT), highest)
        start = read_cursor(parameters.get("after", ""))
        part = rows[start : start + limit]
        if not part:
            return {"data": []}
        end = start + len(part)
        paging: dict[str, Any] = {
            "cursors": {"before": write_cursor(start), "after": write_cursor(end)}
        }
        if end < len(rows):
            query = {**parameters, "access_token": self.token, "limit": limit}
            query["after"] = write_cursor(end)
            # Meta puts the token into `next`: clients must not log or follow it
            address = request.url.replace(query="", scheme="http")
            paging["next"] = f"{str(address).rstrip('?')}?{urlencode(query)}"
        return {"data": part, "paging": paging}


async def read_parameters(request: Request) -> dict[str, str]:
    """Return query and body parameters; lists and objects stay JSON text. Raise MetaError."""
    parameters = dict(request.query_params)
    if request.method == "POST":
        if request.headers.get("content-type", "").startswith("application/json"):
            try:
                values = dict(json.loads(await request.body() or b"{}"))
            except (ValueError, TypeError):
                raise MetaError("(#100) The body is not a JSON object.", code=100) from None
            parameters |= {k: v if isinstance(v, str) else json.dumps(v) for k, v in values.items()}
        else:
            form = await request.form()
            parameters |= {k: str(v) for k, v in form.items()}
    return parameters


def read_limit(parameters: dict[str, str], default: int) -> int:
    """Return the page size. Raise MetaError."""
    text = parameters.get("limit", str(default))
    if not text.isdigit() or int(text) == 0:
        raise MetaError(f"(#100) Param limit must be a positive number, got {text}", code=100)
    return int(text)


def write_cursor(position: int) -> str:
    """Return an opaque cursor."""
    return base64.urlsafe_b64encode(f"at:{position}".encode()).decode()


def read_cursor(text: str) -> int:
    """Return the position of a cursor. Raise MetaError."""
    if not text:
        return 0
    try:
        return int(base64.urlsafe_b64decode(text.encode()).decode().removeprefix("at:"))
    except (ValueError, UnicodeError):
        raise MetaError("(#100) Invalid cursor for param after", code=100) from None


def unknown_object(name: str) -> MetaError:
    """Return the error of an object that is not there or not visible."""
    message = (
        f"Unsupported get request. Object with ID '{name}' does not exist, cannot be loaded due "
        "to missing permissions, or does not support this operation."
    )
    return MetaError(message, code=100, subcode=33, kind="GraphMethodException")


def token_error(message: str, subcode: int) -> Response:
    """Return a refused token."""
    return MetaError(message, code=190, subcode=subcode).answer()


EMULATOR = MetaAds
