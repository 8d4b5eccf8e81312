"""Which addresses a webhook may go to: public ones, and hosts that the operator allows.

A name is resolved once, every address it has is judged, and the connection goes to a judged one.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from marketing_analytics.core.errors import UserError
from marketing_analytics.web.addresses import is_of_the_internet

PORTS = {"http": 80, "https": 443}
# they carry another address inside, public or not
CARRIERS = tuple(
    ipaddress.ip_network(text)
    for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")
)
MAX_URL_LENGTH = 2_000


@dataclass(frozen=True)
class Target:
    """Where a webhook goes: `path` begins with a slash and has the query."""

    scheme: str
    host: str
    port: int
    path: str


def read_target(url: str, allowed: Collection[str] = ()) -> Target:
    """Return the parts of a URL. Raise UserError for one that no webhook may have."""
    if len(url) > MAX_URL_LENGTH or not url.isascii() or not url.isprintable() or "\\" in url:
        raise UserError("the address is no plain URL")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise UserError(f"the address is no URL: {error}") from None
    if parts.scheme not in PORTS or not host or " " in url:
        raise UserError("the address must begin with https:// or http:// and a host")
    if parts.username is not None or parts.password is not None:
        raise UserError("the address may not hold a user or a password")
    target = Target(
        parts.scheme,
        host,
        PORTS[parts.scheme] if port is None else port,
        (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
    )
    if target.host not in allowed:
        refuse_literal(target.host)
    return target


def refuse_literal(host: str) -> None:
    """Raise UserError for an address of this machine or its network, however it is written."""
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        raise private(host)
    if "%" in host:
        raise private(host)
    try:
        found: str | None = str(ipaddress.ip_address(host))
    except ValueError:
        found = old_form(host)
    if found is not None and not is_public(found):
        raise private(host)


def old_form(host: str) -> str | None:
    """Return the address that 127.1, 0x7f.1 or 2130706433 mean to the system, or None."""
    last = host.rsplit(".", 1)[-1]
    if not (last.isdigit() or last.startswith("0x")):
        return None
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        # looks like a number and is none: no name ends so
        raise private(host) from None


def resolve(target: Target, allowed: Collection[str] = ()) -> list[str]:
    """Return the addresses to connect to. Raise UserError when any of them is private."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UserError(f"{target.host} has no address: {error}") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if target.host not in allowed and not all(map(is_public, addresses)):
        raise private(target.host)
    return addresses


def is_public(address: str) -> bool:
    """Return whether an address is reached over the internet."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return is_public(str(found.ipv4_mapped))
        if any(found in network for network in CARRIERS):
            return False
    return is_of_the_internet(found)


def private(host: str) -> UserError:
    """Return the error for a host that may not be told."""
    return UserError(
        f"{host} is an address of this machine or its network",
        hint="start the server with --allow-webhook-host to allow it",
    )
