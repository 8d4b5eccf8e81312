"""The judge of the monitors, small: one fault of each kind in one world, and some quiet days."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.monitors.__main__ import judge
from benchmarks.monitors.faults import KINDS

pytestmark = [pytest.mark.slow, pytest.mark.system]


def test_a_fault_of_each_kind_is_found_and_quiet_days_are_quiet(tmp_path: Path) -> None:
    totals, found = judge(21, tmp_path, len(KINDS), 10)
    assert {kind for kind in KINDS if not found[f"{kind} found"]} == set()
    assert totals["quiet alarms"] == 0
