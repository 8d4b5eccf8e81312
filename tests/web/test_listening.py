"""The socket that every server of ours listens on."""

import asyncio
import socket

import pytest

from marketing_analytics.core.errors import MachineError, UserError
from marketing_analytics.web.listening import open_socket


async def is_delayed(listening):
    """Return whether the kernel may hold back what is written to who connects."""
    found = asyncio.get_running_loop().create_future()

    def connected(_, writer):
        accepted = writer.get_extra_info("socket")
        found.set_result(not accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    async with await asyncio.start_server(connected, sock=listening):
        _, writer = await asyncio.open_connection(*listening.getsockname()[:2])
        result = await found
        writer.close()
    return result


def test_an_answer_in_two_pieces_does_not_wait_for_an_acknowledgement():
    assert asyncio.run(is_delayed(open_socket("127.0.0.1", 0))) is False


def test_a_port_of_somebody_else_is_named():
    with open_socket("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(MachineError, match=f"port {port} on 127.0.0.1 is taken"):
            open_socket("127.0.0.1", port)


@pytest.mark.parametrize(("host", "port"), [("192.0.2.1", 0), ("127.0.0.1", 70_000)])
def test_an_address_that_is_not_ours_is_named(host, port):
    with pytest.raises(MachineError, match=f"cannot listen on {host} port {port}"):
        open_socket(host, port)


@pytest.mark.parametrize("host", ["", " "])
def test_an_empty_host_is_refused_and_not_every_address(host):
    with pytest.raises(UserError, match="host to listen on is empty") as raised:
        open_socket(host, 0)
    assert "--host 127.0.0.1" in raised.value.hint
