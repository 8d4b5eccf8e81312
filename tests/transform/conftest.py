"""One build of the whole project over a small world, shared by the tests that read it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from raw_tables import small_world
from small_warehouse import Warehouse, make_warehouse


@pytest.fixture(scope="session")
def built(made_once: Callable[..., Path]) -> Warehouse:
    """Return a warehouse on which the whole project was built and tested.

    Who has built one with a mutant in it (benchmarks/mutants) names its folder.
    """
    rows = small_world(seed=1)

    def build(folder: Path) -> None:
        result = make_warehouse(folder, rows).run_dbt("--warn-error", "build")
        assert result.returncode == 0, result.stdout[-4000:]

    given = os.environ.get("MARKETING_BUILT_WAREHOUSE")
    return Warehouse(Path(given) if given else made_once("transform", build), rows)
