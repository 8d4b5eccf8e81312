"""Access, refusals, audit, a new key and retention, on raw tables that ingestion loaded."""

import json
import stat

import duckdb
import pytest
from canaries import KEY, SETTING, canary_rows, email, feed, privacy, rows_of, values_of

from marketing_analytics.governance import rotate as rotating
from marketing_analytics.ingest.engine.persons import Key

pytestmark = pytest.mark.slow
SOURCES = ("ga4", "klaviyo", "shop")
COUNT = 12
NEW = Key(2, b"the key after that of the tests")
NEW_SETTINGS = {
    "MARKETING_PSEUDONYM_KEY": f"2:{NEW.secret.decode()}",
    "MARKETING_PSEUDONYM_RETIRED_KEYS": SETTING,
}


@pytest.fixture
def raw(tmp_path):
    """Return raw tables, beside a warehouse with a table of persons and one of none."""
    path = feed(tmp_path / "raw.duckdb", canary_rows(COUNT), SOURCES)
    with duckdb.connect(str(tmp_path / "wh.duckdb")) as connection:
        connection.execute(f"attach '{path}' as raw (read_only)")
        connection.execute("create table dim_customers as from raw.shop.customers")
        connection.execute("create table days as select 1 as day")
    return path


def test_an_export_holds_every_row_of_a_person_and_of_nobody_else(raw, tmp_path):
    given = ("export", email(7), "--raw-database", raw, "--out", tmp_path / "seven.json")
    done = privacy(*given)
    assert done.exit_code == 0, done.output
    assert stat.S_IMODE((tmp_path / "seven.json").stat().st_mode) == 0o600
    text = (tmp_path / "seven.json").read_text()
    rows = {table["table"]: table["rows"] for table in json.loads(text)["tables"]}
    assert len(rows["shop.customers"]) == len(rows["klaviyo.profiles"]) == 1
    assert len(rows["klaviyo.events"]) == 1
    own = values_of(7)
    for kind in ("email", "customer", "phone", "first_name", "last_name"):
        assert own[kind] in text
    key = KEY.pseudonym("customer", own["customer"])
    query = f"select count(*) from shop.orders where customer_key = '{key}'"
    assert rows_of(raw, query) == [(len(rows["shop.orders"]),)]
    assert not any(values_of(number)["customer"] in text for number in range(COUNT) if number != 7)


def test_a_refusal_is_kept_under_all_pseudonyms(raw):
    done = privacy("optout", email(7), "--purpose", "analytics", "--raw-database", raw)
    assert done.exit_code == 0, done.output
    key = KEY.pseudonym("customer", values_of(7)["customer"])
    kept = rows_of(raw, "select pseudonym, purpose, is_granted from _ingest.consents")
    assert (key, "analytics", False) in kept
    assert (
        privacy("optout", "x@y.org", "--purpose", "analytics", "--raw-database", raw).exit_code == 2
    )
    assert privacy("optout", email(7), "--purpose", "fun", "--raw-database", raw).exit_code == 2


JOINS = """
    select customers.country, count(distinct customers.customer_key), sum(orders.total_cents),
        count(distinct profiles.profile_id), count(distinct events.device_key)
    from shop.customers as customers
    left join shop.orders as orders using (customer_key)
    left join klaviyo.profiles as profiles using (email_key)
    left join ga4.events as events on events.customer_key = customers.customer_key
    group by 1
"""


@pytest.mark.parametrize("step", [None, "mapping", "drop_with", "rewrite_files"])
def test_a_new_key_keeps_the_joins_and_a_killed_call_is_finished(raw, monkeypatch, step):
    before = rows_of(raw, JOINS)
    given = ("keys", "rotate", "--raw-database", raw)
    if step:
        whole = getattr(rotating, step)

        def killed(*arguments):
            whole(*arguments)
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(rotating, step, killed)
            privacy(*given, **NEW_SETTINGS)
    done = privacy(*given, **NEW_SETTINGS)
    assert done.exit_code == 0, done.output
    assert rows_of(raw, JOINS) == before
    built = "select table_name from duckdb_tables() where database_name = 'wh'"
    assert rows_of(raw.with_name("wh.duckdb"), built) == [("days",)]
    assert NEW.secret.decode() not in done.output
    for database in (raw, raw.with_name("raw_restricted.duckdb")):
        content = database.read_bytes()
        assert KEY.pseudonym("customer", values_of(7)["customer"]).encode() not in content
    only_new = NEW_SETTINGS | {"MARKETING_PSEUDONYM_RETIRED_KEYS": ""}
    assert privacy("export", email(7), "--raw-database", raw, **only_new).exit_code == 0
    assert privacy("export", email(7), "--raw-database", raw).exit_code == 2


def test_a_key_that_is_not_given_changes_nothing(raw):
    strange = NEW_SETTINGS | {"MARKETING_PSEUDONYM_RETIRED_KEYS": "1:" + "y" * 20}
    done = privacy("keys", "rotate", "--raw-database", raw, **strange)
    assert done.exit_code == 2
    assert "its secret is not given" in done.stderr
    assert privacy("export", email(7), "--raw-database", raw).exit_code == 0


def test_erased_persons_stay_away_under_a_new_key_too(raw):
    assert privacy("erase", email(7), "--yes", "--raw-database", raw).exit_code == 0
    done = privacy("keys", "rotate", "--raw-database", raw, **NEW_SETTINGS)
    assert "persons were erased under the old key" in done.output.replace("\n", " ")


def test_the_audit_tells_of_plain_addresses_and_retention_deletes(raw, tmp_path, repository):
    project = tmp_path / "project"
    (project / "models").mkdir(parents=True)
    (project / "dbt_project.yml").write_text("name: p\n")
    (project / "models" / "s.yml").write_text(
        "sources: [{name: ga4, tables: [{name: events, config: {meta: {retention: "
        "{days: 30, by: event_date}}}, columns: [{name: device_key}, "
        "{name: customer_key, config: {meta: {personal: {kind: customer}}}}]}]}]\n"
    )
    given = ("--raw-database", raw, "--project", project, "--json")
    now = {"MARKETING_NOW": "2026-11-09T06:00:00Z"}
    found = privacy("audit", *given, **now)
    assert found.exit_code == 1, found.output
    document = json.loads(found.stdout)
    assert document["addresses"] == {}
    assert document["untagged"] == ["ga4.events.device_key (s.yml)"]
    assert document["persons"]["shop.customers.customer_key"] == COUNT
    (overdue,) = document["overdue"]
    kept = rows_of(raw, "select count(*) from ga4.events where event_date >= date '2026-10-10'")
    assert privacy("retain", *given, "--dry-run", **now).exit_code == 0
    done = privacy("retain", *given, "--yes", **now)
    assert json.loads(done.stdout)["deleted"][0]["rows"] == overdue["rows"] > 0
    assert rows_of(raw, "select count(*) from ga4.events") == kept
