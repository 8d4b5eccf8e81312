"""Where messages may go: no address of this network is reached, whatever way leads there."""

from __future__ import annotations

import socket
import socketserver
import sys
import threading

import pytest

from benchmarks.private_hosts import forms_of
from marketing_analytics.core import redaction
from marketing_analytics.core.errors import UserError
from marketing_analytics.monitor.alerts import channels
from marketing_analytics.monitor.alerts.channels import service_of
from marketing_analytics.monitor.alerts.messages import Message
from marketing_analytics.monitor.alerts.outgoing import is_public, watch
from tests.monitor.alert_world import channel, receiving

TEAM = channel("team")
MESSAGE = Message("a title", "the body", is_good=False)
INSIDE = (
    "127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.5.4", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "0.0.0.0", "224.0.0.1", "198.18.0.1", "192.0.0.8",
)  # fmt: skip


@pytest.fixture
def connected(monkeypatch):
    """Return the addresses of the connections that were let through."""
    monkeypatch.setattr(redaction, "read_secrets", set())
    monkeypatch.setattr(channels, "CONNECT_SECONDS", 0.2)
    watch()
    # asked after ours, so only of what ours lets through; it stays, as all of them do
    seen = []
    is_on = [True]
    sys.addaudithook(
        lambda event, given: (
            seen.append(given[1][0]) if event == "socket.connect" and is_on[0] else None
        )
    )
    yield seen
    is_on[0] = False


def attempt(monkeypatch, address):
    monkeypatch.setenv("ADDRESS_OF_TEAM", address)
    try:
        service = service_of(TEAM)
    except UserError:
        return "refused"
    return channels.send(TEAM, service, MESSAGE).error


@pytest.mark.slow
def test_no_form_of_an_address_inside_is_reached(monkeypatch, connected):
    addresses = [
        f"{scheme}://{form}{path}"
        for inside in INSIDE
        for form in forms_of(inside)
        for scheme, path in (("json", ":80/x"), ("jsons", "/x"), ("mailto", ":25/?user=a@b.c"))
    ]
    assert len(addresses) == len(set(addresses)) >= 300
    reasons = [attempt(monkeypatch, address) for address in addresses]
    assert all(reasons)
    assert connected == []
    # the others are no hosts for apprise
    assert sum("inside this network" in reason for reason in reasons) >= 200


def test_a_name_that_answers_otherwise_the_second_time_is_not_reached(monkeypatch, connected):
    answers = iter(["93.184.216.34"])

    def rebinding(*_, **__):
        address = next(answers, "169.254.169.254")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    # whoever checks first and connects then is led on; we judge what is connected to
    assert is_public(socket.getaddrinfo("rebind.example.com", 80)[0][4][0])
    assert "169.254.169.254, inside" in attempt(monkeypatch, "json://rebind.example.com/x")
    assert connected == []


def test_a_redirect_into_this_network_is_not_followed(monkeypatch, connected):
    with receiving() as target, receiving() as first:
        first.answer = lambda: 307
        first.headers = {"location": target.address.replace("json", "http")}
        monkeypatch.setenv("ADDRESS_OF_TEAM", first.address)
        open_to_all = channel("team", allows_private_addresses=True)
        assert channels.send(open_to_all, service_of(open_to_all), MESSAGE).error
        assert target.messages == []
        # the hook of this test does see what is let through
        assert connected == ["127.0.0.1"]


class Mailbox(socketserver.StreamRequestHandler):
    """As much of SMTP as takes a mail."""

    def handle(self):
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                self.server.mails.append(b"".join(iter(self.rfile.readline, b".\r\n")).decode())
            self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
            if verb == b"QUIT":
                return


def test_a_mail_arrives(monkeypatch):
    with socketserver.TCPServer(("127.0.0.1", 0), Mailbox) as server:
        server.mails = []
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        port = server.server_address[1]
        where = f"mailto://127.0.0.1:{port}/?from=watch@example.com&to=team@example.com"
        monkeypatch.setenv("ADDRESS_OF_TEAM", where)
        team = channel("team", allows_private_addresses=True)
        outcome = channels.send(team, service_of(team), MESSAGE)
        server.shutdown()
    assert outcome.error == ""
    assert "Subject: a title" in server.mails[0]
    assert "the body" in server.mails[0]
