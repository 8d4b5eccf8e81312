"""The steps of a run: their names and order, their commands read safely, and their logs.

1 "Clone git repository", 2 "Create Profile from Connection ...", 3 "Invoke dbt with `dbt deps`",
then source freshness when asked, the commands of the job, and docs last, as in dbt Cloud. dbt's
JSON lines become text, node rows and an end mark. Whatever the process prints is taken, so that
its pipe never fills; what goes to disk is capped.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, TextIO, cast

from marketing_analytics.core.errors import UserError
from marketing_analytics.core.plain_files import plain_opener, read_plain, remove_any
from marketing_analytics.core.redaction import redact, redact_lines
from marketing_analytics.local_cloud.runs.child.program import END_MARK
from marketing_analytics.local_cloud.runs.records import Node
from marketing_analytics.local_cloud.store.connection import time_text
from marketing_analytics.warehouse.duckdb import is_lock_message, no_raw_database

DEPS = 3
DEPS_COMMAND = "dbt deps"
FRESHNESS_COMMAND = "dbt source freshness"
DOCS_COMMAND = "dbt docs generate"
SUBCOMMANDS = frozenset(
    {"build", "clean", "clone", "compile", "debug", "deps", "docs", "list", "ls", "parse"}
    | {"retry", "run", "run-operation", "seed", "show", "snapshot", "source", "test"}
)
# their results are compile times, which would pass for the times of models
COMPILE_ONLY = frozenset({"compile", "docs"})
# what a step may say: options with a value, and flags, both also as `--no-...`
VALUE_OPTIONS = frozenset(
    {"--args", "--event-time-end", "--event-time-start", "--exclude", "--exclude-resource-type"}
    | {"--exclude-resource-types", "--indirect-selection", "--inline", "--inline-direct", "--limit"}
    | {"--log-file-max-bytes", "--log-level", "--log-level-file", "--maximum-seed-size-mib", "-m"}
    | {"--model", "--models", "--output-keys", "--printer-width", "--resource-type", "-s"}
    | {"--resource-types", "--sample", "--select", "--selector", "--source", "--sqlparse"}
    | {"--target", "-t", "--threads", "--vars", "--warn-error-options"}
)
# the same, where the value may lead to a file: it stays in the project
PATH_OPTIONS = frozenset({"--defer-state", "--output", "-o", "--state"})
FLAGS = frozenset(
    {"cache-selected-only", "clean-project-files-only", "compile", "config-dir", "connection"}
    | {"debug", "defer", "empty", "empty-catalog", "export-saved-queries", "fail-fast"}
    | {"favor-state", "full-refresh", "hints-enabled", "include-saved-query"}
    | {"inject-ephemeral-ctes", "introspect", "lock", "log-cache-events", "macro-debugging"}
    | {"partial-parse", "partial-parse-file-diff", "populate-cache", "print", "quiet"}
    | {"send-anonymous-usage-stats", "show", "show-all-deprecations", "single-threaded"}
    | {"static", "static-parser", "store-failures", "upgrade", "use-colors", "use-colors-file"}
    | {"use-experimental-parser", "use-fast-test-edges", "version-check", "warn-error"}
    | {"write-json"}
)
# fail-fast, full-refresh, debug, quiet
SHORT_FLAGS = frozenset("xfdq")
NUMBER = re.compile(r"-\d+")
# the server decides these: they would lead dbt out of the run's own folders and profile
RESERVED = {
    "--profiles-dir": "the server renders the profile of a run",
    "--project-dir": "a run works on its own copy of the project",
    "--profile": "the server renders the profile of a run",
    "--target-path": "a run has its own target folder",
    "--log-path": "a run has its own log folder",
    "--log-format": "the server reads dbt's log",
    "--log-format-file": "the server reads dbt's log",
    "--record-timing-info": "it would write a file outside of the run's folders",
    "-r": "it would write a file outside of the run's folders",
    "--partial-parse-file-path": "the server keeps one parse file per environment and schema",
    "--use-v2-parser": "this parser is not installed",
    "--v2-parser": "this parser is not installed",
}
MAX_LOG_BYTES = 20 << 20
MAX_LINE_BYTES = 1 << 20
BLOCK_CHARACTERS = 1 << 14
RUNNING = "started"
NO_RAW = 'Catalog "raw" does not exist'


class Kind(StrEnum):
    """What a step does."""

    CLONE = "clone"
    PROFILE = "profile"
    DBT = "dbt"
    LINT = "lint"
    COMPARE = "compare"
    PUBLISH = "publish"


@dataclass(frozen=True)
class Step:
    """One step: `command` is of dbt's alone; `is_advisory` ones never fail the run.

    `is_own` is whether it is a command of the job, whatever the server's own steps say.
    """

    index: int
    name: str
    kind: Kind = Kind.DBT
    command: str | None = None
    is_advisory: bool = False
    is_own: bool = False

    @property
    def is_of_dbt(self) -> bool:
        """Return whether it works in dbt's target folder."""
        return self.kind in (Kind.DBT, Kind.COMPARE)


@dataclass(frozen=True)
class More:
    """Steps that are no commands of the job: those before them, and those after."""

    before: Sequence[Step] = ()
    compare: Sequence[Step] = ()
    last: Sequence[Step] = ()


def plan_steps(
    commands: Sequence[str],
    *,
    has_freshness: bool = False,
    has_docs: bool = False,
    connection: str = "DuckDB",
    more: More | None = None,
) -> list[Step]:
    """Return the steps of a run in order, numbered from 1."""
    more = more or More()
    steps = [
        Step(0, "Clone git repository", Kind.CLONE),
        Step(0, f"Create Profile from Connection {connection}", Kind.PROFILE),
        dbt_step(DEPS_COMMAND),
        *more.before,
        *([dbt_step(FRESHNESS_COMMAND, is_advisory=True)] if has_freshness else []),
        *(replace(dbt_step(command), is_own=True) for command in commands),
        *more.compare,
        *([dbt_step(DOCS_COMMAND, is_advisory=True)] if has_docs else []),
        *more.last,
    ]
    return [replace(step, index=index) for index, step in enumerate(steps, start=1)]


def dbt_step(command: str, *, is_advisory: bool = False) -> Step:
    """Return the step of a command."""
    return Step(0, f"Invoke dbt with `{command}`", Kind.DBT, command, is_advisory)


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
    name = subcommand_of(args)
    if name == "docs" and subcommand_of(args[args.index("docs") + 1 :]) != "generate":
        raise UserError(
            "dbt docs serve cannot be run as a step: it would not end",
            hint="dbt docs generate; the server shows what it makes",
        )
    if name not in SUBCOMMANDS:
        raise UserError(
            f"dbt {name or ''} cannot be run as a step".replace("  ", " "),
            hint=f"allowed: {', '.join(sorted(SUBCOMMANDS))}",
        )
    check_options(args)
    return args


def check_options(args: Sequence[str]) -> None:
    """Raise UserError for an option that leads dbt out of the run's folders, or is not known."""
    for place, word in enumerate(args):
        option, has_value, value = word.partition("=")
        if not option.startswith("-") or NUMBER.fullmatch(word):
            continue
        reason = RESERVED.get(option)
        if reason is None and not is_allowed(option):
            reason = "it is not among the options that a step may have"
        if reason:
            raise UserError(f"{word} cannot be used in a step: {reason}", hint=f"remove {word}")
        if option in PATH_OPTIONS:
            check_inner_path(option, value if has_value else "".join(args[place + 1 : place + 2]))


def is_allowed(option: str) -> bool:
    """Return whether a step may have an option."""
    if option.startswith("--"):
        name = option.removeprefix("--")
        is_flag = name in FLAGS or name.removeprefix("no-") in FLAGS
    else:
        is_flag = len(option) > 1 and SHORT_FLAGS.issuperset(option[1:])
    return is_flag or option in VALUE_OPTIONS or option in PATH_OPTIONS


def check_inner_path(option: str, value: str) -> None:
    """Raise UserError for a path outside of the project."""
    if value.startswith(("/", "~")) or ".." in Path(value).parts:
        raise UserError(
            f"{option} {value} leads out of the project", hint="give a path inside the project"
        )


def subcommand_of(args: Sequence[str]) -> str | None:
    """Return the first word that is neither an option nor the value of one."""
    is_value = False
    for word in args:
        if is_value:
            is_value = False
        elif not word.startswith("-"):
            return word
        else:
            is_value = word in VALUE_OPTIONS or word in PATH_OPTIONS
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


class LineReader:
    """Cuts a stream of bytes into lines; a line that never ends is cut at 1 MiB."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that are complete now."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > MAX_LINE_BYTES:
            lines.append(self._rest)
            self._rest = b""
        return [line.decode("utf-8", "replace") for line in lines]

    def rest(self) -> list[str]:
        """Return what came after the last line break."""
        rest, self._rest = self._rest, b""
        return [rest.decode("utf-8", "replace")] if rest else []


class StepLog:
    """Writes `<index>.log` and `<index>.jsonl`, and keeps the nodes that changed since last asked.

    `exit_code` is set when the end mark with the right nonce has been seen, `has_no_raw` when dbt
    looked for a raw database that is not attached.
    """

    def __init__(self, path: Path, *, nonce: str = "", secrets: Sequence[str] = ()) -> None:
        self._text = open_log(path)
        self._json = open_log(path.with_suffix(".jsonl"))
        self._end = f"{END_MARK} {nonce} "
        self._secrets = secrets
        self._bytes_left = MAX_LOG_BYTES
        self._changed: dict[str, Node] = {}
        self.exit_code: int | None = None
        self.last_error = ""
        self.has_no_raw = False

    def take(self, lines: Sequence[str]) -> None:
        """Take lines of the process."""
        for line in lines:
            if line.startswith(self._end):
                self.exit_code = int(line[len(self._end) :])
            elif line.startswith("{"):
                self._take_event(line)
            elif line or self._text.tell():
                self._take_plain(line)
        self._text.flush()
        self._json.flush()

    def _take_plain(self, line: str) -> None:
        # the end mark brings an empty line with it
        if line:
            self.write(line)
        # how click reports a wrong option: not as an event
        if line.startswith("Error: "):
            self.last_error = redact(line.removeprefix("Error: "), self._secrets)

    def _take_event(self, line: str) -> None:
        try:
            event = json.loads(line)
            info, data = event["info"], event["data"]
            text = f"{clock_of(info['ts'])}  {info['msg']}".rstrip()
        except (ValueError, KeyError, TypeError):
            self.write(line)
            return
        self._keep(self._json, line)
        if info.get("level") == "error" and info["msg"].strip():
            self.last_error = redact(str(info["msg"]), self._secrets).strip()
            self.has_no_raw |= NO_RAW in self.last_error
        self.write(text)
        node = node_of(info, data)
        if node:
            self._changed[node.unique_id] = node

    def write(self, text: str) -> None:
        """Add a line of our own or of dbt, redacted."""
        self._keep(self._text, text)
        self._text.flush()

    def _keep(self, file: TextIO, text: str) -> None:
        """Write a line while there is room; both logs share it, and say when it is full."""
        if self._bytes_left <= 0:
            return
        line = redact(text, self._secrets)
        file.write(f"{line}\n")
        self._bytes_left -= len(line.encode("utf-8", "replace")) + 1
        if self._bytes_left <= 0:
            size = MAX_LOG_BYTES >> 20
            notice = f"Text and JSON of the log exceed {size} MiB; the rest is not kept."
            self._text.write(f"{notice}\n")
            self._json.write(json.dumps({"info": {"level": "warn", "msg": notice}}) + "\n")

    def take_changed_nodes(self) -> list[Node]:
        """Return the nodes that changed since the last call."""
        changed, self._changed = self._changed, {}
        return list(changed.values())

    def close(self) -> None:
        """Close the files."""
        self._text.close()
        self._json.close()


def open_log(path: Path, mode: str = "a") -> TextIO:
    """Return a log, open for writing; what stands in its place and is no file is removed.

    Where the kernel does not keep a step out of this folder, it can put a pipe or a folder there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink() or not path.is_file():
        remove_any(path)
    return cast(TextIO, open(path, mode, encoding="utf-8", errors="replace", opener=plain_opener))


def keep_debug_log(folder: Path, path: Path, secrets: Sequence[str]) -> None:
    """Move dbt's debug log of a step out of its folder to `path`, redacted and capped."""
    if sources := newest_logs(folder):
        with open_log(path, "w") as kept:
            left = MAX_LOG_BYTES
            for source in sources:
                left = copy_masked(source, kept, secrets, left)
    shutil.rmtree(folder, ignore_errors=True)


def copy_masked(source: Path, kept: TextIO, secrets: Sequence[str], left: int) -> int:
    """Copy a log, masked, as far as there is room for it; return the room that is left."""
    with open(source, encoding="utf-8", errors="replace", opener=plain_opener) as lines:
        # whole lines: a secret must not be cut in two
        while left > 0 and (block := lines.read(BLOCK_CHARACTERS)):
            block += lines.readline(MAX_LINE_BYTES)
            kept.write(redact_lines(block, secrets))
            left -= len(block)
    return left


def newest_logs(folder: Path) -> list[Path]:
    """Return dbt's debug logs in order of time: it begins a new one after 10 MiB.

    Those that would not fit in front of the newest are left out.
    """
    found: list[Path] = []
    left = MAX_LOG_BYTES
    # dbt.log, then what was moved away: dbt.log.1 is the latest of them
    for source in sorted(filter(Path.is_file, folder.glob("dbt.log*"))):
        left -= source.stat().st_size
        if left < 0 and found:
            break
        found.append(source)
    return found[::-1]


def clock_of(moment: str) -> str:
    """Return `HH:MM:SS` of dbt's time of an event."""
    return moment[11:19]


def node_of(info: Mapping[str, Any], data: Mapping[str, Any]) -> Node | None:
    """Return the node that an event tells about, or None."""
    node = data.get("node_info")
    if not isinstance(node, dict) or not node.get("unique_id"):
        return None
    status = str(node.get("node_status") or "")
    is_result = info["name"].endswith("Result") and data.get("status") is not None
    if info["name"] != "LogStartLine" and not is_result and status in ("", RUNNING):
        return None
    return Node(
        unique_id=node["unique_id"],
        name=node.get("node_name") or node["unique_id"],
        resource_type=node.get("resource_type") or "",
        status=status or RUNNING,
        thread=thread_of(str(info.get("thread") or "")),
        started_at=moment_of(node.get("node_started_at")),
        finished_at=moment_of(node.get("node_finished_at")),
        execution_seconds=data.get("execution_time"),
        message=None,
    )


def thread_of(name: str) -> str | None:
    """Return dbt's worker without Python's decoration: `Thread-1`."""
    return name.partition(" ")[0] or None


def moment_of(text: Any) -> str | None:
    """Return a time of dbt (UTC, with or without a zone) as the store writes it."""
    if not isinstance(text, str) or not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time_text(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def nodes_of_results(path: Path, since: float = 0.0, *, secrets: Sequence[str] = ()) -> list[Node]:
    """Return the nodes of a run_results.json, [] when there is none newer than `since`.

    Their messages are redacted.
    """
    try:
        if path.stat().st_mtime < since:
            return []
        results = json.loads(read_plain(path))["results"]
        return [node for result in results if (node := node_of_result(result, secrets))]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def node_of_result(result: Mapping[str, Any], secrets: Sequence[str]) -> Node | None:
    """Return the node of one result, or None for a result without a node."""
    unique_id = result.get("unique_id")
    if not unique_id:
        return None
    timing = {part["name"]: part for part in result.get("timing") or [] if part.get("name")}
    parts = str(unique_id).split(".")
    first, last = timing.get("compile", {}), timing.get("execute", {})
    message = result.get("message")
    return Node(
        unique_id=unique_id,
        name=parts[2] if len(parts) > 2 else unique_id,
        resource_type=parts[0],
        status=str(result.get("status") or ""),
        thread=thread_of(str(result.get("thread_id") or "")),
        started_at=moment_of(first.get("started_at")),
        finished_at=moment_of(last.get("completed_at")),
        execution_seconds=result.get("execution_time"),
        message=redact(str(message), secrets)[:4000] if message else None,
    )


def why_failed(log: StepLog, raw: Path | None, ended: Callable[[], str]) -> str:
    """Return why a command failed, and write what its log does not say; "" when it did not.

    `ended` says how the process ended.
    """
    if log.exit_code == 0:
        return ""
    if raw is not None and log.has_no_raw and not raw.exists():
        text = no_raw_database(raw)
        log.write(text)
        return text
    if raw is not None and is_lock_message(log.last_error, raw):
        text = f"an ingestion began to write {raw} just before dbt opened it; start it again"
        log.write(f"{text[0].upper()}{text[1:]}.")
        return text
    if log.exit_code is None:
        log.write(f"The dbt process ended before the step did: {ended()}.")
        return f"the dbt process ended with {ended()}"
    # of a traceback the last line says what happened
    is_trace = log.last_error.startswith("Traceback (")
    error = log.last_error.splitlines()[-1] if is_trace else log.last_error
    return error or f"dbt ended with exit code {log.exit_code}"
