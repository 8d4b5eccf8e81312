"""A note on the pages that are up: what kept newer ones from being built."""

from __future__ import annotations

import contextlib
import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from marketing_analytics.core.errors import MachineError, PlatformError
from marketing_analytics.core.redaction import redact, secrets_of
from marketing_analytics.core.written import replace_file

BEGIN, END = "<!--note-->", "<!--/note-->"
PLACE = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
ICON = (
    '<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">'
    '<path d="M8 2l6.5 12h-13zM8 6.5v3.5M8 12v.5"/></svg>'
)


@contextmanager
def noted(out: Path) -> Iterator[None]:
    """Write what is raised inside on the pages of a folder, and raise it on."""
    try:
        yield
    except Exception as error:
        reason = error.message if isinstance(error, PlatformError) else type(error).__name__
        write_note(out, redact(reason, secrets_of()), datetime.now(UTC))
        raise


def write_note(out: Path, reason: str, at: datetime) -> None:
    """Put a note on every page that is up; a page that cannot be written keeps what it says."""
    note = (
        f'{BEGIN}<div class="note t-error" role="status">{ICON}<div><b>Not the newest figures.</b>'
        f" The update of {at:%d %b %Y %H:%M} UTC failed: {html.escape(reason)}."
        " These pages are the last that were built.</div></div>"
        f"{END}"
    )
    for path in sorted(out.glob("*.html")):
        with contextlib.suppress(OSError, MachineError):
            text = path.read_text(encoding="utf-8")
            replace_file(path, PLACE.sub(lambda _: note, text, count=1))


def without_note(page: str) -> str:
    """Return a page as it is built: its place for a note is empty."""
    return PLACE.sub(BEGIN + END, page, count=1)
