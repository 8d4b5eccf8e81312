"""Say what a plan, a list or a result means: text for people, dictionaries for JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from marketing_analytics.cloud_api.cron import (
    CronError,
    cron_in_sentence,
    cron_in_words,
    next_tick,
)
from marketing_analytics.cloud_api.names import Scope, jobs_counted, owner_of, without_mark
from marketing_analytics.core.console import Console
from marketing_analytics.jobs.apply import Outcome
from marketing_analytics.jobs.payload import compared, fields_of_remote, shown_name
from marketing_analytics.jobs.plan import Change, FieldChange, Plan, RemoteJob, time_of

SCHEMA_VERSION = 1
SIGNS = {"create": "+", "update": "~", "delete": "-"}
COLOURS = {"+": "32", "~": "33", "-": "31", "!": "31"}
NOT_SET = "not set"


def paint(console: Console, sign: str, text: str) -> str:
    """Return text in the colour of a sign, where colour is wanted."""
    return f"\x1b[{COLOURS[sign]}m{text}\x1b[0m" if console.has_colour else text


def print_plan(console: Console, plan: Plan, source: str, seconds: float) -> None:
    """Print the plan: one block per job, only what differs, and a summary."""
    lead = f"{plan.scope.describe()} · {jobs_counted(plan.job_count)} in {source}"
    console.prose(f"{lead} · {seconds:.1f} s", indent="  ")
    width = max((len(change.key) for change in plan.changes), default=0)
    for change in plan.changes:
        for line in change_lines(change, width):
            for part in console.folded(line, indent=" " * (width + 6)):
                console.line(paint(console, SIGNS[change.action], part))
    for change in plan.spared:
        console.prose(
            f"  ! {change.key:<{width}}  {change.reason} (job {change.job_id})", indent="    "
        )
    console.prose(summary(plan))


def summary(plan: Plan) -> str:
    """Return the plan in one line."""
    if not plan.changes:
        are = "is" if plan.job_count == 1 else "are"
        return f"no changes: {jobs_counted(plan.job_count)} {are} as the file says"
    return (
        f"Plan: {plan.count('create')} to add, {plan.count('update')} to change, "
        f"{plan.count('delete')} to remove."
    )


def change_lines(change: Change, width: int) -> list[str]:
    """Return the lines of one change; columns line up over the plan."""
    lead = f"  {SIGNS[change.action]} {change.key:<{width}}  "
    texts = change_texts(change)
    return [(lead if not n else " " * len(lead)) + text for n, text in enumerate(texts)]


def change_texts(change: Change) -> list[str]:
    """Return what changes, one text per line."""
    if change.action == "delete":
        return [f"{change.reason} (job {change.job_id})"]
    if change.action == "create":
        return [creation_text(change)]
    texts = [field_text(field) for field in change.fields]
    for variable in change.variables:
        new = NOT_SET if variable.value is None else variable.value
        texts.append(f"{variable.name:<12} {variable.old or NOT_SET} → {new}")
    return texts


def creation_text(change: Change) -> str:
    """Return what a new job does, in one line."""
    assert change.desired  # noqa: S101
    fields = change.desired.fields
    count = len(fields["execute_steps"])
    parts = [change.reason, when_of(fields), f"{count} step{'s' if count != 1 else ''}"]
    return ", ".join(parts)


def when_of(fields: Mapping[str, Any]) -> str:
    """Return in words when a job runs."""
    found = []
    cron = fields["schedule_cron"]
    if cron:
        found.append(f"{cron_in_sentence(cron)}, next {next_run(cron)}")
    if fields["after"]:
        found.append(after_in_words(fields["after"]))
    if fields["on_pull_request"]:
        found.append("on pull requests")
    if fields["on_merge"]:
        found.append("on merge")
    return " and ".join(found) or "on demand"


def after_in_words(after: tuple[str, tuple[str, ...]]) -> str:
    """Return a chain condition in words."""
    return f"after {after[0]} ({', '.join(after[1])})"


def field_text(change: FieldChange) -> str:
    """Return `field old → new`, and what a new schedule means."""
    old, new = (shown(change.field, value) for value in (change.old, change.new))
    text = f"{change.field:<12} {old} → {new}"
    if change.field == "description" and owner_of(change.new) and not owner_of(change.old):
        return f"{text}   the mark was removed; it will be set again"
    if change.field != "schedule":
        return text
    return f"{text}   " + (
        f"next run {next_run(change.new)}" if change.new else "no more scheduled runs"
    )


def shown(field: str, value: Any) -> str:
    """Return a value for people."""
    if value is None or value == "":
        return NOT_SET
    if isinstance(value, bool):
        return "true" if value else "false"
    if field == "after":
        return after_in_words(value)
    if field == "description":
        return f'"{without_mark(value)}"' if without_mark(value) else "(mark only)"
    if isinstance(value, list):
        return "[" + ", ".join(str(item) for item in value) + "]"
    return str(value)


def next_run(cron: str, now: datetime | None = None) -> str:
    """Return when a schedule comes next, in UTC."""
    try:
        at = next_tick(cron, now or datetime.now(UTC))
    except CronError:
        at = None
    return f"{at:%a %Y-%m-%d %H:%M} UTC" if at else "never"


def print_outcome(console: Console, outcome: Outcome) -> None:
    """Print what became of one change."""
    change = outcome.change
    if outcome.state == "done":
        done = {"create": "added", "update": "changed", "delete": "removed"}[change.action]
        why = f": {outcome.message}" if outcome.message else ""
        console.prose(f"  {done} {change.name} (job {outcome.job_id}){why}", indent="    ")
    else:
        text = f"  {outcome.state} {SIGNS[change.action]} {change.name}: {outcome.message}"
        for part in console.folded(text, indent="    "):
            console.line(paint(console, "!", part))


def print_result(console: Console, outcomes: Sequence[Outcome]) -> None:
    """Print how many changes are done, and the next step after a failure."""
    done = sum(outcome.state == "done" for outcome in outcomes)
    if done == len(outcomes):
        console.line(f"done: {done} of {done} changes")
        return
    console.note(f"error: {done} of {len(outcomes)} changes are done")
    hints = [o.error.hint for o in outcomes if o.error and o.error.hint]
    repeat = "repeat the command: it goes on where it stopped"
    console.note(f"  help: {hints[0] if hints else repeat}")


# JSON; tests pin the fields


def scope_json(scope: Scope) -> dict[str, Any]:
    """Return a scope for JSON."""
    return {"team": scope.team, "branch": scope.branch or None, "user": scope.user or None}


def plan_json(
    plan: Plan, source: str, *, is_dry_run: bool, outcomes: Iterable[Outcome] = ()
) -> dict[str, Any]:
    """Return plan and outcomes for JSON."""
    return {
        "schema_version": SCHEMA_VERSION,
        "config": source,
        "scope": scope_json(plan.scope),
        "dry_run": is_dry_run,
        "changes": [change_json(change) for change in plan.changes],
        "summary": {
            "jobs": plan.job_count,
            "add": plan.count("create"),
            "change": plan.count("update"),
            "remove": plan.count("delete"),
        },
        "spared": [change_json(change) for change in plan.spared],
        "results": [outcome_json(outcome) for outcome in outcomes],
    }


def change_json(change: Change) -> dict[str, Any]:
    """Return a change for JSON; a new job lists all its values as changes."""
    fields: Iterable[FieldChange] = change.fields
    if change.action == "create" and change.desired:
        fields = (
            FieldChange(shown_name(name), None, value)
            for name, value in change.desired.fields.items()
        )
    return {
        "action": change.action,
        "key": change.key,
        "name": change.name,
        "job_id": change.job_id,
        "reason": change.reason,
        "fields": [
            {"field": f.field, "old": plain_value(f.old), "new": plain_value(f.new)} for f in fields
        ],
        "env_vars": [{"name": v.name, "old": v.old, "new": v.value} for v in change.variables],
    }


def plain_value(value: Any) -> Any:
    """Return a field's value for JSON."""
    if isinstance(value, tuple) and len(value) == 2:
        return {"job": value[0], "statuses": list(value[1])}
    return value


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome for JSON."""
    return {
        "action": outcome.change.action,
        "key": outcome.change.key,
        "job_id": outcome.job_id,
        "state": outcome.state,
        "message": outcome.message or None,
        "differences": [
            {"field": each.field, "planned": each.planned, "now": each.now}
            for each in getattr(outcome.error, "differences", ())
        ],
    }


def job_json(job: RemoteJob) -> dict[str, Any]:
    """Return a job of the list for JSON."""
    owner = job.owner
    fields = fields_of_remote(job.data, {})
    return {
        "id": job.job_id,
        "key": owner.key if owner else None,
        "name": job.name,
        "branch": (owner.scope.branch or None) if owner else None,
        "user": (owner.scope.user or None) if owner else None,
        "description": without_mark(job.data.get("description")),
        **settings_json(fields),
        "next_run_at": iso(job.data.get("next_run")),
        "updated_at": iso(job.data.get("updated_at")),
        "env_vars": {o.name: o.value for o in job.overrides or ()},
        "last_run": last_run_json(job),
    }


def settings_json(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a job by name; a job that it runs after as in a file."""
    settings = {a.name: fields[a.name] for a in compared() if a.name != "description"}
    if after := settings["after"]:
        settings["after"] = {"job": after[0], "statuses": list(after[1])}
    return settings


def last_run_json(job: RemoteJob) -> dict[str, Any] | None:
    """Return the most recent run of a job, or None."""
    run = job.data.get("most_recent_run")
    if not isinstance(run, Mapping):
        return None
    return {
        "id": run.get("id"),
        "status": str(run.get("status_humanized") or "").lower() or None,
        "finished_at": iso(run.get("finished_at")),
    }


def iso(value: Any) -> str | None:
    """Return a time of the API in ISO form, or None."""
    at = time_of(value)
    return at.isoformat() if at else None


COLUMNS = ("id", "key", "runs", "next run (UTC)", "last run")
# what a narrow terminal loses first
EXPENDABLE = (2, 3, 4, 0)
# attributes that `--details` tells in words of their own
TOLD = (
    *("execute_steps", "description", "schedule_cron", "after"),
    *("run_source_freshness", "generate_docs"),
)
TSV_COLUMNS = ("id", "key", "branch", "user", "name", "cron", "next_run_at", "run", "status")


def print_jobs(console: Console, jobs: Sequence[RemoteJob], *, has_details: bool) -> None:
    """Print the team's jobs: a table for each branch, whose keys are unique, or with details.

    TSV where nobody watches.
    """
    if has_details:
        for job in jobs:
            print_details(console, job)
    elif console.is_terminal:
        for where in dict.fromkeys(map(scope_in_words, jobs)):
            console.prose(where, indent="  ")
            rows = [job_row(job) for job in jobs if scope_in_words(job) == where]
            console.table(COLUMNS, rows, expendable=EXPENDABLE)
    else:
        console.tsv(TSV_COLUMNS, [tsv_row(job_json(job)) for job in jobs])


def scope_in_words(job: RemoteJob) -> str:
    """Return whose a job is."""
    return job.owner.scope.describe() if job.owner else "nobody"


def job_row(job: RemoteJob) -> list[str]:
    """Return the cells of a job for people; the key is what `run` takes."""
    facts = job_json(job)
    next_at = time_of(job.data.get("next_run"))
    return [
        str(job.job_id),
        str(facts["key"]),
        cron_in_words(facts["schedule_cron"]) if facts["schedule_cron"] else "on demand",
        f"{next_at:%Y-%m-%d %H:%M}" if next_at else "-",
        last_run_in_words(facts["last_run"]),
    ]


def last_run_in_words(last: Mapping[str, Any] | None) -> str:
    """Return status and number of the most recent run, or a dash."""
    return f"{last['status']} (run {last['id']})" if last else "-"


def tsv_row(facts: Mapping[str, Any]) -> list[str]:
    """Return the cells of a job for programs; empty where there is nothing to say."""
    last = facts["last_run"] or {}
    names = ("id", "key", "branch", "user", "name", "schedule_cron", "next_run_at")
    values = [*(facts[name] for name in names), last.get("id"), last.get("status")]
    return ["" if value is None else str(value) for value in values]


def print_details(console: Console, job: RemoteJob) -> None:
    """Print what a job does."""
    facts = job_json(job)
    console.prose(f"{facts['key']} (job {job.job_id}, {job.name})", indent="  ")
    if facts["description"]:
        console.prose(f"  {facts['description']}", indent="  ")
    _, _, runs, next_run, last_run = job_row(job)
    console.prose(f"  {runs}, next run {next_run}, last run {last_run}", indent="  ")
    if job.data.get("run_generate_sources"):
        console.line("  $ dbt source freshness, first; the job goes on when it fails")
    for step in facts["execute_steps"]:
        console.line(f"  $ {step}")
    if job.data.get("generate_docs"):
        console.line("  $ dbt docs generate, at the end")
    for line in settings_lines(job):
        console.line(f"  {line}")
    for name, value in facts["env_vars"].items():
        console.line(f"  {name}={value}")
    changed = f"{facts['updated_at'][:16].replace('T', ' ')} UTC" if facts["updated_at"] else ""
    console.line(f"  changed {changed or 'at an unknown time'}\n")


def settings_lines(job: RemoteJob) -> list[str]:
    """Return the attributes that say something and have no words of their own."""
    fields = fields_of_remote(job.data, {})
    chained = [after_in_words(fields["after"])] if fields["after"] else []
    return chained + [
        f"{a.name} {shown(a.in_diff, fields[a.name])}"
        for a in compared()
        if a.name not in TOLD and fields[a.name] != a.absent
    ]
