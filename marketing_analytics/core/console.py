"""The one door to the terminal: colour, width, JSON, progress and errors.

Data goes to stdout, everything else to stderr. Nothing that is printed can move the cursor or hide
what stands beside it, whoever wrote it: colours are added here. Rich is imported when first used.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from marketing_analytics.core.errors import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    PIPED_WIDTH,
    FileErrors,
    InternalError,
    MachineError,
    PlatformError,
    full_disk,
)
from marketing_analytics.core.redaction import redact, secrets_of
from marketing_analytics.core.signs import visible

if TYPE_CHECKING:
    from rich.console import Console as RichConsole
    from rich.table import Table

HEARTBEAT_SECONDS = 10.0
REFRESHES_PER_SECOND = 4
# how the sentences of an error begin, and how far their other lines are indented
SENTENCES = {"error: ": "  ", "warning: ": "  ", "  help: ": " " * len("  help: ")}


class Console:
    """Prints for a person, or JSON for a program."""

    def __init__(
        self, *, is_json: bool = False, out: IO[str] | None = None, err: IO[str] | None = None
    ) -> None:
        self.is_json = is_json
        self.out = out or sys.stdout
        self.err = err or sys.stderr
        # where the live display is drawn, while there is one
        self._live: RichConsole | None = None

    @property
    def is_terminal(self) -> bool:
        """Return whether a person is watching stdout."""
        return is_terminal(self.out)

    @property
    def can_redraw(self) -> bool:
        """Return whether lines can be rewritten in place without mixing with piped output."""
        return self.is_terminal and is_terminal(self.err) and not is_dumb()

    @property
    def has_colour(self) -> bool:
        """Return whether colour is wanted: NO_COLOR, FORCE_COLOR and CLICOLOR_FORCE are obeyed."""
        if os.environ.get("NO_COLOR"):
            return False
        if os.environ.get("FORCE_COLOR") or os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
            return True
        return self.is_terminal and not is_dumb()

    def rich(self) -> RichConsole:
        """Return a rich console on stdout."""
        from rich.console import Console as RichConsole

        return RichConsole(
            file=self.out,
            width=None if self.is_terminal else PIPED_WIDTH,
            force_terminal=self.is_terminal or self.has_colour,
            no_color=not self.has_colour,
            highlight=False,
            soft_wrap=not self.is_terminal,
        )

    def line(self, text: str = "", *, colour: str = "") -> None:
        """Print one line for a person, in a colour of the terminal; silent in JSON mode."""
        if not self.is_json:
            self._print(text, self.out, colour)

    def prose(self, text: str, *, indent: str = "", piped_width: int = 0) -> None:
        """Print sentences, folded between words; in a pipe too where that has a width."""
        for line in self.folded(text, indent=indent, piped_width=piped_width):
            self.line(line)

    def folded(
        self,
        text: str,
        *,
        indent: str = "",
        stream: IO[str] | None = None,
        piped_width: int = 0,
    ) -> list[str]:
        """Return the lines of a text: one, or on a narrow terminal more, the others indented.

        No word is broken: a path or an address that is longer than a line can still be copied.
        """
        is_watched = is_terminal(stream or self.out)
        if not is_watched and not piped_width:
            return [text]
        width = shutil.get_terminal_size().columns if is_watched else piped_width
        # before there are lines: half of a secret would not be known as one
        text = redact(text, secrets_of())
        body = text.lstrip(" ")
        # what is indented by half a terminal and more begins near the left there
        lead, indent = (
            blanks if len(blanks) <= width // 2 else blanks[:4]
            for blanks in (" " * (len(text) - len(body)), indent)
        )
        return textwrap.wrap(
            body,
            width,
            initial_indent=lead,
            subsequent_indent=indent,
            break_on_hyphens=False,
            break_long_words=False,
        ) or [""]

    def note(self, text: str, *, indent: str | None = None) -> None:
        """Print a remark on stderr, also in JSON mode; folded where an indent is given."""
        lines = [text]
        if indent is not None:
            lines = self.folded(text, indent=indent, stream=self.err)
        self._print("\n".join(lines), self.err)

    def _print(self, text: str, stream: IO[str], colour: str = "") -> None:
        text = visible(redact(text, secrets_of()).replace("\r\n", "\n"))
        if colour and self.has_colour:
            text = f"\x1b[{colour}m{text}\x1b[0m"
        if self._live is None:
            print(text, file=stream, flush=True)
            return
        from rich.text import Text

        self._live.print(Text.from_ansi(text), soft_wrap=True)

    def json(self, value: Any) -> None:
        """Print one JSON document on stdout; secrets in its texts are masked."""
        indent = 2 if self.is_terminal else None
        text = json.dumps(value, indent=indent, default=str)
        known = secrets_of()
        if redact(text, [json.dumps(secret)[1:-1] for secret in known]) != text:
            # text by text, so that a mask breaks no quotes
            text = json.dumps(masked(json.loads(text), known), indent=indent)
        print(text, file=self.out, flush=True)

    def table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        title: str = "",
        right: Sequence[int] = (),
        expendable: Sequence[int] = (),
    ) -> None:
        """Print a table for a person.

        Columns listed in `right` are right-aligned numbers. Where the terminal is too narrow, the
        columns in `expendable` are left out, first one first; if that is not enough, every row
        becomes a paragraph.
        """
        if self.is_json:
            return
        rich = self.rich()
        for count in range(len(expendable) + 1):
            table = drawn(columns, rows, title, right, left_out=expendable[:count])
            if fits(table, rich):
                rich.print(table)
                return
        self._paragraphs(columns, rows, title, right)

    def _paragraphs(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        title: str,
        right: Sequence[int],
    ) -> None:
        if title:
            self.prose(title)
        width = max(map(len, columns[1:]), default=0)
        values = max((len(row[index]) for row in rows for index in right if index), default=0)
        for first, *rest in rows:
            self.line(first)
            for index, cell in enumerate(rest, 1):
                value = cell.rjust(values) if index in right else cell
                self.line(f"  {columns[index]:<{width}}  {value}")
        self.line()

    def tsv(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print rows for a program: a line of names, then tabs between values."""
        for row in [columns, *rows]:
            self.line("\t".join(" ".join(cell.split()) for cell in row))

    @contextmanager
    def progress(self, say: Callable[[], Sequence[str]]) -> Iterator[None]:
        """Show what is under way while the block runs; `say` returns the lines of this moment.

        On a terminal the lines are redrawn in place, each cut to its width; elsewhere the first
        line is printed on stderr every 10 s. Silent in JSON mode.
        """
        if self.is_json:
            yield
        elif self.can_redraw:
            with self._redrawn(say):
                yield
        else:
            with self._heartbeat(say):
                yield

    @contextmanager
    def _redrawn(self, say: Callable[[], Sequence[str]]) -> Iterator[None]:
        from rich.constrain import Constrain
        from rich.live import Live
        from rich.text import Text

        self._live = rich = self.rich()

        def content() -> Constrain:
            said = visible(redact("\n".join(say()), secrets_of()))
            text = Text(said, no_wrap=True, overflow="ellipsis")
            # room for the ^C that a terminal echoes, which would else begin a line of its own
            return Constrain(text, rich.width - len("^C"))

        try:
            with Live(
                get_renderable=content,
                console=rich,
                transient=True,
                refresh_per_second=REFRESHES_PER_SECOND,
            ):
                yield
        finally:
            self._live = None

    @contextmanager
    def _heartbeat(self, say: Callable[[], Sequence[str]]) -> Iterator[None]:
        is_over = threading.Event()

        def beat() -> None:
            while not is_over.wait(HEARTBEAT_SECONDS):
                for line in say()[:1]:
                    self.note(line)

        thread = threading.Thread(target=beat, name="progress", daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()

    def error(self, error: PlatformError) -> None:
        """Print an error for a person on stderr, or as JSON on stdout."""
        if self.is_json:
            document: dict[str, Any] = {"schema_version": 1, "error": error_json(error)}
            if isinstance(error, FileErrors):
                document["errors"] = [error_json(each) for each in error.errors]
            self.json(document)
            return
        self._told(error, "error")

    def warning(self, error: PlatformError) -> None:
        """Print on stderr what is not right and stops nothing, also in JSON mode."""
        self._told(error, "warning")

    def _told(self, error: PlatformError, lead: str) -> None:
        width = shutil.get_terminal_size().columns if is_terminal(self.err) else PIPED_WIDTH
        for line in error.render(width, lead).split("\n"):
            # only the sentences: source lines have to stand below each other
            start = next((start for start in SENTENCES if line.startswith(start)), None)
            self.note(line, indent=None if start is None else SENTENCES[start])


def masked(value: Any, secrets: Sequence[str]) -> Any:
    """Return a JSON value whose texts, keys too, show no secrets."""
    if isinstance(value, str):
        return redact(value, secrets)
    if isinstance(value, list):
        return [masked(item, secrets) for item in value]
    if isinstance(value, dict):
        return {redact(key, secrets): masked(item, secrets) for key, item in value.items()}
    return value


def is_terminal(stream: IO[str]) -> bool:
    """Return whether a stream ends at a terminal."""
    return bool(getattr(stream, "isatty", lambda: False)())


def is_dumb() -> bool:
    """Return whether the terminal can neither colour nor move its cursor."""
    return os.environ.get("TERM", "").lower() in ("dumb", "unknown")


def drawn(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    title: str,
    right: Sequence[int],
    left_out: Sequence[int],
) -> Table:
    """Return a table without the columns in `left_out`."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    shown = [index for index in range(len(columns)) if index not in left_out]
    table = Table(title=title or None, box=SIMPLE_HEAD, title_justify="left")
    for index in shown:
        table.add_column(columns[index], justify="right" if index in right else "left")
    for row in rows:
        table.add_row(*(Text(visible(redact(row[index], secrets_of()))) for index in shown))
    return table


def fits(table: Table, rich: RichConsole) -> bool:
    """Return whether no cell of a table has to be folded."""
    from rich.measure import Measurement

    unlimited = rich.options.update(max_width=10_000)
    return Measurement.get(rich, unlimited, table).maximum <= rich.width


def error_json(error: PlatformError) -> dict[str, Any]:
    """Return an error for programs."""
    return {
        "message": redact(error.message, secrets_of()),
        "where": getattr(error, "where", None),
        "hint": redact(error.hint, secrets_of()) or None,
        "exit_code": error.exit_code,
    }


def run_guarded(body: Callable[[], int | None], console: Console) -> int:
    """Run a command body and return its exit code; no user ever sees a traceback.

    Bugs are reported with a reference to the log file that holds the traceback. A
    `KeyboardInterrupt` can carry what the user should know then.
    """
    try:
        return body() or 0
    except PlatformError as error:
        console.error(error)
        return error.exit_code
    except KeyboardInterrupt as stop:
        # below the ^C that a terminal echoes
        lead = "\n" if is_terminal(console.err) else ""
        console.note(lead + ": ".join(["interrupted", *map(str, stop.args)]))
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # the reader of our output went away; nothing is left to say
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115
        return EXIT_FAILED
    except ModuleNotFoundError as error:
        if not error.name or error.name.startswith("marketing_analytics"):
            return report_bug(error, console)
        console.error(missing_package(error.name))
        return EXIT_FAILED
    except Exception as error:
        return report_bug(error, console)


def missing_package(name: str) -> MachineError:
    """Return the error for a package that the deploy tool alone does not need."""
    return MachineError(
        f"the package {name} is not installed for {sys.executable}",
        hint="make install, or pip install -r requirements/all.txt",
    )


def report_bug(error: Exception, console: Console) -> int:
    """Tell about a bug of ours and return its exit code."""
    told = bug_in("marketing", error)
    console.error(told)
    return told.exit_code


def bug_in(place: str, error: Exception) -> PlatformError:
    """Return what is told of an error that nobody foresaw: a full disk, or a bug in a place."""
    if full := full_disk(error):
        return full
    reference = write_crash_report(error)
    return InternalError(
        f"this is a bug in {place}: {type(error).__name__}",
        hint=f"please report it with {reference}",
    )


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
