"""The records of runs, their steps and their dbt nodes, as the store holds them.

Times are store texts. Fields are named after the columns of `runs`, `run_steps` and `run_nodes`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from marketing_analytics.cloud_api.states import Status

# the override of a run that drops the schemas of a request
CLOSING = "drops_schemas"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """When a run began and ended, and how."""

    id: int
    job_id: int
    status: Status
    is_crashed: bool
    is_timed_out: bool
    created_at: str
    started_at: str | None
    finished_at: str | None


@dataclass(frozen=True, kw_only=True)
class Run(Outcome):
    """A run; `steps`, `overrides` and `waits_for` are JSON, `timeout_seconds` is 0 without one.

    `has_changes` is whether it worked on files that were not committed, `request` names a pull or
    merge request, such as `github 12`.
    """

    account_id: int
    project_id: int
    environment_id: int
    status_message: str | None
    cause: str
    cause_category: str
    overrides: str
    steps: str
    schema_name: str
    target_name: str
    threads: int
    timeout_seconds: int
    run_source_freshness: bool
    generate_docs: bool
    dbt_version: str | None
    git_branch: str | None
    git_sha: str | None
    scheduled_for: str | None
    waits_for: str
    wait_reason: str
    attempts_left: int
    cancel_requested_at: str | None
    owner_id: str | None
    lease_token: str | None
    lease_expires_at: str | None
    heartbeat_at: str | None
    process_id: int | None
    process_started_at: str | None
    has_changes: bool
    request: str
    cancel_reason: str | None
    deferring_environment_id: int | None
    deferring_run_id: int | None
    has_artifacts: bool
    updated_at: str
    dequeued_at: str | None

    @property
    def commands(self) -> list[str]:
        """Return the commands of the user, in order."""
        commands: list[str] = json.loads(self.steps)
        return commands

    @property
    def trigger_body(self) -> dict[str, Any]:
        """Return what the body of the trigger overrides, as the API has it."""
        body: dict[str, Any] = json.loads(self.overrides)
        return body

    @property
    def is_closing(self) -> bool:
        """Return whether the run drops what a closed request has built."""
        return bool(self.trigger_body.get(CLOSING))

    @property
    def run_ids_ahead(self) -> list[int]:
        """Return the runs that a queued run waits for, nearest first, as the queue noted them."""
        run_ids: list[int] = json.loads(self.waits_for)
        return run_ids


@dataclass(frozen=True, kw_only=True)
class PlacedRun(Run):
    """A run with the names of its job and its environment."""

    job_name: str
    job_description: str
    job_state: int
    environment_name: str


@dataclass(frozen=True, kw_only=True)
class RunStep:
    """A step of a run; `command` is None for what is not dbt's."""

    id: int
    run_id: int
    step_index: int
    name: str
    command: str | None
    status: Status
    created_at: str
    started_at: str | None
    finished_at: str | None


@dataclass(frozen=True, kw_only=True)
class Node:
    """A dbt node as far as it is known; `status` is a word of dbt's."""

    unique_id: str
    name: str
    resource_type: str
    status: str
    thread: str | None
    started_at: str | None
    finished_at: str | None
    execution_seconds: float | None
    message: str | None


@dataclass(frozen=True, kw_only=True)
class RunNode(Node):
    """A dbt node in a step of a run."""

    step_index: int


@dataclass(frozen=True, kw_only=True)
class PastNode:
    """How a dbt node went in one run."""

    run_id: int
    status: str
    execution_seconds: float | None
    created_at: str


@dataclass(frozen=True, kw_only=True)
class ActiveCounts:
    """How many runs wait, and how many are held by a server."""

    queued: int
    running: int


@dataclass(frozen=True, kw_only=True)
class EngineSigns:
    """What an engine leaves undone: times that lie long in the past are bad signs."""

    oldest_unclaimed_at: str | None
    oldest_lease_at: str | None
    oldest_tick_at: str | None
