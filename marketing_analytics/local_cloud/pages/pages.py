"""The routes of the pages. Handlers run in worker threads; each opens the store for itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

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
from marketing_analytics.local_cloud.pages.answering import (
    Answering,
    form_fields,
    limited,
    page_count,
)
from marketing_analytics.local_cloud.pages.asking import job_filter, number, page_number
from marketing_analytics.local_cloud.pages.job_views import (
    JOBS_PER_PAGE,
    STATE_FILTERS,
    job_page,
    list_jobs,
)
from marketing_analytics.local_cloud.pages.jobs.trigger import overrides_of, trigger_form
from marketing_analytics.local_cloud.pages.logs.events import EventPages
from marketing_analytics.local_cloud.pages.logs.handlers import LogPages
from marketing_analytics.local_cloud.pages.nodes.handlers import NodePages
from marketing_analytics.local_cloud.pages.overview.freshness import boards
from marketing_analytics.local_cloud.pages.overview.home import home_of
from marketing_analytics.local_cloud.pages.records.handlers import RecordPages
from marketing_analytics.local_cloud.pages.rendering import FRAME, render
from marketing_analytics.local_cloud.pages.reports import ReportPages
from marketing_analytics.local_cloud.pages.runs.handlers import RunPages
from marketing_analytics.local_cloud.pages.runs.lists import queue_of, run_lines
from marketing_analytics.local_cloud.pages.saved.handlers import SavedPages, views_of
from marketing_analytics.local_cloud.pages.settings import UiSettings
from marketing_analytics.local_cloud.runs import store
from marketing_analytics.local_cloud.runs.store import RunFilter
from marketing_analytics.local_cloud.store.jobs import get_placed_job
from marketing_analytics.web.guard import COOKIE, SESSION_SECONDS, SignIn, wants_page
from marketing_analytics.web.zones import COOKIE as ZONE
from marketing_analytics.web.zones import name_of, zone_of

RUNS_ON_JOB_PAGE = 20
YEAR_SECONDS = 365 * 86_400

Handler = Callable[[Request], Response]


class Pages(Answering):
    """The handlers, bound to one server's settings."""

    def __init__(self, settings: UiSettings, sign_in: SignIn) -> None:
        super().__init__(settings)
        self.sign_in = sign_in
        self.logs = LogPages(settings)
        self.runs = RunPages(settings, self.logs)
        self.reports = ReportPages(settings.data_dir / "report", self.no_report)

    def routes(self) -> list[BaseRoute]:
        """Return every path of the pages."""
        deploy = "/deploy/{account_id:int}/projects/{project_id:int}"
        return [
            Route("/", self.home),
            Route("/jobs", self.jobs),
            Route("/jobs/{job_id:int}", self.job),
            Route("/jobs/{job_id:int}/trigger", self.trigger),
            Route("/jobs/{job_id:int}/run", self.run_job, methods=["POST"]),
            *self.runs.routes(),
            *NodePages(self.settings).routes(),
            *self.logs.routes(),
            *EventPages(self.settings).routes(),
            *SavedPages(self.settings).routes(),
            Route("/queue", self.queue),
            Route("/freshness", self.freshness),
            *RecordPages(self.settings).routes(),
            *self.reports.routes(),
            Route(f"{deploy}/runs/{{run_id:int}}", self.to_run),
            Route(f"{deploy}/jobs/{{job_id:int}}", self.to_job),
            Route("/zone", self.zone, methods=["POST"]),
            Route("/login", self.login, methods=["GET", "POST"]),
            Route("/logout", self.logout, methods=["POST"]),
            Mount("/static", FRAME.static_files()),
        ]

    def no_report(self, request: Request) -> Response:
        """Say how a report comes to be."""
        with self.reads() as reads:
            return self.page(request, reads, "no_report.html")

    def home(self, request: Request) -> Response:
        """Show what happens now."""
        if any(name in request.query_params for name in ("search", "state", "environment")):
            # where the list of jobs was before
            return RedirectResponse(f"/jobs?{request.query_params}")
        now = datetime.now(UTC)
        with self.reads() as reads:
            found = home_of(reads, self.settings.data_dir, now)
            return self.page(request, reads, "home.html", now=now, home=found)

    def jobs(self, request: Request) -> Response:
        """Show the jobs that a filter selects."""
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
                views=views_of(reads, "jobs", request.query_params),
            )

    def freshness(self, request: Request) -> Response:
        """Show how old the sources were when a run last looked."""
        now = datetime.now(UTC)
        with self.reads() as reads:
            found = boards(reads, self.settings.data_dir)
            return self.page(request, reads, "freshness.html", now=now, boards=found)

    def job(self, request: Request) -> Response:
        """Show one job."""
        job_id, now = request.path_params["job_id"], datetime.now(UTC)
        with self.reads() as reads:
            page = job_page(reads, limited(job_id), now, zone_of(request.cookies.get(ZONE)))
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
                runs=run_lines(reads, runs, now),
                total=store.count_runs(reads.connection, own),
            )

    def queue(self, request: Request) -> Response:
        """Show who runs, who waits, and why."""
        now = datetime.now(UTC)
        with self.reads() as reads:
            return self.page(request, reads, "queue.html", now=now, queue=queue_of(reads, now))

    def trigger(self, request: Request) -> Response:
        """Show the form of a run with changes; `?run=` begins as that run was started."""
        job_id = limited(request.path_params["job_id"])
        run_id = number(request.query_params.get("run"))
        with self.reads() as reads:
            run = store.get_run(reads.connection, run_id or -1, account_id=reads.account_id)
            is_own = run is not None and run.job_id == job_id
            given = run.trigger_body if run and is_own else {}
            form = trigger_form(reads, job_id, given, run_id if is_own else None)
            if form is None:
                raise HTTPException(404, f"There is no job {job_id}.")
            return self.page(request, reads, "trigger.html", form=form)

    async def run_job(self, request: Request) -> Response:
        """Queue a run of a job, with the changes of the form, and show it."""
        job_id = limited(request.path_params["job_id"])
        fields = form_fields(await request.body())
        run_id = await run_in_threadpool(self.queue_run, job_id, fields)
        return RedirectResponse(f"/runs/{run_id}", status_code=303)

    def queue_run(self, job_id: int, fields: Mapping[str, str]) -> int:
        """Queue a run and return its id. Raise a 404, and PlatformError to refuse."""
        with self.reads() as reads:
            job = get_placed_job(reads.connection, job_id, reads.account_id)
        if job is None:
            raise HTTPException(404, f"There is no job {job_id}.")
        overrides = overrides_of(fields, job.document.get("execute_steps") or [])
        return self.settings.actions.run_job(job_id, overrides or None)

    async def zone(self, request: Request) -> Response:
        """Remember the time zone in which this browser shows times."""
        fields = form_fields(await request.body())
        response = RedirectResponse(local_target(fields.get("next", "/")), status_code=303)
        name = name_of(zone_of(fields.get("zone")))
        response.set_cookie(ZONE, name, max_age=YEAR_SECONDS, httponly=True, samesite="lax")
        return response

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
        fields = form_fields(await request.body())
        target = local_target(fields.get("next", "/"))
        if self.sign_in.is_throttled():
            return login_page(target, "Too many attempts. Wait a minute.", 429)
        token = fields.get("token", "").strip()
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


def local_target(target: str) -> str:
    """Return a path on this site; anything that could lead elsewhere becomes `/`."""
    is_local = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if is_local and target.isprintable() and "\\" not in target else "/"


def login_page(target: str, problem: str, status: int = 200) -> HTMLResponse:
    """Return the sign-in form."""
    text = render("login.html", path="/login", frame=None, target=target, problem=problem)
    return HTMLResponse(text, status_code=status)
