"""Keep one note of a merge request, or one issue, up to date with a text such as a plan.

It is found again by a hidden mark, so that a pipeline that runs twenty times leaves one note, not
twenty. Works after `pip install -r requirements.txt`, in a GitLab job: CI_API_V4_URL,
CI_PROJECT_ID, CI_MERGE_REQUEST_IID and GITLAB_TOKEN, a project access token with the scope api.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import click

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from marketing_analytics.core.errors import (
    AuthError,
    PlatformError,
    RemoteError,
    TransientError,
    UserError,
)
from marketing_analytics.core.redaction import redact, secrets_of
from marketing_analytics.core.signs import visible

ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 1.0
TIMEOUT_SECONDS = 30
MAX_TEXT = 60_000
PER_PAGE = 100
BUSY = (408, 425, 429, 500, 502, 503, 504)


@dataclass(frozen=True)
class GitLab:
    """The API of one project; what it takes stands in the environment of a job."""

    api_url: str
    project: str
    token: str

    @cached_property
    def user_id(self) -> int:
        """Return whose token it is."""
        return int(self.ask("GET", "/user")["id"])

    @property
    def place(self) -> str:
        """Return the path of the project."""
        return f"/projects/{self.project}"

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Return the answer of one call. Raise RemoteError; TransientError when it may pass."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"PRIVATE-TOKEN": self.token, "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.api_url}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise refused(method, path, error) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise TransientError(f"GitLab did not answer {method} {path}: {error}") from None

    def pages(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """Return all items of a list, oldest first."""
        found: list[dict[str, Any]] = []
        while True:
            page = len(found) // PER_PAGE + 1
            asked = {**query, "sort": "asc", "order_by": "created_at"}
            asked |= {"per_page": PER_PAGE, "page": page}
            items = self.ask("GET", f"{path}?{urlencode(asked)}")
            found += items
            if len(items) < PER_PAGE:
                return found

    def until_done(self, work: Callable[[], str]) -> str:
        """Return what `work` returns; it looks first, so doing it again makes nothing twice."""
        for attempt in range(1, ATTEMPTS):
            try:
                return work()
            except TransientError:
                time.sleep(FIRST_PAUSE_SECONDS * 2**attempt)
        return work()


def refused(method: str, path: str, error: urllib.error.HTTPError) -> RemoteError:
    """Return the error for an answer that is none of ours."""
    said = shown(error.read(2000).decode("utf-8", "replace"))
    message = f"GitLab answered {method} {path.partition('?')[0]} with {error.code}: {said}"
    if error.code in (401, 403):
        hint = "GITLAB_TOKEN has to be a token of this project with the scope api"
        return AuthError(message, hint=hint)
    return TransientError(message) if error.code in BUSY else RemoteError(message)


@dataclass(frozen=True)
class Page:
    """What is to be read: a hidden mark, a title, and the text below it."""

    key: str
    title: str
    text: str

    @property
    def mark(self) -> str:
        """Return what finds the page again; GitLab shows no comments of HTML."""
        return f"<!-- marketing-jobs:{self.key} -->"

    @property
    def body(self) -> str:
        """Return Markdown; the text stands in a fence that it cannot close."""
        text = shown(self.text).strip("\n")
        if len(text) > MAX_TEXT:
            cut = text[:MAX_TEXT].rpartition("\n")[0] or text[:MAX_TEXT]
            text = f"{cut}\n... cut; the whole text is in the log of the job"
        fence = "```"
        while fence in text:
            fence += "`"
        return f"{self.mark}\n### {self.title}\n\n{fence}\n{text}\n{fence}\n\n{origin()}\n"


def shown(text: str) -> str:
    """Return a text without the secrets of this job and without control characters."""
    return visible(redact(text, secrets_of()))


def origin() -> str:
    """Return where the text comes from: the job and the commit."""
    url, sha = os.environ.get("CI_JOB_URL"), os.environ.get("CI_COMMIT_SHORT_SHA")
    job = f"[this job]({url})" if url else "a job"
    return f"Written by {job}" + (f" at {sha}." if sha else ".")


def write_note(gitlab: GitLab, merge_request: str, page: Page) -> str:
    """Bring the one note of a merge request up to date. Return what was done."""
    path = f"{gitlab.place}/merge_requests/{merge_request}/notes"
    own = [note for note in gitlab.pages(path) if is_ours(gitlab, note, "body", page.mark)]
    if not own:
        gitlab.ask("POST", path, {"body": page.body})
        return "note created"
    for double in own[1:]:
        gitlab.ask("DELETE", f"{path}/{double['id']}")
    if own[0]["body"].strip() == page.body.strip():
        return "note is up to date"
    gitlab.ask("PUT", f"{path}/{own[0]['id']}", {"body": page.body})
    return "note updated"


def write_issue(gitlab: GitLab, page: Page, *, is_over: bool) -> str:
    """Bring the one open issue up to date, or close it. Return what was done."""
    listed = gitlab.pages(
        f"{gitlab.place}/issues", state="opened", search=page.key, **{"in": "description"}
    )
    own = [item for item in listed if is_ours(gitlab, item, "description", page.mark)]
    if is_over:
        for item in own:
            gitlab.ask("PUT", f"{gitlab.place}/issues/{item['iid']}", {"state_event": "close"})
        return "issue closed" if own else "no issue is open"
    wanted = {"title": page.title, "description": page.body}
    if not own:
        gitlab.ask("POST", f"{gitlab.place}/issues", wanted)
        return "issue opened"
    if own[0]["description"].strip() == page.body.strip():
        return "issue is up to date"
    gitlab.ask("PUT", f"{gitlab.place}/issues/{own[0]['iid']}", wanted)
    return "issue updated"


def is_ours(gitlab: GitLab, item: Mapping[str, Any], field: str, mark: str) -> bool:
    """Return whether an item has the mark and was written with our token, not by somebody else."""
    return str(item[field]).startswith(mark) and item["author"]["id"] == gitlab.user_id


def setting(name: str) -> str:
    """Return a setting of the job. Raise UserError."""
    value = os.environ.get(name, "")
    if not value:
        raise UserError(f"{name} is not set", hint="this runs in a job of GitLab")
    return value


@click.command()
@click.option("--key", required=True, help="Word that finds the note again.")
@click.option("--title", required=True, help="Its heading.")
@click.option("--file", "path", type=click.Path(path_type=Path), help="Text to show.")
@click.option("--issue", is_flag=True, help="An issue, not a note of the merge request.")
@click.option("--over", is_flag=True, help="Close the issue: there is nothing to say any more.")
def main(key: str, title: str, path: Path | None, issue: bool, over: bool) -> None:
    """Write a text into one note of the merge request, or into one issue."""
    try:
        click.echo(publish(key, title, path, is_issue=issue, is_over=over))
    except PlatformError as error:
        click.echo(shown(error.render()), err=True)
        sys.exit(error.exit_code)


def publish(key: str, title: str, path: Path | None, *, is_issue: bool, is_over: bool) -> str:
    """Write the note or the issue. Return what was done."""
    if path is None and not is_over:
        raise UserError("--file is not given", hint="pass the text to show, or --over")
    try:
        text = path.read_text("utf-8", "replace") if path else ""
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None
    page = Page(key, title, text)
    project = quote(setting("CI_PROJECT_ID"), safe="")
    gitlab = GitLab(setting("CI_API_V4_URL").rstrip("/"), project, setting("GITLAB_TOKEN"))
    if is_issue or is_over:
        return gitlab.until_done(lambda: write_issue(gitlab, page, is_over=is_over))
    merge_request = setting("CI_MERGE_REQUEST_IID")
    return gitlab.until_done(lambda: write_note(gitlab, merge_request, page))


if __name__ == "__main__":
    main()
