"""No webhook goes to this machine or its network, however the address is written."""

from __future__ import annotations

import itertools
import socket

import pytest

from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.webhooks import sender
from marketing_analytics.local_cloud.webhooks.addresses import is_public, read_target, resolve

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


def test_three_hundred_private_addresses_are_refused_before_anything_is_sent(monkeypatch):
    def connect(*_given):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket, "create_connection", connect)
    assert len(HOSTS) >= 300
    let_through = []
    for host in HOSTS:
        status, problem = sender.attempt(f"http://{host}:80/hook", "{}", "secret")
        if status or not problem:
            let_through.append(host)
    assert let_through == []


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "gopher://example.com/", "//example.com/", "https:///x", "https://",
        "https://user:word@example.com/", "https://example.com\\@127.0.0.1/", "https://[::1/", "",
        "https://exa mple.com/", "https://example.com/\r\nx: y", "https://example.com:99999/",
        "https://ex\u00e4mple.com/", "https://example.com/" + "x" * 3_000,
    ],
)  # fmt: skip
def test_what_is_no_plain_address_is_refused(url):
    with pytest.raises(UserError):
        read_target(url)


def test_public_addresses_pass():
    for host in ("93.184.216.34", "8.8.8.8", "[2606:4700::1111]", "hooks.example.com"):
        assert read_target(f"https://{host}/hook?a=1").path == "/hook?a=1"
    assert is_public("2606:4700::1111")
    assert not is_public("no address")


def test_a_name_is_refused_when_any_of_its_addresses_is_private(monkeypatch):
    answers = [(2, 1, 6, "", (address, 443)) for address in ("93.184.216.34", "10.0.0.7")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_given, **_named: answers)
    target = read_target("https://rebinding.example.com/")
    with pytest.raises(UserError, match="its network"):
        resolve(target)
    assert resolve(target, allowed={"rebinding.example.com"}) == "93.184.216.34"
    del answers[1]
    assert resolve(target) == "93.184.216.34"
