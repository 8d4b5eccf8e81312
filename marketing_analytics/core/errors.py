"""The one error tree. Its shape says what the caller can do.

PlatformError                 exit 1
├── UserError                 exit 2   bad usage, setting or file: the user mends it
│   ├── MissingSettingError            a required setting is not set
│   └── FileError                      a place in a file: file:line:column, source line
│       └── FileErrors                 all mistakes of a file, in the order of their places
├── RemoteError               exit 1   another system answered, or did not
│   ├── TransientError                 nothing was done there; try again later
│   ├── TerminalError                  refused; trying again gives the same answer
│   │   └── AuthError         exit 4   token missing, wrong, expired or without the right
│   └── AmbiguousError                 the request may have been carried out
├── StaleError           exit 3   what was planned does not fit what is there by now
├── LockedError               exit 4   somebody else holds the lock
├── MachineError              exit 1   this machine: port taken, disk full, program missing
└── InternalError             exit 1   a bug of ours
"""

from __future__ import annotations

import errno
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from marketing_analytics.core.redaction import secrets_of, starred
from marketing_analytics.core.signs import visible

# nobody folds lines in a file or a pipe
PIPED_WIDTH = 160

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_STALE = 3
EXIT_AUTH_OR_LOCK = 4
EXIT_PARTLY_APPLIED = 5
EXIT_RUN_CANCELLED = 20
EXIT_RUN_TIMED_OUT = 21
EXIT_INTERRUPTED = 130


class PlatformError(Exception):
    """Something went wrong; `message` says what, `hint` says what to do next."""

    exit_code = EXIT_FAILED

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def render(self, width: int = PIPED_WIDTH, lead: str = "error") -> str:
        """Return the text shown to the user, without colour and without a traceback.

        Control characters are signs, and source lines are cut to `width` columns. `lead` says
        whether it is an error or a warning.
        """
        lines = [f"{lead}: {self.message}", *self.excerpt(width)]
        if self.hint:
            lines.append(f"  help: {self.hint}")
        return visible("\n".join(lines))

    def excerpt(self, width: int) -> list[str]:
        """Return lines that show the place of the error, if it has one."""
        return []


def reason_of(error: OSError | UnicodeDecodeError) -> str:
    """Return why a file cannot be read, without its path."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return error.strerror or str(error)


NO_SPACE = {errno.ENOSPC, errno.EDQUOT}
# databases tell it in words
NO_SPACE_LEFT = re.compile(r"No space left|disk is full|could not extend file", re.IGNORECASE)


def full_disk(error: BaseException | None) -> DiskFullError | None:
    """Return our error where the first cause of an error is that no space is left, else None."""
    while error is not None:
        if getattr(error, "errno", None) in NO_SPACE or NO_SPACE_LEFT.search(str(error)):
            return DiskFullError("no space left on the disk", hint="free some and run again")
        error = error.__cause__ or error.__context__
    return None


def is_bug(error: BaseException) -> bool:
    """Return whether an error is a bug of ours, whose traceback is wanted.

    What the machine and its databases cannot do is none: a full disk is told in a line.
    """
    if isinstance(error, PlatformError | OSError):
        return False
    # who never loaded SQLite has no error of it, and need not wait for it to load
    sqlite3 = sys.modules.get("sqlite3")
    return sqlite3 is None or not isinstance(error, sqlite3.Error)


class UserError(PlatformError):
    """What was given cannot be used."""

    exit_code = EXIT_USAGE


class MissingSettingError(UserError):
    """A required setting is not set; `flag` gives it too, `instead` says how to do without."""

    def __init__(self, name: str, *, purpose: str = "", flag: str = "", instead: str = "") -> None:
        what = f" ({purpose})" if purpose else ""
        other = instead or (f"pass {flag}" if flag else "")
        hint = f"export {name}=..." + (f" or {other}" if other else "")
        super().__init__(f"{name} is not set{what}", hint=hint)
        self.name = name


def not_set(
    purposes: Mapping[str, str], *, flags: Mapping[str, str] | None = None, instead: str = ""
) -> UserError:
    """Return one error for all the settings (name: purpose) that are not set.

    `flags` give them too; `instead` says how else to go on.
    """
    names = list(purposes)
    given = [(flags or {}).get(name, "") for name in names]
    if len(names) == 1:
        return MissingSettingError(
            names[0], purpose=purposes[names[0]], flag=given[0], instead=instead
        )
    other = instead or (f"pass {', '.join(given)}" if all(given) else "")
    hint = "export them" + (f", or {other}" if other else "")
    return UserError(f"these settings are not set: {', '.join(names)}", hint=hint)


class FileError(UserError):
    """A file is wrong at a known place.

    `line` and `column` count from 1; `source` is the text of that line, shown with a caret.
    Line 0 is the file as a whole, which the message names.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | Path,
        line: int = 1,
        column: int = 1,
        source: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.path = str(path)
        self.line = line
        self.column = column
        self.source = source
        # the texts of the line are stars, because one of them is a secret
        self.is_masked = False

    @property
    def where(self) -> str:
        """Return `file:line:column`, or the file alone."""
        return f"{self.path}:{self.line}:{self.column}" if self.line else self.path

    def excerpt(self, width: int) -> list[str]:
        if not self.line:
            return []
        lines = [f"  --> {self.where}"]
        if self.source:
            number = f"  {self.line} | "
            shown, caret = part_around(self.source, self.column, width - len(number))
            blank = " " * len(str(self.line))
            lines += [f"{number}{shown}", f"  {blank} | {' ' * caret}^"]
        return lines


def part_around(source: str, column: int, room: int) -> tuple[str, int]:
    """Return what has room of a line around a column, and how many characters precede it there.

    Secrets are stars before anything is cut: half of one would not be known as a secret.
    """
    source = starred(source, secrets_of()).replace("\t", " ")
    caret = len(visible(source[: column - 1]))
    text = visible(source)
    first = max(0, min(caret - room // 2, len(text) - room))
    part = text[first : first + room]
    if first:
        part = f"…{part[1:]}"
    if first + room < len(text):
        part = f"{part[:-1]}…"
    return part, caret - first


class FileErrors(FileError):  # noqa: N818 - it is several
    """Several mistakes, in `errors`; place and message are those of the first."""

    def __init__(self, errors: Sequence[FileError]) -> None:
        first = errors[0]
        super().__init__(
            first.message,
            path=first.path,
            line=first.line,
            column=first.column,
            source=first.source,
            hint=first.hint,
        )
        self.errors = tuple(errors)

    def render(self, width: int = PIPED_WIDTH, lead: str = "error") -> str:
        shown = [error.render(width, lead) for error in self.errors]
        return "\n".join([*shown, f"{len(shown)} {lead}s"])


def in_one(errors: Iterable[FileError]) -> FileError:
    """Return one error that holds all of them, sorted by place within each file."""
    singles: list[FileError] = []
    for error in errors:
        singles += error.errors if isinstance(error, FileErrors) else [error]
    singles = list({id(error): error for error in singles}.values())
    files = list(dict.fromkeys(error.path for error in singles))
    singles.sort(key=lambda error: (files.index(error.path), error.line, error.column))
    return singles[0] if len(singles) == 1 else FileErrors(singles)


class RemoteError(PlatformError):
    """Another system answered with an error, or not at all."""

    def __init__(self, message: str, *, hint: str = "", status_code: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status_code = status_code


class TransientError(RemoteError):
    """Nothing was done there; the same request may succeed later."""

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        status_code: int | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint, status_code=status_code)
        self.retry_after_seconds = retry_after_seconds


class TerminalError(RemoteError):
    """Refused; the same request will be refused again."""


class AuthError(TerminalError):
    """The token is missing, wrong, expired or lacks the permission."""

    exit_code = EXIT_AUTH_OR_LOCK


class AmbiguousError(RemoteError):
    """The request may have been carried out; look before repeating it."""


class StaleError(PlatformError):
    """What was planned does not fit what is there by now."""

    exit_code = EXIT_STALE


class LockedError(PlatformError):
    """Somebody else holds the lock."""

    exit_code = EXIT_AUTH_OR_LOCK


class MachineError(PlatformError):
    """This machine cannot do it: port taken, disk full, program missing."""


class DiskFullError(MachineError):
    """No space is left: nothing else that writes would do better."""


class InternalError(PlatformError):
    """A bug of ours."""
