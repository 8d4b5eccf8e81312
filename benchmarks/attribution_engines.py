"""All rule models in one window over a hundred thousand and a million touches, on three engines.

The touches, conversions and channels are those of benchmarks/attribution.py. dbt itself builds
the one model, full refresh, in its own process: on DuckDB, on PostgreSQL, and on Trino with an
Iceberg lake, as scripts/trino.py starts them (`make .venv-engines/installed` first). Seconds are
those that dbt counts for the model. Every engine must give the rows and the sums of DuckDB.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import yaml  # type: ignore[import-untyped]

from benchmarks.attribution import MODEL, SCHEMA, TABLES
from benchmarks.sql_models import PROJECT

ROOT = PROJECT.parent
ENGINES = ROOT / ".venv-engines" / "bin"
NAMES = ("fct_touchpoints", "fct_conversions", "dim_channels")
SIZES = (100_000, 1_000_000)
WINDOW = {
    "attribution_windows_days": [30],
    "default_attribution_window_days": 30,
    "path_windows_days": [30],
}
# two models that share by different weights, and the one that takes the fewest
SUMS = f"""
select
    count(*), sum(linear_credit), sum(time_decay_revenue_usd), sum(last_paid_revenue_usd)
from {SCHEMA}.{MODEL}
"""
Sums = tuple[Decimal, ...]
ON_TRINO = """
import json, sys
import trino
port, *statements = sys.argv[1:]
cursor = trino.dbapi.connect(host="127.0.0.1", port=int(port), user="ci", catalog="lake").cursor()
rows = [cursor.execute(statement).fetchall() for statement in statements][-1]
print(json.dumps([str(value) for value in rows[0]]))
"""


def make_tables(folder: Path, touches: int) -> None:
    """Write the inputs of the model into a file of DuckDB."""
    duckdb.connect(str(folder / "raw.duckdb")).close()
    with duckdb.connect(str(folder / "wh.duckdb")) as connection:
        connection.execute("select setseed(0.5)")
        connection.execute(TABLES.format(touches=touches, persons=touches // 10))


def seconds_of(folder: Path, output: dict[str, Any], dbt: Path) -> float:
    """Return how long dbt takes to build the model on an engine."""
    place = folder / output["type"]
    place.mkdir(exist_ok=True)
    profile = {"marketing": {"target": "here", "outputs": {"here": output}}}
    (place / "profiles.yml").write_text(yaml.safe_dump(profile), encoding="utf-8")
    command = [str(dbt), "--no-use-colors", "run", "--full-refresh", "--select", MODEL]
    command += ["--project-dir", str(PROJECT), "--profiles-dir", str(place)]
    command += ["--target-path", str(place / "target"), "--log-path", str(place / "logs")]
    done = subprocess.run(
        [*command, "--vars", json.dumps(WINDOW)],
        check=False,
        env=os.environ | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"error: dbt failed on {output['type']}: {done.stdout[-2000:]}")
    results = json.loads((place / "target" / "run_results.json").read_text(encoding="utf-8"))
    (seconds,) = (
        result["execution_time"] for result in results["results"] if MODEL in result["unique_id"]
    )
    return float(seconds)


def on_duckdb(folder: Path) -> tuple[float, Sums]:
    """Return seconds and sums of DuckDB."""
    output = {"type": "duckdb", "path": str(folder / "wh.duckdb"), "schema": SCHEMA, "threads": 2}
    output["attach"] = [{"path": str(folder / "raw.duckdb"), "alias": "raw"}]
    seconds = seconds_of(folder, output, Path(sys.executable).with_name("dbt"))
    with duckdb.connect(str(folder / "wh.duckdb")) as connection:
        (sums,) = connection.execute(SUMS).fetchall()
    return seconds, tuple(map(Decimal, sums))


def on_postgresql(folder: Path, url: str) -> tuple[float, Sums]:
    """Copy the inputs; return seconds and sums of PostgreSQL."""
    source = duckdb.connect(str(folder / "wh.duckdb"))
    with psycopg2.connect(url) as server, server.cursor() as cursor:
        cursor.execute(f"drop schema if exists {SCHEMA} cascade; create schema {SCHEMA}")
        for name in NAMES:
            described = source.execute(f"describe {name}").fetchall()
            columns = ", ".join(f"{column} {kind}" for column, kind, *_ in described)
            cursor.execute(f"create table {SCHEMA}.{name} ({columns})")
            rows = folder / "rows.csv"
            source.execute(f"copy {name} to '{rows}' (header false)")
            with rows.open(encoding="utf-8") as file:
                cursor.copy_expert(f"copy {SCHEMA}.{name} from stdin csv", file)
    source.close()
    with psycopg2.connect(url) as server, server.cursor() as cursor:
        cursor.execute("analyze")
    port = int(url.rpartition(":")[2].partition("/")[0])
    output = {"type": "postgres", "host": "127.0.0.1", "port": port, "user": "postgres"}
    output |= {"password": "", "dbname": "raw", "schema": SCHEMA, "threads": 2}
    seconds = seconds_of(folder, output, Path(sys.executable).with_name("dbt"))
    with psycopg2.connect(url) as server, server.cursor() as cursor:
        cursor.execute(SUMS)
        return seconds, tuple(map(Decimal, cursor.fetchall()[0]))


def on_trino(folder: Path, port: int) -> tuple[float, Sums]:
    """Copy the inputs out of PostgreSQL; return seconds and sums of Trino."""
    ask_trino(
        port,
        f"create schema if not exists lake.{SCHEMA}",
        *(f"drop table if exists lake.{SCHEMA}.{name}" for name in (MODEL, *NAMES)),
        *(
            f"create table lake.{SCHEMA}.{name} as select * from raw.{SCHEMA}.{name}"
            for name in NAMES
        ),
    )
    output = {"type": "trino", "method": "none", "database": "lake", "schema": SCHEMA}
    server = {"host": "127.0.0.1", "port": port, "user": "ci", "http_scheme": "http", "threads": 2}
    seconds = seconds_of(folder, output | server, ENGINES / "dbt")
    return seconds, tuple(map(Decimal, ask_trino(port, SUMS)))


def ask_trino(port: int, *statements: str) -> list[str]:
    """Run statements; return the first row of the last one."""
    command = [str(ENGINES / "python"), "-c", ON_TRINO, str(port), *statements]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return list(json.loads(answer))


@contextmanager
def servers(folder: Path) -> Iterator[tuple[str, int]]:
    """Run Trino and PostgreSQL; yield the address of one and the port of the other."""
    command = [sys.executable, "-u", str(ROOT / "scripts" / "trino.py"), "--folder", str(folder)]
    with subprocess.Popen([*command, "--port", "18481"], stdout=subprocess.PIPE, text=True) as both:
        try:
            assert both.stdout
            said = ""
            for line in both.stdout:
                said += line
                if "Ctrl-C" in line:
                    break
            found = re.search(r"http://127.0.0.1:(\d+)[\s\S]+?(postgresql://\S+/raw)", said)
            if not found:
                raise SystemExit("error: the servers did not start")
            yield found[2], int(found[1])
        finally:
            both.terminate()
            both.communicate()


def main() -> int:
    """Print the figures of each size; return 1 when an engine gives other sums than DuckDB."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--touches", type=int, nargs="*", default=SIZES)
    chosen = parser.parse_args()
    if not (ENGINES / "dbt").exists():
        print("no .venv-engines: make .venv-engines/installed")
        return 0
    are_same = True
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        # PostgreSQL has a user of its own
        Path(name).chmod(0o755)
        with servers(Path(name) / "servers") as (url, port):
            for touches in chosen.touches:
                folder = Path(name) / str(touches)
                folder.mkdir()
                make_tables(folder, touches)
                ours, sums = on_duckdb(folder)
                theirs, same = on_postgresql(folder, url)
                lake, alike = on_trino(folder, port)
                are_same = are_same and sums == same == alike
                print(
                    f"{touches:>12,} touches, {sums[0]:,} rows of nine models: DuckDB {ours:.1f} s,"
                    f" PostgreSQL {theirs:.1f} s, Trino with Iceberg {lake:.1f} s;"
                    f" {'the same sums' if sums == same == alike else f'{sums} {same} {alike}'}",
                    flush=True,
                )
    return 0 if are_same else 1


if __name__ == "__main__":
    sys.exit(main())
