"""Read by Python before a foreign client starts: makes the machine one that knows `*.localhost`.

Machines with systemd resolve every name below `localhost` to themselves; others need a line in
their hosts file. Nothing of the client is changed.
"""

import socket

resolve = socket.getaddrinfo


def resolve_here(host, *arguments, **options):
    """Return the addresses of a host; what is below localhost is this machine."""
    name = host.decode() if isinstance(host, bytes) else host
    here = isinstance(name, str) and name.endswith(".localhost")
    return resolve("127.0.0.1" if here else host, *arguments, **options)


socket.getaddrinfo = resolve_here
