"""Meta's reports: all actions in a long table, breakdowns in their keys, creatives."""

from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from marketing_analytics.core.errors import UserError
from marketing_analytics.ingest.engine.answers import Account
from marketing_analytics.ingest.engine.tables import build
from marketing_analytics.ingest.platforms.meta_ads.insights import chosen_reports
from marketing_analytics.ingest.platforms.meta_ads.rows import pieces_of
from marketing_analytics.ingest.platforms.meta_ads.source import link_of
from marketing_analytics.ingest.platforms.meta_ads.tables import AD_INSIGHTS, BREAKDOWNS

from .commands import contents, ingest, read

ACCOUNT = Account("1", "USD", ZoneInfo("UTC"))
DAY = date(2026, 10, 1)
ROW = {
    "account_id": "1",
    "date_start": "2026-10-01",
    "campaign_id": "c",
    "ad_id": "a",
    "spend": "1",
}
ALL = ",".join(BREAKDOWNS)


def actions(**row):
    """Return the rows of `ad_actions` that one row of a report gives, by type."""
    piece = pieces_of(AD_INSIGHTS, ACCOUNT, [ROW | row], ((("1", DAY)),))[1]
    built, rejected = build(piece.table, piece.columns, piece.raw)
    assert rejected == []
    return {row["action_type"]: row for row in built.to_pylist()}


def test_every_type_of_action_is_a_row_with_all_windows():
    found = actions(
        actions=[
            {"action_type": "lead", "value": "3", "1d_click": "2", "7d_click": "3"},
            {"action_type": "mobile_app_install", "value": "1", "1d_ev": "1"},
            {"action_type": "offsite_conversion.custom.77", "value": "0.333333333"},
        ],
        action_values=[{"action_type": "lead", "value": "149.9700000001", "28d_click": "9"}],
    )
    assert found.keys() == {"lead", "mobile_app_install", "offsite_conversion.custom.77"}
    lead = found["lead"]
    assert (lead["actions"], lead["actions_1d_click"], lead["actions_28d_click"]) == (3, 2, 0)
    assert (lead["action_value"], lead["action_value_28d_click"]) == (Decimal("149.97"), 9)
    assert found["mobile_app_install"]["actions_1d_ev"] == 1
    assert found["offsite_conversion.custom.77"]["actions"] == Decimal("0.333333")


def test_an_action_with_a_value_alone_and_a_row_without_actions():
    assert (
        actions(action_values=[{"action_type": "purchase", "value": "5"}])["purchase"]
        == (actions(action_values=[{"action_type": "purchase", "value": "5.0"}])["purchase"])
    )
    assert actions() == {}


def test_a_breakdown_is_in_the_key_and_what_meta_does_not_know_is_unknown():
    table = BREAKDOWNS["age_gender"]
    rows = [ROW | {"age": "18-24", "gender": "male"}, ROW | {"age": "18-24"}]
    (piece,) = pieces_of(table, ACCOUNT, rows, (("1", DAY),))
    built, rejected = build(piece.table, piece.columns, piece.raw)
    assert rejected == []
    assert [row["gender"] for row in built.to_pylist()] == ["male", "unknown"]
    assert table.key == ("account_id", "date", "ad_id", "age", "gender")


def test_breakdowns_are_chosen_by_name():
    assert [table.name for table in chosen_reports("")] == ["ad_insights"]
    chosen = chosen_reports(" device, country,device")
    assert [table.name for table in chosen] == [
        "ad_insights",
        "ad_insights_country",
        "ad_insights_device",
    ]
    with pytest.raises(UserError, match="'moon', which is no breakdown") as raised:
        chosen_reports("country,moon")
    assert raised.value.hint.startswith("give a comma list of country, age_gender")


def test_a_creative_leads_to_the_link_of_its_story():
    link = {"link_data": {"link": "https://a.example"}}
    film = {"video_data": {"call_to_action": {"value": {"link": "https://b.example"}}}}
    assert link_of({"object_story_spec": link, "link_url": "https://c.example"}) == (
        "https://a.example"
    )
    assert link_of({"object_story_spec": film}) == "https://b.example"
    assert link_of({"object_story_spec": "odd", "link_url": "https://c.example"}) == (
        "https://c.example"
    )
    assert link_of({"object_story_spec": {"link_data": ["odd"]}}) is None


@pytest.mark.slow
@pytest.mark.system
def test_breakdowns_add_up_and_only_what_is_due_is_read_again(shared_emulators, tmp_path):
    database = tmp_path / "raw.duckdb"
    # some days of the last month are final, the others are read again
    chosen = ("--source", "meta_ads", "--raw-database", database, "--since", "2026-10-01")
    settings = shared_emulators.settings | {"META_ADS_BREAKDOWNS": ALL}
    done = ingest(*chosen, **settings)
    assert done.code == 0, done.out
    before = contents(database)
    again = ingest(*chosen, "--json", **settings)
    assert (again.code, contents(database)) == (0, before)
    # all windows are of unsettled days: the first days of the month are final
    assert again.source("meta_ads")["windows"] == 10
    figures = "sum(spend), sum(impressions), sum(clicks), sum(purchases), sum(purchase_value)"

    def days(table):
        query = (
            f"select account_id, date, {figures} from meta_ads.{table} group by all order by all"
        )
        return read(database, query)

    for table in BREAKDOWNS.values():
        assert days(table.name) == days("ad_insights")
    reports = "select distinct report from meta_ads._totals where account_total = loaded_total"
    assert len(read(database, reports)) == 1 + len(BREAKDOWNS)
    purchases = "select sum(actions) from meta_ads.ad_actions where action_type = 'purchase'"
    assert read(database, purchases) == read(
        database, "select sum(purchases) from meta_ads.ad_insights"
    )


@pytest.mark.system
def test_an_unknown_breakdown_ends_before_anything_is_read(shared_emulators, tmp_path):
    chosen = ("--source", "meta_ads", "--raw-database", tmp_path / "raw.duckdb")
    done = ingest(*chosen, **shared_emulators.settings | {"META_ADS_BREAKDOWNS": "moon"})
    assert done.code == 2
    assert "META_ADS_BREAKDOWNS names 'moon', which is no breakdown" in done.out + done.err
