"""Meta over real HTTP: documented shapes, strict requests, sums equal to the ledger."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest

pytestmark = pytest.mark.system

CENT = Decimal("0.01")
WINDOWS = ["1d_click", "7d_click", "28d_click", "1d_view"]
FIELDS = (
    "account_id,campaign_id,adset_id,ad_id,impressions,clicks,spend,reach,frequency,"
    "actions,action_values"
)


def accounts_of(served):
    return served.settings["META_ADS_ACCOUNT_IDS"].split(",")


def report_body(world, **changes):
    span = {"since": world.ledger["start_date"], "until": world.ledger["end_date"]}
    body = {
        "level": "ad",
        "fields": FIELDS,
        "time_range": json.dumps(span),
        "time_increment": "1",
        "action_attribution_windows": json.dumps(WINDOWS),
    }
    return {**body, **changes}


def finish(client, run_id):
    states = []
    while not states or states[-1][0] not in {"Job Completed", "Job Failed"}:
        body = client.get(f"/{run_id}").json()
        states.append((body["async_status"], body["async_percent_completion"]))
    return states, body


def read_pages(client, path, **parameters):
    rows, after = [], None
    while True:
        asked = {**parameters, **({"after": after} if after else {})}
        body = client.get(path, params=asked).json()
        rows += body["data"]
        if "next" not in body.get("paging", {}):
            return rows
        after = body["paging"]["cursors"]["after"]


def read_report(client, world, account, **changes):
    """Every row, in windows of 28 days so that no report is too much."""
    rows = []
    first = date.fromisoformat(world.ledger["start_date"])
    last = date.fromisoformat(world.ledger["end_date"])
    while first <= last:
        until = min(first + timedelta(days=27), last)
        span = json.dumps({"since": str(first), "until": str(until)})
        body = report_body(world, time_range=span, **changes)
        run_id = client.post(f"/act_{account}/insights", data=body).json()["report_run_id"]
        finish(client, run_id)
        rows += read_pages(client, f"/{run_id}/insights", limit=200)
        first = until + timedelta(days=1)
    return rows


def purchase(row, key):
    return next((a for a in row.get(key, []) if a["action_type"] == "purchase"), {})


def test_all_reports_add_up_to_the_ledger_to_the_cent(served):
    world = served.world
    totals: Counter[str] = Counter()
    with served.meta() as client:
        currencies = {
            row["account_id"]: row["currency"]
            for row in client.get(
                "/me/adaccounts", params={"fields": "account_id,currency"}
            ).json()["data"]
        }
        for account in accounts_of(served):
            for row in read_report(client, world, account):
                rate = world.rate(currencies[account], row["date_start"])
                spend = Decimal(row["spend"])
                value = Decimal(purchase(row, "action_values").get("value", "0"))
                totals["rows"] += 1
                totals["native"] += spend
                totals["usd"] += (spend * rate).quantize(CENT, ROUND_HALF_UP)
                totals["value"] += (value * rate).quantize(CENT, ROUND_HALF_UP)
                totals["conversions"] += Decimal(purchase(row, "actions").get("value", "0"))
                totals["impressions"] += int(row["impressions"])
                totals["clicks"] += int(row.get("clicks", "0"))
                totals["reach"] += int(row["reach"])
                ratio = int(row["impressions"]) / int(row["reach"])
                assert row["frequency"] == f"{ratio:.6f}"
    ledger = world.ledger
    assert totals["rows"] == ledger["raw_tables"]["meta_ads.ad_insights"]["rows"]
    assert str(totals["native"]) == ledger["raw_tables"]["meta_ads.ad_insights"]["spend"]
    spend = ledger["spend"]["meta_ads"]
    assert str(totals["usd"]) == spend["usd"]
    assert (totals["impressions"], totals["clicks"]) == (spend["impressions"], spend["clicks"])
    days = world.truth("ad_days").to_pylist()
    assert totals["reach"] == sum(d["reach"] for d in days if d["platform"] == "meta_ads")
    claimed = ledger["claimed"]["meta_ads"]
    assert totals["conversions"] == Decimal(claimed["conversions"])
    assert str(totals["value"]) == claimed["value_usd"]


def test_a_report_runs_through_its_states_and_cannot_be_read_early(served):
    account = accounts_of(served)[1]
    with served.meta() as client:
        body = report_body(served.world)
        run_id = client.post(f"/act_{account}/insights", data=body).json()["report_run_id"]
        early = client.get(f"/{run_id}/insights")
        assert early.status_code == 400
        states, last = finish(client, run_id)
        assert states == [
            ("Job Not Started", 0),
            ("Job Running", 40),
            ("Job Running", 100),
            ("Job Completed", 100),
        ]
        assert last["account_id"] == account
        assert not last["is_running"]


def test_rows_are_text_and_absent_where_nothing_happened(served):
    account = accounts_of(served)[0]
    with served.meta() as client:
        rows = read_report(client, served.world, account)
    for row in rows:
        for name, value in row.items():
            if name not in {"actions", "action_values"}:
                assert isinstance(value, str), name
    assert any("actions" not in row for row in rows)
    assert any("clicks" not in row for row in rows)
    actions = [purchase(row, "actions") for row in rows if purchase(row, "actions")]
    for action in actions:
        clicks = [int(action.get(w, "0")) for w in WINDOWS[:3]]
        assert clicks == sorted(clicks)
        assert int(action["value"]) == clicks[1] + int(action.get("1d_view", "0"))
    assert any("1d_click" not in action for action in actions)


def test_levels_agree_with_each_other(served):
    account = accounts_of(served)[1]
    totals = {}
    with served.meta() as client:
        for level in ("account", "campaign", "adset", "ad"):
            body = report_body(served.world, level=level, fields="spend,impressions")
            rows = read_pages(client, f"/act_{account}/insights", limit=500, **body)
            totals[level] = (
                sum(Decimal(r["spend"]) for r in rows),
                sum(int(r["impressions"]) for r in rows),
            )
    assert len(set(totals.values())) == 1


def test_paging_honours_the_limit_and_the_next_address_works(served):
    account = accounts_of(served)[0]
    with served.meta() as client:
        body = client.get(f"/act_{account}/ads", params={"fields": "name", "limit": "5"}).json()
        assert len(body["data"]) == 5
        token = served.settings["META_ADS_ACCESS_TOKEN"]
        assert f"access_token={token}" in body["paging"]["next"]
        following = client.get(body["paging"]["next"]).json()
        assert {r["id"] for r in following["data"]}.isdisjoint({r["id"] for r in body["data"]})


def test_archived_and_deleted_campaigns_are_listed_only_when_asked_for(served):
    account = accounts_of(served)[0]
    with served.meta() as client:
        default = read_pages(client, f"/act_{account}/campaigns", fields="status")
        assert {r["status"] for r in default} == {"ACTIVE", "PAUSED"}
        wanted = json.dumps(["ACTIVE", "PAUSED", "ARCHIVED", "DELETED"])
        everything = read_pages(
            client, f"/act_{account}/campaigns", fields="status", effective_status=wanted
        )
        assert {r["status"] for r in everything} == {"ACTIVE", "PAUSED", "ARCHIVED", "DELETED"}


@pytest.mark.parametrize(
    ("changes", "code", "subcode"),
    [
        ({"fields": "spend,colour"}, 100, None),
        ({"level": "galaxy"}, 100, None),
        ({"time_range": "yesterday"}, 100, None),
        ({"time_range": '{"since": "2026-10-31", "until": "2026-10-01"}'}, 100, None),
        ({"time_range": '{"since": "2020-01-01", "until": "2020-01-31"}'}, 3018, None),
        ({"action_attribution_windows": '["9d_view"]'}, 100, None),
        ({"wings": "2"}, 100, None),
        ({"breakdowns": '["age", "country"]'}, 2, 1504041),
        ({"breakdowns": "platform_position"}, 2, 1504041),
        ({"breakdowns": "shoe_size"}, 100, None),
        ({"breakdowns": "dma"}, 100, None),
        ({"action_breakdowns": "shoe_size"}, 100, None),
        ({"action_breakdowns": "action_canvas_component_name"}, 2, 1504041),
        ({"action_report_time": "noon"}, 100, None),
        ({"use_unified_attribution_setting": "perhaps"}, 100, None),
        ({"date_preset": "last_5d", "time_range": ""}, 100, None),
        ({"time_ranges": '{"since": "2026-10-01"}'}, 100, None),
        ({"time_increment": "weekly"}, 100, None),
        ({"filtering": '[{"field": "ad.colour", "operator": "IN", "value": ["1"]}]'}, 100, None),
        ({"filtering": '[{"field": "spend", "operator": "NEAR", "value": 1}]'}, 100, None),
        ({"filtering": '[{"field": "actions", "operator": "EQUAL", "value": 1}]'}, 100, None),
        ({"sort": "spend"}, 100, None),
        ({"sort": "actions_descending"}, 100, None),
        ({"summary": "cpm"}, 100, None),
        ({"appsecret_proof": "0"}, 100, None),
    ],
)
def test_a_bad_report_request_gets_its_documented_error(served, changes, code, subcode):
    account = accounts_of(served)[0]
    with served.meta() as client:
        body = report_body(served.world, level="campaign") | changes
        answer = client.get(f"/act_{account}/insights", params=body)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert (error["code"], error.get("error_subcode")) == (code, subcode)
    assert {"message", "type", "fbtrace_id", "is_transient"} <= set(error)


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/me/adaccounts", {"limit": "many"}),
        ("/me/adaccounts", {"after": "%%%"}),
        ("/me/adaccounts", {"fields": "[1"}),
        ("/act_{}/ads", {"effective_status": '"ACTIVE"'}),
        ("/act_{}/ads", {"filtering": "{}"}),
        ("/act_{}/ads", {"filtering": '[{"field": "name", "operator": "IN", "value": "1"}]'}),
        ("/act_{}/ads", {"filtering": '[{"field": "wings", "operator": "EQUAL", "value": "1"}]'}),
        ("/act_{}/ads", {"effective_status": '["FLYING"]'}),
        ("/act_{}/ads", {"date_preset": "today"}),
        ("/act_{}/ads", {"updated_since": "yesterday"}),
        ("/act_{}/ads", {"fields": "creative{id"}),
        ("/act_{}/ads", {"summary": "everything"}),
        ("/act_{}/activities", {"since": "x"}),
        ("/me", {"fields": "email"}),
        ("/me/friends", {}),
        ("", {}),
        ("/act_{}/moons", {}),
        ("/act_{}/insights", {"action_attribution_windows": "5"}),
        ("/act_{}/insights", {"time_range": "[1]"}),
        ("/act_{}/insights", {"time_increment": "0"}),
        ("/act_1/insights", {}),
        ("/12345", {}),
        ("/12345/insights", {}),
    ],
)
def test_no_parameter_breaks_the_server(served, path, parameters):
    with served.meta() as client:
        answer = client.get(path.format(accounts_of(served)[0]), params=parameters)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in {100, 2500}


def test_a_body_that_is_no_object_is_refused(served):
    with served.meta() as client:
        for body in (b"{", b"7", b"[[1]]"):
            answer = client.post(
                f"/act_{accounts_of(served)[0]}/insights",
                content=body,
                headers={"Content-Type": "application/json"},
            )
            assert answer.status_code == 400
        other = client.get(f"{served.root('META_ADS')}/v19.0/me/adaccounts")
        assert other.json()["error"]["code"] == 2635


def test_too_much_data_is_refused_so_that_a_client_must_split(served):
    account = accounts_of(served)[0]
    span = {"since": "2025-01-01", "until": served.world.ledger["end_date"]}
    with served.meta() as client:
        body = report_body(served.world, time_range=json.dumps(span))
        error = client.post(f"/act_{account}/insights", data=body).json()["error"]
        assert (error["code"], error["error_subcode"]) == (100, 1487534)
        answer = client.get(f"/act_{account}/insights", params={**body, "limit": "5000"})
        assert answer.status_code == 500
        assert "reduce the amount of data" in answer.json()["error"]["message"]


def test_a_wrong_token_is_refused_and_an_expired_one_says_so(served):
    with served.meta() as client:
        wrong = client.get("/me/adaccounts", headers={"Authorization": "Bearer nonsense"})
        assert wrong.json()["error"]["code"] == 190
        served.control("META_ADS", "fault", {"kind": "expired_token", "times": 1})
        error = client.get("/me/adaccounts").json()["error"]
        assert (error["code"], error["error_subcode"]) == (190, 463)
        assert client.get("/me/adaccounts").status_code == 200


def test_throttling_names_the_wait_and_usage_headers_are_there(served):
    with served.meta() as client:
        served.control(
            "META_ADS", "fault", {"kind": "status_429", "times": 1, "retry_after_seconds": 120}
        )
        answer = client.get("/me/adaccounts")
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == 80000
        usage = json.loads(answer.headers["x-business-use-case-usage"])
        entries = next(iter(usage.values()))
        assert [e["estimated_time_to_regain_access"] for e in entries] == [2, 2]
        assert {e["type"] for e in entries} == {"ads_management", "ads_insights"}
        calm = client.get("/me/adaccounts")
        assert json.loads(calm.headers["x-app-usage"])["call_count"] < 100
        assert "x-fb-ads-insights-throttle" in calm.headers


def test_a_report_fails_when_told_to_and_succeeds_when_made_again(served):
    account = accounts_of(served)[0]
    served.control("META_ADS", "fault", {"kind": "report_failed", "times": 1})
    with served.meta() as client:
        body = report_body(served.world, level="campaign")
        first = client.post(f"/act_{account}/insights", data=body).json()["report_run_id"]
        states, last = finish(client, first)
        assert states[-1][0] == "Job Failed"
        assert (last["error_code"], last["error_subcode"]) == (-2, 2490547)
        second = client.post(f"/act_{account}/insights", data=body).json()["report_run_id"]
        assert finish(client, second)[0][-1] == ("Job Completed", 100)


def test_conversions_mature_and_rows_vanish_as_the_clock_moves(served):
    account = accounts_of(served)[0]
    with served.meta() as client:
        before = read_report(client, served.world, account)
        served.control("META_ADS", "clock", {"advance_days": 30})
        after = read_report(client, served.world, account)
        served.control("META_ADS", "clock", {"now": "2026-10-20T12:00:00Z"})
        earlier = read_report(client, served.world, account)

    def conversions(rows):
        return sum(int(purchase(row, "actions").get("28d_click", "0")) for row in rows)

    assert conversions(after) > conversions(before) > conversions(earlier)
    assert len(after) < len(before)
    assert max(row["date_start"] for row in earlier) == "2026-10-20"
