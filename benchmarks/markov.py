"""Time Markov removal effects in SQL over a million paths, in seconds, beside a simulation.

Paths of 20 channels with Zipf-like weights, mean length 5, 4 % converting. Ours is the compiled SQL
of the models in DuckDB, from rows; the other is ChannelAttribution at its defaults, from texts of
paths, in an environment of its own. Both are held against linear equations in numpy. Compared are
processor seconds, which other work on the machine changes least.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from benchmarks.other_package import is_installed
from benchmarks.sql_models import WALK, compiled

ROOT = Path(__file__).resolve().parent.parent
OTHER = ROOT / "var" / "benchmarks" / "channelattribution"
PACKAGES = ("ChannelAttribution==2.2.5", "numpy", "pandas", "matplotlib")
MODELS = (
    "int_journeys__nodes", "int_journeys__visits", "int_markov__transitions", *WALK,
)  # fmt: skip
VARIABLES = {"markov_orders": {"channel": [1], "campaign": []}}
PATHS, CHANNELS, THREADS, LARGEST_ERROR = 1_000_000, 20, 2, 1e-6
SIMULATION = f"""
import json, sys, time
import pandas
from ChannelAttribution import markov_model
data = pandas.read_csv(sys.argv[1])
started, used = time.perf_counter(), time.process_time()
found = markov_model(
    data, "path", "conversions", var_value="revenue", var_null="nulls", ncore={THREADS},
    verbose=False, flg_pro=False,
)
seconds = [time.process_time() - used, time.perf_counter() - started]
found = found["result"] if isinstance(found, dict) else found
rows = found.set_index("channel_name")
print(json.dumps([seconds, *(rows["total_" + what].to_dict() for what in sys.argv[2:])]))
"""
Floats = NDArray[np.float64]
Credits = tuple[Floats, Floats]
# of the processors, of the clock
Seconds = tuple[float, float]


def make_paths() -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Return path and channel of every touch, and revenue by path: zero when not converting."""
    rng = np.random.default_rng(7)
    lengths = rng.geometric(1 / 5, PATHS)
    weights = 1 / np.arange(1, CHANNELS + 1)
    touches = rng.choice(CHANNELS, lengths.sum(), p=weights / weights.sum())
    last = touches[lengths.cumsum() - 1]
    converts = rng.random(PATHS) < 0.02 + 0.04 * (last % 5) / 4
    revenue = np.where(converts, np.round(rng.gamma(2, 30, PATHS) + 1, 2), 0)
    return np.repeat(np.arange(PATHS), lengths), touches, revenue


def solve(path: NDArray[np.int64], channel: NDArray[np.int64], revenue: Floats) -> Credits:
    """Return exact credit of conversions and revenue, by linear equations."""
    first = np.r_[True, path[1:] != path[:-1]]
    kept = first | np.r_[True, channel[1:] != channel[:-1]]
    path, channel, first = path[kept], channel[kept] + 1, first[kept]
    before = np.where(first, 0, np.r_[0, channel[:-1]])
    size = CHANNELS + 1
    moves = np.bincount(before * size + channel, minlength=size * size).reshape(size, size)
    last = channel[np.r_[np.flatnonzero(first)[1:] - 1, len(channel) - 1]]
    ends = np.stack(
        [np.bincount(last, weights=w, minlength=size) for w in (revenue > 0, revenue)], axis=1
    )
    leaving = np.bincount(channel, minlength=size).astype(float)
    leaving[0] = PATHS
    shares = moves / leaving[:, None]

    def whole(gone: int) -> Floats:
        left = [state for state in range(size) if state != gone]
        matrix = np.eye(len(left)) - shares[np.ix_(left, left)]
        found: Floats = np.linalg.solve(matrix, (ends / leaving[:, None])[left])[0]
        return found

    effects = np.array([whole(-1) - whole(node) for node in range(1, size)])
    credits_ = effects / effects.sum(axis=0) * ends.sum(axis=0)
    return credits_[:, 0], credits_[:, 1]


def run_ours(
    models: dict[str, str], path: NDArray[np.int64], channel: NDArray[np.int64], revenue: Floats
) -> tuple[Seconds, Credits]:
    """Return seconds and credits of the models, from rows of touches."""
    connection = duckdb.connect()
    connection.execute(f"attach ':memory:' as wh; use wh.main; set threads = {THREADS}")
    step = np.arange(len(path)) - np.flatnonzero(np.r_[True, path[1:] != path[:-1]])[path] + 1
    lengths = np.bincount(path)[path]
    touches = {
        "length": lengths,
        "path": path,
        "step": step,
        "channel": channel,
        "revenue": revenue[path],
    }
    connection.register("touches", touches)
    connection.execute(
        "create table int_journeys__steps as select 30 as window_days, path as journey_id,"
        " revenue > 0 as is_converted, 'first_order' as journey_type, step::integer as step,"
        " length::integer as journey_steps,"
        " 'c' || lpad(channel::text, 2, '0') as channel, null::text as platform,"
        " null::text as campaign_id, nullif(revenue, 0)::decimal(18, 2) as revenue_usd from touches"
    )
    connection.execute(
        "create table fct_touchpoints as select distinct channel, platform, campaign_id"
        " from int_journeys__steps"
    )
    started, used = time.perf_counter(), time.process_time()
    for name, sql in models.items():
        kind = "view" if name.endswith("visits") else "table"
        connection.execute(f"create {kind} {name} as {sql}")
    rows = connection.execute(
        "select conversions_per_journey, revenue_per_journey from int_markov__effects"
        " where conversion_type = 'all' order by node_id"
    ).fetchall()
    seconds = (time.process_time() - used, time.perf_counter() - started)
    values = np.array(rows)
    effects = values[0] - values[1:]
    totals = np.array([(revenue > 0).sum(), revenue.sum()])
    credits_ = effects / effects.sum(axis=0) * totals
    return seconds, (credits_[:, 0], credits_[:, 1])


def run_other(
    folder: Path, path: NDArray[np.int64], channel: NDArray[np.int64], revenue: Floats
) -> tuple[Seconds, Credits]:
    """Return seconds and credits of ChannelAttribution at its defaults."""
    starts = np.flatnonzero(np.r_[True, path[1:] != path[:-1]])
    names = np.array([f"c{number:02}" for number in range(CHANNELS)])[channel]
    with (folder / "paths.csv").open("w", encoding="utf-8") as file:
        file.write("path,conversions,revenue,nulls\n")
        for start, end, money in zip(starts, [*starts[1:], len(path)], revenue, strict=True):
            text = " > ".join(names[start:end])
            file.write(f"{text},{int(money > 0)},{money},{int(money == 0)}\n")
    command = [str(OTHER / "bin" / "python"), "-c", SIMULATION, str(folder / "paths.csv")]
    command += ["conversions", "conversion_value"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, conversions, money = json.loads(answer.strip().splitlines()[-1])
    order = [f"c{number:02}" for number in range(CHANNELS)]
    return tuple(seconds), (
        np.array([conversions.get(name, 0) for name in order]),
        np.array([money.get(name, 0) for name in order]),
    )


def error(found: Credits, exact: Credits) -> float:
    """Return the larger share that stands in a wrong place, of conversions and of revenue."""
    return max(
        float(np.abs(a - b).sum() / b.sum()) for a, b in zip(found, exact, strict=True)
    )  # fmt: skip


def told(seconds: Seconds) -> str:
    """Return seconds for reading."""
    return f"{seconds[0]:.1f} processor seconds ({seconds[1]:.1f} s with {THREADS} threads)"


def main() -> int:
    """Print the figures; return 1 when ours is slower than the other, or not exact."""
    path, channel, revenue = make_paths()
    exact = solve(path, channel, revenue)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = compiled(folder, MODELS, VARIABLES)
        ours, found = run_ours(models, path, channel, revenue)
        print(f"paths {PATHS:,}, touches {len(path):,}, converting {(revenue > 0).mean():.1%}")
        print(f"SQL in DuckDB: {told(ours)}, error {error(found, exact):.0e}")
        if not is_installed(OTHER, PACKAGES):
            print("ChannelAttribution cannot be installed here: nothing to be faster than")
            return 0 if error(found, exact) <= LARGEST_ERROR else 1
        theirs, simulated = run_other(folder, path, channel, revenue)
    print(f"ChannelAttribution: {told(theirs)}, error {error(simulated, exact):.1%}")
    return 0 if error(found, exact) <= LARGEST_ERROR and ours[0] <= theirs[0] else 1


if __name__ == "__main__":
    sys.exit(main())
