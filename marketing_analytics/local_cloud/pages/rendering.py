"""The frame of these pages, with what only they say: links to runs."""

from __future__ import annotations

import re
from pathlib import Path

from markupsafe import Markup, escape

from marketing_analytics.core.signs import visible
from marketing_analytics.web.frame import Frame


def linked(text: str) -> Markup:
    """Return the text with every `run 812` made a link to that run."""
    parts = re.split(r"\b(runs? )(\d{1,18})", visible(text))
    made = escape(parts[0])
    for word, number, rest in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        made += Markup('{}<a href="/runs/{}">{}</a>').format(word, number, number) + rest
    return made


FRAME = Frame(
    Path(__file__).parent,
    {"linked": linked},
    site="local dbt Cloud",
    home="Go to the home page",
)
render = FRAME.render
