"""Is the dashboard readable and whole, and how old is what it shows? Asked from outside.

A page is read as a reader does: `index.html`, all that it refers to, and all files that
`report.json` lists, with the sizes and digests it gives. Pages themselves have no digest to keep:
a note may be written on them. What changes while it is read is read again.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from marketing_analytics.core import clock
from marketing_analytics.core.errors import PlatformError, UserError
from marketing_analytics.core.redaction import redact, secrets_of

INDEX, ABOUT = "index.html", "report.json"
TARGETS = "give a folder, or https://host/path/"
ATTEMPTS = 2
WAIT_SECONDS = 2.0
# one probe in all; a reader has gone long before
MAX_SECONDS = 20.0
MAX_FILE_BYTES = 64 * 1024 * 1024
REFERENCES = {("script", "src"), ("link", "href"), ("img", "src"), ("a", "href")}


@dataclass(frozen=True)
class Probe:
    """What one look at a target found; freshness is unknown while it cannot be read."""

    probed_at: datetime
    target: str
    is_available: bool
    is_fresh: bool | None
    age_seconds: float | None
    latency_seconds: float | None
    error: str | None


def probe_of(row: Mapping[str, Any]) -> Probe:
    """Return a row of the history."""
    return Probe(**{name: row[name] for name in Probe.__dataclass_fields__})


class UnreadableError(Exception):
    """A reader would not see the whole page; the text says why."""


Reader = Callable[[str], bytes]


def target_of(text: str) -> str:
    """Return a target as it is kept. Raise UserError for what is none, or has a secret in it."""
    if not text.strip() or "\0" in text:
        raise UserError("no page can be read there", hint=TARGETS)
    if "://" not in text:
        return str(Path(text))
    parts = address_of(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UserError("no page can be read there", hint=TARGETS)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UserError(
            "the address of a page to probe has a user, a ? or a #",
            hint="give https://host/path/ alone: it stands in the history for all to read",
        )
    return text.rstrip("/") + "/"


def address_of(text: str) -> SplitResult:
    """Return the parts of an address. Raise UserError for one that no client can ask."""
    import httpx

    try:
        httpx.URL(text)
        return urlsplit(text)
    except (ValueError, httpx.InvalidURL):
        # the reason is not told: it may show a secret
        raise UserError("this is no address of a page", hint=TARGETS) from None


def probe(target: str, fresh_within: timedelta) -> Probe:
    """Look at a target; one that is bad is looked at again before that is said."""
    for _ in range(ATTEMPTS - 1):
        found = probe_once(target, fresh_within)
        if found.is_available:
            return found
        time.sleep(WAIT_SECONDS)
    return probe_once(target, fresh_within)


def probe_once(target: str, fresh_within: timedelta) -> Probe:
    """Look at a target once."""
    now = clock.now()
    at = now.replace(tzinfo=None)
    started = time.monotonic()
    try:
        with_time = timed(reader_of(target), started + MAX_SECONDS)
        latency, snapshot_at = whole(with_time)
    except UnreadableError as error:
        reason = redact(str(error), secrets_of())
        return Probe(at, target, False, None, None, time.monotonic() - started, reason)
    age = (now - snapshot_at).total_seconds()
    is_fresh = age <= fresh_within.total_seconds()
    return Probe(at, target, True, is_fresh, age, latency, None)


def timed(read: Reader, until: float) -> Reader:
    """Return a reader that gives up when the time of a probe is over."""

    def reading(path: str) -> bytes:
        if time.monotonic() > until:
            raise UnreadableError(f"the page was not whole after {MAX_SECONDS:.0f} s")
        return read(path)

    return reading


def reader_of(target: str) -> Reader:
    """Return how files of a target are read."""
    if "://" not in target:
        return lambda path: read_file(Path(target), path)
    from marketing_analytics.core.http import build_client

    client = build_client(target)
    return lambda path: read_page(client, path)


def read_file(folder: Path, path: str) -> bytes:
    """Return a file of a folder."""
    try:
        return (folder / path).read_bytes()
    except OSError as error:
        raise UnreadableError(f"{path}: {error.strerror or error}") from None


def read_page(client: Any, path: str) -> bytes:
    """Return a file of a site; redirects are not followed."""
    import httpx

    from marketing_analytics.core.http import send_bounded

    try:
        answer = send_bounded(
            client, "GET", path, max_bytes=MAX_FILE_BYTES, answer_seconds=MAX_SECONDS,
            timeout=MAX_SECONDS / 2,
        )  # fmt: skip
    except (httpx.HTTPError, httpx.InvalidURL, PlatformError) as error:
        raise UnreadableError(f"{path}: {error or type(error).__name__}") from None
    if answer.status_code != 200:
        raise UnreadableError(f"{path}: answered {answer.status_code}")
    return answer.content


def whole(read: Reader) -> tuple[float, datetime]:
    """Return how long the first page took and when its data were taken.

    Raise UnreadableError where a part is absent or damaged, and is so still when read again.
    """
    while True:
        build = about_of(read)
        try:
            return check_build(read, build)
        except UnreadableError:
            # a newer one was put in its place meanwhile
            if about_of(read).get("build_id") == build.get("build_id"):
                raise


def about_of(read: Reader) -> dict[str, Any]:
    """Return what the report says of itself."""
    try:
        about: dict[str, Any] = json.loads(read(ABOUT))
    except ValueError:
        raise UnreadableError(f"{ABOUT} is not whole") from None
    files = about.get("files") if isinstance(about, dict) else None
    if not isinstance(files, dict) or not all(isinstance(each, dict) for each in files.values()):
        raise UnreadableError(f"{ABOUT} lists no files")
    return about


def check_build(read: Reader, about: Mapping[str, Any]) -> tuple[float, datetime]:
    """Read all of a build. Raise UnreadableError."""
    started = time.monotonic()
    index = page(read, INDEX)
    latency = time.monotonic() - started
    files: Mapping[str, Any] = about["files"]
    for path in dict.fromkeys([*references(index), *files]):
        if path == INDEX:
            continue
        if path.endswith(".html"):
            page(read, path)
        else:
            check_file(path, read(path), files.get(path))
    return latency, snapshot_time(about)


def page(read: Reader, path: str) -> str:
    """Return a page that ends where pages end."""
    text = read(path).decode("utf-8", errors="replace")
    if not text.rstrip().endswith("</html>"):
        raise UnreadableError(f"{path} is cut off")
    return text


def check_file(path: str, content: bytes, listed: Mapping[str, Any] | None) -> None:
    """Raise UnreadableError for a file that is empty, or not what is listed."""
    if not content:
        raise UnreadableError(f"{path} is empty")
    if listed is None:
        return
    if len(content) != listed.get("bytes") or (
        hashlib.sha256(content).hexdigest() != listed.get("sha256")
    ):
        raise UnreadableError(f"{path} is not the file that {ABOUT} lists")


def snapshot_time(about: Mapping[str, Any]) -> datetime:
    """Return when the data of a build were taken."""
    try:
        at = datetime.fromisoformat(str(about["snapshot_at"]))
    except (KeyError, ValueError):
        raise UnreadableError(f"{ABOUT} does not say when its data were taken") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def references(text: str) -> list[str]:
    """Return the files beside a page that it refers to. Raise UnreadableError for one outside."""
    parser = References()
    parser.feed(text)
    return list(parser.found)


class References(HTMLParser):
    """Collects what a page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, None] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if (tag, name) in REFERENCES and value:
                self.add(value)

    def add(self, value: str) -> None:
        """Keep a reference to a file beside the page."""
        try:
            parts = urlsplit(value)
        except ValueError:
            return
        if parts.scheme or parts.netloc or not parts.path:
            return
        path = PurePosixPath(unquote(parts.path))
        if path.is_absolute() or ".." in path.parts:
            raise UnreadableError(f"{INDEX} refers to {path}, outside of the report")
        self.found[str(path)] = None
