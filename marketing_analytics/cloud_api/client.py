"""dbt Cloud's administrative API, as far as jobs need it.

Reads are repeated when they fail. Writes are repeated only when they were surely not carried
out, or when repeating changes nothing (update, delete); creating is left to the caller.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from marketing_analytics.core.errors import (
    AmbiguousError,
    AuthError,
    RemoteError,
    TerminalError,
    TransientError,
    UserError,
)
from marketing_analytics.core.http import (
    build_client,
    call_with_retry,
    error_from_exception,
    retry_after_seconds,
    send_bounded,
    wait_seconds,
)

if TYPE_CHECKING:
    import httpx

PAGE_SIZE = 100
ATTEMPTS = 6
FIRST_ATTEMPTS = 3
CREATE_ATTEMPTS = 5
RETRY_BASE_SECONDS = 0.5
CALLS_PER_SECOND = 60.0
CALL_BURST = 100
AMBIGUOUS_STATUS = {408, 425, 500, 502, 503, 504}

Answer = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Access:
    """Where dbt Cloud is, which project of which account, and the token that opens it."""

    host_url: str
    account_id: int
    project_id: int
    token: str = field(repr=False)


class TokenBucket:
    """Lets at most `rate` calls a second pass, after a burst; safe for threads."""

    def __init__(self, rate: float, burst: int) -> None:
        self.rate = rate
        self.burst = float(burst)
        self.tokens = float(burst)
        self.filled_at = time.monotonic()
        self.lock = threading.Lock()

    def take(self) -> None:
        """Wait until a call may be made."""
        with self.lock:
            now = time.monotonic()
            self.tokens = min(self.burst, self.tokens + (now - self.filled_at) * self.rate)
            self.filled_at = now
            self.tokens -= 1
            wait = -self.tokens / self.rate
        if wait > 0:
            time.sleep(wait)


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
        self.bucket = TokenBucket(CALLS_PER_SECOND, CALL_BURST)
        self.calls = 0
        self.has_answered = False
        self.client = build_client(
            f"{access.host_url}/api",
            {"Authorization": f"Token {access.token}", "Accept": "application/json"},
        )
        self.account = f"/v2/accounts/{access.account_id}"
        self.project = f"/v3/accounts/{access.account_id}/projects/{access.project_id}"

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    # requests

    def call(self, method: str, path: str, *, is_repeatable: bool = True, **options: Any) -> Answer:
        """Return the answer's envelope. Raise a RemoteError that says what happened."""
        return call_with_retry(
            lambda: self.call_once(method, path, **options),
            # a host that never answered is more likely wrong than busy
            attempts=ATTEMPTS if self.has_answered else FIRST_ATTEMPTS,
            base_seconds=self.retry_base_seconds,
            is_repeatable=is_repeatable,
            on_wait=self.on_wait,
        )

    def call_once(self, method: str, path: str, **options: Any) -> Answer:
        """Make one request."""
        self.bucket.take()
        self.calls += 1
        import httpx

        try:
            response = send_bounded(self.client, method, path, **options)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise untrusted(self.host, str(error)) from None
            raise error_from_exception(error, self.host) from None
        self.has_answered = True
        return read_answer(response, self.host)

    def pages(self, path: str, params: Mapping[str, str]) -> Iterator[list[Answer]]:
        """Yield the pages of a list."""
        offset = 0
        while True:
            page = {"limit": str(PAGE_SIZE), "offset": str(offset)}
            items = self.call("GET", path, params={**params, **page})["data"] or []
            yield items
            offset += len(items)
            if len(items) < PAGE_SIZE:
                return

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
        found = {
            job["id"]: job for page in self.pages(f"{self.account}/jobs/", params) for job in page
        }
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
        return self.write(f"{self.account}/jobs/", body, is_repeatable=False)

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

    def delete(self, path: str) -> None:
        """DELETE something; 404 says that it is gone."""
        try:
            self.call("DELETE", path)
        except TerminalError as error:
            if error.status_code != 404:
                raise

    # environment variables

    def variable_names(self) -> set[str]:
        """Return the names of the project's variables."""
        data = self.call("GET", f"{self.project}/environment-variables/environment/")["data"]
        return set((data or {}).get("variables") or {})

    def create_variable(self, name: str) -> None:
        """Create a variable of the project without a value, so that jobs can override it."""
        body = {"env_var": {"new_name": name, "project": ""}}
        path = f"{self.project}/environment-variables/bulk/"
        self.create_unless_there(
            lambda: self.call("POST", path, json=body, is_repeatable=False),
            lambda: name in self.variable_names(),
        )

    def ensure_variables(self, names: set[str]) -> None:
        """Create the variables that the project does not have."""
        for name in sorted(names - self.variable_names() if names else ()):
            self.create_variable(name)

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
                time.sleep(wait_seconds(error, attempt, self.retry_base_seconds))
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

    def trigger(self, job_id: int, cause: str, steps: Sequence[str] = ()) -> Answer:
        """Start a run, of other steps where given. A lost answer is found by the cause."""
        body = {"cause": cause, **({"steps_override": list(steps)} if steps else {})}
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


def untrusted(host: str, reason: str) -> TerminalError:
    """Return the error for a certificate that nobody we trust has signed."""
    said = reason.partition("CERTIFICATE_VERIFY_FAILED]")[2].partition(" (_ssl")[0].strip()
    return TerminalError(
        f"the certificate of {host} is not trusted: {said}",
        hint="export SSL_CERT_FILE=FILE with the certificate of the server or of its signer",
    )


def quoted_list(names: Any) -> str:
    """Return names the way the API reads lists in a query."""
    return "[" + ",".join(f'"{name}"' for name in names) + "]"


def read_answer(response: httpx.Response, host: str) -> Answer:
    """Return the envelope of an answer, or raise what its status means."""
    if response.is_success:
        answer = json_of(response)
        if answer is None or "data" not in answer:
            raise TerminalError(
                f"{host} answers, but not like dbt Cloud",
                hint="check DBTCLOUD_HOST_URL: it is the host, like https://cloud.getdbt.com",
            )
        return answer
    raise error_of(response, host)


def error_of(response: httpx.Response, host: str) -> RemoteError:
    """Return our error for a refused request."""
    code, said = response.status_code, message_of(response)
    if code == 401:
        return AuthError(
            f"{host} refused the token: {said}",
            hint="set DBTCLOUD_TOKEN to a token of this account and host",
            status_code=code,
        )
    if code == 403:
        hint = "the token needs the Job Admin permission for this project"
        return AuthError(f"the token may not do this: {said}", hint=hint, status_code=code)
    if code == 429:
        return TransientError(
            f"{host} limits the rate of calls",
            hint="wait some minutes and repeat the command",
            status_code=code,
            retry_after_seconds=retry_after_seconds(response.headers.get("Retry-After")),
        )
    if code in AMBIGUOUS_STATUS:
        hint = "look at what is there, then repeat the command; if it stays, at the server's log"
        return AmbiguousError(f"{host} failed with {code}: {said}", hint=hint, status_code=code)
    return refusal(response, host, said)


def refusal(response: httpx.Response, host: str, said: str) -> TerminalError:
    """Return the error for what will never succeed."""
    code = response.status_code
    if response.is_redirect:
        hint = "set DBTCLOUD_HOST_URL to the address it redirects to"
        said = f"redirects to {response.headers.get('Location', '')}"
    elif code == 404:
        hint = "check DBTCLOUD_ACCOUNT_ID, PROJECT_ID and what the token may see"
    else:
        hint = "dbt Cloud did not accept the values; correct them and repeat"
    return TerminalError(f"{host} answered {code}: {said}", hint=hint, status_code=code)


def json_of(response: httpx.Response) -> Answer | None:
    """Return the body as a JSON object, or None."""
    try:
        body = response.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def message_of(response: httpx.Response) -> str:
    """Return what the server says about an error, in one line."""
    body = json_of(response)
    if body is None:
        return response.reason_phrase or "no reason given"
    status = body.get("status")
    said = status.get("user_message") if isinstance(status, dict) else None
    details = body.get("data")
    text = str(said or response.reason_phrase)
    return f"{text} {details}"[:500] if details else text
