"""Which IP addresses are of the internet, for all that sends to addresses that others gave."""

from __future__ import annotations

import ipaddress

# set aside, though some versions of Python take them for public
SET_ASIDE = tuple(ipaddress.ip_network(text) for text in ("192.0.0.0/24", "192.88.99.0/24"))


def is_of_the_internet(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Return whether an address is public by itself, whatever other address it may carry inside."""
    if any(address in network for network in SET_ASIDE):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved
