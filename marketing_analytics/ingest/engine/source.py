"""What a platform offers to ingestion: its tables, its settings, and how to read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.tables import Table


@dataclass(frozen=True)
class Source:
    """A platform: raw tables, names of the settings it needs and may use, and its reading."""

    tables: tuple[Table, ...]
    settings: tuple[str, ...]
    collect: Callable[[Job], None]
    optional_settings: tuple[str, ...] = ()
