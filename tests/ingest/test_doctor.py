"""`marketing ingest doctor` says whether a run could work, and loads nothing."""

import pytest

from marketing_analytics.core.locks import file_lock
from marketing_analytics.ingest.platforms import source_names

from .commands import call
from .scripted_platform import Answer, between

pytestmark = pytest.mark.system


def doctor(*arguments, **settings):
    done = call("doctor", *arguments, "--json", **settings)
    found = {}
    for finding in done.json.get("findings", []):
        found.setdefault(finding["subject"], []).append(finding)
    return done, found


def test_all_is_well_and_nothing_is_made(shared_emulators, tmp_path):
    database = tmp_path / "deep" / "raw.duckdb"
    done, found = doctor("--raw-database", database, **shared_emulators.settings)
    assert done.code == 0, done.out
    assert all(finding["is_ok"] for one in found.values() for finding in one)
    assert {f"{name} settings" for name in source_names()} <= found.keys()
    assert {"raw database", "disk", "pseudonyms", "meta_ads host", "google_ads host"} <= set(found)
    told = " ".join(finding["message"] for finding in found["meta_ads access"])
    assert told.count("reads account") == len(found["meta_ads access"]) > 0
    assert list(tmp_path.iterdir()) == []


def test_a_person_reads_a_line_each(shared_emulators, copy_of_loaded):
    done = call("doctor", "--raw-database", copy_of_loaded, **shared_emulators.settings)
    assert done.code == 0, done.err
    assert all(line.startswith("ok ") for line in done.out.splitlines())
    assert "can be written, nobody else uses it" in done.out
    assert "fits what is loaded" in done.out


def test_what_is_wrong_is_named_and_the_rest_is_looked_at(emulators, tmp_path):
    emulators.fault("meta_ads", "expired_token", times=100)
    settings = emulators.settings | {
        "GOOGLE_ADS_BASE_URL": "http://127.0.0.1:9/v26",
        "SHOP_DATABASE_URL": "sqlite:////nowhere/shop.sqlite",
        "GA4_EXPORT_PATH": f"{tmp_path} ",
    }
    done, found = doctor("--raw-database", tmp_path / "raw.duckdb", **settings)
    assert done.code == 1
    wrong = {subject for subject, one in found.items() if not all(f["is_ok"] for f in one)}
    assert wrong == {"meta_ads access", "google_ads host", "shop access", "ga4 settings"}
    assert "cannot reach 127.0.0.1:9" in found["google_ads host"][0]["message"]
    assert "check GOOGLE_ADS_BASE_URL" in found["google_ads host"][0]["hint"]
    assert all(f["hint"] for subject in wrong for f in found[subject] if not f["is_ok"])
    assert settings["META_ADS_ACCESS_TOKEN"] not in done.out + done.err


def test_access_alone_ends_with_4_and_a_denied_account_is_named(shared_emulators, tmp_path):
    seen = []

    def change(asked, answer):
        if asked.path.endswith("/campaigns"):
            seen.append(asked.path)
        if len(seen) != 1 or not asked.path.endswith("/campaigns"):
            return answer
        denied = {"message": "no", "type": "OAuthException", "code": 200, "fbtrace_id": "x"}
        return Answer({"error": denied}, 403)

    with between(shared_emulators.settings, "meta_ads", change) as settings:
        chosen = ("--source", "meta_ads", "--raw-database", tmp_path / "raw.duckdb")
        done, found = doctor(*chosen, **settings)
    denied = [finding for finding in found["meta_ads access"] if not finding["is_ok"]]
    assert done.code == 4, done.out
    assert [seen[0].split("act_")[1].split("/")[0] in f["message"] for f in denied] == [True]
    assert len(found["meta_ads access"]) > 1


def test_another_key_is_a_fault(shared_emulators, copy_of_loaded):
    chosen = ("--source", "mailchimp", "--raw-database", copy_of_loaded)
    other = {"MARKETING_PSEUDONYM_KEY": "2:another-secret-of-the-world"}
    done, found = doctor(*chosen, **(shared_emulators.settings | other))
    assert done.code == 1
    assert "was loaded with key 1" in found["pseudonyms"][0]["message"]
    assert found["raw database"][0]["is_ok"]


def test_a_database_that_somebody_writes_is_a_fault(shared_emulators, copy_of_loaded):
    database = copy_of_loaded
    with file_lock(database.with_name("raw.duckdb.lock"), taken=""):
        shop = shared_emulators.settings["SHOP_DATABASE_URL"]
        chosen = ("--source", "shop", "--raw-database", database)
        done, found = doctor(*chosen, SHOP_DATABASE_URL=shop)
    assert "another ingestion writes" in found["raw database"][0]["message"]
    assert done.code == 4, done.out


def test_missing_settings_are_told_and_others_left_out(tmp_path):
    done, found = doctor("--source", "meta_ads", "--raw-database", tmp_path / "raw.duckdb")
    assert done.code == 1
    assert "META_ADS_ACCESS_TOKEN" in found["meta_ads settings"][0]["message"]
    assert "meta_ads host" not in found
