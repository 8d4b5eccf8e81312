"""Look whether a run could work: the raw database, settings, hosts, access, accounts.

Nothing is loaded, and every platform is asked as little as possible.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from marketing_analytics.core import clock
from marketing_analytics.core.console import bug_in
from marketing_analytics.core.errors import (
    EXIT_AUTH_OR_LOCK,
    EXIT_FAILED,
    EXIT_OK,
    MachineError,
    PlatformError,
    UserError,
)
from marketing_analytics.core.http import build_client, error_from_exception, send_bounded
from marketing_analytics.core.redaction import redact, secrets_of
from marketing_analytics.ingest.engine.governor import Limits
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.persons import KEY_SETTING, check_key, key_of
from marketing_analytics.ingest.engine.source import Source
from marketing_analytics.ingest.platforms import load_source
from marketing_analytics.ingest.raw.places import nearest, opened
from marketing_analytics.ingest.raw.state import stored_state
from marketing_analytics.ingest.request import WAITS, Request, check_sources

LIMITS = Limits(attempts=2, retry_base_seconds=0.5, max_wait_seconds=5.0, answer_seconds=30.0)
HOST_SECONDS = 10.0
LEAST_FREE_BYTES = 2**30
# signatures and tokens are refused beyond it
MOST_SKEW_SECONDS = 300.0


@dataclass(frozen=True)
class Finding:
    """What was found about something: it is well, or `error` says what is wrong."""

    subject: str
    text: str = ""
    error: PlatformError | None = None

    @property
    def line(self) -> str:
        """Return it for a person: ok or fault, and what to do."""
        if self.error is None:
            return f"ok     {self.subject}: {self.text}"
        more = f"; {self.error.hint}" if self.error.hint else ""
        return f"fault  {self.subject}: {self.error.message}{more}"

    def as_json(self) -> dict[str, Any]:
        """Return the form of the `--json` output."""
        error = self.error
        return {
            "subject": self.subject,
            "is_ok": error is None,
            "message": redact(error.message if error else self.text, secrets_of()),
            "hint": redact(error.hint, secrets_of()) or None if error else None,
        }


def exit_code_of(findings: Sequence[Finding]) -> int:
    """Return 0 when all is well, 4 when all that is wrong is access or a lock, else 1."""
    codes = {finding.error.exit_code for finding in findings if finding.error}
    if not codes:
        return EXIT_OK
    return EXIT_AUTH_OR_LOCK if codes == {EXIT_AUTH_OR_LOCK} else EXIT_FAILED


def examine(request: Request) -> list[Finding]:
    """Look at everything that a run would need; the sources are asked side by side."""
    sources = {name: load_source(name) for name in request.sources}
    database = looked("raw database", lambda: f"{request.place}: {request.place.check()}")
    findings = [
        database,
        looked("disk", lambda: free_space(request)),
        looked("settings", lambda: waits_are_numbers(request)),
    ]
    if database.error is None and any(source.has_persons for source in sources.values()):
        findings.append(looked("pseudonyms", lambda: key_fits(request, sources)))
    with ThreadPoolExecutor(len(sources), "doctor") as pool:
        asked = pool.map(lambda name: list(of_source(request, name, sources[name])), sources)
        return findings + [finding for found in asked for finding in found]


def looked(subject: str, look: Callable[[], str]) -> Finding:
    """Return what a look finds, or the error that it raises."""
    try:
        return Finding(subject, look())
    except PlatformError as error:
        return Finding(subject, error=error)


def free_space(request: Request) -> str:
    """Return the space that is left; raise MachineError where it is little."""
    folder = nearest(request.place.working.parent)
    free = shutil.disk_usage(folder).free
    text = f"{free / 2**30:,.1f} GiB are free in {folder}"
    if free < LEAST_FREE_BYTES:
        raise MachineError(text, hint="free some: a load needs it for its files")
    return text


def waits_are_numbers(request: Request) -> str:
    """Return the days wanted; raise UserError for a waiting time that is no number."""
    for name in WAITS:
        request.seconds(name)
    return f"days from {request.since} on, today is {clock.today()}"


def key_fits(request: Request, sources: dict[str, Source]) -> str:
    """Return the version of the key; raise UserError where rows were loaded with another."""
    key = key_of(request.settings)
    if key is None:
        raise UserError(f"{KEY_SETTING} is not set", hint=f"export {KEY_SETTING}=...")
    if not request.place.exists():
        return f"key {key.version}; nothing is loaded yet"
    with opened(request.place, 0.0, is_read_only=True) as connection:
        for name, source in sources.items():
            if source.has_persons:
                check_key(name, key, stored_state(connection, name))
    return f"key {key.version} fits what is loaded"


def of_source(request: Request, name: str, source: Source) -> Iterator[Finding]:
    """Look at one source; what stands on a fault is not looked at."""
    found = looked(f"{name} settings", lambda: settings_of(request, name, source))
    yield found
    if found.error:
        return
    if source.address:
        address = source.address(request.settings)
        found = looked(f"{name} host", lambda: reach(address, base_setting(source)))
        yield found
        if found.error:
            return
    if source.check:
        yield from access_of(request, name, source)


def settings_of(request: Request, name: str, source: Source) -> str:
    """Return how many settings there are; raise UserError for what is missing or malformed."""
    check_sources({name: source}, request.settings)
    given = [
        *source.needed_with(request.settings),
        *(s for s in source.optional_settings if request.settings.get(s)),
    ]
    return f"{len(given)} given"


def base_setting(source: Source) -> str:
    """Return the setting that holds the address of a source."""
    return next((name for name in source.optional_settings if name.endswith("_BASE_URL")), "")


def reach(address: str, setting: str) -> str:
    """Return how far our clock is from a host's; raise PlatformError where it does not answer."""
    import httpx

    host = urlsplit(address).netloc.rpartition("@")[2]
    client = build_client(address)
    try:
        answer = send_bounded(client, "GET", "", answer_seconds=HOST_SECONDS, timeout=HOST_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise error_from_exception(error, host, setting) from None
    finally:
        client.close()
    skew = skew_seconds(answer.headers.get("Date", ""))
    if abs(skew) > MOST_SKEW_SECONDS:
        raise MachineError(
            f"the clock of this machine is {abs(skew):,.0f} s off that of {host}",
            hint="set it: tokens and days depend on it",
        )
    return f"{host} answers, its clock and ours agree"


def skew_seconds(date_header: str) -> float:
    """Return how far our clock is ahead, 0 where the host gives no time."""
    try:
        return (datetime.now(UTC) - parsedate_to_datetime(date_header)).total_seconds()
    except (TypeError, ValueError):
        return 0.0


def access_of(request: Request, name: str, source: Source) -> Iterator[Finding]:
    """Ask a source which accounts can be read."""
    assert source.check  # noqa: S101
    limits = replace(LIMITS, retry_base_seconds=request.seconds("INGEST_RETRY_SECONDS"))
    job = Job(name, request.settings, request.since, clock.now(), limits=limits)
    try:
        for account_id, text in source.check(job):
            known = f"account {account_id}" if account_id else ""
            yield Finding(f"{name} access", " ".join(filter(None, ("reads", known, text))))
    except PlatformError as error:
        job.fail(error)
    except Exception as error:
        job.fail(bug_in(f"the source {name}", error))
    for failure in job.failures:
        yield Finding(f"{name} access", error=failure)
