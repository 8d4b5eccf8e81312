"""The commands that go on: probes each second, metrics for a scraper."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import httpx
import pytest

from marketing_analytics.monitor.place import Place, opened
from tests.monitor.report_folder import write_report

pytestmark = pytest.mark.slow


@pytest.fixture
def started(tmp_path):
    """Return how a command is started in a folder with a report and a warehouse."""
    import duckdb

    write_report(tmp_path / "report")
    with duckdb.connect(str(tmp_path / "marts.duckdb")) as connection:
        connection.execute("create schema marts.marts")
    place = {"MARKETING_WAREHOUSE": "marts.duckdb", "MARKETING_SCHEMA": "marts"}
    running = []

    def start(*words):
        command = [sys.executable, "-m", "marketing_analytics", "monitor", *words]
        process = subprocess.Popen(
            command, cwd=tmp_path, env=os.environ | place, stdout=subprocess.PIPE, text=True
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()


def until(words, process):
    """Return the lines of a process up to one with some words."""
    lines = []
    while not lines or words not in lines[-1]:
        lines.append(process.stdout.readline())
        assert lines[-1]
    return lines


def test_probes_go_on_beside_a_process_that_writes_and_are_all_kept(started, tmp_path):
    process = started("probe", "report", "--every", "1")
    assert "whole in" in process.stdout.readline()
    place = Place(str(tmp_path / "marts.duckdb"), "marts")
    with opened(place, is_read_only=False):
        # nobody else can open the file meanwhile
        lines = [process.stdout.readline()]
        (tmp_path / "report" / "index.html").unlink()
        lines += until("not readable", process)
    lines += until("not readable", process)
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    with opened(place) as connection:
        query = "select is_available, count(*) from marts_monitor.monitor_probes group by 1"
        kept = dict(connection.execute(query).fetchall())
    told = [*lines, *rest.splitlines()]
    whole = 1 + sum("whole in" in line for line in told)
    bad = sum("not readable" in line for line in told)
    # one may be kept and not told when the signal comes
    assert kept[True] - whole + kept[False] - bad in (0, 1)


def test_metrics_are_scraped_under_known_names_until_a_signal(started):
    process = started("metrics", "--port", "0")
    url = process.stdout.readline().split()[-1]
    answer = httpx.get(url)
    assert answer.status_code == 200
    assert answer.text.endswith("# EOF\n")
    assert httpx.get(url, headers={"host": "evil.example.com"}).status_code == 421
    process.send_signal(signal.SIGTERM)
    process.wait(30)
