"""Raw databases that are somebody else's, no file, full or badly addressed: a sentence each."""

import errno
import json
import tempfile
from pathlib import Path

import duckdb
import pytest

from marketing_analytics.ingest.engine import chunks
from marketing_analytics.ingest.raw import journal

from .commands import call, ingest, read

WORLD = {"SHOP_DATABASE_URL": "sqlite:////nowhere/shop.sqlite"}
SECRET = "pg%Zsecret"


@pytest.fixture(autouse=True)
def _own_logs(tmp_path_factory, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("logs")))


def crash_logs():
    return set(map(str, Path(tempfile.gettempdir()).glob("marketing-crash-*")))


def tables(path):
    query = "select table_schema, table_name, column_name from information_schema.columns"
    return sorted(read(path, query))


def test_a_database_of_somebody_else_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "theirs.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema shop; create table shop.orders (a int)")
    before = tables(path)
    for command in ("run", "doctor"):
        chosen = ("--source", "shop", "--raw-database", path, "--json")
        done = call(command, *chosen, **WORLD)
        assert done.code != 0
        assert f"{path} has a table shop.orders that ingestion did not make" in done.out
        assert tables(path) == before


@pytest.mark.slow
def test_a_database_with_other_schemas_is_taken(shared_emulators, tmp_path):
    path = tmp_path / "ours.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema analytics; create table analytics.orders (a int)")
    done = ingest("--source", "shop", "--raw-database", path, **shared_emulators.settings)
    assert done.code == 0, done.err


@pytest.mark.parametrize("name", ["folder", "/dev/null"])
def test_what_is_no_file_is_named_and_nothing_is_left_beside_it(tmp_path, name):
    path = Path("/dev/null") if name.startswith("/") else tmp_path / name
    if not name.startswith("/"):
        path.mkdir()
    done = ingest("--source", "shop", "--raw-database", path, "--json", **WORLD)
    assert done.code == 2
    assert f"a raw database cannot be at {path}" in done.json["error"]["message"]
    assert done.json["error"]["hint"]
    assert not Path(f"{path}.lock").exists()


@pytest.mark.parametrize("command", ["run", "status", "doctor"])
@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://mk:{SECRET}@127.0.0.1:9/raw",
        f"postgresql://mk:{SECRET}%40@127.0.0.1:9/raw",
        "postgresql://mk:pgQsecret@127.0.0.1:9/raw?bogus=1",
    ],
)
def test_a_password_is_told_by_no_error(tmp_path, command, address):
    before = crash_logs()
    done = call(command, "--raw-database", address, "--json", **WORLD)
    assert done.code in {1, 2}
    json.loads(done.out)
    assert "secret" not in done.out + done.err
    assert crash_logs() == before


def test_a_percent_in_a_password_is_told_how_to_write(tmp_path):
    address = f"postgresql://mk:{SECRET}@127.0.0.1:9/raw"
    done = call("status", "--raw-database", address, "--json")
    assert done.code == 2
    assert "%25" in done.json["error"]["hint"]


def test_a_bug_is_told_to_programs_too_and_its_log_holds_no_password(monkeypatch, tmp_path):
    def broken(*_, **__):
        raise RuntimeError("dsn postgresql mk pgQsecret")

    monkeypatch.setattr("marketing_analytics.ingest.status.read_status", broken)
    before = crash_logs()
    address = "postgresql://mk:pgQsecret@127.0.0.1:9/raw"
    done = call("status", "--raw-database", address, "--json")
    [log] = crash_logs() - before
    text = Path(log).read_text()
    Path(log).unlink()
    assert (done.code, done.json["error"]["message"]) == (
        1,
        "this is a bug in marketing: RuntimeError",
    )
    assert log in done.json["error"]["hint"]
    assert "RuntimeError" in text
    assert "secret" not in text


def no_space(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def no_space_in_words(*_, **__):
    raise duckdb.TransactionException(
        'Failed to commit: Could not write file "raw.duckdb.wal": No space left on device'
    )


@pytest.mark.parametrize(
    ("owner", "name", "fails"),
    [
        (chunks, "on_disk", no_space),
        (journal, "insert", no_space_in_words),
        (journal.Journal, "_renew", no_space_in_words),
    ],
)
def test_a_full_disk_is_a_sentence(shared_emulators, tmp_path, monkeypatch, owner, name, fails):
    before = crash_logs()
    monkeypatch.setattr(owner, name, fails)
    database = tmp_path / "raw.duckdb"
    done = ingest("--source", "shop", "--raw-database", database, **shared_emulators.settings)
    assert done.code in {1, 5}
    assert done.err.count("no space left") == 1
    assert "bug in" not in done.err
    assert crash_logs() == before
    monkeypatch.undo()
    again = ingest("--source", "shop", "--raw-database", database, **shared_emulators.settings)
    assert again.code == 0, again.err
