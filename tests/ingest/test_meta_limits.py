"""What Meta's codes and usage headers mean: whom they hit, and whether waiting helps."""

import json

import httpx
import pytest

from marketing_analytics.core.errors import AuthError, TerminalError, TransientError
from marketing_analytics.ingest.engine.governor import AccountError, TooMuchDataError
from marketing_analytics.ingest.platforms.meta_ads.limits import classify, pause_of

ACCOUNT, REPORT, TOKEN = "/v26.0/act_7/insights", "/v26.0/99/insights", "/v26.0/me/adaccounts"


def answer(path, status=400, headers=None, **error):
    request = httpx.Request("GET", f"https://graph.example{path}")
    return httpx.Response(status, json={"error": error}, headers=headers, request=request)


@pytest.mark.parametrize(
    ("path", "code", "subcode", "kind"),
    [
        (TOKEN, 190, 463, AuthError),
        (ACCOUNT, 190, 463, AuthError),
        (TOKEN, 200, 0, AuthError),
        (ACCOUNT, 10, 0, AccountError),
        (ACCOUNT, 294, 0, AccountError),
        (ACCOUNT, 100, 33, AccountError),
        (REPORT, 100, 33, TransientError),
        (REPORT, 2601, 0, TransientError),
        (REPORT, 1, 99, TransientError),
        (REPORT, 2, 1504043, TransientError),
        (REPORT, 341, 0, TransientError),
        (REPORT, -2, 2490547, TooMuchDataError),
        (ACCOUNT, 100, 1487534, TooMuchDataError),
        (ACCOUNT, 100, 1504018, TooMuchDataError),
        (ACCOUNT, 2, 1504038, TooMuchDataError),
        (ACCOUNT, 100, 0, TerminalError),
        (ACCOUNT, 4, 1504022, TransientError),
        (ACCOUNT, 17, 2446079, TransientError),
        (ACCOUNT, 613, 1487742, TransientError),
        (ACCOUNT, 80004, 0, TransientError),
    ],
)
def test_a_code_means_one_thing(path, code, subcode, kind):
    found = classify(answer(path, message="no", code=code, error_subcode=subcode))
    assert type(found) is kind


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"error": 7}', b'{"error": {"code": "x"}}']
)
def test_an_error_that_cannot_be_read_is_judged_by_its_status(body):
    request = httpx.Request("GET", f"https://graph.example{ACCOUNT}")
    assert classify(httpx.Response(400, content=body, request=request)) is None


def usage(path, kind, percent, minutes=0):
    record = {"type": kind, "call_count": percent, "estimated_time_to_regain_access": minutes}
    header = {"x-business-use-case-usage": json.dumps({"1": [record]})}
    request = httpx.Request("GET", f"https://graph.example{path}")
    return httpx.Response(200, headers=header, request=request)


@pytest.mark.parametrize(
    ("path", "kind", "pause"),
    [
        (ACCOUNT, "ads_insights", 600.0),
        (REPORT, "ads_insights", 600.0),
        (ACCOUNT, "ads_management", 0.0),
        (ACCOUNT, "custom_audience", 0.0),
        ("/v26.0/act_7/campaigns", "ads_management", 600.0),
        ("/v26.0/act_7/campaigns", "ads_insights", 0.0),
    ],
)
def test_the_budget_of_another_kind_of_call_stops_nothing(path, kind, pause):
    assert pause_of(usage(path, kind, 100, minutes=10)) == pause


@pytest.mark.parametrize(
    "header", ["", "no json", "[]", "7", '{"1": [7]}', '{"1": [{"call_count": "x"}]}']
)
def test_a_header_that_cannot_be_read_stops_nothing(header):
    request = httpx.Request("GET", f"https://graph.example{ACCOUNT}")
    names = ("x-app-usage", "x-ad-account-usage", "x-business-use-case-usage")
    headers = dict.fromkeys(names, header)
    assert pause_of(httpx.Response(200, headers=headers, request=request)) == 0
