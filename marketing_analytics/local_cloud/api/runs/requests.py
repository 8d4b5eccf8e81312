"""The end of a pull or merge request, which the host of the repository would tell dbt Cloud."""

from __future__ import annotations

from starlette.responses import Response

from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.api.answers import SUCCESS_TEXT, invalid, invalid_at, one
from marketing_analytics.local_cloud.api.call import Call
from marketing_analytics.local_cloud.api.jobs.views import stored_job
from marketing_analytics.local_cloud.api.runs.views import show_run
from marketing_analytics.local_cloud.runs.requests.closing import close_requests, kept_words
from marketing_analytics.local_cloud.runs.requests.schemas import NUMBERS
from marketing_analytics.local_cloud.runs.store import require_run


def close(call: Call) -> Response:
    """Close a pull or merge request: cancel its runs, queue one that drops its schemas."""
    job, number = stored_job(call, call.id_of("job_id")), call.id_of("number")
    kind = call.text("kind") or ""
    if kind and kind not in NUMBERS.values():
        raise invalid_at(f"expected one of {', '.join(NUMBERS.values())}", "kind")
    try:
        run_ids = close_requests(call.connection, job.id, number, kind)
    except UserError as error:
        raise invalid({"kind": [f"{error.message}, with {error.hint}"]}) from None
    call.wake()
    runs = [show_run(call, require_run(call.connection, run_id)) for run_id in run_ids]
    kept = kept_words(call.connection, job.id, number)
    return one(runs, message=kept or SUCCESS_TEXT)
