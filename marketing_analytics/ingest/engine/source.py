"""What a platform offers to ingestion: its tables, its settings, and how to read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.persons import KEY_SETTING
from marketing_analytics.ingest.engine.tables import Table

# the accounts that can be read, id and name; those that cannot are lost in the job
Check = Callable[[Job], Iterable[tuple[str, str]]]
# takes the name and value of a setting, and raises UserError where the value is of no use
ValueCheck = Callable[[str, str], object]


@dataclass(frozen=True)
class Receiver:
    """Takes what a platform sends on its own accord: the settings, and the ASGI application."""

    settings: tuple[str, ...]
    build: Callable[[Mapping[str, str]], Any]


@dataclass(frozen=True)
class Source:
    """A platform: raw tables, names of its own settings, those it may do without, its reading.

    `instead` names settings that, once they are set, take the place of others. `options` are
    settings without a secret that the file of what to sync may give: the key there, and the
    setting, a list. `restates` says what every run reads again, `has_days` that a backfill can
    read days again. `address` says where its server is, `check` asks it as little as possible and
    keeps nothing. `value_checks` look at settings before anything is asked. The platform keeps days
    for `kept_days`, or has none before `oldest_day`. `modules` are slow to import, and needed only
    for the reading.
    """

    tables: tuple[Table, ...]
    settings: tuple[str, ...]
    collect: Callable[[Job], None]
    optional_settings: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    restates: str = ""
    has_days: bool = False
    address: Callable[[Mapping[str, str]], str] | None = None
    check: Check | None = None
    value_checks: Mapping[str, ValueCheck] = field(default_factory=dict)
    kept_days: int | None = None
    oldest_day: date | None = None
    receiver: Receiver | None = None
    instead: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    modules: tuple[str, ...] = ()

    def first_kept_day(self, today: date) -> date | None:
        """Return the first day that the platform has, None where it is not known."""
        return today - timedelta(self.kept_days) if self.kept_days else self.oldest_day

    @property
    def has_persons(self) -> bool:
        """Return whether rows tell of persons, for which a key is needed."""
        return any(table.personal for table in self.tables)

    @property
    def needed(self) -> tuple[str, ...]:
        """Return the settings without which it cannot be read."""
        return (*self.settings, KEY_SETTING) if self.has_persons else self.settings

    def needed_with(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return the settings without which it cannot be read, given those that are set."""
        replaced = {
            name for setting, names in self.instead.items() if values.get(setting) for name in names
        }
        return tuple(name for name in self.needed if name not in replaced)
