"""200 faults of 13 kinds over 90 days of simulated worlds: what is found, what alarms for nothing.

A world is simulated, loaded and built once (`marketing demo run`); its days are replayed as views.
Quiet days are replayed first, so that the watch has a history; each fault is put into the marts of
its day on top of that history, and looked at on that day and on the next. Found means that the
monitor of its kind fails (a new column: warns) on the first or second run. A quiet day with any
failing monitor is a false alarm; days on which the world itself switches a whole tactic off are
counted apart. Thresholds were chosen on other seeds than the default ones.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import duckdb

from benchmarks.monitors.faults import Draw, drawn
from benchmarks.monitors.replay import Fault, Replay
from marketing_analytics.monitor.results import Result
from marketing_analytics.monitor.run import Run

FOLDER = Path("var/monitors")
DAYS, WORLD_DAYS = 90, 200
LEAST_RECALL, MOST_FALSE, MOST_SECONDS = 0.99, 0.01, 10.0
ALARMS = ("failing", "warning")


def world_of(seed: int, folder: Path) -> Path:
    """Return the folder of a built world; it is made once."""
    demo = folder / f"w{seed}"
    if not (demo / "cloud" / "warehouse" / "env_1.duckdb").exists():
        command = [sys.executable, "-m", "marketing_analytics", "demo", "run"]
        options = ["--seed", str(seed), "--days", str(WORLD_DAYS), "--dir", str(demo)]
        subprocess.run([*command, *options], check=True, stdout=subprocess.DEVNULL)
    return demo


def paused_days(demo: Path) -> set[date]:
    """Return the days on which the world switches a tactic off everywhere, and the day after."""
    found: set[date] = set()
    for path in sorted((demo / "world").rglob("hold_outs*.parquet")):
        rows = duckdb.sql(
            f"select first_date, last_date from '{path}' where kind = 'switch_off' group by all"
        ).fetchall()
        for pause in rows:
            first, last = (date.fromisoformat(str(each)[:10]) for each in pause)
            found |= {first + timedelta(days=n) for n in range((last - first).days + 3)}
    return found


def alarms(run: Run, statuses: tuple[str, ...] = ("failing",)) -> list[Result]:
    """Return what alarms."""
    return [result for result in run.results if result.status in statuses]


def quiet_days(replay: Replay, days: list[date]) -> tuple[dict[date, Run], float]:
    """Replay days without faults, and keep what the watch knows after each."""
    replay.forget()
    found, slowest = {}, 0.0
    # one run before, so that the first day has something to compare with
    for day in [days[0] - timedelta(days=1), *days]:
        began = time.monotonic()
        run = replay.run(day)
        slowest = max(slowest, time.monotonic() - began)
        replay.keep(day)
        found[day] = run
    return found, slowest


def runs_to_alarm(replay: Replay, fault: Fault, quiet: dict[date, Run]) -> int:
    """Return on which run a fault is found, 0 where neither of the first two does."""
    replay.know(fault.day - timedelta(days=1))
    for number in (1, 2):
        day = fault.day + timedelta(days=number - 1)
        before = {(r.monitor, r.subject) for r in alarms(quiet[day], ALARMS)}
        now = alarms(replay.run(day, fault), ALARMS)
        if any(
            r.monitor in fault.monitors
            and (r.status == "failing" or r.monitor == "schema")
            and (r.monitor, r.subject) not in before
            for r in now
        ):
            return number
    return 0


def judge(seed: int, folder: Path, count: int, days: int) -> tuple[Counter[str], Counter[str]]:
    """Judge the monitors on one world; print what was missed and what alarmed for nothing."""
    demo = world_of(seed, folder)
    replay = Replay(demo, folder / f"judge_{seed}.duckdb", seed)
    span = [replay.last_day - timedelta(days=back) for back in range(days - 1, -1, -1)]
    quiet, slowest = quiet_days(replay, span)
    paused = paused_days(demo)
    totals: Counter[str] = Counter(slowest=round(slowest * 1000))
    for day in span:
        wrong = alarms(quiet[day])
        kind = "paused" if day in paused else "quiet"
        totals[f"{kind} days"] += 1
        totals[f"{kind} alarms"] += bool(wrong)
        totals[f"{kind} warnings"] += bool(alarms(quiet[day], ("warning",)))
        for result in wrong:
            print(f"  {kind} {day}: {result.monitor} {result.subject}: {result.sentence}")
    found: Counter[str] = Counter()
    # a channel that is switched off cannot lose its visits
    days_on = [day for day in span[1:-1] if not {day, day + timedelta(days=1)} & paused]
    draw = Draw(replay, random.Random(seed), days_on)
    for fault in drawn(draw, count):
        run = runs_to_alarm(replay, fault, quiet)
        found[f"{fault.kind} all"] += 1
        found[f"{fault.kind} found"] += bool(run)
        totals[f"on run {run}"] += 1
        if not run:
            print(f"  missed {fault.kind} {fault.day}: {fault.name}", flush=True)
    return totals, found


def main() -> int:
    """Judge the monitors; return 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[14, 17])
    parser.add_argument("--faults", type=int, default=200, help="of all worlds together")
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--dir", type=Path, default=FOLDER)
    given = parser.parse_args()
    given.dir.mkdir(parents=True, exist_ok=True)
    totals: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for seed in given.seeds:
        print(f"world {seed}", flush=True)
        own, kinds = judge(seed, given.dir, -(-given.faults // len(given.seeds)), given.days)
        slowest = max(totals["slowest"], own["slowest"])
        totals, found = totals + own, found + kinds
        totals["slowest"] = slowest
    return report(totals, found)


def report(totals: Counter[str], found: Counter[str]) -> int:
    """Print the figures; return 1 where a target is missed."""
    kinds = sorted({name.rsplit(" ", 1)[0] for name in found})
    for kind in kinds:
        print(f"  {kind:22s} {found[f'{kind} found']:4d} of {found[f'{kind} all']:4d}")
    every = sum(found[f"{kind} all"] for kind in kinds)
    hits = sum(found[f"{kind} found"] for kind in kinds)
    recall = hits / max(every, 1)
    false = totals["quiet alarms"] / max(totals["quiet days"], 1)
    seconds = totals["slowest"] / 1000
    quiet, alarming = totals["quiet days"], totals["quiet alarms"]
    print(f"faults found          {hits} of {every}: {recall:.1%}, at least {LEAST_RECALL:.0%}")
    print(f"  on the first run    {totals['on run 1']}, on the second {totals['on run 2']}")
    print(
        f"false alarms          {alarming} of {quiet} days: {false:.1%}, at most {MOST_FALSE:.0%}"
    )
    print(f"  days that warn      {totals['quiet warnings']}")
    paused = f"{totals['paused alarms']} of {totals['paused days']} alarm"
    print(f"planned pauses        {paused}, {totals['paused warnings']} warn")
    print(f"slowest run           {seconds:.1f} s, at most {MOST_SECONDS:.0f}")
    is_good = recall >= LEAST_RECALL and false <= MOST_FALSE and seconds <= MOST_SECONDS
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
