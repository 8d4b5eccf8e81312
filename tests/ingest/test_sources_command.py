"""`marketing ingest sources` lists what can be read."""

import io
import re

from marketing_analytics.core.console import Console
from marketing_analytics.ingest.cli import show_sources
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


def test_the_sources_are_a_table_on_80_columns(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    out, err = Terminal(), Terminal()
    sources = {name: load_source(name) for name in source_names()}
    lacks = {name: source.needed for name, source in sources.items()}
    show_sources(Console(out=out, err=err), sources, lacks)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue()).splitlines()
    rows = [" ".join(line.split()) for line in lines]
    assert all(f"{name} no {source.restates}" in rows for name, source in sources.items())
    assert max(map(len, [*lines, *err.getvalue().splitlines()])) <= 80
