"""Which host names the server answers to: one rule for the API and the pages."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
ANY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104


def is_loopback(host: str) -> bool:
    """Return whether an address to listen on is reached from this machine only."""
    if host in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def answered_hosts(bound_host: str, allowed: Iterable[str]) -> frozenset[str]:
    """Return the host names that are answered; empty = every one, when all addresses are bound."""
    given = {host.lower() for host in allowed}
    if bound_host in ANY_ADDRESS and not given:
        return frozenset()
    return LOOPBACK_NAMES | ({*given, bound_host.lower()} - ANY_ADDRESS)
