"""Predictive segments as the project builds them: nothing later is known, all engines agree."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from engines import Engine, copy_to_postgresql
from raw_tables import FIRST_DAY, Rows, add_order, add_visit, moment, small_world
from small_warehouse import PROJECT, SCHEMA, Warehouse, make_warehouse
from test_lifetime_value import CALIBRATED_TO, HALF_A_YEAR, as_of, cdnow_world

from marketing_analytics.measure.segments import load_model
from tests.ingest.database_servers import postgresql

pytestmark = [pytest.mark.system, pytest.mark.slow]
BUILD = ("build", "--resource-type", "model", "--resource-type", "seed", "--select")
AS_OF = FIRST_DAY + timedelta(days=98)
# the earliest cut-off within the small world: two horizons of will_buy
CUT_OFF_DAY = 38
LAST = FIRST_DAY + timedelta(days=CUT_OFF_DAY)
# what happened is recorded in these; the place of its day
EVENTS = {
    "shop.orders": 2, "shop.refunds": 2, "shop.exchange_rates": 1, "ga4.events": 0,
    "ga4.event_items": 0, "ga4.user_properties": 0, "mailchimp.email_activity": 5,
    "mailchimp.unsubscribes": 3, "meta_ads.ad_insights": 1, "google_ads.campaign_stats": 1,
    "google_ads.ad_stats": 1, "linkedin_ads.campaign_stats": 1, "linkedin_ads.creative_stats": 1,
}  # fmt: skip


def day_of(value: Any) -> date:
    return value.date() if isinstance(value, datetime) else value


def another_future(rows: Rows) -> Rows:
    """Return the same past with another future: things gone, things changed, things new."""
    rng = random.Random(7)
    changed: Rows = {name: list(kept) for name, kept in rows.items()}
    for name, place in EVENTS.items():
        if name == "shop.exchange_rates":
            changed[name] = [
                (code, day, rate if day <= LAST else rate * 2) for code, day, rate in rows[name]
            ]
            continue
        past = [row for row in rows[name] if day_of(row[place]) <= LAST]
        future = [row for row in rows[name] if day_of(row[place]) > LAST]
        assert past, f"{name}: nothing came before the cut-off"
        changed[name] = past + [row for row in future if rng.random() < 0.5]
    for place, row in enumerate(changed["shop.orders"]):
        if row[3] > LAST:
            changed["shop.orders"][place] = (*row[:5], row[5] * 3 + 100, *row[6:])
        elif rng.random() < 0.5:  # given back wholly, later
            at = moment(CUT_OFF_DAY + 1, rng.randint(0, 10_000))
            changed["shop.refunds"].append((f"late-{row[0]}", row[0], at, row[4], row[5], at))
    for number in range(60):
        when = moment(CUT_OFF_DAY + 1 + rng.uniform(0, 55))
        add_order(changed, rng, f"cust-{number}", number, 50, when)
        # another person on the device, soon after: earlier visits without a name would be theirs
        other, soon = f"cust-{(number + 1) % 60}", moment(CUT_OFF_DAY + 1, number)
        add_visit(changed, rng, f"dev-{number}-0", other, 90, soon, order=None)
        # a visit that began on the last day goes on
        add_visit(changed, rng, f"dev-{number}-1", f"cust-{number}", 91, soon, order=None)
        add_visit(changed, rng, f"dev-{number}-1", other, 92, soon + timedelta(hours=1), order=None)
        changed["mailchimp.email_activity"].append(open_of(number, moment(CUT_OFF_DAY + 3, number)))
    return changed


def open_of(number: int, at: datetime) -> tuple[Any, ...]:
    """Return that a customer opened the newsletter."""
    address = f"C{number}@Example.com"
    return ("c1", f"md5-{number}", address, "open", "", at, "https://shop.example/", 900)


# channels through which nobody comes in the small world, by source and medium
OTHER_WAYS = (("coupons.example", "affiliate"), ("instagram.com", "social"))


def with_more_past(rows: Rows) -> Rows:
    """Return the small world with visits by every way, opens and refunds before the cut-off."""
    rng = random.Random(5)
    for number in range(0, 60, 3):
        source, medium = OTHER_WAYS[number % 2]
        place, when = len(rows["ga4.events"]), moment(CUT_OFF_DAY - 2, 7200 + number)
        add_visit(rows, rng, f"dev-{number}-1", f"cust-{number}", 95, when, order=None)
        first = rows["ga4.events"][place]
        rows["ga4.events"][place] = (*first[:11], source, medium, None, None, None, *first[16:])
    for number in range(60):
        # two in three came lately, one of them on the last day
        for ago in ((1, 3, 40), (5, 40), (30, 40))[number % 3]:
            when = moment(max(CUT_OFF_DAY - ago, 0), 3600 + number)
            add_visit(rows, rng, f"dev-{number}-1", f"cust-{number}", 60 + ago, when, order=None)
        if number % 3 == 0:
            late = moment(CUT_OFF_DAY, 86_000 + number)
            add_visit(rows, rng, f"dev-{number}-1", f"cust-{number}", 93, late, order=None)
        if number % 2:
            rows["mailchimp.email_activity"].append(open_of(number, moment(CUT_OFF_DAY - 1)))
        rows["mailchimp.unsubscribes"] = rows["mailchimp.unsubscribes"] or [
            ("c1", "md5-0", "C0@Example.com", moment(7), "NORMAL")
        ]
    return rows


@pytest.fixture(scope="module")
def futures(tmp_path_factory: pytest.TempPathFactory) -> list[Warehouse]:
    """Return two warehouses with one past and two futures."""
    rows = with_more_past(small_world(seed=1))
    found = []
    for name, given in (("one", rows), ("another", another_future(rows))):
        warehouse = make_warehouse(tmp_path_factory.mktemp(name), given)
        done = warehouse.run_dbt(*BUILD, "+int_segments__examples", *as_of(AS_OF))
        assert done.returncode == 0, done.stdout[-4000:]
        found.append(warehouse)
    return found


def features(warehouse: Warehouse, day: date) -> list[tuple[Any, ...]]:
    return warehouse.query(
        f"select * from int_segments__features where cut_off_date = date '{day}' order by all"
    )


def test_features_know_nothing_of_what_came_later(futures: list[Warehouse]) -> None:
    one, another = (features(warehouse, LAST) for warehouse in futures)
    assert len(one) > 10
    # to the last bit: values are compared, not rounded
    assert one == another
    table = futures[0].query(f"select * from int_segments__features where cut_off_date = '{LAST}'")
    assert all(len({row[place] for row in table}) > 1 for place in range(len(table[0])) if place)


def test_what_came_later_is_known_later(futures: list[Warehouse]) -> None:
    one, another = (features(warehouse, LAST + timedelta(days=30)) for warehouse in futures)
    assert one != another
    answers = (
        "select customer_key, answer from int_segments__examples"
        " where segment_name = 'will_buy' and cut_off_role = 'train' order by all"
    )
    assert futures[0].query(answers) != futures[1].query(answers)


def with_visits(rows: Rows) -> Rows:
    """Return the customers of CDNOW with visits, which are drawn: often before a purchase."""
    rng = random.Random(3)
    for number, (_, customer, at, *_) in enumerate(rows["shop.orders"]):
        ago = rng.uniform(1, 20) if rng.random() < 0.6 else rng.uniform(1, 300)
        began = at - timedelta(days=ago)
        add_visit(rows, rng, f"d-{customer}", customer, number, began, order=None)
    return rows


@pytest.fixture(scope="module")
def cdnow(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Return the customers of CDNOW with their segments, half a year after the sample ends."""
    rows = with_visits(cdnow_world())
    warehouse = make_warehouse(tmp_path_factory.mktemp("cdnow"), rows)
    done = warehouse.run_dbt(*BUILD, "+tag:customers", *as_of(CALIBRATED_TO + HALF_A_YEAR))
    assert done.returncode == 0, done.stdout[-4000:]
    return warehouse


FIGURES = (
    "select segment_name, outcome, status, is_published, is_in_force, train_customers,"
    " judge_customers, judge_share, lift, rfm_lift, auc, rfm_auc, brier, calibration_slope,"
    " intercept, recency_weight from {}rpt_segment_models order by segment_name, outcome"
)
MEMBERS = (
    "select segment_name, customer_key, is_member, score from {}fct_customer_segments"
    " order by segment_name, customer_key"
)
CANDIDATES = (
    "select audience_name, customer_key, rank, score from {}fct_lookalike_candidates"
    " order by audience_name, rank"
)


def test_real_customers_are_told_apart(cdnow: Warehouse) -> None:
    rows = {row[0]: row for row in cdnow.query(FIGURES.format(""))}
    assert rows["will_buy"][2:5] == ("published", True, True)
    lift, rfm_lift, auc, rfm_auc = rows["will_buy"][8:12]
    assert lift > max(2, rfm_lift)
    assert auc > rfm_auc + 0.01
    [members] = cdnow.query(
        "select count(*), count(case when is_member then 1 end), max(score)"
        " from fct_customer_segments where segment_name = 'will_buy'"
    )
    assert members[:2] == (2357, 235)
    assert 0 < members[2] < 1


def test_orders_alone_rank_as_rfm_does_and_who_is_not_better_is_not_published(
    cdnow: Warehouse,
) -> None:
    model = load_model(PROJECT)
    told = ("visits", "last_visit", "carts", "opens")
    shared = ", ".join(f"0.0 as {n}" for n in model.FEATURES if any(word in n for word in told))
    with duckdb.connect(str(cdnow.folder / "wh.duckdb"), read_only=True) as connection:
        connection.execute(f"use {SCHEMA}")
        table = connection.execute(
            f"select * replace ({shared}) from int_segments__examples"
        ).fetchnumpy()
    rows = model.fits(table, datetime(2026, 11, 1))
    [row] = [row for row in rows if row["segment_name"] == "will_buy"]
    assert row["lift"] == pytest.approx(row["rfm_lift"], rel=0.03)
    assert row["auc"] == pytest.approx(row["rfm_auc"], abs=0.01)
    is_better = row["auc"] > row["rfm_auc"] and row["lift"] >= row["rfm_lift"]
    assert (row["status"] == "published") == is_better


def test_a_training_is_kept_and_made_once(cdnow: Warehouse) -> None:
    kept = "select as_of_date, count(*) from int_segments__fits group by 1 order by 1"
    [(today, rows)] = cdnow.query(kept)
    scores = cdnow.query(MEMBERS.format(""))
    for day in (CALIBRATED_TO, CALIBRATED_TO + HALF_A_YEAR):
        done = cdnow.run_dbt(*BUILD, "+tag:customers", "--full-refresh", *as_of(day))
        assert done.returncode == 0, done.stdout[-4000:]
    [(earlier, more), again] = cdnow.query(kept)
    assert (earlier, again) == (CALIBRATED_TO, (today, rows))
    assert more > 0
    assert cdnow.query(MEMBERS.format("")) == scores


@pytest.fixture
def server(cdnow: Warehouse, tmp_path: Path) -> Iterator[Engine]:
    """Return PostgreSQL with the raw tables of CDNOW."""
    from test_postgresql import output, reader

    with postgresql() as url:
        copy_to_postgresql(cdnow.folder / "raw.duckdb", url)
        variables = {"as_of_date": (CALIBRATED_TO + HALF_A_YEAR).isoformat()}
        yield Engine(tmp_path, output(url), reader(url), variables)


def test_the_command_trains_where_the_warehouse_runs_no_python(
    cdnow: Warehouse, server: Engine, tmp_path: Path
) -> None:
    first = server.run_dbt(*BUILD, "+int_segments__fits")
    assert first.returncode == 0, first.stdout[-4000:]
    arguments = ["--project-dir", str(PROJECT), "--profiles-dir", str(tmp_path / "built")]
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "marketing_analytics", "measure", "segments", *arguments,
             "--vars", json.dumps(server.variables)],
            env=os.environ | {"DBT_TARGET_PATH": str(tmp_path / "measured")},
            capture_output=True, text=True, timeout=600,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "published" in done.stdout
    second = server.run_dbt(*BUILD, "int_segments__fits+")
    assert second.returncode == 0, second.stdout[-4000:]
    of_today = f"'{CALIBRATED_TO + HALF_A_YEAR}'"
    # the other warehouse may hold trainings of earlier days, in force where today's is no better
    earlier = cdnow.query(
        "select segment_name from rpt_segment_models"
        f" where is_in_force and as_of_date <> {of_today}"
    )
    for query in (FIGURES, MEMBERS, CANDIDATES):
        mine = query.format("").replace(
            "models order", f"models where as_of_date = {of_today} order"
        )
        theirs = query.format("built.")
        found, expected = server.read([theirs])[theirs], cdnow.query(mine)
        if query != FIGURES:
            expected = [row for row in expected if (row[0],) not in earlier]
        assert len(found) == len(expected) > 0
        for row, own in zip(found, expected, strict=True):
            assert [cell for cell in row if not isinstance(cell, float)] == [
                cell for cell in own if not isinstance(cell, float)
            ]
            assert [cell for cell in row if isinstance(cell, float)] == pytest.approx(
                [cell for cell in own if isinstance(cell, float)], rel=1e-6, abs=1e-9
            )


@pytest.mark.parametrize("seed", [1])
def test_a_simulated_world_is_predicted(seed: int, tmp_path: Path) -> None:
    from benchmarks import segments

    models = segments.compiled(tmp_path, (*segments.READ, *segments.SCORE), {})
    assert segments.world(models, seed)
