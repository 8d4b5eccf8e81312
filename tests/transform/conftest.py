"""One build of the whole project over a small world, shared by the tests that read it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from raw_tables import small_world
from small_warehouse import Warehouse, make_warehouse

from marketing_analytics.core.locks import file_lock


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Return a warehouse on which the whole project was built and tested.

    The first worker to ask builds it, the others wait for it. Who has built one with a mutant in it
    (benchmarks/mutants) names its folder.
    """
    if given := os.environ.get("MARKETING_BUILT_WAREHOUSE"):
        return Warehouse(Path(given), small_world(seed=1))
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    folder, rows = shared / "transform", small_world(seed=1)
    with file_lock(shared / "transform.lock", taken="being built", timeout_seconds=600):
        if (folder / "built").exists():
            return Warehouse(folder, rows)
        folder.mkdir(exist_ok=True)
        (folder / "raw.duckdb").unlink(missing_ok=True)
        warehouse = make_warehouse(folder, rows)
        result = warehouse.run_dbt("--warn-error", "build")
        assert result.returncode == 0, result.stdout[-4000:]
        (folder / "built").touch()
    return warehouse
