"""GA4 passes the source kit."""

import shutil
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.ingest.source_kit import SourceKit

pytestmark = pytest.mark.system


class TestGa4(SourceKit):
    name = "ga4"
    odd_reason = "event_timestamp or event_name is missing"
    odd_value_reason = ("value", "value is not a money: '1e+30', left empty")
    is_thorough = False

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
