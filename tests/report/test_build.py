"""Pages are whole, name only files of theirs, and stay up when a build fails."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path

import duckdb
import pytest

from benchmarks.small_marts import write_marts
from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import MachineError, UserError
from marketing_analytics.report import build as building
from marketing_analytics.report.build import KEPT_BUILDS, build
from marketing_analytics.report.mail import mail_command
from marketing_analytics.report.pages.contents import PAGES
from marketing_analytics.report.pages.notes import noted
from marketing_analytics.report.pages.rendering import Links, attained
from marketing_analytics.report.snapshots.publish import publish
from marketing_analytics.warehouse.marts import Marts

ADDRESS = re.compile(r'(?:src|href)="((?:static|builds)/[^"]+)"')


def test_the_pages_name_only_files_that_are_listed_with_what_they_hold(shop):
    about = json.loads((shop.pages / "report.json").read_text())
    for name, file in about["files"].items():
        data = (shop.pages / name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == file["sha256"]
    for page in PAGES:
        named = set(ADDRESS.findall((shop.pages / page.file).read_text()))
        assert named
        assert named <= set(about["files"])


def test_the_overview_says_its_figures_without_scripts(shop):
    text = (shop.pages / "index.html").read_text()
    assert "Attributed revenue of paid channels" in text
    assert text.count('class="value"') == 8
    assert not re.search(r"<script(?! src)| on[a-z]+=|style=", text)


def test_a_build_that_fails_leaves_the_pages_up_with_a_note(shop, tmp_path, monkeypatch):
    pages = tmp_path / "pages"
    shutil.copytree(shop.pages, pages)
    before = (pages / "index.html").read_text()

    def fail(*_):
        raise MachineError("no <space> left")

    monkeypatch.setattr(building, "prepared", fail)
    with pytest.raises(MachineError):
        build(shop.snapshots, pages)
    text = (pages / "index.html").read_text()
    assert "Not the newest figures" in text
    assert "no &lt;space&gt; left" in text
    monkeypatch.undo()
    build(shop.snapshots, pages)
    assert "Not the newest figures" not in (pages / "index.html").read_text()
    assert "Not the newest figures" not in before


def test_a_place_that_takes_no_pages_is_told_with_what_to_do(shop, tmp_path):
    file = tmp_path / "file"
    file.touch()
    for place in (file / "x", Path("/proc/x")):
        with pytest.raises(MachineError, match=f"cannot write {place}") as raised:
            build(shop.snapshots, place)
        assert "give another place" in raised.value.hint
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "builds").touch()
    with pytest.raises(MachineError, match=r"cannot write .*/builds/.*: Not a directory"):
        build(shop.snapshots, tmp_path / "out")


def test_a_note_that_cannot_be_written_hides_no_error(tmp_path):
    (tmp_path / "index.html").mkdir()
    with pytest.raises(MachineError, match="the reason"), noted(tmp_path):
        raise MachineError("the reason")


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "JavaScript:alert(1)", "java\tscript:alert(1)", " javascript:alert(1)",
     "data:text/html,x", "mailto:a@b.de"],
)  # fmt: skip
def test_a_link_that_is_no_page_is_refused(address):
    for wrong in ({"docs_url": address}, {"home_url": address}):
        with pytest.raises(UserError, match="is no address of a page"):
            Links(**wrong)
    with pytest.raises(UserError, match="--report-url"):
        mail_command(Console(), Path(), (), "", address, None)


def test_links_of_the_web_and_beside_the_pages_are_taken():
    for address in ("", "/", "../docs/", "docs/a:b", "https://example.com/docs/", "HTTP://h/"):
        assert Links(docs_url=address).docs_url == address


def test_a_share_of_a_plan_has_a_real_minus_and_separators():
    assert attained(-6189.07, 1) == ", −618,907 % of it"
    assert attained(1, 3) == ", 33 % of it"
    assert attained(None, 3) == ""


def test_the_data_of_old_builds_go_and_those_of_the_last_stay(shop, tmp_path):
    old = [f"20200101T00000{number}-old" for number in range(KEPT_BUILDS + 1)]
    for name in old:
        (tmp_path / "builds" / name).mkdir(parents=True)
    newest = build(shop.snapshots, tmp_path)["build_id"]
    left = {path.name for path in (tmp_path / "builds").iterdir()}
    assert left == {newest, *old[-(KEPT_BUILDS - 1) :]}


def test_marts_that_no_job_has_built_yet_leave_their_numbers_unknown(tmp_path):
    path = write_marts(tmp_path / "shop.duckdb", days=40)
    connection = duckdb.connect(str(path))
    for table in ("rpt_lifetime_value", "rpt_executive_kpis", "int_calendar__as_of"):
        connection.execute(f"drop table marts.{table}")
    connection.execute("drop table marts.int_calendar__exchange_rates")
    connection.close()
    publish(Marts(str(path)), tmp_path / "snapshots")
    about = build(tmp_path / "snapshots", tmp_path / "pages")
    assert {"rpt_lifetime_value", "currency_rates"} <= set(about["missing"])
    tile = (tmp_path / "pages" / "index.html").read_text().partition('data-tile="ltv_to_cac"')[2]
    assert tile.partition("data-value>")[2].startswith("–<")


@pytest.mark.parametrize("days", [0, 1, 3])
def test_the_first_days_of_a_shop_have_pages_too(tmp_path, days):
    marts = Marts(str(write_marts(tmp_path / "marts.duckdb", days=days)))
    publish(marts, tmp_path / "snapshots")
    build(tmp_path / "snapshots", tmp_path / "pages")
    text = (tmp_path / "pages" / "index.html").read_text()
    assert not re.search(r"\b(nan|inf|None|undefined)\b", text)
    # nobody is told of days before the first one
    assert ("with no days before to compare with" in text) == (days > 0)
    assert "against the" not in text
