"""DuckDB as the warehouse: one process at a time, and what dbt is told of it."""

import subprocess
import sys

import pytest

from marketing_analytics.core.errors import LockedError, MachineError, UserError
from marketing_analytics.warehouse.duckdb import connect, profile_output, writer_of

HOLDER = """
import sys, duckdb
held = duckdb.connect(sys.argv[1])
print(1, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Return another process that holds a file, and the file."""
    path = tmp_path / "held.duckdb"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"1\n"
        yield process, path
        process.communicate(b"")


def test_a_file_that_another_process_holds_is_waited_for_then_its_holder_named(holder):
    process, path = holder
    with pytest.raises(LockedError, match=f"PID {process.pid}") as caught:
        connect(path, wait_seconds=0.3, hint="or wait longer")
    assert caught.value.hint == "waited 0 s; run again when it has ended, or wait longer"
    assert writer_of(path) in (process.pid, None)


def test_a_file_that_is_let_go_meanwhile_is_opened(holder):
    process, path = holder
    process.kill()
    connect(path, wait_seconds=60).close()


def test_a_file_of_something_else_is_refused_in_a_sentence(tmp_path):
    path = tmp_path / "a.duckdb"
    path.write_text("no database" * 500)
    with pytest.raises(UserError, match="is not a DuckDB file"):
        connect(path)


def test_a_damaged_block_is_no_lock_to_wait_for(tmp_path):
    import duckdb

    path = tmp_path / "damaged.duckdb"
    made = duckdb.connect(str(path))
    made.execute("create table t as select range as n from range(10)")
    made.close()
    with path.open("r+b") as file:
        # the first block behind the three headers
        file.seek(3 * 4096 + 100)
        file.write(b"damaged")
    with pytest.raises(MachineError, match="Corrupt database file"):
        connect(path, wait_seconds=60)


def test_a_file_that_is_not_there_is_not_read(tmp_path):
    with pytest.raises(MachineError, match="there is no such file"):
        connect(tmp_path / "none.duckdb", is_read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_file_to_open(tmp_path):
    with pytest.raises(MachineError, match="cannot open"):
        connect(tmp_path)


def test_a_raw_database_is_attached_for_reading_once_it_exists(tmp_path):
    raw = tmp_path / "raw.duckdb"
    given = {"schema": "anna_b", "threads": 3, "raw_database": raw}
    assert "attach" not in profile_output(tmp_path / "w.duckdb", **given)
    connect(raw).close()
    output = profile_output(tmp_path / "w.duckdb", **given)
    assert output["attach"] == [{"path": str(raw), "alias": "raw", "read_only": True}]
    assert (output["type"], output["schema"], output["threads"]) == ("duckdb", "anna_b", 3)


LOOKS = """
import sys
from importlib.util import find_spec
from pathlib import Path
from marketing_analytics.warehouse.duckdb import connect
if find_spec("pandas"):
    sys.exit("pandas is installed")
asked = []
class Noted:
    def find_spec(name, path=None, target=None):
        asked.append(name)
connection = connect(Path(sys.argv[1]))
sys.meta_path.append(Noted)
connection.execute("select unnest(?)", [["x"] * 1000]).fetchall()
print(asked.count("pandas"))
try:
    import pandas
except ModuleNotFoundError as error:
    print(error)
"""


def test_pandas_that_is_not_installed_is_not_searched_for_each_value(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", LOOKS, str(tmp_path / "a.duckdb")], capture_output=True, text=True
    )
    if "pandas is installed" in done.stderr:
        pytest.skip("pandas is installed")
    assert done.stdout.splitlines() == ["0", "No module named 'pandas'"], done.stderr
