"""A plan in a file: reviewed once, applied exactly so or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from marketing_analytics import __version__
from marketing_analytics.cloud_api.names import Scope
from marketing_analytics.core.errors import StaleError, UserError
from marketing_analytics.core.redaction import redact, secrets_of
from marketing_analytics.core.written import replace_file
from marketing_analytics.jobs.guards.freshness import Freshness, StaleJobError
from marketing_analytics.jobs.payload import Desired
from marketing_analytics.jobs.plan import Change, FieldChange, Plan, VariableChange
from marketing_analytics.jobs.settings import FileDefaults, Settings
from marketing_analytics.jobs.versions import Version, digest_of

KIND = "marketing-jobs-plan"
SCHEMA_VERSION = 1
MAX_BYTES = 64 * 1024 * 1024
PLACES = ("host_url", "account_id", "project_id", "environment_id")
SCOPE_FLAGS = ("team", "branch", "user")


@dataclass(frozen=True)
class SavedPlan:
    """A plan with where it belongs: host, account, project, environment."""

    path: str
    plan: Plan
    config: str
    made_at: str
    left_out: frozenset[str]
    place: Mapping[str, Any]

    @property
    def defaults(self) -> FileDefaults:
        """Return the settings that the plan brings along."""
        return FileDefaults(
            team_name=self.plan.scope.team,
            project_id=self.place["project_id"],
            environment_id=self.place["environment_id"],
            account_id=self.place["account_id"],
            host_url=self.place["host_url"],
        )


def save_plan(
    path: Path, plan: Plan, settings: Settings, config: str, files: Mapping[str, str], left_out: Any
) -> None:
    """Write a plan; `files` are the digests of the job files by path.

    What dbt Cloud had is masked where it looks like a secret. Raise UserError when what is to be
    written holds one.
    """
    document = {
        "schema_version": SCHEMA_VERSION,
        "kind": KIND,
        "tool_version": __version__,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        **{name: getattr(settings, name) for name in PLACES},
        "scope": asdict(plan.scope),
        "config": config,
        "files": dict(files),
        "left_out": sorted(left_out),
        "job_count": plan.job_count,
        "kept": dict(plan.kept),
        "changes": [change_in_file(change) for change in plan.changes],
        "seen": masked([asdict(seen) for seen in plan.seen]),
    }
    text = json.dumps(document, indent=1, default=list)
    if redact(text, secrets_of()) != text:
        raise UserError(
            "the plan would hold a secret, so it was not written",
            hint="take the secret out of the job file; a run gets it from dbt Cloud",
        )
    document["digest"] = digest_of(json.loads(text))
    replace_file(path, json.dumps(document, indent=1, default=list) + "\n")


def change_in_file(change: Change) -> dict[str, Any]:
    """Return a change for the file; what stands in dbt Cloud now is masked."""
    found = asdict(change)
    for part in (*found["fields"], *found["variables"]):
        part["old"] = masked(part["old"])
    return found


def masked(value: Any) -> Any:
    """Return a value with stars for what looks like a secret in its texts."""
    if isinstance(value, str):
        return redact(value, secrets_of())
    if isinstance(value, Mapping):
        return {key: masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked(item) for item in value]
    return value


def load_plan(path: Path) -> SavedPlan:
    """Return the plan of a file. Raise UserError that says why it is none of ours."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(f"{path} is too large to be a plan", hint="write it with plan --out")
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}", hint="check the path") from None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise UserError(f"{path} is no plan", hint="write one with plan --config FILE --out PLAN")
    version = document.get("schema_version")
    if version != SCHEMA_VERSION:
        raise UserError(
            f"{path} is a plan of version {version}, this program reads version {SCHEMA_VERSION}",
            hint=f"it was written by {document.get('tool_version')}; plan again with this program",
        )
    if document.pop("digest", None) != digest_of(document):
        raise UserError(
            f"{path} was changed after it was written", hint="plan again: a plan is not edited"
        )
    try:
        return plan_of(document, str(path))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UserError(f"{path} is no complete plan", hint="plan again") from None


def plan_of(document: Mapping[str, Any], path: str) -> SavedPlan:
    """Return the plan of a document."""
    changes = tuple(change_of(change) for change in document["changes"])
    seen = tuple(Version(**version) for version in document["seen"])
    plan = Plan(
        Scope(**document["scope"]),
        changes,
        document["kept"],
        document["job_count"],
        seen,
        is_compared=True,
    )
    return SavedPlan(
        path,
        plan,
        document["config"],
        document["made_at"],
        frozenset(document["left_out"]),
        {name: document[name] for name in PLACES},
    )


def change_of(found: Mapping[str, Any]) -> Change:
    """Return a change of a file."""
    desired = found["desired"]
    if desired is not None:
        fields = dict(desired["fields"])
        if fields["after"] is not None:
            fields["after"] = (fields["after"][0], tuple(fields["after"][1]))
        desired = Desired(**{**desired, "fields": fields})
    return Change(
        **{
            **found,
            "desired": desired,
            "fields": tuple(FieldChange(**each) for each in found["fields"]),
            "variables": tuple(VariableChange(**each) for each in found["variables"]),
        }
    )


def check_place(saved: SavedPlan, settings: Settings, flags: Mapping[str, Any]) -> None:
    """Raise StaleError when the plan was made for another place or, by flags, another scope."""
    found = [
        f"{name} {saved.place[name]} (now {getattr(settings, name)})"
        for name in PLACES
        if saved.place[name] != getattr(settings, name)
    ]
    for name in SCOPE_FLAGS:
        ours = getattr(saved.plan.scope, name)
        if flags.get(name) and flags[name] != ours:
            found.append(f"{name} {ours or 'none'} (now {flags[name]})")
    if found:
        raise StaleError(
            f"the plan was made for {', '.join(found)}; nothing was changed",
            hint="plan again for this place, or take the settings of the plan",
        )


def check_all(saved: SavedPlan, fresh: Freshness) -> None:
    """Raise StaleError when any job that the plan changes is another one by now."""
    found = []
    for change in saved.plan.changes:
        try:
            fresh.check(change)
        except StaleJobError as error:
            found.append(f"{change.key}: {error.message}")
    if found:
        count = len(found)
        raise StaleError(
            f"the plan of {saved.made_at[:16]} UTC is stale, nothing was changed: "
            f"{count} of {len(saved.plan.changes)} changes: {'; '.join(found)}",
            hint="plan again and look at the new plan",
        )
