"""No webhook goes to this machine or its network, however the address is written."""

from __future__ import annotations

import socket

import pytest

from benchmarks.private_hosts import HOSTS
from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.webhooks import sender
from marketing_analytics.local_cloud.webhooks.addresses import is_public, read_target, resolve


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
    assert resolve(target, allowed={"rebinding.example.com"}) == ["93.184.216.34", "10.0.0.7"]
    del answers[1]
    assert resolve(target) == ["93.184.216.34"]
