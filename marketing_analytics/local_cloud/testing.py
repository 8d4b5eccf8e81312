"""A local dbt Cloud as a fixture of pytest, for projects of your own.

    def test_my_client(dbt_cloud):
        run_my_client(url=dbt_cloud.url, token=dbt_cloud.token, account_id=dbt_cloud.account_id)

The server is a process of its own on a free port, one for all tests of a session; its data go with
the session. `dbt_cloud_project` says which dbt project it runs: override it, or set
`dbt_cloud_project` in pytest's ini file. Without pytest: `with serving(project, folder) as cloud:`.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

START_SECONDS = 60.0
STOP_SECONDS = 30.0
POLL_SECONDS = 0.05
ACCOUNT_ID, PROJECT_ID, ENVIRONMENT_ID = 1001, 2001, 3001


@dataclass(frozen=True, kw_only=True)
class ServedCloud:
    """A server that listens: where, and as whom to ask it."""

    url: str
    token: str
    data_dir: Path
    account_id: int = ACCOUNT_ID
    project_id: int = PROJECT_ID
    environment_id: int = ENVIRONMENT_ID
    certificate: Path | None = None

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of a request."""
        return {"Authorization": f"Token {self.token}"}

    @property
    def environment(self) -> dict[str, str]:
        """Return what clients read from the environment; docs/local-dbt-cloud.md names them.

        With `--tls` among the options it says too which certificate to trust.
        """
        trust = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE") if self.certificate else ()
        return {
            **dict.fromkeys(trust, str(self.certificate)),
            "DBTCLOUD_HOST_URL": self.url,
            "DBTCLOUD_ACCOUNT_ID": str(self.account_id),
            "DBTCLOUD_TOKEN": self.token,
            "PROJECT_ID": str(self.project_id),
            "ENVIRONMENT_ID": str(self.environment_id),
            "DBT_CLOUD_HOST_URL": f"{self.url}/api",
            "DBT_CLOUD_ACCOUNT_ID": str(self.account_id),
            "DBT_CLOUD_PROJECT_ID": str(self.project_id),
            "DBT_CLOUD_ENVIRONMENT_ID": str(self.environment_id),
            "DBT_CLOUD_TOKEN": self.token,
            "DBT_CLOUD_HOST": urlsplit(self.url).netloc,
            "DBT_CLOUD_API_TOKEN": self.token,
            "DBT_CLOUD_SERVICE_TOKEN": self.token,
            "DBT_BASE_URL": self.url,
            "DBT_API_KEY": self.token,
        }


@contextmanager
def serving(project_dir: Path, data_dir: Path, *options: str) -> Iterator[ServedCloud]:
    """Run a server on a free port until the block ends; `options` are of `marketing cloud serve`.

    Raise RuntimeError with what it said when it does not start.
    """
    from marketing_analytics.local_cloud.settings import DATABASE_SETTING

    identity = ServedCloud(url="", token=secrets.token_hex(20), data_dir=data_dir)
    command = [sys.executable, "-m", "marketing_analytics", "cloud", "serve", "--port", "0"]
    command += ["--data-dir", str(data_dir), "--project-dir", str(project_dir), *options]
    data_dir.mkdir(parents=True, exist_ok=True)
    log, ready = data_dir / "server.log", data_dir / "server.json"
    # a server that was killed leaves it
    old = ready.read_bytes() if ready.exists() else b""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            # a store of its own, whatever the machine is set up for
            env={**os.environ, DATABASE_SETTING: "", **identity.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        told = wait_for(ready, process, log, old)
        certificate = Path(told["certificate"]) if "certificate" in told else None
        yield ServedCloud(
            url=told["url"], token=identity.token, data_dir=data_dir, certificate=certificate
        )
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(
    ready: Path, process: subprocess.Popen[bytes], log: Path, old: bytes = b""
) -> dict[str, str]:
    """Return what a server says of itself as soon as it listens; `old` is what another one said."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        if ready.exists() and (said := ready.read_bytes()) != old:
            told: dict[str, str] = json.loads(said)
            return told
        time.sleep(POLL_SECONDS)
    raise RuntimeError(f"the local dbt Cloud did not start:\n{log.read_text('utf-8', 'replace')}")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the setting of the ini file."""
    parser.addini("dbt_cloud_project", "folder of the dbt project of the local dbt Cloud", "string")


@pytest.fixture(scope="session")
def dbt_cloud_project(request: pytest.FixtureRequest) -> Path:
    """Return the folder of the dbt project; override it to make one."""
    return request.config.rootpath / (request.config.getini("dbt_cloud_project") or ".")


@pytest.fixture(scope="session")
def dbt_cloud(
    dbt_cloud_project: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedCloud]:
    """Serve a local dbt Cloud to all tests of the session."""
    with serving(dbt_cloud_project, tmp_path_factory.mktemp("dbt_cloud")) as cloud:
        yield cloud
