"""Every parameter of a Meta request does what it says: days, conditions, order, parts, batches."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

pytestmark = pytest.mark.system

OCTOBER = {"since": "2026-10-01", "until": "2026-10-31"}


@pytest.fixture
def account(served):
    return served.settings["META_ADS_ACCOUNT_IDS"].split(",")[0]


@pytest.fixture
def ask(served):
    """Return a function: path and parameters -> the body of a good answer."""
    with served.meta() as client:

        def asked(path, **parameters):
            texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in parameters.items()}
            answer = client.get(path, params=texts)
            assert answer.status_code == 200, answer.text
            return answer.json()

        yield asked


@pytest.fixture
def report(ask, account):
    """Return a function: parameters -> the rows of a report of the account."""

    def asked(**parameters):
        given = {"fields": "spend,impressions,clicks", "limit": "1000", **parameters}
        return ask(f"/act_{account}/insights", **given)["data"]

    return asked


def total(rows, name="spend"):
    return sum(Decimal(row.get(name, "0")) for row in rows)


@pytest.mark.parametrize(
    ("preset", "first", "last"),
    [
        ("today", "2026-11-01", "2026-11-01"),
        ("yesterday", "2026-10-31", "2026-10-31"),
        ("last_7d", "2026-10-25", "2026-10-31"),
        ("last_week_mon_sun", "2026-10-19", "2026-10-25"),
        ("last_week_sun_sat", "2026-10-25", "2026-10-31"),
        ("this_month", "2026-11-01", "2026-11-01"),
        ("last_month", "2026-10-01", "2026-10-31"),
        ("last_quarter", "2026-07-01", "2026-09-30"),
        ("this_year", "2026-01-01", "2026-11-01"),
    ],
)
def test_a_preset_is_a_span_of_the_accounts_own_days(served, account, preset, first, last):
    served.control("META_ADS", "clock", {"now": "2026-11-01T12:00:00Z"})
    with served.meta() as client:
        body = {"date_preset": preset}
        run_id = client.post(f"/act_{account}/insights", data=body).json()["report_run_id"]
        state = client.get(f"/{run_id}").json()
    assert (state["date_start"], state["date_stop"]) == (first, last)


def test_time_ranges_are_a_row_each_and_come_before_everything_else(report):
    ranges = [{"since": f"2026-10-{d}", "until": f"2026-10-{d}"} for d in ("30", "31")]
    rows = report(time_ranges=ranges, time_range=OCTOBER, date_preset="today", time_increment="1")
    assert [(row["date_start"], row["date_stop"]) for row in rows] == [
        ("2026-10-30", "2026-10-30"),
        ("2026-10-31", "2026-10-31"),
    ]


def test_increments_cut_a_span_into_periods_that_add_up(report):
    span = {"since": "2026-09-20", "until": "2026-10-31"}
    whole = report(time_range=span)
    monthly = report(time_range=span, time_increment="monthly")
    assert [row["date_stop"] for row in monthly] == ["2026-09-30", "2026-10-31"]
    weekly = report(time_range=span, time_increment="7")
    assert total(weekly) == total(monthly) == total(whole)


def test_conditions_on_objects_and_on_metrics_choose_rows(ask, report, account):
    campaigns = ask(f"/act_{account}/campaigns", fields="name")["data"]
    chosen = campaigns[0]
    for field, operator, value in (
        ("campaign.id", "IN", [chosen["id"]]),
        ("campaign.name", "CONTAIN", chosen["name"].lower()),
        ("campaign.name", "EQUAL", chosen["name"]),
    ):
        condition = [{"field": field, "operator": operator, "value": value}]
        rows = report(
            level="campaign", fields="campaign_id", time_range=OCTOBER, filtering=condition
        )
        assert [row["campaign_id"] for row in rows] == [chosen["id"]]
    rows = report(level="ad", time_range=OCTOBER, fields="ad_id,spend")
    bound = sorted(Decimal(row["spend"]) for row in rows)[len(rows) // 2]
    condition = [{"field": "spend", "operator": "GREATER_THAN", "value": str(bound)}]
    above = report(level="ad", time_range=OCTOBER, fields="ad_id,spend", filtering=condition)
    assert above == [row for row in rows if Decimal(row["spend"]) > bound]


def test_rows_come_in_the_order_asked_for(report):
    for direction in ("ascending", "descending"):
        rows = report(level="ad", time_range=OCTOBER, sort=[f"impressions_{direction}"])
        counts = [int(row["impressions"]) for row in rows]
        assert counts == sorted(counts, reverse=direction == "descending")


def test_a_summary_is_the_total_of_all_pages(ask, report, account):
    body = ask(
        f"/act_{account}/insights", level="ad", time_range=OCTOBER, limit="2",
        fields="spend,impressions", summary="spend",
    )  # fmt: skip
    assert len(body["data"]) == 2
    assert Decimal(body["summary"]["spend"]) == total(report(level="ad", time_range=OCTOBER))
    ranges = [{"since": f"2026-10-{d}", "until": f"2026-10-{d}"} for d in ("01", "31")]
    body = ask(f"/act_{account}/insights", time_ranges=ranges, fields="spend", summary="spend")
    assert Decimal(body["summary"]["spend"]) == total(body["data"])
    counted = ask(f"/act_{account}/ads", summary="true", limit="1")
    every = ask(f"/act_{account}/ads", limit="500")["data"]
    assert counted["summary"] == {"total_count": len(every)}


@pytest.mark.parametrize(
    "names",
    [
        ["country"],
        ["age", "gender"],
        ["publisher_platform", "platform_position"],
        ["publisher_platform", "platform_position", "impression_device"],
        ["impression_device"],
        ["hourly_stats_aggregated_by_advertiser_time_zone"],
    ],
)
def test_the_parts_of_a_breakdown_add_up_and_are_told_apart(report, names):
    rows = report(level="account", time_range=OCTOBER, time_increment="1", breakdowns=names)
    days = report(level="account", time_range=OCTOBER, time_increment="1")
    for metric in ("spend", "impressions", "clicks"):
        assert total(rows, metric) == total(days, metric)
    keys = [(row["date_start"], *(row[name] for name in names)) for row in rows]
    assert len(set(keys)) == len(keys)


def test_the_result_of_a_run_has_the_fields_asked_for_among_its_own(served, account):
    with served.meta() as client:
        body = {"level": "campaign", "fields": "spend,clicks", "breakdowns": "country"}
        run_id = client.post(f"/act_{account}/insights", data=body).json()["report_run_id"]
        while client.get(f"/{run_id}").json()["is_running"]:
            pass
        row = client.get(f"/{run_id}/insights", params={"fields": "spend"}).json()["data"][0]
        wrong = client.get(f"/{run_id}/insights", params={"fields": "reach"})
    assert row.keys() == {"spend", "country", "date_start", "date_stop"}
    assert wrong.json()["error"]["code"] == 100


def test_actions_of_visits_and_custom_conversions_are_reported(report, ask, account):
    (conversion,) = ask(f"/act_{account}/customconversions", fields="name")["data"]
    (row,) = report(
        fields="actions", time_range=OCTOBER, action_attribution_windows=["1d_click", "7d_view"]
    )
    actions = {action["action_type"]: action for action in row["actions"]}
    assert int(actions["landing_page_view"]["value"]) >= int(actions["add_to_cart"]["value"])
    custom = actions[f"offsite_conversion.custom.{conversion['id']}"]
    assert custom["value"] == custom["1d_click"] == actions["add_to_cart"]["value"]
    assert not any("7d_view" in action for action in row["actions"])


def test_fields_of_other_objects_are_followed(ask, account):
    row = ask(f"/act_{account}/ads", fields="creative{title,body},campaign{name}", limit="1")
    (ad,) = row["data"]
    assert ask(f"/{ad['creative']['id']}", fields="title,body") == ad["creative"]
    assert ad["campaign"]["name"] == ad["creative"]["title"]


def test_edges_of_objects_hold_what_belongs_to_them(ask, account):
    campaign = ask(f"/act_{account}/campaigns", limit="1")["data"][0]["id"]
    ad_sets = ask(f"/{campaign}/adsets", fields="campaign_id")["data"]
    assert {row["campaign_id"] for row in ad_sets} == {campaign}
    ads = ask(f"/{ad_sets[0]['id']}/ads", fields="adset_id,creative")["data"]
    assert {row["adset_id"] for row in ads} == {ad_sets[0]["id"]}
    creatives = ask(f"/{ads[0]['id']}/adcreatives")["data"]
    assert creatives == [{"id": ads[0]["creative"]["id"]}]
    spend = ask(f"/{campaign}/insights", time_range=OCTOBER)["data"]
    listed = ask(
        f"/act_{account}/insights", time_range=OCTOBER, level="campaign", limit="100",
        fields="campaign_id,impressions,spend",
    )["data"]  # fmt: skip
    assert spend == [
        {k: v for k, v in row.items() if k != "campaign_id"}
        for row in listed
        if row["campaign_id"] == campaign
    ]


def test_a_batch_answers_each_of_its_requests(served, account):
    requests = [
        {"method": "GET", "relative_url": f"v26.0/act_{account}?fields=name"},
        {"method": "GET", "relative_url": "123?fields=name"},
        {"method": "POST", "relative_url": f"act_{account}/insights", "body": "level=campaign"},
    ]
    with served.meta() as client:
        answer = client.post("/", data={"batch": json.dumps(requests)})
        assert [one["code"] for one in answer.json()] == [200, 400, 200]
        assert "report_run_id" in json.loads(answer.json()[2]["body"])
        assert {h["name"] for h in answer.json()[0]["headers"]} >= {"x-app-usage"}
        many = client.post("/", data={"batch": json.dumps(requests[:1] * 51)})
        chained = client.post("/", data={"batch": json.dumps([{**requests[0], "name": "first"}])})
    assert "Maximum batch size is 50" in many.json()["error"]["message"]
    assert chained.json()["error"]["code"] == 100


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/act_{}/ads/1/more", 2500),
        ("GET", "/nothing/at/all", 2500),
        ("GET", "/nothing", 100),
        ("POST", "/act_{}/campaigns", 200),
        ("DELETE", "/act_{}", 200),
        ("PUT", "/act_{}/insights", 200),
    ],
)
def test_what_is_not_there_is_refused_in_metas_own_shape(served, account, method, path, code):
    with served.meta() as client:
        answer = client.request(method, path.format(account))
    error = answer.json()["error"]
    assert answer.status_code in {400, 403}
    assert error["code"] == code
    assert {"message", "type", "fbtrace_id"} <= error.keys()
