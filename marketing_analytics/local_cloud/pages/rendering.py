"""Templates: Jinja2 with escaping always on, and the words they may use."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from marketing_analytics.local_cloud.pages.logs.ansi import visible
from marketing_analytics.web.words import (
    exact_words,
    relative_words,
    size_words,
    utc_words,
)

FOLDER = Path(__file__).parent
STATIC_FOLDER = FOLDER / "static"


@cache
def environment() -> Environment:
    """Return the template environment."""
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        when=when,
        moment=moment,
        utc=utc_words,
        size=size_words,
        shown=visible,
        iso=iso,
        linked=linked,
    )
    made.globals.update(static_url=static_url, query=query)
    return made


def render(template: str, **values: Any) -> str:
    """Return a rendered template; `now` is at hand in all of them."""
    values.setdefault("now", datetime.now(UTC))
    return environment().get_template(template).render(**values)


def linked(text: str) -> Markup:
    """Return the text with every `run 812` made a link to that run."""
    parts = re.split(r"\b(runs? )(\d{1,18})", visible(text))
    made = escape(parts[0])
    for word, number, rest in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        made += Markup('{}<a href="/runs/{}">{}</a>').format(word, number, number) + rest
    return made


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
    """Return a `<time>` with clock words in UTC; the exact time is its tooltip."""
    if at is None:
        return Markup("–")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        iso(at), exact_words(at), utc_words(at, now)
    )


@cache
def static_url(name: str) -> str:
    """Return the address of a static file with its hash, so that it can be cached for ever."""
    digest = hashlib.sha256((STATIC_FOLDER / name).read_bytes()).hexdigest()[:10]
    return f"/static/{name}?v={digest}"


def query(**parts: object) -> str:
    """Return a query string of the parts that are set, `?` in front."""
    given = {name: value for name, value in parts.items() if value not in (None, "", 0)}
    return f"?{urlencode(given)}" if given else "?"
