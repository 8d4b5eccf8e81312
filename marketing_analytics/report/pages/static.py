"""The files that pages share: styles, scripts, the chart library; named by what they hold."""

from __future__ import annotations

import hashlib
from pathlib import Path

from marketing_analytics import web

FOLDER = Path(__file__).with_name("static")
SHARED = ("app.css", "icon.svg")


def static_files() -> dict[str, tuple[str, bytes]]:
    """Return address and content of the files by their name; an address holds a hash."""
    shared = Path(web.__file__).with_name("static")
    sources = [shared / name for name in SHARED]
    sources += sorted(path for path in FOLDER.iterdir() if path.suffix in (".js", ".css"))
    found = {}
    for source in sources:
        data = source.read_bytes()
        digest = hashlib.sha256(data).hexdigest()[:10]
        found[source.name] = (f"static/{source.stem}.{digest}{source.suffix}", data)
    return found
