"""No reader ever sees half a page: a few of the two hundred kills of `benchmarks.report_kills`."""

from __future__ import annotations

import pytest

from benchmarks.report_kills import killed_rebuilds

pytestmark = pytest.mark.slow


def test_a_killed_builder_leaves_no_broken_page(tmp_path):
    reader, _ = killed_rebuilds(tmp_path, kills=8, seed=3)
    assert reader.loads > 8
    assert reader.broken == []
    assert len(list((tmp_path / "snapshots").glob("*.duckdb"))) <= 6
