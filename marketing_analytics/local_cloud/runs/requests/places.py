"""Where a run of a request would build: asked of dbt before anything is built.

A project's own `generate_schema_name` may leave the target's schema out; what such a run builds
would be somebody else's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from marketing_analytics.core.plain_files import read_plain
from marketing_analytics.local_cloud.runs.requests.schemas import is_inside
from marketing_analytics.local_cloud.runs.steps import subcommand_of

# what each command makes
MAKES = {
    "build": ("model", "seed", "snapshot"),
    "run": ("model",),
    "seed": ("seed",),
    "snapshot": ("snapshot",),
}
# options that decide what a step selects or how the project reads; the rest is of no account here
KEPT = frozenset(
    {"--select", "-s", "--models", "--model", "-m", "--exclude", "--selector", "--state"}
    | {"--defer-state", "--vars", "--indirect-selection", "--exclude-resource-type"}
    | {"--exclude-resource-types"}
)
LISTING = ("ls", "--output", "json", "--output-keys", "unique_id relation_name")
MAX_NAMED = 5


def listing_args(args: Sequence[str]) -> list[str]:
    """Return the arguments that list what a step would make; empty when it makes nothing."""
    kinds = MAKES.get(subcommand_of(args) or "", ())
    if not kinds:
        return []
    kept: list[str] = []
    is_kept = False
    for word in args:
        if word.startswith("-"):
            is_kept = word.partition("=")[0] in KEPT
        if is_kept:
            kept.append(word)
    return [*LISTING, *(word for kind in kinds for word in ("--resource-type", kind)), *kept]


def elsewhere_words(events: Path, schema_name: str) -> str:
    """Return why a step may not run, from dbt's events of its listing; "" when it may."""
    names = [str(one.get("relation_name") or "") for one in listed(events)]
    found = [name for name in names if name and not is_inside(name, schema_name)]
    if not found:
        return ""
    more = f" and {len(found) - MAX_NAMED} more" if len(found) > MAX_NAMED else ""
    return (
        f"nothing was built: {', '.join(found[:MAX_NAMED])}{more} would lie outside of "
        f"{schema_name}: generate_schema_name of the project leaves target.schema out"
    )


def listed(events: Path) -> Iterator[dict[str, Any]]:
    """Yield what dbt listed; a listing that failed is empty, and the step then says why."""
    for line in read_plain(events).decode("utf-8", "replace").splitlines():
        try:
            found = json.loads(json.loads(line)["info"]["msg"])
        except (ValueError, KeyError, TypeError):
            continue
        if isinstance(found, dict):
            yield found
