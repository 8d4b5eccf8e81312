"""Plain lists, read by dlt's `rest_api` from a declaration and sent by the governor.

dlt knows paths, parameters, paging and where the records are. Pacing, retries, bounds, tokens and
the sentences of errors are those of every source.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from dlt.common.configuration.container import Container
from dlt.common.pipeline import StateInjectableContext
from dlt.sources.rest_api import rest_api_resources
from requests.adapters import BaseAdapter

from marketing_analytics.core.errors import PlatformError, TerminalError
from marketing_analytics.ingest.engine.answers import Cursors, records
from marketing_analytics.ingest.engine.governor import BrokenAnswerError, Governor


class GovernedAdapter(BaseAdapter):
    """Sends what dlt asks for; one for each list, which must stay on its host and end."""

    def __init__(self, governor: Governor, base_url: str, records_at: str) -> None:
        super().__init__()
        self.governor = governor
        self.origin = origin_of(base_url)
        self.records_at = records_at
        self.pages = Cursors(f"the list of {records_at}")

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        """Return an answer whose records are whole; raise PlatformError."""
        url = str(request.url)
        # the access token would be sent there
        if origin_of(url) != self.origin:
            raise TerminalError(f"a page of {self.records_at} is said to lie on another host")
        self.pages.check(url)
        body, answer = self.governor.exchange(str(request.method), url)
        path = urlsplit(url).path
        if self.records_at not in body:
            raise BrokenAnswerError(f"the answer to {path} has no {self.records_at}")
        records(body, self.records_at, path)
        response = requests.Response()
        response.status_code = answer.status_code
        response.headers.update(answer.headers)
        response.url = url
        response.request = request
        response._content = answer.content
        return response

    def __deepcopy__(self, _: Any) -> GovernedAdapter:
        # dlt copies a declaration to check it; locks and connections cannot be copied
        return self

    def close(self) -> None:
        """Close nothing: the connections are the governor's."""


def origin_of(url: str) -> tuple[str, str]:
    """Return scheme and host."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def read_list(
    governor: Governor, base_url: str, endpoint: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield the records of a list that is declared as an endpoint of dlt's `rest_api`."""
    name = str(endpoint["data_selector"])
    session = requests.Session()
    adapter = GovernedAdapter(governor, base_url, name)
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    # a proxy and a .netrc of the machine are the governor's business
    session.trust_env = False
    declared: Any = {
        "client": {"base_url": base_url, "session": session},
        "resources": [{"name": name, "endpoint": dict(endpoint)}],
    }
    [resource] = rest_api_resources(declared)
    # not the state of a load that goes on beside this
    with Container().injectable_context(StateInjectableContext(state={})):
        found = iter(resource)
    try:
        yield from found
    except Exception as error:
        raise cause_of(error) from None


def cause_of(error: BaseException) -> BaseException:
    """Return our error inside of those that dlt puts around it."""
    inner: BaseException | None = error
    while inner is not None and not isinstance(inner, PlatformError):
        inner = inner.__cause__ or inner.__context__
    return inner or error
