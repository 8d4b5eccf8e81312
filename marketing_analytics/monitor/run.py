"""One run of the watch: look at the marts, keep what was found beside them."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from marketing_analytics.core import clock
from marketing_analytics.core.console import bug_in
from marketing_analytics.core.redaction import redact, secrets_of
from marketing_analytics.monitor import history
from marketing_analytics.monitor.check import Check, Finding, Look, Note, NotKnownError
from marketing_analytics.monitor.place import Place, check_schema, named, opened
from marketing_analytics.monitor.results import STATUSES, Result

OWNER = "marketing-analytics"
RUN_STAMP = "%Y%m%dT%H%M%S.%f"
# what is wrong stays the same thing when it gets worse or better without being over
WRONG, FINE = ("failing", "warning"), ("ok", "moving")


@dataclass(frozen=True)
class Run:
    """What one run found."""

    run_id: str
    as_of: date
    started_at: datetime
    results: tuple[Result, ...]

    @property
    def failing(self) -> int:
        """Return how many monitors fail."""
        return len({result.monitor for result in self.results if result.status == "failing"})

    @property
    def monitors(self) -> int:
        """Return how many monitors looked."""
        return len({result.monitor for result in self.results})

    def as_json(self) -> dict[str, Any]:
        """Return the form of the `--json` output."""
        return {
            "run_id": self.run_id,
            "as_of_date": str(self.as_of),
            "started_at": f"{self.started_at.isoformat()}Z",
            "monitors": self.monitors,
            "failing": self.failing,
            "results": [result.as_json() for result in self.results],
        }


@dataclass(frozen=True)
class Watched:
    """A monitor as the team set it."""

    check: Check
    owner: str
    severity: str
    runbook: str
    thresholds: Mapping[str, float]
    options: Mapping[str, Any]


def watched(checks: Mapping[str, Check], section: Mapping[str, Any]) -> list[Watched]:
    """Return the monitors that are switched on, with the team's settings."""
    return [
        watched_one(check, section.get(name) or {})
        for name, check in checks.items()
        if (section.get(name) or {}).get("is_enabled", True)
    ]


def watched_one(check: Check, given: Mapping[str, Any]) -> Watched:
    """Return a monitor with the team's settings."""
    return Watched(
        check,
        str(given.get("owner", OWNER)),
        str(given.get("severity", check.severity)),
        str(given.get("runbook", check.runbook)),
        {name: float(given.get(name, rule.default)) for name, rule in check.thresholds.items()},
        {name: given[name] for name in check.options if name in given},
    )


def run_monitors(place: Place, monitors: Sequence[Watched]) -> Run:
    """Look, and keep what was found; the warehouse is held for as short as that takes.

    Raise UserError where there is no schema of the marts.
    """
    started_at = clock.now().astimezone(UTC).replace(tzinfo=None)
    found: list[Result] = []
    notes: dict[str, list[Note]] = {}
    with opened(place) as connection:
        check_schema(connection, place)
        as_of = as_of_date(connection, place, started_at)
        run_id = run_id_after(history.latest_run(connection, place))
        before = {(r.monitor, r.subject): r for r in history.latest_results(connection, place)}
        memory = memory_by_monitor(connection, place)
        tables = tables_of(connection, place)
        currency = currency_of(connection, place)
        for monitor in monitors:
            name = monitor.check.name
            look = Look(
                connection,
                place,
                as_of,
                started_at,
                monitor.thresholds,
                tables,
                currency,
                monitor.options,
                memory.get(name, ()),
            )
            findings = findings_of(monitor.check, look)
            results = [result_of(f, monitor, run_id, started_at) for f in findings]
            found += [with_since(result, before) for result in results]
            if look.notes is not None:
                notes[name] = look.notes
    run = Run(run_id, as_of, started_at, tuple(found))
    keep(place, run, notes)
    return run


def run_id_after(last: Mapping[str, Any] | None) -> str:
    """Return a number that sorts behind that of the last run, whatever a clock says now or said."""
    at = datetime.now(UTC).replace(tzinfo=None)
    if last is not None:
        with contextlib.suppress(ValueError):
            stamp = datetime.strptime(last["run_id"].partition("-")[0], RUN_STAMP)  # noqa: DTZ007
            at = max(at, stamp + timedelta(microseconds=1))
    return f"{at:{RUN_STAMP}}-{secrets.token_hex(3)}"


def memory_by_monitor(connection: Any, place: Place) -> dict[str, list[Note]]:
    """Return what each monitor noted at its last run."""
    found: dict[str, list[Note]] = {}
    for row in history.read(connection, place, "monitor_memory"):
        note = Note(row["subject"], row["name"], row["value"], row["text_value"] or "")
        found.setdefault(row["monitor"], []).append(note)
    return found


def tables_of(connection: Any, place: Place) -> frozenset[str]:
    """Return the names of the tables and views of the marts."""
    query = "select table_name from information_schema.tables where table_schema = ?"
    return frozenset(name for (name,) in connection.execute(query, [place.schema]).fetchall())


def as_of_date(connection: Any, place: Place, now: datetime) -> date:
    """Return the latest whole day of the marts: yesterday at most, for today is not over."""
    yesterday = now.date() - timedelta(days=1)
    query = f"select max(as_of_date) from {named(place.schema, 'int_calendar__as_of')}"  # noqa: S608 - a name of ours
    try:
        found = connection.execute(query).fetchone()[0]
    except Exception:
        found = None
    return min(found or yesterday, yesterday)


def currency_of(connection: Any, place: Place) -> str:
    """Return the currency of all amounts; those of marts that do not tell it are dollars."""
    query = f"select max(reporting_currency) from {named(place.schema, 'int_calendar__as_of')}"  # noqa: S608 - a name of ours
    try:
        found = connection.execute(query).fetchone()[0]
    except Exception:
        found = None
    return str(found or "USD")


def findings_of(check: Check, look: Look) -> list[Finding]:
    """Return what a monitor found; that it cannot tell is a finding too, never a green one."""
    absent = [table for table in check.tables if table not in look.tables]
    if absent:
        return [unknown(f"there is no table {', '.join(absent)} in {look.place.schema}", BUILD)]
    try:
        return one_a_subject(check.look(look))
    except NotKnownError as error:
        look.notes = None
        return [unknown(*error.args)]
    except Exception as error:
        look.notes = None
        if not is_of_database(error):
            # one that breaks leaves the others their say
            told = bug_in(f"the monitor {check.name}", error)
            return [unknown(told.message, told.hint)]
        reason = redact(str(error).strip().splitlines()[0], secrets_of())
        return [unknown(f"the warehouse cannot answer: {reason}", BUILD)]


def one_a_subject(findings: Iterable[Finding]) -> list[Finding]:
    """Return one finding a subject: the worst, with what else is wrong behind it.

    Alerts, `since` and metrics know a subject by its name: a second one would hide the first.
    """
    found: dict[str, Finding] = {}
    for finding in sorted(findings, key=order_of):
        known = found.get(finding.subject)
        if known is None:
            found[finding.subject] = finding
        elif finding.status not in FINE:
            sentence = f"{known.sentence}; also: {finding.sentence}"
            found[finding.subject] = replace(known, sentence=sentence)
    return list(found.values())


def order_of(finding: Finding) -> tuple[str, int, str]:
    """Return what sorts findings by subject, the worst first, each day alike."""
    return finding.subject, STATUSES.index(finding.status), finding.sentence


BUILD = "build the marts of this schema, or name another with --schema"


def unknown(reason: str, action: str = "") -> Finding:
    """Return that a monitor cannot tell."""
    return Finding("", "unknown", reason, action)


def is_of_database(error: Exception) -> bool:
    """Return whether an error is the warehouse's answer and no bug of ours."""
    return type(error).__module__.split(".")[0] in {"duckdb", "_duckdb", "psycopg2"}


def result_of(finding: Finding, monitor: Watched, run_id: str, now: datetime) -> Result:
    """Return a finding as a row of the history."""
    since = datetime.combine(finding.since, time()) if finding.since else now
    return Result(
        run_id=run_id,
        monitor=monitor.check.name,
        kind=monitor.check.name,
        subject=finding.subject,
        status=finding.status,
        severity=finding.severity or monitor.severity,
        owner=monitor.owner,
        runbook=monitor.runbook,
        value=finding.value,
        lower_bound=finding.lower,
        upper_bound=finding.upper,
        since_at=since,
        checked_at=now,
        sentence=finding.sentence,
        action=finding.action,
    )


def with_since(result: Result, before: Mapping[tuple[str, str], Result]) -> Result:
    """Return a result with the time since when it is so, which earlier runs know."""
    earlier = before.get((result.monitor, result.subject))
    if earlier is not None and state_of(earlier.status) == state_of(result.status):
        result = replace(result, since_at=earlier.since_at)
    if result.status in FINE:
        return result
    return replace(result, sentence=f"{result.sentence}, since {result.since_at:%Y-%m-%d}")


def state_of(status: str) -> str:
    """Return what a status has in common with those that are the same thing."""
    return next((group[0] for group in (WRONG, FINE) if status in group), status)


def keep(place: Place, run: Run, notes: Mapping[str, Iterable[Note]]) -> None:
    """Write a run in one transaction."""
    with opened(place, is_read_only=False) as connection:
        history.prepare(connection, place)
        connection.execute("begin")
        try:
            history.add(connection, place, "monitor_runs", [row_of(run)])
            rows = [vars(result) for result in run.results]
            history.add(connection, place, "monitor_results", rows)
            for monitor, kept in notes.items():
                history.replace_memory(connection, place, monitor, memory_of(run, monitor, kept))
        except BaseException:
            connection.execute("rollback")
            raise
        connection.execute("commit")


def row_of(run: Run) -> dict[str, Any]:
    """Return a run as a row of the history."""
    return {
        "run_id": run.run_id,
        "started_at": run.started_at,
        "ended_at": clock.now(),
        "as_of_date": run.as_of,
        "monitors": run.monitors,
        "failing": run.failing,
    }


def memory_of(run: Run, monitor: str, notes: Iterable[Note]) -> list[dict[str, Any]]:
    """Return notes as rows of the history."""
    return [
        {
            "run_id": run.run_id,
            "monitor": monitor,
            "subject": note.subject,
            "name": note.name,
            "text_value": note.text,
            "value": note.value,
            "noted_at": run.started_at,
        }
        for note in notes
    ]
