"""Start Trino with an Iceberg lake, and PostgreSQL for the lake's catalog and for the raw tables.

Usage: trino.py [--folder var/trino] [--port 18480]. Prints where both are; Ctrl-C stops both.
Needs Java 24 or newer, Maven (it brings the server, 821 MB, once) and PostgreSQL's programs.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tarfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2

ROOT = Path(__file__).resolve().parents[1]
VERSION = "476"
LEAST_JAVA = 24
# the two catalogs, and what the server does not start without
PLUGINS = {
    "iceberg", "postgresql", "memory", "tpch", "geospatial", "functions-python",
    "resource-group-managers", "session-property-managers", "password-authenticators",
    "spooling-filesystem", "exchange-filesystem",
}  # fmt: skip
START_SECONDS = 240
STOP_SECONDS = 60
JVM = """-server
-Xmx2G
-XX:+UseSerialGC
-XX:TieredStopAtLevel=1
-XX:+ExitOnOutOfMemoryError
-XX:ReservedCodeCacheSize=256M
-Djdk.attach.allowAttachSelf=true
-Dfile.encoding=UTF-8
--add-modules=jdk.incubator.vector
"""
# Trino reads and writes these, and does not make them
CATALOG_TABLES = """
create table iceberg_tables (
    catalog_name varchar(255) not null, table_namespace varchar(255) not null,
    table_name varchar(255) not null, metadata_location varchar(1000),
    previous_metadata_location varchar(1000), iceberg_type varchar(5),
    primary key (catalog_name, table_namespace, table_name)
);
create table iceberg_namespace_properties (
    catalog_name varchar(255) not null, namespace varchar(255) not null,
    property_key varchar(255) not null, property_value varchar(1000),
    primary key (catalog_name, namespace, property_key)
)
"""


class MissingError(Exception):
    """Something that this machine does not have."""


def main() -> None:
    """Start both, say where they are, and wait for Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / "var" / "trino")
    parser.add_argument("--port", type=int, default=18480)
    asked = parser.parse_args()
    folder = asked.folder.resolve()
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    try:
        with postgresql(folder / "postgresql") as port, trino(folder, asked.port, port):
            print(f"Trino: http://127.0.0.1:{asked.port}, catalogs lake (Iceberg) and raw")
            print(f"PostgreSQL: {address(port, 'raw')}, into which ingestion loads")
            print(
                "Profile of dbt: docs/howto/warehouses.md, On Trino. Ctrl-C stops both.", flush=True
            )
            signal.pause()
    except MissingError as error:
        raise SystemExit(f"error: {error}") from None
    except KeyboardInterrupt:
        print("stopped")


def address(port: int, database: str) -> str:
    """Return the address of a database on our server."""
    return f"postgresql://postgres@127.0.0.1:{port}/{database}"


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def postgresql(folder: Path) -> Iterator[int]:
    """Run a server in a folder; yield its port. Its databases are `raw` and `catalog`."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [
        Path(path).parent for path in [shutil.which("initdb")] if path
    ]
    if not found:
        raise MissingError("no PostgreSQL server: install the package postgresql")
    data, port, is_new = folder / "data", free_port(), not (folder / "data").exists()
    folder.mkdir(parents=True, exist_ok=True)
    # it refuses to run as root; its own user does it then
    prefix = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    if prefix:
        shutil.chown(folder, "postgres")
    if is_new:
        make = [*prefix, f"{found[-1]}/initdb", "-D", str(data), "-U", "postgres", "-A", "trust"]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL, cwd=folder)
    options = ["-D", str(data), "-p", str(port), "-k", str(folder), "-h", "127.0.0.1", "-F"]
    command = [*prefix, f"{found[-1]}/postgres", *options]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL) as process:
        try:
            connect(port, "postgres").close()
            if is_new:
                make_databases(port)
            yield port
        finally:
            # the signal goes past runuser to the server
            server = int((data / "postmaster.pid").read_text().splitlines()[0])
            os.kill(server, signal.SIGINT)
            process.wait(STOP_SECONDS)


def connect(port: int, database: str) -> psycopg2.extensions.connection:
    """Return a connection, once the server is up."""
    give_up_at = time.monotonic() + START_SECONDS
    while True:
        try:
            connection = psycopg2.connect(address(port, database))
        except psycopg2.OperationalError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.2)
        else:
            connection.autocommit = True
            return connection


def make_databases(port: int) -> None:
    """Create the two databases, and the tables of the catalog."""
    with connect(port, "postgres").cursor() as cursor:
        cursor.execute("create database raw")
        cursor.execute("create database catalog")
    with connect(port, "catalog").cursor() as cursor:
        cursor.execute(CATALOG_TABLES)


@contextmanager
def trino(folder: Path, port: int, postgresql_port: int) -> Iterator[None]:
    """Run a server whose settings, data and lake lie in a folder."""
    environment = os.environ | {"JAVA_HOME": str(java_home())}
    server = unpacked(ROOT / "var" / f"trino-server-{VERSION}")
    for name, text in settings(folder, port, postgresql_port).items():
        path = folder / "etc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "lake").mkdir(exist_ok=True)
    command = [f"{server}/bin/launcher", "run", "--etc-dir", f"{folder}/etc"]
    with (
        (folder / "server.log").open("w") as log,
        subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, start_new_session=True
        ) as process,
    ):
        try:
            wait_until_ready(port, process, folder / "server.log")
            yield
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(STOP_SECONDS)


def java_home() -> Path:
    """Return the newest Java that is new enough."""
    homes = [Path(os.environ.get("JAVA_HOME", "/nowhere")), *Path("/usr/lib/jvm").glob("*")]
    known = {version_of(home): home for home in homes if (home / "bin" / "java").exists()}
    newest = max(known, default=0)
    if newest < LEAST_JAVA:
        raise MissingError(f"Trino {VERSION} needs Java {LEAST_JAVA} or newer: set JAVA_HOME")
    return known[newest]


def version_of(home: Path) -> int:
    """Return the version of a Java."""
    command = [f"{home}/bin/java", "-version"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    found = re.search(r'version "(\d+)', done.stderr)
    return int(found[1]) if found else 0


def unpacked(server: Path) -> Path:
    """Return the folder of the server, unpacked and without the plugins that nobody needs here."""
    if server.exists():
        return server
    name = f"trino-server-{VERSION}.tar.gz"
    archive = Path.home() / f".m2/repository/io/trino/trino-server/{VERSION}/{name}"
    if not archive.exists():
        download()
    server.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as packed:
        # plugins share files by links: all have to come out before some can go
        packed.extractall(server.parent, filter="tar")
    for plugin in (server / "plugin").iterdir():
        if plugin.name not in PLUGINS:
            shutil.rmtree(plugin)
    return server


def download() -> None:
    """Fetch the server by Maven into its own folder."""
    artifact = f"-Dartifact=io.trino:trino-server:{VERSION}:tar.gz"
    if not shutil.which("mvn"):
        raise MissingError("no Maven to fetch Trino with: install the package maven")
    print(f"fetching Trino {VERSION}, 821 MB, once", flush=True)
    command = ["mvn", "-q", "-B", "dependency:get", artifact, "-Dtransitive=false"]
    if subprocess.run(command, check=False).returncode:
        raise MissingError(f"Maven cannot fetch io.trino:trino-server:{VERSION}")


def settings(folder: Path, port: int, postgresql_port: int) -> dict[str, str]:
    """Return the files of settings."""
    database = f"jdbc:postgresql://127.0.0.1:{postgresql_port}"
    return {
        "node.properties": f"node.environment=local\nnode.id=local\nnode.data-dir={folder}/data\n",
        "jvm.config": JVM,
        "config.properties": "coordinator=true\nnode-scheduler.include-coordinator=true\n"
        f"http-server.http.port={port}\ndiscovery.uri=http://127.0.0.1:{port}\n"
        "query.max-memory=1GB\nquery.max-memory-per-node=1GB\n"
        # three minutes are too few for the largest unit test on a busy machine
        "iterative-optimizer-timeout=20m\n",
        "catalog/raw.properties": "connector.name=postgresql\n"
        f"connection-url={database}/raw\nconnection-user=postgres\n",
        "catalog/lake.properties": "connector.name=iceberg\niceberg.catalog.type=jdbc\n"
        "iceberg.jdbc-catalog.driver-class=org.postgresql.Driver\n"
        f"iceberg.jdbc-catalog.connection-url={database}/catalog\n"
        "iceberg.jdbc-catalog.connection-user=postgres\n"
        "iceberg.jdbc-catalog.catalog-name=lake\niceberg.jdbc-catalog.schema-version=V1\n"
        "iceberg.jdbc-catalog.default-warehouse-dir=local:///warehouse\n"
        f"fs.native-local.enabled=true\nlocal.location={folder}/lake\n",
    }


def wait_until_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until queries are answered."""
    give_up_at = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/info") as answer:
                if not json.load(answer)["starting"]:
                    return
        except OSError:
            pass
        if process.poll() is not None or time.monotonic() > give_up_at:
            raise SystemExit(f"error: Trino did not start: {log} says why")
        time.sleep(0.5)


if __name__ == "__main__":
    main()
