"""Settings of a run: environment, an optional file of settings, and defaults."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from marketing_analytics.core import clock
from marketing_analytics.core.commands import program
from marketing_analytics.core.env_file import read_env_file
from marketing_analytics.core.errors import UserError, not_set
from marketing_analytics.ingest.access.settings import check_values
from marketing_analytics.ingest.engine.backfill import Backfill
from marketing_analytics.ingest.engine.governor import Limits
from marketing_analytics.ingest.engine.persons import with_key
from marketing_analytics.ingest.engine.source import Source
from marketing_analytics.ingest.platforms import load_source, source_names
from marketing_analytics.ingest.raw.places import Place, place_of
from marketing_analytics.ingest.sync_file import SyncFile, read_sync_file

RAW_DATABASE_SETTING = "MARKETING_RAW_DATABASE"
DEFAULT_RAW_DATABASE = "var/raw.duckdb"
# working folders of raw databases that are no files
WORKING_SETTING = "INGEST_WORKING_PATH"
DEFAULT_WORKING = "var/ingest"
SINCE_SETTING = "INGEST_SINCE"
DEFAULT_HISTORY_DAYS = 200

# settings that tune patience: name, default in seconds
WAITS = {
    "INGEST_MAX_WAIT_SECONDS": 900.0,
    "INGEST_RETRY_SECONDS": 1.0,
    "INGEST_POLL_SECONDS": 0.1,
    "INGEST_LOCK_WAIT_SECONDS": 60.0,
    "INGEST_REPORT_TIMEOUT_SECONDS": 1800.0,
    "INGEST_ANSWER_SECONDS": 300.0,
}


@dataclass(frozen=True)
class Request:
    """What one run is asked to do."""

    sources: tuple[str, ...]
    since: date
    place: Place
    settings: Mapping[str, str]
    is_reread: bool = False
    is_accepting_shrinkage: bool = False
    # of the one source that is read again
    backfill: Backfill | None = None
    # where a source is wanted from another day on
    since_by_source: Mapping[str, date] = field(default_factory=dict)
    # sources that nobody asked for by name and whose settings are not complete, and what they lack
    left_out: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def first_day(self, source: str) -> date:
        """Return the first day to read of a source: that wanted, or the first that is kept."""
        wanted = self.since_by_source.get(source, self.since)
        return max(wanted, load_source(source).first_kept_day(clock.today()) or wanted)

    @property
    def notes(self) -> list[str]:
        """Return what is said of days that were asked for and are not read."""
        notes = []
        for name in self.sources:
            first = self.first_day(name)
            if first > self.since_by_source.get(name, self.since):
                notes.append(f"{name}: days before {first} are not kept by the platform")
        if self.backfill and self.backfill.has_days_ahead:
            last = self.backfill.window.end
            notes.append(f"{self.sources[0]}: days after {last} lie ahead and are not read")
        return notes

    def seconds(self, name: str) -> float:
        """Return a waiting time setting; raise UserError when it is not a number."""
        return seconds(name, self.settings)

    @property
    def limits(self) -> Limits:
        """Return the patience asked for by the settings."""
        return Limits(
            retry_base_seconds=self.seconds("INGEST_RETRY_SECONDS"),
            max_wait_seconds=self.seconds("INGEST_MAX_WAIT_SECONDS"),
            poll_first_seconds=self.seconds("INGEST_POLL_SECONDS"),
            report_timeout_seconds=self.seconds("INGEST_REPORT_TIMEOUT_SECONDS"),
            answer_seconds=self.seconds("INGEST_ANSWER_SECONDS"),
        )


def seconds(name: str, settings: Mapping[str, str]) -> float:
    """Return a waiting time setting; raise UserError when it is not a number."""
    text = settings.get(name, "")
    try:
        value = float(text) if text else WAITS[name]
    except ValueError:
        value = -1.0
    if value < 0:
        raise UserError(
            f"{name} is not a number of seconds: {text!r}",
            hint=f"write it like {WAITS[name]:g}, or leave it out",
        )
    return value


def load_env_file(path: Path) -> None:
    """Put the settings of a file into the environment; what is set there already stays."""
    for name, value in read_env_file(path).items():
        os.environ.setdefault(name, value)


def raw_place(given: str | None, settings: Mapping[str, str]) -> Place:
    """Return the place of the raw database: flag, setting, default.

    Raise UserError for an address of something else.
    """
    if given is not None and not given.strip():
        raise UserError(
            "--raw-database is empty",
            hint=f"name a file or an address, or leave it out for {DEFAULT_RAW_DATABASE}",
        )
    working = Path(settings.get(WORKING_SETTING) or DEFAULT_WORKING).expanduser().resolve()
    return place_of(given or settings.get(RAW_DATABASE_SETTING) or DEFAULT_RAW_DATABASE, working)


def since_date(given: str | None, settings: Mapping[str, str]) -> date:
    """Return the first day wanted: flag, INGEST_SINCE, or 200 days back."""
    text = given or settings.get(SINCE_SETTING)
    today = clock.today()
    if not text:
        return today - timedelta(days=DEFAULT_HISTORY_DAYS)
    name = "--since" if given else SINCE_SETTING
    return past_day(as_date(text, name), name)


def past_day(day: date, name: str) -> date:
    """Return a first day; raise UserError, with the name of what gave it, where it is to come."""
    today = clock.today()
    if day > today:
        raise UserError(
            f"the first day {day} lies after today ({today})",
            hint=f"give {name} a day up to today",
        )
    return day


def as_date(text: str, name: str) -> date:
    """Return a day; raise UserError, with the name of what was given, where it is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UserError(
            f"{name} is not a date: {text!r}", hint="write it like 2026-05-01"
        ) from None


def lacking(
    needed: Mapping[str, Sequence[str]], settings: Mapping[str, str]
) -> dict[str, list[str]]:
    """Return the settings that are not set of every source (name: settings) that lacks some."""
    absent = {
        source: [name for name in names if not settings.get(name)]
        for source, names in needed.items()
    }
    return {source: names for source, names in absent.items() if names}


def check_settings(needed: Mapping[str, Sequence[str]], settings: Mapping[str, str]) -> None:
    """Raise UserError that names all settings which sources (name: settings) lack."""
    absent = {
        name: f"needed by {source}"
        for source, names in lacking(needed, settings).items()
        for name in names
    }
    if absent:
        listed = f"fill in the file that `{program()} ingest settings` prints and pass --env-file"
        raise not_set(absent, instead=f"{listed}, or choose other sources with --source")


def check_sources(sources: Mapping[str, Source], settings: Mapping[str, str]) -> None:
    """Raise UserError for settings of sources (name: source) that lack or are of no use."""
    needed = {name: source.needed_with(settings) for name, source in sources.items()}
    check_settings(needed, settings)
    for source in sources.values():
        names = (*source.settings, *source.optional_settings)
        check_values(names, source.value_checks, settings)
        if source.address:
            # what an address is made of is looked at too
            source.address(settings)


def request_of(
    sources: tuple[str, ...],
    since: str | None,
    raw_database: str | None,
    env_file: Path | None,
    sync_file: Path | None = None,
) -> Request:
    """Return what is asked for: from flags, files, and the environment.

    The file of what to sync goes before the environment; flags go before both.
    """
    if env_file:
        load_env_file(env_file)
    values = with_key(os.environ)
    wanted = SyncFile(())
    if sync_file:
        wanted = read_sync_file(sync_file)
        values |= wanted.settings
        sources = named_in(wanted, checked_sources(sources) if sources else (), sync_file)
    for name, day in wanted.since_of.items():
        past_day(day, f"since of [{name}]")
    chosen, left_out = chosen_sources(sources, values)
    return Request(
        sources=chosen,
        left_out=left_out,
        since=since_date(since or wanted.since, values),
        since_by_source={} if since else wanted.since_of,
        place=raw_place(raw_database, values),
        settings=values,
    )


def named_in(wanted: SyncFile, sources: tuple[str, ...], path: Path) -> tuple[str, ...]:
    """Return the sources of a file, or those asked for. Raise UserError where it has them not."""
    for name in sources:
        if name not in wanted.sources:
            raise UserError(f"{path} does not name {name}", hint=f"add a table [{name}] to it")
    return sources or wanted.sources


def chosen_sources(
    sources: tuple[str, ...], values: Mapping[str, str]
) -> tuple[tuple[str, ...], dict[str, list[str]]]:
    """Return the sources to sync, and what the others lack.

    Without a name: those whose settings are complete. Where none is, all of them, to be refused
    with everything that is missing.
    """
    known = checked_sources(sources)
    if sources:
        return known, {}
    left_out = lacking({name: load_source(name).needed_with(values) for name in known}, values)
    complete = tuple(name for name in known if name not in left_out)
    return (complete, left_out) if complete else (known, {})


def checked_sources(sources: tuple[str, ...]) -> tuple[str, ...]:
    """Return the sources asked for, all when none is named."""
    known = source_names()
    for name in sources:
        if name not in known:
            near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.4)
            meant = f"did you mean {near[0]}? " if near else ""
            raise UserError(
                f"there is no source {name!r}",
                hint=f"{meant}sources are {', '.join(known)}",
            )
    return tuple(dict.fromkeys(sources)) or tuple(known)
