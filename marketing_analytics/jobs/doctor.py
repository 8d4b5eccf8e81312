"""Look whether a deploy could work: settings, dbt Cloud, rights, files, programs. Only reads."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from marketing_analytics.cloud_api.names import jobs_counted
from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import EXIT_FAILED, EXIT_OK, PlatformError, UserError
from marketing_analytics.core.redaction import redact, secrets_of
from marketing_analytics.core.signs import visible
from marketing_analytics.jobs.settings import (
    FileDefaults,
    Given,
    Settings,
    ask_git,
    branch_of,
    load_settings,
    user_of,
)

if TYPE_CHECKING:
    from marketing_analytics.cloud_api.client import CloudClient
    from marketing_analytics.jobs.model import JobFile

# the server's clock is told in whole seconds, and an answer takes a while
MOST_SKEW_SECONDS = 60.0
PROGRAM_SECONDS = 20
LOOPBACK = ("127.0.0.1", "localhost", "::1", "[::1]")


@dataclass(frozen=True)
class Finding:
    """What was found about something: it is well, or `hint` says what to do."""

    subject: str
    text: str
    hint: str = ""
    is_fault: bool = False

    @property
    def line(self) -> str:
        """Return it for a person."""
        state = "fault" if self.is_fault else "note " if self.hint else "ok   "
        return f"{state}  {self.subject}: {self.text}" + (f"; {self.hint}" if self.hint else "")


def fault(subject: str, error: PlatformError) -> Finding:
    """Return the finding of an error."""
    return Finding(subject, error.message, error.hint, is_fault=True)


def examine(
    given: Given,
    config: Sequence[str],
    connect: Callable[[Settings], Any],
    environ: Mapping[str, str],
) -> Iterator[Finding]:
    """Yield what is found; `connect` opens a client of settings, as a context."""
    files, findings = look_at_files(config)
    yield from findings
    yield from look_at_git(given, environ)
    yield from look_at_programs()
    defaults = files[-1].defaults if files else FileDefaults()
    try:
        scopeless = Given(**{**vars(given), "is_shared": True})
        settings = load_settings(scopeless, defaults, environ=environ)
    except UserError as error:
        yield fault("settings", error)
        return
    where = f"account {settings.account_id}, project {settings.project_id}"
    yield Finding("settings", f"{where}, {settings.host_url}")
    yield from look_at_host(settings)
    with connect(settings) as client:
        yield from look_at_cloud(client, settings, files)


def look_at_files(config: Sequence[str]) -> tuple[list[JobFile], list[Finding]]:
    """Return the job files that can be read, and what is found about each."""
    from marketing_analytics.jobs.model import load_job_file

    files, findings = [], []
    for path in config:
        try:
            file = load_job_file(path)
        except UserError as error:
            findings.append(file_fault(path, error))
        else:
            files.append(file)
            findings.append(Finding("job file", f"{path}, {jobs_counted(len(file.jobs))}"))
    if not config:
        findings.append(Finding("job file", "none was named", "--config FILE looks at one"))
    return files, findings


def file_fault(path: str, error: UserError) -> Finding:
    """Return the finding of a job file with mistakes: the first, and how many there are."""
    count = len(getattr(error, "errors", (error,)))
    where = getattr(error, "where", path)
    more = f" and {count - 1} more" if count > 1 else ""
    hint = "`validate` shows every mistake"
    return Finding("job file", f"{where}: {error.message}{more}", hint, is_fault=True)


def look_at_git(given: Given, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Yield which branch and user a deploy is of."""
    for subject, of in (("branch", branch_of), ("user", user_of)):
        try:
            yield Finding(subject, of(given, environ))
        except UserError as error:
            # the team's shared jobs need neither
            yield Finding(subject, "nobody says it", error.hint)
    if not ask_git("rev-parse", "--git-dir"):
        yield Finding("git", "this is no work tree", "work in a clone of the repository")


def look_at_programs() -> Iterator[Finding]:
    """Yield the versions of dbt and Terraform; a deploy needs neither."""
    try:
        yield Finding("dbt", f"dbt-core {metadata.version('dbt-core')}")
    except metadata.PackageNotFoundError:
        hint = "the lineage check needs it: pip install -r requirements/all.txt"
        yield Finding("dbt", "not installed", hint)
    if shutil.which("terraform") is None:
        hint = (
            "deploys of staging and production need it: https://developer.hashicorp.com/terraform"
        )
        yield Finding("terraform", "not installed", hint)
        return
    version = first_line(["terraform", "version"])
    if version:
        yield Finding("terraform", version)
    else:
        yield Finding("terraform", "it does not say its version", "run `terraform version`")


def first_line(command: list[str]) -> str:
    """Return the first line that a program prints, or nothing where it fails."""
    # Terraform would ask the internet for a newer one
    env = {**os.environ, "CHECKPOINT_DISABLE": "1"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PROGRAM_SECONDS, env=env, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.partition("\n")[0].strip() if done.returncode == 0 else ""


def look_at_host(settings: Settings) -> Iterator[Finding]:
    """Yield whether the token travels in plain text."""
    parts = urlsplit(settings.host_url)
    if parts.scheme == "https":
        yield Finding("encryption", "https")
    elif parts.hostname in LOOPBACK:
        yield Finding("encryption", "none, on this machine")
    else:
        hint = "write https://; the token is readable on the way"
        yield Finding("encryption", "none", hint, is_fault=True)


def look_at_cloud(
    client: CloudClient, settings: Settings, files: Sequence[JobFile]
) -> Iterator[Finding]:
    """Yield what dbt Cloud answers: host, token, clock, versions of the API, rights, ids."""
    from marketing_analytics.core.errors import AuthError, TerminalError

    subject = "local server" if urlsplit(client.host).hostname in LOOPBACK else "host"
    try:
        account = client.call("GET", f"{client.account}/")["data"]
    except AuthError as error:
        yield Finding(subject, "it answers")
        yield fault("token", error)
        return
    except TerminalError as error:
        yield fault("account" if error.status_code == 404 else subject, error)
        return
    except PlatformError as error:
        here = "`make up` starts it" if subject == "local server" else error.hint
        yield Finding(subject, error.message, here, is_fault=True)
        return
    yield Finding(subject, "it answers")
    yield Finding("token", "accepted")
    yield clock_finding(client.clock_ahead_seconds)
    name = account.get("name") if isinstance(account, Mapping) else None
    yield Finding("account", f"{settings.account_id} {name or ''}".strip())
    yield from look_at_rights(client, settings, files)


def clock_finding(ahead_seconds: float | None) -> Finding:
    """Return whether this machine's clock agrees with the server's, which may be ahead."""
    if ahead_seconds is None:
        return Finding("clock", "the server does not tell its time")
    skew = -ahead_seconds
    if abs(skew) <= MOST_SKEW_SECONDS:
        return Finding("clock", "as the server's")
    text = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the server's"
    hint = "set this machine's clock; ages of jobs and next runs are wrong"
    return Finding("clock", text, hint, is_fault=True)


def look_at_rights(
    client: CloudClient, settings: Settings, files: Sequence[JobFile]
) -> Iterator[Finding]:
    """Yield what the token may read, and what the settings and files name that is not there."""
    from marketing_analytics.jobs.online import mistakes_of, read_account

    try:
        seen = read_account(client)
    except PlatformError as error:
        yield fault("rights", error)
        return
    for refusal in seen.refusals:
        yield Finding("rights", refusal.message, refusal.hint, is_fault=True)
    if seen.environments is None:
        return
    yield Finding("API", "versions 2 and 3 answer")
    if not seen.refusals:
        count = jobs_counted(len(seen.jobs))
        yield Finding("rights", f"it reads {count}, runs, variables and environments")
    number = len(seen.environments)
    counted = f"{number} environment{'s' if number != 1 else ''}"
    yield Finding("project", f"{settings.project_id}, {counted}")
    yield environment_finding(settings.environment_id, seen.environments)
    for file in files:
        for mistake in mistakes_of(file, seen, None):
            if mistake.line:
                text = f"{mistake.where}: {mistake.message}"
                yield Finding("job file", text, mistake.hint, is_fault=True)


def environment_finding(chosen: int | None, known: Mapping[int, Mapping[str, Any]]) -> Finding:
    """Return whether the environment of the jobs is there."""
    if chosen is None:
        return Finding("environment", "not set", "export ENVIRONMENT_ID=... to plan and deploy")
    if chosen not in known:
        hint = f"the project has {', '.join(map(str, sorted(known))) or 'none'}"
        return Finding("environment", f"the project has no {chosen}", hint, is_fault=True)
    return Finding("environment", f"{chosen} {known[chosen].get('name') or ''}".strip())


def report(console: Console, findings: Iterator[Finding], version: int) -> int:
    """Print findings as they come and return the exit code."""
    found = []
    for finding in findings:
        found.append(finding)
        console.prose(visible(finding.line), indent=" " * 7)
    faults = sum(finding.is_fault for finding in found)
    if console.is_json:
        listed = [finding_json(finding) for finding in found]
        console.json({"schema_version": version, "is_well": not faults, "findings": listed})
    else:
        console.line(f"{faults} fault{'s' if faults > 1 else ''}" if faults else "all is well")
    return EXIT_FAILED if faults else EXIT_OK


def finding_json(finding: Finding) -> dict[str, Any]:
    """Return a finding for programs."""
    known = secrets_of()
    return {
        "subject": finding.subject,
        "is_fault": finding.is_fault,
        "text": redact(finding.text, known),
        "hint": redact(finding.hint, known) or None,
    }
