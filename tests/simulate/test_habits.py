"""What is seen of customers before they leave, and the ways they come by habit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from marketing_analytics.simulate.world.customers import purchases
from marketing_analytics.simulate.world.customers.people import NEVER_US
from marketing_analytics.simulate.world.customers.purchases import (
    NO_MAIL,
    Orders,
    build_refunds,
    refund_chances,
)
from marketing_analytics.simulate.world.customers.ties import Ties, interest, usual_ways
from marketing_analytics.simulate.world.demand.meetings import AD_KINDS
from marketing_analytics.simulate.world.mail.events import OPEN
from marketing_analytics.simulate.world.parameters import (
    DAY_US,
    HabitParameters,
    WorldParameters,
)
from marketing_analytics.simulate.world.tables import people_table
from marketing_analytics.simulate.world.web.visits import CHANNELS, EMAIL_SOURCE, FREE_SOURCES
from marketing_analytics.simulate.world.world import World, generate

ROOT = Path(__file__).resolve().parents[2]
PARAMETERS = WorldParameters(seed=4, customers=2_500, days=240)


@pytest.fixture(scope="module")
def world() -> World:
    return generate(PARAMETERS)


def test_interest_fades_before_a_customer_lapses_and_little_is_left() -> None:
    ties = Ties(np.ones(2), np.ones(2), np.array([100 * DAY_US, NEVER_US]))
    days = np.array([0, 72, 86, 100, 200])
    person = np.zeros(5, dtype=np.int64)
    assert interest(PARAMETERS, ties, person, days * DAY_US) == pytest.approx(
        [1, 1, 0.55, 0.1, 0.1]
    )
    # neither who stays nor who never was a customer loses any
    for other in (1, 2):
        assert (interest(PARAMETERS, ties, person + other, days * DAY_US) == 1).all()


def test_a_refund_raises_the_hazard_of_leaving_and_changes_neither_share() -> None:
    count = 200_000
    rng = np.random.default_rng(1)
    leave = rng.beta(0.79, 2.43, count)
    leaves = rng.random(count) < leave
    ordered = np.arange(count) * 1_000_000 + 1
    orders = Orders(
        person=np.arange(count), ordered_us=ordered, total_cents=np.full(count, 1_000),
        is_first=np.zeros(count, dtype=bool), is_eur=np.zeros(count, dtype=bool),
        mail=np.full(count, NO_MAIL),
    )  # fmt: skip
    ties = Ties(np.ones(count), leave, np.where(leaves, ordered, NEVER_US))
    chances = refund_chances(PARAMETERS, orders, ties)
    assert chances.mean() == pytest.approx(PARAMETERS.refund_share, rel=0.02)
    # who gave it back leaves as after three purchases: by Bayes' rule, in each band of chances
    for low, high in ((0.0, 0.1), (0.2, 0.3), (0.5, 0.6)):
        band = (leave >= low) & (leave < high)
        found = np.average(leaves[band], weights=chances[band])
        hazard = PARAMETERS.habits.refund_hazard
        assert found == pytest.approx((1 - (1 - leave[band]) ** hazard).mean(), abs=0.02)


def test_first_and_woken_orders_are_given_back_as_ever(world: World) -> None:
    chances = refund_chances(world.parameters, world.orders, world.ties)
    usual = world.orders.is_first | (world.orders.mail != NO_MAIL)
    assert (chances[usual] == world.parameters.refund_share).all()
    assert len(np.unique(chances[~usual])) > 1_000


def test_a_customer_lapses_with_a_purchase_and_only_mails_bring_them_back(world: World) -> None:
    orders, lapsed = world.orders, world.ties.lapsed_us
    gone = np.flatnonzero(lapsed < NEVER_US)
    assert len(gone) > 200
    own = (orders.mail == NO_MAIL) & ~orders.is_first
    last = np.zeros(world.parameters.customers, dtype=np.int64)
    np.maximum.at(last, orders.person[own], orders.ordered_us[own])
    assert (last[gone] == lapsed[gone]).all()
    assert (world.ties.lapsed_of(np.arange(world.people.count))[len(lapsed) :] == NEVER_US).all()


def visits_a_day(world: World, from_days: float, to_days: float) -> float:
    """Return idle visits a day of those who lapse, so many days after they do."""
    sessions, lapsed = world.sessions, world.ties.lapsed_us
    low, high = lapsed + int(from_days * DAY_US), lapsed + int(to_days * DAY_US)
    gone = (lapsed < NEVER_US) & (low >= world.parameters.start_us)
    gone &= high <= world.parameters.end_us
    idle = (sessions.journey_order < 0) & (sessions.person < len(lapsed))
    person, start_us = sessions.person[idle], sessions.start_us[idle]
    within = gone[person] & (start_us >= low[person]) & (start_us < high[person])
    return float(within.sum() / gone.sum() / (to_days - from_days))


def test_who_leaves_comes_less_and_reads_less(world: World) -> None:
    before, fading, after = (visits_a_day(world, *days) for days in ((-56, -28), (-14, 0), (0, 60)))
    assert after < 0.25 * before
    assert after < fading < 0.8 * before
    sends, lapsed = world.sends, world.ties.lapsed_of(world.sends.person)
    is_read = np.zeros(len(sends.person), dtype=bool)
    is_read[world.mail_events.send[world.mail_events.kind == OPEN]] = True
    early, late = sends.sent_us < lapsed - 28 * DAY_US, sends.sent_us > lapsed
    will_lapse = lapsed < NEVER_US
    # who clicks has opened, also when lapsed: a mail may still wake them
    assert is_read[late].mean() < 0.5 * is_read[early & will_lapse].mean()


def test_people_come_again_by_the_way_they_like_best(world: World) -> None:
    sessions, ways = world.sessions, usual_ways(world.parameters, world.people)
    usual = ways.usual
    known = sessions.person < world.parameters.customers
    # later visits alone: the way to the first order is the market's
    idle = known & (sessions.journey_order < 0)
    free = idle & (sessions.source < EMAIL_SOURCE)
    for source in range(EMAIL_SOURCE):
        likes = usual[sessions.person] == source
        share = (sessions.source[free & likes] == source).mean()
        others = (sessions.source[free & ~likes] == source).mean()
        assert share > others + 0.4, FREE_SOURCES[source]
    by_ad = sessions.ad >= 0
    types_it = usual[sessions.person] == 0
    assert by_ad[idle & types_it].mean() < 0.6 * by_ad[idle & (usual[sessions.person] == 1)].mean()
    ads = idle & (sessions.source > EMAIL_SOURCE)
    channels = np.array(CHANNELS)[sessions.source]
    for number, kind in enumerate(AD_KINDS):
        follows = ways.followed[sessions.person] == number
        assert (channels[ads & follows] == kind).mean() > 0.6
        assert (channels[ads & ~follows] == kind).mean() < 0.5


def test_habits_change_no_order_and_no_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also without them: the same orders, and the same are missing without each part."""
    small = {"seed": 2, "customers": 150, "days": 60}
    one = generate(WorldParameters(**small))
    habits = HabitParameters(
        interest_left=1.0, visits_per_purchase=0.0, refund_hazard=1.0, habit_share=0.0,
        meets_ads=(1.0,) * 5,
    )  # fmt: skip
    another = generate(WorldParameters(**small, habits=habits))
    for name in Orders.__dataclass_fields__:
        assert np.array_equal(getattr(one.orders, name), getattr(another.orders, name)), name
    assert np.array_equal(one.causes.order, another.causes.order)
    assert np.array_equal(one.causes.part, another.causes.part)
    assert one.sessions.count > another.sessions.count
    # with a hazard of 1 the refunds are those of chance alone
    monkeypatch.setattr(purchases, "refund_chances", lambda p, o, _: np.full(len(o.person), 0.05))
    by_chance = build_refunds(another.parameters, another.orders, another.ties)
    assert np.array_equal(by_chance.order, another.refunds.order)


def test_nothing_outside_of_the_simulation_knows_the_truth(world: World) -> None:
    """What the world alone knows of people is named by no model and by no command."""
    secrets = {"lapsed_at", "lapsed_us", "usual_source", "followed_ads"}
    assert {"lapsed_at", "usual_source", "followed_ads"} <= set(people_table(world).column_names)
    read = 0
    for folder in ("transform", "marketing_analytics"):
        for path in sorted((ROOT / folder).rglob("*")):
            is_text = path.suffix in {".py", ".sql", ".yml", ".csv"}
            if not is_text or (ROOT / "marketing_analytics" / "simulate") in path.parents:
                continue
            text, read = path.read_text(encoding="utf-8"), read + 1
            assert not [name for name in secrets if name in text], path
            assert "truth/" not in text, path
    assert read > 500
