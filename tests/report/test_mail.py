"""The overview as a mail, taken by a real mail server on this machine."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import SimpleNamespace

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import (
    AuthError,
    TerminalError,
    TransientError,
    UserError,
)
from marketing_analytics.core.redaction import secrets_of
from marketing_analytics.report import mail
from marketing_analytics.report.mail import SETTING, mail_command

# of the server, which offers passwords once the connection is TLS from its begin
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")
USER, PASSWORD = "reports", "s3cret/with@signs"
WRITTEN = "reports:s3cret%2Fwith%40signs"
TO, SENDER = ("cmo@example.com", "cfo@example.com"), "report@example.com"


class Box:
    """What a server has taken, each with the name that was logged in; `refuses` nobody or one."""

    def __init__(self):
        self.taken = []
        self.refuses = ""

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802
        if address == self.refuses:
            return "550 no such box"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, session, envelope):  # noqa: N802
        parsed = message_from_bytes(envelope.content, policy=policy.default)
        self.taken.append((session.auth_data, envelope.rcpt_tos, parsed, envelope.content))
        return "250 taken"


class Server(Controller):
    """A server on a port that is free when it begins."""

    def _create_server(self):
        listening = socket.create_server((self.hostname, 0))
        self.port = listening.getsockname()[1]
        return self.loop.create_server(self._factory_invoker, sock=listening, ssl=self.ssl_context)


def known(_server, _session, _envelope, _mechanism, given):
    is_right = (given.login, given.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_right, handled=is_right, auth_data=USER if is_right else None)


@pytest.fixture
def authority(monkeypatch):
    """An authority that this process trusts, and no other."""
    made, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.configure_trust(context)
    monkeypatch.setattr(mail, "ssl", SimpleNamespace(create_default_context=lambda: context))
    return made


@pytest.fixture
def serving(request):
    """Return how a server is begun; it ends with the test."""

    def begin(scheme, authority=None, name="127.0.0.1"):
        box, options = Box(), {"hostname": "127.0.0.1"}
        if authority:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert(name).configure_cert(tls)
            options |= {"authenticator": known, "auth_required": True}
            if scheme == "smtps":
                options |= {"ssl_context": tls, "auth_require_tls": False}
            else:
                options |= {"tls_context": tls, "require_starttls": True}
        controller = Server(box, **options)
        controller.start()
        request.addfinalizer(controller.stop)
        box.port = controller.port
        return box

    return begin


def send(snapshots, to=TO, url="https://reports.example.com/"):
    mail_command(Console(), snapshots, to, SENDER, url, None)


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_the_overview_arrives_over_tls(shop, serving, authority, monkeypatch, capsys, scheme):
    box = serving(scheme, authority)
    monkeypatch.setenv(SETTING, f"{scheme}://{WRITTEN}@127.0.0.1:{box.port}")
    send(shop.snapshots)
    ((user, recipients, message, raw),) = box.taken
    assert (user, tuple(recipients)) == (USER, TO)
    assert message["From"] == SENDER
    assert message["To"] == "cmo@example.com, cfo@example.com"
    told = capsys.readouterr().out
    assert told.startswith("mail sent to cmo@example.com, cfo@example.com: Marketing: ")
    html, text = (message.get_body((kind,)).get_content() for kind in ("html", "plain"))
    assert "<svg" in html
    assert "<script" not in html
    assert "https://reports.example.com/" in html
    assert "https://reports.example.com/" in text
    # the same eight figures in both
    tiles = [line.split(" (")[0].rsplit(": ", 1) for line in text.splitlines() if " plan" in line]
    assert len(tiles) == 8
    assert all(label in html and figure in html for label, figure in tiles)
    assert message["Subject"].removeprefix("Marketing: ") in text.replace("\n", " ")
    assert not message["Subject"].endswith(("against", ","))
    assert PASSWORD.encode() not in raw


def test_a_wrong_password_is_said_without_it(shop, serving, authority, monkeypatch):
    box = serving("smtp", authority)
    monkeypatch.setenv(SETTING, f"smtp://reports:wr0ng-one@127.0.0.1:{box.port}")
    with pytest.raises(AuthError, match="refuses user or password") as raised:
        send(shop.snapshots)
    assert "wr0ng-one" not in f"{raised.value} {raised.value.hint}"
    assert box.taken == []


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_nothing_is_said_to_a_server_that_cannot_show_who_it_is(
    shop, serving, authority, monkeypatch, scheme
):
    for other, name in ((trustme.CA(), "127.0.0.1"), (authority, "other.example.com")):
        box = serving(scheme, other, name)
        monkeypatch.setenv(SETTING, f"{scheme}://{WRITTEN}@127.0.0.1:{box.port}")
        with pytest.raises(TransientError, match="certificate verify failed"):
            send(shop.snapshots)
        assert box.taken == []


def test_without_tls_only_a_server_of_this_machine_gets_mail(shop, serving, monkeypatch):
    box = serving("smtp")
    monkeypatch.setenv(SETTING, f"smtp://127.0.0.1:{box.port}")
    send(shop.snapshots)
    assert len(box.taken) == 1
    monkeypatch.setattr(mail, "LOCAL", ())
    with pytest.raises(TransientError, match="it offers no TLS"):
        send(shop.snapshots)
    assert len(box.taken) == 1


@pytest.mark.slow
def test_a_server_that_takes_no_mail_is_named(shop, serving, monkeypatch):
    box = serving("smtp")
    monkeypatch.setenv(SETTING, f"smtp://127.0.0.1:{box.port}")
    box.refuses = TO[0]
    with pytest.raises(TransientError, match="no such box"):
        send(shop.snapshots, TO[:1])
    monkeypatch.setenv(SETTING, "smtp://127.0.0.1:1")
    with pytest.raises(TransientError, match=r"127\.0\.0\.1:1 did not take the mail"):
        send(shop.snapshots)
    for bad in ("mail.example.com", "http://mail.example.com", "smtp://"):
        monkeypatch.setenv(SETTING, bad)
        with pytest.raises(UserError, match="no address of a mail server"):
            send(shop.snapshots)


def test_recipients_that_the_server_refuses_are_named_and_the_others_have_the_mail(
    serving, monkeypatch
):
    box = serving("smtp")
    box.refuses = TO[1]
    monkeypatch.setenv(SETTING, f"smtp://127.0.0.1:{box.port}")
    message = EmailMessage()
    message["From"], message["To"] = SENDER, ", ".join(TO)
    refused = r"not for cfo@example\.com \(550 no such box\)"
    with pytest.raises(TerminalError, match=refused) as raised:
        mail.send(message)
    assert raised.value.exit_code == 1
    assert [recipients for _, recipients, *_ in box.taken] == [[TO[0]]]


@pytest.mark.parametrize(
    "address",
    [
        "smtp://bob:Tr0ub/dor3x@mail.example.com", "smtp://bob:12/dor3x@mail.example.com",
        "smtp://bob:12#dor3x@mail.example.com", "smtp://h:abc", "smtp://h:99999", "smtp://[::1",
        "smtp://a..b",
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_read_is_the_users_to_mend_and_never_told(monkeypatch, address):
    monkeypatch.setenv(SETTING, address)
    with pytest.raises(UserError, match=f"{SETTING} is no address") as raised:
        mail.send(EmailMessage())
    shown = raised.value.render()
    assert not any(part in shown for part in ("Tr0ub", "dor3x", "abc", "99999", "a..b"))
    assert address in secrets_of()


@pytest.mark.parametrize("bad", [
    "nobody", "a@b.c, d@e.f", "a@b.c\nBcc: d@e.f", "<a@b.c>",
    # each of these was sent, to somebody else or to nobody
    "a(b)@c.d", "group:a@b.c", 'a"b@c.d', "=?utf-8?q?x?=@c.d", "a@b.c.", "a@b\0c.d",
    f"{'x' * 65}@b.c",
])  # fmt: skip
def test_a_bad_address_is_refused(shop, bad):
    with pytest.raises(UserError, match="no e-mail address"):
        send(shop.snapshots, (bad,))


@pytest.mark.slow
def test_the_command_ends_with_its_code_and_keeps_the_password(shop, serving, tmp_path):
    box = serving("smtp")
    command = [sys.executable, "-m", "marketing_analytics", "report", "mail",
               "--snapshots", str(shop.snapshots), "--to", TO[0], "--from", SENDER]  # fmt: skip
    answers = {}
    for address in (f"smtp://127.0.0.1:{box.port}", f"smtp://{WRITTEN}@127.0.0.1:{box.port}", ""):
        done = subprocess.run(
            command, env={SETTING: address, "HOME": str(tmp_path)}, capture_output=True, text=True
        )
        assert "Traceback" not in done.stderr
        assert "s3cret" not in done.stdout + done.stderr
        answers[address] = done.returncode, done.stderr
    codes = [code for code, _ in answers.values()]
    # a server without users cannot log one in; an address that is not set is the user's to set
    assert codes == [0, 1, 2]
    assert SETTING in answers[""][1]
    assert len(box.taken) == 1
