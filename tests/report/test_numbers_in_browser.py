"""Every tile shows what the SQL of its definition says, whatever the filters: in real Chromium."""

from __future__ import annotations

import random
import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import duckdb
import pytest

from benchmarks.small_marts import write_marts
from marketing_analytics.report.build import build
from marketing_analytics.report.numbers.changes import sentences
from marketing_analytics.report.numbers.definitions import TILES, Filters, target_of, value_of
from marketing_analytics.report.numbers.words import change, change_words, money, shown
from marketing_analytics.report.snapshots.publish import publish
from marketing_analytics.report.snapshots.snapshot import opened
from marketing_analytics.warehouse.marts import Marts

pytestmark = [pytest.mark.slow, pytest.mark.browser]
COMBINATIONS = 20


def combinations(snapshot):
    """Return filters with their address, drawn from a fixed seed; the first is the default."""
    chance = random.Random(9)
    models = [
        row["model"]
        for row in snapshot.rows("select distinct model from rpt_attribution_days order by 1")
    ]
    found = [(Filters(snapshot.last_day - timedelta(days=27), snapshot.last_day), {})]
    while len(found) < COMBINATIONS:
        length = chance.randrange(1, 60)
        first = snapshot.first_day + timedelta(days=chance.randrange(0, 120 - length))
        filters = Filters(
            first,
            first + timedelta(days=length - 1),
            chance.choice(("all", "first_order", "repeat_order")),
            chance.choice(models),
            chance.choice((7, 30)),
            chance.choice(("conversion", "touch")),
        )
        asked = {
            "range": "custom", "from": filters.from_date, "to": filters.to_date,
            "customers": filters.customers, "model": filters.model,
            "window": filters.window_days, "day": filters.day_kind,
        }  # fmt: skip
        found.append((filters, asked))
    return found


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api")
    if not Path("/usr/bin/chromium").exists():
        pytest.skip("Chromium is not installed")
    with api.sync_playwright() as playwright:
        opened_browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        yield opened_browser
        opened_browser.close()


def spaced(text):
    """A number is tied to its unit by a blank that does not break."""
    return text.replace("\xa0", " ")


def test_tiles_equal_their_sql_over_twenty_filters(shop, browser):
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    with opened(shop.snapshots) as snapshot:
        names = {row["channel"]: row["channel_name"] for row in snapshot.rows("from dim_channels")}
        for filters, asked in combinations(snapshot):
            page.goto(f"{(shop.pages / 'index.html').as_uri()}?{urlencode(asked)}")
            page.wait_for_selector("body[data-drawn]")
            before = filters.before("previous")
            is_known = before.from_date >= snapshot.first_day
            for metric in TILES:
                tile = page.locator(f'[data-tile="{metric.name}"]')
                value = value_of(snapshot.connection, metric, filters)
                past = value_of(snapshot.connection, metric, before) if is_known else None
                target = target_of(snapshot.connection, metric, filters)
                assert tile.locator("[data-value]").inner_text() == shown(value, metric.unit, "USD")
                delta = spaced(tile.locator("[data-delta]").inner_text())
                assert delta.startswith(change_words(change(value, past)))
                words = spaced(tile.locator("[data-target]").inner_text())
                assert words.startswith(
                    f"plan {shown(target, metric.unit, 'USD')}" if target else "no plan"
                )
            if is_known:
                days = f"{filters.days} day{'s' if filters.days != 1 else ''} before"
                said = sentences(snapshot.connection, filters, before, names, days, "USD")
                texts = page.locator("[data-sentences] li").all_inner_texts()
                assert [spaced(text) for text in texts] == said
    assert errors == []


def test_amounts_in_another_currency_are_divided_by_its_rate(shop, browser):
    page = browser.new_page()
    page.goto(f"{(shop.pages / 'index.html').as_uri()}?currency=EUR")
    page.wait_for_selector("body[data-drawn]")
    with opened(shop.snapshots) as snapshot:
        filters = Filters(snapshot.last_day - timedelta(days=27), snapshot.last_day)
        value = value_of(snapshot.connection, TILES[0], filters)
    text = page.locator('[data-tile="spend_usd"] [data-value]').inner_text()
    assert text == shown(value / 1.08, "usd", "EUR")


def test_a_shop_that_reports_in_euros_is_shown_in_them_and_switched_over_the_dollar(
    browser, tmp_path
):
    marts = Marts(str(write_marts(tmp_path / "marts.duckdb", currency="EUR")))
    publish(marts, tmp_path / "snapshots")
    build(tmp_path / "snapshots", tmp_path / "pages")
    with opened(tmp_path / "snapshots") as snapshot:
        filters = Filters(snapshot.last_day - timedelta(days=27), snapshot.last_day)
        spend, cost = (value_of(snapshot.connection, TILES[at], filters) for at in (0, 4))
    page = browser.new_page()
    for asked, per_unit in (("", 1), ("USD", 1 / 1.08), ("JPY", 0.0067 / 1.08)):
        query = f"?currency={asked}" if asked else ""
        page.goto((tmp_path / "pages" / "index.html").as_uri() + query)
        page.wait_for_selector("body[data-shown]")
        for name, value in (("spend_usd", spend), ("cac_usd", cost)):
            text = page.locator(f'[data-tile="{name}"] [data-value]').inner_text()
            assert text == money(value / per_unit, asked or "EUR")
    for path in sorted((tmp_path / "pages").glob("*.html")):
        page.goto(path.as_uri())
        page.wait_for_selector("body[data-shown]")
        assert not re.search(r"[\d–]\sUSD|\$\d", page.locator("main").inner_text()), path.name
    page.close()


def test_a_funnel_that_no_job_has_built_is_named_with_scripts_as_without(shop, browser):
    with opened(shop.snapshots) as snapshot:
        assert not snapshot.has("fct_acquisition_funnel")
    said = "No funnel is built yet: the job customer-acquisition-funnel does it."
    assert said in (shop.pages / "index.html").read_text()
    page = browser.new_page()
    page.goto((shop.pages / "index.html").as_uri())
    page.wait_for_selector("body[data-shown]")
    assert page.locator("#funnel").inner_text().endswith(said)
    page.close()


def test_a_filter_is_kept_in_the_address_and_goes_along_to_other_pages(shop, browser):
    page = browser.new_page()
    page.goto((shop.pages / "index.html").as_uri())
    page.wait_for_selector("body[data-drawn]")
    page.select_option("select[name=model]", "linear")
    page.select_option("select[name=range]", "last_7")
    assert page.url.endswith("?range=last_7&model=linear")
    page.get_by_role("link", name="Health").click()
    page.wait_for_selector("body[data-ready]")
    page.get_by_role("link", name="Overview").click()
    page.wait_for_selector("body[data-drawn]")
    assert page.locator("select[name=model]").input_value() == "linear"
    page.locator("[data-reset]").click()
    assert "?" not in page.url


@pytest.mark.parametrize("asked", [
    # names that every object of a script has
    "?range=constructor&compare=valueOf", "?model=toString", "?currency=constructor",
    "?window=valueOf&day=constructor", "#%E0%A4%A", "?range=%&from=%00",
    "?range=custom&from=0000-00-00",
])  # fmt: skip
def test_what_an_address_cannot_mean_is_left_out(shop, browser, asked):
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    for name in ("index.html", "channels.html", "definitions.html"):
        page.goto("about:blank")
        page.goto(f"{(shop.pages / name).as_uri()}{asked}")
        page.wait_for_selector("body[data-ready]", state="attached")
        page.wait_for_selector("body[data-shown]", state="attached")
        assert not page.locator("[data-failed]").count()
    page.close()
    assert errors == []


def test_days_that_are_none_are_left_out_and_days_without_any_before_say_so(shop, browser):
    page = browser.new_page()
    said = []
    for asked in ("from=2026-02-30&to=2026-02-29", "from=1999-01-01&to=1999-01-02"):
        page.goto(f"{(shop.pages / 'index.html').as_uri()}?range=custom&{asked}")
        page.wait_for_selector("body[data-shown]")
        said.append(page.locator("[data-range-words]").inner_text())
    page.close()
    assert said[0].endswith("against the 28 days before")
    assert said[1].endswith("with no days before to compare with")


def test_names_of_any_length_leave_figures_in_sight_and_are_no_formulas(browser, tmp_path):
    path = write_marts(tmp_path / "marts.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "use marts.marts; update dim_channels set channel_name = ' =' || repeat('x', 300)"
            " where channel = (select max(channel) from dim_channels where is_paid)"
        )
    publish(Marts(str(path)), tmp_path / "snapshots")
    build(tmp_path / "snapshots", tmp_path / "pages")
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto((tmp_path / "pages" / "channels.html").as_uri())
    page.wait_for_selector("[data-block=channel-table] tbody tr")
    holder = page.locator("[data-block=channel-table] .scrolls")
    assert holder.evaluate("element => element.scrollWidth <= element.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    with page.expect_download() as given:
        page.locator("[data-block=channel-table] [data-csv]").click()
    text = Path(given.value.path()).read_text(encoding="utf-8-sig")
    assert "' =xxx" in text
    page.close()
