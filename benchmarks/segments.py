"""Predictive segments and lookalikes: how much better than chance, and than RFM, on what came.

    python -m benchmarks.segments --seeds 5

Simulated worlds of 20,000 customers and 455 days. The project is given the first 365: it trains two
horizons before their end, judges one before, and scores the last day. The days that follow are the
truth, which nothing here has seen; neither is who had left for good by the last day.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from benchmarks.sql_models import PROJECT, build, compiled
from marketing_analytics.measure.segments import load_model
from marketing_analytics.simulate.world.customers.people import NEVER_US
from marketing_analytics.simulate.world.demand.tactics import AFFILIATE
from marketing_analytics.simulate.world.mail.events import MACHINE_OPEN, OPEN
from marketing_analytics.simulate.world.parameters import DAY_US, WorldParameters
from marketing_analytics.simulate.world.web.visits import CHANNELS
from marketing_analytics.simulate.world.world import World, generate

DAYS, TRUTH_DAYS = 365, 90
USD_PER_EUR = 1.08
CART_DEPTH = 3
LEAST_LIFT, LEAST_LOOKALIKE = 2.0, 1.5
SEEDS = ("rfm_thresholds", "rfm_segments", "predictive_segments", "lookalike_audiences")
# in the order in which they are built; the training comes between the two
READ = ("int_segments__cut_offs", "int_segments__orders", "int_segments__rfm",
        "int_segments__features", "int_segments__examples")  # fmt: skip
SCORE = ("int_segments__models", "int_segments__scores", "fct_customer_segments",
         "fct_lookalike_candidates")  # fmt: skip
fits = load_model(PROJECT)

INPUTS = """
create or replace table int_calendar__as_of as select date '2025-01-01' + {last} as as_of_date;
create or replace table int_identity__customers as
select 'c' || md5(person::varchar) as customer_key, 'm' || person as email_key,
    false as has_denied_profiling
from range({customers}) as people(person);
create or replace table int_orders__revenue as
select
    orders.number as order_id, 'c' || md5(orders.person::varchar) as customer_key,
    'USD' as currency, (cents / 100)::decimal(18, 2) as order_total,
    (cents / 100)::decimal(18, 2) as gross_usd,
    ((cents - coalesce(back, 0)) / 100)::decimal(18, 2) as revenue_usd,
    coalesce(back, 0) >= cents as is_refunded,
    date '2025-01-01' + day::integer as order_date,
    make_timestamp(ordered_us) as ordered_at
from orders
left join (
    select number, sum(back) as back from refunds where day <= {last} group by number
) as known on orders.number = known.number
where day <= {last};
create or replace table stg_shop__refunds as
select number as order_id, 'USD' as currency, (back / 100)::decimal(18, 2) as refund_amount,
    date '2025-01-01' + day::integer as refund_date
from refunds where day <= {last};
create or replace table fct_touchpoints as
select 't' || number as touchpoint_id, 'c' || md5(person::varchar) as person_key, channel,
    number as ga_session_number, make_timestamp(at_us) as touched_at,
    date '2025-01-01' + day::integer as touch_date
from visits where day <= {last};
create or replace table int_segments__visits as
select 'c' || md5(person::varchar) as customer_key, number as session_id,
    date '2025-01-01' + day::integer as visit_date, channel, has_cart as has_add_to_cart
from visits where is_logged_in and day <= {last};
create or replace table stg_mailchimp__email_activity as
select 'm' || person as email_key, 'open' as action,
    date '2025-01-01' + day::integer as activity_at
from opens where day <= {last};
create or replace table truth as
select 'c' || md5(orders.person::varchar) as customer_key, day - {last} as days_later,
    (cents - coalesce(back, 0)) / 100 as revenue_usd
from orders
left join (select number, sum(back) as back from refunds group by number) as known
    on orders.number = known.number
where day > {last} and cents > coalesce(back, 0);
create or replace table left_for_good as
select 'c' || md5(person::varchar) as customer_key from lapsed where day <= {last};
create or replace table next_visits as
select customer_key, arg_max(channel, at_us) as channel
from (
    select person, 'c' || md5(person::varchar) as customer_key, min(ordered_us) as next_us
    from orders
    where day > {last} and 'c' || md5(person::varchar) in (select customer_key from truth)
    group by person
) as bought
inner join visits on bought.person = visits.person and at_us <= next_us and day > {last}
group by customer_key;
"""


@dataclass(frozen=True)
class Answer:
    """What came of customers who were scored: of each the score, RFM's sum and the outcome.

    `left` says who had left for good by the day of the score.
    """

    scores: Any
    rfm: Any
    outcomes: Any
    left: Any


def columns(world: World) -> dict[str, dict[str, Any]]:
    """Return what the shop, the analytics and the mail know of customers, by day of the world."""
    start, customers = world.parameters.start_day, world.people.customers
    orders, refunds, sessions = world.orders, world.refunds, world.sessions
    cents = np.where(orders.is_eur, orders.total_cents * USD_PER_EUR, orders.total_cents)
    back = np.where(
        orders.is_eur[refunds.order], refunds.amount_cents * USD_PER_EUR, refunds.amount_cents
    )
    own = orders.person < customers
    seen = sessions.is_tracked & (sessions.person < customers)
    reader = world.sends.person[world.mail_events.send]
    # machines' too: who opened is not known on the day
    opened = np.isin(world.mail_events.kind, (OPEN, MACHINE_OPEN)) & (reader < customers)
    lapsed = np.flatnonzero(world.ties.lapsed_us < NEVER_US)
    # as the project calls them
    names = np.array(["affiliates" if c == AFFILIATE else c for c in CHANNELS], dtype=object)
    return {
        "orders": {
            "number": np.flatnonzero(own), "person": orders.person[own],
            "cents": cents[own].astype(np.int64), "day": orders.day[own] - start,
            "ordered_us": orders.ordered_us[own],
        },
        "refunds": {
            "number": refunds.order, "back": back.astype(np.int64), "day": refunds.day - start,
        },
        "visits": {
            "number": np.flatnonzero(seen), "person": sessions.person[seen],
            "channel": names[sessions.source[seen]], "at_us": sessions.start_us[seen],
            "day": sessions.start_us[seen] // DAY_US - start,
            "has_cart": sessions.depth[seen] >= CART_DEPTH,
            "is_logged_in": sessions.is_logged_in[seen],
        },
        "lapsed": {"person": lapsed, "day": world.ties.lapsed_us[lapsed] // DAY_US - start},
        "opens": {
            "person": reader[opened], "day": world.mail_events.at_us[opened] // DAY_US - start,
        },
    }  # fmt: skip


def warehouse(world: World) -> duckdb.DuckDBPyConnection:
    """Return a database that knows the first days of a world, and the truth apart."""
    connection = duckdb.connect()
    connection.execute("attach ':memory:' as wh; use wh.main")
    for name, table in columns(world).items():
        connection.register(name, table)
    connection.execute(INPUTS.format(last=DAYS - 1, customers=world.people.customers))
    for name in SEEDS:
        path = PROJECT / "seeds" / f"{name}.csv"
        connection.execute(f"create table {name} as from read_csv('{path}')")
    return connection


def train(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Train as dbt's Python model does, and make the table that it fills."""
    examples = connection.execute("from int_segments__examples").fetchnumpy()
    rows: list[dict[str, Any]] = fits.fits(examples, datetime.now(UTC).replace(tzinfo=None))
    connection.register("made", fits.as_table(rows, True))
    connection.execute("create or replace table int_segments__fits as from made")
    return rows


def answers(connection: duckdb.DuckDBPyConnection, row: dict[str, Any], paid: bool) -> Answer:
    """Return what came of the customers that one model scored, published or not."""
    goal = row["goal"]
    # a rank of the truth alone says who was of the top tenth
    outcome = {
        "buys": "days is not null", "stops": "days is null", "lookalike": "days is not null",
        "top_revenue": "usd > 0 and rank() over (order by usd desc) <= .1 * count(*) over ()",
        "channel": f"channel = '{row['outcome']}'",
    }[goal]  # fmt: skip
    value = "usd" if paid else f"({outcome})::integer"
    # of channels those who bought say which one it was
    asked = "days is not null and channel is not null" if goal == "channel" else "true"
    table = connection.execute(
        f"""
        with came as (
            select customer_key, min(days_later) as days, sum(revenue_usd) as usd
            from truth where days_later <= {row["horizon_days"]} group by customer_key
        ), known as (
            select scores.customer_key, scores.score, came.days, coalesce(came.usd, 0) as usd,
                next_visits.channel, left_for_good.customer_key is not null as has_left,
                rfm.recency_score + rfm.frequency_score + rfm.monetary_score as rfm
            from int_segments__scores as scores
            inner join int_segments__rfm as rfm using (customer_key)
            inner join int_calendar__as_of as as_of on rfm.cut_off_date = as_of.as_of_date
            left join came using (customer_key)
            left join next_visits using (customer_key)
            left join left_for_good using (customer_key)
            where segment_name = '{row["segment_name"]}' and outcome = '{row["outcome"]}'
        )
        select score, rfm, {value} as outcome, has_left from known where {asked}
        order by customer_key
        """
    ).fetchnumpy()
    rfm = table["rfm"].astype(np.float64)
    return Answer(
        table["score"], -rfm if goal == "stops" else rfm, table["outcome"].astype(np.float64),
        table["has_left"].astype(bool),
    )  # fmt: skip


def hold_out(row: dict[str, Any]) -> str:
    """Return the figures that are kept with a training."""
    if row["lift"] is None:
        return f"{row['status']}: {row['reason']}"
    said = (
        f"lift {row['lift']:.2f} (RFM {row['rfm_lift']:.2f}, at most {1 / row['judge_share']:.2f}),"
        f" AUC {row['auc']:.3f} ({row['rfm_auc']:.3f})"
    )
    if row["brier"] is not None:
        said += f", Brier {row['brier']:.3f}, slope {row['calibration_slope']:.2f}"
    return said + ("" if row["status"] == "published" else ", not published")


def judged(connection: duckdb.DuckDBPyConnection, row: dict[str, Any]) -> bool:
    """Print the figures of one model on the hold-out and on the truth; return whether it is met."""
    name = f"  {row['segment_name']} {row['outcome'] if row['goal'] == 'channel' else ''}".rstrip()
    print(f"{name}: {hold_out(row)}", flush=True)
    if row["lift"] is None or row["outcome"] == fits.OTHER:
        return True
    found = answers(connection, row, paid=False)
    is_right = found.outcomes > 0
    lift, of_rfm = (fits.lift(one, is_right) for one in (found.scores, found.rfm))
    said = f"lift {lift:.2f} (RFM {of_rfm:.2f}, at most {1 / is_right.mean():.2f})"
    if row["goal"] != "lookalike":
        area, of_rfm = (fits.auc(one, is_right) for one in (found.scores, found.rfm))
        said += f", AUC {area:.3f} ({of_rfm:.3f}), {on_a_line(found.scores, is_right)}"
        if row["goal"] == "stops":
            said += f"; who had left for good: lift {fits.lift(found.scores, found.left):.2f}"
        print(f"      on the truth: {said}", flush=True)
        is_published = row["status"] == "published"
        # a channel that is not published is no segment; the others are all wanted
        return bool(lift >= LEAST_LIFT if is_published else row["goal"] == "channel")
    paid = answers(connection, row, paid=True)
    money, of_rfm = (fits.lift(one, paid.outcomes) for one in (paid.scores, paid.rfm))
    print(
        f"      on the truth: buyers {said}; revenue {money:.2f} x random (RFM {of_rfm:.2f})",
        flush=True,
    )
    return bool(lift >= LEAST_LOOKALIKE and money >= LEAST_LOOKALIKE)


def on_a_line(chance: Any, is_right: Any) -> str:
    """Return how much more came where more was expected."""
    return f"slope {fits.calibration(chance, is_right)['calibration_slope']:.2f}"


def world(models: dict[str, str], seed: int) -> bool:
    """Print the figures of a world; return whether its targets are met."""
    parameters = WorldParameters(seed=seed, customers=20_000, days=DAYS + TRUTH_DAYS)
    connection = warehouse(generate(parameters))
    build(connection, models, READ)
    rows = train(connection)
    build(connection, models, SCORE)
    print(f"world {seed}", flush=True)
    met = [judged(connection, row) for row in rows]
    print(f"  met: {all(met)}", flush=True)
    connection.close()
    return all(met)


def main() -> int:
    """Print the figures; return 1 when a goal is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=1, help="first seed")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        models = compiled(Path(name), (*READ, *SCORE), {})
        met = [world(models, seed) for seed in range(chosen.first, chosen.first + chosen.seeds)]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
