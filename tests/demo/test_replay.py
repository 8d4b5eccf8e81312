"""The replay: what it says, and a short one for real."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from marketing_analytics.cli import GROUPS
from marketing_analytics.demo.layout import REPOSITORY, Layout
from marketing_analytics.demo.replay import JOB_FILE, Incident, Replay, Story

INCIDENT = Incident("m1", "Prospecting", date(2026, 10, 17))
DAYS = [date(2026, 10, day) for day in range(1, 31)]


def story(**found):
    return Replay(None, 30, None, Story(INCIDENT, dict(found)))


def test_the_incident_lasts_three_days_and_is_mended_on_the_fourth():
    assert (INCIDENT.last_day, INCIDENT.mended_day) == (date(2026, 10, 19), date(2026, 10, 20))


def test_the_closing_line_says_who_found_it_and_when():
    found = {"`diagnose roi`": date(2026, 10, 18), "mended": date(2026, 10, 20)}
    assert story(**found).closing(DAYS, 301.2) == (
        "replay ok: 30 days in 301 s; spend of Prospecting was lost from 17 Oct, found by"
        " `diagnose roi` on 18 Oct, whole again on 20 Oct"
    )
    assert "found by nobody" in story().closing(DAYS, 1.0)


def test_a_finding_belongs_to_the_incident_by_id_or_name():
    assert INCIDENT.is_told_by("campaign_freshness meta_ads/a/m1", "no rows")
    assert INCIDENT.is_told_by("", "meta_ads Prospecting: 9 visits")
    assert not INCIDENT.is_told_by("budget", "overspent")


def test_the_jobs_build_models_that_are_there():
    models = {path.stem for path in (REPOSITORY / "transform" / "models").rglob("*.sql")}
    named = set(re.findall(r"(?<= )\+?((?:rpt|fct|dim)_\w+)", (REPOSITORY / JOB_FILE).read_text()))
    # the report's own, which comes with it
    assert named - models <= ({"rpt_attribution_days"} if "report" not in GROUPS else set())


def test_who_reads_a_day_is_left_alone_by_the_load_of_the_next_one(tmp_path):
    replay = Replay(SimpleNamespace(layout=Layout(tmp_path)), 30, None)
    replay.loading.parent.mkdir()
    for name in ("raw.duckdb", "raw_restricted.duckdb"):
        (replay.loading.parent / name).write_text("first day")
    (replay.loading.parent / "raw.duckdb.lock").touch()
    replay.hand_over()
    replay.loading.write_text("half of the second day")
    read = {path.name: path.read_text() for path in tmp_path.glob("*.*")}
    assert read == {"raw.duckdb": "first day", "raw_restricted.duckdb": "first day"}
    today, next_day = (replay.settings_of_day(day) for day in DAYS[:2])
    assert not {*today.values()} & {*next_day.values()}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_short_replay_finds_the_incident_and_sees_it_mended(tmp_path):
    """A real world: the day is lost, the diagnosis names it alone, and it is whole again."""
    marketing = str(Path(sys.executable).parent / "marketing")
    size = ["--days", "8", "--history", "60", "--customers", "800", "--dir", str(tmp_path / "r")]
    done = subprocess.run(
        [marketing, "demo", "replay", *size], capture_output=True, text=True, timeout=1500
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert re.search(
        r"replay ok: 8 days .* `diagnose roi` on 29 Oct, whole again on 31 Oct", lines[-1]
    )
    named = [line for line in lines if "diagnose roi:" in line]
    assert named
    assert all("campaign delivery is broken: meta_ads" in line for line in named)
