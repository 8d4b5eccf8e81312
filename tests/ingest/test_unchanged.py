"""What is stored as it is needs no load: only that it was seen again is noted."""

from datetime import UTC, date, datetime, timedelta

import duckdb
import pytest

from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.tables import REJECTED, Table
from marketing_analytics.ingest.raw.database import RawDatabase
from marketing_analytics.ingest.raw.declared import declare
from marketing_analytics.ingest.raw.places import DuckDBFile
from marketing_analytics.ingest.raw.state import stored_document

from .commands import read
from .source_kit import slow

NAMES = Table(
    "names", {"id": "text", "name": "text", "seen_at": "time"}, key=("id",), mode="replace"
)
PEOPLE = Table("people", {"shop": "text", "id": "count", "paid": "money"}, key=("shop", "id"))
DAYS = Table(
    "days",
    {"account_id": "text", "date": "date", "ad": "text", "spend": "money"},
    key=("account_id", "date", "ad"),
    mode="parts",
    part_by=("account_id", "date"),
)
TABLES = (NAMES, PEOPLE, DAYS)
FIRST = datetime(2026, 6, 1, tzinfo=UTC)
MONDAY, TUESDAY = date(2026, 5, 4), date(2026, 5, 5)
AT = "2026-05-04T10:00:00Z"
NAMES_ROWS = [("1", "one", AT), ("2", None, None)]
PEOPLE_ROWS = [("a", 1, "1.50"), ("b", 1, None)]
DAYS_ROWS = [("x", MONDAY, "1", "3.20"), ("y", MONDAY, "1", "4.00")]


class Loads:
    """A raw database of one source, and how often dlt loaded into it."""

    def __init__(self, folder, monkeypatch):
        self.path = folder / "raw.duckdb"
        self.database = RawDatabase(DuckDBFile(self.path), wait_seconds=5)
        self.count = 0
        self.now = FIRST
        pipeline = self.database._pipeline

        def counted(connection, source):
            self.count += 1
            return pipeline(connection, source)

        monkeypatch.setattr(self.database, "_pipeline", counted)

    def load(self, note, names=NAMES_ROWS, people=PEOPLE_ROWS, days=DAYS_ROWS, parts=None):
        """Load rows an hour after the last time; return how often dlt was needed."""
        before, self.now = self.count, self.now + timedelta(hours=1)
        state = self.database.prepare({"tiny": TABLES})["tiny"].state
        with self.database.open() as connection:
            declare(connection, {"tiny": TABLES})
        job = Job("tiny", {}, MONDAY, self.now, state=state)
        job.declare(TABLES)
        for table, rows in ((NAMES, names), (PEOPLE, people), (DAYS, days)):
            if rows is not None:
                columns = {name: [row[i] for row in rows] for i, name in enumerate(table.columns)}
                given = {row[:2] for row in rows} if parts is None else parts
                job.add(table, columns, parts=given if table is DAYS else ())
        job.state["note"] = note
        self.database.load(job.take(), self.now)
        return self.count - before

    def rows(self, table):
        names = ", ".join(table.columns)
        return sorted(read(self.path, f"select {names} from tiny.{table.name}"), key=repr)

    def loaded_at(self, table):
        return {at for (at,) in read(self.path, f"select _loaded_at from tiny.{table.name}")}

    def note(self):
        return self.document()["sources"]["tiny"]["note"]

    def document(self):
        with duckdb.connect(str(self.path), read_only=True) as connection:
            return stored_document(connection, "tiny")


@pytest.fixture
def loads(tmp_path, monkeypatch):
    found = Loads(tmp_path, monkeypatch)
    assert found.load("first") == 1
    return found


def test_the_same_rows_need_no_load_and_count_as_seen(loads):
    before = {table: loads.rows(table) for table in TABLES}
    assert loads.load("second") == 0
    assert {table: loads.rows(table) for table in TABLES} == before
    assert all(loads.loaded_at(table) == {loads.now} for table in TABLES)
    assert loads.note() == "second"
    assert read(loads.path, "select count(*) from tiny._dlt_loads where status = 0") == [(2,)]


@pytest.mark.parametrize(
    "changed",
    [
        {"names": [("1", "One", AT), ("2", None, None)]},
        {"people": [("a", 1, "1.51")]},
        {"days": [], "parts": {("x", MONDAY)}},
        *slow(
            {"names": [("1", "one", AT)]},
            {"names": [*NAMES_ROWS, ("3", "three", AT)]},
            {"names": [("1", "one", "2026-05-04T10:00:01Z"), ("2", None, None)]},
            {"people": [("a", 2, "1.50")]},
            {"people": [("b", 1, "0.00")]},
            {"days": [("x", MONDAY, "1", "3.21")]},
            {"days": [("x", MONDAY, "2", "3.20")]},
            {"days": [("x", TUESDAY, "1", "3.20")]},
        ),
    ],
)
def test_any_change_is_loaded_and_nothing_else(loads, changed):
    [table] = [table for table in TABLES if table.name in changed]
    before = loads.rows(table)
    assert loads.load("second", **changed) == 1
    assert loads.note() == "second"
    assert loads.rows(table) != before
    given = {row[:2] for row in changed[table.name]}
    assert given <= {row[:2] for row in loads.rows(table)}
    # the others were seen all the same
    others = [one for one in TABLES if one is not table]
    assert all(loads.loaded_at(one) == {loads.now} for one in others)


def test_what_was_not_asked_for_is_not_called_seen(loads):
    first = loads.now
    assert loads.load("second", people=PEOPLE_ROWS[:1], days=DAYS_ROWS[:1]) == 0
    assert loads.loaded_at(PEOPLE) == {first, loads.now}
    assert loads.loaded_at(DAYS) == {first, loads.now}


def test_a_day_without_rows_that_never_had_any_needs_no_load(loads):
    assert loads.load("second", days=[], parts={("x", TUESDAY), ("z", MONDAY)}) == 0
    assert len(loads.rows(DAYS)) == 2


def test_dlt_goes_on_from_a_state_that_was_noted_without_it(loads):
    versions = [loads.document()["_state_version"]]
    for note, people in (("second", PEOPLE_ROWS), ("third", [("c", 1, "1.00")]), ("end", None)):
        loads.load(note, people=people)
        assert loads.note() == note
        versions.append(loads.document()["_state_version"])
    assert versions == sorted(set(versions))
    assert loads.count == 2


def test_a_column_that_a_table_lacks_is_added_before_there_is_a_row(loads):
    wider = Table("names", {**NAMES.columns, "size": "money"}, key=("id",), mode="replace")
    for _ in range(2):
        with loads.database.open() as connection:
            declare(connection, {"tiny": (wider, PEOPLE, DAYS)})
    assert read(loads.path, 'select id, "size" from tiny.names order by 1') == [
        ("1", None),
        ("2", None),
    ]
    assert read(loads.path, f"select count(*) from tiny.{REJECTED.name}") == [(0,)]
