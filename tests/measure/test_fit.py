"""BG/NBD and Gamma-Gamma find the published parameters, and say when they find none."""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.special import hyp2f1

from marketing_analytics.cli import main
from marketing_analytics.core.errors import PlatformError, UserError
from marketing_analytics.measure import fit as measure
from marketing_analytics.measure import project
from tests.measure.cdnow import HELD_OUT_WEEKS, columns

ROOT = Path(__file__).resolve().parents[2]
model = measure.load_model(ROOT / "transform")
AT = datetime(2026, 11, 1)


@pytest.fixture(scope="module")
def sample():
    return columns()


@pytest.fixture(scope="module")
def histories(sample):
    ages = sample["frequency"], sample["recency_days"] / 7, sample["age_days"] / 7
    return model.Histories(*ages, np.ones(len(ages[0])))


@pytest.fixture(scope="module")
def purchases(histories):
    return model.fit_purchases(histories)


@pytest.fixture(scope="module")
def spends(sample):
    paid = sample["frequency"] > 0
    mean = sample["repeat_cents"][paid] / 100 / sample["frequency"][paid]
    return model.Spends(sample["frequency"][paid], mean, np.ones(paid.sum()))


def as_inputs(sample):
    """Return the sample as the warehouse gives it: distinct rows and how many have each."""
    day = date(1997, 9, 30)
    rows = np.stack([sample["frequency"], sample["recency_days"], sample["age_days"]])
    distinct, counts = np.unique(rows, axis=1, return_counts=True)
    paid = sample["frequency"] > 0
    spent = np.stack([sample["frequency"][paid], sample["repeat_cents"][paid] / 100])
    sums, payers = np.unique(spent, axis=1, return_counts=True)
    return (
        dict(zip(("frequency", "recency_days", "age_days"), distinct, strict=True))
        | {"customers": counts, "as_of_date": [day] * len(counts)},
        dict(zip(("frequency", "repeat_usd"), sums, strict=True))
        | {"customers": payers, "as_of_date": [day] * len(payers)},
    )


def test_bg_nbd_finds_the_published_parameters(purchases):
    assert purchases.has_converged
    assert purchases.values == pytest.approx([0.243, 4.414, 0.793, 2.426], abs=5e-4)
    assert purchases.log_likelihood == pytest.approx(-9582.429, abs=1e-3)
    errors = np.sqrt(np.diag(purchases.covariance))
    assert errors == pytest.approx([0.0126, 0.378, 0.186, 0.705], rel=0.01)


def test_gamma_gamma_finds_the_published_parameters(spends):
    found = model.fit_spends(spends)
    assert found.has_converged
    assert found.values == pytest.approx([6.25, 3.74, 15.44], abs=6e-3)
    assert found.log_likelihood == pytest.approx(-4055.9177, abs=1e-3)


def test_what_is_held_out_is_predicted_as_well_as_by_the_published_fit(
    sample, histories, purchases
):
    expected = model.expected_purchases(purchases.values, histories, HELD_OUT_WEEKS, "weeks")
    assert expected.sum() == pytest.approx(1653.41, abs=0.01)
    assert np.abs(expected - sample["held_out_purchases"]).mean() <= 0.785454 + 5e-7
    # the customer of the paper: two purchases more, the last after 30.43 of 38.86 weeks
    assert expected[0] == pytest.approx(1.2259, abs=1e-3)
    alive = model.probability_alive(purchases.values, histories)
    assert alive[0] == pytest.approx(0.7266, abs=1e-3)


def test_the_expectation_is_that_of_the_paper_by_scipy():
    x, age = (v.ravel() for v in np.meshgrid([0.0, 1.0, 30.0], [0.0, 5.0, 300.0]))
    kept = age >= x / 7
    histories = model.Histories(x[kept], np.minimum(x, age)[kept], age[kept], np.ones(kept.sum()))
    for r, alpha, a, b in ((0.25, 4.4, 0.8, 2.4), (2.5, 0.5, 10.6, 39.3), (0.02, 40.0, 1.01, 0.1)):
        found, _ = model.purchases_if_alive(np.array([r, alpha, a, b]), histories, 52.0)
        x, since = histories.frequency, alpha + histories.age
        left, c = since / (since + 52.0), a + b + x - 1
        expected = c / (a - 1) * (1 - left ** (r + x) * hyp2f1(r + x, b + x, c, 1 - left))
        assert found == pytest.approx(expected, rel=1e-7)


def test_a_fit_that_expects_what_cannot_be_is_refused(sample, monkeypatch):
    monkeypatch.setattr(model, "LARGEST_SQUARE", 100.0)
    [row] = model.fits(*as_inputs(sample), AT)
    assert row["status"] == "not_converged"
    assert row["reason"] == "30.3 purchases of a customer within a year cannot be"


def test_distinct_rows_give_the_fit_of_all_rows(sample, purchases):
    [row] = model.fits(*as_inputs(sample), AT)
    assert row["status"] == "good"
    assert row["customers"] == 2357
    assert row["unique_rows"] < 2000
    found = [row[name] for name in ("r", "alpha_weeks", "a", "b")]
    assert found == pytest.approx(list(purchases.values), rel=1e-6)
    assert row["purchase_log_likelihood"] == pytest.approx(purchases.log_likelihood, abs=1e-6)
    assert np.array(json.loads(row["purchase_covariance"])) == pytest.approx(
        purchases.covariance, rel=1e-4
    )
    assert 0.03 < row["purchases_relative_error"] < 0.07
    assert set(row) == set(model.COLUMNS)


def test_the_same_data_give_the_same_name_in_any_order(sample):
    histories, spends = as_inputs(sample)
    turned = [{k: v[::-1] for k, v in table.items()} for table in (histories, spends)]
    names = [model.fits(*tables, AT)[0]["model_id"] for tables in ((histories, spends), turned)]
    assert names[0] == names[1]
    histories["customers"][0] += 1
    assert model.fits(histories, spends, AT)[0]["model_id"] != names[0]


def test_days_and_weeks_cannot_be_mixed(histories, purchases):
    with pytest.raises(ValueError, match="a fit in weeks cannot score histories in days"):
        model.expected_purchases(
            purchases.values, model.Histories(*in_days(histories), "days"), 39, "weeks"
        )


def in_days(histories):
    return (
        histories.frequency, histories.recency * 7, histories.age * 7, histories.customers,
    )  # fmt: skip


def test_another_unit_of_time_gives_the_same_fit_in_that_unit(histories, purchases):
    found = model.fit_purchases(model.Histories(*in_days(histories), "days"))
    assert found.values == pytest.approx(purchases.values * [1, 7, 1, 1], rel=1e-5)
    assert found.time_unit == "days"


@pytest.mark.parametrize(
    ("frequency", "recency", "complaint"),
    [(1, 9, "outside of the time"), (1, -1, "outside of the time"), (0, 3, "recency of 0")],
)
def test_impossible_histories_are_refused(frequency, recency, complaint):
    row = [np.array([value], dtype=float) for value in (frequency, recency, 8, 1)]
    with pytest.raises(ValueError, match=complaint):
        model.Histories(*row)


def test_a_fit_without_a_peak_says_so_and_gives_no_covariance(sample):
    # everybody buys at the same pace and nobody leaves: the parameters run away
    number = 200
    same = {"frequency": np.full(number, 10.0), "recency_days": np.full(number, 100.0)}
    same |= {"age_days": np.full(number, 105.0), "customers": np.ones(number)}
    day = [date(1997, 9, 30)] * number
    paid = {"frequency": np.full(number, 10.0), "repeat_usd": np.linspace(90, 110, number)}
    paid |= {"customers": np.ones(number), "as_of_date": day}
    [row] = model.fits(same | {"as_of_date": day}, paid, AT)
    assert row["status"] == "not_converged"
    assert "did not converge: the last good fit stays in force" in row["reason"]
    assert row["purchases_relative_error"] is None
    assert row["customers"] == number


def test_few_customers_are_not_fitted(sample):
    histories, spends = as_inputs(sample)
    few = [{k: v[:20] for k, v in table.items()} for table in (histories, spends)]
    [row] = model.fits(*few, AT)
    assert row["status"] == "too_few_customers"
    assert row["reason"].endswith("50 are needed")
    assert row["r"] is None


class Frame:
    """A table as Snowflake and Databricks give it, with names as Snowflake writes them."""

    def __init__(self, given, convert):
        self.given, self.columns = given, list(given)
        setattr(self, convert, lambda: self)

    def __getitem__(self, name):
        return Values(self.given[name])


class Values(list):
    def to_numpy(self):
        return np.array(self)


@pytest.mark.parametrize("convert", ["to_pandas", "toPandas"])
def test_tables_of_other_warehouses_are_read(convert):
    found = model.columns_of(Frame({"FREQUENCY": [1, 2]}, convert))
    assert list(found["frequency"]) == [1, 2]
    with pytest.raises(TypeError, match="no way to read a dict"):
        model.columns_of({})


class Answering(project.Project):
    """A project whose dbt answers from here."""

    def run_dbt(self, *arguments):
        ASKED.append(arguments)
        return ANSWER[0] if arguments[0] == "show" else ""


ASKED: list[tuple[str, ...]] = []
ANSWER = [""]


@pytest.fixture
def answering(monkeypatch):
    ASKED.clear()
    monkeypatch.setattr(project, "Project", Answering)
    return CliRunner()


def test_the_command_fits_what_dbt_reads_and_lets_it_write(answering, sample):
    histories, spends = as_inputs(sample)
    rows = []
    for name, table in (("histories", histories), ("spends", spends)):
        for place in range(len(table["customers"])):
            row = {key: str(table[key][place]) for key in table} | {"input": name}
            # some engines write names in capitals
            zeros = dict.fromkeys(measure.NUMBERS, "0")
            rows.append({key.upper(): value for key, value in (zeros | row).items()})
    ANSWER[0] = json.dumps({"node": "inline", "show": rows})
    arguments = ["measure", "fit", "--project-dir", str(ROOT / "transform")]
    done = answering.invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert "2357 customers  good" in done.output
    written = json.loads(ASKED[1][3])["rows"][0]
    assert ASKED[1][:2] == ("run-operation", "keep_fits")
    assert float(written["r"]) == pytest.approx(0.2426, abs=1e-4)
    assert written["as_of_date"] == "1997-09-30"
    assert set(written) == set(model.COLUMNS)
    as_json = answering.invoke(main, [*arguments, "--json"])
    assert json.loads(as_json.output)["fits"][0]["status"] == "good"


def test_the_command_says_what_is_missing(answering, tmp_path):
    ANSWER[0] = json.dumps({"show": []})
    done = answering.invoke(main, ["measure", "fit", "--project-dir", str(ROOT / "transform")])
    assert done.exit_code == 2
    assert "no customers with purchases" in done.output
    elsewhere = answering.invoke(main, ["measure", "fit", "--project-dir", str(tmp_path)])
    assert elsewhere.exit_code == 2
    assert "name the project with --project-dir" in elsewhere.output
    with pytest.raises(UserError):
        measure.load_model(tmp_path)


def test_a_failing_dbt_is_told_in_its_own_words(tmp_path):
    with pytest.raises(PlatformError) as failed:
        project.Project(tmp_path).run_dbt("show")
    assert "dbt_project.yml" in failed.value.message
    assert "int_value__fits" in failed.value.hint


def test_the_worked_example_of_the_document_is_right():
    text = (ROOT / "docs" / "ltv-calculations.md").read_text()
    section = text[text.index("### A worked example") : text.index("## The benchmark")]
    told = [float(word) for word in re.findall(r"\b\d+\.\d{2,3}\b", section)]
    parameters = np.array([0.243, 4.414, 0.793, 2.426])
    rows = [np.array([value], dtype=float) for value in (2, 213 / 7, 272 / 7, 1)]
    customer = model.Histories(*rows)
    spend = 6.25 * (15.44 + 44.69) / (6.25 * 2 + 3.74 - 1)
    ends = (30, 90, 180, 365)
    purchases = [
        model.expected_purchases(parameters, customer, days / 7, "weeks")[0] for days in ends
    ]
    value = sum(
        0.4 * 1.1 ** (-(begin + end) / 2 / 365) * (after - before) * spend
        for begin, end, before, after in zip(
            (0, *ends), ends, (0, *purchases), purchases, strict=False
        )
    )
    alive = model.probability_alive(parameters, customer)[0]
    expected = [44.69, alive, spend, value, *purchases, *[spend * one for one in purchases]]
    assert told == pytest.approx(expected, abs=5.1e-3)
    assert told[4:8] == pytest.approx(purchases, abs=5.1e-4)
