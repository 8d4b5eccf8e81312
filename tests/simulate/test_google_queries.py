"""GAQL: what Google accepts is answered, everything else is refused with Google's own error."""

from datetime import UTC, datetime

import pytest

from .test_google import enabled, error_of, in_period, manager, rows_of, search

pytestmark = pytest.mark.system

DAY = "segments.date = '2026-10-20'"


@pytest.fixture
def ask(served):
    with served.google() as client:
        customer = enabled(served, client)[0]["id"]
        yield lambda query: search(client, customer, query)


@pytest.fixture
def rows(served):
    with served.google() as client:
        customer = enabled(served, client)[0]["id"]
        yield lambda query: rows_of(client, customer, query)


REFUSED = {
    "SELECT metrics.clicks FROM campaign WHERE segments.year IN (2026)": "OPERATOR_FIELD_MISMATCH",
    "SELECT metrics.clicks FROM campaign WHERE segments.year = 2026.5": "BAD_NUMBER",
    "SELECT campaign.id FROM campaign WHERE campaign.name CONTAINS ANY ('a')": (
        "OPERATOR_FIELD_MISMATCH"
    ),
    "FROM campaign": "EXPECTED_SELECT",
    "SELECT campaign.id": "EXPECTED_FROM",
    "SELECT campaign.id, FROM campaign": "BAD_FIELD_NAME",
    "SELECT * FROM campaign": "UNEXPECTED_INPUT",
    "SELECT campaign.id FROM": "UNEXPECTED_END_OF_QUERY",
    "SELECT campaign.id FROM campaign campaign": "UNEXPECTED_INPUT",
    "SELECT campaign.id FROM moon": "BAD_RESOURCE_TYPE_IN_FROM_CLAUSE",
    "SELECT campaign.colour FROM campaign": "UNRECOGNIZED_FIELD",
    "SELECT ad_group.id FROM campaign": "PROHIBITED_RESOURCE_TYPE_IN_SELECT_CLAUSE",
    "SELECT campaign.id FROM campaign WHERE ad_group.id = 1": (
        "PROHIBITED_RESOURCE_TYPE_IN_WHERE_CLAUSE"
    ),
    "SELECT metrics.clicks FROM conversion_action": "PROHIBITED_METRIC_IN_SELECT_OR_WHERE_CLAUSE",
    f"SELECT metrics.impressions FROM click_view WHERE {DAY}": (
        "PROHIBITED_METRIC_IN_SELECT_OR_WHERE_CLAUSE"
    ),
    f"SELECT segments.keyword.info.text FROM campaign WHERE {DAY}": (
        "PROHIBITED_SEGMENT_IN_SELECT_OR_WHERE_CLAUSE"
    ),
    f"SELECT segments.conversion_action, metrics.clicks FROM campaign WHERE {DAY}": (
        "PROHIBITED_SEGMENT_WITH_METRIC_IN_SELECT_OR_WHERE_CLAUSE"
    ),
    "SELECT segments.date, metrics.clicks FROM campaign": "EXPECTED_FILTERS_ON_DATE_RANGE",
    "SELECT segments.date FROM campaign WHERE segments.date > '2026-10-01'": (
        "EXPECTED_FILTERS_ON_DATE_RANGE"
    ),
    "SELECT segments.date FROM campaign WHERE segments.date = 'yesterday'": "INVALID_DATE_FORMAT",
    "SELECT metrics.clicks FROM campaign WHERE segments.date != '2026-10-01'": (
        "OPERATOR_FIELD_MISMATCH"
    ),
    "SELECT metrics.clicks FROM campaign WHERE segments.date DURING LAST_YEAR": (
        "INVALID_VALUE_WITH_DURING_OPERATOR"
    ),
    "SELECT metrics.clicks FROM campaign WHERE segments.month = '2026-10-02'": (
        "MISALIGNED_DATE_FOR_FILTER"
    ),
    "SELECT metrics.clicks FROM campaign WHERE segments.date "
    "BETWEEN '2026-10-02' AND '2026-10-01'": "DATE_RANGE_TOO_NARROW",
    "SELECT metrics.clicks FROM campaign WHERE segments.device = 'MOBILE'": (
        "EXPECTED_REFERENCED_FIELD_IN_SELECT_CLAUSE"
    ),
    "SELECT campaign.id FROM campaign ORDER BY segments.date": (
        "EXPECTED_REFERENCED_FIELD_IN_SELECT_CLAUSE"
    ),
    "SELECT campaign.id FROM campaign ORDER BY metrics.clicks": (
        "EXPECTED_REFERENCED_FIELD_IN_SELECT_CLAUSE"
    ),
    "SELECT campaign.id FROM campaign ORDER campaign.id": "EXPECTED_BY",
    "SELECT campaign.id FROM campaign WHERE campaign.id > 'many'": "BAD_NUMBER",
    "SELECT campaign.id FROM campaign WHERE campaign.id IN ()": (
        "PROHIBITED_EMPTY_LIST_IN_CONDITION"
    ),
    "SELECT campaign.id FROM campaign WHERE campaign.id IN 3": "EXPECTED_LIST",
    "SELECT campaign.id FROM campaign WHERE campaign.id = (3)": "EXPECTED_SINGLE_VALUE",
    "SELECT campaign.id FROM campaign WHERE campaign.id LIKES 3": "BAD_OPERATOR",
    "SELECT campaign.id FROM campaign WHERE campaign.id LIKE '3%'": "OPERATOR_FIELD_MISMATCH",
    "SELECT campaign.id FROM campaign WHERE campaign.name LIKE 3": (
        "INVALID_VALUE_WITH_LIKE_OPERATOR"
    ),
    "SELECT campaign.id FROM campaign WHERE campaign.id BETWEEN 1 OR 2": (
        "EXPECTED_VALUE_WITH_BETWEEN_OPERATOR"
    ),
    "SELECT campaign.id FROM campaign WHERE campaign.id = 1 OR campaign.id = 2": "EXPECTED_AND",
    "SELECT campaign.id FROM campaign WHERE campaign.status = 'ACTIVE'": "BAD_ENUM_CONSTANT",
    "SELECT campaign.id FROM campaign WHERE campaign.name = 'US": "STRING_NOT_TERMINATED",
    "SELECT customer.id FROM customer WHERE customer.manager = 'no'": "BAD_VALUE",
    "SELECT campaign.id FROM campaign LIMIT zero": "BAD_LIMIT_VALUE",
    "SELECT campaign.id FROM campaign LIMIT 0": "LIMIT_VALUE_TOO_LOW",
    "SELECT campaign.id FROM campaign PARAMETERS speed = true": "BAD_PARAMETER_NAME",
    "SELECT campaign.id FROM campaign PARAMETERS include_drafts = 3": "BAD_PARAMETER_VALUE",
    "SELECT click_view.gclid FROM click_view": "EXPECTED_FILTERS_ON_DATE_RANGE",
    "SELECT click_view.gclid FROM click_view WHERE segments.date DURING LAST_7_DAYS": (
        "EXPECTED_FILTERS_ON_DATE_RANGE"
    ),
}


@pytest.mark.parametrize("query", REFUSED)
def test_a_bad_query_is_refused_with_its_query_error(ask, query):
    answer = ask(query)
    assert answer.status_code == 400
    assert error_of(answer)["errorCode"] == {"queryError": REFUSED[query]}


@pytest.mark.parametrize(
    ("query", "day"),
    [
        ("SELECT click_view.gclid FROM click_view WHERE segments.date =", "2026-07-01"),
        ("SELECT segments.date, metrics.clicks FROM campaign WHERE segments.date =", "2023-01-01"),
    ],
)
def test_days_that_google_does_not_keep_are_refused(ask, query, day):
    answer = ask(f"{query} '{day}'")
    assert error_of(answer)["errorCode"] == {"dateError": "EARLIER_THAN_MINIMUM_DATE"}


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ("campaign.name LIKE '%search%'", 3),
        ("campaign.name NOT LIKE '%search%'", 2),
        ("campaign.name LIKE 'US Search _rand'", 1),
        ("campaign.name REGEXP_MATCH '.*(Brand|Max)'", 2),
        ("campaign.status IN (ENABLED, 'PAUSED')", 4),
        ("campaign.status NOT IN ('ENABLED')", 2),
        ("campaign.id BETWEEN 0 AND 1", 0),
        ("campaign.id > 0 AND campaign.status = 'REMOVED'", 1),
        ("campaign.tracking_url_template IS NULL", 5),
        ("campaign.name IS NOT NULL", 5),
    ],
)
def test_conditions_are_those_of_google(rows, where, count):
    assert len(rows(f"SELECT campaign.id FROM campaign WHERE {where}")) == count


def test_order_limit_and_parameters(rows):
    query = "select campaign.name from campaign order by campaign.name desc limit 2"
    found = rows(f"{query} parameters omit_unselected_resource_names = true;")
    assert found == [
        {"campaign": {"name": "US Shopping Feed"}},
        {"campaign": {"name": "US Search Generic"}},
    ]


@pytest.mark.parametrize("segment", ["week", "month", "quarter", "year", "day_of_week"])
def test_periods_split_the_same_sum(served, rows, segment):
    query = in_period(served, "SELECT {} metrics.cost_micros FROM customer")
    [whole] = rows(query.format(""))
    parts = rows(query.format(f"segments.{segment},"))
    costs = [int(row["metrics"]["costMicros"]) for row in parts]
    assert len(parts) > (segment not in {"quarter", "year"})
    assert sum(costs) == int(whole["metrics"]["costMicros"])


def test_a_month_in_where_is_the_range_of_its_days(rows):
    query = "SELECT segments.date, metrics.clicks FROM customer WHERE segments.month ="
    days = {row["segments"]["date"] for row in rows(f"{query} '2026-10-01'")}
    assert (min(days), max(days)) == ("2026-10-01", "2026-10-31")


def test_what_delivered_nothing_is_there_unless_the_rows_are_split(rows):
    query = "SELECT {} campaign.id, metrics.clicks FROM campaign WHERE segments.date = '2026-10-20'"
    found = rows(query.format(""))
    assert len(found) == 5
    assert "0" in {row["metrics"]["clicks"] for row in found}
    assert len(rows(query.format("segments.date,"))) < 5


BODIES = {
    "googleAds:searchStream": {"page_token": "", "queryy": "", "pageSize": 3},
    "googleAds:search": {"summaryRowSetting": "SUMMARY_ROW_ONLY", "limit": 4},
}


@pytest.mark.parametrize(
    ("call", "key", "value"),
    [(call, *pair) for call, keys in BODIES.items() for pair in keys.items()],
)
def test_unknown_keys_of_a_body_are_refused(served, call, key, value):
    with served.google() as client:
        body = {"query": "SELECT campaign.id FROM campaign", key: value}
        answer = client.post(f"/customers/{enabled(served, client)[0]['id']}/{call}", json=body)
    assert answer.status_code == 400
    body = answer.json()
    error = (body[0] if isinstance(body, list) else body)["error"]
    assert f'Unknown name "{key}": Cannot find field.' in error["message"]
    assert error["details"][0]["fieldViolations"]


def test_search_has_pages_of_a_fixed_size(served):
    with served.google() as client:
        path = f"/customers/{enabled(served, client)[0]['id']}/googleAds:search"

        def ask(**more):
            return client.post(path, json={"query": "SELECT campaign.id FROM campaign"} | more)

        codes = [
            error_of(ask(**more))["errorCode"]["requestError"]
            for more in ({"pageSize": 5}, {"pageToken": "p0"}, {"validateOnly": True} | TOKEN)
        ]
        assert codes == [
            "PAGE_SIZE_NOT_SUPPORTED",
            "INVALID_PAGE_TOKEN",
            "VALIDATE_ONLY_REQUEST_HAS_PAGE_TOKEN",
        ]
        assert ask(validateOnly=True).json() == {}
        counted = {"omitResults": True, "returnTotalResultsCount": True}
        answer = ask(searchSettings=counted).json()
        assert ("results" in answer, answer["totalResultsCount"]) == (False, "5")


TOKEN = {"pageToken": "00000000-0"}


def test_a_summary_row_is_the_sum(served):
    with served.google() as client:
        customer = enabled(served, client)[0]["id"]
        query = in_period(served, "SELECT campaign.id, metrics.clicks FROM campaign")
        path = f"/customers/{customer}/googleAds:searchStream"
        body = {"query": query, "summaryRowSetting": "SUMMARY_ROW_ONLY"}
        [chunk] = client.post(path, json=body).json()
        rows = rows_of(client, customer, query)
        assert "results" not in chunk
        clicks = sum(int(row["metrics"]["clicks"]) for row in rows)
        assert chunk["summaryRow"] == {"metrics": {"clicks": str(clicks)}}
        refused = client.post(path, json=body | {"query": "SELECT campaign.id FROM campaign"})
        assert "SUMMARY_ROW" in error_of(refused)["errorCode"]["requestError"]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v26/customers/1/googleAds:search"), ("GET", "/v26/nothing")]
)
def test_an_unknown_route_answers_as_google_does(served, method, path):
    with served.google() as client:
        answer = client.request(method, served.root("GOOGLE_ADS") + path)
    assert answer.status_code == 404
    assert answer.json()["error"] == {
        "code": 404,
        "message": "Method not found.",
        "status": "NOT_FOUND",
    }


CHANGES = (
    "SELECT change_status.last_change_date_time, change_status.resource_status, "
    "change_status.ad_group_criterion FROM change_status WHERE "
    "change_status.resource_type = AD_GROUP_CRITERION AND "
    "change_status.last_change_date_time "
)


@pytest.mark.parametrize(
    ("rest", "name"),
    [
        (">= '2026-10-01' LIMIT 9", "CHANGE_DATE_RANGE_INFINITE"),
        ("BETWEEN '2026-10-02' AND '2026-10-01' LIMIT 9", "CHANGE_DATE_RANGE_NEGATIVE"),
        ("BETWEEN '2026-01-02' AND '2026-10-01' LIMIT 9", "START_DATE_TOO_OLD"),
        ("BETWEEN '2026-10-01' AND '2026-10-02'", "LIMIT_NOT_SPECIFIED"),
        ("BETWEEN '2026-10-01' AND '2026-10-02' LIMIT 10001", "INVALID_LIMIT_CLAUSE"),
    ],
)
def test_changes_need_a_finite_recent_range_and_a_limit(ask, rest, name):
    answer = ask(CHANGES + rest)
    assert answer.status_code == 400
    assert error_of(answer)["errorCode"] == {"changeStatusError": name}


def test_criteria_changed_when_their_campaign_came(served, rows):
    made = {
        row["campaign_id"]: row["created_us"]
        for row in served.world.truth("campaigns").to_pylist()
        if row["created_us"] >= datetime(2026, 8, 10, tzinfo=UTC).timestamp() * 1e6
    }
    criteria = [
        row
        for row in rows(
            "SELECT campaign.id, ad_group_criterion.resource_name FROM ad_group_criterion"
        )
        if row["campaign"]["id"] in made
    ]
    first = "BETWEEN '2026-08-09 20:00:00' AND '2026-10-31 23:59:59.999999' "
    order = "ORDER BY change_status.last_change_date_time LIMIT 10000"
    found = [row["changeStatus"] for row in rows(CHANGES + first + order)]
    assert {one["adGroupCriterion"] for one in found} == {
        row["adGroupCriterion"]["resourceName"] for row in criteria
    }
    assert len(found) == len(criteria) > 0
    assert {one["resourceStatus"] for one in found} == {"ADDED"}
    times = [one["lastChangeDateTime"] for one in found]
    assert times == sorted(times)


@pytest.mark.parametrize(
    "resource", ["audience", "display_keyword_view", "label", "topic_view", "user_interest"]
)
def test_what_the_world_has_none_of_is_an_empty_list(rows, resource):
    assert rows(f"SELECT {resource}.resource_name FROM {resource}") == []


def test_a_version_knows_its_own_fields(served):
    asked = {
        "campaign.video_brand_safety_suitability": (200, 400),
        "campaign_criterion.require_eu_political_advertising_declaration": (400, 200),
    }
    with served.google() as client:
        customer = served.settings["GOOGLE_ADS_LOGIN_CUSTOMER_ID"]
        for field, expected in asked.items():
            query = {"query": f"SELECT {field} FROM {field.split('.')[0]}"}
            path = f"customers/{customer}/googleAds:search"
            root = served.root("GOOGLE_ADS")
            answers = [client.post(f"{root}/v{n}/{path}", json=query) for n in (23, 26)]
            assert tuple(answer.status_code for answer in answers) == expected
            refused = next(answer for answer in answers if answer.status_code == 400)
            assert error_of(refused)["errorCode"] == {"queryError": "UNRECOGNIZED_FIELD"}


def test_versions_end(served):
    with served.google() as client:
        for version, status in (("v23", 200), ("v22", 400), ("v27", 404)):
            url = f"{served.root('GOOGLE_ADS')}/{version}/customers:listAccessibleCustomers"
            assert client.get(url).status_code == status
        answer = client.get("/customers:listAccessibleCustomers", params={"page": 2})
        assert "Cannot bind query parameter" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"client_id": "x"}, 401, "invalid_client"),
        ({"client_secret": "x"}, 401, "invalid_client"),
        ({"refresh_token": ""}, 400, "invalid_request"),
        ({"refresh_token": "x"}, 400, "invalid_grant"),
    ],
)
def test_the_token_server_says_what_is_wrong(served, change, status, error):
    import httpx

    form = {
        "grant_type": "refresh_token",
        "client_id": served.settings["GOOGLE_ADS_CLIENT_ID"],
        "client_secret": served.settings["GOOGLE_ADS_CLIENT_SECRET"],
        "refresh_token": served.settings["GOOGLE_ADS_REFRESH_TOKEN"],
    }
    answer = httpx.post(served.settings["GOOGLE_ADS_TOKEN_URL"], data=form | change)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_only_the_manager_is_reached_without_a_login_customer(served):
    with served.google() as client:
        del client.headers["login-customer-id"]
        assert search(client, manager(served), "SELECT customer.id FROM customer").is_success
