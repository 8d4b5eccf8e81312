"""The Data API of GA4 over real HTTP: figures of the ledger, and refusals as Google words them."""

from __future__ import annotations

from decimal import Decimal

import httpx
import pytest

pytestmark = pytest.mark.system

QUOTA_OF_AN_HOUR = 14_000


@pytest.fixture
def ask(served):
    """Return a function that asks for a report and returns the answer."""
    settings = served.settings
    form = {"grant_type": "refresh_token"} | {
        name: settings[f"GA4_REPORTS_{name.upper()}"]
        for name in ("client_id", "client_secret", "refresh_token")
    }
    answer = httpx.post(settings["GA4_REPORTS_TOKEN_URL"], data=form)
    client = httpx.Client(
        base_url=settings["GA4_REPORTS_BASE_URL"],
        headers={"Authorization": f"Bearer {answer.json()['access_token']}"},
        timeout=30,
    )

    def asked(*, path=f"/properties/{settings['GA4_PROPERTY_IDS']}:runReport", **body):
        return client.post(path, json=body)

    yield asked
    client.close()


def named(*names):
    return [{"name": name} for name in names]


def all_days(served):
    ledger = served.world.ledger
    return [{"startDate": ledger["start_date"], "endDate": ledger["end_date"]}]


def values(row):
    return tuple(cell["value"] for cell in (*row.get("dimensionValues", ()), *row["metricValues"]))


def test_totals_are_those_of_the_ledger_once_all_is_processed(served, ask):
    body = {"dateRanges": all_days(served), "metrics": named("sessions", "keyEvents", "eventCount")}
    early = ask(**body).json()
    served.control("GA4_REPORTS", "clock", {"advance_days": 3})
    late = ask(**body).json()
    ledger = served.world.ledger["ga4"]
    found = [int(value) for value in values(late["rows"][0])]
    assert found == [ledger["sessions"], ledger["purchases"], ledger["events"]]
    # the last two days grow
    assert 0.9 * found[0] < int(values(early["rows"][0])[0]) < found[0]
    assert late["rowCount"] == 1
    assert late["metadata"] == {"currencyCode": "USD", "timeZone": "Etc/UTC"}
    assert [header["type"] for header in late["metricHeaders"]] == [
        "TYPE_INTEGER",
        "TYPE_FLOAT",
        "TYPE_INTEGER",
    ]


def test_rows_add_up_to_the_totals_and_pages_to_the_rows(served, ask):
    body = {
        "dateRanges": all_days(served),
        "dimensions": named("date", "sessionSource"),
        "metrics": named("totalRevenue", "sessions"),
        "metricAggregations": ["TOTAL"],
        "orderBys": [{"dimension": {"dimensionName": n}} for n in ("date", "sessionSource")],
    }
    whole = ask(**body).json()
    pages = [ask(**body, offset=str(at), limit="100").json() for at in (0, 100)]
    assert [row for page in pages for row in page["rows"]] == whole["rows"][:200]
    assert {page["rowCount"] for page in pages} == {len(whole["rows"])}
    assert whole["rows"] == sorted(whole["rows"], key=lambda row: values(row)[:2])
    (total,) = whole["totals"]
    assert total["dimensionValues"] == [{"value": "RESERVED_TOTAL"}] * 2
    revenue = sum(Decimal(values(row)[2]) for row in whole["rows"])
    assert revenue == Decimal(values(total)[2])
    assert revenue > 0


def test_a_report_without_rows_has_neither_rows_nor_a_count(served, ask):
    range_before = [{"startDate": "2020-01-01", "endDate": "2020-01-02"}]
    answer = ask(dateRanges=range_before, dimensions=named("date"), metrics=named("sessions"))
    assert "rows" not in answer.json()
    assert "rowCount" not in answer.json()


def test_filters_choose_events(served, ask):
    body = {
        "dateRanges": all_days(served),
        "dimensions": named("sessionMedium"),
        "metrics": named("sessions"),
    }
    paid = {"fieldName": "sessionMedium", "inListFilter": {"values": ["CPC", "email"]}}
    begins = {"fieldName": "sessionMedium", "stringFilter": {"matchType": 2, "value": "e"}}
    found = ask(**body, dimensionFilter={"filter": paid}).json()
    assert {values(row)[0] for row in found["rows"]} == {"cpc", "email"}
    both = {"andGroup": {"expressions": [{"filter": paid}, {"filter": begins}]}}
    assert [values(r)[0] for r in ask(**body, dimensionFilter=both).json()["rows"]] == ["email"]
    other = {"notExpression": {"filter": paid}}
    mediums = {values(row)[0] for row in ask(**body, dimensionFilter=other).json()["rows"]}
    assert "(none)" in mediums
    assert not mediums & {"cpc", "email"}


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ({"metrics": [{"name": "sesions"}]}, 400, "Field sesions is not a valid metric"),
        ({"dimensions": [{"name": "dat"}]}, 400, "Field dat is not a valid dimension"),
        ({"metrics": []}, 400, "at least one dimension or metric"),
        ({"metrics": named("sessions", "sessions")}, 400, "unique metrics"),
        ({"limit": "250001"}, 400, "The limit must be between 0 and 250000"),
        ({"limit": "many"}, 400, 'Invalid value at "limit"'),
        ({"dateRanges": []}, 400, "dateRanges is required"),
        ({"dateRanges": [{"startDate": "soon", "endDate": "today"}]}, 400, "Invalid startDate"),
        ({"dateRanges": [{"startDate": "today", "endDate": "2daysAgo"}]}, 400, "must be after"),
        ({"orderBys": [{"dimension": {"dimensionName": "date"}}]}, 400, "is not among"),
        ({"dimension": []}, 400, 'Unknown name "dimension"'),
        ({"property": "properties/1"}, 400, 'Unknown name "property"'),
        ({"metricFilter": {}}, 501, "metricFilter is not served"),
        ({"currencyCode": "EUR"}, 501, "currencyCode is not served"),
        ({"metricAggregations": ["MAXIMUM"]}, 501, "metricAggregations MAXIMUM"),
    ],
)
def test_what_is_wrong_or_not_served_is_refused(served, ask, body, code, said):
    answer = ask(**({"dateRanges": all_days(served), "metrics": named("sessions")} | body))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (code, code)
    assert error["status"] == {400: "INVALID_ARGUMENT", 501: "UNIMPLEMENTED"}[code]
    assert said in error["message"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/properties/999:runReport", 403),
        ("/properties/abc:runReport", 400),
        ("/properties/999:runFunnelReport", 404),
        ("/nothing", 404),
    ],
)
def test_other_properties_and_addresses_are_refused(ask, path, code):
    answer = ask(path=path)
    assert answer.status_code == code
    assert answer.json()["error"]["code"] == code


def test_without_a_token_nothing_is_told(served):
    url = served.settings["GA4_REPORTS_BASE_URL"]
    answer = httpx.post(f"{url}/properties/1:runReport", json={})
    assert (answer.status_code, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")


def test_the_quota_counts_down_and_ends(served, ask):
    body = {"dateRanges": all_days(served), "metrics": named("sessions")}
    quota = ask(**body, returnPropertyQuota=True).json()["propertyQuota"]
    assert quota["tokensPerProjectPerHour"] == {"consumed": 1, "remaining": QUOTA_OF_AN_HOUR - 1}
    again = ask(**body, returnPropertyQuota=True).json()["propertyQuota"]
    assert again["tokensPerDay"]["remaining"] == quota["tokensPerDay"]["remaining"] - 1
    assert "propertyQuota" not in ask(**body).json()
    served.control("GA4_REPORTS", "fault", {"kind": "status_429", "retry_after_seconds": 5})
    refused = ask(**body)
    assert refused.status_code == 429
    assert refused.json()["error"]["status"] == "RESOURCE_EXHAUSTED"
    assert refused.json()["error"]["details"][0]["retryDelay"] == "5s"


def test_a_bucket_without_tokens_is_named_until_its_hour_is_over():
    from marketing_analytics.simulate.emulation.control import SimulatedClock
    from marketing_analytics.simulate.platforms.ga4_reports.emulator import Quota
    from marketing_analytics.simulate.platforms.ga4_reports.errors import ReportError

    clock = SimulatedClock(0)
    quota = Quota(clock)
    quota.spend(QUOTA_OF_AN_HOUR)
    with pytest.raises(ReportError, match="per project per hour") as refused:
        quota.check()
    assert refused.value.status == 429
    clock.now_us = 3_600_000_000
    quota.check()


@pytest.mark.parametrize("kind", ["sampled", "thresholded", "other_row"])
def test_an_answer_of_less_quality_says_so_once(served, ask, kind):
    body = {
        "dateRanges": all_days(served),
        "dimensions": named("date", "sessionSource"),
        "metrics": named("sessions"),
        "metricAggregations": ["TOTAL"],
    }
    whole = ask(**body).json()
    served.control("GA4_REPORTS", "fault", {"kind": kind})
    poor, after = ask(**body).json(), ask(**body).json()
    keys = {"sampled": "samplingMetadatas", "thresholded": "subjectToThresholding"}
    assert keys.get(kind, "dataLossFromOtherRow") in poor["metadata"]
    assert after == whole
    assert poor["totals"] == whole["totals"]
    if kind == "other_row":
        assert any(values(row)[1] == "(other)" for row in poor["rows"])
        assert sum(int(values(row)[2]) for row in poor["rows"]) == sum(
            int(values(row)[2]) for row in whole["rows"]
        )
    if kind == "thresholded":
        assert len(poor["rows"]) < len(whole["rows"])
