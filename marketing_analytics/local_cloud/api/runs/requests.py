"""The end of a pull or merge request, which the host of the repository would tell dbt Cloud."""

from __future__ import annotations

from starlette.responses import Response

from marketing_analytics.local_cloud.api.answers import one
from marketing_analytics.local_cloud.api.call import Call
from marketing_analytics.local_cloud.api.job_views import stored_job
from marketing_analytics.local_cloud.api.runs.views import show_run
from marketing_analytics.local_cloud.runs.requests.closing import close_requests
from marketing_analytics.local_cloud.runs.store import require_run


def close(call: Call) -> Response:
    """Close a pull or merge request: cancel its runs, queue one that drops its schemas."""
    job = stored_job(call, call.id_of("job_id"))
    run_ids = close_requests(call.connection, job.id, call.id_of("number"))
    call.wake()
    return one([show_run(call, require_run(call.connection, run_id)) for run_id in run_ids])
