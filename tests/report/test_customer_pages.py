"""Funnel, cohorts and e-mail show what SQL says of the snapshot, in real Chromium."""

from __future__ import annotations

import csv
import io
import random
import struct
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest

from benchmarks.customer_marts import add_customers
from benchmarks.small_marts import LAST, write_marts
from marketing_analytics.report.build import build
from marketing_analytics.report.data.customers import STAGE_COLUMNS
from marketing_analytics.report.numbers.words import shown
from marketing_analytics.report.snapshots.publish import publish
from marketing_analytics.report.snapshots.snapshot import opened
from marketing_analytics.warehouse.marts import Marts

pytestmark = [pytest.mark.slow, pytest.mark.browser]
CHROMIUM, COMBINATIONS, RATE = Path("/usr/bin/chromium"), 20, 1.08
BROKEN = ("NaN", "undefined", "Infinity", "[object")
PLATFORMS = {"mailchimp": "Mailchimp", "klaviyo": "Klaviyo", "hubspot": "HubSpot"}


def made(folder, *, days, customers, mails=12):
    """Return snapshots and pages of a shop of a size."""
    path = write_marts(folder / "marts.duckdb", days=days)
    last = LAST if days else LAST - timedelta(days=119)
    if customers is not None:
        add_customers(path, last, customers=customers, days=max(days, 1), mails=mails)
    publish(Marts(str(path)), folder / "snapshots")
    build(folder / "snapshots", folder / "pages")
    return folder / "snapshots", folder / "pages"


@pytest.fixture(scope="module")
def shop_pages(tmp_path_factory):
    # so few that some of the choices need older days
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("marketing_analytics.report.data.customers.RECENT_DAYS", 45)
        return made(tmp_path_factory.mktemp("customers"), days=120, customers=900)


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed")
    with api.sync_playwright() as playwright:
        opened_browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        yield opened_browser
        opened_browser.close()


@pytest.fixture
def page(browser):
    opened_page, errors = browser.new_page(), []
    opened_page.on("pageerror", lambda error: errors.append(str(error)))
    opened_page.on(
        "console", lambda said: errors.append(said.text) if said.type == "error" else None
    )
    yield opened_page
    opened_page.close()
    assert errors == []


def choices(snapshot, seed, **own):
    """Yield days with the address that asks for them, in both currencies, and blocks' choices."""
    chance = random.Random(seed)
    for _ in range(COMBINATIONS):
        first = snapshot.first_day + timedelta(days=chance.randrange(0, 119))
        last = min(first + timedelta(days=chance.randrange(0, 90)), snapshot.last_day)
        asked = {
            "range": "custom", "from": first, "to": last,
            "currency": chance.choice(("USD", "EUR")),
            "customers": chance.choice(("all", "first_order")),
            **{name: chance.choice(values) for name, values in own.items()},
        }  # fmt: skip
        yield first, last, asked


def table(page, block):
    """Return the table behind a block as text."""
    return page.evaluate(
        '(id) => [...document.querySelectorAll(`[data-block="${id}"] tbody tr`)]'
        ".map((row) => [...row.children].map((cell) => cell.textContent))",
        block,
    )


def go(page, folder, name, asked):
    page.goto(f"{(folder / name).as_uri()}?{urlencode(asked)}")
    page.wait_for_selector("body[data-filled]")


def money(usd, asked):
    """Return an amount as the pages say it, in the currency that was asked for."""
    if usd is None:
        return "–"
    rate = RATE if asked["currency"] == "EUR" else 1
    return shown(float(usd) / rate, "usd", asked["currency"])


def ratio(above, below):
    return float(above) / float(below) if above is not None and below else None


def test_the_funnel_equals_its_sql(shop_pages, page):
    snapshots, folder = shop_pages
    channels = ["all", "paid_search", "email", "paid_social"]
    with opened(snapshots) as snapshot:
        for first, last, asked in choices(snapshot, 1, stages_of=channels):
            go(page, folder, "customers.html", asked)
            sums = ", ".join(f"sum({column}) as {stage}" for stage, column in STAGE_COLUMNS.items())
            times = ", ".join(
                f"sum(round(seconds_to_{stage}) * {column}) / sum(case when seconds_to_{stage}"
                f" is not null then {column} end) as seconds_{stage}"
                for stage, column in list(STAGE_COLUMNS.items())[1:]
            )
            of = "true" if asked["stages_of"] == "all" else f"channel = '{asked['stages_of']}'"
            truth = snapshot.rows(
                f"select {sums}, {times}, sum(spend_usd) as spend_usd from fct_acquisition_funnel"
                f" where session_date between $first and $last and {of}",
                first=first,
                last=last,
            )[0]
            rows = table(page, "stages")
            if not truth["sessions"]:
                assert rows == []
                continue
            before = None
            for row, stage in zip(rows, STAGE_COLUMNS, strict=True):
                visits = truth[stage]
                seconds = truth.get(f"seconds_{stage}")
                if seconds is None:
                    time = "–"
                elif seconds < 90:
                    time = f"{shown(seconds, 'count')} s"
                else:
                    time = f"{seconds / 60:.1f} min"
                assert row[1:5] == [
                    shown(visits, "count"),
                    shown(ratio(visits, before), "share"),
                    shown(ratio(visits, truth["sessions"]), "share"),
                    money(ratio(truth["spend_usd"], visits), asked),
                ]
                assert row[5] == time or abs(float(row[5].split()[0]) - seconds / 60) <= 0.051
                before = visits


def test_cohorts_equal_their_sql(shop_pages, page):
    snapshots, folder = shop_pages
    figures = {"retention": "active_customers", "repeat": "repeat_customers",
               "revenue": "cumulative_revenue_usd", "margin": "cumulative_margin_usd"}  # fmt: skip
    with opened(snapshots) as snapshot:
        for _first, _last, asked in choices(snapshot, 2, cohort_shows=list(figures)):
            go(page, folder, "customers.html", asked)
            shows = asked["cohort_shows"]
            column, is_share = figures[shows], shows in ("retention", "repeat")
            rows = table(page, "cohorts")
            months = snapshot.rows("select distinct cohort_month from cohort_months order by 1")
            assert len(rows) == len(months)
            for row, month in zip(rows, months, strict=True):
                cells = snapshot.rows(
                    f"select month_number, is_complete, customers, {column} as figure"
                    " from cohort_months where cohort_month = $month order by 1",
                    month=month["cohort_month"],
                )
                assert row[0] == f"{month['cohort_month']:%b %Y}"
                assert row[1] == shown(cells[0]["customers"], "count")
                told = [text for text in row[4:] if text]
                expected = []
                for cell in cells[1:] if shows == "retention" else cells:
                    mark = "" if cell["is_complete"] else "*"
                    each = ratio(cell["figure"], cell["customers"])
                    if each is None:
                        expected.append("under 10")
                    elif is_share:
                        expected.append(f"{shown(each * 100, 'count')} %{mark}")
                    else:
                        each /= RATE if asked["currency"] == "EUR" else 1
                        expected.append(shown(each, "count") + mark if each >= 10 else "")
                assert len(told) == len(expected)
                pairs = zip(expected, told, strict=True)
                assert all(not one or one == other for one, other in pairs)


def test_costs_and_expected_value_of_customers_equal_their_sql(shop_pages, page):
    snapshots, folder = shop_pages
    with opened(snapshots) as snapshot:
        names = {row["channel"]: row["channel_name"] for row in snapshot.rows("from dim_channels")}
        names |= {"other": "Other, merged", "unknown": "Unknown", "direct": "Direct",
                  "referral": "Referral"}  # fmt: skip
        for first, last, asked in choices(snapshot, 3):
            go(page, folder, "customers.html", asked)
            months = "cohort_month between date_trunc('month', cast($first as date)) and $last"
            truth = snapshot.rows(
                "select channel, sum(customers) as customers, sum(spend_usd) as spend_usd,"
                " sum(spend_usd) filter (customers is not null) / nullif(sum(customers), 0)"
                f" as cost, sum(margin_usd) as margin_usd from acquisition_channels where {months}"
                " group by channel",
                first=first,
                last=last,
            )
            rows = {row[0]: row for row in table(page, "acquisition")}
            assert len(rows) == len(truth)
            for one in truth:
                row = rows[names[one["channel"]]]
                if one["customers"]:
                    assert row[1] == shown(one["customers"], "count")
                    assert row[4] == money(ratio(one["margin_usd"], one["customers"]), asked)
                assert row[2:4] == [money(one["spend_usd"], asked), money(one["cost"], asked)]
            value = snapshot.rows(
                "select channel, sum(customers) as customers, sum(expected_revenue_365d_usd) as all"
                f" from value_cells where {months} group by channel",
                first=first,
                last=last,
            )
            rows = {row[0]: row for row in table(page, "value")}
            for one in value:
                row = rows[names[one["channel"]]]
                assert row[1] == shown(one["customers"], "count")
                assert row[2] == money(ratio(one["all"], one["customers"]), asked)
                assert row[5] == money(one["all"], asked)


def test_mails_equal_their_sql(shop_pages, page):
    snapshots, folder = shop_pages
    with opened(snapshots) as snapshot:
        for first, last, asked in choices(snapshot, 4, mailer=["mailchimp", "klaviyo"]):
            go(page, folder, "email.html", asked)
            within = {"first": first, "last": last}
            truth = snapshot.rows(
                "select platform, count(*) as mails, sum(sent) as sent,"
                " sum(delivered) as delivered, sum(bounces) as bounces,"
                " sum(human_openers) as opened, sum(openers) as all_opened,"
                " sum(human_clickers) as clicked, sum(unsubscribes) as unsubscribes,"
                " sum(attributed_revenue_usd) as revenue_usd from email_campaigns"
                " where day_date between $first and $last group by platform",
                **within,
            )
            rows = {row[0]: row for row in table(page, "mail-platforms")}
            assert len(rows) == len(truth)
            for one in truth:
                row, arrived = rows[PLATFORMS[one["platform"]]], one["delivered"]
                assert row[1:5] == [
                    shown(one[name], "count") for name in ("mails", "sent", "delivered", "bounces")
                ]
                assert row[6] == shown(ratio(one["opened"], arrived), "share")
                assert row[7] == shown(ratio(one["all_opened"], arrived), "share")
                assert row[8] == shown(ratio(one["clicked"], arrived), "share")
                assert row[10] == shown(one["unsubscribes"], "count")
                assert row[12] == money(one["revenue_usd"], asked)
            opens = snapshot.rows(
                "select sum(human_opens) as people, sum(machine_opens) as machines"
                " from email_campaigns where day_date between $first and $last"
                " and platform = $mailer having count(*) > 0",
                mailer=asked["mailer"],
                **within,
            )
            steps = table(page, "opens")
            for place, name in ((2, "people"), (3, "machines")):
                assert sum(int(row[place].replace(",", "")) for row in steps) == sum(
                    row[name] for row in opens
                )


@pytest.mark.parametrize(
    ("days", "customers"), [(0, 0), (20, 3), (120, 60), (120, None)],
    ids=["first day", "three customers", "sixty", "nothing built"],
)  # fmt: skip
def test_pages_of_little_say_so_in_words(tmp_path, page, days, customers):
    _, folder = made(tmp_path, days=days, customers=customers, mails=12 if customers else 0)
    for name in ("customers.html", "email.html"):
        for width in (360, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            go(page, folder, name, {})
            text = page.locator("main").inner_text()
            assert not [word for word in BROKEN if word in text]
            assert page.evaluate("document.documentElement.scrollWidth") == width
    if customers is None:
        assert "not built" in text


def test_a_block_is_switched_by_keyboard_and_keeps_its_choice_in_the_address(shop_pages, page):
    go(page, shop_pages[1], "customers.html", {})
    page.get_by_role("button", name="Margin so far").focus()
    page.keyboard.press("Enter")
    assert page.url.endswith("?cohort_shows=margin")
    pressed = page.get_by_role("button", name="Margin so far")
    assert pressed.get_attribute("aria-pressed") == "true"
    assert pressed.evaluate("(button) => document.activeElement === button")
    page.reload()
    page.wait_for_selector("body[data-filled]")
    assert "Outlined" in page.locator("[data-block=cohorts] [data-note]").inner_text()


def test_every_block_gives_its_table_and_its_picture(shop_pages, browser):
    """A CSV has the rows and names of the table on the page, a PNG the size of the chart."""
    _, folder = shop_pages
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    page, tables, pictures = context.new_page(), 0, 0
    for path in sorted(folder.glob("*.html")):
        page.goto(path.as_uri())
        page.wait_for_selector("body[data-shown]")
        for block in page.query_selector_all("[data-block]:has([data-csv])"):
            block.scroll_into_view_if_needed()
            name = block.get_attribute("data-block")
            with page.expect_download() as given:
                block.query_selector("[data-csv]").click()
            assert given.value.suggested_filename == f"{name}.csv"
            text = Path(given.value.path()).read_text(encoding="utf-8-sig")
            head, *lines = csv.reader(io.StringIO(text, newline=""))
            shown_rows = table(page, name)
            heads = [one.text_content() for one in block.query_selector_all("thead th")]
            assert len(lines) == len(shown_rows) > 0, name
            assert set(map(len, lines)) == {len(head)}, name
            assert set(head) <= {*heads, *(f"{one} (USD)" for one in heads)}, name
            tables += 1
            if block.query_selector("[data-chart]:not([hidden])") is None:
                continue
            block.wait_for_selector("[data-chart] svg")
            with page.expect_download() as given:
                block.query_selector("[data-png]").click()
            assert given.value.suggested_filename == f"{name}.png"
            data = Path(given.value.path()).read_bytes()
            width, height = struct.unpack(">II", data[16:24])
            assert data.startswith(b"\x89PNG")
            assert width >= 400, name
            assert height >= 100, name
            # one colour alone would be hundreds
            assert len(data) > 5_000, name
            pictures += 1
    context.close()
    assert tables > 20
    assert pictures > 15
