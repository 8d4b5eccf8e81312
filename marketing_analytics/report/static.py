"""The files that pages share: styles, scripts, the chart library; named by what they hold."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from marketing_analytics import web

if TYPE_CHECKING:
    from marketing_analytics.report.build import Build

FOLDER = Path(__file__).with_name("static")
SHARED = ("app.css", "icon.svg")


def static_files(made: Build) -> dict[str, str]:
    """Write the files into the folder of a report, and return their addresses by name.

    A file that is there has its hash in its name, and is not written again.
    """
    shared = Path(web.__file__).with_name("static")
    sources = [shared / name for name in SHARED]
    sources += sorted(path for path in FOLDER.iterdir() if path.suffix in (".js", ".css"))
    folder = made.out / "static"
    folder.mkdir(exist_ok=True)
    found = {}
    for source in sources:
        data = source.read_bytes()
        digest = hashlib.sha256(data).hexdigest()[:10]
        path = folder / f"{source.stem}.{digest}{source.suffix}"
        if path.exists():
            made.remember(path, data)
        else:
            made.write(path, data)
        found[source.name] = f"static/{path.name}"
    return found
