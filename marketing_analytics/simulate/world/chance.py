"""Named random streams and the few draws every module shares."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
TextArray = NDArray[np.object_]

# share of a day's activity per hour, UTC; quiet nights in Europe and America
HOUR_WEIGHTS = (2, 2, 1, 1, 1, 1, 2, 3, 4, 4, 4, 5, 6, 6, 6, 6, 6, 6, 7, 7, 6, 5, 4, 3)


def stream(seed: int, name: str) -> np.random.Generator:
    """Return the generator of one part, so that parts do not disturb each other."""
    # a part that draws more must not change what the others draw
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def pick(rng: np.random.Generator, weights: Any, size: int) -> IntArray:
    """Return `size` indexes drawn with the given weights."""
    # weights need not add up to one: the draw is scaled to their sum
    cumulative = np.cumsum(np.asarray(weights, dtype=np.float64))
    drawn = rng.random(size) * cumulative[-1]
    index = np.searchsorted(cumulative, drawn, side="right")
    # floating point can land on the sum itself, one beyond the last
    return np.asarray(np.minimum(index, len(cumulative) - 1), dtype=np.int64)


def pick_in_rows(rng: np.random.Generator, cumulative: FloatArray, rows: IntArray) -> IntArray:
    """Return one column index per row of a cumulative weight table (rows x columns)."""
    totals = cumulative[rows, -1]
    drawn = rng.random(len(rows)) * totals
    # a search per row would be a loop; counting what is below is one operation
    index = (cumulative[rows] <= drawn[:, None]).sum(axis=1)
    return np.asarray(np.minimum(index, cumulative.shape[1] - 1), dtype=np.int64)


def daytime_fraction(fraction: FloatArray) -> FloatArray:
    """Map a uniform fraction of a day to one that follows HOUR_WEIGHTS; keeps the order."""
    knots = np.concatenate([[0.0], np.cumsum(HOUR_WEIGHTS)]) / sum(HOUR_WEIGHTS)
    # the inverse of the cumulative activity: busy hours get more of the uniform range
    mapped = np.interp(fraction, knots, np.arange(25) / 24.0)
    # the last moment still belongs to the day
    return np.minimum(mapped, 1.0 - 1e-9)


def texts(values: Any) -> TextArray:
    """Return a one-dimensional object array of str."""
    array = np.empty(len(values), dtype=object)
    # assigning keeps texts as Python objects; np.array would make fixed widths of them
    array[:] = values
    return array


def gather(names: tuple[str, ...] | list[str], codes: NDArray[Any]) -> TextArray:
    """Return the text of each code."""
    return np.asarray(texts(list(names))[codes], dtype=object)


def rank_within(groups: IntArray) -> IntArray:
    """Return 0, 1, 2, ... within each run of equal, sorted group values."""
    if len(groups) == 0:
        return np.zeros(0, dtype=np.int64)
    starts = np.flatnonzero(np.concatenate([[True], groups[1:] != groups[:-1]]))
    lengths = np.diff(np.concatenate([starts, [len(groups)]]))
    return (np.arange(len(groups)) - np.repeat(starts, lengths)).astype(np.int64)


def spread(counts: IntArray) -> IntArray:
    """Return each index repeated `counts[index]` times."""
    return np.repeat(np.arange(len(counts), dtype=np.int64), counts)
