"""Values of settings that are of no use are told before any platform is asked."""

import pytest

from marketing_analytics.core.errors import UserError
from marketing_analytics.ingest.access.settings import check_values
from marketing_analytics.ingest.platforms import load_source, source_names
from marketing_analytics.ingest.request import check_sources, raw_place, seconds, since_date

from .commands import call, clean_environment

SOURCES = {name: load_source(name) for name in source_names()}
SECRET = ("_TOKEN", "_KEY", "_SECRET")


def names_of(source):
    return (*source.settings, *source.optional_settings)


def settings_ending(*ends):
    return [
        (name, setting)
        for name, source in SOURCES.items()
        for setting in names_of(source)
        if setting.endswith(ends)
    ]


def refusal(source, **settings):
    with pytest.raises(UserError) as caught:
        check_values(names_of(SOURCES[source]), SOURCES[source].value_checks, settings)
    assert caught.value.hint
    return caught.value.message


@pytest.mark.parametrize(("source", "setting"), settings_ending(*SECRET))
@pytest.mark.parametrize("secret", ["EAAsim1Met\N{LATIN SMALL LETTER A WITH DIAERESIS}", "hush\n"])
def test_a_secret_that_cannot_be_sent_is_named_and_not_shown(source, setting, secret):
    message = refusal(source, **{setting: secret})
    assert setting in message
    assert secret.strip() not in message
    if not secret.isascii():
        assert "not ASCII, the 11. of 11" in message


WRONG_ADDRESSES = [
    "127.0.0.1:18606/v26.0",
    "ftp://127.0.0.1/v26.0",
    "http://127.0.0.1:99999/v26.0",
    "http://127.0.0.1:0/v26.0",
    "https:///v26.0",
    "https://a b/v26.0",
    "https://[::1/v26.0",
]


@pytest.mark.parametrize(("source", "setting"), settings_ending("_BASE_URL", "_TOKEN_URL"))
def test_an_address_that_is_none_is_named(source, setting):
    for address in WRONG_ADDRESSES:
        assert f"{setting} is not an address: {address!r}" in refusal(source, **{setting: address})
    assert "hush" not in refusal(source, **{setting: "ftp://me:hush@127.0.0.1/"})
    checks = SOURCES[source].value_checks
    for address in ("http://[::1]:8080/v1", "https://api.example.com", "http://localhost:1/"):
        check_values([setting], checks, {setting: address})


@pytest.mark.parametrize(
    ("source", "setting", "wrong", "good"),
    [
        ("google_ads", "GOOGLE_ADS_LOGIN_CUSTOMER_ID", "abc", "418-008-7120"),
        ("google_ads", "GOOGLE_ADS_LOGIN_CUSTOMER_ID", "123", "4180087120"),
        ("linkedin_ads", "LINKEDIN_ADS_VERSION", "xx", "202606"),
        ("linkedin_ads", "LINKEDIN_ADS_VERSION", "202613", "202612"),
        ("linkedin_ads", "LINKEDIN_ADS_MAX_ELEMENTS", "0", "15000"),
        ("klaviyo", "KLAVIYO_REVISION", "foo", "2026-07-15"),
        ("klaviyo", "KLAVIYO_REVISION", "2026", "2026-07-15.pre"),
        ("meta_ads", "META_ADS_BREAKDOWNS", "moon", ""),
        ("hubspot", "HUBSPOT_OBJECTS", "tickets", "contacts"),
        ("hubspot", "HUBSPOT_REREAD_DAYS", "x", "7"),
        ("sendgrid", "SENDGRID_EVENTS_KEEP_DAYS", "x", "0"),
        ("sendgrid", "SENDGRID_WEBHOOK_PUBLIC_KEY", "xx", ""),
    ],
)
def test_a_value_of_a_wrong_form_is_named(source, setting, wrong, good):
    assert setting in refusal(source, **{setting: wrong})
    check_values([setting], SOURCES[source].value_checks, {setting: good})


def test_what_an_address_is_made_of_is_looked_at():
    settings = {"MAILCHIMP_API_KEY": "no-centre-", "MARKETING_PSEUDONYM_KEY": "1:x"}
    with pytest.raises(UserError, match="does not end with its data centre"):
        check_sources({"mailchimp": SOURCES["mailchimp"]}, settings)


def test_a_run_and_the_doctor_say_it(tmp_path):
    settings = clean_environment(META_ADS_ACCESS_TOKEN="x", META_ADS_BASE_URL="127.0.0.1:9/v26.0")
    chosen = ("--source", "meta_ads", "--raw-database", tmp_path / "raw.duckdb")
    run = call("run", *chosen, **settings)
    assert run.code == 2
    assert "META_ADS_BASE_URL is not an address" in run.err
    assert "META_ADS_BASE_URL is not an address" in call("doctor", *chosen, **settings).out
    assert list(tmp_path.iterdir()) == []


def test_an_empty_raw_database_is_refused():
    with pytest.raises(UserError, match="--raw-database is empty"):
        raw_place("", {})


def test_a_wait_and_a_first_day_of_no_use_say_what_is_valid():
    with pytest.raises(UserError) as caught:
        seconds("INGEST_LOCK_WAIT_SECONDS", {"INGEST_LOCK_WAIT_SECONDS": "abc"})
    assert "write it like 60" in caught.value.hint
    with pytest.raises(UserError) as caught:
        since_date("9999-01-01", {})
    assert "up to today" in caught.value.hint


@pytest.mark.slow
def test_a_subuser_that_is_none_is_told_once(shared_emulators, tmp_path):
    settings = shared_emulators.settings | {"SENDGRID_SUBUSERS": "nosub"}
    chosen = ("--source", "sendgrid", "--raw-database", tmp_path / "raw.duckdb")
    run = call("run", *chosen, **settings)
    assert run.code == 5
    assert run.err.count("error: ") == 1
    assert "subuser nosub: " in run.err
    assert "check the names in SENDGRID_SUBUSERS" in run.err
    doctor = call("doctor", *chosen, **settings)
    assert doctor.out.count("fault ") == 1
    assert "SENDGRID_SUBUSERS" in doctor.out


@pytest.mark.slow
def test_a_server_that_is_not_there_is_named_with_its_setting(shared_emulators, tmp_path):
    settings = shared_emulators.settings | {"META_ADS_BASE_URL": "https://127.0.0.1:9/v26.0"}
    chosen = ("--source", "meta_ads", "--raw-database", tmp_path / "raw.duckdb")
    run = call("run", *chosen, **settings)
    assert run.code == 1
    assert "cannot reach Meta Ads at 127.0.0.1:9: " in run.err
    assert "check META_ADS_BASE_URL" in run.err


@pytest.mark.parametrize("name", ["META_ADS_ACCOUNT_IDS", "HUBSPOT_OBJECTS", "GA4_PROPERTY_IDS"])
def test_blanks_in_a_list_do_no_harm_and_a_line_end_does(name):
    check_values([name], {}, {name: " 1, 2,"})
    with pytest.raises(UserError, match="a line end"):
        check_values([name], {}, {name: "1,\n2"})
