"""What real platforms do in the middle of an answer: the old rows stay, the others are loaded."""

import re
from datetime import date, timedelta

import orjson
import pytest

from .commands import contents, ingest, read
from .scripted_platform import Answer, between
from .source_kit import first_and_slow, slow

pytestmark = pytest.mark.system

DENIED = {
    "meta_ads": (
        {"error": {"message": "(#200) no permission", "type": "OAuthException", "code": 200}},
        403,
    ),
    "google_ads": (
        [
            {
                "error": {
                    "code": 403,
                    "message": "The caller does not have permission",
                    "status": "PERMISSION_DENIED",
                    "details": [
                        {
                            "errors": [
                                {
                                    "errorCode": {"authorizationError": "CUSTOMER_NOT_ENABLED"},
                                    "message": "The customer account can't be accessed",
                                }
                            ]
                        }
                    ],
                }
            }
        ],
        403,
    ),
}
ACCOUNTS = {"meta_ads": ("accounts", "account_id"), "google_ads": ("customers", "customer_id")}
FACTS = {"meta_ads": "ad_insights", "google_ads": "campaign_stats"}


def load(database, settings, source, *arguments):
    done = ingest("--source", source, "--raw-database", database, "--json", *arguments, **settings)
    return done, done.source(source)


def facts(database, source):
    return contents(database, source)[f"{source}.{FACTS[source]}"]


def account_of(rows):
    """Return the account with the most rows."""
    names = [row[0] for row in rows]
    return max(sorted(set(names)), key=names.count)


@pytest.mark.slow
@pytest.mark.parametrize("source", first_and_slow(DENIED))
def test_a_denied_account_is_named_and_the_others_are_loaded(
    shared_emulators, everything, tmp_path, source
):
    everyone = everything[f"{source}.{FACTS[source]}"]
    denied = account_of(everyone)
    body, status = DENIED[source]

    def change(asked, answer):
        is_of_account = re.search(rf"/(act_|customers/){denied}/", asked.path)
        return Answer(body, status) if is_of_account else answer

    with between(shared_emulators.settings, source, change) as settings:
        done, result = load(tmp_path / "raw.duckdb", settings, source)
    assert (done.code, result["status"]) == (5, "partial"), done.out
    [error] = result["errors"]
    assert error["message"].startswith(f"account {denied}: ")
    assert error["hint"]
    assert facts(tmp_path / "raw.duckdb", source) == [r for r in everyone if r[0] != denied]
    # the next run reads what was denied
    assert load(tmp_path / "raw.duckdb", shared_emulators.settings, source)[0].code == 0
    assert facts(tmp_path / "raw.duckdb", source) == everyone


@pytest.mark.slow
@pytest.mark.parametrize("source", first_and_slow(ACCOUNTS))
@pytest.mark.parametrize("field", ["currency", "timezone"])
def test_an_account_without_currency_or_zone_is_named_and_the_others_are_loaded(
    shared_emulators, everything, tmp_path, source, field
):
    everyone = everything[f"{source}.{FACTS[source]}"]
    odd = account_of(everyone)
    names = {"currency": ("currency", "currencyCode"), "timezone": ("timezone_name", "timeZone")}

    def change(asked, answer):
        body = orjson.loads(answer.body)
        found = body.get("data", []) if isinstance(body, dict) else []
        found += [
            row.get("customerClient", {})
            for chunk in (body if isinstance(body, list) else [])
            for row in chunk.get("results", [])
        ]
        for row in found:
            if str(row.get("account_id") or row.get("id")) == odd:
                row.update({name: "Nowhere/At all" for name in names[field] if name in row})
        return Answer(body, answer.status)

    with between(shared_emulators.settings, source, change) as settings:
        done, result = load(tmp_path / "raw.duckdb", settings, source)
    assert (done.code, result["status"]) == (5, "partial"), done.out
    [error] = result["errors"]
    assert error["message"].startswith(f"account {odd}: its ")
    assert "bug" not in error["message"]
    assert facts(tmp_path / "raw.duckdb", source) == [r for r in everyone if r[0] != odd]


def covers(asked, day):
    """Return whether a request asks for a window with this day."""
    days = [date.fromisoformat(text) for text in re.findall(r"20\d\d-\d\d-\d\d", asked)]
    return len(days) == 2 and days[0] <= day <= days[1]


@pytest.mark.slow
@pytest.mark.parametrize("source", first_and_slow(FACTS))
@pytest.mark.parametrize("fault", ["error", *slow("status_500", "not json")])
def test_a_bad_day_is_a_day(shared_emulators, everything, tmp_path, source, fault):
    bad = date(2026, 10, 20)
    answers = {
        "status_500": Answer({"error": {"message": "oops", "code": 1}}, 500),
        "not json": Answer(b"<html>"),
        "error": Answer({"error": {"message": "an unknown problem", "code": 99}}, 400),
    }

    def change(asked, answer):
        body = asked.body.replace("%22", '"').replace("%3A", ":")
        return answers[fault] if covers(body, bad) else answer

    with between(shared_emulators.settings, source, change) as settings:
        done, result = load(tmp_path / "raw.duckdb", settings, source)
    assert (done.code, result["status"]) == (5, "partial"), done.out
    assert all(str(bad) in error["message"] for error in result["errors"]), done.out
    everyone = everything[f"{source}.{FACTS[source]}"]
    assert facts(tmp_path / "raw.duckdb", source) == [r for r in everyone if r[1] != bad]
    assert load(tmp_path / "raw.duckdb", shared_emulators.settings, source)[0].code == 0
    assert facts(tmp_path / "raw.duckdb", source) == everyone


IN_STREAM = {
    "error": lambda chunks: [
        *chunks[:1],
        {"error": {"code": 500, "message": "internal", "status": "INTERNAL"}},
    ],
    "no last chunk": lambda chunks: [
        {k: v for k, v in chunk.items() if k != "queryResourceConsumption"} for chunk in chunks
    ],
    "results of another kind": lambda chunks: [{**chunk, "results": {}} for chunk in chunks],
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", first_and_slow(IN_STREAM))
def test_a_google_stream_that_is_not_whole_replaces_nothing(
    shared_emulators, copy_of_loaded, everything, fault
):
    def change(asked, answer):
        if "segments.date" not in asked.body:
            return answer
        return Answer(IN_STREAM[fault](orjson.loads(answer.body)), answer.status)

    with between(shared_emulators.settings, "google_ads", change) as settings:
        done, result = load(copy_of_loaded, settings, "google_ads")
    assert done.code in {1, 5}
    assert result["errors"]
    tables = contents(copy_of_loaded)
    assert {n: rows for n, rows in tables.items() if n.startswith("google_ads.")} == {
        n: rows for n, rows in everything.items() if n.startswith("google_ads.")
    }


@pytest.mark.slow
def test_a_cursor_that_goes_round_ends_its_list_and_the_rest_is_loaded(
    shared_emulators, everything, tmp_path
):
    asked_for = []

    def change(asked, answer):
        if not asked.path.endswith("/campaigns"):
            return answer
        asked_for.append(asked.query.get("after"))
        circle = {"cursors": {"after": "again"}, "next": "http://elsewhere/?after=again"}
        return Answer({"data": [], "paging": circle})

    with between(shared_emulators.settings, "meta_ads", change) as settings:
        done, result = load(tmp_path / "raw.duckdb", settings, "meta_ads")
    assert done.code == 5
    assert all("goes round in a circle" in e["message"] for e in result["errors"]), done.out
    accounts = read(tmp_path / "raw.duckdb", "select count(*) from meta_ads.accounts")[0][0]
    assert len(asked_for) == 2 * accounts
    assert facts(tmp_path / "raw.duckdb", "meta_ads") == everything["meta_ads.ad_insights"]


@pytest.mark.parametrize(
    ("source", "place"), [("meta_ads", "date_start"), ("google_ads", "segments.date")]
)
def test_rows_of_a_day_that_was_not_asked_for_replace_nothing(
    shared_emulators, copy_of_loaded, everything, source, place
):
    other = str(date(2026, 10, 31) - timedelta(days=900))

    def change(asked, answer):
        text = answer.body.decode()
        name = place.rpartition(".")[2]
        found = re.search(rf'"{name}":\s*"2026-10-20"', text)
        if not found:
            return answer
        text = text[: found.start()] + f'"{name}":"{other}"' + text[found.end() :]
        return Answer(text.encode(), answer.status)

    with between(shared_emulators.settings, source, change) as settings:
        done, result = load(copy_of_loaded, settings, source)
    assert done.code == 5
    assert result["rejected"] >= 1
    assert read(copy_of_loaded, f"select distinct reason from {source}._rejected") == [
        ("it was not asked for: another day or account",)
    ]
    assert not [row for row in facts(copy_of_loaded, source) if str(row[1]) == other]


@pytest.mark.slow
@pytest.mark.parametrize("gap", [1, *slow(-1, 10**9)])
def test_a_count_that_does_not_add_up_costs_one_mailing(
    shared_emulators, everything, tmp_path, gap
):
    spoiled = []

    def change(asked, answer):
        body = orjson.loads(answer.body)
        if asked.path.endswith("/sent-to") and (not spoiled or asked.path in spoiled):
            spoiled.append(asked.path)
            body["total_items"] += gap
        return Answer(body, answer.status)

    with between(shared_emulators.settings, "mailchimp", change) as settings:
        done, result = load(tmp_path / "raw.duckdb", settings, "mailchimp")
    campaign = spoiled[0].split("/")[-2]
    expected = everything["mailchimp.sent_to"]
    found = contents(tmp_path / "raw.duckdb", "mailchimp")["mailchimp.sent_to"]
    if gap < 0:
        assert (done.code, found) == (0, expected)
        return
    assert (done.code, len(result["errors"])) == (5, 1), done.out
    assert campaign in result["errors"][0]["message"]
    assert found == [row for row in expected if row[0] != campaign]


@pytest.mark.slow
def test_a_campaign_that_was_sent_at_no_time_is_told_and_the_others_are_read(
    shared_emulators, everything, tmp_path
):
    odd = []

    def change(asked, answer):
        body = orjson.loads(answer.body)
        for row in body.get("campaigns", []):
            if row.get("send_time") and row["status"] == "sent" and (not odd or row["id"] in odd):
                odd.append(row["id"])
                row["send_time"] = "tomorrow"
        return Answer(body, answer.status)

    with between(shared_emulators.settings, "mailchimp", change) as settings:
        done, result = load(tmp_path / "raw.duckdb", settings, "mailchimp")
    assert done.code == 5
    assert [error["message"] for error in result["errors"]] == [
        f"campaign {odd[0]}: its send_time is no time: 'tomorrow'"
    ]
    expected = [row for row in everything["mailchimp.sent_to"] if row[0] != odd[0]]
    assert contents(tmp_path / "raw.duckdb", "mailchimp")["mailchimp.sent_to"] == expected


CHOICES = {"meta_ads": "META_ADS_ACCOUNT_IDS", "google_ads": "GOOGLE_ADS_CUSTOMER_IDS"}


@pytest.mark.slow
@pytest.mark.parametrize("source", first_and_slow(CHOICES))
def test_chosen_accounts_are_read_and_one_that_is_not_there_is_named(
    shared_emulators, everything, tmp_path, source
):
    everyone = everything[f"{source}.{FACTS[source]}"]
    chosen = account_of(everyone)
    settings = shared_emulators.settings | {CHOICES[source]: f" {chosen}, 987654321,"}
    done, result = load(tmp_path / "raw.duckdb", settings, source)
    assert done.code == 5
    [error] = result["errors"]
    assert error["message"].startswith("account 987654321: ")
    assert CHOICES[source] in error["hint"]
    assert facts(tmp_path / "raw.duckdb", source) == [r for r in everyone if r[0] == chosen]
