"""The channel table shows what SQL says, down to ads, whatever the filters: in real Chromium."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest

from benchmarks.report_world import write_full
from benchmarks.small_marts import write_marts
from marketing_analytics.report.build import build
from marketing_analytics.report.numbers.words import change, change_words, money, shown
from marketing_analytics.report.snapshots.publish import publish
from marketing_analytics.report.snapshots.snapshot import opened
from marketing_analytics.warehouse.marts import Marts

pytestmark = [pytest.mark.slow, pytest.mark.browser]
COMBINATIONS, DAYS = 20, 480
# credit is kept in hundredths: a sum of two types may be off by two of them
CREDIT_ERROR = 0.021
CHANNELS_SQL = """
with

spend as (

    select channel, sum(spend_usd) as spend
    from campaign_days
    where day_date between $from and $to
    group by channel

),

credit as (

    select
        channel,
        sum(revenue_usd) as revenue,
        sum(revenue_usd) filter (has_spend) as with_spend,
        sum(credit) as conversions,
        sum(credit) filter (has_spend and conversion_type = 'first_order') as first
    from rpt_attribution_days
    where model = $model and window_days = $window and day_kind = $day
        and day_date between $from and $to
        and ($customers = 'all' or conversion_type = $customers)
    group by channel

)

select
    channels.channel_name as name,
    nullif(spend.spend, 0) as spend,
    coalesce(credit.revenue, 0) as revenue,
    coalesce(credit.revenue, 0) / nullif(sum(credit.revenue) over (), 0) as share,
    coalesce(credit.with_spend, 0) / nullif(spend.spend, 0) as roas,
    coalesce(credit.first, 0) as first,
    coalesce(credit.conversions, 0) as conversions
from dim_channels as channels
left join spend on channels.channel = spend.channel
left join credit on channels.channel = credit.channel
where spend.spend > 0 or credit.revenue <> 0 or credit.conversions <> 0
"""
CAMPAIGNS_SQL = """
select
    any_value(campaign_name) as name,
    sum(spend_usd) as spend,
    sum(claimed_value_usd) as value,
    (
        select coalesce(sum(days.revenue_usd), 0)
        from rpt_campaign_attribution_days as days
        where days.platform = spent.platform and days.campaign_id = spent.campaign_id
            and days.model = $model and days.day_kind = $day
            and days.day_date between $from and $to
    ) as revenue
from campaign_days as spent
where channel = $channel and day_date between $from and $to
group by platform, campaign_id
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    write_full(folder / "marts.duckdb", days=DAYS, campaigns=12, customers=4000)
    publish(Marts(str(folder / "marts.duckdb"), schema="marts"), folder / "snapshots")
    build(folder / "snapshots", folder / "pages")
    return folder


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api")
    if not Path("/usr/bin/chromium").exists():
        pytest.skip("Chromium is not installed")
    with api.sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        yield found
        found.close()


@pytest.fixture
def page(browser):
    found = browser.new_page(viewport={"width": 1440, "height": 900})
    errors: list[str] = []
    found.on("pageerror", lambda error: errors.append(str(error)))
    found.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    yield found
    found.close()
    assert errors == []


def rows_of(page, block):
    """Return the rows of a table by their first cell, as texts by label."""
    return {
        row[0][1]: dict(row[1:])
        for row in page.locator(f'[data-block="{block}"] tbody tr').evaluate_all(
            "rows => rows.map(row => [...row.cells].map(cell =>"
            " [cell.dataset.label || '', cell.textContent.trim()]))"
        )
    }


def go(page, world, name, **asked):
    page.goto("about:blank")
    query = f"?{urlencode(asked)}" if asked else ""
    page.goto(f"{(world / 'pages' / name).as_uri()}{query}")
    page.wait_for_selector("body[data-drawn]")


def drawn(chance, snapshot):
    """Return filters, in a half of them of days that stand in files of their own."""
    length = chance.randrange(1, 90)
    first = snapshot.first_day + timedelta(days=chance.randrange(0, DAYS - length))
    return {
        "range": "custom",
        "from": first,
        "to": first + timedelta(days=length - 1),
        "customers": chance.choice(("all", "first_order", "repeat_order")),
        "model": chance.choice(("linear", "position_based", "last_touch", "time_decay")),
        "window": chance.choice((1, 7, 14, 30, 60, 90)),
        "day": chance.choice(("conversion", "touch")),
    }


def found(snapshot, sql, asked):
    """Return the rows of a statement by their name; numbers are floats."""
    given = {name: value for name, value in asked.items() if f"${name}" in sql}
    return {
        row.pop("name"): {
            key: None if value is None else float(value) for key, value in row.items()
        }
        for row in snapshot.rows(sql, **given)
    }


def test_channels_equal_their_sql_over_twenty_filters(world, page):
    chance = random.Random(4)
    with opened(world / "snapshots") as snapshot:
        for _ in range(COMBINATIONS):
            asked = drawn(chance, snapshot)
            go(page, world, "channels.html", **asked)
            texts = rows_of(page, "channel-table")
            expected = found(snapshot, CHANNELS_SQL, asked)
            assert set(texts) - {"All"} >= set(expected)
            days = (asked["to"] - asked["from"]).days + 1
            before = {**asked, "from": asked["from"] - timedelta(days=days),
                      "to": asked["from"] - timedelta(days=1)}  # fmt: skip
            past = found(snapshot, CHANNELS_SQL, before)
            for name, row in expected.items():
                text = texts[name]
                assert text["Spend"] == money(row["spend"], "USD"), (asked, name)
                assert text["Credited revenue"] == money(row["revenue"], "USD")
                assert text["Share"] == shown(row["share"], "share")
                assert text["ROAS"] == shown(row["roas"], "ratio")
                near(text["Conversions"], row["conversions"], CREDIT_ERROR + 0.5)
                if row["spend"] and row["first"] > 1:
                    cost, first = row["spend"], row["first"]
                    near(
                        text["Cost of a credited customer"],
                        cost / first,
                        0.5 + cost / first * CREDIT_ERROR / first,
                    )
                if before["from"] >= snapshot.first_day and past.get(name, {}).get("revenue", 0):
                    moved = change(row["revenue"], past[name]["revenue"])
                    assert text["Change"] == change_words(moved)
            total = sum(row["revenue"] for row in expected.values())
            assert texts["All"]["Credited revenue"] == money(round(total, 2), "USD")


def near(text, value, error):
    assert abs(float(text.replace(",", "").removesuffix(" USD")) - value) <= error


def test_campaigns_and_ads_equal_their_sql(world, page):
    chance = random.Random(5)
    with opened(world / "snapshots") as snapshot:
        for _ in range(5):
            length = chance.randrange(10, 60)
            last = snapshot.last_day - timedelta(days=chance.randrange(0, 300))
            asked = {"range": "custom", "from": last - timedelta(days=length), "to": last,
                     "model": "linear", "day": chance.choice(("conversion", "touch"))}  # fmt: skip
            go(page, world, "channels.html", **asked, channel="paid_search")
            expected = found(snapshot, CAMPAIGNS_SQL, {**asked, "channel": "paid_search"})
            texts = rows_of(page, "channel-table")
            assert set(texts) >= {*expected, "All"}
            for name, row in expected.items():
                assert texts[name]["Spend"] == money(row["spend"], "USD")
                assert texts[name]["Credited revenue"] == money(row["revenue"], "USD")
                assert texts[name]["Claimed value"] == money(row["value"], "USD")
            name = next(iter(expected))
            page.get_by_role("link", name=name, exact=True).click()
            page.wait_for_selector("nav.crumbs >> text=All channels")
            page.wait_for_function("document.querySelectorAll('nav.crumbs a').length === 2")
            groups = snapshot.rows(
                "select ad_group_name as name, sum(spend_usd) as spend, sum(clicks) as clicks"
                " from ad_days where campaign_id = (select any_value(campaign_id)"
                " from campaign_days where campaign_name = $name)"
                " and day_date between $from and $to group by all",
                name=name, **{key: asked[key] for key in ("from", "to")},
            )  # fmt: skip
            texts = rows_of(page, "channel-table")
            assert set(texts) >= {*(row["name"] for row in groups), "All"}
            for row in groups:
                assert texts[row["name"]]["Spend"] == money(float(row["spend"]), "USD")
                assert texts[row["name"]]["Clicks"] == shown(float(row["clicks"]), "count")


def test_the_way_down_and_back_goes_by_keyboard_and_stands_in_the_address(world, page):
    go(page, world, "channels.html")
    page.get_by_role("link", name="Paid search", exact=True).press("Enter")
    page.wait_for_function("location.search.includes('channel=paid_search')")
    page.wait_for_selector("nav.crumbs [aria-current]:focus")
    page.locator("[data-block=channel-table] tbody a").first.press("Enter")
    page.wait_for_function("location.search.includes('campaign=')")
    page.wait_for_function("document.querySelectorAll('nav.crumbs a').length === 2")
    page.locator("[data-block=channel-table] tbody a").first.press("Enter")
    page.wait_for_function("location.search.includes('group=')")
    page.wait_for_function("document.querySelectorAll('nav.crumbs a').length === 3")
    page.reload()
    page.wait_for_function("document.querySelectorAll('nav.crumbs a').length === 3")
    page.select_option("select[name=range]", "last_90")
    page.wait_for_function("location.search.includes('range=last_90')")
    assert "group=" in page.url
    page.go_back()
    page.wait_for_function("document.querySelectorAll('nav.crumbs a').length === 2")
    page.get_by_role("link", name="All channels").click()
    page.wait_for_function("!location.search.includes('channel=')")
    assert "channel=" not in page.get_by_role("link", name="Budget").get_attribute("href")


def test_claims_stand_beside_credit(world, page):
    page.set_viewport_size({"width": 1440, "height": 900})
    go(page, world, "channels.html", range="last_90", model="linear")
    page.locator("[data-block=claims]").scroll_into_view_if_needed()
    page.wait_for_selector("[data-block=claims] tbody tr", state="attached")
    with opened(world / "snapshots") as snapshot:
        days = {"from": snapshot.last_day - timedelta(days=89), "to": snapshot.last_day}
        claimed = snapshot.one(
            "select sum(claimed_value_usd) from campaign_days where day_date between $from and $to",
            **days,
        )
        credited = snapshot.one(
            "select sum(revenue_usd) from rpt_attribution_days where has_spend"
            " and model = 'linear' and window_days = 30 and day_kind = 'conversion'"
            " and day_date between $from and $to",
            **days,
        )
    page.locator("[data-block=claims] summary").click()
    total = rows_of(page, "claims")["All"]
    assert total["Claimed value"] == money(float(claimed), "USD")
    assert total["Credited revenue"] == money(float(credited), "USD")
    assert total["Claimed of credited"] == shown(float(claimed / credited), "share")
    # no column is pushed out of sight
    table = page.locator("[data-block=claims] table")
    assert table.evaluate("one => one.scrollWidth - one.parentElement.clientWidth") <= 1
    # a number is tied to its unit by a blank that does not break
    says = page.locator("[data-block=claims] [data-says]").inner_text().replace("\xa0", " ")
    assert f"claim {float(claimed / credited) * 100:.0f} %" in says


def test_a_month_under_way_has_a_light_a_band_and_a_daily_amount(world, page):
    go(page, world, "budget.html", platform="google_ads")
    rows = rows_of(page, "pacing")
    with opened(world / "snapshots") as snapshot:
        line = snapshot.rows(
            "from rpt_budget_pacing where is_current_month and is_platform_total"
            " and platform = 'google_ads'"
        )[0]
    text = rows["Google Ads"]
    assert text["Budget"] == money(float(line["budget_usd"]), "USD")
    assert text["Forecast"] == money(float(line["forecast_spend_usd"]), "USD")
    assert text["A day from now"] == money(line["daily_spend_to_budget_usd"], "USD")
    off = abs(line["pacing"] - 1)
    word = "on plan" if off <= 0.05 else "watch" if off <= 0.2 else "off plan"
    assert text["Against plan"].startswith(word)
    said = page.locator("[data-block=pacing-days] [data-says]").inner_text()
    assert "in eight of ten cases between" in said
    assert " a day in the 14 days left" in said
    page.select_option("select[name=month]", "2026-09")
    page.wait_for_function("location.search.includes('month=2026-09')")
    page.wait_for_selector("text=the month ended at")


@pytest.mark.parametrize("name", ["channels.html", "budget.html"])
@pytest.mark.parametrize("asked", [
    {"range": "all"}, {"compare": "plan", "customers": "repeat_order"},
    {"range": "last_7", "currency": "EUR"},
    {"channel": "nothing", "campaign": "<b>", "month": "1999-01", "platform": "none"},
])  # fmt: skip
def test_no_figure_is_undefined(world, page, name, asked):
    go(page, world, name, **asked)
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    page.wait_for_timeout(700)
    text = page.inner_text("body")
    assert not any(bad in text for bad in ("NaN", "Infinity", "undefined", "null", "[object"))


@pytest.mark.parametrize("days", [0, 3])
def test_the_first_days_have_pages_without_an_error(page, tmp_path, days):
    marts = Marts(str(write_marts(tmp_path / "marts.duckdb", days=days)))
    publish(marts, tmp_path / "snapshots")
    build(tmp_path / "snapshots", tmp_path / "pages")
    for name in ("index.html", "channels.html", "budget.html"):
        go(page, tmp_path, name)
        page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        page.wait_for_timeout(500)
        assert not page.locator("[data-failed]").count()
        assert not any(bad in page.inner_text("body") for bad in ("NaN", "Infinity", "undefined"))
