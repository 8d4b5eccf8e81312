"""Save the filter of a list under a name, and remove it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.pages.answering import Answering, form_fields, limited
from marketing_analytics.local_cloud.pages.asking import job_filter, run_filter
from marketing_analytics.local_cloud.pages.reads import Reads
from marketing_analytics.local_cloud.store.connection import open_connection
from marketing_analytics.local_cloud.store.lists.views import (
    MAX_NAME_CHARACTERS,
    SavedView,
    list_views,
    remove_view,
    save_view,
)
from marketing_analytics.web.frame import query


def jobs_query(asked: Mapping[str, str]) -> str:
    """Return the filter of the jobs in an address, `?` alone for none."""
    wanted = job_filter(asked)
    return query(
        search=wanted.search,
        state=wanted.state,
        environment=wanted.environment_id,
        schedule=wanted.schedule,
    )


def runs_query(asked: Mapping[str, str]) -> str:
    """Return the filter of the runs in an address, `?` alone for none."""
    words, _ = run_filter(asked, 0)
    return query(
        search=words.search,
        state=words.state,
        trigger=words.trigger,
        environment=words.environment_id,
        job=words.job_id,
    )


# what a filter is, by the list that it is of: nothing else of an address is kept
QUERIES: dict[str, Callable[[Mapping[str, str]], str]] = {"jobs": jobs_query, "runs": runs_query}


@dataclass(frozen=True)
class Views:
    """The saved views of a list, and the filter that it shows now, "" for none."""

    page: str
    saved: list[SavedView]
    query: str

    @property
    def is_saved(self) -> bool:
        """Return whether the filter has a name already."""
        return any(view.query == self.query for view in self.saved)


def views_of(reads: Reads, page: str, asked: Mapping[str, str]) -> Views:
    """Return what stands above a list."""
    found = QUERIES[page](asked)
    return Views(
        page, list_views(reads.connection, reads.account_id, page), "" if found == "?" else found
    )


class SavedPages(Answering):
    """Handlers that keep and remove views."""

    def routes(self) -> list[BaseRoute]:
        """Return the paths."""
        return [
            Route("/views/{page}", self.save, methods=["POST"]),
            Route("/views/{view_id:int}/remove", self.remove, methods=["POST"]),
        ]

    async def save(self, request: Request) -> Response:
        """Keep the filter of the form under its name, and show the list."""
        page = request.path_params["page"]
        if page not in QUERIES:
            raise HTTPException(404, "There is no such list.")
        fields = form_fields(await request.body())
        wanted = QUERIES[page](dict(parse_qsl(fields.get("query", "").lstrip("?"))))
        name = " ".join(fields.get("name", "").split())
        await run_in_threadpool(self.keep, page, name, wanted)
        return RedirectResponse(f"/{page}{wanted}", status_code=303)

    def keep(self, page: str, name: str, wanted: str) -> None:
        """Write a view. Raise UserError for one without a name or a filter."""
        if not 0 < len(name) <= MAX_NAME_CHARACTERS:
            raise UserError(
                f"the name of a view has 1 to {MAX_NAME_CHARACTERS} characters",
                hint="Go back and name the view.",
            )
        if wanted == "?":
            raise UserError("a view without a filter is the list itself", hint="Filter first.")
        with closing(open_connection(self.settings.database)) as connection:
            save_view(connection, self.settings.account_id, page, name, wanted)

    def remove(self, request: Request) -> Response:
        """Remove a view and show its list."""
        view_id = limited(request.path_params["view_id"])
        with closing(open_connection(self.settings.database)) as connection:
            view = remove_view(connection, self.settings.account_id, view_id)
        if view is None:
            raise HTTPException(404, f"There is no view {view_id}.")
        return RedirectResponse(f"/{view.page}", status_code=303)
