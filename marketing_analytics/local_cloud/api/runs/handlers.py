"""Run operations: trigger, list, read with steps and logs, cancel, retry from the failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from marketing_analytics.cloud_api.limits import MAX_THREADS, MAX_TIMEOUT_SECONDS
from marketing_analytics.cloud_api.states import ENDED, UNSUCCESSFUL
from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.api.answers import (
    ApiError,
    dump_text,
    invalid,
    invalid_at,
    many_dumped,
    not_found,
    one,
)
from marketing_analytics.local_cloud.api.call import Call, as_moment
from marketing_analytics.local_cloud.api.checks import (
    Fields,
    boolean,
    number_between,
    steps,
    text_or_none,
    text_up_to,
)
from marketing_analytics.local_cloud.api.jobs.views import (
    include_environments,
    show_job,
    stored_job,
)
from marketing_analytics.local_cloud.api.runs.logs import step_logs
from marketing_analytics.local_cloud.api.runs.views import (
    dump_runs,
    flat_schedule,
    show_run,
    show_runs,
    show_step,
    show_trigger,
)
from marketing_analytics.local_cloud.runs import store
from marketing_analytics.local_cloud.runs.progress import get_step, list_steps
from marketing_analytics.local_cloud.runs.records import Run
from marketing_analytics.local_cloud.runs.requests.again import (
    left_steps,
    moved_words,
    retry_overrides,
    retry_refusal,
)
from marketing_analytics.local_cloud.runs.requests.schemas import NUMBERS, requests_with
from marketing_analytics.local_cloud.store.jobs import get_jobs

ORDERS = ("id", "created_at", "finished_at")
# what a run shows with the logs of its steps
WITH_LOGS = frozenset({"run_steps", "debug_logs"})
OVERRIDE_READERS = {
    "git_sha": text_or_none,
    "git_branch": text_or_none,
    "schema_override": text_or_none,
    "dbt_version_override": text_or_none,
    "threads_override": number_between(1, MAX_THREADS),
    "target_name_override": text_or_none,
    "generate_docs_override": boolean,
    "timeout_seconds_override": number_between(0, MAX_TIMEOUT_SECONDS),
    "steps_override": steps,
    "azure_pull_request_id": number_between(0),
    "github_pull_request_id": number_between(0),
    "gitlab_merge_request_id": number_between(0),
    "non_native_pull_request_id": number_between(0),
}


def trigger(call: Call) -> Response:
    """Queue a run of a job."""
    job = stored_job(call, call.id_of("job_id"))
    fields = Fields(call.body())
    cause = fields.read("cause", text_up_to(store.MAX_CAUSE_LENGTH), "")
    overrides = {name: fields.read(name, reader) for name, reader in OVERRIDE_READERS.items()}
    for name in [name for name in NUMBERS if overrides[name]][1:]:
        fields.fail("a run is of one request, and this is a second one", name)
    fields.check()
    run = queue_run(call, job.id, cause, "api", overrides)
    return one(with_trigger(call, run))


def queue_run(
    call: Call, job_id: int, cause: str, category: str, overrides: Mapping[str, Any]
) -> Run:
    """Create a run. Raise a 400 when an override cannot be used."""
    try:
        run = store.create_run(
            call.connection, job_id, cause=cause, cause_category=category, overrides=overrides
        )
    except UserError as error:
        raise invalid({"reason": error.message}) from None
    call.wake()
    return run


def with_trigger(call: Call, run: Run) -> dict[str, Any]:
    """Return a run with its trigger and its job, as the real API answers a trigger."""
    return include_related(call, [run], frozenset({"trigger", "job"}))[0]


def include_related(
    call: Call, runs: Sequence[Run], included: frozenset[str]
) -> list[dict[str, Any]]:
    """Return runs with the related objects asked for; unknown names are ignored."""
    found = show_runs(call, runs)
    if "trigger" in included:
        for shown, run in zip(found, runs, strict=True):
            shown["trigger"] = show_trigger(run)
    if "job" in included:
        jobs = get_jobs(call.connection, {run.job_id for run in runs})
        for shown, run in zip(found, runs, strict=True):
            job = jobs.get(run.job_id)
            shown["job"] = flat_schedule(show_job(call, job)) if job else None
    if "environment" in included:
        include_environments(call, found)
    if included & WITH_LOGS:
        is_whole = "debug_logs" in included
        for shown, run in zip(found, runs, strict=True):
            shown["run_steps"] = [
                show_step(step, call.account_id, step_logs(call, step, is_whole=is_whole))
                for step in list_steps(call.connection, run.id)
            ]
    return found


def list_runs(call: Call) -> Response:
    """List the runs of an account, by page."""
    order_by = call.order_by(ORDERS)
    chosen = read_filter(call)
    limit, offset = call.limit(), call.offset()
    page = store.list_runs(call.connection, chosen, order_by=order_by, limit=limit, offset=offset)
    included = call.included() - WITH_LOGS
    shown = dump_page(call, page.rows, included)
    filters = {"limit": limit, "offset": offset, "state": "all", "account_id": call.account_id}
    given = {name: value for name, value in call.query.items() if name in SHOWN_FILTERS}
    return many_dumped(shown, page.total_count, {**given, **filters}, order_by)


def dump_page(call: Call, runs: Sequence[Run], included: frozenset[str]) -> list[str]:
    """Return the runs of a page as JSON with the related objects asked for."""
    if not included:
        return dump_runs(call, runs)
    return [dump_text(shown) for shown in include_related(call, runs, included)]


SHOWN_FILTERS = (
    "job_definition_id",
    "project_id",
    "project_id__in",
    "environment_id",
    "status",
    "status__in",
    "created_at__range",
    "finished_at__range",
    "id__gt",
    "pk",
    "pk__in",
    "has_docs_generated",
    "has_sources_generated",
    "dbt_version",
    "dbt_version__in",
    "pull_request_id",
    "deferring_run_id",
)


def read_filter(call: Call) -> store.RunFilter:
    """Return what a list of runs selects."""
    created = read_range(call, "created_at__range")
    finished = read_range(call, "finished_at__range")
    ids = call.numbers("pk")
    trigger_id = call.number("trigger_id")
    if trigger_id is not None:
        ids = [trigger_id] if ids is None or trigger_id in ids else []
    number = call.number("pull_request_id")
    projects, statuses = call.numbers("project_id"), call.numbers("status")
    versions = call.texts("dbt_version")
    return store.RunFilter(
        account_id=call.account_id,
        job_id=call.number("job_definition_id"),
        project_ids=None if projects is None else tuple(projects),
        environment_id=call.number("environment_id"),
        statuses=None if statuses is None else tuple(statuses),
        run_ids=None if ids is None else tuple(ids),
        created_from=created[0],
        created_to=created[1],
        finished_from=finished[0],
        finished_to=finished[1],
        id_above=call.number("id__gt"),
        has_docs=call.boolean("has_docs_generated"),
        has_sources=call.boolean("has_sources_generated"),
        dbt_versions=None if versions is None else tuple(versions),
        requests=None if number is None else requests_with(number),
        deferring_run_id=call.number("deferring_run_id"),
    )


def read_range(call: Call, name: str) -> tuple[str | None, str | None]:
    """Return a JSON array of two times as store texts."""
    items = call.items(name)
    if items is None:
        return None, None
    if len(items) != 2:
        raise invalid_at("expected a list of two times", name)
    return as_moment(items[0], name), as_moment(items[1], name)


def read_run(call: Call) -> Response:
    """Read a run."""
    run = stored_run(call)
    return one(include_related(call, [run], call.included())[0])


def stored_run(call: Call) -> Run:
    """Return the run of the path. Raise a 404."""
    run = store.get_run(call.connection, call.id_of("run_id"), account_id=call.account_id)
    if run is None:
        raise not_found()
    return run


def cancel(call: Call) -> Response:
    """Cancel a run; one that has ended stays as it is."""
    run = store.request_cancel(call.connection, stored_run(call).id)
    call.wake()
    return one(show_run(call, run))


def cancel_queued_runs(call: Call, job_id: int) -> None:
    """Cancel the queued runs of a job that is deleted, inside its transaction."""
    for run_id in store.queued_runs_of_job(call.connection, job_id):
        store.withdraw_run(call.connection, run_id, "Cancelled because its job was deleted.")


def rerun(call: Call) -> Response:
    """Run a job again: from the point of failure when its latest run failed where it runs now."""
    job = stored_job(call, call.id_of("job_id"))
    run = store.most_recent_run(call.connection, job.id)
    if (
        run is None
        or run.status not in UNSUCCESSFUL
        or moved_words(store.Homes(call.connection), run, job)
    ):
        return one(with_trigger(call, queue_run(call, job.id, "Rerun", "rerun", {})))
    return one(with_trigger(call, retry_run(call, run)))


def retry(call: Call) -> Response:
    """Run the failed and the skipped steps of a run again."""
    run = stored_run(call)
    return one(with_trigger(call, retry_run(call, run)))


def retry_run(call: Call, run: Run) -> Run:
    """Queue a run that starts at the failed step. Raise a 400 when that cannot be done."""
    reason = retry_refusal(call.connection, run)
    if reason is not None:
        raise invalid({"reason": reason})
    overrides = retry_overrides(call.connection, run)
    return queue_run(call, run.job_id, f"Retry of run {run.id}", "rerun", overrides)


def failure_details(call: Call) -> Response:
    """Return the failed step of a run and the steps that were not reached."""
    run = stored_run(call)
    if run.status not in ENDED:
        raise ApiError(400, "This run has not ended yet.")
    failed, skipped = left_steps(call.connection, run)
    return one({"failed_step": failed, "skipped_steps": skipped})


def read_step(call: Call) -> Response:
    """Read a step with its logs."""
    step = get_step(call.connection, call.id_of("step_id"), call.account_id)
    if step is None:
        raise not_found()
    is_whole = "debug_logs" in call.included()
    return one(show_step(step, call.account_id, step_logs(call, step, is_whole=is_whole)))
