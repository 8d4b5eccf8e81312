"""Beside the numbers: to which day they are known, what the watch says, what they are made of."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from benchmarks.small_marts import FIRST, write_marts
from marketing_analytics.core.errors import UserError
from marketing_analytics.report.build import build
from marketing_analytics.report.data.health import health, watch
from marketing_analytics.report.data.known import known_to, metric_known_to
from marketing_analytics.report.numbers.definitions import TILES
from marketing_analytics.report.pages.contents import PAGES
from marketing_analytics.report.pages.sources import sources
from marketing_analytics.report.snapshots.publish import publish
from marketing_analytics.report.snapshots.published import statements, watched_statements
from marketing_analytics.report.snapshots.snapshot import opened
from marketing_analytics.warehouse.marts import Marts

DAYS = 40
LAST = FIRST + timedelta(days=DAYS - 1)
DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A shop whose one platform is read two days less, and whose monitors were run one by one."""
    folder = tmp_path_factory.mktemp("known")
    path = write_marts(folder / "shop.duckdb", days=DAYS)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "create table marts.stg_ingest__freshness as select * from (values"
            " ('google_ads', 'campaigns', 'one', '', $last, $last, now()::timestamp),"
            " ('meta_ads', 'insights', 'two', '', $last - 2, $last - 2, now()::timestamp),"
            # nothing was spent there
            " ('linkedin_ads', 'campaigns', 'three', '', $last - 9, null, now()::timestamp))"
            " as read(source, report, account_id, campaign_id, last_day, last_row_day, read_at)",
            {"last": LAST},
        )
        connection.execute(
            "create schema marts_monitor; create table marts_monitor.monitor_runs as"
            " select unnest(['1', '2']) as run_id, timestamp '2026-08-12 06:00' as started_at;"
            " create table marts_monitor.monitor_results as select run_id, monitor, status,"
            " 'k' as kind, '' as subject, 'ticket' as severity, 'me' as owner, 'r.md' as runbook,"
            " 0.0 as value, 0.0 as lower_bound, 0.0 as upper_bound,"
            " timestamp '2026-08-12 06:00' as since_at, timestamp '2026-08-12 06:00' as checked_at,"
            " 's' as sentence, 'a' as action from (values ('1', 'budget', 'failing'),"
            " ('1', 'volume', 'warning'), ('1', 'schema', 'ok'), ('2', 'budget', 'ok'))"
            " as results(run_id, monitor, status)"
        )
    publish(Marts(str(path)), folder / "snapshots")
    build(folder / "snapshots", folder / "pages")
    with opened(folder / "snapshots") as snapshot:
        yield snapshot, folder / "pages"


def test_a_number_is_known_to_the_day_of_the_platform_that_is_furthest_behind(watched):
    snapshot, pages = watched
    known = known_to(snapshot)
    days = {metric.name: metric_known_to(metric, known) for metric in TILES}
    assert days["new_customers"] == days["orders"] == LAST
    behind = LAST - timedelta(days=2)
    assert days["spend_usd"] == days["roas"] == days["ltv_to_cac"] == behind
    # no part of it is known without another
    assert metric_known_to(TILES[2], {"rpt_attribution_days": LAST}) is None
    text = (pages / "index.html").read_text()
    assert text.count('class="known t-warn"') == 5
    assert f"to {behind.day} {behind:%b}</span>" in text


def test_the_watch_says_the_worst_of_the_last_look_at_each_monitor(watched):
    snapshot, pages = watched
    assert watch(snapshot) == {"tone": "warn", "words": "1 of 3 monitors warns"}
    assert "1 of 3 monitors warns" in (pages / "index.html").read_text()


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("monitor_results", "alter table monitor_results drop owner"),
        ("monitor_runs", "create or replace table monitor_runs as select '1' as run_id"),
        ("monitor_probes", "create table monitor_probes as select now()::timestamp as probed_at"),
    ],
)
def test_a_history_of_an_older_version_is_read_with_what_it_lacks_as_null(
    watched, tmp_path, table, change
):
    snapshot, pages = watched
    shutil.copy(pages.parent / "snapshots" / snapshot.about["file"], tmp_path)
    about = {**snapshot.about, "tables": {**snapshot.about["tables"], table: {"rows": 1}}}
    (tmp_path / "current.json").write_text(json.dumps(about))
    with duckdb.connect(str(tmp_path / about["file"])) as connection:
        connection.execute(change)
    with opened(tmp_path) as old:
        assert (health(old)["probes"] is None) == (table != "monitor_probes")
        assert len(health(old)["monitors"]) == 3
        assert watch(old) is not None
    build(tmp_path, tmp_path / "pages")


@pytest.fixture
def probed(watched, tmp_path):
    """Return a folder of snapshots, to which probes are given as rows of SQL."""
    snapshot, pages = watched
    shutil.copy(pages.parent / "snapshots" / snapshot.about["file"], tmp_path)
    tables = {**snapshot.about["tables"], "monitor_probes": {"rows": 1}}
    (tmp_path / "current.json").write_text(json.dumps({**snapshot.about, "tables": tables}))

    def give(rows):
        with duckdb.connect(str(tmp_path / snapshot.about["file"])) as connection:
            connection.execute(f"create or replace table monitor_probes as {rows}")
        return tmp_path

    return give


# a page that is down and one that is up, probed one after the other
TWO_PAGES = """
select
    timestamp '{day} 06:00' + to_seconds(60 * number + wait) as probed_at,
    target, is_up as is_available, case when is_up then true end as is_fresh
from range(61) as minutes (number), (values ('a', false, 0), ('b', true, 1)) as pages (target, is_up, wait)
"""  # noqa: E501


def test_each_page_is_counted_by_its_own_probes(probed):
    with opened(probed(TWO_PAGES.format(day=LAST))) as snapshot:
        found = {row["target"]: row for row in health(snapshot)["probes"]}
    assert {name: row["known_minutes"] for name, row in found.items()} == {"a": 60, "b": 60}
    assert found["a"]["available_minutes"] is None
    assert found["b"]["available_minutes"] == found["b"]["fresh_minutes"] == 60


def test_probes_of_long_ago_say_nothing(probed):
    with opened(probed(TWO_PAGES.format(day=LAST - timedelta(days=60)))) as snapshot:
        assert health(snapshot)["probes"] == []


def test_a_snapshot_of_another_version_is_told(watched, tmp_path):
    snapshot, pages = watched
    path = pages.parent / "snapshots" / snapshot.about["file"]
    shutil.copy(path, tmp_path)
    (tmp_path / "current.json").write_text(json.dumps(snapshot.about))
    with duckdb.connect(str(tmp_path / path.name)) as connection:
        connection.execute("alter table dim_channels drop sort_order")
    with pytest.raises(UserError, match=r"is of another version: .*sort_order") as raised:
        build(tmp_path, tmp_path / "pages")
    assert "publish writes one anew" in raised.value.hint


def test_every_block_names_its_tables_and_a_page_of_docs(watched):
    _, pages = watched
    text = (pages / "definitions.html").read_text()
    known = {**statements(), **watched_statements("")}
    found = [source for page in PAGES for source in sources(page)]
    assert len(found) == sum(len(page.blocks) for page in PAGES)
    for source in found:
        assert set(source.tables) <= set(known)
        assert (DOCS / source.docs).is_file()
        assert f'id="{source.anchor}"' in text
    assert len({source.anchor for source in found}) == len(found)
    for page in PAGES:
        for name, *_ in page.blocks:
            assert f"definitions.html#{page.name}-{name}" in (pages / page.file).read_text()
