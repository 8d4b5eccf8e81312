import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from marketing_analytics.core.env_file import read_env_file
from marketing_analytics.core.errors import FileError, LockedError, MissingSettingError, UserError
from marketing_analytics.ingest import request as settings
from marketing_analytics.ingest.raw.database import RawDatabase
from marketing_analytics.ingest.raw.places import DuckDBFile

HOLDER = """
import sys
from pathlib import Path
from marketing_analytics.ingest.raw.places import DuckDBFile
with DuckDBFile(Path(sys.argv[1])).writer_lock(5):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_writer_waits_then_is_told_who_writes(tmp_path):
    database = tmp_path / "raw.duckdb"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(LockedError, match=f"process {holder.pid}") as caught,
            DuckDBFile(database).writer_lock(0.3),
        ):
            pytest.fail("two writers")
        assert "INGEST_LOCK_WAIT_SECONDS" in caught.value.hint
        holder.kill()
        holder.wait()
        # the lock of a killed process is free at once
        with DuckDBFile(database).writer_lock(0):
            assert f"process {os.getpid()} since" in Path(f"{database}.lock").read_text()


@pytest.mark.parametrize("name", ["shop.duckdb", "SHOP.db"])
def test_a_raw_database_named_like_a_source_is_refused(tmp_path, name):
    # DuckDB knows a file by its name, and could not tell it from the schema
    with pytest.raises(UserError, match="cannot be named like a source") as caught:
        RawDatabase(DuckDBFile(tmp_path / name), wait_seconds=0).prepare({"shop": ()})
    assert f"raw{Path(name).suffix}" in caught.value.hint


def test_settings_files_take_quotes_comments_and_export(tmp_path):
    file = tmp_path / "a.env"
    file.write_text("# note\n\nA=1\nexport B='two words'\nC=\"x=y\"\nD=\n")
    assert read_env_file(file) == {"A": "1", "B": "two words", "C": "x=y", "D": ""}


def test_a_settings_file_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "a.env").write_bytes(b"\xef\xbb\xbfA=1\r\nB=2\r\n")
    assert read_env_file(tmp_path / "a.env") == {"A": "1", "B": "2"}


def test_a_broken_settings_line_is_named_and_not_shown(tmp_path):
    file = tmp_path / "a.env"
    file.write_text("A=1\nmy secret token\n")
    with pytest.raises(FileError) as caught:
        read_env_file(file)
    assert caught.value.where == f"{file}:2:1"
    assert "secret" not in caught.value.render().replace(str(file), "")


def test_a_settings_file_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match="cannot read the settings file"):
        read_env_file(tmp_path / "none.env")


def test_the_first_day_comes_from_the_flag_then_the_setting_then_200_days(monkeypatch):
    monkeypatch.setenv("MARKETING_NOW", "2026-11-01T06:00:00Z")
    assert settings.since_date("2026-10-01", {"INGEST_SINCE": "2026-09-01"}) == date(2026, 10, 1)
    assert settings.since_date(None, {"INGEST_SINCE": "2026-09-01"}) == date(2026, 9, 1)
    assert settings.since_date(None, {}) == date(2026, 4, 15)


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "2027-01-01"])
def test_a_first_day_that_is_no_day_in_the_past_is_refused(monkeypatch, text):
    monkeypatch.setenv("MARKETING_NOW", "2026-11-01T06:00:00Z")
    with pytest.raises(UserError):
        settings.since_date(text, {})


def test_a_missing_setting_is_named_with_the_source():
    with pytest.raises(MissingSettingError) as caught:
        settings.check_settings({"meta_ads": ("A_URL", "A_TOKEN")}, {"A_URL": "x"})
    assert "A_TOKEN is not set (needed by meta_ads)" in caught.value.render()
    assert "--source" in caught.value.hint


def test_all_missing_settings_of_all_sources_are_named_at_once():
    needed = {"meta_ads": ("A_URL", "A_TOKEN"), "shop": ("B_URL",)}
    with pytest.raises(UserError) as caught:
        settings.check_settings(needed, {"A_URL": "x"})
    assert caught.value.message == "these settings are not set: A_TOKEN, B_URL"
    assert "ingest settings` prints and pass --env-file" in caught.value.hint


def test_a_settings_file_that_cannot_be_read_is_named_once_with_what_to_give(tmp_path):
    path = tmp_path / "no.env"
    with pytest.raises(UserError) as caught:
        settings.load_env_file(path)
    assert caught.value.render() == (
        f"error: cannot read the settings file {path}: No such file or directory\n"
        "  help: name a file of NAME=value lines"
    )
    path.write_bytes(b"\xff")
    with pytest.raises(UserError, match="it is not UTF-8"):
        settings.load_env_file(path)
