"""The same SQL on a real PostgreSQL server: the same results."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from small_marts import make_marts

from marketing_analytics.monitor import history
from marketing_analytics.monitor.checks import checks
from marketing_analytics.monitor.place import Place, opened
from marketing_analytics.monitor.run import run_monitors, watched
from marketing_analytics.warehouse import duckdb, postgresql
from tests.ingest.database_servers import postgresql as server

pytestmark = [pytest.mark.slow, pytest.mark.system]

FAULTS = (
    "update marts.fct_ad_spend set spend = 5 where report_date = '2026-10-30'",
    "delete from marts.fct_conversions where conversion_id = 'c-2026-10-30-1'",
    "alter table marts.dim_campaigns drop column campaign_name",
    "update marts.rpt_lifetime_value_accuracy set revenue_bias = 0.5",
    "delete from marts.int_web__sessions where session_date = '2026-10-31'",
)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, Place]]:
    """Return the same marts in a DuckDB file and on a server."""
    path = tmp_path_factory.mktemp("marts") / "watched.duckdb"
    with server() as url:
        for connection in (duckdb.connect(path), postgresql.connect(url)):
            make_marts(connection, "marts")
            connection.close()
        yield Place(str(path), "marts"), Place(url, "marts")


def said(place: Place) -> list[tuple[object, ...]]:
    found = run_monitors(place, watched(checks(), {})).results
    return sorted((r.monitor, r.subject, r.status, r.since_at, r.value) for r in found)


def test_both_engines_say_the_same(
    places: tuple[Place, Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARKETING_NOW", "2026-11-01T07:00:00Z")
    for name in ("DBTCLOUD_ACCOUNT_ID", "DBTCLOUD_TOKEN", "PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)
    file, database = places
    healthy = said(file)
    assert said(database) == healthy
    assert not [row for row in healthy if row[2] in ("failing", "warning")]
    for place in places:
        with opened(place, is_read_only=False) as connection:
            for statement in FAULTS:
                connection.execute(statement)
    broken = said(file)
    assert said(database) == broken
    assert {row[0] for row in broken if row[2] == "failing"} >= {
        "spend_reconciliation", "reconciliation", "schema", "ltv_accuracy", "volume",
    }  # fmt: skip
    with opened(database) as connection:
        assert len(history.read(connection, database, "monitor_runs")) == 2
