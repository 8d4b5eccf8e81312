"""An API over a fresh store, called in process and over real HTTP: every test runs twice."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from marketing_analytics.local_cloud.api.application import Api, ApiSettings
from marketing_analytics.local_cloud.server import build_server, fill_store
from marketing_analytics.local_cloud.settings import Identity, ServerSettings
from marketing_analytics.local_cloud.store.connection import Database, Place
from marketing_analytics.web.listening import open_socket

ACCOUNT, PROJECT, ENVIRONMENT = 1001, 70403103936332, 3001
TOKEN = "token-of-the-tests-0123456789"
HOSTS = frozenset({"localhost", "127.0.0.1"})


@dataclass
class Reply:
    """An answer; `json` reads the body."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def data(self) -> Any:
        return self.json["data"]


class Client:
    """Sends requests below /api; subclasses know how."""

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings

    def send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        raise NotImplementedError

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        given = {"Host": "127.0.0.1", "Authorization": f"Token {TOKEN}", **(headers or {})}
        return self.send(method, f"/api/{path}", data, given)

    def get(self, path: str, **options: Any) -> Reply:
        return self.request("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Reply:
        return self.request("POST", path, body, **options)

    def put(self, path: str, body: Any = None) -> Reply:
        return self.request("PUT", path, body)

    def delete(self, path: str, body: Any = None) -> Reply:
        return self.request("DELETE", path, body)

    def create_job(self, **fields: Any) -> dict[str, Any]:
        body = {"project_id": PROJECT, "environment_id": ENVIRONMENT, "name": "a job", **fields}
        reply = self.post(f"v2/accounts/{ACCOUNT}/jobs/", body)
        assert reply.status == 201, reply.body
        job: dict[str, Any] = reply.data
        return job


class ClientInProcess(Client):
    """Calls the ASGI application."""

    def __init__(self, settings: ServerSettings, api: Api) -> None:
        super().__init__(settings)
        self.api = api

    def send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": unquote(path),
            "query_string": query.encode(),
            "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in headers.items()],
        }
        sent: list[dict[str, Any]] = []
        received = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            # like a client that waits for its answer
            return received.pop() if received else await asyncio.Future()

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        asyncio.run(self.api(scope, receive, send))
        start = sent[0]
        names = {key.decode(): value.decode() for key, value in start["headers"]}
        return Reply(start["status"], b"".join(part["body"] for part in sent[1:]), names)


class ClientOverHttp(Client):
    """Keeps one connection to a server in a thread."""

    def __init__(self, settings: ServerSettings, port: int) -> None:
        super().__init__(settings)
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        self.connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.connection.putheader(name, value)
        self.connection.endheaders(body)
        response = self.connection.getresponse()
        data = response.read()
        names = {key.lower(): value for key, value in response.getheaders()}
        return Reply(response.status, data, names)


@pytest.fixture
def settings(tmp_path: Path, new_store: Callable[[Path], Place]) -> ServerSettings:
    identity = Identity(
        account_id=ACCOUNT, project_id=PROJECT, environment_id=ENVIRONMENT, token=TOKEN
    )
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    place = new_store(data_dir)
    url = place.url if isinstance(place, Database) else ""
    settings = ServerSettings(
        identity=identity, data_dir=data_dir, project_dir=tmp_path, database_url=url
    )
    fill_store(settings)
    return settings


@pytest.fixture
def api(settings: ServerSettings) -> Iterator[Api]:
    api = Api(ApiSettings(settings.store, settings.data_dir, HOSTS))
    yield api
    api.close()


@pytest.fixture(params=["in process", "over http"])
def client(
    request: pytest.FixtureRequest, settings: ServerSettings, api: Api, switch: Switch
) -> Iterator[Client]:
    if request.param == "in process":
        yield ClientInProcess(settings, api)
        return
    switch.api = api
    client = ClientOverHttp(settings, switch.port)
    yield client
    client.connection.close()


class Switch:
    """Serves the API of the test that is running: starting a server for each takes longer."""

    api: Api
    port: int

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.api(scope, receive, send)


@pytest.fixture(scope="session")
def switch() -> Iterator[Switch]:
    switch = Switch()
    with Serving(switch) as switch.port:
        yield switch


class Serving:
    """Runs an application on a free port in a thread."""

    def __init__(self, app: Any) -> None:
        self.socket = open_socket("127.0.0.1", 0)
        self.server = build_server(app)
        self.thread = threading.Thread(
            target=lambda: self.server.run(sockets=[self.socket]), daemon=True
        )

    def __enter__(self) -> int:
        self.thread.start()
        until = time.monotonic() + 10
        while not self.server.started and time.monotonic() < until:
            time.sleep(0.005)
        return int(self.socket.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join(10)
        self.socket.close()


def jobs_path(job_id: int | str = "") -> str:
    """Return the path of the jobs, or of one job."""
    return f"v2/accounts/{ACCOUNT}/jobs/" + (f"{job_id}/" if job_id else "")
