"""Connections that lead out only: an address of this network is refused when it is connected to.

The interpreter tells of every connection with the address that a name was resolved to, so that
neither a redirect nor a name that answers differently the second time gets past.
"""

from __future__ import annotations

import functools
import ipaddress
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from marketing_analytics.web.addresses import is_of_the_internet

guarded = threading.local()


class RefusedAddressError(OSError):
    """A connection would lead into this network."""


@contextmanager
def public_addresses_only() -> Iterator[list[str]]:
    """Refuse connections of this thread into private networks; yield those refused."""
    watch()
    refused: list[str] = []
    guarded.refused = refused
    try:
        yield refused
    finally:
        guarded.refused = None


@functools.cache
def watch() -> None:
    """Have the interpreter ask before each connection; it cannot be asked to stop."""
    sys.addaudithook(judge)


def judge(event: str, arguments: tuple[Any, ...]) -> None:
    """Raise RefusedAddressError for a connection that is not to be."""
    if event != "socket.connect":
        return
    refused = getattr(guarded, "refused", None)
    if refused is None:
        return
    address = arguments[1]
    host = str(address[0]) if isinstance(address, tuple) else str(address)
    if not is_public(host):
        refused.append(host)
        raise RefusedAddressError(f"{host} is no public address")


def is_public(host: str) -> bool:
    """Return whether an IP address is one of the internet; False for anything else."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        embedded = embedded_in(address)
        if embedded is not None:
            return is_public(str(embedded))
    return is_of_the_internet(address)


def embedded_in(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 one stands for, or None."""
    if address in ipaddress.ip_network("64:ff9b::/96"):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address.teredo:
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour
