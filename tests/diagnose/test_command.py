"""The command: what it shows, its exit codes, what it cannot see, and every line it advises."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click
import duckdb
import pytest
import sqlglot
from click.testing import CliRunner

from marketing_analytics.cli import GROUPS, main
from marketing_analytics.diagnose.chains import attribution, consent, freshness, ltv, roi
from marketing_analytics.diagnose.walk import QUERIES
from marketing_analytics.warehouse.marts import Marts
from tests.diagnose.conftest import build

ROOT = Path(__file__).resolve().parents[2]
RUNBOOKS = ROOT / "docs" / "runbooks"
LINKS = [link for chain in (attribution, consent, freshness, ltv, roi) for link in chain.CHAIN]
DIAGNOSES = ("attribution", "consent", "freshness", "ltv", "roi")
# of the monitors: docs/runbooks/<name>.md
MONITORS = (
    "attribution-drift", "campaign-freshness", "ltv-accuracy", "dashboard-sla", "reconciliation",
    "spend-reconciliation", "volume", "schema", "consent-rate", "unmapped-channels", "budget",
    "job-runs",
)  # fmt: skip
HEADINGS = ["## What it means", "## See it", "## Mend it", "## Check that it is mended"]
# rooms that other pages speak of before they are there
LATER = {"monitor", "report"} - set(GROUPS)


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute(f"attach '{folder / 'raw.duckdb'}' as raw")
        build(connection)
    return folder


def diagnose(files, *words, now="2026-11-01T08:00:00Z", raw=True):
    given = ["--warehouse", str(files / "warehouse.duckdb"), "--schema", "marts"]
    given += ["--raw-database", str(files / "raw.duckdb")] if raw else []
    settings = {"MARKETING_NOW": now, "MARKETING_RAW_DATABASE": None}
    return CliRunner().invoke(main, ["diagnose", *words, *given], env=settings)


def test_a_chain_that_holds_ends_with_0(files):
    answer = diagnose(files, "roi")
    assert answer.exit_code == 0
    assert answer.output.rstrip().endswith("roi: 13 of 13 links hold")


def test_the_first_broken_link_is_explained_and_ends_with_1(files):
    answer = diagnose(files, "freshness", now="2026-11-05T08:00:00Z")
    assert answer.exit_code == 1
    assert "First broken link: sync" in answer.output
    assert "not read for 36 hours: ga4 (since 2026-11-01 06:00)" in answer.output
    assert "from stg_ingest__loads" in answer.output
    assert "Runbook: docs/runbooks/freshness.md" in answer.output


def test_programs_get_every_link_with_its_query_and_rows(files):
    answer = diagnose(files, "freshness", "--json", now="2026-11-05T08:00:00Z")
    document = json.loads(answer.output)
    assert document["schema_version"] == 1
    assert document["first_broken"] == "sync"
    assert [link["link"] for link in document["links"]] == [x.name for x in freshness.CHAIN]
    assert {"source": "ga4", "status": "ok"}.items() <= document["links"][1]["rows"][0].items()


def test_without_the_raw_database_its_links_are_unknown_and_say_so(files):
    links = json.loads(diagnose(files, "roi", "--json", raw=False).output)["links"]
    unknown = {link["link"]: link["sentence"] for link in links if link["status"] == "unknown"}
    assert unknown == {"completeness": "the raw database was not given: pass --raw-database"}


def test_a_table_that_is_not_there_is_named(small):
    small.change("drop table rpt_lifetime_value_fits; drop table int_value__parameters")
    found = small.walk("ltv")
    assert found["fit"].status == "unknown"
    assert found["fit"].sentence == "rpt_lifetime_value_fits is not there: it was not built"
    assert found["scores"].status == "ok"


def test_no_export_of_audiences_is_no_fault(small):
    small.change("drop table raw._ingest.audience_exports")
    assert small.walk("consent")["audiences"].sentence == "no audience was ever exported"


def test_a_warehouse_that_is_not_there_is_refused(tmp_path):
    answer = diagnose(tmp_path, "roi")
    # 1 would say that a link is broken
    assert answer.exit_code == 2
    assert "there is no DuckDB file at" in answer.output
    answer = CliRunner().invoke(main, ["diagnose", "roi"], env={"MARKETING_WAREHOUSE": ""})
    assert answer.exit_code == 2
    assert "MARKETING_WAREHOUSE" in answer.output


@pytest.mark.parametrize("path", sorted(QUERIES.rglob("*.sql")), ids=lambda path: path.stem)
def test_the_queries_are_sql_of_both_engines_and_belong_to_a_link(path):
    assert path.relative_to(QUERIES).with_suffix("").as_posix() in {link.query for link in LINKS}
    for dialect in ("duckdb", "postgres"):
        assert sqlglot.parse_one(path.read_text(), read=dialect)


def pages():
    return sorted(page for page in RUNBOOKS.glob("*.md") if page.stem != "README")


def test_there_is_a_page_for_each_diagnosis_and_monitor():
    assert {page.stem for page in pages()} == {*DIAGNOSES, *MONITORS}
    assert {link.runbook for link in LINKS} <= {f"docs/runbooks/{p.name}" for p in pages()}


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
def test_a_page_says_what_it_means_how_to_see_mend_and_check_it(page):
    text = page.read_text()
    assert [line for line in text.splitlines() if line.startswith("## ")] == HEADINGS
    for heading in ("See it", "Check that it is mended"):
        part = text.split(f"## {heading}\n")[1].split("\n## ")[0]
        assert "marketing " in part, heading


COMMAND = re.compile(r"^marketing ([^#\n]+)", re.MULTILINE)
INLINE = re.compile(r"`marketing ([^`]+)`")
# words that stand for a value
VALUES = {
    "DATE": "2026-10-31", "NAME": "google_ads", "RUN": "12", "KEY": "campaign-performance",
    "AUDIENCE": "rfm:champions", "PLATFORM": "meta", "FILE": "file.csv", "PERSON": "c1",
}  # fmt: skip


def lines():
    """Return every command line of the pages and of what the links advise."""
    for page in [*pages(), RUNBOOKS / "README.md"]:
        text = page.read_text().replace("\\\n", " ")
        for words in [*COMMAND.findall(text), *INLINE.findall(text)]:
            yield page.stem, words.strip()
    for link in LINKS:
        for words in INLINE.findall(link.action):
            yield f"link {link.name}", words.strip()


@pytest.mark.parametrize(("where", "words"), sorted(set(lines())))
def test_every_command_of_the_pages_parses(where, words):
    arguments = [VALUES.get(word, word) for word in words.split()]
    if arguments[0] in LATER:
        pytest.skip(f"`marketing {arguments[0]}` is not there yet")
    command, context = main, click.Context(main, info_name="marketing")
    while isinstance(command, click.Group):
        name, found, arguments = command.resolve_command(context, arguments)
        assert found is not None
        command, context = found, click.Context(found, parent=context, info_name=name)
    command.parse_args(context, list(arguments))


@pytest.mark.slow
def test_the_chains_hold_on_postgresql_too(files, monkeypatch):
    from tests.diagnose.conftest import Small
    from tests.diagnose.on_postgresql import copied_to
    from tests.ingest.database_servers import postgresql

    monkeypatch.setenv("MARKETING_NOW", "2026-11-01T08:00:00Z")
    with postgresql() as url:
        copied_to(files, url)
        marts = Marts(url, "marts")
        with marts.reading() as connection:
            for chain in DIAGNOSES:
                found = Small(connection).walk(chain, marts)
                assert {n: x.sentence for n, x in found.items() if x.status != "ok"} == {}


@pytest.mark.parametrize("chain", DIAGNOSES)
def test_the_page_of_a_diagnosis_says_how_each_link_is_mended(chain):
    links = {"attribution": attribution, "consent": consent, "freshness": freshness}
    module = {**links, "ltv": ltv, "roi": roi}[chain]
    table = (RUNBOOKS / f"{chain}.md").read_text().split("## Mend it")[1]
    rows = ", ".join(re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)).split(", ")
    assert [row for row in rows if row not in ("link", "---")] == [x.name for x in module.CHAIN]


@pytest.mark.parametrize(
    "change",
    ["delete from int_calendar__as_of", "update int_calendar__as_of set as_of_date = null"],
)
def test_before_the_first_order_nothing_is_said_of_the_marts_but_what_to_run(small, change):
    small.change(change)
    for chain in ("attribution", "roi", "ltv", "consent"):
        found = small.walk(chain)
        assert [name for name, one in found.items() if one.status == "broken"] == []
        said = {one.sentence for one in found.values() if one.status == "unknown"}
        assert said == {"no data yet: `marketing ingest run`, then build the marts with dbt"}
        assert all("raw." in one.link.tables or "stg_ingest__" in one.link.tables
                   for one in found.values() if one.status == "ok")  # fmt: skip
    small.change("delete from int_calendar__as_of; delete from fct_conversions")
    small.change("delete from fct_customer_lifetime_value; delete from rpt_executive_kpis")
    small.change("delete from rpt_budget_pacing")
    assert small.walk("freshness")["marts"].sentence == ("no mart has a day: there are no data yet")
