"""`/_control`: the clock, the faults and the counters of the emulators.

One clock for all ports; faults and counters belong to a port.
"""

from __future__ import annotations

import asyncio
import json
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from marketing_analytics.core.clock import parse_time
from marketing_analytics.core.errors import UserError
from marketing_analytics.simulate.emulation.delivery import EPOCH, Withheld

DAY_US = 86_400_000_000
KINDS = (
    "status_429",
    "status_500",
    "cut_stream",
    "truncated_json",
    "html",
    "expired_token",
    "slow",
    "report_failed",
    "sampled",
    "thresholded",
    "other_row",
)
# answered by the platform's own error bodies, before the request is looked at
REFUSALS = ("status_429", "status_500", "expired_token")
HTML_PAGE = "<html><head><title>Request Blocked</title></head><body>Request Blocked</body></html>"


class SimulatedClock:
    """The time all emulators believe in, in microseconds since 1970."""

    def __init__(self, start_us: int) -> None:
        self.start_us = start_us
        self.now_us = start_us

    def text(self) -> str:
        """Return the time as ISO 8601."""
        return datetime.fromtimestamp(self.now_us / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Fault:
    """What goes wrong for the next `times` requests whose path contains `path_contains`."""

    kind: str
    times: int = 1
    path_contains: str = ""
    retry_after_seconds: float | None = None
    seconds: float = 2.0
    status: int = 200


@dataclass
class PlatformControl:
    """Faults and counters of one port; `refuse` renders a platform's own error body."""

    name: str
    clock: SimulatedClock
    refuse: Callable[[str, float | None, Request], Response]
    forget: Callable[[], None] = lambda: None
    connection_limit: int = 0
    # what a test may set, by name: limits, delays; a reset puts them back
    knobs: dict[str, float] = field(default_factory=dict)
    # days of campaigns that the platform does not tell; None where it tells no days of ads
    withheld: list[Withheld] | None = None
    open_connections: int = 0
    faults: list[Fault] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    injected: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.knobs_at_start = dict(self.knobs)

    def turn(self, values: dict[str, Any]) -> None:
        """Set some knobs. Raise UserError."""
        for name, value in values.items():
            if name not in self.knobs:
                known = ", ".join(sorted(self.knobs)) or "none"
                raise UserError(f"unknown knob {name!r}", hint=f"{self.name} has: {known}")
            if not isinstance(value, int | float) or value < 0:
                raise UserError(f"{name} is not a number from 0 on: {value!r}")
        self.knobs.update(values)

    def take(self, path: str, kinds: tuple[str, ...]) -> Fault | None:
        """Return the next fault of these kinds for a path and use it up by one."""
        for fault in self.faults:
            if fault.kind in kinds and fault.path_contains in path and fault.times > 0:
                # used up before it strikes: requests in parallel must not share one
                fault.times -= 1
                self.injected[fault.kind] += 1
                self.faults = [f for f in self.faults if f.times > 0]
                return fault
        return None

    def reset(self) -> None:
        """Return to the start: no faults, no counts, the ledger's moment."""
        self.faults.clear()
        self.requests.clear()
        self.statuses.clear()
        self.injected.clear()
        self.knobs.update(self.knobs_at_start)
        if self.withheld:
            self.withheld.clear()
        self.clock.now_us = self.clock.start_us
        self.forget()

    def counters(self) -> dict[str, Any]:
        """Return what was asked so far."""
        return {
            "platform": self.name,
            "now": self.clock.text(),
            "requests": sum(self.requests.values()),
            "by_path": dict(sorted(self.requests.items())),
            "by_status": {str(code): n for code, n in sorted(self.statuses.items())},
            "faults_injected": dict(sorted(self.injected.items())),
            "faults_waiting": sum(f.times for f in self.faults),
        }


def parse_fault(body: dict[str, Any]) -> Fault:
    """Return the fault a request describes. Raise UserError."""
    if body.get("kind") not in KINDS:
        raise UserError(
            f"unknown fault kind {body.get('kind')!r}", hint=f"one of {', '.join(KINDS)}"
        )
    unknown = set(body) - set(Fault.__dataclass_fields__) - {"path"}
    if unknown:
        raise UserError(f"unknown key {min(unknown)!r}", hint="see docs/simulation.md")
    values = dict(body)
    values["path_contains"] = str(values.pop("path", values.get("path_contains") or ""))
    try:
        fault = Fault(**values)
        fault.times, fault.seconds = int(fault.times), float(fault.seconds)
    except (TypeError, ValueError):
        raise UserError("times and seconds are numbers") from None
    return fault


def set_clock(clock: SimulatedClock, body: dict[str, Any]) -> None:
    """Set `now`, or move on by `advance_days`. Raise UserError."""
    if "now" in body:
        # whole seconds, as in every answer
        clock.now_us = int(parse_time(str(body["now"]), "now").timestamp()) * 1_000_000
    elif "advance_days" in body:
        try:
            clock.now_us += int(float(body["advance_days"]) * DAY_US)
        except (TypeError, ValueError):
            raise UserError("advance_days is a number") from None
    else:
        raise UserError("give now or advance_days")


def withhold(control: PlatformControl, body: dict[str, Any]) -> dict[str, Any]:
    """Withhold a campaign from `since` until `until`, or nothing any more. Raise UserError."""
    if control.withheld is None:
        raise UserError(f"{control.name} cannot withhold campaigns", hint="meta_ads can")
    if not body:
        control.withheld.clear()
        return {"withheld": 0}
    try:
        first, last = (date.fromisoformat(str(body[name])) for name in ("since", "until"))
        lost = Withheld(str(body["campaign_id"]), (first - EPOCH).days, (last - EPOCH).days)
    except (KeyError, ValueError):
        raise UserError("give campaign_id, and since and until as dates") from None
    control.withheld.append(lost)
    return {"withheld": len(control.withheld)}


async def read_body(request: Request) -> dict[str, Any]:
    """Return the JSON object of a request, empty without a body. Raise UserError."""
    text = await request.body()
    try:
        value = json.loads(text) if text else {}
    except ValueError:
        raise UserError("the body is not JSON") from None
    if not isinstance(value, dict):
        raise UserError("the body is not an object")
    return value


def add_fault(control: PlatformControl, body: dict[str, Any]) -> dict[str, Any]:
    """Let the next requests go wrong. Raise UserError."""
    control.faults.append(parse_fault(body))
    return {"waiting": sum(f.times for f in control.faults)}


def start_again(control: PlatformControl, _body: dict[str, Any]) -> dict[str, Any]:
    """Return to the start."""
    control.reset()
    return {"now": control.clock.text()}


POSTED = {"fault": add_fault, "reset": start_again, "withhold": withhold}


async def answer_control(control: PlatformControl, request: Request) -> Response:
    """Answer one request under /_control."""
    name = request.url.path.removeprefix("/_control").strip("/")
    try:
        if request.method == "GET" and name == "counters":
            return JSONResponse(control.counters())
        if name == "clock":
            if request.method == "POST":
                set_clock(control.clock, await read_body(request))
            return JSONResponse({"now": control.clock.text()})
        if name == "knobs":
            if request.method == "POST":
                control.turn(await read_body(request))
            return JSONResponse(control.knobs)
        if request.method == "POST" and name in POSTED:
            return JSONResponse(POSTED[name](control, await read_body(request)))
    except UserError as error:
        return JSONResponse({"error": error.message, "hint": error.hint}, status_code=400)
    return JSONResponse({"error": f"no such control: {request.method} {name}"}, status_code=404)


class Controlled:
    """An emulator with its control door in front."""

    def __init__(self, app: ASGIApp, control: PlatformControl) -> None:
        self.app = app
        self.control = control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        if scope["path"].startswith("/_control"):
            response = await answer_control(self.control, request)
            await response(scope, receive, send)
            return
        self.control.requests[f"{scope['method']} {scope['path']}"] += 1
        self.control.open_connections += 1
        try:
            await self.serve(request, send)
        finally:
            self.control.open_connections -= 1

    async def serve(self, request: Request, send: Send) -> None:
        """Answer a platform request, or let it go wrong as asked."""
        path, limit = request.url.path, self.control.connection_limit
        # the limit comes before everything, as at the platform's door
        if limit and self.control.open_connections > limit:
            await self.counted(self.control.refuse("status_429", None, request), request, send)
            return
        fault = self.control.take(path, REFUSALS)
        if fault:
            kind, wait = fault.kind, fault.retry_after_seconds
            await self.counted(self.control.refuse(kind, wait, request), request, send)
            return
        slow = self.control.take(path, ("slow",))
        if slow:
            await asyncio.sleep(slow.seconds)
        html = self.control.take(path, ("html",))
        if html:
            await self.counted(HTMLResponse(HTML_PAGE, html.status), request, send)
            return
        broken = self.control.take(path, ("cut_stream", "truncated_json"))
        if broken:
            await self.answer_half(request, send, is_cut=broken.kind == "cut_stream")
            return
        await self.counted(self.app, request, send)

    async def counted(self, app: ASGIApp, request: Request, send: Send) -> None:
        """Run an app and count its status; a bug in it is shown."""

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.control.statuses[message["status"]] += 1
            await send(message)

        try:
            await app(request.scope, request.receive, note)
        except ClientDisconnect:
            # it was killed, or gave up: there is nobody to answer
            return
        except Exception:
            # the client gets HTTP 500; that it is a bug of ours is told here
            traceback.print_exc()
            raise

    async def answer_half(self, request: Request, send: Send, *, is_cut: bool) -> None:
        """Answer with half the body: cut off on the wire, or passed off as whole."""
        start: Message = {}
        parts: list[bytes] = []

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                parts.append(message.get("body", b""))

        await self.counted(self.app, request, collect)
        if not start:
            return
        body = b"".join(parts)
        # never nothing: an empty body is another fault
        half = body[: max(1, len(body) // 2)]
        # cut off: the header promises what never comes; passed off: it agrees with the half
        claimed = len(body) if is_cut else len(half)
        headers = [(k, v) for k, v in start["headers"] if k.lower() != b"content-length"]
        start["headers"] = [*headers, (b"content-length", str(claimed).encode())]
        await send(start)
        # uvicorn closes the connection when the announced rest never comes
        await send({"type": "http.response.body", "body": half, "more_body": is_cut})
