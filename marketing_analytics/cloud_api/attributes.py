"""The attributes of a job: the one table that everything which knows them is made from.

The reader of job files, the request body, the way back, the diff and the local server read it;
`scripts/attributes.py` writes it into `variables.tf`, the Terraform module and `docs/jobs.md`.
A new attribute is a new row here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from marketing_analytics.cloud_api.limits import (
    MAX_DESCRIPTION_LENGTH,
    MAX_ID,
    MAX_THREADS,
    MAX_TIMEOUT_SECONDS,
    TARGET_PATTERN,
)

# what a value is; the reader of files and the server have one function for each
Kind = Literal[
    "steps", "text", "word", "flag", "count", "identifier", "cron", "after", "env_vars", "tags"
]
REQUIRED = object()


@dataclass(frozen=True)
class Attribute:
    """One attribute of a job.

    default: what a job file gets that does not give it; None is not set.
    absent: what dbt Cloud takes for a field that it is not given.
    places: where the value stands in a body of the API, such as `settings.threads`; none for
        what needs a converter of its own (`jobs/payload.py`) or stays in the file.
    arguments: the arguments of Terraform's `dbtcloud_job`; with ` = ` where the expression is
        another than the attribute's own value.
    is_left_alone: not given means that dbt Cloud decides; it is neither sent nor compared.
    label: the name in a diff.
    """

    name: str
    kind: Kind
    meaning: str
    default: Any = None
    absent: Any = None
    places: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    least: int = 0
    most: int = MAX_ID
    choices: tuple[str, ...] = ()
    pattern: str = ""
    is_left_alone: bool = False
    label: str = ""

    @property
    def in_diff(self) -> str:
        """Return the name that a diff shows."""
        return self.label or self.name

    @property
    def in_words(self) -> str:
        """Return the name that a page shows, without its unit."""
        return self.name.removesuffix("_seconds").removesuffix("_id").replace("_", " ")


def flag(name: str, meaning: str, default: bool = False, place: str = "") -> Attribute:
    """Return a flag whose field in the API and in Terraform is `place`, by default its name."""
    field = place or name
    return Attribute(name, "flag", meaning, default, default, (field,), (field,))


ATTRIBUTES: tuple[Attribute, ...] = (
    Attribute(
        "execute_steps",
        "steps",
        "dbt commands, in order",
        default=REQUIRED,
        absent=[],
        places=("execute_steps",),
        arguments=("execute_steps",),
    ),
    Attribute(
        "description",
        "text",
        "shown in dbt Cloud, followed by the ownership mark; cut where both do not fit",
        default="",
        absent="",
        places=("description",),
        arguments=("description = local.descriptions[each.key]",),
        most=MAX_DESCRIPTION_LENGTH,
    ),
    Attribute(
        "environment_id",
        "identifier",
        "another environment than the file's",
        places=("environment_id",),
        arguments=("environment_id = coalesce(each.value.environment_id, var.environment_id)",),
        least=1,
    ),
    Attribute(
        "schedule_cron",
        "cron",
        "five fields, UTC; none = on demand",
        arguments=(
            "schedule_cron",
            'schedule_type = each.value.schedule_cron == null ? null : "custom_cron"',
            "triggers.schedule = each.value.schedule_cron != null",
        ),
        label="schedule",
    ),
    Attribute(
        "after",
        "after",
        "`{ job, statuses }`: run after another job of the file; no job waits for itself",
    ),
    Attribute(
        "threads",
        "count",
        "models that dbt builds at a time",
        default=4,
        absent=1,
        places=("settings.threads",),
        arguments=("num_threads",),
        least=1,
        most=MAX_THREADS,
    ),
    Attribute(
        "target_name",
        "word",
        "`target.name` in dbt",
        default="default",
        absent="default",
        places=("settings.target_name",),
        arguments=("target_name",),
        pattern=TARGET_PATTERN,
    ),
    Attribute(
        "timeout_seconds",
        "count",
        "0 = no limit",
        default=0,
        absent=0,
        places=("execution.timeout_seconds",),
        arguments=("execution.timeout_seconds",),
        most=MAX_TIMEOUT_SECONDS,
    ),
    flag("generate_docs", "builds the docs after the steps"),
    flag(
        "run_source_freshness",
        "checks freshness before the steps; does not fail the job",
        place="run_generate_sources",
    ),
    Attribute(
        "on_pull_request",
        "flag",
        "changing it replaces the job: dbt Cloud cannot change it in place",
        default=False,
        absent=False,
        places=("triggers.github_webhook", "triggers.git_provider_webhook"),
        arguments=("triggers.github_webhook", "triggers.git_provider_webhook"),
    ),
    Attribute(
        "on_merge",
        "flag",
        "not together with another trigger or `job_type`",
        default=False,
        absent=False,
        places=("triggers.on_merge",),
        arguments=("triggers.on_merge",),
    ),
    flag("triggers_on_draft_pr", "pull requests that are drafts start it too"),
    Attribute(
        "job_type",
        "word",
        '`"ci"`: a CI job that no webhook starts; `"adaptive"`; the other types follow from the '
        "triggers. Changing it replaces the job",
        absent="other",
        places=("job_type",),
        arguments=("job_type",),
        choices=("ci", "adaptive"),
        is_left_alone=True,
    ),
    Attribute(
        "deferring_environment_id",
        "identifier",
        "unbuilt references are read from there",
        places=("deferring_environment_id",),
        arguments=("deferring_environment_id",),
        least=1,
    ),
    flag("run_compare_changes", "compares what changed; needs `deferring_environment_id`"),
    flag("run_lint", "lints the project before the steps of a CI job"),
    flag("errors_on_lint_failure", "with `run_lint`: a finding fails the run", default=True),
    Attribute(
        "force_node_selection",
        "flag",
        "none = dbt Cloud decides",
        places=("force_node_selection",),
        arguments=("force_node_selection",),
        is_left_alone=True,
    ),
    Attribute(
        "dbt_version",
        "word",
        "none = the environment's",
        places=("dbt_version",),
        arguments=("dbt_version",),
    ),
    Attribute("env_vars", "env_vars", "names start with `DBT_`; never secrets", default={}),
    Attribute(
        "keep",
        "flag",
        "deploy, cleanup and undo never delete the job; it stands in the mark too, so that a job "
        "which left the file still has it",
        default=False,
        absent=False,
    ),
    Attribute("tags", "tags", "stay in the file", default=()),
)

# what users look for and dbt Cloud's API does not have, with what to do instead
LACKING = {
    "retries": "dbt Cloud's API has no retries of a job; "
    "repeat a failed run there, from the step that failed",
    "is_active": "dbt Cloud's API does not switch a job off; remove its triggers instead",
    "name": "a job's name is made of team, branch, user and key; change the key",
}


def put(body: dict[str, Any], place: str, value: Any) -> None:
    """Set the value at a dotted place of a body."""
    *outer, last = place.split(".")
    for name in outer:
        body = body.setdefault(name, {})
    body[last] = value


def take(body: Mapping[str, Any], place: str) -> Any:
    """Return the value at a dotted place of an answer, or None."""
    found: Any = body
    for name in place.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def value_in(attribute: Attribute, body: Mapping[str, Any]) -> Any:
    """Return an attribute's value in an answer; a text when its places do not agree."""
    found = [take(body, place) for place in attribute.places]
    # null, an empty text and 0 are ways to say nothing; false is not
    values = [attribute.absent if not v and v is not False else v for v in found]
    return values[0] if all(value == values[0] for value in values) else "partly"
