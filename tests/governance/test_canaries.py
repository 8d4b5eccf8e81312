"""Ten thousand persons who can be recognised: where something of them is, and where nothing is."""

import json
import os
import time

import pytest
from canaries import (
    KEY,
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
from small_warehouse import Warehouse

from marketing_analytics.governance.traces.marks import Mark, Search, search_of
from marketing_analytics.governance.traces.places import files_in, scan

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
COUNT = int(os.environ.get("CANARIES", "10000"))
ERASED = range(100, 200)
# number 3 of ten refuses analytics anyway
REFUSED = [number for number in range(200, 300) if number % 10 != 3][:20]
SEGMENT = "potential_loyal"
PLATFORMS = ("meta", "google", "linkedin")


@pytest.fixture(scope="module")
def rows():
    return canary_rows(COUNT)


@pytest.fixture(scope="module")
def warehouse(rows, tmp_path_factory):
    """Return a warehouse that dbt built of canaries that ingestion loaded."""
    folder = tmp_path_factory.mktemp("canaries")
    feed(folder / "raw.duckdb", rows)
    made = Warehouse(folder, rows)
    built(made)
    return made


def built(warehouse):
    """Build everything, without the tests of the data."""
    done = warehouse.run_dbt("build", "--exclude-resource-type", "test", "unit_test")
    assert done.returncode == 0, done.stdout[-3000:]


def left_in(folder, numbers, without=()):
    return scan(files_in([folder], without), search_for(numbers), Search(())).left


def check_exports(warehouse):
    """Export a segment to every platform; return the canaries that are in the files.

    They are of the segment, and hold no plain mark.
    """
    members = in_segment(warehouse, SEGMENT, COUNT)
    exported = set(members)
    for platform in PLATFORMS:
        path = warehouse.folder / f"{SEGMENT}-{platform}.csv"
        given = (f"rfm:{SEGMENT}", "--to", platform, "--out", path, "--overwrite")
        done = export_audience(warehouse, *given)
        assert done.exit_code == 0, done.output
        print(f"{platform}: {done.output.strip()}".replace(str(warehouse.folder), ""))
        content = path.read_bytes()
        marks = list(search_for(range(COUNT)).found_in(content))
        assert all(mark.kind.endswith("encoded or hashed") for _, mark in marks)
        held = {line.split(",")[0] for line in content.decode().splitlines()[1:]}
        known = {hashed_email(number): number for number in members}
        assert held <= known.keys()
        exported &= {known[one] for one in held}
    return exported


def of_unknown_devices(rows, numbers):
    """Return the devices of canaries on which nobody logged in or ordered: nobody's."""
    named = {row[5] for row in rows["ga4.events"] if row[6] or row[16]}
    return {values_of(number)["device"] for number in numbers} - named


def test_nothing_outside_the_restricted_tables_and_nothing_at_all_after_an_erasure(rows, warehouse):
    folder = warehouse.folder
    restricted = folder / "raw_restricted.duckdb"
    # the platform's own number of a profile is the key of its raw rows
    left = left_in(folder, range(COUNT), [restricted])
    assert {one.kind for one in left} <= {"klaviyo profile"}
    assert all(one.place.startswith(str(folder / "raw.duckdb")) for one in left)
    assert {left.kind for left in left_in(restricted, range(COUNT))} >= {"email", "phone", "device"}

    exported = check_exports(warehouse)
    assert set(ERASED) & exported

    given = "\n".join(email(number) for number in ERASED)
    began = time.monotonic()
    done = privacy(
        "erase",
        "-",
        "--yes",
        "--json",
        "--raw-database",
        folder / "raw.duckdb",
        given_on_stdin=given,
    )
    seconds = time.monotonic() - began
    report = json.loads(done.stdout)
    print(f"erased 100 of 10,000 in {seconds:.1f} s: {sum(report['deleted'].values()):,} rows")
    print(report["scanned"])
    assert (done.exit_code, report["left"]) == (0, [])
    counts = {one["platform"]: one["erased_now"] for one in report["exports"]}
    assert counts == dict.fromkeys(PLATFORMS, len(set(ERASED) & exported))
    left = left_in(folder, ERASED)
    unknown = of_unknown_devices(rows, ERASED)
    print(f"devices that nobody is known to own: {len(unknown)}")
    assert {one.kind for one in left} <= (
        {"device", "device, encoded or hashed"} if unknown else set()
    )

    feed(folder / "raw.duckdb", rows)
    built(warehouse)
    assert {one.kind for one in left_in(folder, ERASED)} <= {"device", "device, encoded or hashed"}
    keys = [KEY.pseudonym("customer", values_of(number)["customer"]) for number in ERASED]
    listed = ", ".join(f"'{key}'" for key in keys)
    query = f"select count(*) from {{}} where customer_key in ({listed})"
    assert not set(ERASED) & check_exports(warehouse)
    for table in ("shop.customers", "shop.orders", "klaviyo.profiles", "ga4.events"):
        assert rows_of(folder / "raw.duckdb", query.format(table)) == [(0,)]
    assert rows_of(folder / "wh.duckdb", query.format("built.dim_customers")) == [(0,)]
    [(count,)] = rows_of(folder / "wh.duckdb", "select count(*) from built.dim_customers")
    assert count > 0.8 * COUNT


def test_who_refused_is_in_no_row_outside_raw_after_one_run(rows, warehouse):
    folder, refused = warehouse.folder, list(REFUSED)
    for number in refused:
        given = ("optout", email(number), "--purpose", "analytics")
        assert privacy(*given, "--raw-database", folder / "raw.duckdb").exit_code == 0
    # at once in what is exported, before any run
    assert set(in_segment(warehouse, SEGMENT, COUNT)) & set(refused)
    assert not set(refused) & check_exports(warehouse)
    built(warehouse)
    unknown = of_unknown_devices(rows, refused)
    print(f"refused: {len(refused)}, devices that nobody is known to own: {len(unknown)}")
    keys = {
        pseudonym
        for number in refused
        for kind, value in values_of(number).items()
        if value not in unknown and (pseudonym := KEY.pseudonym(kind, value))
    }
    search = search_of(Mark(key.encode(), "pseudonym") for key in keys)
    # what is kept of a refusal is that it was one
    left = scan([folder / "wh.duckdb"], Search(()), search).left
    assert {one.place for one in left if ".int_consent__" not in one.place} == set()
    assert left
