"""Serve the emulators: one process, one event loop, one port per platform."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import MachineError, UserError
from marketing_analytics.simulate.emulation.control import Controlled, SimulatedClock
from marketing_analytics.simulate.emulation.world_files import WorldFiles, open_world
from marketing_analytics.simulate.platforms.google_ads.emulator import GoogleAds
from marketing_analytics.simulate.platforms.mailchimp.emulator import Mailchimp
from marketing_analytics.simulate.platforms.meta_ads.emulator import MetaAds

PLATFORMS = ("meta_ads", "google_ads", "mailchimp")
LAST_PORT = 65_535


def build_apps(world: WorldFiles) -> tuple[dict[str, ASGIApp], dict[str, str]]:
    """Return the app of each platform and the settings that hold no address."""
    clock = SimulatedClock(world.as_of_us)
    meta, google, mailchimp = (kind(world, clock) for kind in (MetaAds, GoogleAds, Mailchimp))
    apps: dict[str, ASGIApp] = {
        "meta_ads": Controlled(meta.app, meta.control),
        "google_ads": Controlled(google.app, google.control),
        "mailchimp": Controlled(mailchimp.app, mailchimp.control),
    }
    return apps, {**meta.settings(), **google.settings(), **mailchimp.settings()}


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raise MachineError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(128)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            message, hint = f"port {port} is taken", "give another --port, or 0 for free ones"
        else:
            message = f"cannot listen on {host}:{port}: {error.strerror or error}"
            hint = "give an address of this machine and a port you may use"
        raise MachineError(message, hint=hint) from None
    return sock


def bind_all(host: str, port: int) -> dict[str, socket.socket]:
    """Return a socket per platform: free ports, or `port` and the ones after it."""
    if not 0 <= port <= LAST_PORT - len(PLATFORMS) + 1:
        raise UserError(f"--port {port} is out of range", hint="give 0, or 1024 to 65533")
    sockets: dict[str, socket.socket] = {}
    try:
        for offset, name in enumerate(PLATFORMS):
            sockets[name] = bind(host, port + offset if port else 0)
    except (MachineError, OSError):
        for sock in sockets.values():
            sock.close()
        raise
    return sockets


def connection_settings(
    world: WorldFiles, urls: dict[str, str], settings: dict[str, str]
) -> dict[str, str]:
    """Return every setting that ingestion needs."""
    return {
        "META_ADS_BASE_URL": f"{urls['meta_ads']}/v26.0",
        "GOOGLE_ADS_BASE_URL": f"{urls['google_ads']}/v26",
        "GOOGLE_ADS_TOKEN_URL": f"{urls['google_ads']}/token",
        "MAILCHIMP_BASE_URL": f"{urls['mailchimp']}/3.0",
        **settings,
        "GA4_EXPORT_PATH": str(world.folder / "ga4"),
        "SHOP_DATABASE_URL": f"sqlite:///{world.folder / 'shop.sqlite'}",
        "MARKETING_NOW": SimulatedClock(world.as_of_us).text(),
    }


def write_endpoints(path: Path, settings: dict[str, str]) -> None:
    """Write dotenv lines in one step. Raise MachineError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    text = "".join(f"{name}={value}\n" for name, value in settings.items())
    try:
        draft.touch(mode=0o600)
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise MachineError(
            f"cannot write {path}: {error.strerror or error}", hint="give another --endpoints"
        ) from None


def serve_world(
    console: Console, folder: Path, host: str, port: int, endpoints: Path | None
) -> int:
    """Serve a world until SIGTERM or SIGINT and return the exit code."""
    world = open_world(folder)
    apps, settings = build_apps(world)
    sockets = bind_all(host, port)
    shown = f"[{host}]" if ":" in host else host
    urls = {n: f"http://{shown}:{s.getsockname()[1]}" for n, s in sockets.items()}
    target = endpoints or world.folder / "connections.env"

    def announce() -> None:
        write_endpoints(target, connection_settings(world, urls, settings))
        for name, url in urls.items():
            console.line(f"{name}: {url}")
        console.line(f"settings: {target}")

    try:
        return asyncio.run(run_servers(apps, sockets, announce))
    finally:
        for sock in sockets.values():
            sock.close()


class QuietServer(uvicorn.Server):
    """A uvicorn server that leaves the signals to us."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def run_servers(
    apps: dict[str, ASGIApp], sockets: dict[str, socket.socket], announce: Callable[[], None]
) -> int:
    """Run all servers until a signal, announcing them once all of them listen."""
    servers = []
    for app in apps.values():
        config = uvicorn.Config(
            app,
            log_config=None,
            log_level="critical",
            lifespan="off",
            timeout_keep_alive=30,
            timeout_graceful_shutdown=2,
        )
        servers.append(QuietServer(config))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    tasks = [
        asyncio.create_task(server.serve([sock]))
        for server, sock in zip(servers, sockets.values(), strict=True)
    ]
    while not all(server.started for server in servers):
        await asyncio.sleep(0.01)
    announce()
    await stop.wait()
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*tasks)
    return 0
