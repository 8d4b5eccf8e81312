"""A team that reports in another currency sees it everywhere, whatever the columns are called."""

from __future__ import annotations

import json
import re
import shutil
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from benchmarks.small_marts import write_marts
from marketing_analytics.report import mail
from marketing_analytics.report.build import build
from marketing_analytics.report.data.overview import currencies
from marketing_analytics.report.numbers.definitions import METRICS, Filters, value_of
from marketing_analytics.report.numbers.words import DECIMALS, money, shown
from marketing_analytics.report.snapshots.publish import current, publish
from marketing_analytics.report.snapshots.snapshot import opened
from marketing_analytics.warehouse.marts import Marts

STATIC = Path(mail.__file__).parent / "pages" / "static"
DOLLARS = re.compile(r"[\d–]\s*USD|\$\d|\bdollars?\b|Amounts are in USD")
TABLE = re.compile(r"DECIMALS = \{(.*?)\}", re.DOTALL)


def made(folder: Path, currency: str) -> tuple[Path, Path]:
    """Return snapshots and pages of a shop that reports in a currency."""
    path = write_marts(folder / "marts.duckdb", days=70, currency=currency)
    publish(Marts(str(path)), folder / "snapshots")
    build(folder / "snapshots", folder / "pages")
    return folder / "snapshots", folder / "pages"


@pytest.fixture(scope="module", params=["EUR", "JPY"])
def abroad(request, tmp_path_factory):
    return request.param, *made(tmp_path_factory.mktemp("abroad"), request.param)


def tile(text: str, name: str) -> str:
    """Return the value of a tile as a reader without scripts sees it."""
    found = text.partition(f'data-tile="{name}"')[2].partition("data-value>")[2]
    return re.sub(r"<[^>]*>", "", found.partition("</p>")[0])


def test_no_page_calls_the_amounts_dollars(abroad):
    currency, snapshots, pages = abroad
    with opened(snapshots) as snapshot:
        last = snapshot.last_day
        spend = value_of(snapshot.connection, METRICS[0], Filters(last - timedelta(days=27), last))
    text = (pages / "index.html").read_text()
    assert tile(text, "spend_usd") == money(spend, currency)
    assert f'name="currency"><option>{currency}</option>' in text
    assert f'name="currency"><option>{currency}</option>' in (pages / "budget.html").read_text()
    assert f"Amounts are in {currency}, also" in (pages / "definitions.html").read_text()
    for path in sorted(pages.glob("*.html")):
        assert not DOLLARS.search(path.read_text()), path.name


def test_the_mail_names_the_currency(abroad):
    currency, snapshots, _ = abroad
    message = mail.rendered(snapshots, "https://reports.example.com/")
    assert f" {currency}" in message["Subject"]
    for kind in ("plain", "html"):
        text = message.get_body((kind,)).get_content().replace("&nbsp;", " ")
        assert re.search(rf"\d\s{currency}", text)
        assert not DOLLARS.search(text)


def test_amounts_are_switched_over_the_dollar(abroad):
    currency, _, pages = abroad
    (file,) = (pages / "builds").glob("*/overview.js")
    data = json.loads(file.read_text().partition(",")[2].rstrip().removesuffix(")"))
    own, *others = data["currencies"]
    assert own == {"code": currency, "per_unit": 1}
    per_unit = {one["code"]: one["per_unit"] for one in others}
    rates = {"USD": 1, "EUR": 1.08, "JPY": 0.0067, "KWD": 3.25}
    assert per_unit == pytest.approx(
        {code: rate / rates[currency] for code, rate in rates.items() if code != currency}
    )
    # 108 dollars are 100 euros, whichever of the two is reported
    if currency == "EUR":
        assert 100 / per_unit["USD"] == pytest.approx(108)


def test_without_a_rate_of_its_own_there_is_nothing_to_switch_to(abroad, tmp_path):
    currency, snapshots, _ = abroad
    change(snapshots, tmp_path, f"delete from currency_rates where currency = '{currency}'")
    with opened(tmp_path) as snapshot:
        assert currencies(snapshot) == [{"code": currency, "per_unit": 1}]


def test_amounts_of_a_snapshot_that_tells_no_currency_are_dollars(abroad, tmp_path):
    _, snapshots, _ = abroad
    change(snapshots, tmp_path, "alter table int_calendar__as_of drop reporting_currency")
    build(tmp_path, tmp_path / "pages")
    assert tile((tmp_path / "pages" / "index.html").read_text(), "spend_usd").endswith(" USD")


def change(snapshots: Path, folder: Path, statement: str) -> None:
    """Copy the current snapshot into a folder and change it."""
    about = current(snapshots)
    for name in ("current.json", about["file"]):
        shutil.copy(snapshots / name, folder / name)
    with duckdb.connect(str(folder / about["file"])) as connection:
        connection.execute(statement)


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        (55.5, "JPY", "56 JPY"), (0.4, "KRW", "0 KRW"), (12.3456, "KWD", "12.346 KWD"),
        (1234.5, "KWD", "1,235 KWD"), (12.345, "EUR", "12.35 EUR"), (None, "EUR", "–"),
    ],
)  # fmt: skip
def test_amounts_have_the_decimals_of_their_currency(amount, currency, words):
    assert money(amount, currency) == words


def test_pages_and_scripts_know_the_same_decimals():
    (table,) = TABLE.findall((STATIC / "words.js").read_text())
    assert {code: int(places) for code, places in re.findall(r"(\w+): (\d)", table)} == DECIMALS


def test_no_amount_is_shown_without_its_currency():
    with pytest.raises(ValueError, match="of a currency"):
        shown(1, "usd")
    for path in STATIC.glob("*.js"):
        if path.name != "echarts.js":
            assert not re.search(r'shown\([^`;]*?"usd"\)', path.read_text()), path.name
