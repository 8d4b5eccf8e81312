"""Spend follows demand but for planned pauses, and what is taken out takes its orders along."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest

from marketing_analytics.simulate.world.build import build_world
from marketing_analytics.simulate.world.demand.causes import TACTIC, missing_without
from marketing_analytics.simulate.world.demand.plan import HOLD_OUT, SWITCH_OFF
from marketing_analytics.simulate.world.demand.regions import IS_EUR, REGIONS
from marketing_analytics.simulate.world.demand.tactics import AFFILIATE_LIFT, TACTICS
from marketing_analytics.simulate.world.parameters import WorldParameters
from marketing_analytics.simulate.world.world import generate


@pytest.fixture(scope="module")
def world():
    """Return a world large enough for shares."""
    return generate(WorldParameters(seed=5, customers=1_500, days=90))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Return a written world's folder, its ledger and the same world in memory."""
    parameters = WorldParameters(seed=6, customers=200, days=40)
    folder = tmp_path_factory.mktemp("caused") / "w"
    return folder, build_world(parameters, folder), generate(parameters)


def truth(folder, name):
    return pq.read_table(folder / "truth" / f"{name}.parquet").to_pylist()


def test_twenty_regions_of_two_markets_with_their_own_sizes(world):
    assert (len(REGIONS), int(IS_EUR.sum())) == (20, 8)
    people = np.bincount(world.people.region, minlength=20)
    assert people.min() > 0
    assert people.max() > 3 * people.min()
    assert (world.people.is_eur == IS_EUR[world.people.region]).all()


def test_spend_follows_demand(world):
    plan = world.market.plan
    daily = plan.campaign_cents.sum(axis=(0, 1))
    assert np.corrcoef(daily, plan.demand.mean(axis=0))[0, 1] > 0.3


def test_nothing_is_spent_where_a_tactic_is_paused_and_nobody_comes_through_it(world):
    plan, sessions = world.market.plan, world.sessions
    tactics = [campaign.tactic for campaign in plan.catalog.campaigns]
    ads = [tactics[i] for i in plan.ad_campaign]
    region = world.people.region[sessions.person]
    kinds = Counter(pause.kind for pause in plan.pauses)
    assert kinds[HOLD_OUT] > 100
    assert kinds[SWITCH_OFF] == 4 * len(REGIONS)
    for pause in plan.pauses:
        days = slice(pause.first_day - plan.start_day, pause.last_day + 1 - plan.start_day)
        mine = [i for i, tactic in enumerate(tactics) if tactic == pause.tactic]
        assert plan.campaign_cents[mine, pause.region, days].sum() == 0
        through = np.array([tactic == pause.tactic for tactic in ads])[sessions.ad]
        through &= (sessions.ad >= 0) & (region == pause.region)
        through &= (sessions.ad_day >= pause.first_day) & (sessions.ad_day <= pause.last_day)
        assert not through.any()


def test_a_hold_out_leaves_other_regions_alone(world):
    plan = world.market.plan
    pause = next(p for p in plan.pauses if p.kind == HOLD_OUT and p.tactic == "brand_search")
    others = {p.region for p in plan.pauses if p.tactic == "brand_search" and p.kind == HOLD_OUT}
    free = [r for r in range(len(REGIONS)) if r not in others]
    mine = [i for i, c in enumerate(plan.catalog.campaigns) if c.tactic == "brand_search"]
    spent = plan.campaign_cents[mine][:, free, pause.first_day - plan.start_day].sum(axis=0)
    assert (spent > 0).any()


def test_what_platforms_report_is_what_was_planned(world):
    by_ad = world.market.plan.ad_cents.sum(axis=(1, 2))
    reported = np.bincount(world.ad_days.ad, world.ad_days.spend_cents, minlength=len(by_ad))
    assert np.array_equal(by_ad, reported.astype(np.int64))


def test_rates_are_those_of_real_shops(world):
    orders = len(world.orders.person)
    assert 0.01 <= orders / world.sessions.count <= 0.04
    assert (np.bincount(world.orders.person) == 1).mean() > 0.5
    usd = world.exchange.usd_cents(
        world.orders.total_cents, world.orders.is_eur, world.orders.day
    ).sum()
    assert 2 <= usd / world.ad_days.spend_cents.sum() <= 6


def test_exactly_as_many_buy_as_the_world_has_customers_and_guests(world):
    assert world.market.buyers().sum() == 1_500 + 120


def test_less_spend_only_takes_orders_away(world):
    market = world.market
    bought = market.buyers()
    half = market.buyers(market.plan.campaign_cents // 2)
    none = market.buyers(market.plan.campaign_cents * 0)
    assert (half <= bought).all()
    assert (none <= half).all()
    assert 0.5 * bought.sum() < none.sum() < half.sum() < bought.sum()
    # nobody comes through an ad that was never shown
    assert (market.shoppers.campaign[none] < 0).all()


def test_two_halves_of_the_spend_do_not_bring_half_each(world):
    market = world.market
    bought, half = market.buyers(), market.buyers(market.plan.campaign_cents // 2)
    none = market.buyers(market.plan.campaign_cents * 0)
    assert half.sum() - none.sum() > bought.sum() - half.sum()


def pressure_by_hand(tactic, spend, usual):
    """Return the pressure per day in plain Python, from the definition."""
    result = []
    weights = [
        0.0 if age < tactic.lag_days else 0.5 ** ((age - tactic.lag_days) / tactic.half_life_days)
        for age in range(29)
    ]
    for day in range(len(spend)):
        total = sum(w * spend[day - age] for age, w in enumerate(weights) if age <= day)
        result.append(total / sum(weights) / usual)
    return result


def buys_by_hand(market, without):
    """Return who buys in plain Python when a tactic is taken out: one shopper after the other."""
    plan, shoppers = market.plan, market.shoppers
    campaigns, effects = plan.catalog.campaigns, {}
    for i, campaign in enumerate(campaigns):
        tactic = TACTICS[campaign.tactic]
        for region in range(len(REGIONS)):
            usual = plan.usual_cents[i, region]
            spend = plan.campaign_cents[i, region].tolist()
            if usual == 0 or campaign.tactic == without:
                spend = [0] * len(spend)
            for day, p in enumerate(pressure_by_hand(tactic, spend, usual or 1.0)):
                half = tactic.half_saturation
                effects[i, region, day] = (1 + half) * p / (p + half)
    result = []
    for k in range(shoppers.count):
        region, day = int(shoppers.region[k]), int(shoppers.day[k])
        lift = 1.0 + AFFILIATE_LIFT * bool(plan.affiliates_run[region, day])
        for i, campaign in enumerate(campaigns):
            tactic = TACTICS[campaign.tactic]
            if not tactic.needs_visit or market.has_visited[k]:
                lift += tactic.lift * effects[i, region, day]
        brought_by = int(shoppers.campaign[k])
        is_here = brought_by < 0 or campaigns[brought_by].tactic != without
        result.append(is_here and shoppers.luck[k] < shoppers.chance[k] * lift * market.scale)
    return np.array(result)


@pytest.mark.parametrize("tactic", ["prospecting", "retargeting"])
def test_the_counterfactual_is_that_of_the_definition(built, tactic):
    _, ledger, world = built
    buys = buys_by_hand(world.market, tactic)
    orders = world.orders
    is_missing = ~buys[world.buyers.shopper][orders.person]
    assert is_missing.sum() == ledger["caused"]["tactics"][tactic]["orders"] > 0
    part = next(p for p in world.causes.parts if p.level == TACTIC and p.tactic == tactic)
    found = missing_without(world.market, world.buyers, orders, part)
    assert np.array_equal(found, is_missing)


def test_mails_cause_orders_of_known_customers_who_got_them(world):
    orders, mails = world.orders, world.mail_plan.mails
    woken = np.flatnonzero(orders.mail >= 0)
    assert len(woken) > 10
    assert not orders.is_first[woken].any()
    sent = set(zip(world.sends.mail.tolist(), world.sends.person.tolist(), strict=True))
    for order in woken.tolist():
        mail, customer = int(orders.mail[order]), int(orders.person[order])
        assert (mail, customer) in sent
        assert mails[mail].sent_us < orders.ordered_us[order]
    assert len(world.causes.orders_of("email")) == len(woken)


def test_the_tables_of_truth_say_what_the_ledger_says(built):
    folder, ledger, _ = built
    rows = truth(folder, "caused")
    usd = {row["order_id"]: row["total_usd_cents"] for row in truth(folder, "orders")}
    pairs = truth(folder, "caused_orders")
    for level, key in (("channel",) * 2, ("tactic",) * 2, ("campaign", "campaign_id")):
        for name, totals in ledger["caused"][f"{level}s"].items():
            mine = [r for r in rows if r["level"] == level and r[key] == name]
            assert sum(r["caused_orders"] for r in mine) == totals["orders"]
            revenue = sum(r["caused_revenue_usd_cents"] for r in mine)
            assert f"{revenue / 100:.2f}" == totals["revenue_usd"]
            assert f"{sum(r['spend_usd_cents'] for r in mine) / 100:.2f}" == totals["spend_usd"]
            orders = [p["order_id"] for p in pairs if p["level"] == level and p[key] == name]
            assert len(orders) == totals["orders"]
            assert sum(usd[order] for order in orders) == revenue
    assert json.loads((folder / "world.json").read_text())["format_version"] == 3
    spent = sum(r["spend_usd_cents"] for r in rows if r["level"] == "campaign")
    platforms = sum(float(p["usd"]) for p in ledger["spend"].values())
    # rounded per region instead of per ad or campaign
    assert spent / 100 == pytest.approx(platforms, rel=0.01)
    assert len(truth(folder, "regions")) == len({r["region"] for r in truth(folder, "orders")})


def test_every_campaign_region_and_day_has_its_curve_beside_what_it_caused(built):
    folder, ledger, _ = built
    rows = truth(folder, "response")
    assert len({(r["campaign_id"], r["region"], r["date"]) for r in rows}) == len(rows)
    for name, totals in ledger["caused"]["campaigns"].items():
        mine = [r for r in rows if r["campaign_id"] == name]
        # newsletters have no spend and no curve
        if mine:
            assert sum(r["caused_orders"] for r in mine) == totals["orders"]
            spent = sum(r["spend_usd_cents"] for r in mine)
            assert f"{spent / 100:.2f}" == totals["spend_usd"]
    regions, channels = ledger["caused"]["regions"], ledger["caused"]["channels"]
    assert len(regions) == 20
    for channel, totals in channels.items():
        assert sum(found[channel]["orders"] for found in regions.values()) == totals["orders"]


def test_the_response_table_is_on_its_curve_and_sums_to_what_was_caused(world):
    from marketing_analytics.simulate.world.demand.truth import response_table

    table = response_table(world)
    columns = {n: table[n].to_numpy() for n in table.column_names if n != "date"}
    stock, half = columns["adstock_cents"], columns["half_saturation_cents"]
    expected = columns["ceiling_orders"] * stock / (stock + half)
    assert columns["expected_orders"] == pytest.approx(expected)
    assert (columns["marginal_orders_per_unit"] >= 0).all()
    caused = {
        part.tactic: world.orders.is_first[world.causes.order[world.causes.part == i]].sum()
        for i, part in enumerate(world.causes.parts)
        if part.level == TACTIC
    }
    for tactic in ("prospecting", "generic_search"):
        wanted = columns["expected_orders"][columns["tactic"] == tactic].sum()
        assert caused[tactic] == pytest.approx(wanted, abs=4 * wanted**0.5 + 0.15 * wanted)


def test_the_region_stands_in_the_export(built):
    folder, _, _ = built
    table = pq.read_table(min((folder / "ga4").iterdir()), columns=["geo"])
    names = {geo["region"] for geo in table["geo"].to_pylist()}
    assert names <= {*(region.name for region in REGIONS), "Virginia"}
    assert len(names) > 10
