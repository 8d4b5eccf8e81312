"""Audiences of marked persons, from the marts that dbt built to the files that platforms take."""

import csv
import hashlib
import json
import stat

import pytest
from canaries import (
    canary_rows,
    email,
    export_audience,
    feed,
    hashed_email,
    in_segment,
    privacy,
    rows_of,
    search_for,
    values_of,
)
from small_warehouse import PROJECT, Warehouse

from marketing_analytics.audiences import export as exporting
from marketing_analytics.audiences.identifiers import sha256

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
COUNT = 900
AUDIENCE = "rfm:potential_loyal"
BUILT = ("fct_customer_rfm", "int_behaviour__members")


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audiences")
    rows = canary_rows(COUNT)
    feed(folder / "raw.duckdb", rows)
    made = Warehouse(folder, rows)
    models = [f"+{name}" for name in BUILT]
    done = made.run_dbt(
        "build", "--select", *models, "--exclude-resource-type", "test", "unit_test"
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return made


def refuse(warehouse, number, purpose):
    given = ("optout", email(number), "--purpose", purpose)
    done = privacy(*given, "--raw-database", warehouse.folder / "raw.duckdb")
    assert done.exit_code == 0, done.output


def test_an_audience_holds_who_may_be_exported_now_and_says_so(warehouse, tmp_path):
    numbers = in_segment(warehouse, AUDIENCE.partition(":")[2], COUNT)
    assert len(numbers) > 103
    # refusals and an erasure after the last build
    for number, purpose in zip(numbers, ("marketing", "profiling", "analytics"), strict=False):
        refuse(warehouse, number, purpose)
    raw = warehouse.folder / "raw.duckdb"
    built = warehouse.folder / "wh.duckdb"
    kept = built.read_bytes()
    erased = privacy("erase", email(numbers[3]), "--yes", "--raw-database", raw)
    assert erased.exit_code == 0, erased.output
    # a warehouse that the erasure did not reach
    built.write_bytes(kept)

    out = tmp_path / "out.csv"
    done = export_audience(warehouse, AUDIENCE, "--to", "meta", "--out", out, "--json")
    assert done.exit_code == 0, done.output
    receipt = json.loads(done.stdout)
    permitted = numbers[4:]
    assert receipt["person_count"] == len(permitted)
    assert receipt["left_out"] == {"erased": 1, "refuses marketing": 1, "refuses profiling": 2}
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert not list(tmp_path.glob("*.new"))
    content = out.read_bytes()
    assert receipt["file_sha256"] == hashlib.sha256(content).hexdigest()
    header, *rows = csv.reader(content.decode().splitlines())
    assert header == ["email", "phone", "fn", "ln", "country"]
    own = values_of(permitted[0])
    phone = "".join(one for one in own["phone"] if one.isdecimal())
    expected = (own["email"].lower(), phone, own["first_name"], own["last_name"])
    assert [*(sha256(text.lower()) for text in expected), sha256("de")] in rows
    assert {row[0] for row in rows} == {hashed_email(number) for number in permitted}
    found = {mark.kind for _, mark in search_for(range(COUNT)).found_in(content)}
    assert all(kind.endswith("encoded or hashed") for kind in found)
    assert not list(search_for(numbers[:4]).found_in(content))

    again = export_audience(warehouse, AUDIENCE, "--to", "google", "--out", out)
    assert (again.exit_code, out.read_bytes()) == (2, content)
    assert "is there already" in again.output
    other = export_audience(warehouse, AUDIENCE, "--to", "google", "--out", out, "--overwrite")
    assert other.exit_code == 0, other.output
    assert out.read_text().startswith("Email,Phone\n")

    # the receipts: who refuses later is told of; who is erased too, and is no longer in them
    refused = privacy(
        "optout", email(permitted[1]), "--purpose", "marketing", "--raw-database", raw
    )
    assert refused.output.count("HANDED ON") == 2
    audit = privacy("audit", "--raw-database", raw, "--project", PROJECT, "--json")
    assert [one["platform"] for one in json.loads(audit.stdout)["exports"]] == ["meta", "google"]
    given = ("erase", email(permitted[0]), "--yes", "--json", "--raw-database", raw)
    report = json.loads(privacy(*given).stdout)
    assert report["left"] == []
    assert [one["erased_now"] for one in report["exports"]] == [1, 1]
    query = (
        "select platform, erased_count, person_count from _ingest.audience_exports order by 2, 1"
    )
    assert rows_of(raw, query) == [
        ("google", 1, len(permitted)),
        ("meta", 1, len(permitted)),
    ]
    members = "select count(distinct customer_key) from _ingest.audience_members"
    assert rows_of(raw, members) == [(len(permitted) - 1,)]


def test_what_may_not_be_written_leaves_nothing_behind(warehouse, tmp_path, monkeypatch):
    raw = warehouse.folder / "raw.duckdb"
    out = tmp_path / "out.csv"
    before = rows_of(raw, "select count(*) from _ingest.audience_exports")
    small = export_audience(warehouse, AUDIENCE, "--to", "meta", "--out", out, "--minimum", COUNT)
    assert small.exit_code == 2
    assert "needs 900" in small.output
    nobody = export_audience(warehouse, "rfm:champion", "--to", "meta", "--out", out)
    assert nobody.exit_code == 2
    assert "potential_loyal" in nobody.output
    folder = tmp_path / "none" / "out.csv"
    assert export_audience(warehouse, AUDIENCE, "--to", "meta", "--out", folder).exit_code == 1
    with monkeypatch.context() as patched:
        patched.setattr(exporting, "write", broken)
        assert export_audience(warehouse, AUDIENCE, "--to", "meta", "--out", out).exit_code != 0
    assert list(tmp_path.iterdir()) == []
    assert rows_of(raw, "select count(*) from _ingest.audience_exports") == before


def broken(*_arguments):
    raise OSError


def test_a_behavioural_cohort_is_exported_without_devices_of_nobody(warehouse, tmp_path):
    out = tmp_path / "out.csv"
    done = export_audience(warehouse, "behaviour:put into the cart", "--to", "google", "--out", out)
    assert done.exit_code == 0, done.output
    assert "left out, no customer" in done.output
