"""Markov removal effects and Shapley values once more, by linear equations, from journeys alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial

import numpy as np

State = tuple[int, ...]
START: State = ()


@dataclass(frozen=True)
class Journey:
    """The nodes that a journey met, in order, and the revenue it ended in, if in any."""

    nodes: tuple[int, ...]
    revenue: float | None
    kind: str = "first_order"


@dataclass(frozen=True)
class Chain:
    """How often journeys went from state to state, and what they ended in."""

    moves: dict[State, dict[State, int]]
    leaving: dict[State, int]
    conversions: dict[State, int]
    revenue: dict[State, float]


def chain_of(journeys: Sequence[Journey], order: int) -> Chain:
    """Return the chain whose states are the last nodes; a state that repeats counts once."""
    moves: dict[State, dict[State, int]] = defaultdict(lambda: defaultdict(int))
    leaving: dict[State, int] = defaultdict(int)
    conversions: dict[State, int] = defaultdict(int)
    revenue: dict[State, float] = defaultdict(float)
    for journey in journeys:
        state = START
        for node in journey.nodes:
            following = (*state, node)[-order:]
            if following == state:
                continue
            moves[state][following] += 1
            leaving[state] += 1
            state = following
        leaving[state] += 1
        if journey.revenue is not None:
            conversions[state] += 1
            revenue[state] += journey.revenue
    return Chain(moves, leaving, conversions, revenue)


def value(chain: Chain, removed: Collection[int] = ()) -> tuple[float, float]:
    """Return conversions and revenue per journey when visits to some nodes end the journey."""
    states = [state for state in chain.leaving if not state or state[-1] not in removed]
    place = {state: i for i, state in enumerate(states)}
    matrix = np.eye(len(states))
    ends = np.zeros((len(states), 2))
    for state, i in place.items():
        for following, count in chain.moves.get(state, {}).items():
            if following in place:
                matrix[i, place[following]] -= count / chain.leaving[state]
        ends[i] = (
            chain.conversions.get(state, 0) / chain.leaving[state],
            chain.revenue.get(state, 0) / chain.leaving[state],
        )
    solved = np.linalg.solve(matrix, ends)[place[START]]
    return float(solved[0]), float(solved[1])


def shapley(chain: Chain, players: Sequence[int]) -> dict[int, tuple[float, float]]:
    """Return the Shapley value of every player, by all coalitions."""
    values = {
        frozenset(members): value(chain, set(players) - set(members))
        for size in range(len(players) + 1)
        for members in combinations(players, size)
    }
    found = {}
    for player in players:
        total = np.zeros(2)
        for members, worth in values.items():
            if player in members:
                others = len(members) - 1
                weight = factorial(others) * factorial(len(players) - others - 1)
                added = np.array(worth) - np.array(values[members - {player}])
                total += weight / factorial(len(players)) * added
        found[player] = (float(total[0]), float(total[1]))
    return found
