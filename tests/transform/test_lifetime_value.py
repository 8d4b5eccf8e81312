"""Lifetime value as the project predicts it, held against scipy and against what came."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from engines import Engine, copy_to_postgresql, differing_marts
from histories import compiled
from raw_tables import TABLES, Rows, moment, small_world, write_raw
from scipy.special import hyp2f1
from small_warehouse import PROJECT, Warehouse, make_warehouse

from tests.ingest.database_servers import postgresql
from tests.measure.cdnow import CALIBRATED_TO, columns, purchases

pytestmark = pytest.mark.system
PARAMETERS = (0.243, 4.414, 0.793, 2.426)
HORIZONS_DAYS = (30, 90, 180, 365)
HALF_A_YEAR = timedelta(days=180)
VALUE = ("build", "--select", "+tag:customers", "--resource-type", "model",
         "--resource-type", "seed")  # fmt: skip


def expected_by_scipy(days: int, table: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Return what BG/NBD expects: alive, mean, mean square; by the functions of the papers."""
    r, alpha, a, b = PARAMETERS
    x, since = table["frequency"], alpha + table["age_days"] / 7
    recency, t = alpha + table["recency_days"] / 7, days / 7
    last = np.maximum(b + x - 1, b)
    alive = 1 / (1 + (x > 0) * a / last * (since / recency) ** (r + x))
    left, c = since / (since + t), a + b + x - 1
    mean = c / (a - 1) * (1 - left ** (r + x) * hyp2f1(r + x, b + x, c, t / (since + t)))
    once, twice = (hyp2f1(r + x + n, a - 2, c, -t / since) for n in (0, 1))
    share = 2 * (b + x) * c / ((a - 1) * (a - 2))
    pairs = share * (1 - (r + x + 1) * once + (r + x) * twice)
    return alive, alive * mean, alive * (mean + pairs)


def test_the_score_in_sql_is_that_of_scipy(built: Warehouse) -> None:
    table = columns()
    connection = duckdb.connect()
    connection.execute("attach ':memory:' as wh; create schema wh.built; use wh.built")
    connection.register("given", table)
    connection.execute(
        "create table int_value__distinct_histories as select distinct 'current' as cut_off,"
        " frequency::bigint as frequency, recency_days::bigint as recency_days,"
        " age_days::bigint as age_days from given"
    )
    connection.execute(
        "create table int_value__parameters as select 'current' as cut_off, ? as r,"
        " ? as alpha_weeks, ? as a, ? as b", list(map(float, PARAMETERS))
    )  # fmt: skip
    for name in ("int_value__series", "int_value__expectations"):
        connection.execute(f"create table {name} as {compiled(built.target, name)}")
    found = connection.execute("from int_value__expectations").fetchnumpy()
    connection.close()
    assert set(found["horizon_days"]) == set(HORIZONS_DAYS)
    for days in HORIZONS_DAYS:
        rows = found["horizon_days"] == days
        expected = expected_by_scipy(
            days, {name: found[name][rows] for name in table if name in found}
        )
        for name, values in zip(
            ("probability_alive", "expected_purchases", "expected_square"), expected, strict=True
        ):
            assert found[name][rows] == pytest.approx(values, rel=2e-6, abs=2e-9), (name, days)


def cdnow_world() -> Rows:
    """Return raw tables of a shop with the customers and purchases of CDNOW."""
    rows: Rows = {name: [] for name in TABLES}
    seen = set()
    for number, (customer, day, cents) in enumerate(purchases()):
        at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        if customer not in seen:
            rows["shop.customers"].append((customer, f"{customer}@example.com", "US", at, at))
        # a purchase of nothing is none, and the published fit counts it
        order = (f"o{number}", customer, at, day, "USD", max(cents, 1), int(customer not in seen))
        rows["shop.orders"].append((*order, at))
        seen.add(customer)
    return rows


def as_of(day: date) -> list[str]:
    """Return the arguments that let a build stand on a day."""
    return ["--vars", json.dumps({"as_of_date": day.isoformat()})]


@pytest.fixture(scope="module")
def cdnow(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Return a warehouse built twice: when the model was calibrated, and half a year later."""
    warehouse = make_warehouse(tmp_path_factory.mktemp("cdnow"), cdnow_world())
    for day in (CALIBRATED_TO, CALIBRATED_TO + HALF_A_YEAR):
        done = warehouse.run_dbt(*VALUE, *as_of(day))
        assert done.returncode == 0, done.stdout[-4000:]
    return warehouse


@pytest.mark.slow
def test_the_job_finds_the_published_parameters(cdnow: Warehouse) -> None:
    [row] = cdnow.query(
        "select r, alpha_weeks, a, b, purchase_log_likelihood, status from rpt_lifetime_value_fits"
        f" where as_of_date = date '{CALIBRATED_TO}'"
    )
    assert row[:4] == pytest.approx(PARAMETERS, abs=5e-4)
    assert row[4] == pytest.approx(-9582.429, abs=1e-3)
    assert row[5] == "good"
    in_force = cdnow.query("select as_of_date from rpt_lifetime_value_fits where is_in_force")
    assert in_force == [(CALIBRATED_TO + HALF_A_YEAR,)]


@pytest.mark.slow
def test_a_prediction_is_kept_and_judged_by_what_came(cdnow: Warehouse) -> None:
    kept = cdnow.query(
        "select prediction_date, count(*) from int_value__predictions group by 1 order by 1"
    )
    assert kept == [(CALIBRATED_TO, 2357), (CALIBRATED_TO + HALF_A_YEAR, 2357)]
    [row] = cdnow.query(
        "select expected_purchases, purchases, purchases_mae, has_beaten_benchmark,"
        " calibration_slope from rpt_lifetime_value_accuracy where kind = 'kept'"
        f" and horizon_days = 180 and prediction_date = date '{CALIBRATED_TO}'"
    )
    table = columns(held_out=HALF_A_YEAR)
    _, mean, _ = expected_by_scipy(180, table)
    assert row[0] == pytest.approx(mean.sum(), rel=1e-3)
    assert row[1] == table["held_out_purchases"].sum()
    assert row[2] == pytest.approx(np.abs(mean - table["held_out_purchases"]).mean(), rel=1e-3)
    assert row[3]
    assert 0.9 < row[4] < 1.2
    tenths = cdnow.query(
        "select sum(customers) from rpt_lifetime_value_calibration where kind = 'kept'"
        " and horizon_days = 180 group by group_kind"
    )
    assert tenths == [(2357,)] * 3


@pytest.mark.slow
@pytest.mark.parametrize("purpose", ["analytics", "profiling"])
def test_kept_predictions_of_who_refuses_later_go_in_the_next_run(
    purpose: str, tmp_path: Path
) -> None:
    rows = small_world(seed=1)
    warehouse = make_warehouse(tmp_path, rows)
    kept = []
    for refusals in ([], [(f"late-{purpose}", "cust-1", purpose, 0, moment(59), "settings")]):
        rows["shop.consents"] += refusals
        (tmp_path / "raw.duckdb").unlink()
        write_raw(tmp_path / "raw.duckdb", rows)
        done = warehouse.run_dbt(*VALUE)
        assert done.returncode == 0, done.stdout[-4000:]
        kept.append(set(warehouse.query("select prediction_id from int_value__predictions")))
    before, after = kept
    assert after < before
    assert len(before - after) == 1


@pytest.fixture
def server(cdnow: Warehouse, tmp_path: Path) -> Iterator[tuple[str, Engine]]:
    """Return PostgreSQL with the raw tables of CDNOW."""
    from test_postgresql import output, reader

    with postgresql() as url:
        copy_to_postgresql(cdnow.folder / "raw.duckdb", url)
        variables = {"as_of_date": CALIBRATED_TO.isoformat()}
        yield url, Engine(tmp_path, output(url), reader(url), variables)


@pytest.mark.slow
def test_the_command_fits_where_the_warehouse_runs_no_python(
    cdnow: Warehouse, server: tuple[str, Engine], tmp_path: Path
) -> None:
    _, engine = server
    first = engine.run_dbt("build", "--select", "+int_value__fits", "--resource-type", "model",
                           "--resource-type", "seed")  # fmt: skip
    assert first.returncode == 0, first.stdout[-4000:]
    arguments = ["--project-dir", str(PROJECT), "--profiles-dir", str(tmp_path / "built")]
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "marketing_analytics", "measure", "fit", *arguments, "--vars",
             json.dumps(engine.variables)],
            env=os.environ | {"DBT_TARGET_PATH": str(tmp_path / "measured")},
            capture_output=True, text=True, timeout=600,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("good") == 2
    second = engine.run_dbt(*VALUE)
    assert second.returncode == 0, second.stdout[-4000:]
    again = cdnow.run_dbt(*VALUE, *as_of(CALIBRATED_TO))
    assert again.returncode == 0, again.stdout[-4000:]
    query = (
        "select model_id, r, alpha_weeks, a, b, p, q, gamma_usd, purchase_log_likelihood, status"
        f" from built.rpt_lifetime_value_fits where as_of_date = date '{CALIBRATED_TO}'"
    )
    [found] = engine.read([query])[query]
    [expected] = cdnow.query(query)
    assert found[0] == expected[0]
    assert found[1:9] == pytest.approx(expected[1:9], rel=1e-6)
    others = [
        path.stem
        for path in (PROJECT / "models" / "marts").rglob("*.sql")
        if not path.stem.startswith(("fct_customer_lifetime", "rpt_lifetime_value"))
        or path.stem in {"rpt_lifetime_value_fits", "rpt_lifetime_value_accuracy",
                         "rpt_lifetime_value_calibration"}
    ]  # fmt: skip
    assert differing_marts(cdnow, engine, left_out=others) == []
