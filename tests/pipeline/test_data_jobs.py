"""The scheduled jobs beside dbt Cloud's, run by gitlab-ci-local: ingestion, monitors, report."""

import sys
from pathlib import Path

import duckdb
import pytest

from benchmarks.small_marts import write_marts
from tests.ingest.commands import Emulators
from tests.ingest.soak import build_world
from tests.monitor.small_marts import make_marts

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

MORNING = "2026-11-01T07:00:00Z"


@pytest.fixture
def scheduled(pipeline):
    """Return the pipeline on main, with what `make install` builds, which is built already."""
    pipeline.checkout("main")
    built = pipeline.repository / ".venv"
    built.mkdir()
    (built / "bin").symlink_to(Path(sys.prefix) / "bin")
    (built / "installed").touch()
    for name in list(pipeline.environ):
        if name.startswith(("DBTCLOUD_", "MARKETING_", "INGEST_")):
            del pipeline.environ[name]
    return pipeline


def set_variables(pipeline, variables):
    """Give the pipeline its CI variables."""
    lines = "".join(f'{name}: "{value}"\n' for name, value in variables.items())
    (pipeline.repository / ".gitlab-ci-local-variables.yml").write_text(lines)


def test_the_platforms_are_loaded(scheduled, tmp_path):
    world = scheduled.repository / "world"
    world.mkdir()
    build_world(world)
    emulators = Emulators(world, tmp_path)
    try:
        # the runner takes what starts with a slash for a file of its own
        here = f"{scheduled.repository}/"
        given = {name: value.removeprefix(here) for name, value in emulators.settings.items()}
        set_variables(scheduled, {**given, "MARKETING_RAW_DATABASE": "raw.duckdb"})
        assert "Traceback" not in scheduled.run("load-platforms")
    finally:
        emulators.stop()
    with duckdb.connect(str(scheduled.repository / "raw.duckdb"), read_only=True) as raw:
        (tables,) = raw.sql("select count(*) from information_schema.tables").fetchone()
    assert tables > 10


def test_the_marts_are_watched(scheduled):
    connection = duckdb.connect(str(scheduled.repository / "watched.duckdb"))
    make_marts(connection, "marts")
    connection.close()
    given = {"MARKETING_WAREHOUSE": "watched.duckdb", "MARKETING_SCHEMA": "marts"}
    set_variables(scheduled, {**given, "MARKETING_NOW": MORNING})
    assert "campaign_freshness" in scheduled.run("watch-marts")


def test_the_report_becomes_pages(scheduled):
    write_marts(scheduled.repository / "marts.duckdb")
    set_variables(scheduled, {"MARKETING_WAREHOUSE": "marts.duckdb"})
    scheduled.run("build-report")
    scheduled.run("pages")
    assert (scheduled.repository / "public" / "index.html").stat().st_size > 1000
