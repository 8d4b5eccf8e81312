"""The CDNOW sample: 2,357 customers who first bought in early 1997, their next 39 weeks held out.

cdnow.csv.gz was counted from CDNOW_sample.txt of the package Lifetimes 0.11.3 (MIT), with a day's
orders merged. The data were published by Peter Fader and Bruce Hardie for research and teaching.
"""

from __future__ import annotations

import csv
import gzip
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_name("cdnow.csv.gz")
HELD_OUT_WEEKS = 39


def columns() -> dict[str, Any]:
    """Return the sample by column: customer, frequency, recency and age in days, cents."""
    with gzip.open(FILE, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([int(row[name]) for row in rows], dtype=float) for name in rows[0]}
