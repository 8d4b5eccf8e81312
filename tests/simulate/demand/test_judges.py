"""Worlds can judge: models differ by more than chance, and spend with geography knows more."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from benchmarks.sql_models import compiled
from benchmarks.world_judges import NAMES, distance, judge, true_shares, visit_models
from marketing_analytics.simulate.world.parameters import WorldParameters
from marketing_analytics.simulate.world.world import generate

RULES = ("first_touch", "linear", "last_touch", "last_paid")


def test_the_distance_is_the_part_that_stands_in_the_wrong_place():
    truth = np.array([0.2, 0.1])
    assert distance(truth, truth) == 0
    assert distance(np.array([0.1, 0.1]), truth) == pytest.approx(0.1)
    assert distance(np.array([0.1, 0.2]), truth) == pytest.approx(0.1)


@pytest.mark.slow
def test_the_last_touch_goes_to_those_who_harvest(tmp_path):
    world = generate(WorldParameters(seed=2, customers=2_000, days=120))
    truth = true_shares(world)
    first, last = (visit_models(compiled(tmp_path), world)[name] for name in RULES[::2])
    assert distance(first, truth) + 0.05 < distance(last, truth)
    brings, harvests = NAMES.index("prospecting"), NAMES.index("brand_search")
    assert last[brings] < truth[brings] / 4
    assert last[harvests] > 3 * truth[harvests]


@pytest.mark.slow
def test_models_differ_by_more_than_their_spread_over_twenty_worlds():
    verdicts, _ = judge(seeds=20, customers=20_000, days=180)
    by_name = {verdict.model: verdict for verdict in verdicts}
    ordered = [by_name[name] for name in RULES]
    for better, worse in pairwise(ordered):
        assert worse.mean - better.mean > max(better.spread, worse.spread)
        # in every world, not only on average
        assert (worse.distances > better.distances).all()
    holdouts, last = by_name["geo hold-outs"], by_name["last_touch"]
    assert holdouts.mean + 2 * holdouts.spread < last.mean
    assert holdouts.mean < by_name["first_touch"].mean
    assert holdouts.role_distances.mean() < by_name["first_touch"].role_distances.mean() / 1.2
    # budgets follow demand: what is spent when people buy anyway looks as if it sold
    assert by_name["naive regression"].mean > 2 * holdouts.mean
