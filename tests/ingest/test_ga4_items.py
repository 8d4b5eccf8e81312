"""Items, user properties and consent of the GA4 export, from events written by hand."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from .commands import ingest, read

pytestmark = pytest.mark.system

NOON_US = int(datetime(2026, 10, 30, 12, tzinfo=UTC).timestamp() * 1_000_000)
PARAMS = [{"key": "ga_session_id", "value": {"int_value": 7, "string_value": None}}]
NOBODY_PARAMS = [{"key": "page_location", "value": {"int_value": None, "string_value": "/"}}]


def event(name, device="d1", at_us=NOON_US, **more):
    return {
        "event_timestamp": at_us,
        "event_name": name,
        "event_params": [
            {
                "key": param["key"],
                "value": param["value"] | {"double_value": None, "float_value": None},
            }
            for param in (PARAMS if device else NOBODY_PARAMS)
        ],
        "user_pseudo_id": device,
        "privacy_info": {"analytics_storage": "Yes" if device else "No", "ads_storage": None},
    } | more


def load(tmp_path, *events):
    export = tmp_path / "ga4"
    export.mkdir()
    pq.write_table(pa.Table.from_pylist(list(events)), export / "events_20261030.parquet")
    database = tmp_path / "raw.duckdb"
    done = ingest("--source", "ga4", "--raw-database", database, "--json", GA4_EXPORT_PATH=export)
    return done, database


def test_items_carry_the_key_of_their_event(tmp_path):
    lamp = {"item_id": "L", "item_brand": "B", "price": 19.99, "quantity": 2, "coupon": None}
    shade = {"item_id": "S", "item_brand": None, "price": 0.1, "quantity": None, "coupon": "X"}
    done, database = load(
        tmp_path,
        event("purchase", items=[lamp, shade]),
        event("view_item", items=[shade]),
        event("page_view", items=[]),
        event("page_view", at_us=NOON_US + 1, items=None),
    )
    assert done.code == 0, done.out
    query = """
        select event_name, item_index, item_id, item_brand, price, quantity, coupon
        from ga4.event_items
        join ga4.events using (event_date, device_key, event_timestamp_us, event_index)
        order by all
    """
    assert read(database, query) == [
        ("purchase", 0, "L", "B", Decimal("19.990000"), 2, None),
        ("purchase", 1, "S", None, Decimal("0.100000"), None, "X"),
        ("view_item", 0, "S", None, Decimal("0.100000"), None, "X"),
    ]


def test_a_price_that_is_no_amount_costs_no_item(tmp_path):
    done, database = load(tmp_path, event("purchase", items=[{"item_id": "L", "price": 1e40}]))
    assert done.code == 5
    query = "select column_name, reason from ga4._rejected"
    assert read(database, query) == [
        ("price", "price is not a fraction: '1e+40', left empty"),
    ]
    assert read(database, "select item_id, price from ga4.event_items") == [("L", None)]


def prop(key, at_us=NOON_US, **value):
    kinds = {"string_value": None, "int_value": None, "double_value": None}
    return {"key": key, "value": kinds | value | {"set_timestamp_micros": at_us}}


def test_a_user_property_is_kept_once_a_day_and_value(tmp_path):
    tier, score = prop("tier", string_value="gold"), prop("score", double_value=0.1234567)
    later = prop("tier", NOON_US + 5, string_value="blue")
    done, database = load(
        tmp_path,
        event("page_view", user_properties=[tier, score]),
        event("scroll", at_us=NOON_US + 1, user_properties=[tier, score]),
        event("scroll", at_us=NOON_US + 9, user_properties=[later]),
        event("scroll", "d2", user_properties=[prop("visits", int_value=3)]),
    )
    assert done.code == 0, done.out
    query = """
        select property_name, string_value, int_value, double_value, epoch_us(set_at)
        from ga4.user_properties order by all
    """
    assert read(database, query) == [
        ("score", None, None, Decimal("0.123457"), NOON_US),
        ("tier", "blue", None, None, NOON_US + 5),
        ("tier", "gold", None, None, NOON_US),
        ("visits", None, 3, None, NOON_US),
    ]


@pytest.mark.slow
def test_rows_without_consent_stay_though_they_have_no_ids(tmp_path):
    item = [{"item_id": "L", "price": 1.0}]
    events = [event("page_view", None, items=item), event("page_view", None, items=item)]
    done, database = load(tmp_path, *events, event("page_view", items=item))
    assert done.code == 0, done.out
    query = """
        select device_key is null, ga_session_id, analytics_storage, ads_storage, event_index
        from ga4.events order by all
    """
    assert read(database, query) == [
        (False, 7, "Yes", None, 0),
        (True, None, "No", None, 0),
        (True, None, "No", None, 1),
    ]
    assert read(database, "select count(*), count(device_key) from ga4.event_items") == [(3, 1)]


def test_an_export_without_items_empties_those_of_its_day_alone(tmp_path):
    item = [{"item_id": "L", "price": 1.0}]
    _, database = load(tmp_path, event("page_view", items=item))
    other = event("page_view", at_us=NOON_US - 86_400_000_000, items=item)
    pq.write_table(pa.Table.from_pylist([other]), tmp_path / "ga4" / "events_20261029.parquet")
    pq.write_table(
        pa.Table.from_pylist([event("page_view")]), tmp_path / "ga4" / "events_20261030.parquet"
    )
    done = ingest("--source", "ga4", "--raw-database", database, GA4_EXPORT_PATH=tmp_path / "ga4")
    assert done.code == 0, done.out
    query = "select distinct event_date from ga4.event_items"
    assert read(database, query) == [(date(2026, 10, 29),)]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["orders.parquet", "events_20261030.csv"])
def test_a_folder_where_nothing_matches_is_an_error(tmp_path, name):
    (tmp_path / "ga4").mkdir()
    (tmp_path / "ga4" / name).write_bytes(b"x")
    database = tmp_path / "raw.duckdb"
    done = ingest(
        "--source", "ga4", "--raw-database", database, "--json", GA4_EXPORT_PATH=tmp_path / "ga4"
    )
    assert done.code not in {0, 5}
    [error] = done.source("ga4")["errors"]
    assert error["message"].startswith("there is no export of a day in")
