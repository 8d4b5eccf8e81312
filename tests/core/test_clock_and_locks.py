"""Time can be set; locks name their holder and die with it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from marketing_analytics.core import clock
from marketing_analytics.core.errors import LockedError, UserError
from marketing_analytics.core.locks import file_lock

HOLD = """
import sys, time
from pathlib import Path
from marketing_analytics.core.locks import file_lock
with file_lock(Path(sys.argv[1]), taken="busy"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_business_clock_can_be_frozen(monkeypatch):
    monkeypatch.setenv("MARKETING_NOW", "2026-11-01T07:00:00+01:00")
    assert clock.now() == datetime(2026, 11, 1, 6, tzinfo=UTC)
    assert clock.today().isoformat() == "2026-11-01"


def test_a_wrong_clock_setting_is_refused_with_an_example(monkeypatch):
    monkeypatch.setenv("MARKETING_NOW", "tomorrow")
    with pytest.raises(UserError, match="MARKETING_NOW is not a time: 'tomorrow'"):
        clock.now()


@pytest.mark.parametrize(
    "text", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "3000-01-01", "1969-12-31"]
)
def test_a_time_at_the_end_of_the_calendar_is_refused_with_the_years_that_are_valid(text):
    with pytest.raises(UserError, match="--until is of the year") as caught:
        clock.parse_time(text, "--until")
    assert caught.value.hint == "write a time of the years 1970 to 2999"


def test_a_taken_lock_names_its_holder_and_is_free_after_a_kill(tmp_path):
    path = tmp_path / "a.lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with (
        pytest.raises(LockedError, match=f"busy: process {holder.pid} since"),
        file_lock(path, taken="busy"),
    ):
        pass
    holder.kill()
    holder.wait()
    with file_lock(path, taken="busy", timeout_seconds=5):
        assert str(os.getpid()) in path.read_text()


def test_a_lock_holds_on_a_full_disk(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    path = tmp_path / "a.lock"
    with (
        file_lock(path, taken="busy"),
        pytest.raises(LockedError, match="busy"),
        file_lock(path, taken="busy"),
    ):
        pass
