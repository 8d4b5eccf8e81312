"""What an answer of dbt Cloud holds, or which of our errors it means."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from marketing_analytics.cloud_api.transport import Response
from marketing_analytics.core.errors import (
    AmbiguousError,
    AuthError,
    RemoteError,
    TerminalError,
    TransientError,
)
from marketing_analytics.core.http import retry_after_seconds

# how long nobody of an account may call after too many calls, where the answer does not say
COOLDOWN_SECONDS = 300.0
AMBIGUOUS_STATUS = {408, 425, 500, 502, 503, 504}
# what a list of jobs may hold: 10,000 large jobs
MAX_LIST_BYTES = 32 * 1024 * 1024
# small ones take ten times the bytes of their text
MAX_LIST_ITEMS = 50_000
# an answer of 16 MiB could be five million empty lists, which take half a gigabyte
MAX_VALUES = 500_000

Answer = dict[str, Any]


def read_answer(response: Response, host: str) -> Answer:
    """Return the envelope of an answer, or raise what its status means."""
    if not response.is_success:
        raise error_of(response, host)
    answer = json_of(response)
    if answer is None or "data" not in answer:
        raise TerminalError(
            f"{host} answers, but not like dbt Cloud",
            hint="check DBTCLOUD_HOST_URL: it is the host, like https://cloud.getdbt.com",
        )
    return {**answer, "bytes": len(response.content)}


def unlike(host: str, what: str) -> TerminalError:
    """Return the error for an answer that dbt Cloud would not give."""
    return TerminalError(
        f"{host} answers, but not like dbt Cloud: {what}",
        hint="look at what answers there, and at the server's log",
    )


def check_size(size: int, count: int, path: str) -> None:
    """Raise TerminalError when a list, of so many bytes and items, has become too large to keep."""
    if size > MAX_LIST_BYTES:
        what = f"is larger than {MAX_LIST_BYTES // 2**20} MiB"
    elif count > MAX_LIST_ITEMS:
        what = f"has more than {MAX_LIST_ITEMS:,} items"
    else:
        return
    raise TerminalError(
        f"the list at {path} {what}",
        hint="one project does not have so many jobs: look at what answers there",
    )


def id_of(item: Answer, host: str) -> int:
    """Return the id of an object. Raise TerminalError when it has none."""
    found = item.get("id")
    if not isinstance(found, int) or isinstance(found, bool) or found <= 0:
        raise unlike(host, "a job has no id")
    return found


# what the parts of a job are that everything reads; each may be null
PARTS: dict[str, type] = {
    "name": str,
    "description": str,
    "execute_steps": list,
    "settings": dict,
    "execution": dict,
    "triggers": dict,
    "schedule": dict,
    "job_completion_trigger_condition": dict,
}


def check_job(job: Answer, host: str) -> Answer:
    """Return a job of an answer. Raise TerminalError when a part of it is of another kind."""
    for name, kind in PARTS.items():
        if job.get(name) is not None and not isinstance(job[name], kind):
            raise unlike(host, f"{name} of job {str(job.get('id'))[:20]} is {str(job[name])[:60]}")
    return job


def found_in(answer: Mapping[str, Any], *names: str) -> Any:
    """Return what stands at a path of an answer, or None."""
    found: Any = answer
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def error_of(response: Response, host: str) -> RemoteError:
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
        asked = retry_after_seconds(response.headers.get("retry-after"))
        return TransientError(
            f"{host} limits the rate of calls",
            hint="wait some minutes and repeat the command",
            status_code=code,
            retry_after_seconds=COOLDOWN_SECONDS if asked is None else asked,
        )
    if code in AMBIGUOUS_STATUS:
        hint = "look at what is there, then repeat the command; if it stays, at the server's log"
        return AmbiguousError(f"{host} failed with {code}: {said}", hint=hint, status_code=code)
    return refusal(response, host, said)


def refusal(response: Response, host: str, said: str) -> TerminalError:
    """Return the error for what will never succeed."""
    code = response.status_code
    if response.is_redirect:
        hint = "set DBTCLOUD_HOST_URL to the address it redirects to"
        said = f"redirects to {response.headers.get('location', '')}"
    elif code == 404:
        hint = "check DBTCLOUD_ACCOUNT_ID, PROJECT_ID and what the token may see"
    else:
        hint = "dbt Cloud did not accept the values; correct them and repeat"
    return TerminalError(f"{host} answered {code}: {said}", hint=hint, status_code=code)


def json_of(response: Response) -> Answer | None:
    """Return the body as a JSON object, or None; one of too many values is none of dbt Cloud."""
    body = response.content
    if sum(body.count(sign) for sign in (b",", b"[", b"{")) > MAX_VALUES:
        return None
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def message_of(response: Response) -> str:
    """Return what the server says about an error, in one line."""
    body = json_of(response)
    if body is None:
        return response.reason_phrase or "no reason given"
    status = body.get("status")
    said = status.get("user_message") if isinstance(status, dict) else None
    details = body.get("data")
    text = str(said or response.reason_phrase)[:500]
    return f"{text} {details}"[:500] if details else text
