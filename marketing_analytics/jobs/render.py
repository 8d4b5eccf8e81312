"""Say what a plan, a list or a result means: text for people, dictionaries for JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from marketing_analytics.cloud_api.cron import (
    CronError,
    cron_in_sentence,
    next_tick,
)
from marketing_analytics.cloud_api.names import Scope, jobs_counted, owner_of, without_mark
from marketing_analytics.core.console import Console
from marketing_analytics.jobs.payload import compared, shown_name
from marketing_analytics.jobs.plan import Change, FieldChange, Plan, RemoteJob, time_of

if TYPE_CHECKING:
    from marketing_analytics.jobs.apply import Outcome

SCHEMA_VERSION = 1
SIGNS = {"create": "+", "update": "~", "delete": "-"}
COLOURS = {"+": "32", "~": "33", "-": "31", "!": "31"}
NOT_SET = "not set"


def print_plan(console: Console, plan: Plan, source: str, seconds: float) -> None:
    """Print the plan: one block per job, only what differs, and a summary."""
    lead = f"{plan.scope.describe()} · {jobs_counted(plan.job_count)} in {source}"
    console.prose(f"{lead} · {seconds:.1f} s", indent="  ")
    width = max((len(change.key) for change in plan.changes), default=0)
    for change in plan.changes:
        for line in change_lines(change, width):
            for part in console.folded(line, indent=" " * (width + 6)):
                console.line(part, colour=COLOURS[SIGNS[change.action]])
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


def change_texts(change: Change, *, is_first_mark: bool = False) -> list[str]:
    """Return what changes, one text per line; a first mark takes the place of none."""
    if change.action == "delete":
        return [f"{change.reason} (job {change.job_id})"]
    if change.action == "create":
        return [creation_text(change)]
    names = [field.field for field in change.fields] + [each.name for each in change.variables]
    width = max(12, *map(len, names)) if names else 12
    texts = [field_text(field, width, is_first_mark=is_first_mark) for field in change.fields]
    for variable in change.variables:
        new = NOT_SET if variable.value is None else variable.value
        texts.append(f"{variable.name:<{width}} {variable.old or NOT_SET} → {new}")
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


def field_text(change: FieldChange, width: int, *, is_first_mark: bool = False) -> str:
    """Return `field old → new`, and what a new schedule means."""
    old, new = (shown(change.field, value) for value in (change.old, change.new))
    text = f"{change.field:<{width}} {old} → {new}"
    if not is_first_mark and is_mark_set_again(change):
        return f"{text}   the mark was removed; it will be set again"
    if change.field != "schedule":
        return text
    return f"{text}   " + (
        f"next run {next_run(change.new)}" if change.new else "no more scheduled runs"
    )


def is_mark_set_again(change: FieldChange) -> bool:
    """Return whether a change gives a job of ours its mark back."""
    is_description = change.field == "description"
    return is_description and bool(owner_of(change.new)) and not owner_of(change.old)


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
            console.line(part, colour=COLOURS["!"])


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
    return {
        "id": job.job_id,
        "key": owner.key if owner else None,
        "name": job.name,
        "branch": (owner.scope.branch or None) if owner else None,
        "user": (owner.scope.user or None) if owner else None,
        "description": without_mark(job.data.get("description")),
        **settings_json(job.fields),
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
