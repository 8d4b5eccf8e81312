"""The routes of the pages. Handlers run in worker threads; each opens the store for itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import BaseRoute, Mount, Route

from marketing_analytics.core.errors import PlatformError
from marketing_analytics.local_cloud.pages.asking import (
    RUN_TRIGGERS,
    RUN_VIEWS,
    job_filter,
    number,
    page_number,
    run_filter,
)
from marketing_analytics.local_cloud.pages.health import Health, health_of
from marketing_analytics.local_cloud.pages.job_views import (
    JOBS_PER_PAGE,
    STATE_FILTERS,
    job_page,
    list_jobs,
)
from marketing_analytics.local_cloud.pages.logs.handlers import LogPages
from marketing_analytics.local_cloud.pages.reads import Reads, open_reads
from marketing_analytics.local_cloud.pages.rendering import FRAME, render
from marketing_analytics.local_cloud.pages.reports import ReportPages
from marketing_analytics.local_cloud.pages.runs.views import (
    list_artifacts,
    queue_of,
    run_line,
    run_page,
)
from marketing_analytics.local_cloud.pages.settings import UiSettings
from marketing_analytics.local_cloud.runs import store
from marketing_analytics.local_cloud.runs.store import RunFilter
from marketing_analytics.local_cloud.store.accounts import get_account
from marketing_analytics.local_cloud.store.jobs import get_placed_job
from marketing_analytics.web.frame import fresh
from marketing_analytics.web.guard import COOKIE, SESSION_SECONDS, SignIn, wants_page

RUNS_PER_PAGE = 50
RUNS_ON_JOB_PAGE = 20
MAX_ARTIFACTS = 100
LIVE_HEADER = "x-live"

Handler = Callable[[Request], Response]


@dataclass(frozen=True)
class Standing:
    """What header and footer of every page show of the server."""

    queued: int
    running: int
    slots: int
    health: list[Health]
    has_session: bool


class Pages:
    """The handlers, bound to one server's settings."""

    def __init__(self, settings: UiSettings, sign_in: SignIn) -> None:
        self.settings = settings
        self.sign_in = sign_in
        self.logs = LogPages(settings)
        self.reports = ReportPages(settings.data_dir / "report", self.no_report)

    def routes(self) -> list[BaseRoute]:
        """Return every path of the pages."""
        run = "/runs/{run_id:int}"
        deploy = "/deploy/{account_id:int}/projects/{project_id:int}"
        return [
            Route("/", self.home),
            Route("/jobs", self.to_home),
            Route("/jobs/{job_id:int}", self.job),
            Route("/jobs/{job_id:int}/run", self.run_job, methods=["POST"]),
            Route("/runs", self.runs),
            Route(run, self.run),
            Route(f"{run}/cancel", self.cancel_run, methods=["POST"]),
            *self.logs.routes(),
            Route("/queue", self.queue),
            *self.reports.routes(),
            Route(f"{deploy}/runs/{{run_id:int}}", self.to_run),
            Route(f"{deploy}/jobs/{{job_id:int}}", self.to_job),
            Route("/login", self.login, methods=["GET", "POST"]),
            Route("/logout", self.logout, methods=["POST"]),
            Mount("/static", FRAME.static_files()),
        ]

    def reads(self) -> AbstractContextManager[Reads]:
        """Return the store, opened for one request."""
        return open_reads(self.settings.database, self.settings.account_id)

    def page(self, request: Request, reads: Reads, template: str, **values: Any) -> HTMLResponse:
        """Return a rendered page with what every page shows: engine health and queue length."""
        text = render(template, path=request.url.path, frame=self.standing(reads), **values)
        return fresh(request, HTMLResponse(text))

    def standing(self, reads: Reads) -> Standing:
        """Return what header and footer show."""
        counts = store.count_active_runs(reads.connection, reads.account_id)
        account = get_account(reads.connection, reads.account_id)
        return Standing(
            queued=counts.queued,
            running=counts.running,
            slots=account.run_slots if account else 0,
            health=[*health_of(reads, datetime.now(UTC)), *self.settings.health()],
            has_session=self.settings.needs_sign_in,
        )

    def no_report(self, request: Request) -> Response:
        """Say how a report comes to be."""
        with self.reads() as reads:
            return self.page(request, reads, "no_report.html")

    def home(self, request: Request) -> Response:
        """Show the jobs."""
        wanted, now = job_filter(request.query_params), datetime.now(UTC)
        with self.reads() as reads:
            asked = number(request.query_params.get("page")) or 1
            found = list_jobs(reads, wanted, asked, now)
            page = page_number(request.query_params, found.total_count, JOBS_PER_PAGE)
            if page != asked:
                found = list_jobs(reads, wanted, page, now)
            return self.page(
                request,
                reads,
                "jobs.html",
                now=now,
                jobs=found.rows,
                total=found.total_count if wanted.is_open else reads.job_count(),
                found=found.total_count,
                page=page,
                pages=page_count(found.total_count, JOBS_PER_PAGE),
                wanted=wanted,
                states=STATE_FILTERS,
                environments=reads.environments(),
            )

    def to_home(self, request: Request) -> Response:
        """Send `/jobs` to the list."""
        return RedirectResponse("/")

    def job(self, request: Request) -> Response:
        """Show one job."""
        job_id, now = request.path_params["job_id"], datetime.now(UTC)
        with self.reads() as reads:
            page = job_page(reads, limited(job_id), now)
            if page is None:
                raise HTTPException(404, f"There is no job {job_id}.")
            own = RunFilter(account_id=reads.account_id, job_id=job_id)
            runs = store.newest_runs(reads.connection, own, limit=RUNS_ON_JOB_PAGE)
            return self.page(
                request,
                reads,
                "job.html",
                now=now,
                job=page,
                runs=[run_line(run, now) for run in runs],
                total=store.count_runs(reads.connection, own),
            )

    def runs(self, request: Request) -> Response:
        """Show the runs, newest first."""
        asked, wanted = run_filter(request.query_params, self.settings.account_id)
        now = datetime.now(UTC)
        with self.reads() as reads:
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
                runs=[run_line(run, now) for run in runs],
                total=total,
                page=page,
                pages=page_count(total, RUNS_PER_PAGE),
                asked=asked,
                triggers=RUN_TRIGGERS,
                environments=reads.environments(),
            )

    def queue(self, request: Request) -> Response:
        """Show who runs, who waits, and why."""
        now = datetime.now(UTC)
        with self.reads() as reads:
            return self.page(request, reads, "queue.html", now=now, queue=queue_of(reads, now))

    def run(self, request: Request) -> Response:
        """Show one run; `?live=1` asks for the changing parts alone."""
        run_id, now = limited(request.path_params["run_id"]), datetime.now(UTC)
        asked = request.query_params
        view = asked.get("view", "thread")
        data_dir = self.settings.data_dir
        with self.reads() as reads:
            page = run_page(reads, data_dir, run_id, number(asked.get("step")), now)
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
                view=view if view in RUN_VIEWS else "thread",
                views=RUN_VIEWS,
                artifacts=artifacts,
                artifact_count=artifact_count,
                log=log,
                line=number(asked.get("line")),
            )
        response.headers[LIVE_HEADER] = "on" if page.run.is_active else "off"
        return response

    def run_job(self, request: Request) -> Response:
        """Queue a run of a job and show it."""
        job_id = limited(request.path_params["job_id"])
        with self.reads() as reads:
            if get_placed_job(reads.connection, job_id, reads.account_id) is None:
                raise HTTPException(404, f"There is no job {job_id}.")
        run_id = self.settings.actions.run_job(job_id)
        return RedirectResponse(f"/runs/{run_id}", status_code=303)

    def cancel_run(self, request: Request) -> Response:
        """Ask for a run to be cancelled and show it."""
        run_id = limited(request.path_params["run_id"])
        with self.reads() as reads:
            if store.get_run(reads.connection, run_id, account_id=reads.account_id) is None:
                raise HTTPException(404, f"There is no run {run_id}.")
        self.settings.actions.cancel_run(run_id)
        return RedirectResponse(f"/runs/{run_id}", status_code=303)

    def to_run(self, request: Request) -> Response:
        """Send dbt Cloud's address of a run to our page."""
        return RedirectResponse(f"/runs/{request.path_params['run_id']}")

    def to_job(self, request: Request) -> Response:
        """Send dbt Cloud's address of a job to our page."""
        return RedirectResponse(f"/jobs/{request.path_params['job_id']}")

    async def login(self, request: Request) -> Response:
        """Show the sign-in form, or check the token that was entered."""
        if not self.settings.needs_sign_in:
            return RedirectResponse("/", status_code=303)
        target = local_target(request.query_params.get("next", "/"))
        if request.method == "GET":
            return login_page(target, "")
        fields = parse_qs((await request.body()).decode("utf-8", "replace"))
        target = local_target(fields.get("next", ["/"])[0])
        if self.sign_in.is_throttled():
            return login_page(target, "Too many attempts. Wait a minute.", 429)
        token = fields.get("token", [""])[0].strip()
        cookie = await run_in_threadpool(self.sign_in.cookie_for, token)
        if cookie is None:
            return login_page(target, "This token is not valid here.", 401)
        response = RedirectResponse(target, status_code=303)
        response.set_cookie(
            COOKIE,
            cookie,
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return response

    def logout(self, request: Request) -> Response:
        """Forget the session in this browser."""
        response = RedirectResponse("/login", status_code=303)
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return response

    def exception_handlers(self) -> Mapping[Any, Callable[..., Response]]:
        """Return how errors become pages."""
        return {HTTPException: self.http_error, PlatformError: self.refused}

    def http_error(self, request: Request, error: HTTPException) -> Response:
        """Show a 404 or 405 page."""
        if error.status_code == 404:
            detail = "" if error.detail == "Not Found" else error.detail
            return FRAME.error_page(
                request, 404, "Not here", detail or "There is no page at this address.", ""
            )
        return FRAME.error_page(request, error.status_code, error.detail, "", "")

    def refused(self, request: Request, error: PlatformError) -> Response:
        """Show why an action was refused."""
        return FRAME.error_page(request, 409, error.message, error.hint, "")

    def refusal(
        self, request: Request, status: int, title: str, hint: str, reference: str
    ) -> Response:
        """Return why a request is not let in, as a page or for a program."""
        if not wants_page(request):
            return JSONResponse({"error": title, "hint": hint}, status_code=status)
        return FRAME.error_page(request, status, title, hint, reference)


def page_count(total: int, per_page: int) -> int:
    """Return the number of pages, at least one."""
    return max(1, -(-total // per_page))


def limited(value: int) -> int:
    """Return an id that fits SQLite; larger ones name nothing."""
    return value if value < 2**63 else -1


def local_target(target: str) -> str:
    """Return a path on this site; anything that could lead elsewhere becomes `/`."""
    is_local = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if is_local and target.isprintable() and "\\" not in target else "/"


def login_page(target: str, problem: str, status: int = 200) -> HTMLResponse:
    """Return the sign-in form."""
    text = render("login.html", path="/login", frame=None, target=target, problem=problem)
    return HTMLResponse(text, status_code=status)
