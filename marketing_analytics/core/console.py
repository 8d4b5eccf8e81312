"""The one door to the terminal: colour, width, JSON, progress and errors.

Data goes to stdout, everything else to stderr. Rich is imported when first used.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from marketing_analytics.core.errors import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    MachineError,
    PlatformError,
)
from marketing_analytics.core.redaction import redact, secrets_of

if TYPE_CHECKING:
    from rich.console import Console as RichConsole

HEARTBEAT_SECONDS = 10.0
# nobody folds lines in a file or a pipe
PIPED_WIDTH = 160


class Console:
    """Prints for a person, or JSON for a program."""

    def __init__(
        self, *, is_json: bool = False, out: IO[str] | None = None, err: IO[str] | None = None
    ) -> None:
        self.is_json = is_json
        self.out = out or sys.stdout
        self.err = err or sys.stderr
        self._last_heartbeat_at = 0.0

    @property
    def is_terminal(self) -> bool:
        """Return whether a person is watching stdout."""
        return bool(getattr(self.out, "isatty", lambda: False)())

    @property
    def has_colour(self) -> bool:
        """Return whether colour is wanted: NO_COLOR and CLICOLOR_FORCE are obeyed."""
        if os.environ.get("NO_COLOR"):
            return False
        return self.is_terminal or bool(os.environ.get("CLICOLOR_FORCE"))

    def rich(self) -> RichConsole:
        """Return a rich console on stdout."""
        from rich.console import Console as RichConsole

        width = None if self.is_terminal else PIPED_WIDTH
        return RichConsole(
            file=self.out,
            width=width,
            force_terminal=self.has_colour,
            no_color=not self.has_colour,
            highlight=False,
            soft_wrap=not self.is_terminal,
        )

    def line(self, text: str = "", *, style: str = "") -> None:
        """Print one line for a person; silent in JSON mode."""
        if self.is_json:
            return
        text = redact(text, secrets_of())
        if style and self.has_colour:
            from rich.text import Text

            self.rich().print(Text(text, style=style))
        else:
            print(text, file=self.out, flush=True)

    def note(self, text: str) -> None:
        """Print a remark on stderr, also in JSON mode."""
        print(redact(text, secrets_of()), file=self.err, flush=True)

    def json(self, value: Any) -> None:
        """Print one JSON document on stdout."""
        text = json.dumps(value, indent=2 if self.is_terminal else None, default=str)
        print(text, file=self.out, flush=True)

    def table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        title: str = "",
        right: Sequence[int] = (),
    ) -> None:
        """Print a table; columns listed in `right` are right-aligned numbers."""
        if self.is_json:
            return
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        table = Table(title=title or None, box=SIMPLE_HEAD, title_justify="left")
        for index, name in enumerate(columns):
            table.add_column(name, justify="right" if index in right else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self.rich().print(table)

    def progress(self, text: str) -> None:
        """Show progress: rewritten in place on a terminal, a line every 10 s elsewhere."""
        if self.is_json:
            return
        if self.is_terminal:
            self.out.write(f"\r\x1b[2K{text}")
            self.out.flush()
            return
        now = time.monotonic()
        if now - self._last_heartbeat_at >= HEARTBEAT_SECONDS:
            self._last_heartbeat_at = now
            self.line(text)

    def end_progress(self) -> None:
        """Clear the progress line."""
        if self.is_terminal and not self.is_json:
            self.out.write("\r\x1b[2K")
            self.out.flush()

    def error(self, error: PlatformError) -> None:
        """Print an error for a person on stderr, or as JSON on stdout."""
        if self.is_json:
            self.json(
                {
                    "schema_version": 1,
                    "error": {
                        "message": redact(error.message, secrets_of()),
                        "where": getattr(error, "where", None),
                        "hint": error.hint or None,
                        "exit_code": error.exit_code,
                    },
                }
            )
            return
        print(redact(error.render(), secrets_of()), file=self.err, flush=True)


def run_guarded(body: Callable[[], int | None], console: Console) -> int:
    """Run a command body and return its exit code; no user ever sees a traceback.

    Bugs are reported with a reference to the log file that holds the traceback.
    """
    try:
        return body() or 0
    except PlatformError as error:
        console.end_progress()
        console.error(error)
        return error.exit_code
    except KeyboardInterrupt:
        console.end_progress()
        console.note("interrupted")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # the reader of our output went away; nothing is left to say
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115
        return EXIT_FAILED
    except ModuleNotFoundError as error:
        console.end_progress()
        if not error.name or error.name.startswith("marketing_analytics"):
            return report_bug(error, console)
        console.error(missing_package(error.name))
        return EXIT_FAILED
    except Exception as error:
        console.end_progress()
        return report_bug(error, console)


def missing_package(name: str) -> MachineError:
    """Return the error for a package that the deploy tool alone does not need."""
    return MachineError(
        f"the package {name} is not installed for {sys.executable}",
        hint="make install, or pip install -r requirements/all.txt",
    )


def report_bug(error: Exception, console: Console) -> int:
    """Tell about a bug of ours and return its exit code."""
    reference = write_crash_report(error)
    console.note(
        f"error: this is a bug in marketing: {type(error).__name__}\n"
        f"  help: please report it with {reference}"
    )
    return EXIT_FAILED


def write_crash_report(error: BaseException) -> str:
    """Write the traceback, redacted, to a file of its own and return its path."""
    import tempfile
    import traceback

    text = "".join(traceback.format_exception(error))
    with tempfile.NamedTemporaryFile(
        "w", prefix="marketing-crash-", suffix=".log", delete=False
    ) as file:
        file.write(redact(text, secrets_of()))
    return file.name
