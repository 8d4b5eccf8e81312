"""The published report: folders of static pages, one a schema, below one address."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FIRST_PAGE = "index.html"


class ReportPages:
    """Serves the folder of the reports; `empty` answers while there is none."""

    def __init__(self, folder: Path, empty: Callable[[Request], Response]) -> None:
        self.folder = folder
        self.empty = empty

    def routes(self) -> list[BaseRoute]:
        """Return the paths."""
        files = ReportFiles(directory=self.folder, check_dir=False)
        return [Route("/report", self.newest), Route("/report/", self.newest),
                Mount("/report", files)]  # fmt: skip

    def newest(self, request: Request) -> Response:
        """Lead to the report that was built last."""
        pages = self.folder.glob(f"*/*/{FIRST_PAGE}")
        built = sorted(pages, key=lambda path: path.stat().st_mtime)
        if not built:
            return self.empty(request)
        return RedirectResponse(f"/report/{built[-1].relative_to(self.folder).as_posix()}")


class ReportFiles(StaticFiles):
    """Static files of a folder that may come later; browsers ask whether they have changed."""

    async def check_config(self) -> None:
        """Find nothing wrong with a folder that is not there yet."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = "no-cache"
        return response
