"""No figure of the small world moves unseen."""

from __future__ import annotations

import pytest
from figures import figures, recorded
from small_warehouse import Warehouse

pytestmark = pytest.mark.system
AGAIN = "python tests/transform/figures.py records them anew; read the difference before"


def test_every_column_holds_what_was_recorded(built: Warehouse) -> None:
    found, expected = figures(built), recorded()
    moved = [key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key)]
    assert sorted(moved) == [], AGAIN
