"""Where a run of a request would build: asked of dbt before anything is built.

A project's own `generate_schema_name` may leave the target's schema out; what such a run builds
would be somebody else's. So would be the rows that tests store.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marketing_analytics.core.plain_files import read_plain
from marketing_analytics.local_cloud.runs.requests.schemas import is_inside, schema_in
from marketing_analytics.local_cloud.runs.steps import subcommand_of

# what each command makes; a test makes something where it stores its failures
MAKES = {
    "build": frozenset({"function", "model", "seed", "snapshot", "test"}),
    "clone": frozenset({"model", "seed", "snapshot"}),
    "run": frozenset({"model"}),
    "seed": frozenset({"seed"}),
    "snapshot": frozenset({"snapshot"}),
    "test": frozenset({"test"}),
}
# nodes that are nothing in the warehouse; those of a kind that is not known here may be
IDLE = {"analysis", "exposure", "metric", "saved_query", "semantic_model", "source", "unit_test"}
KNOWN = IDLE.union(*MAKES.values())
# what a step selects; `ls` takes no `--models` beside the kinds of what it lists
SELECTING = {
    **dict.fromkeys(("--select", "-s", "--models", "--model", "-m"), "--select"),
    "--exclude": "--exclude",
}
# other options that decide what a step selects or how the project reads, each with one value
KEPT = frozenset({"--selector", "--state", "--defer-state", "--vars", "--indirect-selection"})
KINDS = frozenset({"--resource-type", "--resource-types"})
KINDS_LEFT_OUT = frozenset({"--exclude-resource-type", "--exclude-resource-types"})
# words that stand for every kind
EVERY = frozenset({"all", "default"})
KEYS = "unique_id relation_name resource_type schema config"
# what is said here no variable such as DBT_RESOURCE_TYPES can narrow
WHOLE = ("--resource-type", "all", "--exclude-resource-type", "analysis")
LISTING = ("ls", "--output", "json", "--output-keys", KEYS, *WHOLE)
TRUE = frozenset({"1", "true", "t", "yes", "y", "on"})
MAX_NAMED = 5
TAKEN_WORDS = "would lie where an environment builds: give schema_override another name"


@dataclass(frozen=True)
class Making:
    """The kinds of nodes that a step makes: of its command, as its own options narrow them."""

    kinds: frozenset[str]
    wanted: frozenset[str]
    left_out: frozenset[str]

    def has(self, kind: str) -> bool:
        """Return whether nodes of a kind are made; one that is not known here may be."""
        may_be = kind in self.kinds or kind not in KNOWN
        return may_be and kind not in self.left_out and (not self.wanted or kind in self.wanted)

    def has_any(self) -> bool:
        """Return whether anything can be made."""
        return bool(self.kinds) and (not self.wanted or any(map(self.has, self.wanted)))


def making_of(args: Sequence[str]) -> Making:
    """Return the kinds of nodes that a step makes."""
    options = list(options_of(args))
    wanted, left_out = words_of(options, KINDS), words_of(options, KINDS_LEFT_OUT)
    kinds = MAKES.get(subcommand_of(args) or "", frozenset())
    return Making(kinds, frozenset() if wanted & EVERY else wanted, left_out)


def listing_args(args: Sequence[str]) -> list[str]:
    """Return the arguments that list what a step selects; empty when it makes nothing."""
    if not making_of(args).has_any():
        return []
    kept: list[str] = []
    for name, values in options_of(args):
        if name in SELECTING:
            kept += [SELECTING[name], *values]
        elif name in KEPT:
            # a word after the one value is the command
            kept += [name, *values[:1]]
    return [*LISTING, *kept]


def options_of(args: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the options of a step with the words that follow each."""
    name, values = "", list[str]()
    for word in args:
        if not word.startswith("-"):
            values.append(word)
            continue
        if name:
            yield name, values
        name, has_value, value = word.partition("=")
        values = [value] if has_value else []
    if name:
        yield name, values


def words_of(options: Sequence[tuple[str, list[str]]], names: frozenset[str]) -> frozenset[str]:
    """Return the words that some options have, in lower case."""
    chosen = (values for name, values in options if name in names)
    return frozenset(word.lower() for values in chosen for word in values)


def stores_failures(args: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Return whether tests of a step store their failures when they do not say it themselves."""
    said = [word for word in args if word in ("--store-failures", "--no-store-failures")]
    if said:
        return said[-1] == "--store-failures"
    return environment.get("DBT_STORE_FAILURES", "").lower() in TRUE


def elsewhere_words(
    events: Path,
    schema_name: str,
    making: Making,
    *,
    is_storing: bool = False,
    taken: frozenset[str] = frozenset(),
) -> str:
    """Return why a step may not run, from dbt's events of its listing; "" when it may.

    `is_storing` is whether tests store their failures when they do not say it themselves. `taken`
    are schemas of environments.
    """
    made = [one for one in listed(events) if making.has(str(one.get("resource_type")))]
    names = [name for one in made if (name := relation_of(one, is_storing=is_storing))]
    outside = [name for name in names if not is_inside(name, schema_name)]
    if outside:
        return (
            f"nothing was built: {some_of(outside)} would lie outside of {schema_name}: "
            "generate_schema_name of the project leaves target.schema out"
        )
    theirs = [name for name in names if schema_in(name) in taken]
    return f"nothing was built: {some_of(theirs)} {TAKEN_WORDS}" if theirs else ""


def some_of(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return f"{', '.join(names[:MAX_NAMED])}{more}"


def relation_of(node: Mapping[str, Any], *, is_storing: bool) -> str:
    """Return what a node would make, "" for nothing."""
    if node.get("resource_type") != "test":
        return str(node.get("relation_name") or "")
    says = (node.get("config") or {}).get("store_failures")
    if not (is_storing if says is None else says):
        return ""
    # dbt names the relation as long as the option of the step is known to it: here it is not
    unique_id = str(node.get("unique_id", ""))
    return str(node.get("relation_name") or f"{node.get('schema')}.{unique_id.replace('.', '_')}")


def listed(events: Path) -> Iterator[dict[str, Any]]:
    """Yield what dbt listed."""
    for line in read_plain(events).decode("utf-8", "replace").splitlines():
        try:
            found = json.loads(json.loads(line)["info"]["msg"])
        except (ValueError, KeyError, TypeError):
            continue
        if isinstance(found, dict):
            yield found
