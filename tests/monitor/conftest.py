"""Healthy marts for the tests of the watch; modules beside these tests can be imported by name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from marketing_analytics.monitor.place import Place
from marketing_analytics.warehouse.duckdb import connect

sys.path.insert(0, str(Path(__file__).parent))

SCHEMA = "marts"
MORNING = "2026-11-01T07:00:00Z"


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with healthy marts."""
    from small_marts import make_marts

    path = tmp_path_factory.mktemp("marts") / "watched.duckdb"
    connection = connect(path)
    make_marts(connection, SCHEMA)
    connection.close()
    return path


@pytest.fixture
def place(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Return healthy marts of one's own, looked at on a morning."""
    path = tmp_path / template.name
    path.write_bytes(template.read_bytes())
    monkeypatch.setenv("MARKETING_NOW", MORNING)
    for name in ("DBTCLOUD_ACCOUNT_ID", "DBTCLOUD_TOKEN", "PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)
    return Place(str(path), SCHEMA)
