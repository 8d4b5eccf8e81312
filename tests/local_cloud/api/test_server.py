"""Starting the server: what is created, and one clear sentence for everything that is wrong."""

from __future__ import annotations

import http.client
import io
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from marketing_analytics.core.errors import UserError
from marketing_analytics.ingest.request import DEFAULT_RAW_DATABASE
from marketing_analytics.local_cloud.cli import group, raw_database_of
from marketing_analytics.local_cloud.runs.engine import lock_folder
from marketing_analytics.local_cloud.server import NEW_TOKEN, fill_store
from marketing_analytics.local_cloud.settings import Identity, ServerSettings
from marketing_analytics.local_cloud.store.accounts import token_of
from marketing_analytics.local_cloud.store.connection import open_connection

TOKEN = "token-of-the-server-tests-1234"
SETTINGS = {
    "DBTCLOUD_ACCOUNT_ID": "1001",
    "PROJECT_ID": "2001",
    "ENVIRONMENT_ID": "3001",
    "DBTCLOUD_TOKEN": TOKEN,
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "dbt_project.yml").write_text("name: shop\nversion: 1.0.0\nprofile: shop\n")
    return folder


def serve(
    tmp_path: Path, project: Path, *extra: str, port: int = 0, **changes: str
) -> tuple[int, str]:
    """Run the command and return its exit code and everything it wrote."""
    arguments = ["serve", "--port", str(port), "--data-dir", str(tmp_path / "data")]
    arguments += ["--project-dir", str(project), *extra]
    result = CliRunner().invoke(group, arguments, env={**SETTINGS, **changes})
    assert "Traceback" not in result.output
    assert TOKEN not in result.output
    return result.exit_code, result.output


@pytest.mark.parametrize("name", SETTINGS)
def test_a_missing_setting_is_named(tmp_path: Path, project: Path, name: str) -> None:
    code, text = serve(tmp_path, project, **{name: ""})
    assert code == 2
    assert f"{name} is not set" in text
    assert "help:" in text
    assert not (tmp_path / "data").exists()


def test_all_missing_settings_are_named_at_once(tmp_path: Path, project: Path) -> None:
    code, text = serve(tmp_path, project, **dict.fromkeys(SETTINGS, ""))
    assert code == 2
    assert f"these settings are not set: {', '.join(SETTINGS)}" in text


def test_a_short_token_is_refused(tmp_path: Path, project: Path) -> None:
    code, text = serve(tmp_path, project, DBTCLOUD_TOKEN="seven_7")
    assert code == 2
    assert "DBTCLOUD_TOKEN has fewer than 8 characters" in text
    assert "seven_7" not in text


def settings_of(tmp_path: Path, project: Path, token: str) -> ServerSettings:
    identity = Identity(account_id=1, project_id=1, environment_id=1, token=token)
    return ServerSettings(identity=identity, data_dir=tmp_path, project_dir=project)


def test_another_token_replaces_the_one_before_with_a_sentence(
    tmp_path: Path, project: Path
) -> None:
    tokens = ("first-token", "first-token", "other-token", "first-token")
    told = [fill_store(settings_of(tmp_path, project, token)) for token in tokens]
    assert told == [[], [], [NEW_TOKEN], [NEW_TOKEN]]
    settings = settings_of(tmp_path, project, "last-token")
    fill_store(settings)
    with closing(open_connection(settings.store)) as connection:
        counting = [name for name in (*tokens, "last-token") if token_of(connection, name)]
    assert counting == ["last-token"]


@pytest.mark.parametrize("option", ["--keep-days", "--request-days"])
def test_days_before_all_calendars_are_refused(tmp_path: Path, project: Path, option: str) -> None:
    code, text = serve(tmp_path, project, option, "9999999")
    assert (code, option in text) == (2, True)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("value", ["abc", "-1", "0", "1.5", "9" * 30])
def test_an_id_that_is_none_is_refused(tmp_path: Path, project: Path, value: str) -> None:
    code, text = serve(tmp_path, project, PROJECT_ID=value)
    assert code == 2
    assert "PROJECT_ID is not an id" in text


def test_a_missing_project_is_named(tmp_path: Path) -> None:
    code, text = serve(tmp_path, tmp_path / "nowhere")
    assert code == 2
    assert "there is no dbt project folder" in text
    code, text = serve(tmp_path, tmp_path)
    assert code == 2
    assert "dbt_project.yml is missing" in text


@pytest.mark.parametrize("content", ["a: [", "- x", "version: 1", "\udcff"])
def test_an_unreadable_project_is_named(tmp_path: Path, project: Path, content: str) -> None:
    (project / "dbt_project.yml").write_bytes(content.encode("utf-8", "surrogateescape"))
    code, text = serve(tmp_path, project)
    assert code == 2
    assert "dbt_project.yml" in text
    assert "help:" in text


def test_a_missing_dbt_is_named(
    tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.metadata

    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    code, text = serve(tmp_path, project)
    assert code == 1
    assert "dbt-core is not installed" in text


def test_half_a_certificate_is_refused(tmp_path: Path, project: Path) -> None:
    code, text = serve(tmp_path, project, "--tls-cert", "c.pem")
    assert (code, "--tls-cert came alone" in text) == (2, True)
    code, text = serve(tmp_path, project, "--tls-cert", "c.pem", "--tls-key", "k.pem")
    assert (code, "cannot use the certificate" in text) == (2, True)
    # nothing listens and nothing is stored before it is known
    assert not (tmp_path / "data" / "cloud.sqlite").exists()


def test_a_port_that_is_taken_is_named(tmp_path: Path, project: Path) -> None:
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code, text = serve(tmp_path, project, port=port)
    assert code == 1
    assert f"port {port} on 127.0.0.1 is taken" in text


def test_an_address_of_another_machine_is_refused(tmp_path: Path, project: Path) -> None:
    code, text = serve(tmp_path, project, "--host", "192.0.2.1")
    assert code == 1
    assert "cannot listen on 192.0.2.1" in text


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path, project: Path) -> None:
    (tmp_path / "file").write_text("")
    code, text = serve(tmp_path, project, "--data-dir", str(tmp_path / "file" / "data"))
    assert code == 1
    assert "cannot write to the data folder" in text


def test_a_second_server_on_the_same_folder_is_refused(tmp_path: Path, project: Path) -> None:
    (tmp_path / "data").mkdir()
    with closing(lock_folder(tmp_path / "data")):
        code, text = serve(tmp_path, project)
    assert code == 4
    assert "is in use by" in text


AWAY = "postgresql://cloud:hush-hush@127.0.0.1:1/cloud"


def test_a_store_in_postgresql_that_cannot_be_used_is_named_without_its_password(
    tmp_path: Path, project: Path
) -> None:
    for extra, setting, expected, word in (
        ((), AWAY, 1, "127.0.0.1:1/cloud does not answer"),
        ((), AWAY.replace("/cloud", ""), 2, "cannot be read"),
        (("--database-url", AWAY), "", 2, "password on the command line"),
    ):
        code, text = serve(tmp_path, project, *extra, DBT_CLOUD_DATABASE_URL=setting)
        assert (code, word in text, "hush-hush" in text) == (expected, True, False), text
    with closing(lock_folder(tmp_path / "data")):
        assert serve(tmp_path, project, DBT_CLOUD_DATABASE_URL=AWAY)[0] == 4
    # servers of one database share the folder
    with closing(lock_folder(tmp_path / "data", is_shared=True)):
        assert serve(tmp_path, project, DBT_CLOUD_DATABASE_URL=AWAY)[0] == 1
        assert serve(tmp_path, project)[0] == 4


@pytest.mark.parametrize(("command", "word"), [("backup", "pg_dump"), ("restore", "pg_restore")])
def test_what_copies_a_store_in_postgresql_is_said(tmp_path: Path, command: str, word: str) -> None:
    arguments = [command, "monday.dump", "--data-dir", str(tmp_path)]
    result = CliRunner().invoke(group, arguments, env={"DBT_CLOUD_DATABASE_URL": AWAY})
    assert result.exit_code == 2
    assert f"help: {word} " in result.output
    assert "--dbname=postgresql://cloud@127.0.0.1:1/cloud" in result.output
    assert "hush-hush" not in result.output


@pytest.mark.parametrize(
    "content", [b"this is no database" * 100, b"SQLite format 3\0" + b"x" * 4096]
)
def test_a_damaged_store_is_named(tmp_path: Path, project: Path, content: bytes) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "cloud.sqlite").write_bytes(content)
    code, text = serve(tmp_path, project)
    assert code == 1
    assert "cannot use the store" in text


def test_a_full_disk_is_named_when_the_store_opens(
    tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "cloud.sqlite").write_bytes(b"this is no database" * 100)
    usage = SimpleNamespace(total=1 << 30, used=1 << 30, free=0)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: usage)
    code, text = serve(tmp_path, project)
    assert code == 1
    assert "no space left for" in text
    assert "free some space" in text


def test_the_raw_database_is_where_ingestion_puts_it() -> None:
    assert raw_database_of(None) == raw_database_of("") == Path(DEFAULT_RAW_DATABASE)
    assert raw_database_of("x.duckdb") == Path("x.duckdb")
    with pytest.raises(UserError, match="reads a DuckDB file") as refused:
        raw_database_of("postgresql://u:secret@h/raw")
    assert "secret" not in refused.value.message


def test_a_store_of_a_newer_version_is_named(tmp_path: Path, project: Path) -> None:
    (tmp_path / "data").mkdir()
    with closing(sqlite3.connect(tmp_path / "data" / "cloud.sqlite")) as connection:
        connection.execute("pragma user_version = 99")
    code, text = serve(tmp_path, project)
    assert code == 1
    assert "has version 99" in text


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path, project: Path) -> Iterator[Start]:
    command = [sys.executable, "-m", "marketing_analytics", "cloud", "serve", "--port", "0"]
    command += ["--data-dir", str(tmp_path / "data"), "--project-dir", str(project)]
    begun: list[subprocess.Popen[str]] = []

    def start(*options: str) -> subprocess.Popen[str]:
        running = subprocess.Popen(
            [*command, *options],
            env={**os.environ, **SETTINGS},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        begun.append(running)
        return running

    yield start
    for running in begun:
        if running.poll() is None:
            running.kill()
        running.communicate()


def wait_for(path: Path, seconds: float = 60) -> str:
    until = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < until, "the server did not start"
        time.sleep(0.05)
    return path.read_text()


def test_a_server_starts_answers_and_stops(tmp_path: Path, start: Start) -> None:
    process = start("--raw-database", str(tmp_path / "no raw.duckdb"))
    ready = json.loads(wait_for(tmp_path / "data" / "server.json"))
    assert ready["pid"] == process.pid
    address = urlsplit(ready["url"])
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    connection.request("GET", "/")
    root = connection.getresponse()
    assert (root.status, json.load(io.BytesIO(root.read()))["status"]["code"]) == (200, 200)
    connection.request("GET", "/", headers={"Accept": "text/html"})
    page = connection.getresponse()
    assert page.status == 200
    assert b"<html" in page.read()
    path = "/api/v3/accounts/1001/projects/2001/environments/3001/"
    connection.request("GET", path, headers={"Authorization": f"Bearer {TOKEN}"})
    answer = connection.getresponse()
    assert json.loads(answer.read())["data"]["id"] == 3001
    connection.close()
    process.send_signal(signal.SIGTERM)
    printed, remarks = process.communicate(timeout=30)
    assert process.returncode == 0
    assert printed.count("\n") == 1
    assert ready["url"] in printed
    assert TOKEN not in printed
    raw = tmp_path / "no raw.duckdb"
    assert remarks.startswith(f"there is no raw database at {raw} yet: ")
    assert remarks.endswith(f" ingest run --raw-database '{raw}' fills it\n")
    assert not (tmp_path / "data" / "server.json").exists()


def test_of_a_raw_database_that_nobody_named_nothing_is_said(tmp_path: Path, start: Start) -> None:
    process = start()
    wait_for(tmp_path / "data" / "server.json")
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=30)[1] == ""
