"""dbt's docs of a run as one page that runs in a sandbox.

dbt's page asks for its two JSON files; a sandboxed page has no origin that may ask. So they are
written into it, as `dbt docs generate --static` does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from marketing_analytics.core.plain_files import read_plain
from marketing_analytics.core.redaction import MASK
from marketing_analytics.local_cloud.pages.artifacts.reading import stamp_of

# no cookie, no storage, no network: nothing of the server is within its reach
POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
PLACES = {
    "manifest.json": '"MANIFEST.JSON INLINE DATA"',
    "catalog.json": '"CATALOG.JSON INLINE DATA"',
}


def has_docs(folder: Path | None) -> bool:
    """Return whether a folder of artifacts holds docs that can be shown whole."""
    return folder is not None and all(
        stamp_of(folder / name) is not None for name in ("index.html", *PLACES)
    )


def docs_page(folder: Path, secrets: Iterable[str]) -> str:
    """Return dbt's page with its data in it, secrets masked. Raise OSError when a file is gone."""
    masked = [json.dumps(secret)[1:-1] for secret in secrets]
    page = read_plain(folder / "index.html").decode("utf-8", "replace")
    for name, place in PLACES.items():
        data = read_plain(folder / name).decode("utf-8", "replace")
        for secret in masked:
            # known values alone: a pattern could reach from one text of the JSON into the next
            data = data.replace(secret, MASK)
        # a text of the project must not end the script that it stands in
        page = page.replace(place, data.replace("</", "<\\/").replace("<!--", "<\\u0021--"), 1)
    return page
