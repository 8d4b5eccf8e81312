"""The pages of runs: the list, one run, and what can be done with it."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from marketing_analytics.local_cloud.pages.answering import Answering, limited, page_count
from marketing_analytics.local_cloud.pages.asking import (
    RUN_TRIGGERS,
    asked_lanes,
    number,
    page_number,
    run_filter,
)
from marketing_analytics.local_cloud.pages.logs.handlers import LogPages
from marketing_analytics.local_cloud.pages.runs.lanes import VIEWS
from marketing_analytics.local_cloud.pages.runs.lists import run_lines
from marketing_analytics.local_cloud.pages.runs.views import RunReader, list_artifacts
from marketing_analytics.local_cloud.pages.saved.handlers import views_of
from marketing_analytics.local_cloud.pages.settings import UiSettings
from marketing_analytics.local_cloud.runs import store

RUNS_PER_PAGE = 50
MAX_ARTIFACTS = 100
LIVE_HEADER = "x-live"


class RunPages(Answering):
    """Handlers of what is below `/runs`, but logs and artifacts."""

    def __init__(self, settings: UiSettings, logs: LogPages) -> None:
        super().__init__(settings)
        self.logs = logs

    def routes(self) -> list[BaseRoute]:
        """Return the paths."""
        run = "/runs/{run_id:int}"
        return [
            Route("/runs", self.runs),
            Route(run, self.run),
            Route(f"{run}/cancel", self.cancel, methods=["POST"]),
            Route(f"{run}/retry", self.retry, methods=["POST"]),
        ]

    def runs(self, request: Request) -> Response:
        """Show the runs that a filter selects."""
        now = datetime.now(UTC)
        with self.reads() as reads:
            asked, wanted = run_filter(request.query_params, reads.account_id)
            total = store.count_runs(reads.connection, wanted)
            page = page_number(request.query_params, total, RUNS_PER_PAGE)
            runs = store.newest_runs(
                reads.connection, wanted, limit=RUNS_PER_PAGE, offset=(page - 1) * RUNS_PER_PAGE
            )
            return self.page(
                request,
                reads,
                "runs.html",
                now=now,
                runs=run_lines(reads, runs, now),
                total=total,
                page=page,
                pages=page_count(total, RUNS_PER_PAGE),
                asked=asked,
                triggers=RUN_TRIGGERS,
                environments=reads.environments(),
                views=views_of(reads, "runs", request.query_params),
            )

    def run(self, request: Request) -> Response:
        """Show one run; `?live=1` asks for the changing parts alone."""
        run_id, now = limited(request.path_params["run_id"]), datetime.now(UTC)
        asked = request.query_params
        data_dir = self.settings.data_dir
        with self.reads() as reads:
            reader = RunReader(reads, data_dir, self.logs.reader, now)
            page = reader.page(run_id, number(asked.get("step")), asked_lanes(asked))
            if page is None:
                raise HTTPException(404, f"There is no run {run_id}.")
            artifacts, artifact_count = list_artifacts(data_dir, run_id, MAX_ARTIFACTS)
            log = self.logs.first_window(reads, run_id, page.shown_step, number(asked.get("line")))
            response = self.page(
                request,
                reads,
                "run_parts.html" if "live" in asked else "run.html",
                now=now,
                page=page,
                run=page.run,
                views=VIEWS,
                asked_step=number(asked.get("step")),
                artifacts=artifacts,
                artifact_count=artifact_count,
                log=log,
                line=number(asked.get("line")),
            )
        response.headers[LIVE_HEADER] = "on" if page.run.is_active else "off"
        return response

    def cancel(self, request: Request) -> Response:
        """Ask for a run to be cancelled and show it."""
        run_id = self.own_run_id(request)
        self.settings.actions.cancel_run(run_id)
        return RedirectResponse(f"/runs/{run_id}", status_code=303)

    def retry(self, request: Request) -> Response:
        """Queue a run that goes on where this one failed, and show it."""
        run_id = self.settings.actions.retry_run(self.own_run_id(request))
        return RedirectResponse(f"/runs/{run_id}", status_code=303)

    def own_run_id(self, request: Request) -> int:
        """Return the id in the path. Raise a 404 when the account has no such run."""
        run_id = limited(request.path_params["run_id"])
        with self.reads() as reads:
            if store.get_run(reads.connection, run_id, account_id=reads.account_id) is None:
                raise HTTPException(404, f"There is no run {run_id}.")
        return run_id
