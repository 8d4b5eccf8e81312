"""One build of the whole project over a small world, shared by the tests that read it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from raw_tables import small_world
from small_warehouse import Warehouse, make_warehouse


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Return a warehouse on which the whole project was built and tested."""
    warehouse = make_warehouse(tmp_path_factory.mktemp("transform"), small_world(seed=1))
    result = warehouse.run_dbt("build")
    assert result.returncode == 0, result.stdout[-4000:]
    return warehouse
