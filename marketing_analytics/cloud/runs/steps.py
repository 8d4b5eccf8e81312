"""The steps of a run, their names and order as dbt Cloud has them, and its commands read safely.

1 "Clone git repository", 2 "Create Profile from Connection DuckDB", 3 "Invoke dbt with `dbt deps`",
then source freshness when asked, the commands of the job, and docs last.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from marketing_analytics.core.errors import UserError

CLONE, PROFILE, DEPS = 1, 2, 3
DEPS_COMMAND = "dbt deps"
FRESHNESS_COMMAND = "dbt source freshness"
DOCS_COMMAND = "dbt docs generate"
SUBCOMMANDS = frozenset(
    {"build", "clean", "clone", "compile", "debug", "deps", "docs", "list", "ls", "parse"}
    | {"retry", "run", "run-operation", "seed", "show", "snapshot", "source", "test"}
)
# their results are compile times, which would pass for the times of models
COMPILE_ONLY = frozenset({"compile", "docs"})
# options in front of the subcommand that take a value
_VALUE_OPTIONS = frozenset(
    {"--log-cache-events", "--log-file-max-bytes", "--log-format", "--log-format-file"}
    | {"--log-level", "--log-level-file", "--printer-width", "--record-timing-info", "-r"}
    | {"--warn-error-options"}
)
# the server decides these: they would lead dbt out of the run's own folders and profile
_RESERVED = {
    "--profiles-dir": "the server renders the profile of a run",
    "--project-dir": "a run works on its own copy of the project",
    "--profile": "the server renders the profile of a run",
    "--target-path": "a run has its own target folder",
    "--log-path": "a run has its own log folder",
    "--log-format": "the server reads dbt's log",
    "--partial-parse-file-path": "the server keeps one parse file per environment and schema",
    "--use-v2-parser": "this parser is not installed",
    "--v2-parser": "this parser is not installed",
}


@dataclass(frozen=True)
class Step:
    """One step: `command` is None for the first two; `is_advisory` ones never fail the run."""

    index: int
    name: str
    command: str | None = None
    is_advisory: bool = False


def plan_steps(
    commands: Sequence[str], *, has_freshness: bool = False, has_docs: bool = False
) -> list[Step]:
    """Return the steps of a run in order, numbered from 1."""
    wanted = [(DEPS_COMMAND, False)]
    if has_freshness:
        wanted.append((FRESHNESS_COMMAND, True))
    wanted += [(command, False) for command in commands]
    if has_docs:
        wanted.append((DOCS_COMMAND, True))
    first = [
        Step(CLONE, "Clone git repository"),
        Step(PROFILE, "Create Profile from Connection DuckDB"),
    ]
    rest = [
        Step(index, f"Invoke dbt with `{command}`", command, is_advisory)
        for index, (command, is_advisory) in enumerate(wanted, start=DEPS)
    ]
    return first + rest


def parse_command(command: str, *, target_name: str) -> list[str]:
    """Return the arguments after `dbt`. Raise UserError for what is not a plain dbt command.

    No shell is involved: `;`, `|`, `$` and globs are ordinary characters.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UserError(f"cannot read the command {command!r}: {error}") from None
    if not words or words[0] != "dbt":
        raise UserError(f"{command!r} is not a dbt command", hint="every step starts with `dbt`")
    args = without_target(words[1:], target_name)
    for word in args:
        reason = _RESERVED.get(word.partition("=")[0])
        if reason:
            raise UserError(f"{word} cannot be used in a step: {reason}", hint=f"remove {word}")
    name = subcommand_of(args)
    if name not in SUBCOMMANDS:
        raise UserError(
            f"dbt {name or ''} cannot be run as a step".replace("  ", " "),
            hint=f"allowed: {', '.join(sorted(SUBCOMMANDS))}",
        )
    return args


def subcommand_of(args: Sequence[str]) -> str | None:
    """Return the first word that is neither an option nor the value of one."""
    is_value = False
    for word in args:
        if is_value:
            is_value = False
        elif not word.startswith("-"):
            return word
        else:
            is_value = word in _VALUE_OPTIONS
    return None


def without_target(args: Sequence[str], target_name: str) -> list[str]:
    """Return the arguments without --target, which may only repeat the target of the run."""
    kept: list[str] = []
    words = iter(args)
    for word in words:
        option, has_value, value = word.partition("=")
        if option not in ("--target", "-t"):
            kept.append(word)
            continue
        given = value if has_value else next(words, "")
        if given != target_name:
            raise UserError(
                f"the target of this run is {target_name!r}, the step asks for {given!r}",
                hint="set the target name of the job and leave --target out of its steps",
            )
    return kept
