"""Every source passes the source kit: one file a source in `platforms`, and none may be missing."""

import importlib
import pkgutil
from pathlib import Path

import pytest

from marketing_analytics.ingest.platforms import load_source, source_names
from marketing_analytics.simulate.platforms import emulator_names

from .source_kit import ServedKit, SourceKit

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "ingestion.md"

for module in pkgutil.iter_modules([str(Path(__file__).with_name("platforms"))]):
    importlib.import_module(f".platforms.{module.name}", __package__)
KITS = {kit.name: kit for kit in (*SourceKit.__subclasses__(), *ServedKit.__subclasses__())}
KITS.pop("")


def test_every_source_is_in_the_kit_and_every_served_one_in_its_served_part():
    assert sorted(KITS) == source_names()
    served = {name for name, kit in KITS.items() if issubclass(kit, ServedKit)}
    assert served == set(emulator_names())


@pytest.mark.parametrize("name", sorted(KITS))
def test_what_a_source_cannot_pass_yet_is_a_test_with_a_reason(name):
    for test, reason in KITS[name].cannot_yet.items():
        assert callable(getattr(KITS[name], test))
        assert len(reason.split()) > 4


@pytest.mark.parametrize("name", source_names())
def test_the_documentation_names_every_source_table_and_setting(name):
    text = DOCUMENT.read_text()
    source = load_source(name)
    link = f"| [`{name}`](platforms/{name}.md) |"
    (row,) = [line for line in text.splitlines() if line.startswith(link)]
    assert {table.name for table in source.tables} == set(row.split(" | ")[2].split(", "))
    for setting in (*source.settings, *source.optional_settings):
        assert f"`{setting}`" in text
