"""Lifetime value as the project predicts it, held against scipy and against what came."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
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


def means(days: int) -> tuple[str, ...]:
    """Return the columns of what is expected within some days, as `expected_by_scipy` orders it."""
    return "probability_alive", f"expected_purchases_{days}d", f"expected_square_{days}d"


def expected_by_scipy(
    days: int, table: dict[str, Any], parameters: Sequence[Any] = PARAMETERS
) -> tuple[Any, Any, Any]:
    """Return what BG/NBD expects: alive, mean, mean square; by the functions of the papers."""
    r, alpha, a, b = parameters
    x, since = table["frequency"], alpha + table["age_days"] / 7
    recency, t = alpha + table["recency_days"] / 7, days / 7
    last = np.maximum(b + x - 1, b)
    alive = 1 / (1 + (x > 0) * a / last * (since / recency) ** (r + x))
    # with a negative argument scipy's function is wrong for many purchases
    left, c = since / (since + t), a + b + x - 1
    mean = c / (a - 1) * (1 - left ** (r + x) * hyp2f1(r + x, b + x, c, 1 - left))
    once, twice = (left ** (r + x + n) * hyp2f1(r + x + n, b + x + 1, c, 1 - left) for n in (0, 1))
    share = 2 * (b + x) * c / ((a - 1) * (a - 2))
    pairs = share * (1 - (r + x + 1) * once + (r + x) * twice)
    return alive, alive * mean, alive * (mean + pairs)


def expectations(
    built: Warehouse, histories: dict[str, Any], parameters: dict[str, Any]
) -> dict[str, Any]:
    """Return what the compiled models expect of histories under parameters, by numbered cut-off."""
    connection = duckdb.connect()
    connection.execute("attach ':memory:' as wh; create schema wh.built; use wh.built")
    for name, given in (("distinct_histories", histories), ("parameters", parameters)):
        connection.register("given", given)
        connection.execute(f"create table int_value__{name} as select distinct * from given")
    for name in ("int_value__if_alive", "int_value__expectations"):
        connection.execute(f"create table {name} as {compiled(built.target, name)}")
    found = connection.execute(
        "select * replace (cut_off::bigint as cut_off) from int_value__expectations"
    ).fetchnumpy()
    connection.close()
    return dict(found)


def test_the_score_in_sql_is_that_of_scipy(built: Warehouse) -> None:
    names = ("frequency", "recency_days", "age_days")
    given = {name: columns()[name].astype(np.int64) for name in names}
    here = np.full(len(given["frequency"]), "0")
    values = dict(zip(("r", "alpha_weeks", "a", "b"), np.array([PARAMETERS]).T, strict=True))
    found = expectations(built, {"cut_off": here, **given}, {"cut_off": here[:1], **values})
    for days in HORIZONS_DAYS:
        expected = expected_by_scipy(days, {name: found[name] for name in names})
        for name, values in zip(means(days), expected, strict=True):
            assert found[name] == pytest.approx(values, rel=1e-7, abs=2e-9), name


def test_the_score_is_right_for_whatever_a_fit_can_return(built: Warehouse) -> None:
    rng, count = np.random.default_rng(1), 1500
    spreads = {"r": (-5, 4), "alpha_weeks": (-3, 6), "a": (-6, 5), "b": (-6, 6)}
    fit = {name: np.exp(rng.uniform(*ends, count)) for name, ends in spreads.items()}
    # a shop with few repeat purchases; near where the paper's formula divides by zero
    fit |= {"a": np.concatenate([[10.6, 1.01, 2.01], fit["a"][3:]])}
    fit |= {"b": np.concatenate([[39.3, 0.1, 0.1], fit["b"][3:]])}
    x = np.where(rng.random(count) < 0.4, 0, np.exp(rng.uniform(0, 6, count)).astype(np.int64))
    x[:3] = 0
    age = np.maximum(x, np.exp(rng.uniform(-1, 8, count)).astype(np.int64))
    recency = np.where(x > 0, np.maximum(x, age - rng.integers(0, 60, count)), 0)
    cut_off = np.arange(count).astype(str)
    given = {"frequency": x, "recency_days": recency, "age_days": age}
    found = expectations(built, {"cut_off": cut_off, **given}, {"cut_off": cut_off, **fit})
    place = found["cut_off"]
    assert len(place) == count
    table = {name: values[place] for name, values in given.items()}
    for days in HORIZONS_DAYS:
        expected = expected_by_scipy(days, table, [values[place] for values in fit.values()])
        names = means(days)
        known = ~np.ma.getmaskarray(found[names[-1]])
        # a fit that lets somebody buy thousands of times a year is none
        assert (expected[2][~known] > 1e6).all()
        # of a few scipy's function overflows
        known &= np.isfinite(expected[2])
        assert known.mean() > 0.9
        for name, values in zip(names, expected, strict=True):
            ours = np.ma.getdata(found[name])[known]
            assert ours == pytest.approx(values[known], rel=1e-7, abs=2e-9), name


def test_an_impossible_number_is_none_and_ends_no_build(built: Warehouse) -> None:
    one = {name: np.array([0]) for name in ("frequency", "recency_days", "age_days")}
    # beyond the fit's bounds: nobody leaves, and all buy a million times a year
    fit = {"r": 2e4, "alpha_weeks": 1e-4, "a": 1e-5, "b": 1.0}
    here = {"cut_off": np.array(["0"])}
    found = expectations(
        built, here | one, here | {name: np.array([value]) for name, value in fit.items()}
    )
    assert found["probability_alive"].tolist() == [1.0]
    for days in HORIZONS_DAYS:
        assert np.ma.count_masked(found[means(days)[-1]]) == 1


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
