"""Connections that never finish their request end; slow ones that do are answered."""

from __future__ import annotations

import asyncio
import contextlib
import ssl

import pytest
import uvicorn

from marketing_analytics.web.listening import open_socket
from marketing_analytics.web.patience import HEADER_SECONDS, PatientLoop, PatientProtocol

REQUEST = b"GET / HTTP/1.1\r\nhost: a\r\n"


class Hasty(PatientProtocol):
    header_seconds = 0.2
    body_seconds = 0.2


async def answer(_scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"well"})


async def talk(sent, *, then=b""):
    """Return what a server says to bytes, and to more of them once it has answered."""
    config = uvicorn.Config(answer, http=Hasty, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    with contextlib.closing(open_socket("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(server._serve([listening]))
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        writer.write(sent)
        said = await reader.readuntil(b"well") if then else b""
        writer.write(then)
        # ends only when the server closes the connection
        said += await asyncio.wait_for(reader.read(), 10)
        writer.close()
        server.should_exit = True
        await serving
    return said


@pytest.mark.parametrize("sent", [b"", b"G", REQUEST, REQUEST + b"content-length: 5\r\n\r\nab"])
def test_a_request_that_is_never_whole_is_closed_unanswered(sent):
    assert asyncio.run(talk(sent)) == b""


def test_a_second_request_that_is_never_whole_is_closed_too():
    assert asyncio.run(talk(REQUEST + b"\r\n", then=REQUEST)).count(b"200 OK") == 1


class HastyLoop(PatientLoop):
    handshake_seconds = 0.2


def test_a_handshake_that_is_never_whole_is_closed():
    """A server of https, as uvicorn begins it: without a word on handshakes."""
    assert PatientLoop.handshake_seconds == HEADER_SECONDS

    async def shake(sent: bytes) -> bytes:
        loop, context = asyncio.get_running_loop(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with contextlib.closing(open_socket("127.0.0.1", 0)) as listening:
            server = await loop.create_server(asyncio.Protocol, sock=listening, ssl=context)
            reader, writer = await asyncio.open_connection(*listening.getsockname())
            writer.write(sent)
            said = await asyncio.wait_for(reader.read(), 10)
            writer.close()
            server.close()
        return said

    with asyncio.Runner(loop_factory=HastyLoop) as runner:
        # nothing, and the beginning of a greeting
        for sent in (b"", b"\x16\x03\x01"):
            assert runner.run(shake(sent)) == b""
