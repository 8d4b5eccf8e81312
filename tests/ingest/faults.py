"""What goes wrong while a source is read: 12 kinds for each, at a moment that a seed decides."""

import gzip
import random
import shutil
import sqlite3
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from unittest import mock

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from marketing_analytics.core import http
from marketing_analytics.ingest.platforms import source_names
from marketing_analytics.simulate.platforms import emulator_names

from .scripted_platform import Answer, between
from .source_kit import ServedKit

FOR_EVER = 10_000
# of what takes its time
LONG = 12
# answers of the platforms' own
REFUSALS = ("status_429", "status_500", "expired_token")
# an answer that cannot be taken for one
BROKEN = ("cut_stream", "truncated_json", "html", "dropped", "bomb", "slow")
# an answer that agrees with itself and is wrong: found out by the source, or by reading again
LIES = ("no_rows", "missing_rows", "odd_row")
SERVED = (*REFUSALS, *BROKEN, *LIES)

# a busy machine answers in less
ANSWER_SECONDS = 1.0
BOMB_BYTES = 4_000_000
BOMB = gzip.compress(b" " * BOMB_BYTES * 2)
HTML = b"<html><body>Request Blocked</body></html>"


@dataclass(frozen=True)
class Moment:
    """The requests of a run that are hit: `times` from the one numbered `first` on."""

    first: int
    times: int

    def has(self, number):
        return self.first <= number < self.first + self.times

    @property
    def is_passing(self):
        """Return whether a patient reader sees the end of it."""
        return self.times <= 3


def chance(*what):
    return random.Random("/".join(map(str, what)))


def moment(source, kind, seed, request_count):
    """Return when a fault strikes; every fourth one stays."""
    dice = chance(source, kind, seed)
    times = 1 + seed % 4
    if times == 4:
        times = LONG if kind == "slow" else FOR_EVER
    # the number of polls of a report differs between runs
    return Moment(dice.randrange(max(1, request_count * 3 // 4)), times)


def kit_of(source):
    """Return what the source kit knows of a served source."""
    module = import_module(f"tests.ingest.platforms.test_{source}")
    return next(
        kit()
        for kit in vars(module).values()
        if isinstance(kit, type) and issubclass(kit, ServedKit) and kit.name
    )


class Disturbance:
    """A server whose answers go wrong for a while."""

    def __init__(self, emulators, source, kind, when, dice):
        self.emulators = emulators
        self.source = source
        self.kind = kind
        self.when = when
        self.dice = dice
        self.kit = kit_of(source)
        self.asked = 0
        self.struck = 0
        self.spoiled = []

    @contextmanager
    def settings(self):
        """Yield the settings that lead to it."""
        most = http.send_bounded.__kwdefaults__ | {"max_bytes": BOMB_BYTES}
        patched = mock.patch.object(http.send_bounded, "__kwdefaults__", most)
        with (
            patched if self.kind == "bomb" else nullcontext(),
            between(self.emulators.settings, self.source, self.change, self.before) as changed,
        ):
            yield (
                changed | {"INGEST_ANSWER_SECONDS": ANSWER_SECONDS}
                if self.kind == "slow"
                else changed
            )

    def before(self, asked):
        self.asked += 1
        if self.kind in REFUSALS and self.is_hit():
            more = {"retry_after_seconds": 0} if self.kind == "status_429" else {}
            self.emulators.fault(self.source, self.kind, **more)

    def is_hit(self):
        is_hit = self.when.has(self.asked - 1)
        self.struck += is_hit
        return is_hit

    def change(self, asked, answer):
        if self.kind in REFUSALS or not self.is_hit():
            return answer
        return getattr(self, self.kind)(answer)

    def cut_stream(self, answer):
        return Answer(answer.body, answer.status, answer.headers, cut=True)

    def truncated_json(self, answer):
        return Answer(answer.body[: max(1, len(answer.body) // 2)], answer.status)

    def html(self, answer):
        return Answer(HTML, 200, {"Content-Type": "text/html"})

    def dropped(self, answer):
        return Answer(b"", is_dropped=True)

    def bomb(self, answer):
        return Answer(BOMB, 200, {"Content-Encoding": "gzip"})

    def slow(self, answer):
        # past the time that an answer may take
        time.sleep(1.1 * ANSWER_SECONDS)
        return answer

    def no_rows(self, answer):
        return self.altered(answer, lambda records: records.clear())

    def missing_rows(self, answer):
        def cut(records):
            del records[self.dice.randrange(len(records) + 1) :]

        return self.altered(answer, cut)

    def odd_row(self, answer):
        return self.altered(answer, lambda records: self.kit.make_odd(records, self.spoiled))

    def altered(self, answer, alter):
        try:
            body = orjson.loads(answer.body)
            found = self.kit.records(body)
        except (AttributeError, KeyError, TypeError, ValueError):
            return answer
        for records in found:
            if isinstance(records, list):
                alter(records)
        self.kit.settle(body)
        return Answer(body, answer.status, answer.headers)


class Files:
    """Faults of one GA4 export file."""

    def __init__(self, path):
        self.path = path

    def missing_folder(self, dice):
        shutil.rmtree(self.path.parent)

    def missing_day(self, dice):
        self.path.unlink()

    def half_written(self, dice):
        self.cut(dice.randrange(4, self.path.stat().st_size))

    def zero_bytes(self, dice):
        self.path.write_bytes(b"")

    def html(self, dice):
        self.path.write_bytes(HTML)

    def flipped_bytes(self, dice):
        content = bytearray(self.path.read_bytes())
        # the footer says where everything is
        for _ in range(50):
            content[dice.randrange(len(content) - 200, len(content))] = dice.randrange(256)
        self.path.write_bytes(content)

    def folder_in_place(self, dice):
        self.path.unlink()
        self.path.mkdir()

    def dangling_link(self, dice):
        self.path.unlink()
        self.path.symlink_to(self.path.with_name("nowhere"))

    def other_type(self, dice):
        events = pq.read_table(self.path)
        at = events.schema.get_field_index("event_timestamp")
        texts = pa.array(["soon"] * events.num_rows)
        pq.write_table(events.set_column(at, "event_timestamp", texts), self.path)

    def missing_column(self, dice):
        pq.write_table(pq.read_table(self.path).drop_columns(["event_name"]), self.path)

    def no_rows(self, dice):
        pq.write_table(pq.read_table(self.path).slice(0, 0), self.path)

    def missing_rows(self, dice):
        events = pq.read_table(self.path)
        pq.write_table(events.slice(0, dice.randrange(events.num_rows)), self.path)

    def cut(self, size):
        with self.path.open("r+b") as file:
            file.truncate(size)


class SqliteFile:
    """Faults of the shop's database."""

    def __init__(self, path):
        self.path = path

    def missing_file(self, dice):
        self.path.unlink()

    def zero_bytes(self, dice):
        self.path.write_bytes(b"")

    def html(self, dice):
        self.path.write_bytes(HTML)

    def half_copied(self, dice):
        with self.path.open("r+b") as file:
            file.truncate(dice.randrange(4096, self.path.stat().st_size))

    def overwritten_page(self, dice):
        size = self.path.stat().st_size
        with self.path.open("r+b") as file:
            file.seek(dice.randrange(1, size // 4096) * 4096)
            file.write(dice.randbytes(4096))

    def missing_table(self, dice):
        self.execute(f"drop table {dice.choice(self.tables())}")

    def missing_column(self, dice):
        self.execute("alter table orders rename column total_cents to total")

    def other_type(self, dice):
        self.execute("update orders set total_cents = 'free'")

    def odd_row(self, dice):
        self.execute(
            "update orders set total_cents = 'free' where rowid = "
            f"(select rowid from orders limit 1 offset {dice.randrange(5)})"
        )

    def no_rows(self, dice):
        self.execute(f"delete from {dice.choice(self.tables())}")

    def missing_rows(self, dice):
        self.execute(f"delete from {dice.choice(self.tables())} where rowid % 2 = 0")

    def null_key(self, dice):
        self.execute("create table free as select * from orders")
        self.execute("drop table orders")
        self.execute("alter table free rename to orders")
        self.execute("update orders set order_id = null where rowid % 3 = 0")

    def tables(self):
        query = "select name from sqlite_master where type = 'table' and name not like 'sqlite%'"
        return sorted(name for (name,) in self.execute(query))

    def execute(self, statement):
        connection = sqlite3.connect(self.path)
        try:
            with connection:
                connection.execute("pragma foreign_keys = off")
                return connection.execute(statement).fetchall()
        finally:
            connection.close()


def own_kinds(of):
    """Return the faults that a class has."""
    return tuple(
        name
        for name in vars(of)
        if name not in {"__init__", "cut", "tables", "execute"}
        and callable(getattr(of, name))
        and not name.startswith("__")
    )


KINDS = dict.fromkeys(emulator_names(), SERVED) | {
    "ga4": own_kinds(Files),
    "shop": own_kinds(SqliteFile),
}
assert set(KINDS) == set(source_names())


@contextmanager
def spoilt_files(world, settings, source, kind, seed, folder):
    """Yield the settings of a copy that is spoilt, and what makes it whole again."""
    dice = chance(source, kind, seed)
    given, name = (
        (world / "ga4", "GA4_EXPORT_PATH")
        if source == "ga4"
        else (world / "shop.sqlite", "SHOP_DATABASE_URL")
    )
    copied = folder / given.name

    def restore():
        if copied.is_dir():
            shutil.rmtree(copied)
        (shutil.copytree if given.is_dir() else shutil.copy2)(given, copied)

    restore()
    if source == "ga4":
        spoilt = Files(dice.choice(sorted(copied.glob("*.parquet"))))
        value = str(copied)
    else:
        spoilt = SqliteFile(copied)
        value = f"sqlite:///{copied}"
    getattr(spoilt, kind)(dice)
    yield settings | {name: value}, restore
