"""The files of a world as of a day, and days that a platform does not tell."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date

import numpy as np
import pytest

from marketing_analytics.core.errors import UserError
from marketing_analytics.simulate.emulation.control import PlatformControl, SimulatedClock, withhold
from marketing_analytics.simulate.emulation.delivery import EPOCH, Delivery
from marketing_analytics.simulate.world.day import write_day

SHOP = """
create table customers (customer_id, created_at, updated_at);
create table orders (order_id, ordered_at, updated_at);
create table refunds (refund_id, refunded_at, updated_at);
create table consents (consent_id, changed_at);
create table exchange_rates (currency, rate_date);
insert into customers values ('c1', '2026-10-01T08:00:00+00:00', '2026-10-20T08:00:00+00:00');
insert into orders values
    ('o1', '2026-10-17T23:59:59+00:00', '2026-10-17T23:59:59+00:00'),
    ('o2', '2026-10-18T00:00:00+00:00', '2026-10-18T00:00:00+00:00');
insert into exchange_rates values ('EUR', '2026-10-17'), ('EUR', '2026-10-18');
"""


@pytest.fixture
def world(tmp_path):
    (tmp_path / "ga4").mkdir()
    for day in (16, 17, 18):
        (tmp_path / "ga4" / f"events_202610{day}.parquet").write_text(str(day))
    with closing(sqlite3.connect(tmp_path / "shop.sqlite")) as shop, shop:
        shop.executescript(SHOP)
    return tmp_path


def rows(folder, query):
    with closing(sqlite3.connect(folder / "shop.sqlite")) as shop:
        return shop.execute(query).fetchall()


def test_a_day_holds_what_was_known_at_its_end(world, tmp_path):
    out = tmp_path / "day"
    assert write_day(world, date(2026, 10, 17), out) == (2, 1)
    assert rows(out, "select order_id from orders") == [("o1",)]
    assert rows(out, "select max(rate_date) from exchange_rates") == [("2026-10-17",)]
    # that she changed on the 20th is not known yet
    assert rows(out, "select updated_at from customers") == [("2026-10-01T08:00:00+00:00",)]


def test_the_next_day_adds_to_it_and_an_earlier_one_takes_away(world, tmp_path):
    out = tmp_path / "day"
    write_day(world, date(2026, 10, 17), out)
    assert write_day(world, date(2026, 10, 18), out) == (3, 2)
    assert write_day(world, date(2026, 10, 16), out) == (1, 0)
    assert rows(world, "select count(*) from orders") == [(2,)]


def delivery():
    found = Delivery.__new__(Delivery)
    found.ids = {
        "account_id": np.array(["a"] * 4, dtype=object),
        "campaign_id": np.array(["one", "one", "one", "two"], dtype=object),
    }
    found.day = np.array([(date(2026, 10, d) - EPOCH).days for d in (16, 17, 18, 17)])
    found.removed_us = np.full(4, 2**62)
    found.withheld = []
    return found


def test_withheld_days_of_a_campaign_are_told_again_afterwards():
    ads = delivery()
    control = PlatformControl("meta_ads", SimulatedClock(0), None, withheld=ads.withheld)
    last = (date(2026, 10, 31) - EPOCH).days

    def visible():
        return ads.visible("a", 0, last, last * 86_400_000_000, "UTC").tolist()

    lost = {"campaign_id": "one", "since": "2026-10-17", "until": "2026-10-18"}
    assert withhold(control, lost) == {"withheld": 1}
    assert visible() == [0, 3]
    assert withhold(control, {}) == {"withheld": 0}
    assert visible() == [0, 1, 2, 3]
    withhold(control, lost)
    control.reset()
    assert visible() == [0, 1, 2, 3]


def test_what_cannot_be_withheld_is_refused():
    with pytest.raises(UserError, match="give campaign_id"):
        withhold(PlatformControl("meta_ads", SimulatedClock(0), None, withheld=[]), {"since": 1})
    with pytest.raises(UserError, match="shopify cannot withhold"):
        withhold(PlatformControl("shopify", SimulatedClock(0), None), {})
