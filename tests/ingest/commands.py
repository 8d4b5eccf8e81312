"""The real command as a process, the emulators as a process, and a look at the raw tables."""

import contextlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
import httpx
import psycopg2
from click.testing import CliRunner

from marketing_analytics.ingest.cli import group
from marketing_analytics.ingest.platforms import source_names
from marketing_analytics.simulate.platforms import emulator_names

COMMAND = (sys.executable, "-c", "from marketing_analytics.cli import main; main()")
NOW = "2026-11-01T06:00:00Z"
OWN_SETTINGS = (
    *(f"{name.upper()}_" for name in source_names()),
    "INGEST_",
    "MARKETING_",
)
QUICK = {
    "MARKETING_PSEUDONYM_KEY": "1:persons-of-a-simulated-world",
    "INGEST_RETRY_SECONDS": "0.01",
    "INGEST_POLL_SECONDS": "0.01",
    "INGEST_MAX_WAIT_SECONDS": "5",
    "INGEST_LOCK_WAIT_SECONDS": "20",
}


def clean_environment(**settings):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(OWN_SETTINGS)}
    return kept | {"COLUMNS": "160"} | {k: str(v) for k, v in settings.items()}


@dataclass
class Finished:
    """What one call of the command did."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    def source(self, name):
        return next(s for s in self.json["sources"] if s["source"] == name)


def ingest(*arguments, **settings):
    """Run the sync."""
    return call("run", *arguments, **settings)


def call(command, *arguments, **settings):
    """Run a command in this process: quick, and the same code as in its own."""
    runner = CliRunner()
    given = QUICK | {"MARKETING_NOW": NOW} | {k: str(v) for k, v in settings.items()}
    absent = dict.fromkeys((k for k in os.environ if k.startswith(OWN_SETTINGS)), None)
    before = dict(os.environ)
    try:
        done = runner.invoke(group, [command, *map(str, arguments)], env=absent | given)
    finally:
        # a settings file given to the command leaves its settings behind
        os.environ.clear()
        os.environ.update(before)
    return Finished(done.exit_code, done.stdout, done.stderr)


def start_ingest(*arguments, **settings):
    """Start the command as a process of its own."""
    return subprocess.Popen(
        [*COMMAND, "ingest", "run", *map(str, arguments)],
        env=clean_environment(**(QUICK | {"MARKETING_NOW": NOW} | settings)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextlib.contextmanager
def reading(database):
    """Yield what gives the rows of queries on a DuckDB file or at a PostgreSQL address."""
    if "://" in str(database):
        with contextlib.closing(psycopg2.connect(str(database))) as connection:
            cursor = connection.cursor()

            def rows(query, *values):
                cursor.execute(query.replace("%", "%%").replace("?", "%s"), values)
                return cursor.fetchall()

            yield rows
        return
    with duckdb.connect(str(database), read_only=True) as connection:
        yield lambda query, *values: connection.execute(query, list(values)).fetchall()


def read(database, query, *values):
    """Return the rows of a query on a DuckDB file or at a PostgreSQL address."""
    with reading(database) as rows:
        return rows(query, *values)


def contents(database, source="%"):
    """Return every raw table, or those of a source, as sorted rows.

    Load times and dlt's own columns are left out, and sources that were never loaded: their
    tables are only declared.
    """
    with reading(database) as rows:
        columns = rows(
            "select table_schema, table_name, column_name from information_schema.columns "
            "where table_schema not like '%_staging' and table_schema not like '%_restricted' "
            "and table_schema not in ('_ingest', 'information_schema', 'pg_catalog', 'public') "
            "and table_name not like '\\_dlt%' escape '\\' and table_schema like ? "
            "order by table_schema, table_name, ordinal_position",
            source,
        )
        query = "select table_schema from information_schema.tables where table_name = '_dlt_loads'"
        loaded = {schema for (schema,) in rows(query)}
        names = {}
        for schema, table, column in columns:
            if schema in loaded and column not in {"_loaded_at", "_dlt_load_id"}:
                names.setdefault(f"{schema}.{table}", []).append(f'"{column}"')
        return {
            table: sorted(rows(f"select {', '.join(own)} from {table}"), key=repr)
            for table, own in names.items()
        }


class Emulators:
    """A running `marketing simulate serve`."""

    def __init__(self, world, folder):
        self.file = folder / "connections.env"
        self.log = (folder / "serve.log").open("w")
        self.process = subprocess.Popen(
            [*COMMAND, "simulate", "serve", "--world", str(world), "--endpoints", str(self.file)],
            env=clean_environment(),
            stdout=self.log,
            stderr=self.log,
        )
        give_up_at = time.monotonic() + 60
        while not self.file.exists():
            assert self.process.poll() is None, Path(self.log.name).read_text()
            assert time.monotonic() < give_up_at, "the emulators did not start"
            time.sleep(0.05)

    @property
    def settings(self):
        lines = self.file.read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def control(self, platform, path, body=None):
        address = urlsplit(self.settings[f"{platform.upper()}_BASE_URL"])
        url = f"{address.scheme}://{address.netloc}/_control/{path}"
        answer = httpx.get(url) if body is None else httpx.post(url, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def fault(self, platform, kind, times=1, **more):
        return self.control(platform, "fault", {"kind": kind, "times": times, **more})

    def reset(self):
        for platform in emulator_names():
            self.control(platform, "reset", {})

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()
        # what an emulator answered with HTTP 500 on its own accord
        assert "Traceback" not in (told := Path(self.log.name).read_text()), told
