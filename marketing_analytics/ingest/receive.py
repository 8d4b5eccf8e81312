"""Listen for what platforms send on their own accord: one address, a path a platform."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import UserError
from marketing_analytics.ingest.platforms import load_source, source_names
from marketing_analytics.ingest.request import check_settings, lacking
from marketing_analytics.web.listening import open_socket

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from marketing_analytics.ingest.engine.source import Receiver

# what is beyond is answered with 503, and comes again
MOST_CONNECTIONS = 64


def receivers_of(names: tuple[str, ...], settings: Mapping[str, str]) -> dict[str, Receiver]:
    """Return the receivers asked for; without a name those that are set up. Raise UserError."""
    sources = {name: load_source(name) for name in names or source_names()}
    known = {name: source.receiver for name, source in sources.items() if source.receiver}
    for name in names:
        if name not in known:
            raise UserError(
                f"{name} sends nothing on its own accord",
                hint="leave out --source to see what does",
            )
    needed = {name: receiver.settings for name, receiver in known.items()}
    left_out = {} if names else lacking(needed, settings)
    if len(left_out) == len(known):
        left_out = {}
    chosen = {name: one for name, one in known.items() if name not in left_out}
    check_settings({name: needed[name] for name in chosen}, settings)
    return chosen


def serve(
    console: Console, host: str, port: int, names: tuple[str, ...], settings: Mapping[str, str]
) -> int:
    """Receive until a signal, and return the exit code."""
    import uvicorn

    apps = {name: one.build(settings) for name, one in receivers_of(names, settings).items()}
    sock = open_socket(host, port)
    shown = f"[{host}]" if ":" in host else host
    for name in apps:
        console.line(f"{name}: http://{shown}:{sock.getsockname()[1]}/{name}/events")
    config = uvicorn.Config(
        mounted(apps),
        log_config=None,
        log_level="critical",
        server_header=False,
        lifespan="on",
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=10,
    )
    uvicorn.Server(config).run([sock])
    return 0


def mounted(apps: Mapping[str, Any]) -> Any:
    """Return one application with a path for each of them."""
    from starlette.applications import Starlette
    from starlette.routing import Mount

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        # a mounted application is not told of start and end by itself
        async with AsyncExitStack() as stack:
            for app in apps.values():
                await stack.enter_async_context(app.router.lifespan_context(app))
            yield

    routes = [Mount(f"/{name}", app) for name, app in apps.items()]
    return Starlette(routes=routes, lifespan=lifespan)
