"""What dbt kept of each node that it ran: the SQL, how many rows, how many of them fail a test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from marketing_analytics.local_cloud.pages.artifacts.reading import (
    Part,
    number_of,
    part_of,
    parts_of,
    read_object,
    stamp_of,
    text_of,
)

KEPT_RESULTS = 6


@dataclass(frozen=True)
class Result:
    """How a node ended: `failures` are rows that fail a test, `relation` is where dbt kept them."""

    status: str
    message: str
    compiled: str
    failures: int | None
    relation: str
    rows: int | None
    seconds: float | None


NO_RESULTS: Mapping[str, Result] = {}


def read_results(folder: Path | None) -> Mapping[str, Result]:
    """Return the results of a step by unique id, none when dbt left no file of them."""
    if folder is None:
        return NO_RESULTS
    path = folder / "run_results.json"
    stamp = stamp_of(path)
    return NO_RESULTS if stamp is None else cached_results(path, stamp)


@lru_cache(maxsize=KEPT_RESULTS)
def cached_results(path: Path, _written_ns: int) -> Mapping[str, Result]:
    """Return the results of a file; `_written_ns` makes a new file another one."""
    parts = parts_of(read_object(path).get("results"))
    return {text_of(part.get("unique_id")): result_of(part) for part in parts}


def result_of(part: Part) -> Result:
    """Return one result."""
    rows = number_of(part_of(part.get("adapter_response")).get("rows_affected"))
    failures = number_of(part.get("failures"))
    return Result(
        status=text_of(part.get("status")),
        message=text_of(part.get("message")),
        compiled=text_of(part.get("compiled_code")),
        failures=None if failures is None else int(failures),
        relation=text_of(part.get("relation_name")).replace('"', ""),
        # adapters that do not know say -1
        rows=None if rows is None or rows < 0 else int(rows),
        seconds=number_of(part.get("execution_time")),
    )
