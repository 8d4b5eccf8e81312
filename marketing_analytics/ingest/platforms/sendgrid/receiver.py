"""The receiver of SendGrid's event webhook: what it answers with 2xx is on the disk.

SendGrid repeats for 24 hours what is answered otherwise. Events are not looked at here beyond
their shape: the same event may come twice, and is one row once it is loaded.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from marketing_analytics.core import clock
from marketing_analytics.core.errors import MachineError, UserError
from marketing_analytics.ingest.platforms.sendgrid.landing import Landing
from marketing_analytics.ingest.platforms.sendgrid.signature import (
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    is_signed,
    public_keys,
)

# SendGrid sends at most 768 kB at once
MOST_BODY_BYTES = 8 * 2**20
BODY_SECONDS = 30.0
# a repeated delivery may carry its first signature for 24 hours; a replay lands as the same row
MOST_AGE_SECONDS = 25 * 3600
MOST_AHEAD_SECONDS = 300
SEAL_SECONDS = 1.0


class Receiver:
    """Checks deliveries and lands them."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.keys = public_keys(settings["SENDGRID_WEBHOOK_PUBLIC_KEY"])
        if not self.keys:
            raise UserError("SENDGRID_WEBHOOK_PUBLIC_KEY names no key")
        folder = Path(settings["SENDGRID_EVENTS_PATH"]).expanduser()
        try:
            self.landing = Landing(folder)
        except OSError as error:
            raise MachineError(
                f"cannot write {folder}: {error.strerror}", hint="give another SENDGRID_EVENTS_PATH"
            ) from None
        self.counts: Counter[str] = Counter()
        self.app = Starlette(
            routes=[
                Route("/events", self.receive, methods=["POST"]),
                Route("/health", self.health, methods=["GET"]),
            ],
            lifespan=self.lifespan,
            exception_handlers={HTTPException: self.refuse},
        )

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Complete files as they grow old, and the last one at the end."""
        sealing = asyncio.create_task(self.seal())
        yield
        sealing.cancel()
        with suppress(asyncio.CancelledError):
            await sealing
        await run_in_threadpool(self.landing.close)

    async def seal(self) -> None:
        """Complete the file whenever it is due; a disk that refuses now is asked again."""
        while True:
            await asyncio.sleep(SEAL_SECONDS)
            with suppress(OSError):
                await run_in_threadpool(self.landing.seal_if_due)

    async def health(self, _: Request) -> Response:
        """Answer with what was received since the start."""
        return JSONResponse({"status": "ok", "received": dict(sorted(self.counts.items()))})

    async def receive(self, request: Request) -> Response:
        """Land one delivery."""
        timestamp = checked_time(request.headers.get(TIMESTAMP_HEADER, ""))
        signature = request.headers.get(SIGNATURE_HEADER, "")
        if not signature:
            raise HTTPException(403, f"there is no {SIGNATURE_HEADER}")
        body = await read_body(request)
        if not await run_in_threadpool(is_signed, self.keys, signature, timestamp, body):
            raise HTTPException(403, "the signature is not of this body and key")
        events = events_of(body)
        lines = b"".join(orjson.dumps(event) + b"\n" for event in events)
        if lines:
            await self.land(lines)
        self.counts["events"] += len(events)
        self.counts["deliveries"] += 1
        return Response(status_code=204)

    async def land(self, lines: bytes) -> None:
        """Write lines, or let SendGrid come again."""
        try:
            await run_in_threadpool(self.landing.append, lines)
        except OSError as error:
            raise HTTPException(503, f"cannot store it: {error.strerror}") from None

    async def refuse(self, _: Request, error: Exception) -> Response:
        """Say why something is refused."""
        assert isinstance(error, HTTPException)  # noqa: S101
        self.counts[f"refused_{error.status_code}"] += 1
        return JSONResponse({"error": error.detail}, error.status_code, error.headers)


def checked_time(text: str) -> str:
    """Return the text of a time that is near enough. Raise HTTPException."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 12):
        raise HTTPException(403, f"{TIMESTAMP_HEADER} is missing or no time")
    age_seconds = clock.now().timestamp() - int(text)
    if not -MOST_AHEAD_SECONDS <= age_seconds <= MOST_AGE_SECONDS:
        raise HTTPException(403, f"{TIMESTAMP_HEADER} is {age_seconds:.0f} s old")
    return text


async def read_body(request: Request) -> bytes:
    """Return the body. Raise HTTPException when it is too large or too slow."""
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced) > MOST_BODY_BYTES:
        raise too_large()
    parts = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                parts.append(part)
                size += len(part)
                if size > MOST_BODY_BYTES:
                    raise too_large()
    except TimeoutError:
        raise HTTPException(408, f"the body took more than {BODY_SECONDS:.0f} s") from None
    except ClientDisconnect:
        raise HTTPException(400, "the body broke off") from None
    return b"".join(parts)


def too_large() -> HTTPException:
    """Return the refusal of a body beyond the bound; its rest is not read."""
    return HTTPException(413, f"more than {MOST_BODY_BYTES // 2**20} MiB", {"Connection": "close"})


def events_of(body: bytes) -> list[dict[str, object]]:
    """Return the events of a body. Raise HTTPException when it is no list of objects."""
    try:
        events = orjson.loads(body)
    except ValueError:
        events = None
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise HTTPException(400, "the body is not a JSON list of events")
    return events
