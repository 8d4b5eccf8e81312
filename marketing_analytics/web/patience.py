"""A connection that never finishes its request is closed: headers in 10 s, a body in a minute.

So is one that does not agree on a key: the handshake of https has the time of the headers.

A peer that opens connections and sends nothing, or one byte now and then, would hold them for ever.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS = 10.0
BODY_SECONDS = 60.0


class PatientLoop(asyncio.SelectorEventLoop):
    """asyncio's loop, whose servers wait no minute for the handshake of a client."""

    handshake_seconds = HEADER_SECONDS

    async def create_server(self, *given: Any, **named: Any) -> asyncio.Server:
        """Begin to serve; who serves says nothing of handshakes."""
        if named.get("ssl") is not None:
            named["ssl_handshake_timeout"] = self.handshake_seconds
        return await super().create_server(*given, **named)


class PatientProtocol(H11Protocol):
    """uvicorn's protocol with an end to its patience."""

    header_seconds = HEADER_SECONDS
    body_seconds = BODY_SECONDS
    _timer: asyncio.TimerHandle | None = None
    _waits_for: Any = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait_for(h11.IDLE, self.header_seconds)

    def data_received(self, data: bytes) -> None:
        """Wait for the rest of what has begun, from when it began."""
        super().data_received(data)
        state = self.conn.their_state
        if state is h11.IDLE:
            self._wait_for(state, self.header_seconds)
        elif state is h11.SEND_BODY:
            self._wait_for(state, self.body_seconds)
        else:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for(self, state: Any, seconds: float) -> None:
        if self._waits_for is not state:
            self._stop_waiting()
            self._waits_for = state
            self._timer = self.loop.call_later(seconds, self.transport.close)

    def _stop_waiting(self) -> None:
        self._waits_for = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
