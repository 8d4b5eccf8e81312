"""Send the overview as an e-mail: no script, drawings as SVG, a plain text beside it."""

from __future__ import annotations

import os
import re
import smtplib
import ssl
import textwrap
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import (
    AuthError,
    TerminalError,
    TransientError,
    UserError,
    not_set,
)
from marketing_analytics.core.redaction import redact, remember, secrets_of
from marketing_analytics.core.written import replace_file
from marketing_analytics.report.data.attribution import defaults_of
from marketing_analytics.report.pages.addresses import check_link
from marketing_analytics.report.pages.rendering import NO_LINKS, Rendering
from marketing_analytics.report.snapshots.snapshot import opened

SETTING = "MARKETING_SMTP_URL"
EXAMPLE = "smtps://user:<password>@mail.example.com:465 (smtp:// begins TLS after connecting)"
TIMEOUT_SECONDS = 30.0
SUBJECT_LENGTH = 130
PORTS = {"smtp": 587, "smtps": 465}
LOCAL = ("127.0.0.1", "localhost", "::1")
# one address as headers have it: a comment, group, quote or code would be read as another one
ADDRESS = re.compile(r"(?!.*=\?)[\w.!#$%&'*+/=?^`{|}~-]{1,64}@\w(?:[\w.-]{0,251}\w)?")


def mail_command(
    console: Console, snapshots: Path, to: tuple[str, ...], sender: str, url: str, file: Path | None
) -> None:
    """Render the mail of the current snapshot, and send it or write it to a file.

    Raise UserError for bad addresses and links, AuthError and TransientError as the server answers.
    """
    bad = [address for address in (*to, sender) if address and not ADDRESS.fullmatch(address)]
    if bad:
        raise UserError(f"{bad[0]!r} is no e-mail address", hint="write it like name@example.com")
    check_link("--report-url", url)
    message = rendered(snapshots, url)
    if file is not None:
        replace_file(file, message.get_body(("html",)).get_content())  # type: ignore[union-attr]
        console.line(f"mail written to {file}")
        return
    if not to or not sender:
        raise UserError("nobody to write to", hint="give --to and --from, or --to-file")
    message["From"], message["To"] = sender, ", ".join(to)
    send(message)
    console.line(f"mail sent to {', '.join(to)}: {message['Subject']}")


def rendered(snapshots: Path, url: str) -> EmailMessage:
    """Return the mail of the current snapshot, without sender and recipients."""
    with opened(snapshots) as snapshot:
        about = {
            "built_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "snapshot_id": snapshot.about["snapshot_id"],
            "build_id": "",
        }
        rendering = Rendering(snapshot, about, defaults_of(snapshot), {}, NO_LINKS)
        shown = rendering.overview
        # what made it so is in the mail
        begun = shown["sentences"][0].partition(":")[0].removesuffix(".")
        subject = f"Marketing: {textwrap.shorten(begun, SUBJECT_LENGTH, placeholder=' …')}"
        html = rendering.mail(subject, url, shown)
    message = EmailMessage()
    message["Subject"] = subject
    message["Message-ID"] = make_msgid(domain="marketing.invalid")
    message.set_content(text_of(shown, url))
    message.add_alternative(html, subtype="html")
    return message


def text_of(shown: dict[str, Any], url: str) -> str:
    """Return the mail as plain text."""
    lines = [f"{tile['label']}: {tile['value']} ({tile['delta']}; {tile['target']})"
             for tile in shown["tiles"]]  # fmt: skip
    return "\n".join([*lines, "", *shown["sentences"], *(["", url] if url else [])]) + "\n"


def send(message: EmailMessage) -> None:
    """Send a mail through the server of MARKETING_SMTP_URL; secrets go over TLS alone.

    Raise TerminalError where the server refused some of the recipients: the others have it then.
    """
    at = server_of(os.environ.get(SETTING, ""))
    host, port = at.host, at.port
    try:
        with connected(at.scheme, host, port) as server:
            if at.user:
                server.login(at.user, at.password)
            refused = server.send_message(message)
    except smtplib.SMTPAuthenticationError:
        raise AuthError(f"{host} refuses user or password", hint=f"check {SETTING}") from None
    except UnicodeError:
        # a host that can be no name, or a password with letters that servers do not know
        raise no_server() from None
    except (OSError, smtplib.SMTPException) as error:
        reason = redact(str(error), secrets_of())
        raise TransientError(f"{host}:{port} did not take the mail: {reason}") from None
    if refused:
        raise TerminalError(
            f"{host} took the mail, but not for {'; '.join(map(refusal, refused.items()))}",
            hint="the other recipients have it: send it to these alone",
        )


def refusal(refused: tuple[str, tuple[int, bytes]]) -> str:
    """Return a recipient and what the server answered."""
    recipient, (code, answer) = refused
    return f"{recipient} ({code} {redact(answer.decode(errors='replace'), secrets_of())})"


@dataclass(frozen=True)
class Server:
    """A mail server, and who logs in there."""

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)


def server_of(address: str) -> Server:
    """Return the server of an address. Raise UserError, which never tells the address."""
    if not address:
        raise not_set({SETTING: "the server that sends mail"}, instead=f"write it like {EXAMPLE}")
    # where it cannot be taken apart, any part may be the password
    remember(address)
    try:
        parts = urlsplit(address)
        server = Server(
            parts.scheme,
            parts.hostname or "",
            parts.port or PORTS.get(parts.scheme, 0),
            unquote(parts.username or ""),
            unquote(parts.password or ""),
        )
    except ValueError:
        raise no_server() from None
    # a path is what follows a / in a password that is not escaped
    has_more = bool(parts.path.strip("/") or parts.query or parts.fragment)
    if server.scheme not in PORTS or not server.host or has_more:
        raise no_server()
    if server.password:
        remember(server.password)
    return server


def no_server() -> UserError:
    """Return the error for an address that is none."""
    return UserError(
        f"{SETTING} is no address of a mail server",
        hint=f"write it like {EXAMPLE}, with %2F for a / in the password",
    )


def connected(scheme: str, host: str, port: int) -> smtplib.SMTP:
    """Return a connection; without TLS to this machine alone."""
    context = ssl.create_default_context()
    if scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=context)
    server = smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)
    server.ehlo()
    if server.has_extn("starttls"):
        server.starttls(context=context)
    elif host not in LOCAL:
        server.close()
        raise smtplib.SMTPNotSupportedError("it offers no TLS")
    return server
