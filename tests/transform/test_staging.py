"""Each column of the staging models takes what it says from its raw table, and no more."""

from __future__ import annotations

import pytest
from small_warehouse import Warehouse
from staged import recorded, staged

pytestmark = pytest.mark.system
AGAIN = "python tests/transform/staged.py records it anew; read the difference before"


def test_every_staging_column_takes_what_was_recorded(built: Warehouse) -> None:
    found, expected = staged(built), recorded()
    moved = [key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key)]
    assert sorted(moved) == [], AGAIN
