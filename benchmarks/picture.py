"""Draw docs/images/demo.svg, the README's picture: the figures of the last demo as it prints them.

Run `make demo` first; the picture holds what a terminal of 80 columns shows.
"""

from __future__ import annotations

import io
import os
import re
import sys

from rich.console import Console as RichConsole
from rich.text import Text

from marketing_analytics.core.console import Console
from marketing_analytics.demo.figures import read_figures
from marketing_analytics.demo.layout import REPOSITORY, default_layout
from marketing_analytics.demo.report import print_channels

PICTURE = REPOSITORY / "docs" / "images" / "demo.svg"
COLUMNS = 80
MAX_BYTES = 200_000


class Terminal(io.StringIO):
    """A terminal that keeps what it shows."""

    def isatty(self) -> bool:
        """Say that a person is watching."""
        return True


def shown() -> str:
    """Return what the demo prints about its figures, with its colours."""
    os.environ.update({"COLUMNS": str(COLUMNS), "TERM": "xterm-256color"})
    terminal = Terminal()
    print_channels(Console(out=terminal), read_figures(default_layout().warehouse))
    return terminal.getvalue().strip("\n")


def main() -> int:
    """Write the picture; return 1 when it is too large for a README."""
    page = RichConsole(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    page.print(Text.from_ansi(f"$ make demo\n\n{shown()}"))
    picture = page.export_svg(title="make demo", unique_id="demo")
    # the viewer's own monospace font: a picture that loads nothing
    picture = re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL)
    picture = picture.replace("Fira Code", "ui-monospace")
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(picture)
    print(f"{PICTURE.relative_to(REPOSITORY)}: {len(picture) / 1000:.0f} kB")
    return 0 if len(picture) <= MAX_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())
