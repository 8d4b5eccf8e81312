"""The whole project on Trino with Iceberg and on Spark: every mart is DuckDB's, row for row."""

from __future__ import annotations

import importlib.util
import json
import pickle
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pytest
from engines import (
    MODELS_ALONE,
    WALKS,
    Engine,
    Rows,
    copy_to_postgresql,
    differing_marts,
    raw_tables,
)
from small_warehouse import PROJECT, Warehouse

pytestmark = [pytest.mark.system, pytest.mark.engines]
ROOT = PROJECT.parent
# what is built there, and the marts that are not, or whose fits a command makes
BUILD = ("build", "--exclude", *WALKS)
LEFT_OUT = ["fct_path_attribution", "rpt_lifetime_value_fits"]
PROGRAMS = ROOT / ".venv-engines" / "bin"
SESSION = Path(__file__).with_name("engine_session.py")


def script(name: str) -> Any:
    """Return a module of scripts/."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True, scope="module")
def _packages() -> None:
    """The packages of the engines have an environment of their own."""
    if not (PROGRAMS / "dbt").exists():
        pytest.skip("no .venv-engines: make test-engines builds it")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder that PostgreSQL's own user may enter."""
    with tempfile.TemporaryDirectory(prefix="engines-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


def talk(folder: Path, environment: dict[str, str], **asked: Any) -> dict[str, Rows]:
    """Let the other environment talk to an engine."""
    question, answer = folder / "question.json", folder / "answer.pickle"
    question.write_text(json.dumps(asked | {"answer": str(answer)}), encoding="utf-8")
    done = subprocess.run(
        [PROGRAMS / "python", SESSION, question],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return dict(pickle.loads(answer.read_bytes()))


@pytest.fixture
def trino(built: Warehouse, folder: Path) -> Iterator[Engine]:
    """Return a server whose lake is Iceberg, and which reads the raw tables from PostgreSQL."""
    server = script("trino")
    port = server.free_port()
    settings = {"host": "127.0.0.1", "port": port, "user": "ci"}
    output = {"type": "trino", "method": "none", "database": "lake", "threads": 4}
    output |= settings | {"http_scheme": "http"}

    def read(queries: list[str]) -> dict[str, Rows]:
        asked = {"engine": "trino", "settings": settings | {"catalog": "lake"}}
        return talk(folder, {}, **asked, queries=queries)

    try:
        with (
            server.postgresql(folder / "postgresql") as database,
            server.trino(folder / "trino", port, database),
        ):
            copy_to_postgresql(built.folder / "raw.duckdb", server.address(database, "raw"))
            variables = {"raw_databases": {"trino": "raw"}}
            yield Engine(folder, output, read, variables, PROGRAMS / "dbt")
    except server.MissingError as error:
        pytest.skip(str(error))


def test_the_project_on_trino(built: Warehouse, trino: Engine) -> None:
    done = trino.run_dbt(*BUILD)
    assert done.returncode == 0, done.stdout[-4000:]
    assert differing_marts(built, trino, left_out=LEFT_OUT) == []
    # two branches of a team at once, each into a schema of its own
    branches = ("branch_a", "branch_b")
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(trino.run_dbt, *MODELS_ALONE, *BUILD[1:], schema=name) for name in branches]
    for name, run in zip(branches, runs, strict=True):
        assert run.result().returncode == 0, run.result().stdout[-4000:]
        assert differing_marts(built, trino, name, LEFT_OUT) == []


@pytest.fixture
def spark(built: Warehouse, folder: Path) -> Engine:
    """Return a session of Spark over the raw tables as files."""
    java = sorted(Path("/usr/lib/jvm").glob("*17*/bin/java"))
    if not java:
        pytest.skip("no Java 17 for Spark: install the package openjdk-17-jre-headless")
    environment = {"JAVA_HOME": str(java[0].parents[1]), "SPARK_LOCAL_IP": "127.0.0.1"}
    settings = {
        "spark.master": "local[2]",
        "spark.driver.memory": "2g",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.catalogImplementation": "hive",
        "spark.hadoop.javax.jdo.option.ConnectionURL": (
            f"jdbc:derby:{folder}/metastore;create=true"
        ),
    }
    files = parquet_of(built.folder / "raw.duckdb", folder)
    talk(folder, environment, engine="spark", settings=settings, files=files)
    output = {"type": "spark", "method": "session", "host": "NA", "threads": 1}
    output |= {"server_side_parameters": settings}

    def read(queries: list[str]) -> dict[str, Rows]:
        return talk(folder, environment, engine="spark", settings=settings, queries=queries)

    return Engine(folder, output, read, {}, PROGRAMS / "dbt", environment)


def parquet_of(raw: Path, folder: Path) -> dict[str, str]:
    """Return the files with the raw tables; Spark does not see those that begin with _."""
    files = {}
    with duckdb.connect(str(raw), read_only=True) as connection:
        for schema, name, _ in raw_tables(raw):
            files[f"{schema}.{name}"] = path = f"{folder}/raw-{schema}-{name}.parquet"
            connection.execute(f"copy {schema}.{name} to '{path}' (format parquet)")
    return files


def test_the_project_on_spark(built: Warehouse, spark: Engine) -> None:
    done = spark.run_dbt(*BUILD)
    assert done.returncode == 0, done.stdout[-4000:]
    assert differing_marts(built, spark, left_out=LEFT_OUT) == []
