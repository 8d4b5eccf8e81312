"""Press run, watch, cancel: the pages with the engine behind them."""

from __future__ import annotations

from contextlib import closing

import pytest

from benchmarks.seeded_pages import settings_of
from benchmarks.tiny_cloud import STAND_IN, add_job, create_cloud, write_project
from marketing_analytics.local_cloud.runs.engine import Engine, EngineSettings

pytestmark = [pytest.mark.system, pytest.mark.browser]
QUICK = EngineSettings(
    poll_seconds=0.05,
    interrupt_seconds=1.0,
    terminate_seconds=0.5,
    has_scheduler=False,
    program=STAND_IN,
)


def test_a_run_is_started_waited_for_and_cancelled_by_pressing(tmp_path, serve_pages, open_tab):
    folder = tmp_path / "cloud"
    with closing(create_cloud(folder, write_project(tmp_path / "project"))) as connection:
        long = add_job(connection, ["dbt run sleep=60"])
        short = add_job(connection, ["dbt run exit=0"])
    engine = Engine(folder, settings=QUICK)
    engine.start()
    try:
        with serve_pages(settings_of(folder)) as url:
            tab = open_tab()
            page = tab.page
            page.goto(f"{url}/jobs/{long}")
            page.click("text=Run now")
            page.wait_for_selector("h1 .badge:has-text('Running')")
            page.wait_for_selector("#logview:visible")
            page.goto(f"{url}/jobs/{short}")
            page.click("text=Run now")
            page.wait_for_selector("text=behind run 1, which writes the same warehouse file")
            page.click("text=behind run >> a")
            page.click("button:has-text('Cancel')")
            page.wait_for_selector("h1 .badge:has-text('Cancelled')", timeout=15_000)
            page.goto(f"{url}/runs/2")
            page.wait_for_selector("h1 .badge:has-text('Success')", timeout=15_000)
            page.goto(url)
            page.wait_for_selector("text=engine: well")
            assert tab.complaints == []
    finally:
        engine.stop()
