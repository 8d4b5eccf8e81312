"""What an older version kept is read, and gets the columns that it lacks."""

from __future__ import annotations

import pytest

from marketing_analytics.monitor import history
from marketing_analytics.monitor.alerts.delivery import tell
from marketing_analytics.monitor.alerts.outbox import kept_notices, mutes_of
from marketing_analytics.monitor.levels.metrics import text_of
from marketing_analytics.monitor.place import Place, opened
from tests.monitor.alert_world import channel, keep_run, result

TEAM = channel("team")


@pytest.fixture
def place(tmp_path):
    import duckdb

    path = tmp_path / "marts.duckdb"
    duckdb.connect(str(path)).close()
    place = Place(str(path), "marts")
    keep_run(place, result("a"))
    tell(place, [TEAM])
    return place


def drop(place, table, column):
    with opened(place, is_read_only=False) as connection:
        connection.execute(f"alter table marts_monitor.{table} drop column {column}")


@pytest.mark.parametrize(
    ("column", "stands"),
    [("action", ""), ("owner", ""), ("value", None), ("severity", "ticket"), ("status", "unknown")],
)
def test_results_without_a_column_are_read_before_and_after_it_is_added(place, column, stands):
    drop(place, "monitor_results", column)
    for _ in range(2):
        with opened(place, is_read_only=False) as connection:
            (found,) = history.latest_results(connection, place)
            assert getattr(found, column) == stands
            history.prepare(connection, place)


def test_a_time_that_was_not_kept_is_that_of_the_look(place):
    drop(place, "monitor_results", "since_at")
    with opened(place) as connection:
        (found,) = history.latest_results(connection, place)
    assert found.since_at == found.checked_at


@pytest.mark.parametrize("column", ["run_id", "sequence", "cause", "delivered_at", "open_attempts"])
def test_notices_without_a_column_are_read_and_the_next_run_is_told(place, column):
    drop(place, "monitor_notices", column)
    assert [notice.subject for notice in kept_notices(place, is_waiting=True)] == ["a"]
    keep_run(place, result("a"), result("b"), number=2)
    tell(place, [TEAM])
    assert {notice.subject for notice in kept_notices(place)} == {"a", "b"}


def test_silences_and_runs_without_a_column_are_read(place):
    drop(place, "monitor_silences", "from_at")
    drop(place, "monitor_runs", "as_of_date")
    with opened(place, is_read_only=False) as connection:
        connection.execute("insert into marts_monitor.monitor_silences (monitor) values ('*')")
        assert mutes_of(connection, place).silences[0].from_at is None
        assert history.latest_run(connection, place)["as_of_date"] is None


def test_metrics_of_a_run_whose_end_was_not_kept_are_told_without_it(place):
    drop(place, "monitor_runs", "ended_at")
    text = text_of(place, [])
    assert 'marketing_monitor_status{monitor="budget"' in text
    assert "monitor_run_ended" not in text
