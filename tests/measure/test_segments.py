"""Models of segments: what they learn, how they are judged, and when they are not published."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score

from marketing_analytics.cli import main
from marketing_analytics.measure import project, segments

ROOT = Path(__file__).resolve().parents[2]
model = segments.load_model(ROOT / "transform")
AT = datetime(2026, 11, 1)
DAYS = {"train": date(2026, 9, 1), "judge": date(2026, 10, 1)}


def customers(count=400, seed=1, goal="buys", strength=3.0, blind=False):
    """Return examples of two days: one feature says who buys; `blind` hides it from RFM."""
    rng = np.random.default_rng(seed)
    table = {name: [] for name in ("segment_name", "cut_off_role", "goal", "definition",
                                   "customer_key", "answer", "cut_off_date", "as_of_date",
                                   "horizon_days", *model.SCORES, *model.FEATURES)}  # fmt: skip
    for role, day in DAYS.items():
        for number in range(count):
            values = dict.fromkeys(model.FEATURES, 0.0)
            values["recency"], values["overdue"] = rng.normal(), rng.normal()
            buys = rng.random() < 1 / (1 + np.exp(1 - strength * values["recency"]))
            answer = "yes" if buys else "no"
            if goal == "channel":
                answer = ("email" if buys else "direct") if number % 50 else "display"
            known = 3 if blind else int(np.clip(3 + 2 * values["recency"], 1, 5))
            row = values | dict(zip(model.SCORES, (known, 1, 2), strict=True)) | {
                "segment_name": "s", "cut_off_role": role, "goal": goal, "definition": "d",
                "customer_key": f"c{number:04}", "answer": answer, "cut_off_date": day,
                "as_of_date": date(2026, 10, 31), "horizon_days": 30,
            }  # fmt: skip
            for name, value in row.items():
                table[name].append(value)
    return table


def test_weights_are_those_of_the_features_as_they_are():
    # of many customers the penalty takes little
    [row] = model.fits(customers(count=8_000), AT)
    assert row["outcome"] == "yes"
    assert row["status"] == "published"
    assert row["reason"] is None
    assert row["recency_weight"] == pytest.approx(3, abs=0.7)
    assert row["intercept"] == pytest.approx(-1, abs=0.4)
    assert abs(row["overdue_weight"]) < 0.4
    assert row["age_weight"] == 0
    assert (row["trained_on_date"], row["judged_on_date"]) == tuple(DAYS.values())
    assert row["train_customers"] == row["judge_customers"] == 8_000
    assert set(row) == set(model.COLUMNS)


@pytest.mark.parametrize("value", [np.log(181.0), 0.1, 1e9])
def test_what_all_customers_share_has_no_weight(value):
    table = customers(count=1_000)
    [without] = model.fits(table, AT)
    [shared] = model.fits(table | {"last_visit": [value] * len(table["answer"])}, AT)
    assert shared["last_visit_weight"] == 0
    weights = [name for name in model.COLUMNS if name.endswith("_weight")]
    for name in ("intercept", "lift", "auc", *weights):
        assert shared[name] == pytest.approx(without[name], rel=1e-9), name


def test_the_hold_out_is_judged_as_scikit_learn_judges_it():
    table = customers()
    [row] = model.fits(table, AT)
    train_on, judge_on = (model.of_role(as_arrays(table), role) for role in DAYS)
    made = model.train(train_on)
    chance = made.chances(judge_on.features)[:, 0]
    is_right = judge_on.answers == "yes"
    # the penalty is on standardised features
    spread = train_on.features.std(axis=0)
    spread[spread == 0] = 1
    own = LogisticRegression(C=model.STRENGTH, max_iter=1000).fit(
        train_on.features / spread, train_on.answers
    )
    assert chance == pytest.approx(own.predict_proba(judge_on.features / spread)[:, 1], abs=1e-3)
    assert row["auc"] == pytest.approx(roc_auc_score(is_right, chance))
    assert row["brier"] == pytest.approx(brier_score_loss(is_right, chance))
    best = is_right[np.argsort(-chance)[:40]].mean()
    assert row["lift"] == pytest.approx(best / is_right.mean())
    assert row["judge_share"] == is_right.mean()
    assert row["calibration_slope"] == pytest.approx(np.polyfit(chance, is_right, 1)[0])
    assert row["calibration_intercept"] == pytest.approx(np.polyfit(chance, is_right, 1)[1])
    tenths = json.loads(row["calibration"])
    assert [one[0] for one in tenths] == [40] * 10
    assert [one[1] for one in tenths] == sorted(one[1] for one in tenths)
    assert sum(one[2] for one in tenths) / 10 == pytest.approx(is_right.mean(), abs=1e-5)


def as_arrays(table):
    return {name: np.asarray(values) for name, values in table.items()}


def test_values_that_are_shared_share_the_top_tenth():
    right = np.array([True, False] * 10)
    assert model.lift(np.zeros(20), right) == pytest.approx(1)
    assert model.auc(np.zeros(20), right) == pytest.approx(0.5)
    # the two places are one right one and half of each of the next four
    values = np.array([9, 5, 5, 5, 5] + [0] * 15, dtype=float)
    right = np.array([True, True, False, False, False] + [False] * 15)
    assert model.lift(values, right) == pytest.approx((1 + 1 / 4) / 2 / 0.1)


def test_a_model_that_is_no_better_than_rfm_is_not_published():
    [better] = model.fits(customers(blind=True), AT)
    assert better["status"] == "published"
    assert better["rfm_auc"] == pytest.approx(0.5)
    assert better["rfm_lift"] == pytest.approx(1)
    row = better | {"rfm_auc": better["auc"], "rfm_lift": 1.0}
    assert model.verdict(row)[1].startswith("no better than RFM on the hold-out: lift")
    row = better | {"rfm_lift": better["lift"]}
    assert model.verdict(row) == (True, None)
    assert not model.verdict(row | {"rfm_lift": better["lift"] + 0.01})[0]
    # a seed audience may be found by RFM as well
    assert model.verdict(row | {"rfm_auc": 1.0, "goal": "lookalike"}) == (True, None)


def test_a_model_that_is_no_better_than_chance_is_not_published():
    [row] = model.fits(customers(strength=0.0), AT)
    assert row["status"] == "unpublished"
    assert "no better than chance on the hold-out" in row["reason"]
    # the standard error of a rank sum of 20 of 100 by chance
    assert model.best_by_chance(100, 0.2) == pytest.approx(0.5 + 2 * np.sqrt(101 / (12 * 20 * 80)))
    [row] = model.fits(customers(goal="lookalike"), AT)
    assert not model.verdict(row | {"lift": 1.0})[0]
    assert not model.verdict(row | {"auc": 0.51})[0]


def test_rfm_may_rank_by_the_sum_its_reverse_or_its_cells():
    train_on, judge_on = (model.of_role(as_arrays(customers()), role) for role in DAYS)
    learned = train_on.answers == "yes"
    sums, reverse, cells = model.rfm_rankings(train_on, judge_on, learned)
    assert (sums == -reverse).all()
    assert sums[0] == judge_on.scores[0].sum()
    own = (train_on.scores == judge_on.scores[0]).all(axis=1)
    share = (learned[own].sum() + 10 * learned.mean()) / (own.sum() + 10)
    assert cells[0] == pytest.approx(share)


def test_each_channel_is_judged_for_itself():
    rows = model.fits(customers(goal="channel"), AT)
    assert [row["outcome"] for row in rows] == ["direct", "email", "other"]
    assert all(row["fit_id"] == f"{row['model_id']} {row['outcome']}" for row in rows)
    assert len({row["model_id"] for row in rows}) == 1
    assert rows[0]["recency_weight"] < 0 < rows[1]["recency_weight"]
    assert rows[2]["status"] != "published"
    assert rows[2]["reason"] == "outcomes that are too rare to be told apart"
    even = model.Model(("a", "b"), np.zeros(2), np.zeros((2, 3)), has_converged=True)
    assert (even.chances(np.ones((4, 3))) == 0.5).all()


def test_a_likeness_is_no_chance():
    [row] = model.fits(customers(goal="lookalike"), AT)
    assert row["status"] == "published"
    assert row["brier"] is None
    assert row["calibration"] is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"count": 40}, "at the training, at least 20 are needed"),
        ({"count": 60, "goal": "channel"}, "channels with 50 customers at the training"),
    ],
)
def test_few_customers_are_not_learned_from(change, reason):
    [row] = model.fits(customers(**change), AT)
    assert row["status"] == "too_few_customers"
    assert reason in row["reason"]
    assert row["outcome"] == ""
    assert row["fit_id"] == row["model_id"]
    assert row["intercept"] is None
    assert row["status"] != "published"


def test_a_hold_out_that_cannot_judge_publishes_nothing():
    table = customers()
    few = {name: values[:420] for name, values in table.items()}
    [row] = model.fits(few, AT)
    assert row["reason"] == "20 customers to be judged by, at least 50 are needed"
    table["answer"][400:] = ["no"] * 400
    [row] = model.fits(table, AT)
    assert row["status"] == "unpublished"
    assert "no difference" in row["reason"]
    [row] = model.fits({name: values[:400] for name, values in table.items()}, AT)
    assert row["judged_on_date"] is None


def test_a_training_that_does_not_end_leaves_the_last_one(monkeypatch):
    monkeypatch.setattr(model, "MOST_STEPS", 1)
    with pytest.warns(match="failed to converge"):
        [row] = model.fits(customers(), AT)
    assert row["status"] == "not_converged"
    assert row["lift"] is None


def test_the_same_data_give_the_same_rows_in_any_order():
    table = customers()
    turned = {name: values[::-1] for name, values in table.items()}
    assert model.fits(table, AT) == model.fits(turned, AT)
    turned["recency"][0] += 1
    assert model.fits(turned, AT)[0]["model_id"] != model.fits(table, AT)[0]["model_id"]


def test_no_examples_give_no_rows():
    assert model.fits({name: [] for name in customers()}, AT) == []


class Frame:
    """A table as Snowflake gives it, with names in capitals."""

    def __init__(self, given):
        self.given, self.columns = given, list(given)

    def to_pandas(self):
        return self

    def __getitem__(self, name):
        return Frame({name: self.given[name]})

    def to_numpy(self):
        return np.array(next(iter(self.given.values())))


def test_tables_of_other_warehouses_are_read():
    assert list(model.columns_of(Frame({"RECENCY": [1, 2]}))["recency"]) == [1, 2]
    with pytest.raises(TypeError, match="no way to read a dict"):
        model.columns_of({})


ASKED: list[tuple[str, ...]] = []


def test_the_command_trains_on_what_dbt_reads_and_lets_it_write(monkeypatch):
    table = customers(count=200)
    rows = [
        {name.upper(): str(values[place]) for name, values in table.items()} for place in range(400)
    ]
    shown = [json.dumps({"show": rows})]

    class Answering(project.Project):
        def run_dbt(self, *arguments):
            ASKED.append(arguments)
            return shown[0] if arguments[0] == "show" else ""

    monkeypatch.setattr(project, "Project", Answering)
    command = ["measure", "segments", "--project-dir", str(ROOT / "transform")]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    assert "200 customers  published" in done.output
    assert ASKED[1][:2] == ("run-operation", "keep_segment_fits")
    [written] = json.loads(ASKED[1][3])["rows"]
    assert written["model_id"] == model.fits(table, AT)[0]["model_id"]
    assert set(written) == set(model.COLUMNS)
    as_json = CliRunner().invoke(main, [*command, "--json"])
    assert json.loads(as_json.output)["fits"][0]["status"] == "published"
    shown[0] = json.dumps({"show": []})
    empty = CliRunner().invoke(main, command)
    assert empty.exit_code == 2
    assert "no customers to learn from" in empty.output


def test_python_and_sql_read_the_same_features():
    macro = (ROOT / "transform" / "macros" / "segments.sql").read_text(encoding="utf-8")
    listed = macro.split("return([")[1].split("])")[0]
    assert tuple(name.strip(" '\n") for name in listed.split(",")) == model.FEATURES
