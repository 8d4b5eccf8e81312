"""Hosts of this machine and its network, in every way that they can be written."""

from __future__ import annotations

import itertools

PRIVATE = (
    "127.0.0.1", "127.255.255.254", "10.0.0.1", "10.255.0.7", "172.16.0.1", "172.31.9.9",
    "192.168.0.1", "192.168.255.1", "169.254.169.254", "169.254.0.1", "100.64.0.1", "0.0.0.0",
    "0.1.2.3", "198.18.0.1", "192.0.0.8", "192.0.2.1", "198.51.100.7", "203.0.113.9",
    "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
)  # fmt: skip


def forms_of(address: str) -> list[str]:
    """Return ways to write an address of version 4."""
    parts = [int(part) for part in address.split(".")]
    number = int.from_bytes(bytes(parts))
    low = number & 0xFFFF
    return [
        address,
        str(number),
        hex(number),
        f"0{number:o}",
        ".".join(hex(part) for part in parts),
        ".".join(f"0{part:o}" for part in parts),
        f"{parts[0]}.{number & 0xFFFFFF}",
        f"{parts[0]}.{parts[1]}.{low}",
        f"{address}.",
        f"[::ffff:{address}]",
        f"[::ffff:{parts[0] * 256 + parts[1]:x}:{low:x}]",
        f"[64:ff9b::{address}]",
        f"[2002:{parts[0] * 256 + parts[1]:x}:{low:x}::1]",
        f"[::{address}]",
    ]


OTHERS = (
    "localhost", "LOCALHOST", "localhost.", "a.localhost", "printer.local", "0", "0x", "127.1",
    "metadata.google.internal", "[::1]", "[::]", "[fe80::1]", "[fe80::1%25eth0]", "[fc00::1]",
    "[fd12:3456::1]", "[ff02::1]", "[2001:db8::1]", "[2001:0::1]", "[100::1]", "0x7f.1",
    "1.2.3.4.5", "999.1.1.1",
)  # fmt: skip
HOSTS = [*itertools.chain.from_iterable(map(forms_of, PRIVATE)), *OTHERS]
