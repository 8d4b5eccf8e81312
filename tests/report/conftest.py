"""A small shop, published and built once for the tests of the report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.small_marts import write_marts
from marketing_analytics.report.build import build
from marketing_analytics.report.snapshots.publish import publish
from marketing_analytics.warehouse.marts import Marts


@dataclass(frozen=True)
class Shop:
    """Marts, their snapshots and their pages."""

    marts: Marts
    snapshots: Path
    pages: Path


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("report")
    marts = Marts(str(write_marts(folder / "marts.duckdb")))
    publish(marts, folder / "snapshots")
    build(folder / "snapshots", folder / "pages")
    return Shop(marts, folder / "snapshots", folder / "pages")
