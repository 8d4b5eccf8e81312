"""The lines that tell how far a run is: all of it, each source, accounts that have windows left."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.progress import Progress

MOST_ACCOUNTS = 4
# the prompt above, and what a terminal needs at its end
LINES_LEFT_FREE = 3


@dataclass(frozen=True)
class Writing:
    """What is being written into the database just now."""

    source: str
    rows: int
    began_at: float = field(default_factory=time.monotonic)

    @property
    def text(self) -> str:
        """Return how much, and the seconds it has taken so far."""
        return f"{self.rows:,} rows, {time.monotonic() - self.began_at:.0f} s"


def lines_of(jobs: Sequence[Job], seconds: float, writing: Writing | None = None) -> list[str]:
    """Return a summary, a line per source, and as many lines of accounts as there is room for."""
    done, planned = sum(j.windows_done for j in jobs), sum(j.windows_planned for j in jobs)
    rows = sum(job.row_count for job in jobs)
    text = f"ingest {seconds:.0f} s: {rows:,} rows, {done} of {planned} windows"
    # sources are read side by side: the slowest says how long it takes
    left = [job.progress.whole.seconds_left() for job in jobs]
    if known := [one for one in left if one is not None]:
        text += f", about {max(known):.0f} s left"
    if writing:
        text += f", writing {writing.source}: {writing.text}"
    room = shutil.get_terminal_size().lines - LINES_LEFT_FREE - 1 - len(jobs)
    lines = [text]
    for job in jobs:
        line = f"  {line_of(job.source, job.progress.whole, width=12)}"
        if writing and writing.source == job.source:
            line += f", writing {writing.text}"
        lines.append(line)
        accounts = account_lines(job, min(room, MOST_ACCOUNTS))
        room -= len(accounts)
        lines += accounts
    return lines


def account_lines(job: Job, room: int) -> list[str]:
    """Return lines of the accounts that have windows left, the last one for all the others."""
    unfinished = job.progress.unfinished()
    if room < 1 or not unfinished:
        return []
    shown = list(unfinished) if len(unfinished) <= room else list(unfinished)[: room - 1]
    lines = [f"    {line_of(name, unfinished[name], width=10)}" for name in shown]
    if more := len(unfinished) - len(shown):
        lines.append(f"    {more} more accounts" if shown else f"    {more} accounts")
    return lines


def line_of(name: str, progress: Progress, *, width: int) -> str:
    """Return one line of a source or an account."""
    windows = f"{progress.done} of {progress.planned}"
    left = progress.seconds_left()
    rest = "" if left is None else f", {left:.0f} s left"
    return f"{name:<{width}} {windows:<9}{progress.rows:>9,} rows{rest}"
