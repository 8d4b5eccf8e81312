"""A small report, in the form in which reports are published."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

SNAPSHOT_AT = datetime(2026, 11, 2, 4, tzinfo=UTC)
PAGE = """<!doctype html><html><head><link rel="stylesheet" href="static/app.css"></head>
<body><!--note--><!--/note--><a href="health.html#now">Health</a><a href="https://example.com/">out</a>
<script src="builds/{build}/overview.js" defer></script></body></html>
"""


def write_report(folder, build="b1", *, snapshot_at=SNAPSHOT_AT):
    """Write a report: data first, then pages, then what it says of itself."""
    files = {
        "static/app.css": "body {}",
        f"builds/{build}/overview.js": f'report.add("overview", "{build}")',
        f"builds/{build}/more.js": "report.add()",
        "health.html": "<!doctype html><html></html>\n",
        "index.html": PAGE.format(build=build),
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    about = {
        "build_id": build,
        "built_at": snapshot_at.isoformat(),
        "snapshot_at": snapshot_at.isoformat(),
        "data_to": "2026-11-01",
        "files": {
            name: {"bytes": len(text), "sha256": hashlib.sha256(text.encode()).hexdigest()}
            for name, text in files.items()
        },
    }
    (folder / "report.json").write_text(json.dumps(about))
