"""Serve the emulators: one process, one event loop, one port per platform."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import MachineError, UserError
from marketing_analytics.simulate.emulation.control import Controlled, SimulatedClock
from marketing_analytics.simulate.emulation.emulator import Emulator
from marketing_analytics.simulate.emulation.world_files import WorldFiles, open_world
from marketing_analytics.simulate.platforms import emulator_names, load_emulator
from marketing_analytics.simulate.world.in_use import ENDPOINTS, being_served
from marketing_analytics.web.listening import open_socket

# the ports below are those of the system
FIRST_PORT, LAST_PORT = 1_024, 65_535
# persons of a simulated world are nobody
SIMULATED_KEY = "1:persons-of-a-simulated-world"


def build_emulators(world: WorldFiles) -> dict[str, Emulator]:
    """Return the emulator of each platform; all of them believe in one clock."""
    clock = SimulatedClock(world.as_of_us)
    return {name: load_emulator(name)(world, clock) for name in emulator_names()}


def bind_all(names: Collection[str], host: str, port: int) -> dict[str, socket.socket]:
    """Return a socket per platform: free ports, or `port` and the ones after it."""
    last = LAST_PORT - len(names) + 1
    if port and not FIRST_PORT <= port <= last:
        hint = f"give 0 for free ports, or {FIRST_PORT} to {last}"
        raise UserError(f"--port {port} is out of range", hint=hint)
    sockets: dict[str, socket.socket] = {}
    try:
        for offset, name in enumerate(names):
            sockets[name] = open_socket(host, port + offset if port else 0)
    except (MachineError, OSError):
        for sock in sockets.values():
            sock.close()
        raise
    return sockets


def connection_settings(
    world: WorldFiles, emulators: dict[str, Emulator], urls: dict[str, str]
) -> dict[str, str]:
    """Return every setting that ingestion needs."""
    settings: dict[str, str] = {}
    for name, emulator in emulators.items():
        settings |= emulator.settings(urls[name])
    return {
        **settings,
        "GA4_EXPORT_PATH": str(world.folder / "ga4"),
        "SHOP_DATABASE_URL": f"sqlite:///{world.folder / 'shop.sqlite'}",
        "MARKETING_PSEUDONYM_KEY": SIMULATED_KEY,
        "MARKETING_NOW": SimulatedClock(world.as_of_us).text(),
    }


def write_endpoints(path: Path, settings: dict[str, str]) -> None:
    """Write dotenv lines in one step. Raise MachineError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    text = "".join(f"{name}={value}\n" for name, value in settings.items())
    try:
        # before the first secret is written
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
    target = endpoints or folder / ENDPOINTS
    # what is no world gets no lock file
    open_world(folder)
    with being_served(folder, target):
        return serve_held(console, open_world(folder), host, port, target)


def serve_held(console: Console, world: WorldFiles, host: str, port: int, target: Path) -> int:
    """Serve a world that nobody else writes."""
    emulators = build_emulators(world)
    sockets = bind_all(emulators, host, port)
    shown = f"[{host}]" if ":" in host else host
    urls = {n: f"http://{shown}:{s.getsockname()[1]}" for n, s in sockets.items()}

    def announce() -> None:
        write_endpoints(target, connection_settings(world, emulators, urls))
        for name, url in urls.items():
            console.line(f"{name}: {url}")
        console.line(f"settings: {target}")

    try:
        return asyncio.run(run_servers(emulators, sockets, announce))
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
    emulators: dict[str, Emulator], sockets: dict[str, socket.socket], announce: Callable[[], None]
) -> int:
    """Run all servers until a signal, announcing them once all of them listen."""
    servers = []
    for emulator in emulators.values():
        config = uvicorn.Config(
            Controlled(emulator.app, emulator.control),
            log_config=None,
            log_level="critical",
            lifespan="off",
            timeout_keep_alive=30,
            # a client that keeps its connection must not keep us
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
    # only now: who reads the settings file may connect at once
    announce()
    await stop.wait()
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*tasks)
    return 0
