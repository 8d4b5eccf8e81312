"""Logs and artifacts over HTTP: windows as JSON, raw downloads, files as attachments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from marketing_analytics.cloud_api.states import ACTIVE
from marketing_analytics.local_cloud.pages.asking import number, search_text
from marketing_analytics.local_cloud.pages.logs.reader import MAX_WINDOW_LINES, LogReader, Window
from marketing_analytics.local_cloud.pages.reads import Reads, open_reads
from marketing_analytics.local_cloud.pages.settings import UiSettings
from marketing_analytics.local_cloud.runs.artifacts import resolve_artifact
from marketing_analytics.local_cloud.runs.progress import list_steps, step_log_path
from marketing_analytics.local_cloud.runs.records import Run, RunStep
from marketing_analytics.local_cloud.runs.store import get_run

PAGE_LINES = 200
LEVELS = ("debug", "info", "warn", "error")


@dataclass(frozen=True)
class FirstWindow:
    """The lines that a page shows before, or without, its script."""

    step_index: int
    window: Window
    earlier: int | None
    later: int | None


class LogPages:
    """Handlers below `/runs/{run_id}`."""

    def __init__(self, settings: UiSettings) -> None:
        self.settings = settings
        self.reader = LogReader()

    def routes(self) -> list[BaseRoute]:
        """Return the paths of logs and artifacts."""
        step = "/runs/{run_id:int}/steps/{step_index:int}"
        return [
            Route(f"{step}/lines", self.lines),
            Route(f"{step}/log", self.raw_log),
            Route("/runs/{run_id:int}/artifacts/{step_index:int}/{name:path}", self.artifact),
        ]

    def first_window(
        self, reads: Reads, run_id: int, step_index: int | None, line: int | None
    ) -> FirstWindow | None:
        """Return the end of a step's log, or the lines around `line`; None without a step."""
        if step_index is None:
            return None
        path = step_log_path(self.settings.data_dir, run_id, step_index)
        first = max(1, line - PAGE_LINES // 4) if line else -PAGE_LINES
        window = self.reader.window(path, first, PAGE_LINES, reads.secrets())
        start = window.lines[0].number if window.lines else 1
        end = window.lines[-1].number if window.lines else 0
        return FirstWindow(
            step_index,
            window,
            earlier=max(1, start - PAGE_LINES) if start > 1 else None,
            later=end + 1 if window.has_more else None,
        )

    def lines(self, request: Request) -> Response:
        """Return a window of a log, or the lines that match a search and a level."""
        asked = request.query_params
        with open_reads(self.settings.database, self.settings.account_id) as reads:
            step, is_active = self._step(reads, request)
            secrets = reads.secrets()
        path = step_log_path(self.settings.data_dir, step.run_id, step.step_index)
        text, level = search_text(asked), asked.get("level", "")
        if text or level in LEVELS[1:]:
            window = self.reader.matching(path, text, level if level in LEVELS else "", secrets)
        else:
            count = number(asked.get("count")) or PAGE_LINES
            first = number(asked.get("first")) or 1
            window = self.reader.window(path, first, min(count, MAX_WINDOW_LINES), secrets)
        return JSONResponse(window_json(window, is_active=is_active))

    def raw_log(self, request: Request) -> Response:
        """Return the whole log of a step as a download; `?debug=1` asks for dbt's debug log."""
        with open_reads(self.settings.database, self.settings.account_id) as reads:
            step, _ = self._step(reads, request)
            secrets = reads.secrets()
        run_id, index = step.run_id, step.step_index
        path = step_log_path(self.settings.data_dir, run_id, index)
        if "debug" in request.query_params:
            path = path.with_suffix(".debug.log")
        if not path.is_file():
            raise HTTPException(404, f"Step {index} of run {run_id} has no such log.")
        name = f"run-{run_id}-step-{path.name}"
        return StreamingResponse(
            self.reader.stream(path, secrets),
            media_type="text/plain; charset=utf-8",
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )

    def _step(self, reads: Reads, request: Request) -> tuple[RunStep, bool]:
        """Return a step and whether its log can still grow; ids come from the store only."""
        run_id, index = request.path_params["run_id"], request.path_params["step_index"]
        fits = run_id < 2**63 and index < 2**31
        run = own_run(reads, run_id) if fits else None
        steps = list_steps(reads.connection, run_id) if run else []
        step = next((step for step in steps if step.step_index == index), None)
        if run is None or step is None:
            raise HTTPException(404, f"There is no step {index} of run {run_id}.")
        is_active = run.status in ACTIVE and step.finished_at is None
        return step, is_active

    def artifact(self, request: Request) -> Response:
        """Return a file that a run left, always as a download."""
        asked = request.path_params
        path = None
        if asked["run_id"] < 2**63 and asked["step_index"] < 2**31:
            with open_reads(self.settings.database, self.settings.account_id) as reads:
                run = own_run(reads, asked["run_id"])
            if run is not None:
                path = resolve_artifact(
                    self.settings.data_dir, run.id, asked["name"], asked["step_index"]
                )
        if path is None:
            raise HTTPException(404, "There is no such artifact.")
        return FileResponse(
            path,
            media_type="application/octet-stream",
            filename=path.name,
            content_disposition_type="attachment",
        )


def own_run(reads: Reads, run_id: int) -> Run | None:
    """Return a run of the account, or None."""
    return get_run(reads.connection, run_id, account_id=reads.account_id)


def window_json(window: Window, *, is_active: bool) -> dict[str, Any]:
    """Return a window as the script of the page reads it."""
    return {
        "total": window.total_lines,
        "size_bytes": window.size_bytes,
        "first_error": window.first_error,
        "matches": window.matches,
        "has_more": window.has_more,
        "is_active": is_active,
        "lines": [[line.number, line.level, line.pieces] for line in window.lines],
    }
