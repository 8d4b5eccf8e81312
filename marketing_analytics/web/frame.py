"""The frame of pages: templates, static files under their hash, fresh answers, error pages.

A room of pages has a folder with `templates/` and `static/`; what it lacks comes from here. Its
`base.html` extends `frame.html` and fills in navigation and footer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from marketing_analytics.core.signs import visible
from marketing_analytics.web.words import (
    clock_words,
    exact_words,
    relative_words,
    size_words,
    utc_clock,
)
from marketing_analytics.web.zones import USUAL, zone_name

FOLDER = Path(__file__).parent


class Frame:
    """The templates and static files of a room, before those that every room shares.

    `names` are what the templates of the room know besides: `site` and `home` are asked for.
    """

    def __init__(self, folder: Path, filters: Mapping[str, Any], **names: Any) -> None:
        self.folders = (folder, FOLDER)
        # escaping is always on
        self.environment = Environment(
            loader=FileSystemLoader([place / "templates" for place in self.folders]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.filters.update(
            when=when, moment=moment, utc=utc_clock, size=size_words, shown=visible, iso=iso
        )
        self.environment.filters.update(filters)
        self.environment.globals.update(
            static_url=cache(self.static_url),
            query=query,
            zone_name=zone_name,
            usual_zones=USUAL,
            **names,
        )

    def render(self, template: str, **values: Any) -> str:
        """Return a rendered template; `now` is at hand in all of them."""
        values.setdefault("now", datetime.now(UTC))
        return self.environment.get_template(template).render(**values)

    def static_url(self, name: str) -> str:
        """Return the address of a static file with its hash, so that it can be cached for ever."""
        paths = [place / "static" / name for place in self.folders]
        found = next(path for path in paths if path.is_file())
        return f"/static/{name}?v={hashlib.sha256(found.read_bytes()).hexdigest()[:10]}"

    def static_files(self) -> StaticFiles:
        """Return the application that serves the static files."""
        files = CachedFiles(directory=self.folders[0] / "static")
        files.all_directories.append(self.folders[1] / "static")
        return files

    def error_page(
        self, request: Request, status: int, title: str, hint: str, reference: str
    ) -> Response:
        """Return an error page; it reads nothing from a store, which may be what is broken."""
        text = self.render(
            "error.html",
            path=request.url.path,
            frame=None,
            status=status,
            title=title,
            hint=hint,
            reference=reference,
        )
        return HTMLResponse(text, status_code=status)


class CachedFiles(StaticFiles):
    """Static files; an address with a hash never changes its content."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200 and b"v=" in scope.get("query_string", b""):
            response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response


def fresh(request: Request, response: HTMLResponse) -> HTMLResponse:
    """Return the page, or 304 when the browser has just this one; pages are never stored stale."""
    tag = f'"{hashlib.sha256(bytes(response.body)).hexdigest()[:16]}"'
    headers = {"etag": tag, "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return HTMLResponse(status_code=304, headers=headers)
    response.headers.update(headers)
    return response


def iso(at: datetime | None) -> str:
    """Return a time for a `datetime` attribute."""
    return at.astimezone(UTC).isoformat(timespec="seconds") if at else ""


def when(at: datetime | None, now: datetime) -> Markup:
    """Return a `<time>` with relative words; the exact time is its tooltip."""
    if at is None:
        return Markup("–")
    return Markup('<time datetime="{}" title="{}" data-relative>{}</time>').format(
        iso(at), exact_words(at), relative_words(at, now)
    )


def moment(at: datetime | None, now: datetime) -> Markup:
    """Return a `<time>` with clock words in the shown zone; the exact time is its tooltip."""
    if at is None:
        return Markup("–")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        iso(at), exact_words(at), clock_words(at, now)
    )


def query(**parts: object) -> str:
    """Return a query string of the parts that are set, `?` in front."""
    given = {name: value for name, value in parts.items() if value not in (None, "", 0)}
    return f"?{urlencode(given)}" if given else "?"
