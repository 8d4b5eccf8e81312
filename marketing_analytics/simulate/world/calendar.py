"""Local dates: microseconds in UTC to days in an account's time zone."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from marketing_analytics.simulate.world.chance import IntArray
from marketing_analytics.simulate.world.parameters import DAY_US, EPOCH_DAY, HOUR_US


def offset_us(hour: int, zone: ZoneInfo) -> int:
    """Return the offset from UTC of one hour since 1970, in microseconds."""
    moment = datetime.fromtimestamp(hour * 3600, UTC).astimezone(zone)
    offset = moment.utcoffset() or timedelta(0)
    return int(offset.total_seconds()) * 1_000_000


def local_us(moments_us: IntArray, zone_name: str) -> IntArray:
    """Return the local wall clock of each moment in microseconds."""
    if zone_name == "UTC" or len(moments_us) == 0:
        return moments_us
    zone = ZoneInfo(zone_name)
    # zones are slow to ask, and those of the accounts change their offset on the hour only
    hours, inverse = np.unique(moments_us // HOUR_US, return_inverse=True)
    offsets = np.array([offset_us(int(hour), zone) for hour in hours], dtype=np.int64)
    return np.asarray(moments_us + offsets[inverse], dtype=np.int64)


def local_day(moments_us: IntArray, zone_name: str) -> IntArray:
    """Return the local date of each moment as days since 1970-01-01."""
    return np.asarray(local_us(moments_us, zone_name) // DAY_US, dtype=np.int64)


def local_midnights(days: IntArray, zone_name: str) -> IntArray:
    """Return the moment each local date begins, in microseconds."""
    zone = ZoneInfo(zone_name)
    # few different days, so that asking the zone once for each is enough
    unique, inverse = np.unique(days, return_inverse=True)
    begins = [
        datetime.combine(EPOCH_DAY + timedelta(days=int(day)), time(), zone).timestamp()
        for day in unique
    ]
    return np.asarray(np.array(begins, dtype=np.int64)[inverse] * 1_000_000, dtype=np.int64)


def day_text(day: int) -> str:
    """Return days since 1970 as YYYY-MM-DD."""
    return (EPOCH_DAY + timedelta(days=int(day))).isoformat()


def time_text(moment_us: int) -> str:
    """Return microseconds since 1970 as YYYY-MM-DDTHH:MM:SS+00:00."""
    return datetime.fromtimestamp(int(moment_us) // 1_000_000, UTC).isoformat()


def month_texts(first_day: int, last_day: int) -> list[str]:
    """Return the months YYYY-MM from one day to another, in order."""
    return sorted({day_text(day)[:7] for day in range(first_day, last_day + 1)})
