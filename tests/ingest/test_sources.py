"""Every source passes the source kit; one class a source, and none may be missing."""

import shutil
import sqlite3
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from marketing_analytics.ingest.engine.shrinkage import FEW_ROWS
from marketing_analytics.ingest.platforms import load_source, source_names
from marketing_analytics.simulate.platforms import emulator_names

from .source_kit import ServedKit, SourceKit

pytestmark = pytest.mark.system

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "ingestion.md"


class TestMetaAds(ServedKit):
    name = "meta_ads"
    facts_path = "/insights"
    odd_field = "spend"
    odd_reason = "spend is not a money: 'n/a'"
    odd_value_field = "clicks"
    odd_value_reason = ("clicks", "clicks is not a count: 'n/a', left empty")

    def is_of_control(self, asked):
        return asked.path.endswith("/me/adaccounts")

    def is_of_totals(self, asked):
        return asked.query.get("level") == "account"

    def records(self, body):
        return [body["data"]] if "data" in body else []

    def is_taken_back(self, record):
        return record.get("date_start") == "2026-10-25"


class TestGoogleAds(ServedKit):
    name = "google_ads"
    facts_path = ":searchStream"
    odd_field = "metrics.costMicros"
    odd_reason = "cost_micros is not a count: 'n/a'"
    odd_value_field = "metrics.conversionsValue"
    odd_value_reason = (
        "conversions_value",
        "conversions_value is not a fraction: 'n/a', left empty",
    )

    def is_of_control(self, asked):
        return "customer_client" in asked.body

    def is_of_totals(self, asked):
        return "FROM customer " in asked.body

    def records(self, body):
        return [chunk["results"] for chunk in body if "results" in chunk]

    def is_taken_back(self, record):
        return record.get("segments", {}).get("date") == "2026-10-25"


class TestMailchimp(ServedKit):
    name = "mailchimp"
    facts_path = "/sent-to"
    odd_field = "email_id"
    odd_reason = "email_id is missing"
    odd_value_field = "open_count"
    odd_value_reason = ("open_count", "open_count is not a count: 'n/a', left empty")

    def is_of_control(self, asked):
        return not asked.path.rpartition("/reports/")[1]

    def records(self, body):
        return [rows for name, rows in body.items() if name != "_links" and is_records(rows)]

    def of_large_parts(self, name, rows, like=None):
        sizes = Counter(row[0] for row in like or rows)
        return [row for row in rows if sizes[row[0]] >= FEW_ROWS]

    def spoil(self, record, place):
        # recipients, of whom there are many
        if "open_count" not in record:
            return False
        record[place] = None if place == "email_id" else "n/a"
        return True

    def settle(self, body):
        if "total_items" in body:
            body["total_items"] = sum(map(len, self.records(body)))

    def is_taken_back(self, record):
        return record.get("email_id", "f").startswith("0")


def is_records(rows):
    return isinstance(rows, list) and all(isinstance(row, dict) for row in rows)


class TestGa4(SourceKit):
    name = "ga4"
    odd_reason = "event_timestamp or event_name is missing"
    odd_value_reason = ("value", "value is not a money: '1e+30', left empty")

    @contextmanager
    def altered(self, kind, world, settings, folder):
        export = shutil.copytree(world / "ga4", folder / "ga4")
        changed = [export / "events_20261030.parquet"]
        if kind in {"empty", "new_field"}:
            changed = list(export.iterdir())
        for path in changed:
            pq.write_table(getattr(self, f"make_{kind}")(pq.read_table(path)), path)
        yield settings | {"GA4_EXPORT_PATH": export}

    def make_empty(self, events):
        return events.slice(0, 0)

    def make_taken_back(self, events):
        return events.slice(1)

    def make_new_field(self, events):
        return events.append_column("brand_new", pa.nulls(events.num_rows, pa.string()))

    def make_odd(self, events):
        names = [None, *events.column("event_name").to_pylist()[1:]]
        return self.replaced(events, "event_name", pa.array(names, pa.string()))

    def make_odd_value(self, events):
        params = events.column("event_params").to_pylist()
        has_value = [any(param["key"] == "value" for param in given) for given in params]
        bought = has_value.index(True)
        for param in params[bought]:
            if param["key"] == "value":
                param["value"]["double_value"] = 1e30
        kind = events.schema.field("event_params").type
        return self.replaced(events, "event_params", pa.array(params, kind))

    def make_other_type(self, events):
        return self.replaced(events, "event_timestamp", pa.array(["soon"] * events.num_rows))

    def replaced(self, events, name, values):
        return events.set_column(events.schema.get_field_index(name), name, values)


class TestShop(SourceKit):
    name = "shop"
    odd_reason = "total_cents is not a count: 'free'"
    odd_value_reason = ("created_at", "created_at is not a time: 'once', left empty")
    statements: ClassVar = {
        "taken_back": [
            "delete from customers where rowid = 1",
            "delete from targets where rowid = 1",
        ],
        "new_field": ["alter table orders add column brand_new text"],
        "odd": ["update orders set total_cents = 'free' where rowid = 1"],
        "odd_value": ["update customers set created_at = 'once' where rowid = 1"],
        "other_type": ["update orders set total_cents = 'free'"],
    }

    @contextmanager
    def altered(self, kind, world, settings, folder):
        shop = shutil.copy(world / "shop.sqlite", folder / "shop.sqlite")
        with sqlite3.connect(shop) as connection:
            for statement in self.statements.get(kind) or self.emptied(connection):
                connection.execute(statement)
        yield settings | {"SHOP_DATABASE_URL": f"sqlite:///{shop}"}

    def emptied(self, connection):
        names = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
        return [f"delete from {name}" for (name,) in names]


KITS = {kit.name: kit for kit in (*SourceKit.__subclasses__(), *ServedKit.__subclasses__())}
KITS.pop("")


def test_every_source_is_in_the_kit_and_every_served_one_in_its_served_part():
    assert sorted(KITS) == source_names()
    served = {name for name, kit in KITS.items() if issubclass(kit, ServedKit)}
    assert served == set(emulator_names())


@pytest.mark.parametrize("name", sorted(KITS))
def test_what_a_source_cannot_pass_yet_is_a_test_with_a_reason(name):
    for test, reason in KITS[name].cannot_yet.items():
        assert callable(getattr(KITS[name], test))
        assert len(reason.split()) > 4


@pytest.mark.parametrize("name", source_names())
def test_the_documentation_names_every_source_table_and_setting(name):
    text = DOCUMENT.read_text()
    source = load_source(name)
    (row,) = [line for line in text.splitlines() if line.startswith(f"| `{name}` |")]
    assert {table.name for table in source.tables} == set(row.split(" | ")[2].split(", "))
    for setting in (*source.settings, *source.optional_settings):
        assert f"`{setting}`" in text
