"""What the soak rings of ingestion share: a tiny world, and an undisturbed load of each source."""

import subprocess
from contextlib import nullcontext
from functools import cache

from .commands import COMMAND, clean_environment, contents, ingest
from .scripted_platform import between

WORLD = ("simulate", "build", "--seed", "11", "--customers", "60", "--days", "14")
FIRST_DAY = "2026-10-10"
# rows as received, and sums beside them, tell of the fault itself
BESIDE = ("_rejected", "_totals")
FILES = ("ga4", "shop")


def build_world(folder):
    command = [*COMMAND, *WORLD, "--end-date", "2026-10-31", "--out", str(folder)]
    subprocess.run(command, env=clean_environment(), check=True, capture_output=True, timeout=120)


def load(database, source, settings, *arguments):
    chosen = ("--source", source, "--raw-database", database, "--since", FIRST_DAY, "--json")
    return ingest(*chosen, *arguments, **settings)


def rows_of(database):
    tables = contents(database)
    return {name: rows for name, rows in tables.items() if not name.endswith(BESIDE)}


def counted(settings, source, asked):
    """Yield settings with which requests are noted."""
    if source in FILES:
        return nullcontext(settings)
    return between(settings, source, lambda _, answer: answer, asked.append)


def undisturbed_loads(emulators, folder_of):
    """Return a function that gives a source's rows, the database of them, and its requests."""

    @cache
    def of(source):
        emulators.reset()
        database = folder_of(source) / "raw.duckdb"
        asked = []
        with counted(emulators.settings, source, asked) as settings:
            done = load(database, source, settings)
        assert done.code == 0, done.out
        return rows_of(database), database, len(asked)

    return of
