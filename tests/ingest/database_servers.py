"""Real database servers, started for a test on a free port and gone with it."""

import getpass
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy

PASSWORD = "hush-hush-shop"
START_SECONDS = 30
STOP_SECONDS = 20


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_for(url):
    engine = engine_of(url)
    give_up_at = time.monotonic() + START_SECONDS
    while True:
        try:
            engine.connect().close()
        except sqlalchemy.exc.OperationalError:
            assert time.monotonic() < give_up_at, "the server did not start"
            time.sleep(0.1)
        else:
            engine.dispose()
            return


@contextmanager
def running(command, folder, url, stop):
    with subprocess.Popen(
        list(map(str, command)), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_for(url)
            yield
        finally:
            end(process, stop)


def end(process, stop):
    """Stop a server; one that was asked while it started may never hear it."""
    stop(process)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def as_server_user(*command):
    """PostgreSQL refuses to run as root; its own user does it then."""
    return ["runuser", "-u", "postgres", "--", *command] if os.getuid() == 0 else list(command)


@contextmanager
def postgresql():
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no PostgreSQL server: install the package postgresql")
    programs = found[-1].parent
    folder = Path(tempfile.mkdtemp(prefix="shop-pg-"))
    user = pwd.getpwnam(getpass.getuser()).pw_name
    if os.getuid() == 0:
        user = "postgres"
        shutil.chown(folder, user)
    data, port = folder / "data", free_port()
    (folder / "password").write_text(PASSWORD)
    (folder / "password").chmod(0o644)
    make = (programs / "initdb", "-D", data, "-A", "md5", "--no-sync", "--pwfile")
    make = as_server_user(*map(str, (*make, folder / "password")))
    subprocess.run(make, check=True, capture_output=True, cwd=folder)
    url = f"postgresql://{user}:{PASSWORD}@127.0.0.1:{port}/postgres"
    options = ("-D", data, "-p", port, "-k", folder, "-h", "127.0.0.1", "-F")

    def stop(process):
        # a fast shutdown; the signal goes past runuser to the server
        os.kill(int((data / "postmaster.pid").read_text().splitlines()[0]), signal.SIGINT)

    command = as_server_user(programs / "postgres", *options)
    try:
        with running(command, folder, url, stop):
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def mariadb():
    server = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin")
    if not server:
        pytest.skip("no MariaDB server: install the package mariadb-server")
    folder = Path(tempfile.mkdtemp(prefix="shop-maria-"))
    data, port = folder / "data", free_port()
    first = folder / "first.sql"
    first.write_text(
        "create database shop;\n"
        f"create user owner@'127.0.0.1' identified by '{PASSWORD}';\n"
        "grant all on shop.* to owner@'127.0.0.1';\n"
    )
    own = ("--no-defaults", f"--datadir={data}", f"--user={getpass.getuser()}")
    # its root has no password and no way in from outside of this folder
    make = ["mariadb-install-db", *own, "--auth-root-authentication-method=normal"]
    subprocess.run([*make, "--skip-test-db"], check=True, capture_output=True)
    url = f"mariadb://owner:{PASSWORD}@127.0.0.1:{port}/shop"
    options = ("--bind-address=127.0.0.1", f"--port={port}", f"--socket={folder}/socket")
    command = [server, *own, *options, "--skip-name-resolve", f"--init-file={first}"]
    # a session in a zone of its own, as on many servers
    command.append("--default-time-zone=+03:00")
    try:
        with running(command, folder, url, lambda process: process.terminate()):
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def engine_of(url):
    """Return an engine of the tests' own, in UTC."""
    if url.startswith("mariadb"):
        arguments = {"init_command": "set time_zone = '+00:00'"}
        return sqlalchemy.create_engine(
            url.replace("mariadb", "mariadb+pymysql", 1), connect_args=arguments
        )
    return sqlalchemy.create_engine(url.replace("postgresql", "postgresql+psycopg2", 1))
