"""The world: the same for the same seed, consistent for every seed, true to its ledger."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
from collections import Counter
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketing_analytics.simulate.world.build import build_world
from marketing_analytics.simulate.world.customers.people import NEVER_US
from marketing_analytics.simulate.world.exchange import build_exchange
from marketing_analytics.simulate.world.mail.events import CLICK, MACHINE_CLICK
from marketing_analytics.simulate.world.mail.plan import LINKS
from marketing_analytics.simulate.world.parameters import (
    DAY_US,
    SECOND_US,
    PurchaseParameters,
    WorldParameters,
)
from marketing_analytics.simulate.world.world import generate

CENT = Decimal("0.01")


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def build_in_process(out: Path, hash_seed: str) -> dict[str, str]:
    command = [sys.executable, "-c", "from marketing_analytics.cli import main; main()"]
    command += ["simulate", "build", "--seed", "5", "--customers", "120", "--days", "21"]
    subprocess.run(
        [*command, "--out", str(out)],
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
    )
    return digests(out)


def test_the_same_seed_gives_the_same_bytes_in_every_process(tmp_path):
    first = build_in_process(tmp_path / "a", "1")
    second = build_in_process(tmp_path / "b", "2")
    assert first == second
    assert len(first) == 21 + 24 + 3  # GA4 days, truth tables, world + ledger + shop


def test_another_seed_gives_another_world(tmp_path):
    ledgers = []
    for seed in (1, 2):
        parameters = WorldParameters(seed=seed, customers=60, days=14)
        ledgers.append(build_world(parameters, tmp_path / str(seed)))
    assert ledgers[0]["orders"]["gross_usd"] != ledgers[1]["orders"]["gross_usd"]


def test_a_rebuild_replaces_the_earlier_world(tmp_path):
    build_world(WorldParameters(seed=1, customers=30, days=20), tmp_path / "w")
    build_world(WorldParameters(seed=1, customers=30, days=8), tmp_path / "w")
    assert len(list((tmp_path / "w" / "ga4").iterdir())) == 8


def check_orders(world):
    parameters, orders = world.parameters, world.orders
    assert np.bincount(orders.person, minlength=parameters.buyers).min() >= 1
    assert orders.is_first.sum() == parameters.buyers
    # a guest has no account to come back to
    assert orders.is_first[orders.person >= parameters.customers].all()
    assert (np.diff(orders.ordered_us) >= 0).all()
    assert orders.ordered_us.min() >= parameters.start_us
    assert orders.ordered_us.max() < parameters.end_us
    assert (orders.total_cents >= 100).all()
    of_customer = orders.person < parameters.customers
    created = world.people.created_us[orders.person[of_customer]]
    assert (created <= orders.ordered_us[of_customer]).all()
    _, first = np.unique(orders.person, return_index=True)
    assert orders.is_first[first].all()


def check_refunds(world):
    refunds, orders = world.refunds, world.orders
    assert len(np.unique(refunds.order)) == len(refunds.order)
    assert (refunds.amount_cents <= orders.total_cents[refunds.order]).all()
    assert (refunds.amount_cents >= 1).all()
    assert (refunds.refunded_us > orders.ordered_us[refunds.order]).all()
    assert (refunds.refunded_us < world.parameters.end_us).all()


def check_sessions(world):
    sessions, people, parameters = world.sessions, world.people, world.parameters
    owner = people.device_person[sessions.device]
    # those who share devices live in one region
    assert (people.region[owner] == people.region[sessions.person]).all()
    assert (owner != sessions.person).mean() < 0.1
    assert (sessions.start_us >= parameters.start_us).all()
    assert (sessions.start_us <= sessions.end_us).all()
    assert (sessions.end_us < parameters.end_us).all()
    pairs = set(zip(sessions.device.tolist(), sessions.session_id.tolist(), strict=True))
    assert len(pairs) == sessions.count
    converting = sessions.order[sessions.order >= 0]
    assert np.array_equal(np.sort(converting), np.arange(len(world.orders.person)))
    opted_out = people.opted_out_us[sessions.person]
    assert not (sessions.is_tracked & (sessions.start_us >= opted_out)).any()
    assert ((sessions.mail >= 0) == (sessions.source == 4)).all()
    assert ((sessions.ad >= 0) == (sessions.source >= 6)).all()
    refused = (people.opted_out_us[: people.customers] < NEVER_US).sum()
    assert refused == round(parameters.customers * parameters.opted_out_share)


def check_mails(world):
    sends, events, people = world.sends, world.mail_events, world.people
    assert (sends.sent_us >= people.subscribed_us[sends.person]).all()
    assert (sends.sent_us < people.opted_out_us[sends.person]).all()
    assert len(set(zip(sends.mail.tolist(), sends.person.tolist(), strict=True))) == len(sends.mail)
    left = {}
    for person, sent, gone in zip(sends.person, sends.sent_us, sends.unsubscribed_us, strict=True):
        assert sent <= left.get(person, NEVER_US)
        left[person] = min(gone, left.get(person, NEVER_US))
    assert (events.at_us > sends.sent_us[events.send]).all()
    check_scans(world)
    clicked = set(events.send[events.kind == CLICK].tolist())
    assert set(world.sessions.mail[world.sessions.mail >= 0].tolist()) <= clicked
    assert clicked <= set(events.send[events.kind == 0].tolist())


def check_scans(world):
    """A scanner follows every link within seconds of the arrival, before any person could."""
    sends, events, people = world.sends, world.mail_events, world.people
    scans = events.kind == MACHINE_CLICK
    assert people.has_scanner[sends.person[events.send[scans]]].all()
    _, counts = np.unique(events.send[scans], return_counts=True)
    assert (counts == len(LINKS)).all()
    waits = events.at_us - sends.sent_us[events.send]
    assert (waits[scans] < 54 * SECOND_US).all()
    assert (waits[events.kind == CLICK] > 54 * SECOND_US).all()
    assert ((events.link >= 0) == np.isin(events.kind, (CLICK, MACHINE_CLICK))).all()


def check_delivery(world):
    table, catalog = world.ad_days, world.catalog
    assert (table.clicks <= table.impressions).all()
    assert (table.visits <= table.clicks).all()
    assert table.visits.sum() == (world.sessions.ad >= 0).sum()
    first = np.array([ad.first_day for ad in catalog.ads])[table.ad]
    last = np.array([ad.last_day for ad in catalog.ads])[table.ad]
    assert ((table.day >= first) & (table.day <= last)).all()
    claims = world.claims
    assert (claims.row < len(table.ad)).all()
    assert (claims.lag_us >= 0).all()
    assert (claims.lag_us <= 28 * DAY_US).all()


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**31 - 1),
    customers=st.integers(1, 90),
    days=st.integers(7, 40),
)
def test_no_seed_breaks_an_invariant(seed, customers, days):
    world = generate(WorldParameters(seed=seed, customers=customers, days=days))
    check_orders(world)
    check_refunds(world)
    check_sessions(world)
    check_mails(world)
    check_delivery(world)


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**31 - 1), customers=st.integers(1, 40), days=st.integers(7, 20))
def test_the_smallest_worlds_can_be_written(tmp_path_factory, seed, customers, days):
    folder = tmp_path_factory.mktemp("small") / "w"
    ledger = build_world(WorldParameters(seed=seed, customers=customers, days=days), folder)
    count = duckdb.sql(f"select count(*) from '{folder}/ga4/*.parquet'").fetchone()[0]
    assert ledger["ga4"]["events"] == count


def usd(world, cents: int, currency: str, day: str) -> Decimal:
    return (cents * world.rate(currency, day) / 100).quantize(CENT, ROUND_HALF_UP)


def test_the_ledger_equals_the_shop_recomputed_in_decimals(world):
    shop = sqlite3.connect(world.folder / "shop.sqlite")
    orders = shop.execute(
        "select order_id, customer_id, order_date, currency, total_cents from orders"
    ).fetchall()
    gross = sum(usd(world, cents, cur, day) for _, _, day, cur, cents in orders)
    refunds = shop.execute("select currency, refunded_at, amount_cents from refunds").fetchall()
    back = sum(usd(world, cents, cur, at[:10]) for cur, at, cents in refunds)
    totals = world.ledger["orders"]
    assert totals["count"] == len(orders)
    assert totals["gross_usd"] == str(gross)
    assert totals["refunds_usd"] == str(back)
    assert totals["net_usd"] == str(gross - back)
    customers = {row[0] for row in shop.execute("select customer_id from customers")}
    assert {row[1] for row in orders} == {*customers, None}
    for table, expected in world.ledger["raw_tables"].items():
        if table.startswith("shop."):
            (count,) = shop.execute(f"select count(*) from {table[5:]}").fetchone()
            assert count == expected["rows"]


def test_guests_order_without_an_account_and_checkout_knows_their_address(world):
    shop = sqlite3.connect(world.folder / "shop.sqlite")
    orders = shop.execute("select email, is_first_order from orders where customer_id is null")
    guests, flags = zip(*orders.fetchall(), strict=True)
    assert len(guests) == world.ledger["orders"]["of_guests"] == round(300 * 0.08)
    assert (set(flags), len(set(guests))) == ({1}, len(guests))
    assert all("@" in email for email in guests)
    customers = {row[0] for row in shop.execute("select email from customers")}
    assert not customers & set(guests)
    tracked = duckdb.sql(
        f"""
        select count(*), count(user_id) from '{world.folder}/ga4/*.parquet' as events
        inner join '{world.folder}/truth/orders.parquet' as orders
            on events.ecommerce.transaction_id = orders.order_id
        where orders.customer_id is null
        """
    ).fetchone()
    assert tracked[0] > 0.7 * len(guests)
    assert tracked[1] == 0


def test_no_rate_is_published_on_a_weekend_and_the_last_one_holds(world):
    shop = sqlite3.connect(world.folder / "shop.sqlite")
    rows = shop.execute("select rate_date from exchange_rates")
    days = {date.fromisoformat(row[0]) for row in rows}
    assert max(day.weekday() for day in days) == 4
    first, last = (date.fromisoformat(world.ledger[name]) for name in ("start_date", "end_date"))
    assert min(days) < first < last < max(days)
    exchange = build_exchange(WorldParameters(days=90, end_date=date(2026, 12, 31)))
    names = [str(day) for day in exchange.published_days.astype("datetime64[D]")]
    assert [name for name in names if "12-23" < name[5:] < "12-29"] == ["2026-12-24", "2026-12-28"]
    # from the 24th to Sunday the 27th
    assert len(set(exchange.rate(np.arange(20_811, 20_815)).tolist())) == 1


def test_consent_in_the_shop_matches_the_ledger(world):
    shop = sqlite3.connect(world.folder / "shop.sqlite")
    latest = dict(
        shop.execute(
            "select customer_id, is_granted from consents where purpose = 'analytics' "
            "order by changed_at, consent_id"
        )
    )
    assert len(latest) == 300
    assert sum(not granted for granted in latest.values()) == 15
    lapsed = world.truth("people").column("lapsed_at").drop_null()
    assert world.ledger["customers"] == {"count": 300, "opted_out": 15, "lapsed": len(lapsed)}


def test_the_ga4_export_matches_the_ledger_and_the_shop(world):
    source = f"read_parquet('{world.folder}/ga4/*.parquet', filename = true)"
    query = f"""
        with flat as (
            select *, list_extract(list_filter(event_params, p -> p.key = 'ga_session_id'), 1)
                .value.int_value as session
            from {source}
        )
        select count(*), count(distinct (user_pseudo_id, session)),
            count(*) filter (event_name = 'purchase'),
            count(distinct ecommerce.transaction_id),
            count(*) filter (
                filename not like '%events_' || event_date || '.parquet'
                or strftime(make_timestamp(event_timestamp), '%Y%m%d') != event_date
            ),
            count(*) filter (device.web_info.browser = 'HeadlessChrome')
        from flat
    """
    events, sessions, purchases, transactions, misplaced, bots = duckdb.sql(query).fetchone()
    ledger = world.ledger["ga4"]
    assert (events, sessions, purchases) == (
        ledger["events"],
        ledger["sessions"],
        ledger["purchases"],
    )
    assert transactions == purchases
    assert misplaced == 0
    assert bots == ledger["bot_events"]
    assert 0.8 < purchases / world.ledger["orders"]["count"] < 0.97
    wrong = duckdb.sql(
        f"""
        select count(*) from {source} e join '{world.folder}/truth/orders.parquet' o
        on e.ecommerce.transaction_id = o.order_id
        where round(e.ecommerce.purchase_revenue * 100) != o.total_cents or not o.is_tracked
        """
    ).fetchone()[0]
    assert wrong == 0


def test_utm_and_click_ids_follow_the_conventions(world):
    rows = duckdb.sql(
        f"""
        select collected_traffic_source.manual_source, collected_traffic_source.manual_medium,
            collected_traffic_source.manual_campaign_id, collected_traffic_source.gclid,
            list_extract(list_filter(event_params, p -> p.key = 'page_location'), 1)
                .value.string_value
        from '{world.folder}/ga4/*.parquet' where event_name = 'session_start'
        """
    ).fetchall()
    campaigns = {row["campaign_id"] for row in world.truth("campaigns").to_pylist()}
    kinds = Counter((source, medium) for source, medium, *_ in rows)
    for kind in (
        ("facebook", "paid_social"),
        ("instagram", "paid_social"),
        ("google", "cpc"),
        ("google", "organic"),
        ("linkedin", "paid_social"),
        ("mailchimp", "email"),
        (None, None),
    ):
        assert kinds[kind] > 0, kind
    assert any(gclid and not source for source, _, _, gclid, _ in rows)
    for source, medium, campaign_id, gclid, page in rows:
        if medium in {"cpc", "paid_social"}:
            assert campaign_id in campaigns
        if (source, medium) == ("google", "cpc"):
            assert gclid
            assert f"gclid={gclid}" in page
        if source == "facebook":
            assert "fbclid=" in page
        if source == "linkedin":
            assert "li_fat_id=" in page


def test_some_devices_are_shared_and_some_campaigns_were_renamed(world):
    sessions = world.truth("sessions").to_pylist()
    owner = {row["user_pseudo_id"]: row["person"] for row in world.truth("devices").to_pylist()}
    borrowed = sum(owner[row["user_pseudo_id"]] != row["person"] for row in sessions)
    assert 0.005 < borrowed / len(sessions) < 0.05
    names = duckdb.sql(
        f"""
        select distinct collected_traffic_source.manual_campaign_name
        from '{world.folder}/ga4/*.parquet'
        """
    ).fetchall()
    assert {("us_search_non_brand",), ("us_search_generic",)} <= set(names)


def test_who_comes_back_from_paying_brings_the_payment_page_as_referrer(world):
    rows = duckdb.sql(
        f"""
        select collected_traffic_source.manual_source, count(*),
            count(*) filter (list_contains(list_transform(event_params,
                p -> p.value.string_value), 'https://checkout.shop.example/'))
        from '{world.folder}/ga4/*.parquet'
        where event_name = 'page_view' and list_contains(
            list_transform(event_params, p -> p.value.string_value),
            'https://www.shop.example/checkout/thank-you')
        group by all
        """
    ).fetchall()
    found = {source: (count, own) for source, count, own in rows}
    assert set(found) == {"paypal.com", None}
    assert 0.15 < found["paypal.com"][0] / sum(count for count, _ in found.values()) < 0.25
    assert found[None][1] > 20


def test_platforms_claim_more_than_they_cause(world):
    caused = world.ledger["incremental_conversions"]
    claimed = sum(Decimal(p["conversions"]) for p in world.ledger["claimed"].values())
    assert claimed > 1.5 * (caused["paid_social"] + caused["paid_search"])
    total = sum(world.truth("incremental_conversions")["conversions"].to_pylist())
    assert total == sum(caused.values()) < world.ledger["orders"]["count"]


def hyp2f1(a: float, b: float, c: float, z: np.ndarray) -> np.ndarray:
    """Gauss's series, enough terms for z below 0.9."""
    term = np.ones_like(z)
    total = np.ones_like(z)
    for n in range(400):
        term = term * (a + n) * (b + n) / ((c + n) * (n + 1)) * z
        total += term
    return total


def test_repeat_purchases_follow_the_bg_nbd_expectation():
    # E[X(t)] of Fader, Hardie, Lee (2005), equation 9, averaged over the time observed
    parameters = WorldParameters(seed=8, customers=40_000, days=180, purchases=PurchaseParameters())
    from marketing_analytics.simulate.world.customers.purchases import Woken, build_orders

    rng = np.random.default_rng(8)
    nobody = np.zeros(0, dtype=np.int64)
    first = parameters.start_us + rng.integers(0, 180 * 86_400, 40_000) * 1_000_000
    is_eur = np.zeros(parameters.customers, dtype=bool)
    orders, _ = build_orders(parameters, first, is_eur, Woken(nobody, nobody, nobody))
    p = parameters.purchases
    t = (parameters.end_us - first) / (7 * DAY_US)
    grown = hyp2f1(p.r, p.b, p.a + p.b - 1, t / (p.alpha_weeks + t))
    factor = (p.a + p.b - 1) / (p.a - 1)
    expected = (factor * (1 - (p.alpha_weeks / (p.alpha_weeks + t)) ** p.r * grown)).sum()
    assert (~orders.is_first).sum() == pytest.approx(expected, rel=0.02)
    mean = p.p * p.gamma / (p.q - 1)
    assert orders.total_cents[orders.is_first].mean() / 100 == pytest.approx(mean, rel=0.02)


@pytest.mark.slow
def test_the_default_world_is_plausible(tmp_path):
    ledger = build_world(WorldParameters(), tmp_path / "w")
    assert 8_000 <= ledger["orders"]["count"] <= 12_000
    assert 500_000 <= ledger["ga4"]["events"] <= 1_000_000
    assert 0.01 <= ledger["orders"]["count"] / ledger["ga4"]["sessions"] <= 0.042
    for platform, spend in ledger["spend"].items():
        assert 0.005 <= spend["clicks"] / spend["impressions"] <= 0.04
        ratio = Decimal(ledger["claimed"][platform]["value_usd"]) / Decimal(spend["usd"])
        # two in three whom LinkedIn brings never click there
        assert (0.2 if platform == "linkedin_ads" else 1) <= ratio <= 6, platform
