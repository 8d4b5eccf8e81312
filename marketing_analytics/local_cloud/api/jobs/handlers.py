"""Job operations: list, create, read, update (also how Terraform deletes), delete."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from marketing_analytics.cloud_api.names import owner_of
from marketing_analytics.local_cloud.api.answers import (
    dump_text,
    invalid,
    many_dumped,
    one,
)
from marketing_analytics.local_cloud.api.call import Call
from marketing_analytics.local_cloud.api.jobs.fields import check_type_change, read_job
from marketing_analytics.local_cloud.api.jobs.views import (
    dump_bare_job,
    show_job,
    show_jobs,
    stored_job,
)
from marketing_analytics.local_cloud.api.listing import show_filters
from marketing_analytics.local_cloud.api.references import environment_error, job_error
from marketing_analytics.local_cloud.api.runs.handlers import cancel_queued_runs
from marketing_analytics.local_cloud.store import jobs as store
from marketing_analytics.local_cloud.store.connection import transaction
from marketing_analytics.local_cloud.store.jobs import DELETED, Job, JobFields
from marketing_analytics.local_cloud.store.pages import Filter, Page
from marketing_analytics.local_cloud.store.projects import get_project
from marketing_analytics.local_cloud.store.variables import (
    delete_variables_of_job,
    move_variables_of_job,
)

# a request that brings this header makes no second job with one ownership mark
ONE_OF_EACH_MARK = "x-one-of-each-mark"


def list_jobs(call: Call) -> Response:
    """List the jobs of an account, by page."""
    order_by = call.order_by(store.ORDERS)
    filters: dict[str, Filter] = {"limit": call.limit(), "offset": call.offset()}
    filters |= {"state": call.state(), "account_id": call.account_id}
    given: dict[str, Filter] = {
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


def dump_page(call: Call, page: Page[Job]) -> list[str]:
    """Return the jobs of a page as JSON; without related objects they come from a cache."""
    included = call.included()
    if not included:
        second = int(time.time())
        return [dump_bare_job(job, second) for job in page.rows]
    return [dump_text(job) for job in show_jobs(call, page.rows, included)]


def create_job(call: Call) -> Response:
    """Create a job."""
    job = read_job(call.body(), None)
    with transaction(call.connection):
        check_references(call, job)
        refuse_second_mark(call, job)
        job_id = store.add_job(call.connection, call.account_id, job)
    return one(show_job(call, stored_job(call, job_id)), 201)


def refuse_second_mark(call: Call, job: JobFields) -> None:
    """Raise a 400 for a second job with one ownership mark, where the request asks for that.

    dbt Cloud has no such thing, so that nothing may count on it; it shows races in tests.
    """
    owner = owner_of(job.description)
    if owner is None or ONE_OF_EACH_MARK not in call.request.headers:
        return
    wanted: dict[str, Filter] = {
        "account_id": call.account_id,
        "project_id": [job.project_id],
        "environment_id": [job.environment_id],
        "state": store.ACTIVE,
        "limit": -1,
    }
    for other in store.list_jobs(call.connection, wanted).rows:
        if owner_of(other.description) == owner:
            raise invalid({"description": f"job {other.id} has this ownership mark"})


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
        check_type_change(old.document["job_type"], job.document["job_type"])
        if job.state != DELETED:
            check_references(call, job, old.id)
        return one(show_job(call, save(call, old, job)))


def delete_job(call: Call) -> Response:
    """Delete a job; the answer is the job with state 2."""
    with transaction(call.connection):
        job = stored_job(call, call.id_of("job_id"))
        return one(show_job(call, save(call, job, replace(job, state=DELETED))))


def save(call: Call, old: Job, new: JobFields) -> Job:
    """Write a job and return it as stored; a deleted job loses its variables."""
    store.save_job(call.connection, old, new)
    if new.project_id != old.project_id:
        move_variables_of_job(call.connection, old.id, new.project_id)
    if new.state == DELETED:
        delete_variables_of_job(call.connection, old.id)
        cancel_queued_runs(call, old.id)
    return stored_job(call, old.id, is_any_state=True)


def check_references(call: Call, job: JobFields, job_id: int | None = None) -> None:
    """Raise a 400 when a job names a project, environment or job that is not there.

    `job_id` is the id of a job that is there already.
    """
    errors: dict[str, Any] = {}
    if get_project(call.connection, call.account_id, job.project_id) is None:
        errors["project_id"] = "this project does not exist"
    errors["environment_id"] = environment_error(call, job.environment_id, job.project_id)
    errors |= deferral_errors(call, job, job_id)
    errors = {name: message for name, message in errors.items() if message}
    if errors:
        raise invalid(errors)


def deferral_errors(call: Call, job: JobFields, job_id: int | None) -> dict[str, Any]:
    """Return messages for the jobs and environments a job defers to or waits for."""
    errors: dict[str, Any] = {}
    deferring = job.document["deferring_job_definition_id"]
    if deferring:
        errors["deferring_job_definition_id"] = job_error(call, deferring, job.project_id)
    deferring = job.document["deferring_environment_id"]
    if deferring:
        errors["deferring_environment_id"] = environment_error(call, deferring, job.project_id)
    wrong = waiting_error(call, job, job_id)
    if wrong:
        errors["job_completion_trigger_condition"] = {"condition": wrong}
    return errors


def waiting_error(call: Call, job: JobFields, job_id: int | None) -> dict[str, str]:
    """Return why a job cannot wait for the one it names, {} when it can; any project has jobs."""
    trigger = job.document["job_completion_trigger_condition"]
    if trigger is None:
        return {}
    parent_id, named = trigger["condition"]["job_id"], trigger["condition"]["project_id"]
    parent = store.get_job(call.connection, parent_id, call.account_id)
    if parent is None:
        return {"job_id": "this job does not exist"}
    if named != parent.project_id:
        return {"project_id": f"job {parent.id} belongs to project {parent.project_id}"}
    circle = circle_of(call, parent_id, job_id)
    return {"job_id": circle} if circle else {}


def circle_of(call: Call, parent_id: int, job_id: int | None) -> str:
    """Return which jobs would wait for each other, "" when none do."""
    chain = [parent_id]
    # a store may hold a circle from before they were refused
    while chain[-1] not in chain[:-1]:
        if chain[-1] == job_id:
            path = " after ".join(str(number) for number in [job_id, *chain])
            return f"the jobs would wait for each other: {path}"
        parent = store.get_job(call.connection, chain[-1], call.account_id)
        if parent is None or parent.parent_id is None:
            return ""
        chain.append(parent.parent_id)
    return ""
