"""A data folder with a store and a tiny project, and engines that are stopped in the end."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.tiny_cloud import STAND_IN, add_job, create_cloud, write_project
from marketing_analytics.local_cloud.runs import progress, store
from marketing_analytics.local_cloud.runs.code.checkout import (
    Asked,
    Checkout,
    Home,
    Source,
    check_out,
)
from marketing_analytics.local_cloud.runs.code.remotes import Mirrors
from marketing_analytics.local_cloud.runs.confinement.access import Access
from marketing_analytics.local_cloud.runs.engine import Engine, EngineSettings
from marketing_analytics.local_cloud.runs.records import Run
from marketing_analytics.local_cloud.store.connection import Connection, Place
from marketing_analytics.local_cloud.store.settings import Kind, add_setting

GITHUB, GITLAB = "github_pull_request_id", "gitlab_merge_request_id"
# git makes commits in this name
WHO = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
# the files of the repository
WHOLE = {
    ".gitattributes",
    ".gitignore",
    "data/orders.csv",
    "dbt/dbt_project.yml",
    "dbt/models/logs/target/var/a.sql",
}
QUICK = EngineSettings(
    lease_seconds=1.5,
    shared_lease_seconds=5.0,
    heartbeat_seconds=0.4,
    poll_seconds=0.02,
    schedule_seconds=0.1,
    reap_seconds=0.2,
    interrupt_seconds=1.0,
    terminate_seconds=0.5,
    program=STAND_IN,
)


def wait_for(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until something is true; fail when it does not become true."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


@dataclass
class Cloud:
    """What a test works with."""

    data_folder: Path
    project: Path
    connection: Connection
    effects: Path
    store: Place

    def job(self, steps: Sequence[str] = ("dbt run",), **settings) -> int:
        return add_job(self.connection, steps, **settings)

    def run(self, job_id: int, **settings) -> int:
        return store.create_run(self.connection, job_id, **settings).id

    def build_into(self, url: str, password: str, environment_id: int | None = None) -> None:
        """Let an environment, or all of them, build into a PostgreSQL server."""
        import sqlalchemy

        given = sqlalchemy.make_url(url)
        config = {"hostname": given.host, "port": given.port, "dbname": given.database}
        fields = {"name": "Shop", "adapter_version": "postgres_v0", "config": config}
        connection_id = add_setting(self.connection, 1, Kind.CONNECTION, fields)
        user = {"type": "postgres", "username": given.username, "default_schema": "marts"}
        credentials_id = add_setting(self.connection, 1, Kind.CREDENTIALS, user, 1)
        payload = json.dumps({"connection_id": connection_id, "credentials_id": credentials_id})
        self.connection.execute(
            "update environments set payload = ? where id = coalesce(?, id)",
            (payload, environment_id),
        )
        self.connection.execute(
            "insert into environment_variables (account_id, project_id, name, value, created_at,"
            " updated_at) values (1, 1, 'DBT_ENV_SECRET_PASSWORD', ?, '', '')",
            (password,),
        )

    def row(self, run_id: int) -> Run:
        return store.require_run(self.connection, run_id)

    def wait(self, run_id: int, *statuses: int, seconds: float = 20.0) -> Run:
        wanted = statuses or (10, 20, 30)
        wait_for(lambda: self.row(run_id).status in wanted, seconds)
        return self.row(run_id)

    def log(self, run_id: int, step: int = 4) -> str:
        path = progress.step_log_path(self.data_folder, run_id, step)
        return path.read_text("utf-8") if path.exists() else ""

    def change(self, statement: str, **values: Any) -> None:
        self.connection.execute(statement, values)

    def effect_lines(self) -> list[str]:
        return self.effects.read_text().splitlines() if self.effects.exists() else []


@pytest.fixture
def wait_until() -> Callable[..., None]:
    """Return a function that waits for a condition."""
    return wait_for


@pytest.fixture
def cloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new_store: Callable[[Path], Place]
) -> Iterator[Cloud]:
    """Return a store with four environments, and no engine yet."""
    effects = tmp_path / "effects"
    monkeypatch.setenv("DBT_EFFECTS", str(effects))
    project = write_project(tmp_path / "project")
    place = new_store(tmp_path / "data")
    connection = create_cloud(tmp_path / "data", project, environments=4, store=place)
    yield Cloud(tmp_path / "data", project, connection, effects, place)
    connection.close()


@pytest.fixture
def start_engine(cloud: Cloud) -> Iterator[Callable[..., Engine]]:
    """Return a function that starts an engine with quick settings; it is stopped afterwards."""
    engines: list[Engine] = []

    def start(*, clock=None, raw_database: Path | None = None, **changes) -> Engine:
        settings = replace(QUICK, **changes)
        if settings.program == STAND_IN:
            # it notes what it did in a file of the test
            settings = replace(settings, access=Access(folders=(cloud.effects.parent,)))
        extra = {"clock": clock} if clock else {}
        engine = Engine(
            cloud.data_folder,
            store=cloud.store,
            raw_database=raw_database,
            settings=settings,
            **extra,
        )
        engine.start()
        engines.append(engine)
        return engine

    yield start
    for engine in engines:
        engine.stop()


def git(folder: Path, *arguments: str) -> str:
    command = ["git", *WHO, *arguments]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a monorepo: a project below `dbt`, data beside it, two commits and a branch."""
    top = tmp_path / "mono"
    top.mkdir()
    git(top, "init", "-q", "-b", "main")
    write(top, "dbt/dbt_project.yml", "name: shop\n")
    write(top, "dbt/models/logs/target/var/a.sql", "select 1 as id\n")
    write(top, "data/orders.csv", "id\n1\n")
    write(top, ".gitattributes", "data/* export-ignore\n")
    write(top, ".gitignore", "*.secret\n")
    git(top, "add", "-A")
    git(top, "commit", "-qm", "first")
    git(top, "checkout", "-qb", "feature/x")
    write(top, "dbt/models/b.sql", "select 2 as id\n")
    git(top, "add", "-A")
    git(top, "commit", "-qm", "second")
    git(top, "checkout", "-q", "main")
    return top


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "data" / "work" / "env_1")


def take(place: Path | str, home: Home, asked: Asked | None = None, **source) -> Checkout:
    source = {"subdirectory": "dbt", **source}
    mirrors = Mirrors(home.folder.parent / "mirrors")
    return check_out(
        Source(place=str(place), **source), Asked() if asked is None else asked, home, mirrors
    )


def files(folder: Path) -> set[str]:
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return set(found)
