"""Runs of jobs, as dbt Cloud tells them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from marketing_analytics.monitor.check import Finding, Look, NotKnownError
from marketing_analytics.monitor.checks import job_runs
from marketing_analytics.monitor.place import Place

NOW = datetime(2026, 11, 1, 7)
DAILY = {
    "id": 1,
    "name": "attribution",
    "state": 1,
    "triggers": {"schedule": True},
    "schedule": {"cron": "0 4 * * *"},
    "created_at": "2026-09-01T00:00:00+00:00",
}


def seen() -> Look:
    thresholds = {name: rule.default for name, rule in job_runs.CHECK.thresholds.items()}
    place = Place(str(Path("marts.duckdb")), "marts")
    return Look(None, place, date(2026, 10, 31), NOW, thresholds, frozenset())


def runs(*statuses: int, last: str = "2026-11-01T04:00:03", minutes: float = 5) -> list[Any]:
    """Return a run a day, newest first."""
    found = []
    for back, status in enumerate(statuses):
        at = datetime.fromisoformat(last) - timedelta(days=back)
        took = minutes if back == 0 else 5
        found.append(
            {
                "id": 100 - back,
                "status": status,
                "created_at": f"{at.isoformat()}+00:00",
                "started_at": f"{at.isoformat()}+00:00",
                "finished_at": f"{(at + timedelta(minutes=took)).isoformat()}+00:00",
            }
        )
    return found


def finding(*arguments: Any, **options: Any) -> Finding | None:
    return job_runs.of_job(seen(), DAILY, runs(*arguments, **options))


def test_a_job_that_runs_on_time_and_ends_well_is_fine() -> None:
    assert finding(10, 10, 20, 10) is None
    assert finding(3, 10, 10) is None


def test_a_job_that_ends_in_error_is_told_since_its_first_failure() -> None:
    found = finding(20, 30, 20, 10)
    assert found is not None
    assert found.sentence == "attribution ended in error 2 times in a row: run 100"
    assert found.since == date(2026, 10, 30)


def test_a_job_that_did_not_begin_is_late() -> None:
    found = finding(10, 10, last="2026-10-31T04:00:03")
    assert found is not None
    assert "was to run at 2026-11-01 04:00 UTC and did not" in found.sentence
    assert found.value == 3


def test_a_job_that_never_ran_is_late_and_a_new_one_is_not() -> None:
    found = job_runs.of_job(seen(), DAILY, [])
    assert found is not None
    assert "it never ran" in found.sentence
    new = DAILY | {"created_at": "2026-11-01T05:00:00+00:00"}
    assert job_runs.of_job(seen(), new, []) is None


def test_a_job_is_not_late_within_its_grace() -> None:
    soon = DAILY | {"schedule": {"cron": "45 6 * * *"}}
    assert job_runs.of_job(seen(), soon, runs(10, last="2026-10-31T06:45:02")) is None


def test_a_slow_run_is_a_warning() -> None:
    found = finding(*[10] * 8, minutes=40)
    assert found is not None
    assert found.status == "warning"
    assert "took 40 minutes where 5 are usual" in found.sentence


def test_a_project_without_scheduled_jobs_is_not_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_runs, "jobs_with_runs", list)
    with pytest.raises(NotKnownError, match="no job of the project is scheduled"):
        list(job_runs.look(seen()))
    monkeypatch.setattr(job_runs, "jobs_with_runs", lambda: [(DAILY, runs(10))])
    (found,) = job_runs.look(seen())
    assert found.sentence == "1 scheduled job runs on time and ends well"


def test_without_settings_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in job_runs.SETTINGS:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(NotKnownError, match="DBTCLOUD_ACCOUNT_ID, DBTCLOUD_TOKEN, PROJECT_ID"):
        job_runs.jobs_with_runs()


def test_a_server_that_does_not_answer_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"DBTCLOUD_ACCOUNT_ID": "1", "DBTCLOUD_TOKEN": "no-such-token", "PROJECT_ID": "x"}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(NotKnownError, match="PROJECT_ID is 'x', no number"):
        job_runs.jobs_with_runs()
