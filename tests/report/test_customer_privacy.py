"""A thousand choices of filters, and every subtraction between what they show: none finds few."""

from __future__ import annotations

import json
import random
from itertools import combinations

import pytest

from benchmarks.customer_marts import add_customers
from benchmarks.small_marts import LAST, write_marts
from marketing_analytics.report.data.customers import customers
from marketing_analytics.report.snapshots.publish import publish
from marketing_analytics.report.snapshots.snapshot import opened
from marketing_analytics.warehouse.marts import Marts

pytestmark = pytest.mark.slow
MINIMUM, COMBINATIONS = 10, 1000
# customers, and how unevenly channels share them
WORLDS = [(30, 1.0), (60, 2.0), (110, 3.0), (170, 4.0), (260, 2.0), (400, 5.0), (650, 6.0),
          (900, 8.0), (90, 6.0), (140, 1.5)]  # fmt: skip


class World:
    """What the page's file shows, and the customers it is about, by month and channel."""

    def __init__(self, folder, number):
        size, skew = WORLDS[number]
        path = write_marts(folder / "marts.duckdb", days=40)
        add_customers(path, LAST, customers=size, days=150, seed=number + 1, skew=skew)
        publish(Marts(str(path)), folder / "snapshots")
        with opened(folder / "snapshots") as snapshot:
            self.file = json.loads(json.dumps(customers(snapshot), default=str))
            snapshot.connection.execute(f"attach '{path}' as marts (read_only)")
            self.truth = {
                (str(row["cohort_month"]), row["channel"]): row["customers"]
                for row in snapshot.rows(
                    "select cohort_month, channel, count(*) as customers from marts.marts.bought"
                    " where month_number = 0 group by all"
                )
            }
            self.bought = snapshot.rows(
                "select number, cast(cohort_month as varchar) as month, month_number"
                " from marts.marts.bought"
            )
        self.months = sorted({month for month, _ in self.truth})

    def atoms(self, month, channel):
        """Return the true cells that a shown one is made of."""
        ours = {cell for cell in self.truth if cell[0] == month}
        if channel != "other":
            return frozenset({(month, channel)})
        own = {
            (row["cohort_month"], row["channel"])
            for row in self.file["value"]
            if row["cohort_month"] == month and row["channel"] != "other"
        }
        return frozenset(ours - own)

    def shown(self, chosen, by):
        """Return cells of customers under a filter of months: the true cells, and their number."""
        found = []
        for table in ("value", "acquisition"):
            rows = [row for row in self.file[table] if row["cohort_month"] in chosen]
            for key in {row[by] for row in rows}:
                told = [row for row in rows if row[by] == key and row["customers"]]
                if told:
                    atoms = frozenset().union(
                        *(self.atoms(row["cohort_month"], row["channel"]) for row in told)
                    )
                    found.append((atoms, sum(row["customers"] for row in told)))
        for row in self.file["cohorts"]:
            if row["cohort_month"] in chosen and row["month_number"] == 0:
                cells = frozenset(cell for cell in self.truth if cell[0] == row["cohort_month"])
                found.append((cells, row["customers"]))
        return found


@pytest.mark.parametrize("number", range(len(WORLDS)))
def test_no_choice_shows_fewer_than_ten_and_no_subtraction_finds_them(tmp_path, number):
    numpy = pytest.importorskip("numpy")
    world, chance = World(tmp_path, number), random.Random(number)
    cells = {}
    for _ in range(COMBINATIONS // len(WORLDS)):
        chosen = set(chance.sample(world.months, chance.randrange(1, len(world.months) + 1)))
        by = chance.choice(("channel", "cohort_month"))
        for atoms, customers_shown in world.shown(chosen, by):
            assert customers_shown >= MINIMUM
            assert customers_shown == sum(world.truth[atom] for atom in atoms)
            cells[atoms] = customers_shown
    for (one, count), (other, more) in combinations(cells.items(), 2):
        small, large = (one, other) if one < other else (other, one)
        if small < large:
            assert abs(more - count) == 0 or abs(more - count) >= MINIMUM
    # no sum and difference of any number of cells is one true cell of few
    order = sorted(world.truth)
    matrix = numpy.array([[atom in atoms for atom in order] for atoms in cells], dtype=float)
    rank = numpy.linalg.matrix_rank(matrix) if cells else 0
    for place, atom in enumerate(order):
        if world.truth[atom] < MINIMUM and cells:
            unit = numpy.zeros((1, len(order)))
            unit[0, place] = 1
            assert numpy.linalg.matrix_rank(numpy.vstack([matrix, unit])) > rank, atom


@pytest.mark.parametrize("number", range(len(WORLDS)))
def test_no_two_sums_so_far_differ_by_what_few_bought(tmp_path, number):
    world = World(tmp_path, number)
    for month in world.months:
        told = [
            row
            for row in world.file["cohorts"]
            if row["cohort_month"] == month and row["cumulative_revenue_usd"] is not None
        ]
        last = [row["revenue_usd"] for row in world.file["acquisition"]
                if row["cohort_month"] == month and row["customers"]]  # fmt: skip
        if told:
            assert sum(last) == told[-1]["cumulative_revenue_usd"]
        for one, other in combinations(told, 2):
            persons = {
                row["number"]
                for row in world.bought
                if row["month"] == month
                and one["month_number"] < row["month_number"] <= other["month_number"]
            }
            assert len(persons) >= MINIMUM
