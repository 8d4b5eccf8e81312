"""Mailchimp: what is read again and what is not, and how members are found to be gone."""

from collections import Counter

import orjson
import pytest

from .commands import contents, ingest, read
from .scripted_platform import Answer, between

pytestmark = pytest.mark.system

RECIPIENTS = ("sent-to", "email-activity", "unsubscribed")
FACTS = ("sent_to", "email_activity", "unsubscribes")


def load(database, settings, *arguments, now=None):
    chosen = ("--source", "mailchimp", "--raw-database", database, "--json", *arguments)
    moment = {"MARKETING_NOW": now} if now else {}
    done = ingest(*chosen, **(settings | moment))
    assert done.code == 0, done.out + done.err
    return done.source("mailchimp")


def asked_for(emulators):
    """Return the number of requests by mailing for its recipients, and of all requests."""
    counters = emulators.control("mailchimp", "counters")
    paths = Counter()
    for path, count in counters["by_path"].items():
        if path.endswith(RECIPIENTS):
            paths[path.split("/")[-2]] += count
    return paths, counters["requests"]


def recent(database):
    """Return the campaigns of the last three days, and how many mailings were sent at all."""
    query = "select campaign_id from mailchimp.campaigns where send_at >= timestamptz '2026-10-29'"
    [(mailings,)] = read(database, "select count(distinct campaign_id) from mailchimp.reports")
    return {campaign_id for (campaign_id,) in read(database, query) if campaign_id}, mailings


@pytest.mark.slow
def test_an_unchanged_rerun_asks_for_no_recipients_of_campaigns_at_rest(emulators, copy_of_loaded):
    expected = contents(copy_of_loaded)
    load(copy_of_loaded, emulators.settings)
    paths, requests = asked_for(emulators)
    young, mailings = recent(copy_of_loaded)
    assert set(paths) <= young
    assert mailings > 20
    # lists of campaigns, automations and their e-mails, reports, audiences, members
    assert requests - sum(paths.values()) < 20
    assert contents(copy_of_loaded) == expected


@pytest.mark.slow
def test_a_reread_asks_for_all(emulators, copy_of_loaded):
    load(copy_of_loaded, emulators.settings, "--reread")
    paths, _ = asked_for(emulators)
    _, mailings = recent(copy_of_loaded)
    assert set(paths.values()) == {len(RECIPIENTS)}
    assert len(paths) == mailings


@pytest.mark.slow
def test_a_campaign_whose_counters_changed_is_read_again(emulators, copy_of_loaded):
    query = "select campaign_id, count(*) from mailchimp.sent_to join mailchimp.campaigns "
    query += "using (campaign_id) where send_at < '2026-10-20' group by 1 order by 2 desc"
    chosen = read(copy_of_loaded, query)[0][0]

    def change(asked, answer):
        body = orjson.loads(answer.body)
        for report in body.get("reports", []):
            report["clicks"]["clicks_total"] += report["id"] == chosen
        if asked.path.endswith("/sent-to"):
            for row in body["sent_to"]:
                row["open_count"] = 77
        return Answer(body, answer.status)

    with between(emulators.settings, "mailchimp", change) as settings:
        load(copy_of_loaded, settings)
        paths, _ = asked_for(emulators)
        load(copy_of_loaded, settings)
    young, _ = recent(copy_of_loaded)
    assert paths[chosen] == len(RECIPIENTS)
    assert set(paths) <= young | {chosen}
    # and not once more, as it did not change again
    assert asked_for(emulators)[0][chosen] == len(RECIPIENTS)
    changed = read(
        copy_of_loaded, "select distinct campaign_id from mailchimp.sent_to where open_count = 77"
    )
    assert (chosen,) in changed


def test_days_of_opens_and_clicks_are_seen_exactly(emulators, tmp_path):
    """What was loaded day by day is what one load at the end gives."""
    grown, fresh = tmp_path / "grown.duckdb", tmp_path / "fresh.duckdb"
    for day in ("2026-10-12", "2026-10-20", "2026-10-27", "2026-11-01"):
        now = f"{day}T06:00:00Z"
        emulators.control("mailchimp", "clock", {"now": now})
        load(grown, emulators.settings, now=now)
    load(fresh, emulators.settings)
    found, expected = contents(grown), contents(fresh)
    for table in (*FACTS, "campaigns", "automation_emails"):
        assert found[f"mailchimp.{table}"] == expected[f"mailchimp.{table}"], table
    members = (
        "select list_id, member_key, status, last_changed_at from mailchimp.members order by all"
    )
    assert read(grown, members) == read(fresh, members)


@pytest.mark.slow
def test_members_who_are_gone_are_found_when_all_are_read(emulators, copy_of_loaded):
    dropped, archived = [], []

    def change(asked, answer):
        body = orjson.loads(answer.body)
        if asked.path.endswith("/members"):
            rows = body["members"]
            if not dropped and len(rows) > 2:
                dropped.append(rows[0]["id"])
                archived.append({**rows[1], "status": "archived"})
            hidden = {*dropped, *(row["id"] for row in archived)}
            body["members"] = [row for row in rows if row["id"] not in hidden]
            if asked.query.get("status") == "archived":
                body["members"] = [row for row in archived if row["list_id"] in asked.path]
            body["total_items"] = len(body["members"])
        return Answer(body, answer.status)

    missing = (
        "select count(*) from mailchimp.members m join mailchimp.audiences a using (list_id) "
        "where m.seen_on < a.members_complete_on"
    )
    with between(emulators.settings, "mailchimp", change) as settings:
        load(copy_of_loaded, settings, now="2026-11-04T06:00:00Z")
        # only changes were asked for
        assert not dropped
        assert read(copy_of_loaded, missing) == [(0,)]
        load(copy_of_loaded, settings, now="2026-11-08T06:00:00Z")
    assert dropped
    assert read(copy_of_loaded, missing) == [(1,)]
    count = "select count(*) from mailchimp.members where status = 'archived'"
    assert read(copy_of_loaded, count) == [(1,)]


@pytest.mark.slow
def test_members_who_are_nearly_all_gone_are_believed_the_second_time(emulators, copy_of_loaded):
    def change(asked, answer):
        body = orjson.loads(answer.body)
        if asked.path.endswith("/members"):
            body |= {"members": [], "total_items": 0}
        return Answer(body, answer.status)

    later = {"MARKETING_NOW": "2026-11-08T06:00:00Z"}
    chosen = ("--source", "mailchimp", "--raw-database", copy_of_loaded, "--json")
    with between(emulators.settings, "mailchimp", change) as settings:
        held = ingest(*chosen, **(settings | later))
        assert held.code == 5, held.out
        messages = [error["message"] for error in held.source("mailchimp")["errors"]]
        assert messages
        assert all("members" in text and "the old ones stay" in text for text in messages)
        gone = "select count(*) from mailchimp.members m join mailchimp.audiences a "
        gone += "using (list_id) where m.seen_on < a.members_complete_on"
        assert read(copy_of_loaded, gone) == [(0,)]
        assert ingest(*chosen, **(settings | later)).code == 0
    assert read(copy_of_loaded, gone) == read(
        copy_of_loaded, "select count(*) from mailchimp.members"
    )


@pytest.mark.slow
def test_an_audience_alone_is_read_with_what_was_sent_to_it(shared_emulators, everything, tmp_path):
    members = everything["mailchimp.members"]
    audience = min({row[0] for row in members})
    settings = shared_emulators.settings | {"MAILCHIMP_AUDIENCE_IDS": f" {audience},"}
    database = tmp_path / "raw.duckdb"
    load(database, settings)
    found = contents(database, "mailchimp")
    assert found["mailchimp.members"] == [row for row in members if row[0] == audience]
    for table in ("audiences", "campaigns", "automations"):
        assert {one for (one,) in read(database, f"select list_id from mailchimp.{table}")} == {
            audience
        }
    mailings = "select campaign_id from mailchimp.campaigns"
    mailings += " union select email_campaign_id from mailchimp.automation_emails"
    sent = set(read(database, "select distinct campaign_id from mailchimp.sent_to"))
    assert sent <= set(read(database, mailings))
    assert sent < {(row[0],) for row in everything["mailchimp.sent_to"]}


@pytest.mark.slow
def test_an_audience_that_is_none_is_told_and_the_others_are_read(
    shared_emulators, everything, tmp_path
):
    audience = min({row[0] for row in everything["mailchimp.members"]})
    settings = shared_emulators.settings | {"MAILCHIMP_AUDIENCE_IDS": f"nobody,{audience}"}
    chosen = ("--source", "mailchimp", "--raw-database", tmp_path / "raw.duckdb", "--json")
    done = ingest(*chosen, **settings)
    assert done.code == 5
    [error] = done.source("mailchimp")["errors"]
    assert error["message"] == "audience nobody: the account of the key has no such audience"
    assert f"check MAILCHIMP_AUDIENCE_IDS; audiences are {audience}" in error["hint"]
    members = contents(tmp_path / "raw.duckdb", "mailchimp")["mailchimp.members"]
    assert {row[0] for row in members} == {audience}
