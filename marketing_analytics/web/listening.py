"""Open the socket that a server of ours listens on."""

from __future__ import annotations

import errno
import socket

from marketing_analytics.core.errors import MachineError, UserError

BACKLOG = 512


def open_socket(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raise UserError for an empty host, MachineError when the port is taken or not allowed.
    """
    if not host.strip():
        # a socket would take it for every address of the machine
        raise UserError(
            "the host to listen on is empty",
            hint="pass --host 127.0.0.1, or 0.0.0.0 to be reached from other machines",
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # with the protocol named, asyncio switches Nagle's delay of 40 ms off
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # the port of a server that ended a moment ago is free again
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listening.close()
        raise cannot_listen(host, port, error) from None
    return listening


def cannot_listen(host: str, port: int, error: OSError | OverflowError) -> MachineError:
    """Return the error for an address that cannot be used."""
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return MachineError(
            f"port {port} on {host} is taken",
            hint="stop the program that uses it, or pass --port 0 for a free one",
        )
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return MachineError(
        f"cannot listen on {host} port {port}: {reason}", hint="pass --host 127.0.0.1 --port 0"
    )
