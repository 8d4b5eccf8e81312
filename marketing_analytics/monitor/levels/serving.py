"""Serve the metrics: one page, read only, under the host names of this machine alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import PlatformError
from marketing_analytics.web.hosts import answered_hosts
from marketing_analytics.web.listening import open_socket

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
MOST_CONNECTIONS = 20


def serve(
    console: Console, text_of: Callable[[], str], host: str, port: int, allowed: Sequence[str]
) -> None:
    """Answer until a signal."""
    import uvicorn

    sock = open_socket(host, port)
    shown = f"[{host}]" if ":" in host else host
    console.line(f"metrics: http://{shown}:{sock.getsockname()[1]}/metrics")
    config = uvicorn.Config(
        application(text_of, host, allowed, console.note),
        log_config=None,
        log_level="critical",
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=5,
    )
    uvicorn.Server(config).run([sock])


def application(
    text_of: Callable[[], str],
    host: str,
    allowed: Sequence[str],
    note: Callable[[str], None],
) -> ASGIApp:
    """Return the application: /metrics for the hosts that are answered.

    Why nothing could be read is noted here; a scraper only sees that it could not.
    """
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    from marketing_analytics.web.shield import Shield

    def metrics(_: Request) -> Response:
        try:
            return PlainTextResponse(text_of(), media_type=CONTENT_TYPE)
        except PlatformError as error:
            note(error.message)
            return PlainTextResponse("the warehouse cannot be read now\n", status_code=503)

    def refused(_: Request, status: int, title: str, hint: str, reference: str) -> Response:
        told = " ".join(filter(None, (title, hint, reference)))
        return PlainTextResponse(f"{told}\n", status_code=status)

    routes = [Route("/metrics", metrics, methods=["GET"])]
    return Shield(
        Starlette(routes=routes),
        allowed_hosts=answered_hosts(host, allowed),
        max_body_bytes=1024,
        error_page=refused,
    )
