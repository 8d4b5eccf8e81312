"""What a run may reach: its SQL by DuckDB's own switches, its process by the kernel."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.runs.code.prepare import reach_of
from marketing_analytics.local_cloud.runs.confinement import landlock
from marketing_analytics.local_cloud.runs.confinement.access import (
    OUTWARD,
    PLUGIN,
    Access,
    confined,
)
from marketing_analytics.local_cloud.runs.workspace import Workspace
from marketing_analytics.warehouse.duckdb import RUN_FOLDERS, profile_output


def output_of(folder: Path, **attributes):
    made = profile_output(folder / "own.duckdb", schema="s", threads=1, raw_database=None)
    return {**made, **attributes}


def test_the_profile_of_a_run_names_the_plugin_and_its_settings(tmp_path):
    given = output_of(tmp_path, settings={"memory_limit": "1GB"})
    own = [tmp_path / "own.duckdb"]
    made = confined(given, Access(), base=tmp_path, own=own)
    config = {"settings": {"memory_limit": "1GB"}}
    assert made["plugins"] == [{"module": PLUGIN, "config": config}]
    assert "settings" not in made
    assert confined(given, Access(is_open=True), base=tmp_path, own=own) == given


@pytest.mark.parametrize("name", OUTWARD)
def test_parts_of_a_profile_that_lead_out_are_refused(tmp_path, name):
    own = [tmp_path / "own.duckdb"]
    with pytest.raises(UserError, match=name):
        confined(output_of(tmp_path, **{name: ["x"]}), Access(), base=tmp_path, own=own)
    confined(output_of(tmp_path, **{name: ["x"]}), Access(is_open=True), base=tmp_path, own=own)


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../other.duckdb", "md:shared", "s3://bucket/file.duckdb", "link/x.db"]
)
def test_a_file_of_others_is_refused_unless_the_operator_allows_it(tmp_path, path):
    (tmp_path / "link").symlink_to("/etc")
    own = [tmp_path / "own.duckdb"]
    for attributes in ({"path": path}, {"attach": [{"path": path}]}):
        given = output_of(tmp_path, **attributes)
        with pytest.raises(UserError, match="may not open"):
            confined(given, Access(), base=tmp_path / "project", own=own)
    allowed = Access(folders=(tmp_path / "shared",))
    given = output_of(tmp_path, path=str(tmp_path / "shared" / "x.duckdb"))
    assert confined(given, allowed, base=tmp_path, own=own)["path"] == given["path"]


@pytest.fixture
def connection(tmp_path, monkeypatch):
    """Return a connection as dbt has it: raw attached, everything else locked."""
    from marketing_analytics.warehouse.confined import Plugin

    (tmp_path / "tree").mkdir()
    raw = tmp_path / "raw.duckdb"
    with closing(duckdb.connect(str(raw))) as writer:
        writer.execute("create table orders as select 1 as id")
    monkeypatch.setenv(RUN_FOLDERS, json.dumps([str(tmp_path / "tree")]))
    attachment = SimpleNamespace(to_sql=lambda: f"attach if not exists '{raw}' as raw (read_only)")
    plugin = Plugin("confined", {"settings": {"threads": 1}}, SimpleNamespace(attach=[attachment]))
    with closing(duckdb.connect(str(tmp_path / "own.duckdb"))) as connection:
        plugin.configure_connection(connection)
        # dbt attaches once more
        connection.execute(attachment.to_sql())
        yield connection


def test_the_sql_of_a_run_reads_raw_and_writes_its_own_file_and_tree(connection, tmp_path):
    connection.execute("create table t as select * from raw.orders")
    connection.execute(f"copy t to '{tmp_path}/tree/t.csv'")
    assert connection.execute(f"select * from '{tmp_path}/tree/t.csv'").fetchall() == [(1,)]
    assert connection.execute("select current_setting('threads')").fetchone() == (1,)


@pytest.mark.parametrize(
    "statement",
    [
        "select * from read_text('/etc/hostname')",
        "select * from glob('/etc/*')",
        "copy (select 1) to '{folder}/out.csv'",
        "copy (select 1) to '{folder}/raw.duckdb'",
        "copy (select 1) to '{folder}/tree/../out.csv'",
        "attach '{folder}/other.duckdb'",
        "export database '{folder}/all'",
        "install httpfs",
        "load '{folder}/tree/code.duckdb_extension'",
        "select * from 'https://example.com/a.csv'",
        "set enable_external_access = true",
        "set allowed_directories = ['/']",
        "reset lock_configuration",
        "insert into raw.orders values (2)",
    ],
)
def test_the_sql_of_a_run_reaches_nothing_else(connection, tmp_path, statement):
    with pytest.raises(duckdb.Error):
        connection.execute(statement.format(folder=tmp_path))
    assert not (tmp_path / "out.csv").exists()


CHILD = """
import os, signal, sys
from marketing_analytics.local_cloud.runs.confinement import landlock
folder = sys.argv[1]
assert landlock.confine([f"{folder}/own"], [f"{folder}/read"])
def tried(work):
    try:
        work()
        return "done"
    except PermissionError:
        return "refused"
open(f"{folder}/own/new", "w").write("x")
os.truncate(f"{folder}/own/new", 0)
os.remove(f"{folder}/own/new")
assert open(f"{folder}/read/file").read() == "readable"
import sqlite3, json, tempfile
print(
    tried(lambda: open(f"{folder}/secret").read()),
    tried(lambda: open(f"{folder}/read/file", "w")),
    tried(lambda: open(f"{folder}/new", "w")),
    tried(lambda: os.listdir(folder)),
    tried(lambda: os.rename(f"{folder}/own", f"{folder}/elsewhere")),
    tried(lambda: os.system(f"cat {folder}/secret 2>/dev/null") and open(f"{folder}/secret")),
    tried(lambda: open(f"/proc/{os.getppid()}/environ").read()),
)
"""


@pytest.mark.skipif(not landlock.version(), reason="this kernel has no Landlock")
def test_a_confined_process_reaches_its_own_files_alone(tmp_path):
    for name in ("own", "read"):
        (tmp_path / name).mkdir()
    (tmp_path / "read" / "file").write_text("readable")
    (tmp_path / "secret").write_text("secret")
    command = [sys.executable, "-c", CHILD, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["refused"] * 7, done.stderr


STEP = """
import json, os, sys
from marketing_analytics.local_cloud.runs.confinement import landlock
run, writable = sys.argv[1], json.loads(sys.argv[2])
assert landlock.confine(writable, [run])
for name in ("own/target/a", "own/debug/5/a"):
    os.makedirs(os.path.dirname(f"{run}/{name}"), exist_ok=True)
    os.mkfifo(f"{run}/{name}")
assert os.listdir(f"{run}/steps") == ["4.log"]
for name in ("steps/5.log", "steps/5.jsonl", "artifacts/step_4/a", "places_5.log"):
    try:
        os.mkfifo(f"{run}/{name}")
    except PermissionError:
        print("refused")
"""


@pytest.mark.skipif(not landlock.version(), reason="this kernel has no Landlock")
def test_a_step_cannot_put_a_pipe_where_the_server_keeps_its_logs_and_artifacts(tmp_path):
    workspace = Workspace(tmp_path, 7, 1, "shop")
    for name in ("steps", "artifacts/step_4", "profile"):
        (workspace.run / name).mkdir(parents=True)
    (workspace.run / "steps" / "4.log").write_text("told")
    _, writable = reach_of(workspace, Access())
    given = [str(workspace.run), json.dumps([str(path) for path in writable])]
    command = [sys.executable, "-c", STEP, *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["refused"] * 4, done.stderr
