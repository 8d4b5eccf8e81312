"""Columns of the truth tables: moments, dates and names from numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from marketing_analytics.simulate.world.chance import IntArray
from marketing_analytics.simulate.world.customers.people import NEVER_US


def moments(values: IntArray) -> pa.Array:
    """Return a UTC timestamp column; never becomes null."""
    # never is a number beyond any date: readers get null instead
    return pa.array(values, pa.timestamp("us", "UTC"), mask=values >= NEVER_US)


def days(values: IntArray) -> pa.Array:
    """Return a date column; negative becomes null."""
    # -1 stands for a session that came through no ad
    return pa.array(values.astype(np.int32), pa.date32(), mask=values < 0)


def named(names: Any, index: IntArray) -> pa.Array:
    """Return names[index] as text; a negative index becomes null."""
    values = np.asarray(names, dtype=object)
    if len(values) == 0:
        return pa.nulls(len(index), pa.string())
    # any name will do under the mask
    return pa.array(values[np.maximum(index, 0)], pa.string(), mask=index < 0)
