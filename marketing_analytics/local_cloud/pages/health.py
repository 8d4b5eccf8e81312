"""Whether the engine does its work, judged by what it leaves undone in the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from marketing_analytics.local_cloud.pages.reads import Reads
from marketing_analytics.local_cloud.runs.store import engine_signs
from marketing_analytics.web.words import duration_words, parse_time

# the engine looks at the queue five times and at the schedule once a second
MAX_PICKUP_SECONDS = 15.0
MAX_LEASE_SECONDS = 20.0
MAX_TICK_SECONDS = 60.0


@dataclass(frozen=True)
class Health:
    """One line on the engine: what, whether it is well, and a few words."""

    name: str
    is_well: bool
    words: str


def health_of(reads: Reads, now: datetime) -> list[Health]:
    """Return the health of the engine and of the scheduler."""
    signs = engine_signs(reads.connection, reads.account_id)
    pickup = seconds_late(signs.oldest_unclaimed_at, now)
    lease = seconds_late(signs.oldest_lease_at, now)
    tick = seconds_late(signs.oldest_tick_at, now)
    if lease > MAX_LEASE_SECONDS:
        engine = Health("engine", False, f"a run is not renewed since {duration_words(lease)}")
    elif pickup > MAX_PICKUP_SECONDS:
        engine = Health("engine", False, f"a run is not picked up since {duration_words(pickup)}")
    else:
        engine = Health("engine", True, "well")
    is_on_time = tick <= MAX_TICK_SECONDS
    words = "on time" if is_on_time else f"{duration_words(tick)} late"
    return [engine, Health("scheduler", is_on_time, words)]


def seconds_late(due: str | None, now: datetime) -> float:
    """Return how long ago something was due, 0 for nothing."""
    at = parse_time(due)
    return (now - at).total_seconds() if at else 0.0
