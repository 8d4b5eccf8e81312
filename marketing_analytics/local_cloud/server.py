"""The server: API, pages and engine in one process, on one port.

Order of the start: project and dbt are checked, the port is taken, the engine takes the lock of
the data folder, the first start fills the store, `server.json` says where the server listens.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import socket
import sqlite3
import time
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from marketing_analytics.core import clock
from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import UserError
from marketing_analytics.core.written import replace_file
from marketing_analytics.local_cloud import settings as checks
from marketing_analytics.local_cloud.api.answers import one
from marketing_analytics.local_cloud.api.application import Api, ApiSettings
from marketing_analytics.local_cloud.api.discovery.handlers import is_discovery
from marketing_analytics.local_cloud.pages.records.drift import JobFiles
from marketing_analytics.local_cloud.runs import store as run_store
from marketing_analytics.local_cloud.runs.code.remotes import is_address
from marketing_analytics.local_cloud.runs.code.settings import CodeSettings
from marketing_analytics.local_cloud.runs.engine import Engine, EngineSettings
from marketing_analytics.local_cloud.runs.publish import PublishSettings
from marketing_analytics.local_cloud.runs.requests.again import retry_run
from marketing_analytics.local_cloud.settings import Identity, ServerSettings
from marketing_analytics.local_cloud.store.accounts import add_account, add_token, revoke_replaced
from marketing_analytics.local_cloud.store.connection import (
    Connection,
    open_connection,
    transaction,
)
from marketing_analytics.local_cloud.store.environments import (
    EnvironmentFields,
    add_environment,
    get_environment,
)
from marketing_analytics.local_cloud.store.projects import (
    ProjectFields,
    add_project,
    get_project,
    save_project,
)
from marketing_analytics.local_cloud.store.schema import open_store
from marketing_analytics.local_cloud.webhooks.sender import Sender
from marketing_analytics.local_cloud.webhooks.store import send_again
from marketing_analytics.warehouse.duckdb import no_raw_database
from marketing_analytics.web import certificates
from marketing_analytics.web.guard import wants_page
from marketing_analytics.web.hosts import ANY_ADDRESS
from marketing_analytics.web.listening import open_socket

SHUTDOWN_SECONDS = 2
REPEATED_SECONDS = 60.0
NEW_TOKEN = "DBTCLOUD_TOKEN replaced the one of earlier starts, which counts no longer"  # noqa: S105
LOG_FORMAT = "%(asctime)s %(levelname)s %(action)s %(message)s"
KEEP_ALIVE_SECONDS = 75
MONITORS = "monitors.yml"


def serve(settings: ServerSettings, console: Console) -> int:
    """Serve until SIGTERM or SIGINT; return the exit code."""
    set_up_log()
    # store, warehouses, logs and artifacts are for the owner of the server alone
    os.umask(0o077)
    checks.check_source(settings)
    checks.check_dbt()
    checks.prepare_data_dir(settings.data_dir)
    if settings.tls:
        certificates.load(settings.tls.current())
    with closing(open_socket(settings.host, settings.port)) as listening:
        engine = Engine(
            settings.data_dir,
            store=settings.store,
            raw_database=settings.raw_database,
            settings=EngineSettings(
                publish=publish_settings(settings, listening),
                code=CodeSettings(
                    is_dirty=settings.is_dirty, logins=settings.logins, hub_url=settings.hub_url
                ),
                request_days=settings.request_days,
                access=settings.access,
                keep_days=settings.keep_days,
            ),
        )
        engine.start()
        try:
            remarks = fill_store(settings)
            raw = settings.raw_database if settings.is_raw_wanted else None
            if raw and not raw.exists():
                remarks.append(no_raw_database(raw))
            for remark in remarks:
                console.note(remark)
            run_server(settings, engine, listening, console)
        finally:
            engine.stop()
            withdraw(settings.data_dir / "server.json")
    return 0


def publish_settings(settings: ServerSettings, listening: socket.socket) -> PublishSettings:
    """Return how the report is published: the monitors of the project's repository, this server."""
    monitors = Path(source_of(settings), settings.subdirectory).parent / MONITORS
    environment = own_environment(settings, listening)
    # a frozen business clock is that of the data too
    environment |= {name: os.environ[name] for name in (clock.SETTING,) if name in os.environ}
    return PublishSettings(
        settings.publishing_jobs, monitors if monitors.is_file() else None, environment
    )


def own_environment(settings: ServerSettings, listening: socket.socket) -> dict[str, str]:
    """Return the settings with which our own commands find this very server."""
    identity = settings.identity
    found = {
        "DBTCLOUD_HOST_URL": address_of(settings, listening),
        "DBTCLOUD_ACCOUNT_ID": str(identity.account_id),
        "DBTCLOUD_TOKEN": identity.token,
        "PROJECT_ID": str(identity.project_id),
        "ENVIRONMENT_ID": str(identity.environment_id),
    }
    if settings.tls and settings.tls.is_own:
        found["SSL_CERT_FILE"] = str(settings.tls.place.certificate)
    return found


def set_up_log() -> None:
    """Write warnings to stderr, each with its action word; libraries have none."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(LOG_FORMAT, defaults={"action": "-"}))
    handler.addFilter(SaidOnce())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


class SaidOnce(logging.Filter):
    """Lets a line through that was not said in the last minute: a full disk fails every look."""

    def __init__(self) -> None:
        super().__init__()
        self._said_at: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now, text = time.monotonic(), record.getMessage()
        self._said_at = {
            said: at for said, at in self._said_at.items() if now - at < REPEATED_SECONDS
        }
        is_new = text not in self._said_at
        # while it goes on it stays said
        self._said_at[text] = now
        return is_new


def fill_store(settings: ServerSettings) -> list[str]:
    """Create account, project, environment and token unless they exist; return what to tell."""
    identity = settings.identity
    with closing(open_store(settings.store)) as connection, transaction(connection):
        add_account(connection, identity.account_id, "Local")
        add_token(connection, identity.account_id, "first", identity.token)
        replaced = revoke_replaced(connection, identity.account_id, identity.token)
        fill_project(connection, settings)
        fill_environment(connection, identity)
    return [NEW_TOKEN] if replaced else []


def source_of(settings: ServerSettings) -> str:
    """Return where the first project is: an address, or a whole path."""
    place = str(settings.project_dir)
    return place if is_address(place) else str(Path(place).resolve())


def fill_project(connection: Connection, settings: ServerSettings) -> None:
    """Create the project, or note where its source is now."""
    identity = settings.identity
    source, inner = source_of(settings), settings.subdirectory
    project = get_project(connection, identity.account_id, identity.project_id)
    if project is not None:
        if (project.source_path, project.dbt_project_subdirectory or "") != (source, inner):
            changed = replace(project, source_path=source, dbt_project_subdirectory=inner or None)
            save_project(connection, changed)
        return
    try:
        add_project(
            connection,
            identity.account_id,
            ProjectFields(name="Marketing", dbt_project_subdirectory=inner or None),
            project_id=identity.project_id,
            source_path=source,
        )
    except sqlite3.IntegrityError:
        raise taken("PROJECT_ID", identity.project_id) from None


def fill_environment(connection: Connection, identity: Identity) -> None:
    """Create the environment unless it exists."""
    found = get_environment(connection, identity.account_id, identity.environment_id)
    if found is not None and found.project_id == identity.project_id:
        return
    try:
        add_environment(
            connection,
            identity.account_id,
            identity.project_id,
            EnvironmentFields(name="Development"),
            environment_id=identity.environment_id,
        )
    except sqlite3.IntegrityError:
        raise taken("ENVIRONMENT_ID", identity.environment_id) from None


def taken(name: str, value: int) -> UserError:
    """Return the error for an id that belongs to something else, or was deleted."""
    return UserError(
        f"{name} {value} was deleted or belongs to another account or project in this data folder",
        hint="choose another id or another --data-dir",
    )


def run_server(
    settings: ServerSettings, engine: Engine, listening: socket.socket, console: Console
) -> None:
    """Answer requests until a signal comes."""
    files = JobFiles(
        settings.job_files,
        settings.shared_job_files,
        {**os.environ, **own_environment(settings, listening)},
    )
    front = Front(settings, engine, files)
    sender = Sender(settings.store, settings.webhook_hosts)
    sender.start()
    server = build_server(front, settings.trusted_proxies)
    # uvicorn's own handlers would repeat the signal before our clean-up has run
    previous = {
        number: signal.signal(number, server.handle_exit)
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        announce(settings, listening, console)
        run_until_exit(server, listening, settings.tls)
    finally:
        sender.stop()
        front.close()
        for number, handler in previous.items():
            signal.signal(number, handler)


def build_server(app: ASGIApp, trusted_proxies: Collection[str] = ()) -> Any:
    """Return a uvicorn server of an ASGI application.

    A trusted proxy says by X-Forwarded-Proto and -For how and from where a client came.

    Idle connections are kept for long: a client that reuses one just when it is closed fails.
    """
    import uvicorn

    from marketing_analytics.web.patience import PatientProtocol

    config = uvicorn.Config(
        app,
        http=PatientProtocol,
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies),
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    return uvicorn.Server(config)


def run_until_exit(
    server: Any, listening: socket.socket, tls: certificates.CertificateSource | None = None
) -> None:
    """Run uvicorn without its signal handlers; with a certificate it speaks https."""
    import asyncio

    from marketing_analytics.web.patience import PatientLoop

    async def run() -> None:
        if tls:
            server.config.load()
            server.config.ssl = context = certificates.load(tls.current())
            # the loop ends it with the server
            fresh = asyncio.create_task(certificates.keep_fresh(context, tls))
        await server._serve([listening])
        if tls:
            fresh.cancel()

    with asyncio.Runner(loop_factory=PatientLoop) as runner:
        runner.run(run())


def announce(settings: ServerSettings, listening: socket.socket, console: Console) -> None:
    """Write server.json, whole or not at all, and say where the server listens.

    The socket listens already: a client that comes now waits for its answer.
    """
    url, about = address_of(settings, listening), {}
    if settings.tls and settings.tls.is_own:
        about["certificate"] = str(settings.tls.place.certificate)
    told = json.dumps({"url": url, "pid": os.getpid(), **about})
    replace_file(settings.data_dir / "server.json", told)
    console.line(f"dbt Cloud is serving on {url} (data in {settings.data_dir})")
    for path in about.values():
        console.note(f"clients trust it with SSL_CERT_FILE={path}")


def withdraw(path: Path) -> None:
    """Remove server.json, unless another server of the folder has written it since."""
    with contextlib.suppress(OSError, ValueError):
        if json.loads(path.read_text("utf-8"))["pid"] == os.getpid():
            path.unlink()


def address_of(settings: ServerSettings, listening: socket.socket) -> str:
    """Return the address at which this machine reaches the server."""
    host = "127.0.0.1" if settings.host in ANY_ADDRESS else settings.host
    name = f"[{host}]" if ":" in host else host
    scheme = "https" if settings.tls else "http"
    return f"{scheme}://{name}:{listening.getsockname()[1]}"


class Front:
    """Sends a request to the API or to the pages, and answers `GET /` to programs."""

    def __init__(self, settings: ServerSettings, engine: Engine, job_files: JobFiles) -> None:
        from marketing_analytics.local_cloud.pages.mount import build_ui
        from marketing_analytics.local_cloud.pages.settings import UiSettings

        self.api = Api(
            ApiSettings(
                store=settings.store,
                data_dir=settings.data_dir,
                allowed_hosts=checks.api_hosts(settings.host, settings.allowed_hosts),
                wake=engine.wake,
                webhook_hosts=settings.webhook_hosts,
                requests_per_minute=settings.requests_per_minute,
            )
        )
        self.pages: Any = build_ui(
            UiSettings(
                database=settings.store,
                data_dir=settings.data_dir,
                account_id=settings.identity.account_id,
                actions=PageActions(settings, engine),
                bound_host=settings.host,
                # whoever comes through a proxy comes from elsewhere
                allowed_hosts=settings.allowed_hosts,
                has_proxy=bool(settings.trusted_proxies),
                job_files=job_files,
            )
        )

    def close(self) -> None:
        """Close the store."""
        self.api.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope.get("path", "")
        if path.startswith("/api/") or path == "/api" or is_discovery(path):
            await self.api(scope, receive, send)
        elif path == "/" and is_program(scope):
            await one({"name": "local dbt Cloud"})(scope, receive, send)
        else:
            await self.pages(scope, receive, send)


def is_program(scope: Scope) -> bool:
    """Return whether the caller did not ask for a page."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return False
    return not wants_page(Request(scope))


class PageActions:
    """What the pages can make the server do."""

    def __init__(self, settings: ServerSettings, engine: Engine) -> None:
        self.settings = settings
        self.engine = engine

    def run_job(self, job_id: int, overrides: Mapping[str, Any] | None = None) -> int:
        """Queue a run of a job and return its id."""
        cause = "Started on the page, with changes" if overrides else "Started on the page"
        with closing(open_connection(self.settings.store)) as connection:
            run = run_store.create_run(
                connection, job_id, cause=cause, cause_category="ui", overrides=overrides
            )
        self.engine.wake()
        return run.id

    def retry_run(self, run_id: int) -> int:
        """Queue a run that goes on where another failed and return its id."""
        with closing(open_connection(self.settings.store)) as connection:
            run_id = retry_run(connection, run_id)
        self.engine.wake()
        return run_id

    def cancel_run(self, run_id: int) -> None:
        """Ask for a run to be cancelled."""
        with closing(open_connection(self.settings.store)) as connection:
            run_store.request_cancel(connection, run_id)
        self.engine.wake()

    def send_again(self, delivery_id: str) -> None:
        """Queue a delivery of a webhook once more."""
        with closing(open_connection(self.settings.store)) as connection:
            send_again(connection, delivery_id)
