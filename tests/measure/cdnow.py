"""The CDNOW sample: purchases of 2,357 customers who first bought in early 1997, to June 1998.

cdnow.csv.gz was made of CDNOW_sample.txt in the package Lifetimes 0.11.3 (MIT), with a customer's
orders of a day merged. The data were published by Peter Fader and Bruce Hardie for research and
teaching.
"""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_name("cdnow.csv.gz")
CALIBRATED_TO = date(1997, 9, 30)
HELD_OUT_WEEKS = 39
Purchase = tuple[str, date, int]


def purchases() -> list[Purchase]:
    """Return customer, day and cents of every purchase, in the order of customers and days."""
    with gzip.open(FILE, "rt", encoding="utf-8", newline="") as file:
        return [
            (row["customer"], date.fromisoformat(row["date"]), int(row["cents"]))
            for row in csv.DictReader(file)
        ]


def columns(
    as_of: date = CALIBRATED_TO, held_out: timedelta = timedelta(weeks=HELD_OUT_WEEKS)
) -> dict[str, Any]:
    """Return the customers of a day by column, in days and cents, and what they bought next."""
    by_customer: dict[str, list[tuple[date, int]]] = defaultdict(list)
    for customer, day, cents in purchases():
        by_customer[customer].append((day, cents))
    rows = []
    for bought in by_customer.values():
        first = bought[0][0]
        known = [(day, cents) for day, cents in bought if day <= as_of]
        later = [cents for day, cents in bought if as_of < day <= as_of + held_out]
        if known:
            ages = (known[-1][0] - first).days, (as_of - first).days
            spent = sum(cents for _, cents in known[1:])
            rows.append((len(known) - 1, *ages, spent, len(later), sum(later)))
    names = ("frequency", "recency_days", "age_days", "repeat_cents", "held_out_purchases",
             "held_out_cents")  # fmt: skip
    return dict(zip(names, np.array(rows, dtype=float).T, strict=True))
