"""`marketing ingest sources` lists what can be read."""

from marketing_analytics.ingest.platforms import load_source, source_names

from .commands import call

SHOP = {"SHOP_DATABASE_URL": "sqlite:////shop.sqlite"}


def test_all_sources_are_listed_with_what_they_lack():
    done = call("sources", "--json", **SHOP)
    assert done.code == 0, done.err
    found = {source["source"]: source for source in done.json["sources"]}
    assert list(found) == source_names()
    assert (found["shop"]["is_set_up"], found["shop"]["lacks"]) == (True, [])
    assert found["meta_ads"]["lacks"] == ["META_ADS_ACCESS_TOKEN"]
    for name, source in found.items():
        assert source["tables"] == [table.name for table in load_source(name).tables]
        assert source["restates"], name


def test_a_person_sees_them_on_any_width():
    for columns in ("40", "80", "120"):
        done = call("sources", COLUMNS=columns, **SHOP)
        assert done.code == 0, done.err
        assert "budgets" in done.out
        assert "meta_ads is not set up: META_ADS_ACCESS_TOKEN" in done.err
        # also in a pipe
        assert max(map(len, done.out.splitlines())) <= 80
