"""dbt Cloud's administrative API, as far as jobs need it.

Reads are repeated when they fail. Writes are repeated only when they were surely not carried
out, or when repeating changes nothing (update, delete); creating is left to the caller.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import IO, Any, TypeVar
from urllib.parse import quote

from marketing_analytics.cloud_api.access import Access as Access
from marketing_analytics.cloud_api.answers import (
    Answer,
    check_job,
    check_size,
    error_of,
    found_in,
    id_of,
    read_answer,
    unlike,
)
from marketing_analytics.cloud_api.pace import MOST_AT_A_TIME, Pace
from marketing_analytics.cloud_api.transport import Response, Transport
from marketing_analytics.core.errors import (
    AmbiguousError,
    RemoteError,
    TerminalError,
    UserError,
)
from marketing_analytics.core.http import call_with_retry, wait_seconds

PAGE_SIZE = 100
PAGES_AT_A_TIME = 8
ATTEMPTS = 6
FIRST_ATTEMPTS = 3
CREATE_ATTEMPTS = 5
RETRY_BASE_SECONDS = 0.5
# a longer wait than this nobody sits through
MAX_WAIT_SECONDS = 900.0

S = TypeVar("S")
T = TypeVar("T")


class CloudClient:
    """Calls of one account and project; may be used by several threads."""

    def __init__(
        self,
        access: Access,
        *,
        retry_base_seconds: float = RETRY_BASE_SECONDS,
        on_wait: Callable[[RemoteError, float], None] | None = None,
    ) -> None:
        self.host = access.host_url
        self.project_id = access.project_id
        self.account_id = access.account_id
        self.retry_base_seconds = retry_base_seconds
        self.on_wait = on_wait
        self.pace = Pace()
        self.calls = 0
        self.has_answered = False
        # the server's clock minus ours; ours is used until it has told its own
        self.clock_ahead_seconds: float | None = None
        self.transport = Transport(
            access.host_url,
            {"Authorization": f"Token {access.token}", "Accept": "application/json"},
        )
        self.account = f"/v2/accounts/{access.account_id}"
        self.project = f"/v3/accounts/{access.account_id}/projects/{access.project_id}"

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()

    def now(self) -> datetime:
        """Return the time by the server's clock."""
        return datetime.fromtimestamp(time.time() + (self.clock_ahead_seconds or 0), UTC)

    # requests

    def call(self, method: str, path: str, *, is_repeatable: bool = True, **options: Any) -> Answer:
        """Return the answer's envelope. Raise a RemoteError that says what happened."""
        return call_with_retry(
            lambda: self.call_once(method, path, **options),
            # a host that never answered is more likely wrong than busy
            attempts=ATTEMPTS if self.has_answered else FIRST_ATTEMPTS,
            base_seconds=self.retry_base_seconds,
            max_wait_seconds=MAX_WAIT_SECONDS,
            is_repeatable=is_repeatable,
            on_wait=self.wait,
            sleep=lambda _: None,
        )

    def wait(self, error: RemoteError, seconds: float) -> None:
        """Wait before an attempt; beyond the limit of calls all threads wait, and one says so."""
        is_news = error.status_code != 429 or self.pace.pause(seconds)
        tell = self.on_wait if is_news else None
        self.pace.rest(seconds, (lambda left: tell(error, left)) if tell else None)

    def call_once(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Make one request."""
        with self.pace.call():
            self.calls += 1
            response = self.transport.send(method, f"/api{path}", params=params, body=json)
            self.has_answered = True
            self.set_clock(response.headers.get("date"))
            return read_answer(response, self.host)

    def set_clock(self, date: str | None) -> None:
        """Learn the server's time from the header of an answer, once."""
        if not date or self.clock_ahead_seconds is not None:
            return
        with contextlib.suppress(TypeError, ValueError, OverflowError):
            self.clock_ahead_seconds = parsedate_to_datetime(date).timestamp() - time.time()

    def pages(
        self, path: str, params: Mapping[str, str], at_a_time: int = 1
    ) -> Iterator[list[Answer]]:
        """Yield the pages of a list; several at a time where the first tells how many there are.

        Raise TerminalError when the list is no list of objects, or too large.
        """
        items, total, size = self.page(path, params, 0)
        yield items
        offset = step = count = len(items)
        while step and (step >= PAGE_SIZE if total is None else offset < total):
            end = offset + 1 if total is None else min(offset + at_a_time * step, total)
            offsets = range(offset, end, step)
            for items, _, page_size in self.pages_at(path, params, offsets):
                size, count = size + page_size, count + len(items)
                check_size(size, count, path)
                yield items
            offset = offsets[-1] + step
            step = step if total is not None else len(items)

    def pages_at(
        self, path: str, params: Mapping[str, str], offsets: range
    ) -> list[tuple[list[Answer], int | None, int]]:
        """Return the pages at these offsets, read at a time."""
        return self.together(lambda at: self.page(path, params, at), list(offsets))

    def together(self, act: Callable[[S], T], items: Sequence[S]) -> list[T]:
        """Return what a function gives for each item, called at a time; Ctrl-C ends all waits.

        All calls have ended when this raises what the first one raised.
        """
        if len(items) < 2:
            return [act(item) for item in items]
        # a list of one page needs none, and it takes a while to load
        from concurrent.futures import ThreadPoolExecutor, wait

        with ThreadPoolExecutor(min(MOST_AT_A_TIME, len(items))) as pool:
            begun = [pool.submit(act, item) for item in items]
            try:
                wait(begun)
            except KeyboardInterrupt:
                self.pace.stop()
                raise
        return [done.result() for done in begun]

    def page(
        self, path: str, params: Mapping[str, str], offset: int
    ) -> tuple[list[Answer], int | None, int]:
        """Return a page, the number of items on all pages where that is told, and its bytes."""
        place = {"limit": str(PAGE_SIZE), "offset": str(offset)}
        answer = self.call("GET", path, params={**params, **place})
        items = answer["data"] or []
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise unlike(self.host, f"{path} is no list of objects")
        pagination = found_in(answer, "extra", "pagination")
        total = pagination.get("total_count") if isinstance(pagination, dict) else None
        # a total that is less than what is there is no total
        is_told = isinstance(total, int) and total >= offset + len(items)
        return items, total if is_told else None, int(answer.get("bytes") or 0)

    def check_environment(self, environment_id: int) -> None:
        """Raise UserError unless the environment is one of the project."""
        try:
            self.call("GET", f"{self.project}/environments/{environment_id}/")
        except TerminalError as error:
            if error.status_code != 404:
                raise
            raise UserError(
                f"there is no environment {environment_id} in project {self.project_id}"
                f" of account {self.account_id}",
                hint="check ENVIRONMENT_ID, PROJECT_ID and DBTCLOUD_ACCOUNT_ID",
            ) from None

    # jobs

    def list_jobs(self, *related: str) -> list[Answer]:
        """Return the project's active jobs."""
        params = {"project_id": str(self.project_id), "order_by": "id"}
        if related:
            params["include_related"] = quoted_list(related)
        found: dict[int, Answer] = {}
        for page in self.pages(f"{self.account}/jobs/", params, PAGES_AT_A_TIME):
            before = len(found)
            found |= {id_of(check_job(job, self.host), self.host): job for job in page}
            if page and len(found) == before:
                raise unlike(self.host, "the list of jobs does not end")
        return [found[job_id] for job_id in sorted(found)]

    def job(self, job_id: int, *related: str) -> Answer | None:
        """Return a job of the project, or None when there is none (any more)."""
        params = {"include_related": quoted_list(related)} if related else {}
        try:
            data = self.call("GET", f"{self.account}/jobs/{job_id}/", params=params)["data"]
        except TerminalError as error:
            if error.status_code != 404:
                raise
            return None
        is_ours = isinstance(data, dict) and data.get("project_id") == self.project_id
        return data if is_ours and data.get("state", 1) == 1 else None

    def create_job(self, body: Answer) -> Answer:
        """Create a job. An AmbiguousError means: look whether it exists."""
        made = self.write(f"{self.account}/jobs/", body, is_repeatable=False)
        id_of(made, self.host)
        return made

    def update_job(self, job_id: int, body: Answer) -> Answer:
        """Replace what a job does."""
        return self.write(f"{self.account}/jobs/{job_id}/", {"id": job_id, **body})

    def delete_job(self, job_id: int) -> None:
        """Delete a job; one that is gone already is fine."""
        self.delete(f"{self.account}/jobs/{job_id}/")

    def write(self, path: str, body: Answer, *, is_repeatable: bool = True) -> Answer:
        """POST a body with the account's id, and return the answer's data."""
        body = {"account_id": self.account_id, **body}
        data = self.call("POST", path, json=body, is_repeatable=is_repeatable)["data"]
        return data if isinstance(data, dict) else {}

    def delete(self, path: str, **options: Any) -> None:
        """DELETE something; 404 says that it is gone."""
        try:
            self.call("DELETE", path, **options)
        except TerminalError as error:
            if error.status_code != 404:
                raise

    # environment variables

    def variables(self) -> dict[str, dict[str, Answer]]:
        """Return the project's variables: name, then place (`project`), then id and value."""
        data = self.call("GET", f"{self.project}/environment-variables/environment/")["data"]
        found = found_in({"data": data}, "data", "variables")
        if not isinstance(found, dict):
            return {}
        return {name: places for name, places in found.items() if isinstance(places, dict)}

    def create_variable(self, name: str, value: str = "") -> None:
        """Create a variable of the project; without a value it is one that jobs can override."""
        body = {"env_var": {"new_name": name, "project": value}}
        path = f"{self.project}/environment-variables/bulk/"
        self.create_unless_there(
            lambda: self.call("POST", path, json=body, is_repeatable=False),
            lambda: name in self.variables(),
        )

    def ensure_variables(self, names: set[str]) -> None:
        """Create the variables that the project does not have."""
        if names:
            self.together(self.create_variable, sorted(names - set(self.variables())))

    def change_variable(self, name: str, variable_id: int, value: str) -> None:
        """Change the value that a variable has for the whole project."""
        body = {"env_vars": {"name": name, str(variable_id): value}}
        self.call("PUT", f"{self.project}/environment-variables/bulk/", json=body)

    def delete_variable(self, name: str) -> None:
        """Delete a variable of the project; one that is gone already is fine."""
        self.delete(f"{self.project}/environment-variables/bulk/", json={"name": name})

    def create_unless_there(self, create: Callable[[], object], look: Callable[[], Any]) -> Any:
        """Create something and return what `look` found when that failed but it is there.

        It may be there by the call whose answer was lost, or by somebody else.
        """
        for attempt in range(1, CREATE_ATTEMPTS + 1):
            try:
                create()
                break
            except (AmbiguousError, TerminalError) as error:
                found = look()
                if found:
                    return found
                if isinstance(error, TerminalError) or attempt == CREATE_ATTEMPTS:
                    raise
                self.pace.rest(wait_seconds(error, attempt, self.retry_base_seconds))
        return None

    def job_overrides(self, job_id: int) -> Answer:
        """Return the variables of one job."""
        path = f"{self.project}/environment-variables/job/"
        data = self.call("GET", path, params={"job_definition_id": str(job_id)})["data"]
        return data if isinstance(data, dict) else {}

    def set_override(self, job_id: int, name: str, value: str, override_id: int | None) -> None:
        """Create or change the value of a variable for one job."""
        body = {
            "id": override_id,
            "project_id": self.project_id,
            "job_definition_id": job_id,
            "name": name,
            "type": "job",
            "raw_value": value,
        }
        path = f"{self.project}/environment-variables/"
        if override_id:
            self.write(f"{path}{override_id}/", body)
            return
        existing = self.create_unless_there(
            lambda: self.write(path, body, is_repeatable=False),
            lambda: (self.job_overrides(job_id).get(name) or {}).get("job"),
        )
        if existing:
            self.set_override(job_id, name, value, int(existing["id"]))

    def delete_override(self, override_id: int) -> None:
        """Remove a variable from a job."""
        self.delete(f"{self.project}/environment-variables/{override_id}/")

    # runs

    def trigger(self, job_id: int, cause: str, **overrides: Any) -> Answer:
        """Start a run, with `steps_override` and the like. A lost answer is found by the cause."""
        body = {"cause": cause, **overrides}
        try:
            return self.write(f"{self.account}/jobs/{job_id}/run/", body, is_repeatable=False)
        except AmbiguousError:
            for run in self.latest_runs(job_id):
                if (run.get("trigger") or {}).get("cause") == cause:
                    return run
            raise

    def latest_runs(self, job_id: int, limit: int = 20) -> list[Answer]:
        """Return the newest runs of a job with what triggered them."""
        params = {
            "job_definition_id": str(job_id),
            "order_by": "-id",
            "limit": str(limit),
            "include_related": quoted_list(["trigger"]),
        }
        data = self.call("GET", f"{self.account}/runs/", params=params)["data"]
        return list(data or [])

    def run(self, run_id: int, *related: str) -> Answer:
        """Return a run."""
        params = {"include_related": quoted_list(related)} if related else {}
        with naming_the_run(run_id, self.account_id):
            data = self.call("GET", f"{self.account}/runs/{run_id}/", params=params)["data"]
        return data if isinstance(data, dict) else {}

    def cancel(self, run_id: int) -> Answer:
        """Cancel a run."""
        with naming_the_run(run_id, self.account_id):
            return self.write(f"{self.account}/runs/{run_id}/cancel/", {})

    # what became of runs

    def list_runs(self, count: int, **filters: int) -> list[Answer]:
        """Return the newest runs with what triggered them, at most so many."""
        params = {name: str(value) for name, value in filters.items()}
        params |= {"order_by": "-id", "include_related": quoted_list(["trigger"])}
        found: dict[int, Answer] = {}
        # new runs push older ones from page to page, so one may come twice
        for page in self.pages(f"{self.account}/runs/", params):
            found |= {int(run["id"]): run for run in page}
            if len(found) >= count:
                break
        return list(found.values())[:count]

    def retry(self, run_id: int, job_id: int) -> Answer:
        """Run a failed run again from its failure. When the answer is lost, look for the run."""
        try:
            with naming_the_run(run_id, self.account_id):
                path = f"{self.account}/runs/{run_id}/retry/"
                return self.write(path, {}, is_repeatable=False)
        except AmbiguousError:
            for run in self.latest_runs(job_id):
                if run.get("retrying_run_id") == run_id:
                    return run
            raise

    def environment_names(self) -> dict[int, str]:
        """Return the names of the project's environments by id."""
        pages = self.pages(f"{self.project}/environments/", {})
        return {int(each["id"]): str(each.get("name") or "") for page in pages for each in page}

    def artifacts(self, run_id: int, step: int | None = None) -> list[str]:
        """Return the paths of a run's artifacts, of the last step by default."""
        params = {} if step is None else {"step": str(step)}
        with naming_the_run(run_id, self.account_id):
            path = f"{self.account}/runs/{run_id}/artifacts/"
            data = self.call("GET", path, params=params)["data"]
        return [str(name) for name in data or []]

    def artifact_size(self, run_id: int, name: str, step: int | None = None) -> int | None:
        """Return the bytes of an artifact as the server tells them, or None; nothing is read."""
        length = self.artifact(run_id, name, step, None, 0).headers.get("content-length", "")
        return int(length) if length.isascii() and length.isdigit() else None

    def save_artifact(
        self, run_id: int, name: str, step: int | None, file: IO[bytes], max_bytes: int
    ) -> int:
        """Write an artifact to a file from its beginning, and return its bytes, unpacked."""
        self.artifact(run_id, name, step, file, max_bytes)
        return file.tell()

    def artifact(
        self, run_id: int, name: str, step: int | None, file: IO[bytes] | None, max_bytes: int
    ) -> Response:
        """Return the answer that carries an artifact, its body in the file or left where it is."""
        path = f"/api{self.account}/runs/{run_id}/artifacts/{quote(name)}"
        params = {} if step is None else {"step": str(step)}

        def once() -> Response:
            with self.pace.call():
                self.calls += 1
                found = self.transport.download(path, params, file, max_bytes)
                if not found.is_success:
                    raise error_of(found, self.host)
                return found

        return call_with_retry(
            once,
            attempts=ATTEMPTS,
            base_seconds=self.retry_base_seconds,
            max_wait_seconds=MAX_WAIT_SECONDS,
            on_wait=self.wait,
            sleep=lambda _: None,
        )


@contextlib.contextmanager
def naming_the_run(run_id: int, account_id: int) -> Iterator[None]:
    """Say which run is missing where the server says only that something is."""
    try:
        yield
    except TerminalError as error:
        if error.status_code != 404:
            raise
        raise TerminalError(
            f"there is no run {run_id} in account {account_id}",
            hint="`list` shows the last run of each job; another account: DBTCLOUD_ACCOUNT_ID",
            status_code=404,
        ) from None


def quoted_list(names: Any) -> str:
    """Return names the way the API reads lists in a query."""
    return "[" + ",".join(f'"{name}"' for name in names) + "]"
