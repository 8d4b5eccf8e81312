"""Markov chains, Shapley values and paths, held against linear equations and published figures.

The published chains are counts of the path data of the Python package mta 0.0.9 (MIT licence), the
example data of ChannelAttribution: 88,387 journeys over 12 channels, states of one to three
touches, revenue times 1e8. The figures were made from the paths by a solver of its own.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from exact_chains import Journey, chain_of, shapley, value
from journey_tables import WALK, connect, run, run_journeys
from small_warehouse import Warehouse

pytestmark = pytest.mark.system
WINDOWS_DAYS = (7, 30, 90)
# credit is a difference of running totals of six decimals
ROUNDING = 1.000001e-6
TYPES = {
    "all": {"first_order", "repeat_order"},
    "first_order": {"first_order"},
    "repeat_order": {"repeat_order"},
}
# conversions and value of orders 1, 2 and 3, then the Shapley value's conversions
PUBLISHED = {
    "alpha": (
        5344.947682,
        18799.170626,
        5617.453854,
        19194.515704,
        5748.098650,
        19409.809824,
        6752.817919,
    ),
    "beta": (
        2527.352167,
        9687.809216,
        2439.648976,
        9759.590909,
        2405.534040,
        9749.211539,
        2079.957535,
    ),
    "delta": (4.613618, 13.918384, 5.159056, 14.469892, 5.070844, 14.240488, 3.047138),
    "epsilon": (
        599.570650,
        2348.653825,
        614.373524,
        2395.633926,
        623.432061,
        2431.868863,
        407.423432,
    ),
    "eta": (
        3340.847402,
        12991.736667,
        3391.858163,
        13007.576455,
        3396.070645,
        12982.208639,
        3534.236028,
    ),
    "gamma": (171.145443, 719.236746, 171.918183, 747.036066, 178.482808, 787.060922, 138.113373),
    "iota": (
        3884.614702,
        14978.437288,
        3810.511044,
        14851.058994,
        3791.029167,
        14833.743301,
        3851.428111,
    ),
    "kappa": (
        274.363256,
        1136.092538,
        266.027054,
        1132.757839,
        264.239346,
        1135.045029,
        187.908110,
    ),
    "lambda": (
        1282.847223,
        5142.720297,
        1189.472022,
        4861.827308,
        1150.740020,
        4756.692687,
        1111.847880,
    ),
    "mi": (1.722425, 5.444509, 2.073189, 6.191593, 2.126775, 6.262322, 1.925743),
    "theta": (
        1971.912880,
        7511.048475,
        1902.473610,
        7392.077194,
        1849.812647,
        7275.253092,
        1501.359121,
    ),
    "zeta": (381.062553, 1468.703015, 374.031325, 1440.235707, 370.362997, 1421.574882, 214.935609),
}
FIRST, SECOND, COVERED, REFUNDED, LONG, RANDOM = 1, 2, 3, 4, 5, 6
A, B, C = 10, 20, 30
# the share of the long journeys that go on at each touch: thirteen touches in the mean
GOES_ON = 0.925


def worlds() -> dict[int, list[Journey]]:
    """Return the examples of a hand's size, and random journeys with campaigns and refunds."""
    found = {
        FIRST: [Journey((A, B, C), 1.0), Journey((A,), None), Journey((B, C), None)],
        SECOND: [
            Journey((A, B), 100.0), Journey((A,), None), Journey((B,), 50.0), Journey((B,), None),
            Journey((A, B, A), 80.0), Journey((A, B, A), None),
        ],
        COVERED: [
            Journey(nodes, 1.0)
            for nodes, count in (
                ((A,), 10), ((B,), 5), ((C,), 2), ((A, B), 12), ((C, A), 4), ((B, C), 6),
                ((A, B, A, C), 9),
            )
            for _ in range(count)
        ],
        REFUNDED: [Journey((A, B), -0.03), Journey((B,), 0.01), Journey((C,), None)],
        LONG: long_journeys(300),
    }  # fmt: skip
    rng = random.Random(20261128)
    for world in range(RANDOM, RANDOM + 8):
        nodes = [rng.randint(1, 7) * 10 + rng.randint(0, 2) for _ in range(rng.randint(1, 12))]
        found[world] = [
            Journey(
                tuple(rng.choice(nodes) for _ in range(min(1 + int(rng.expovariate(0.4)), 9))),
                rng.choice([None, None, 0.0, rng.randint(-500, 9_000) / 100]),
                rng.choice(["first_order", "repeat_order"]),
            )
            for _ in range(rng.randint(1, 120))
        ]
    return found


def long_journeys(count: int) -> list[Journey]:
    """Return journeys to and fro between two channels, as long as by chance; a third converts."""
    lengths = [
        1 + math.floor(math.log((number + 0.5) / count) / math.log(GOES_ON))
        for number in range(count)
    ]
    return [
        Journey(tuple((A, B)[step % 2] for step in range(length)), None if index % 3 else 60.0)
        for index, length in enumerate(lengths)
    ]


@dataclass(frozen=True)
class Solved:
    """The worlds, and the tables that SQL made of them."""

    worlds: dict[int, list[Journey]]
    tables: duckdb.DuckDBPyConnection

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self.tables.execute(sql).fetchall()

    def journeys(self, world: int, level: str, conversion_type: str) -> list[Journey]:
        """Return the journeys of a world over channels or campaigns."""
        return [
            replace(j, nodes=tuple(n // 10 * 10 for n in j.nodes)) if level == "channel" else j
            for j in self.worlds[world]
            if j.kind in TYPES[conversion_type]
        ]


@pytest.fixture(scope="module")
def solved(built: Warehouse) -> Solved:
    made = worlds()
    return Solved(made, run_journeys(built.target, made))


def number(channel: str, campaign_id: str | None) -> int:
    """Return the number of a node in a world."""
    return int(campaign_id) if campaign_id else int(channel[1:]) * 10


def test_removals_of_every_order_equal_linear_equations(solved: Solved) -> None:
    rows = solved.query(
        "select path_level, markov_order, window_days, conversion_type, channel, campaign_id,"
        " conversions_per_journey, revenue_per_journey, residual_mass from int_markov__effects"
        " left join int_journeys__nodes using (path_level, node_id)"
    )
    assert {row[:2] for row in rows} == {*(("channel", n) for n in (1, 2, 3)), ("campaign", 1)}
    chains: dict[Any, Any] = {}
    for level, order, world, kind, channel, campaign_id, conversions, revenue, residual in rows:
        key = (level, order, world, kind)
        if key not in chains:
            chains[key] = chain_of(solved.journeys(world, level, kind), order)
        removed = [number(channel, campaign_id)] if channel else []
        # what still walks after the last step bounds the error: a dozen journeys may walk long
        expected = value(chains[key], removed)
        assert conversions == pytest.approx(expected[0], abs=1e-9 + residual)
        assert revenue == pytest.approx(expected[1], abs=1e-9 + 100 * residual)
    assert sum(row[-1] < 1e-12 for row in rows) > 0.8 * len(rows)


def test_long_journeys_end_within_the_steps(solved: Solved) -> None:
    rows = solved.query(
        "select markov_order, max(residual_mass) from int_markov__effects"
        f" where window_days = {LONG} and node_id = 0 group by all"
    )
    # 128 steps would leave 4.6e-5 of them
    left = dict(rows)
    assert set(left) == {1, 2, 3}
    assert all(0 < residual < 1e-6 for residual in left.values()), left


def test_shapley_values_equal_all_coalitions_and_add_up(solved: Solved) -> None:
    rows = solved.query(
        "select window_days, conversion_type, channel, conversions_per_journey,"
        " revenue_per_journey from int_shapley__effects"
        " join int_journeys__nodes using (path_level, node_id) where path_level = 'channel'"
    )
    found: dict[Any, dict[int, tuple[float, float]]] = defaultdict(dict)
    for world, kind, channel, conversions, revenue in rows:
        found[world, kind][number(channel, None)] = (conversions, revenue)
    for (world, kind), values in found.items():
        chain = chain_of(solved.journeys(world, "channel", kind), 1)
        expected = shapley(chain, sorted(values))
        assert values.keys() == expected.keys()
        for player, worth in expected.items():
            assert values[player] == pytest.approx(worth, abs=1e-9)
        whole = [sum(worth[i] for worth in values.values()) for i in (0, 1)]
        assert whole == pytest.approx(value(chain), abs=1e-9)


def credited(solved: Solved, world: int, model: str) -> list[float]:
    """Return the credit of every channel of a world, all conversion types together."""
    rows = solved.query(
        "select credit from fct_path_attribution where path_level = 'channel' and node_id > 0"
        f" and window_days = {world} and model = '{model}' and conversion_type = 'all'"
        " order by channel"
    )
    return [float(credit) for (credit,) in rows]


def test_examples_of_a_hands_size_give_the_published_shares(solved: Solved) -> None:
    assert credited(solved, FIRST, "markov_1") == pytest.approx([0.2, 0.4, 0.4], abs=ROUNDING)
    assert credited(solved, FIRST, "shapley") == pytest.approx(
        [1 / 6, 5 / 12, 5 / 12], abs=ROUNDING
    )
    assert credited(solved, SECOND, "markov_1") == pytest.approx(
        [1.455882, 1.544118], abs=2 * ROUNDING
    )
    shares = [43 / 180 * 6, 47 / 180 * 6]
    assert credited(solved, SECOND, "shapley") == pytest.approx(shares, abs=ROUNDING)


def test_the_coverage_game_is_linear_and_the_game_of_the_chain_is_not(solved: Solved) -> None:
    rows = solved.query(
        "select conversions from int_journeys__coverage where path_level = 'channel'"
        f" and window_days = {COVERED} and conversion_type = 'all' order by node_id"
    )
    linear = [conversions for (conversions,) in rows]
    assert linear == pytest.approx([21, 17, 10])
    chained = credited(solved, COVERED, "shapley")
    assert sum(chained) == pytest.approx(48)
    assert max(abs(a - b) for a, b in zip(chained, linear, strict=True)) > 0.5


def test_credit_and_revenue_add_up_exactly_and_campaigns_to_channels(solved: Solved) -> None:
    rows = solved.query(
        "select window_days, model, path_level, conversion_type, sum(credit), sum(revenue_usd),"
        " min(credit), min(revenue_usd) from fct_path_attribution where node_id > 0"
        " group by all"
    )
    assert len(rows) > 100
    for world, _, _, kind, credit, revenue, least, least_revenue in rows:
        ended = [
            j.revenue for j in solved.journeys(world, "channel", kind) if j.revenue is not None
        ]
        total = sum((Decimal(f"{amount:.2f}") for amount in ended), Decimal(0))
        assert (credit, revenue) == (len(ended), total)
        assert least >= 0
        assert least_revenue >= 0 or total < 0
    apart = solved.query(
        "select max(abs(difference)) from (select sum(case path_level when 'channel' then credit"
        " else -credit end) as difference from fct_path_attribution where model = 'shapley'"
        " group by window_days, conversion_type, channel)"
    )
    assert apart[0][0] < Decimal("0.0001")


def test_paths_hold_every_journey_once(solved: Solved) -> None:
    rows = solved.query(
        "select window_days, conversion_type, sum(conversions), sum(unconverted_journeys),"
        " sum(revenue_usd) from rpt_conversion_paths group by all"
    )
    for world, kind, conversions, unconverted, revenue in rows:
        journeys = solved.journeys(world, "channel", kind)
        ended = [j.revenue for j in journeys if j.revenue is not None]
        assert conversions == len(ended)
        assert unconverted == len(journeys) - len(ended)
        assert float(revenue) == pytest.approx(sum(ended), abs=1e-6)
    (found,) = solved.query(
        "select path_length, conversions from rpt_conversion_paths where conversion_type = 'all'"
        f" and window_days = {COVERED} and channel_path = 'c001 > c002 > c001 > c003'"
    )
    assert found == (4, 9)


def test_published_chains_give_the_published_credits(built: Warehouse) -> None:
    tables = connect()
    counts = Path(__file__).with_name("published_chains.csv.gz")
    tables.execute(
        "create table int_markov__transitions as select markov_order as chain_id, markov_order,"
        " 'channel' as path_level, 30 as window_days, 'all' as conversion_type, from_state,"
        " to_state, to_node, journeys, revenue_usd::decimal(38, 2) as revenue_usd,"
        " sum(journeys) over (partition by markov_order, from_state) as visits"
        f" from read_csv('{counts}')"
    )
    tables.execute(
        "create table int_journeys__nodes (path_level text, node_id bigint, channel text,"
        " platform text, campaign_id text)"
    )
    tables.execute(
        "create table int_journeys__coverage (path_level text, window_days integer,"
        " conversion_type text, node_id bigint, conversions double, revenue_usd double)"
    )
    for node, channel in enumerate(sorted(PUBLISHED), 1):
        tables.execute(
            f"insert into int_journeys__nodes values ('channel', {node}, '{channel}', null, null)"
        )
        tables.execute(
            f"insert into int_journeys__coverage values ('channel', 30, 'all', {node}, 1, 1)"
        )
    tables.execute(
        "insert into int_journeys__steps select 30, null, true, 'first_order', 1, 1, null, null,"
        " null, if(range = 0, total, 0), null from range(19785), (select sum(revenue_usd) as total"
        " from int_markov__transitions where markov_order = 1)"
    )
    tables.execute(
        "create table fct_conversions (conversion_type text, is_refunded boolean,"
        " revenue_usd decimal(18, 2))"
    )
    run(tables, built.target, *WALK, "int_shapley__effects", "fct_path_attribution")
    rows = tables.execute(
        "select channel, model, credit, revenue_usd from fct_path_attribution"
        " where conversion_type = 'all' and node_id > 0"
    ).fetchall()
    assert len(rows) == 4 * len(PUBLISHED)
    for channel, model, credit, revenue in rows:
        place = ("markov_1", "markov_2", "markov_3", "shapley").index(model) * 2
        # the published figures are rounded, too
        assert float(credit) == pytest.approx(PUBLISHED[channel][place], abs=2 * ROUNDING)
        if model != "shapley":
            scaled = float(revenue) / 1e8
            assert scaled == pytest.approx(PUBLISHED[channel][place + 1], abs=1e-6)


Touch = tuple[str, str, datetime]


def split(touches: Sequence[Touch], orders: Sequence[datetime], days: int) -> list[list[Touch]]:
    """Return the journeys of a person's touches that lead to no order within the window."""
    window = timedelta(days=days)
    idle = [t for t in touches if not any(t[2] <= at <= t[2] + window for at in orders)]
    journeys: list[list[Touch]] = []
    for touch in idle:
        before = journeys[-1][-1][2] if journeys else None
        if (
            before is None
            or touch[2] - before > window
            or any(before <= at < touch[2] for at in orders)
        ):
            journeys.append([])
        journeys[-1].append(touch)
    return journeys


def test_journeys_without_conversion_equal_an_independent_reading(built: Warehouse) -> None:
    touches: dict[str, list[Touch]] = defaultdict(list)
    limits: dict[str, int] = {}
    for person, touch, channel, at, limit in built.query(
        "select person_key, touchpoint_id, channel, touched_at, consent_window_days"
        " from fct_touchpoints order by person_key, touched_at, ga_session_number, touchpoint_id"
    ):
        touches[person].append((touch, channel, at))
        limits[person] = limit or max(WINDOWS_DAYS)
    orders: dict[str, list[datetime]] = defaultdict(list)
    kept: dict[str, list[datetime]] = defaultdict(list)
    for person, at, is_refunded in built.query(
        "select person_key, converted_at, is_refunded from fct_conversions"
    ):
        orders[person].append(at)
        if not is_refunded:
            kept[person].append(at)
    expected = sorted(
        (
            days,
            "repeat_order" if any(at < journey[0][2] for at in orders[person]) else "first_order",
            [channel for _, channel, _ in journey],
        )
        for person, met in touches.items()
        for days in WINDOWS_DAYS
        for journey in split(met, kept[person], min(days, limits[person]))
    )
    found = built.query(
        "select window_days, any_value(journey_type), list(channel order by step)"
        " from int_journeys__steps where not is_converted group by window_days, journey_id"
    )
    assert sorted(found) == expected
    assert any(kind == "repeat_order" for _, kind, _ in expected)
    assert {days for days, _, _ in expected} == set(WINDOWS_DAYS)
    # some refuse a purpose, or the limit is not tried
    assert len(set(limits.values())) > 1
