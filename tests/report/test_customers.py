"""Customers and e-mail: the figures of their files are those of SQL, and no cell is of few."""

from __future__ import annotations

import json
from itertools import combinations

import pytest

from benchmarks.customer_marts import add_customers
from benchmarks.small_marts import LAST, write_marts
from marketing_analytics.report.data.customers import STAGE_COLUMNS, TABLES, customers_data
from marketing_analytics.report.data.email import email
from marketing_analytics.report.snapshots.publish import publish
from marketing_analytics.report.snapshots.published import described
from marketing_analytics.report.snapshots.snapshot import opened
from marketing_analytics.warehouse.marts import Marts

MINIMUM = 10


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    folder = tmp_path_factory.mktemp("customers")
    path = write_marts(folder / "marts.duckdb", days=40)
    add_customers(path, LAST, customers=160, days=120)
    publish(Marts(str(path)), folder / "snapshots")
    with opened(folder / "snapshots") as found:
        found.connection.execute(f"attach '{path}' as marts (read_only)")
        yield found


@pytest.fixture(scope="module")
def files(snapshot):
    return {
        name: json.loads(json.dumps(value, default=str))
        for name, value in customers_data(snapshot, {})
    }


def test_the_funnel_of_all_days_is_the_sum_of_its_mart(snapshot, files):
    for stage, column in STAGE_COLUMNS.items():
        days = f"session_date between '{snapshot.first_day}' and '{snapshot.last_day}'"
        rows = snapshot.rows(
            f"select channel, sum({column}) as visits from marts.marts.fct_acquisition_funnel"
            f" where {days} group by channel"
        )
        assert sum(files["funnel"]["stages"][stage]) == sum(row["visits"] for row in rows)
        for row in rows:
            assert sum(files["funnel-recent"]["stages"][row["channel"]][stage]) == row["visits"]


def test_older_days_and_the_last_ones_are_all_days(snapshot, files, monkeypatch):
    monkeypatch.setattr("marketing_analytics.report.data.customers.RECENT_DAYS", 15)
    split = dict(customers_data(snapshot, {}))
    assert split["funnel-recent"]["from"] == len(snapshot.days) - 15
    for part in ("stages", "times"):
        for channel, lists in files["funnel-recent"][part].items():
            for name, days in lists.items():
                older = split["funnel-older"][part][channel][name]
                assert [*older, *split["funnel-recent"][part][channel][name]] == days


def test_a_day_without_a_time_between_steps_is_not_a_time_of_nothing(snapshot, files):
    told = snapshot.one(
        "select count(*) from fct_acquisition_funnel where seconds_to_add_to_cart is null"
        " and add_to_cart_sessions > 0 and session_date between $first and $last",
        first=snapshot.first_day,
        last=snapshot.last_day,
    )
    lists = [times["add_to_cart"] for times in files["funnel-recent"]["times"].values()]
    assert told > 0
    assert sum(value is None for values in lists for value in values) == told


def test_cohorts_are_those_of_the_mart_but_for_months_in_which_few_came_back(snapshot, files):
    rows = {
        (str(row["cohort_month"]), row["month_number"]): row
        for row in snapshot.rows(
            "select cohort_month, month_number, sum(customers) as customers,"
            " sum(active_customers) as active, sum(repeat_customers) as repeated,"
            " sum(cumulative_revenue_usd) as revenue_usd"
            " from marts.marts.fct_cohort_months group by all"
        )
    }
    hidden = 0
    for cell in files["customers"]["cohorts"]:
        truth = rows[cell["cohort_month"], cell["month_number"]]
        assert cell["customers"] == truth["customers"] >= MINIMUM
        if truth["active"] < MINIMUM:
            hidden += 1
            assert cell["active_customers"] is cell["cumulative_revenue_usd"] is None
            assert cell["repeat_customers"] is None
        else:
            assert cell["active_customers"] == truth["active"]
            told = truth["repeated"] if truth["repeated"] >= MINIMUM else None
            assert cell["repeat_customers"] == told
            assert cell["cumulative_revenue_usd"] == round(truth["revenue_usd"] * 100)
    assert hidden > 0


def test_channels_of_cohorts_and_of_expected_value_are_the_same_cells(files):
    acquired = {
        (row["cohort_month"], row["channel"]): row["customers"]
        for row in files["customers"]["acquisition"]
        if row["customers"]
    }
    valued = {
        (row["cohort_month"], row["channel"]): row["customers"]
        for row in files["customers"]["value"]
    }
    assert acquired == valued
    assert min(valued.values()) >= MINIMUM
    assert any(row["is_merged"] for row in files["customers"]["value"])


def test_revenue_of_channels_adds_up_to_the_last_month_that_is_told(files):
    for month in {row["cohort_month"] for row in files["customers"]["cohorts"]}:
        told = [
            row["cumulative_revenue_usd"]
            for row in files["customers"]["cohorts"]
            if row["cohort_month"] == month and row["cumulative_revenue_usd"] is not None
        ]
        channels = [
            row["revenue_usd"]
            for row in files["customers"]["acquisition"]
            if row["cohort_month"] == month and row["customers"]
        ]
        assert sum(channels) == max(told)


def test_segments_and_moves_are_in_tens_and_judgements_are_one_a_horizon(files):
    for name in ("segments", "moves"):
        assert files["customers"][name]
        assert all(row["customers"] % 10 == 0 for row in files["customers"][name])
        assert min(row["customers"] for row in files["customers"][name]) >= MINIMUM
    judged = [(row["horizon_days"], row["kind"]) for row in files["customers"]["accuracy"]]
    assert judged == [(30, "kept"), (90, "hold_out")]
    assert all("customers" not in row for row in files["customers"]["calibration"])


def test_why_a_model_was_not_trained_stays_unsaid(files):
    models = {row["segment_name"]: row for row in files["customers"]["models"]}
    assert models["will_churn"]["reason"] is None
    assert models["will_churn"]["judge_customers"] is None


def test_what_was_not_built_is_left_out(snapshot):
    about = {**snapshot.about, "tables": {"campaign_days": {}}}
    bare = type(snapshot)(snapshot.connection, about)
    found = dict(customers_data(bare, {}))
    assert not set(TABLES) & set(found["customers"])
    assert sum(found["funnel"]["stages"]["sessions"]) == 0
    assert email(bare) == {}


def test_mails_to_few_are_left_out_with_the_next_larger_one(snapshot):
    found = email(snapshot)
    names = found["campaigns"]["columns"]
    rows = [dict(zip(names, row, strict=True)) for row in found["campaigns"]["rows"]]
    assert min(row["sent"] for row in rows) >= MINIMUM
    for platform in ("mailchimp", "klaviyo", "hubspot"):
        total = snapshot.one(
            "select sum(sent) from (select platform, sent from marts.marts.fct_email_campaigns"
            " union all select platform, sent from marts.marts.fct_automation_steps)"
            " where platform = $platform",
            platform=platform,
        )
        shown = sum(row["sent"] for row in [*rows, *found["steps"]] if row["platform"] == platform)
        assert total == shown or total - shown >= MINIMUM


def test_bands_of_few_recipients_stand_with_the_next(snapshot):
    bands = email(snapshot)["frequency"]
    recipients = {
        (row["platform"], row["messages_in_30_days"]): row["recipients"]
        for row in snapshot.rows("from marts.marts.rpt_email_frequency")
    }
    for row in bands:
        within = range(row["fewest"], row["highest"] + 1)
        assert max(recipients.get((row["platform"], band), 0) for band in within) >= MINIMUM
    assert any(row["fewest"] < row["highest"] for row in bands)
    assert not any(
        one["fewest"] <= other["highest"] and other["fewest"] <= one["highest"]
        for one, other in combinations(bands, 2)
        if one["platform"] == other["platform"]
    )


def test_every_published_statement_says_what_it_is():
    for name, sentence, sql in described():
        assert len(sentence) > 10, name
        assert sql.startswith(("select", "with")), name
        assert "customer_key" not in sql
        assert "email_key" not in sql
