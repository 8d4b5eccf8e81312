"""Which files hold which day of a GA4 export, in the layouts that people have.

`events_YYYYMMDD.parquet`, its shards `events_YYYYMMDD_000000000000.parquet`, a folder
`events_YYYYMMDD` of shards, and folders `event_date=YYYY-MM-DD` (or `date=`, `dt=`). An intraday
export is used until the day is there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path, PurePath
from typing import Any, Protocol

from marketing_analytics.core.errors import UserError

TABLE = re.compile(r"events_(?P<intraday>intraday_)?(?P<day>\d{8})(_\d+)?")
PARTITION = re.compile(r"(event_date|date|dt)=(?P<day>\d{4}-\d\d-\d\d|\d{8})")


JOINED = """
    create view exported as
    select days.export_date, exports.* exclude (filename)
    from exports
    inner join days on exports.filename = days.filename
"""


@dataclass(frozen=True)
class DayExport:
    """The files of one day; `fingerprint` changes when one of them does."""

    day: date
    paths: tuple[PurePath, ...]
    fingerprint: str


class Export(Protocol):
    """Where the events of days are exported to."""

    days_at_once: int

    def days(self) -> list[DayExport]:
        """Return the days that are there, oldest first."""
        ...

    def attach(self, connection: Any, chunk: Sequence[DayExport]) -> None:
        """Make the view `exported` of some days in DuckDB, with `export_date`."""
        ...


class Folder:
    """An export as Parquet files."""

    days_at_once = 30

    def __init__(self, path: Path) -> None:
        self.path = path

    def days(self) -> list[DayExport]:
        """Return the days that are there, oldest first. Raise UserError where there is none."""
        return day_exports(self.path)

    def attach(self, connection: Any, chunk: Sequence[DayExport]) -> None:
        """Make the view `exported` of the files of some days."""
        import pyarrow as pa

        found = [(str(path), export.day) for export in chunk for path in export.paths]
        names, days = zip(*found, strict=True)
        connection.register("days", pa.table({"filename": names, "export_date": days}))
        exports = connection.read_parquet(
            list(names), filename=True, union_by_name=True, hive_partitioning=False
        )
        exports.create_view("exports")
        connection.execute(JOINED)


def day_exports(folder: Path) -> list[DayExport]:
    """Return the days of a folder, oldest first. Raise UserError where there is none."""
    if not folder.is_dir():
        raise UserError(
            f"GA4_EXPORT_PATH is not a folder: {folder}",
            hint="name the folder that holds events_YYYYMMDD.parquet",
        )
    whole: dict[date, list[Path]] = {}
    intraday: dict[date, list[Path]] = {}
    for path in sorted(folder.rglob("*.parquet")):
        found = day_of(path.relative_to(folder))
        if found:
            day, is_intraday = found
            (intraday if is_intraday else whole).setdefault(day, []).append(path)
    days = intraday | whole
    if not days:
        raise UserError(
            f"there is no export of a day in {folder}",
            hint="its files are named events_YYYYMMDD.parquet, or lie in folders "
            "event_date=YYYY-MM-DD; check GA4_EXPORT_PATH",
        )
    return [DayExport(day, tuple(days[day]), fingerprint(days[day])) for day in sorted(days)]


def day_of(path: Path) -> tuple[date, bool] | None:
    """Return the day of a file and whether it is intraday; None for a file of something else."""
    for name in (path.stem, *reversed(path.parts[:-1])):
        found = TABLE.fullmatch(name) or PARTITION.fullmatch(name)
        if found and (day := as_date(found["day"])):
            return day, bool(found.groupdict().get("intraday"))
    return None


def as_date(text: str) -> date | None:
    """Return a date of digits, with dashes or without; None where the calendar has none."""
    try:
        return datetime.strptime(text.replace("-", ""), "%Y%m%d").date()  # noqa: DTZ007
    except ValueError:
        return None


def fingerprint(paths: Iterable[Path]) -> str:
    """Return a text that changes when a file comes, goes or is written."""
    text = "\n".join(f"{path.name} {version(path)}" for path in paths)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def version(path: Path) -> str:
    """Return the size and the time of a file; one that is gone by now fails when it is read."""
    try:
        state = path.stat()
    except OSError:
        return "unreadable"
    return f"{state.st_size} {state.st_mtime_ns}"
