"""What every source of ingestion must pass; a source gets all of it by naming itself.

`SourceKit` holds for all sources. `ServedKit` adds what can happen on the way to a server; every
source that has an emulator takes it. What a source cannot pass yet stands in its `cannot_yet`,
with the reason in words, and fails once it can.
"""

import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import ClassVar

import orjson
import pytest

from marketing_analytics.ingest.platforms import load_source

from .commands import clean_environment, contents, ingest, read
from .scripted_platform import Answer, between, serve

STAGES = {
    "extract": ("dlt.pipeline.pipeline.Pipeline.extract", 1),
    "normalize": ("dlt.pipeline.pipeline.Pipeline.normalize", 1),
    "load": ("dlt.pipeline.pipeline.Pipeline.load", 1),
    # some are noted; of this one the rows are in the database, and dlt does not know it
    "end of job": ("dlt.common.storages.load_package.PackageStorage.save_pending_transition", 3),
    "end of load": ("dlt.load.load.Load.complete_package", 1),
}
KILLED = """
import os, sys
from importlib import import_module
target, call = sys.argv.pop(1), int(sys.argv.pop(1))
module, kind, name = target.rsplit(".", 2)
import dlt, dlt.load.load, dlt.pipeline.pipeline
owner, calls = getattr(import_module(module), kind), []
work = getattr(owner, name)
def worked(*given, **named):
    calls.append(1)
    if len(calls) == call:
        os.kill(os.getpid(), 9)
    return work(*given, **named)
setattr(owner, name, worked)
from marketing_analytics.cli import main
main()
"""
SECRET_WORDS = ("TOKEN", "SECRET", "KEY")


# of these the engine does everything; the push ring runs them for the thorough sources alone
OF_THE_ENGINE = {
    "test_twice_is_once",
    "test_an_empty_answer_gives_empty_tables",
    "test_no_secret_is_printed_or_stored",
    "test_a_run_killed_in_any_stage_is_made_whole_by_the_next",
    "test_a_value_that_does_not_fit_costs_no_row",
    "test_an_answer_without_most_of_its_rows_is_believed_the_second_time",
    "test_a_person_may_believe_it_at_once",
    "test_a_field_never_seen_before_changes_nothing",
    "test_a_field_of_another_type_fails_and_keeps_what_was_loaded",
    "test_an_answer_of_another_shape_is_told_in_a_sentence",
    "test_a_fault_that_passes_costs_no_row",
    "test_a_fault_that_stays_ends_with_a_sentence_and_the_next_run_is_exact",
    "test_a_wait_of_hours_is_not_waited_for_and_what_was_read_stays",
}


def slow(*values):
    """Return cases for the thorough suite; a tuple is a case of several arguments."""
    cases = [value if isinstance(value, tuple) else (value,) for value in values]
    return [pytest.param(*case, marks=pytest.mark.slow) for case in cases]


def first_and_slow(values):
    """Return the first case for every push, the others for the thorough suite."""
    first, *others = values
    return [first, *slow(*others)]


class SourceKit:
    """Twice is once, kills, restatement, empty answers, odd records, drift of the schema."""

    name = ""
    # the reason that `_rejected` gives for the odd record
    odd_reason = ""
    # column and reason that it gives for the odd value
    odd_value_reason = ("", "")
    # whether the push ring runs all of it: what only the engine does is the same for all sources
    is_thorough = True
    # test: why this source cannot pass it yet
    cannot_yet: ClassVar = {}

    @pytest.fixture(autouse=True)
    def _declared(self, request):
        if reason := self.cannot_yet.get(request.node.originalname):
            request.applymarker(pytest.mark.xfail(reason=reason, strict=True))

    @pytest.fixture
    def expected(self, everything):
        """Return what the source's tables hold after an undisturbed load."""
        return {n: rows for n, rows in everything.items() if n.startswith(f"{self.name}.")}

    def altered(self, kind, world, settings, folder):
        """Yield the settings of the same source, but `empty`, `odd`, and so on."""
        raise NotImplementedError

    def place(self, folder, name):
        """Return a raw database that a test may fill: the same for the same name."""
        return folder / f"{name}.duckdb"

    def restricted(self, folder, name):
        """Return the database of plain values that belongs to it."""
        return folder / f"{name}_restricted.duckdb"

    def load(self, database, settings, *arguments):
        chosen = ("--source", self.name, "--raw-database", database, "--json")
        done = ingest(*chosen, *arguments, **settings)
        return done, done.source(self.name)

    def own(self, database):
        return contents(database, self.name)

    def test_twice_is_once(self, copy_of_loaded, shared_emulators, expected):
        done, _ = self.load(copy_of_loaded, shared_emulators.settings)
        assert done.code == 0, done.out
        assert self.own(copy_of_loaded) == expected

    @pytest.mark.parametrize(
        "stage", ["end of job", *slow("extract", "normalize", "load", "end of load")]
    )
    def test_a_run_killed_in_any_stage_is_made_whole_by_the_next(
        self, shared_emulators, expected, tmp_path, stage
    ):
        database = self.place(tmp_path, "raw")
        chosen = ["--raw-database", str(database), "--source", self.name]
        killed = subprocess.run(
            [sys.executable, "-c", KILLED, *map(str, STAGES[stage]), "ingest", "run", *chosen],
            env=clean_environment(**shared_emulators.settings),
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        done, _ = self.load(database, shared_emulators.settings)
        assert done.code == 0, done.err
        assert self.own(database) == expected

    def test_what_the_platform_takes_back_disappears(
        self, world, shared_emulators, copy_of_loaded, expected, tmp_path
    ):
        with self.altered("taken_back", world, shared_emulators.settings, tmp_path) as settings:
            assert self.load(copy_of_loaded, settings)[0].code == 0
            assert self.load(self.place(tmp_path, "fresh"), settings)[0].code == 0
        found = self.own(copy_of_loaded)
        assert found == self.own(self.place(tmp_path, "fresh"))
        assert sum(map(len, found.values())) < sum(map(len, expected.values()))

    def test_an_empty_answer_gives_empty_tables(self, world, shared_emulators, tmp_path):
        with self.altered("empty", world, shared_emulators.settings, tmp_path) as settings:
            done, source = self.load(self.place(tmp_path, "raw"), settings)
        assert (done.code, source["rejected"]) == (0, 0), done.out
        declared = {f"{self.name}.{table.name}" for table in load_source(self.name).tables}
        found = self.own(self.place(tmp_path, "raw"))
        assert found.keys() == {*declared, f"{self.name}._rejected"}
        assert not any(self.facts_of(found).values())

    def test_an_odd_record_is_kept_apart_with_its_reason(
        self, world, shared_emulators, expected, tmp_path
    ):
        with self.altered("odd", world, shared_emulators.settings, tmp_path) as settings:
            done, source = self.load(self.place(tmp_path, "raw"), settings)
        assert (done.code, source["status"], source["rejected"]) == (5, "partial", 1), done.out
        found = self.own(self.place(tmp_path, "raw"))
        query = f"select rejected_id, column_name, reason, raw_json from {self.name}._rejected"
        [(rejected_id, column, reason, raw_json)] = read(self.place(tmp_path, "raw"), query)
        assert (column, reason) == ("", self.odd_reason)
        if not raw_json:
            # it tells of a person
            query = f"select raw_json from {self.name}_restricted.rejected_rows"
            query += " where rejected_id = ?"
            [(raw_json,)] = read(self.restricted(tmp_path, "raw"), query, rejected_id)
        assert raw_json.startswith("{")
        # the odd one moved from its table to the rejected ones, all others stayed
        assert sum(map(len, found.values())) == sum(map(len, expected.values()))

    def test_a_value_that_does_not_fit_costs_no_row(
        self, world, shared_emulators, expected, tmp_path
    ):
        with self.altered("odd_value", world, shared_emulators.settings, tmp_path) as settings:
            done, source = self.load(self.place(tmp_path, "raw"), settings)
        assert (done.code, source["rejected"]) == (5, 1), done.out
        query = f"select column_name, reason from {self.name}._rejected"
        assert read(self.place(tmp_path, "raw"), query) == [self.odd_value_reason]
        found = self.own(self.place(tmp_path, "raw"))
        changed = f"{self.name}._rejected"
        counts = {name: len(rows) for name, rows in found.items() if name != changed}
        assert counts == {name: len(rows) for name, rows in expected.items() if name != changed}

    def test_an_answer_without_most_of_its_rows_is_believed_the_second_time(
        self, world, shared_emulators, copy_of_loaded, expected, tmp_path
    ):
        with self.altered("empty", world, shared_emulators.settings, tmp_path) as settings:
            held, source = self.load(copy_of_loaded, settings, "--reread")
            assert held.code in {1, 5}
            assert any("the old ones stay" in e["message"] for e in source["errors"]), held.out
            found = self.facts(copy_of_loaded)
            for name, rows in self.facts_of(expected).items():
                large = self.of_large_parts(name, rows)
                assert self.of_large_parts(name, found[name], large) == large
            believed, _ = self.load(copy_of_loaded, settings, "--reread")
        assert believed.code == 0, believed.out
        assert not any(self.facts(copy_of_loaded).values())

    def test_a_person_may_believe_it_at_once(
        self, world, shared_emulators, copy_of_loaded, tmp_path
    ):
        with self.altered("empty", world, shared_emulators.settings, tmp_path) as settings:
            done, _ = self.load(copy_of_loaded, settings, "--reread", "--accept-shrinkage")
        assert done.code == 0, done.out
        assert not any(self.facts(copy_of_loaded).values())

    def of_large_parts(self, name, rows, like=None):
        """Return the rows of parts that are large enough to be missed, as counted in `like`."""
        return rows

    def facts(self, database):
        """Return the tables from which rows disappear."""
        return self.facts_of(self.own(database))

    def facts_of(self, tables):
        names = {t.name for t in load_source(self.name).tables if t.mode != "merge"}
        return {name: rows for name, rows in tables.items() if name.partition(".")[2] in names}

    def test_a_field_never_seen_before_changes_nothing(
        self, world, shared_emulators, expected, tmp_path
    ):
        with self.altered("new_field", world, shared_emulators.settings, tmp_path) as settings:
            done, _ = self.load(self.place(tmp_path, "raw"), settings)
        assert done.code == 0, done.out
        assert self.own(self.place(tmp_path, "raw")) == expected

    def test_a_field_of_another_type_fails_and_keeps_what_was_loaded(
        self, world, shared_emulators, copy_of_loaded, expected, tmp_path
    ):
        with self.altered("other_type", world, shared_emulators.settings, tmp_path) as settings:
            done, source = self.load(copy_of_loaded, settings)
        assert done.code != 0
        assert source["errors"]
        found = self.own(copy_of_loaded)
        assert {n: rows for n, rows in found.items() if not n.endswith("._rejected")} == {
            n: rows for n, rows in expected.items() if not n.endswith("._rejected")
        }


class ServedKit(SourceKit):
    """A source behind a server that speaks JSON: the emulator, or a proxy that alters it."""

    # part of the path of the requests for its rows of facts
    facts_path = ""
    # a field of facts that cannot hold any text, and one that a row can do without
    odd_field = ""
    odd_value_field = ""

    def records(self, body):
        """Return the lists of records inside an answer, to be changed in place."""
        raise NotImplementedError

    def is_taken_back(self, record):
        """Return whether the platform drops a record, among those that may still change."""
        raise NotImplementedError

    def is_of_control(self, asked):
        """Return whether a request is for what says what to read: accounts, mailings."""
        raise NotImplementedError

    def is_of_totals(self, asked):
        """Return whether a request is for what rows are reconciled with."""
        return False

    def settle(self, body):
        """Make an answer agree with itself after its lists were changed."""

    @contextmanager
    def altered(self, kind, world, settings, folder):
        alter = getattr(self, f"make_{kind}")
        spoiled = []

        def change(asked, answer):
            body = orjson.loads(answer.body)
            if kind == "empty" and self.is_of_control(asked):
                return answer
            if kind.startswith("odd") and self.is_of_totals(asked):
                return answer
            for records in self.records(body):
                alter(records, spoiled)
            self.settle(body)
            return Answer(body, answer.status, answer.headers)

        with between(settings, self.name, change) as changed:
            yield changed

    def make_empty(self, records, spoiled):
        records.clear()

    def make_taken_back(self, records, spoiled):
        records[:] = [record for record in records if not self.is_taken_back(record)]

    def make_new_field(self, records, spoiled):
        for record in records:
            record["brand_new"] = {"nested": [1]}

    def make_odd(self, records, spoiled):
        for record in records:
            if not spoiled and self.spoil(record, self.odd_field):
                spoiled.append(record)

    def make_odd_value(self, records, spoiled):
        for record in records:
            if not spoiled and self.spoil(record, self.odd_value_field):
                spoiled.append(record)

    def make_other_type(self, records, spoiled):
        for record in records:
            self.spoil(record, self.odd_field)

    def spoil(self, record, place):
        """Put a text where none belongs; return whether the record has the field."""
        *outer, field = place.split(".")
        for name in outer:
            record = record.get(name) or {}
        if field not in record:
            return False
        record[field] = "n/a"
        return True

    @pytest.mark.parametrize(
        "body",
        [
            b"[]",
            b"[" * 3000,
            *slow(b"{}", b"null", b'"no"', b"[[1]]", b"\xff\xfe", b'{"data": 7}'),
        ],
    )
    def test_an_answer_of_another_shape_is_told_in_a_sentence(
        self, shared_emulators, tmp_path, body
    ):
        with serve(lambda _: Answer(body)) as (url, _):
            settings = shared_emulators.settings | {f"{self.name.upper()}_BASE_URL": url}
            done, source = self.load(self.place(tmp_path, "raw"), settings)
        said = " ".join(error["message"] for error in source["errors"])
        assert "bug" not in said
        assert "Traceback" not in done.out + done.err

    @pytest.mark.parametrize(
        "kind", ["cut_stream", "status_429", *slow("status_500", "truncated_json", "html", "slow")]
    )
    def test_a_fault_that_passes_costs_no_row(self, emulators, expected, tmp_path, kind):
        more = {"status_429": {"retry_after_seconds": 0}, "slow": {"seconds": 0.5}}.get(kind, {})
        emulators.fault(self.name, kind, times=3, **more)
        done, _ = self.load(self.place(tmp_path, "raw"), emulators.settings)
        assert done.code == 0, done.out
        assert emulators.control(self.name, "counters")["faults_injected"] == {kind: 3}
        assert self.own(self.place(tmp_path, "raw")) == expected

    @pytest.mark.parametrize("kind", ["status_500", *slow("cut_stream", "html")])
    def test_a_fault_that_stays_ends_with_a_sentence_and_the_next_run_is_exact(
        self, emulators, expected, tmp_path, kind
    ):
        emulators.fault(self.name, kind, times=100_000, path=self.facts_path)
        database = self.place(tmp_path, "raw")
        done, source = self.load(database, emulators.settings)
        assert done.code in {1, 5}
        assert "Traceback" not in done.out + done.err
        assert source["errors"]
        emulators.reset()
        assert self.load(database, emulators.settings)[0].code == 0
        assert self.own(database) == expected

    def test_a_wait_of_hours_is_not_waited_for_and_what_was_read_stays(
        self, emulators, expected, tmp_path
    ):
        more = {"path": self.facts_path, "retry_after_seconds": 40591}
        emulators.fault(self.name, "status_429", times=1000, **more)
        database = self.place(tmp_path, "raw")
        # 11.3 hours would end in the suite's own time-out
        _, source = self.load(database, emulators.settings)
        assert "asks to wait 11.3 h" in source["errors"][0]["message"]
        assert source["errors"][0]["hint"].startswith("run again after 20")
        emulators.reset()
        assert self.load(database, emulators.settings)[0].code == 0
        assert self.own(database) == expected

    def test_no_secret_is_printed_or_stored(self, emulators, copy_of_loaded, tmp_path):
        settings = emulators.settings
        secrets = [
            settings[name]
            for name in load_source(self.name).settings
            if any(word in name for word in SECRET_WORDS) and not name.endswith("_URL")
        ]
        assert secrets
        emulators.fault(self.name, "expired_token", times=100_000, path=self.facts_path)
        chosen = ("--source", self.name, "--raw-database", copy_of_loaded)
        refused = ingest(*chosen, "--reread", **settings)
        assert refused.code in {4, 5}
        emulators.reset()
        done = ingest(*chosen, **settings)
        assert done.code == 0, done.err
        printed = refused.out + refused.err + done.out + done.err
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        for secret in secrets:
            assert secret not in printed
            assert not [path for path in files if secret.encode() in path.read_bytes()]
