"""Which path goes to which handler, on Starlette's router. Slashes at the end do not matter."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from marketing_analytics.local_cloud.api.answers import ApiError, not_found
from marketing_analytics.local_cloud.api.call import Call

Handler = Callable[[Call], Response]
MAX_ID_DIGITS = 19


class IdConvertor(Convertor[int]):
    """A number of a path; more digits than any id has are a number all the same, of nothing."""

    regex = "[0-9]+"

    def convert(self, value: str) -> int:
        return int(value) if len(value) <= MAX_ID_DIGITS else 10**MAX_ID_DIGITS

    def to_string(self, value: int) -> str:
        return str(value)


register_url_convertor("id", IdConvertor())


@dataclass(frozen=True)
class Operation:
    """A method and a path such as `v2/accounts/{account_id}/jobs/{job_id}`.

    `{name}` is a number, `{name:text}` one part, `{rest}` everything that follows.
    """

    method: str
    path: str
    handler: Handler
    root: str = "/api/"

    @property
    def shape(self) -> str:
        """Return the path without the names of its numbers."""
        return re.sub(r"\{\w+\}", "{}", self.path)

    @property
    def pattern(self) -> str:
        """Return the path as Starlette writes it."""
        path = self.path.replace("{rest}", "{rest:path}").replace(":text}", ":str}")
        return self.root + re.sub(r"\{(\w+)\}", r"{\1:id}", path)


class Place:
    """What is served under one path, by method: the endpoint of its route."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.handlers = {operation.method: operation.handler for operation in operations}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the handler of the method. Raise a 405 that names the methods there are."""
        method = scope["method"]
        handler = self.handlers.get("GET" if method == "HEAD" else method)
        if handler is None:
            allowed = ", ".join(sorted(self.handlers))
            raise ApiError(405, f'Method "{method}" not allowed.', headers={"allow": allowed})
        response = await scope["app"].answer(handler, Request(scope, receive))
        await response(scope, receive, send)


async def nothing_here(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Answer a path that leads nowhere. Raise a 404."""
    raise not_found()


def build_router(operations: Iterable[Operation]) -> Router:
    """Return the router of all operations; literal paths come before those that take any text."""
    places: dict[str, list[Operation]] = {}
    for operation in operations:
        places.setdefault(operation.shape, []).append(operation)
    routes = [
        Route(found[0].pattern, Place(found))
        for _, found in sorted(places.items(), key=lambda place: ":text}" in place[0])
    ]
    return Router(routes, redirect_slashes=False, default=nothing_here)
