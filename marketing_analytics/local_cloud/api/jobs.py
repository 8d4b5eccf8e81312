"""Job operations: list, create, read, update (also how Terraform deletes), delete."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from marketing_analytics.local_cloud.api.answers import (
    dump_text,
    invalid,
    many_dumped,
    not_found,
    one,
)
from marketing_analytics.local_cloud.api.call import Call
from marketing_analytics.local_cloud.api.job_fields import check_type_change, read_job
from marketing_analytics.local_cloud.api.job_views import dump_bare_job, show_job, show_jobs
from marketing_analytics.local_cloud.api.listing import show_filters
from marketing_analytics.local_cloud.api.runs.handlers import cancel_queued_runs
from marketing_analytics.local_cloud.store import jobs as store
from marketing_analytics.local_cloud.store.connection import transaction
from marketing_analytics.local_cloud.store.environments import get_environment
from marketing_analytics.local_cloud.store.pages import Page
from marketing_analytics.local_cloud.store.projects import get_project
from marketing_analytics.local_cloud.store.variables import delete_variables_of_job

DELETED = store.DELETED


def list_jobs(call: Call) -> Response:
    """List the jobs of an account, by page."""
    order_by = call.order_by(store.ORDERS)
    filters: dict[str, Any] = {"limit": call.limit(), "offset": call.offset()}
    filters |= {"state": call.state(), "account_id": call.account_id}
    given = {
        "pk": call.numbers("pk"),
        "project_id": call.numbers("project_id"),
        "environment_id": call.numbers("environment_id"),
        "name__icontains": call.text("name__icontains"),
        "dbt_version": call.texts("dbt_version"),
        "triggers_schedule": call.boolean("triggers_schedule"),
        "job_type": call.text("job_type"),
    }
    filters |= {name: value for name, value in given.items() if value is not None}
    page = store.list_jobs(call.connection, {**filters, "order_by": order_by})
    if call.boolean("is_system"):
        # this server makes no system jobs
        page = Page([], 0)
    return many_dumped(dump_page(call, page), page.total_count, show_filters(filters), order_by)


def dump_page(call: Call, page: Page[sqlite3.Row]) -> list[str]:
    """Return the jobs of a page as JSON; without related objects they come from a cache."""
    included = call.included()
    if not included:
        second = int(time.time())
        return [dump_bare_job(tuple(row), tuple(row.keys()), second) for row in page.rows]
    jobs = [store.job_of(row) for row in page.rows]
    return [dump_text(job) for job in show_jobs(call, jobs, included)]


def create_job(call: Call) -> Response:
    """Create a job."""
    body = call.body()
    job = {**read_job(body, None), "account_id": call.account_id, "state": 1}
    with transaction(call.connection):
        check_references(call, job)
        job_id = store.add_job(call.connection, job)
    return one(show_job(call, stored_job(call, job_id)), 201)


def read_one(call: Call) -> Response:
    """Read a job."""
    job = stored_job(call, call.id_of("job_id"))
    return one(show_jobs(call, [job], call.included())[0])


def update_job(call: Call) -> Response:
    """Overlay a job with the fields of the body; state 2 deletes it."""
    body = call.body()
    with transaction(call.connection):
        old = stored_job(call, call.id_of("job_id"))
        job = read_job(body, old)
        check_type_change(old["job_type"], job["job_type"])
        if job["state"] != DELETED:
            check_references(call, job)
        return one(show_job(call, save(call, job)))


def delete_job(call: Call) -> Response:
    """Delete a job; the answer is the job with state 2."""
    with transaction(call.connection):
        job = stored_job(call, call.id_of("job_id"))
        return one(show_job(call, save(call, {**job, "state": DELETED})))


def save(call: Call, job: dict[str, Any]) -> dict[str, Any]:
    """Write a job and return it as stored; a deleted job loses its variables."""
    store.save_job(call.connection, job)
    if job["state"] == DELETED:
        delete_variables_of_job(call.connection, job["id"])
        cancel_queued_runs(call, job["id"])
    found = store.get_job(call.connection, job["id"], call.account_id, is_any_state=True)
    return found or job


def stored_job(call: Call, job_id: int) -> dict[str, Any]:
    """Return an active job of the account. Raise a 404."""
    job = store.get_job(call.connection, job_id, call.account_id)
    if job is None:
        raise not_found()
    return job


def check_references(call: Call, job: Mapping[str, Any]) -> None:
    """Raise a 400 when a job names a project, environment or job that is not there."""
    errors: dict[str, Any] = {}
    if get_project(call.connection, call.account_id, job["project_id"]) is None:
        errors["project_id"] = "this project does not exist"
    environment = get_environment(call.connection, call.account_id, job["environment_id"])
    if environment is None:
        errors["environment_id"] = "this environment does not exist"
    elif environment.project_id != job["project_id"]:
        errors["environment_id"] = "this environment belongs to another project"
    errors |= deferral_errors(call, job)
    if errors:
        raise invalid(errors)


def deferral_errors(call: Call, job: Mapping[str, Any]) -> dict[str, Any]:
    """Return messages for the jobs and environments a job defers to or waits for."""
    errors: dict[str, Any] = {}
    deferring = job["deferring_job_definition_id"]
    if deferring and not store.get_job(call.connection, deferring, call.account_id):
        errors["deferring_job_definition_id"] = "this job does not exist"
    deferring = job["deferring_environment_id"]
    if deferring and not get_environment(call.connection, call.account_id, deferring):
        errors["deferring_environment_id"] = "this environment does not exist"
    message = waiting_error(call, job)
    if message:
        errors["job_completion_trigger_condition"] = {"condition": {"job_id": message}}
    return errors


def waiting_error(call: Call, job: Mapping[str, Any]) -> str:
    """Return why a job cannot wait for the one it names, "" when it can."""
    parent_id = parent_of(job)
    if parent_id is None:
        return ""
    chain = [parent_id]
    # a store may hold a circle from before they were refused
    while chain[-1] not in chain[:-1]:
        if chain[-1] == job.get("id"):
            path = " after ".join(str(job_id) for job_id in [job["id"], *chain])
            return f"the jobs would wait for each other: {path}"
        parent = store.get_job(call.connection, chain[-1], call.account_id)
        if parent is None and len(chain) == 1:
            return "this job does not exist"
        following = parent_of(parent) if parent else None
        if following is None:
            return ""
        chain.append(following)
    return ""


def parent_of(job: Mapping[str, Any]) -> int | None:
    """Return the id of the job that this one waits for."""
    condition = (job["job_completion_trigger_condition"] or {}).get("condition")
    return int(condition["job_id"]) if condition else None
