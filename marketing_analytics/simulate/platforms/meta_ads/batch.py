"""Batches: several requests in one, each with its own answer.

developers.facebook.com/docs/graph-api/batch-requests; no request may depend on another.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from starlette.responses import Response

from marketing_analytics.simulate.platforms.meta_ads.errors import MetaError, bad_parameter
from marketing_analytics.simulate.platforms.meta_ads.parameters import Parameters, read_json

MOST_REQUESTS = 50
KEYS = {"method", "relative_url", "body", "headers"}


@dataclass(frozen=True)
class SubRequest:
    """One request of a batch."""

    method: str
    path: str
    parameters: dict[str, str]


def read_batch(parameters: Parameters) -> list[SubRequest]:
    """Return the requests of a batch. Raise MetaError."""
    found = read_json(parameters, "batch")
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise bad_parameter("Param batch must be an array of objects.")
    if len(found) > MOST_REQUESTS:
        said = f"Too many requests in batch message. Maximum batch size is {MOST_REQUESTS}"
        raise MetaError(said, code=190_000, kind="GraphBatchException")
    return [read_request(one) for one in found]


def read_request(one: dict[str, Any]) -> SubRequest:
    """Return one request. Raise MetaError."""
    unknown = sorted(set(one) - KEYS)
    if unknown:
        raise bad_parameter(f"batch: {unknown[0]} is not supported")
    if not isinstance(one.get("relative_url"), str) or not isinstance(one.get("method"), str):
        raise bad_parameter("batch: a request needs method and relative_url")
    url = urlsplit(one["relative_url"])
    parameters = dict(parse_qsl(url.query)) | dict(parse_qsl(str(one.get("body") or "")))
    return SubRequest(one["method"].upper(), url.path, parameters)


def sub_answer(response: Response, with_headers: bool) -> dict[str, Any]:
    """Return the answer to one request of a batch: its body is text."""
    answer: dict[str, Any] = {"code": response.status_code}
    if with_headers:
        answer["headers"] = [{"name": n, "value": v} for n, v in response.headers.items()]
    body = response.body if isinstance(response.body, bytes) else bytes(response.body)
    return {**answer, "body": json.dumps(json.loads(body))}
