"""DuckDB as the warehouse: connect, who writes and who waits, dbt's profile.

DuckDB lets nobody read a file that another process writes.
"""

from __future__ import annotations

import contextlib
import fcntl
import shlex
import struct
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from marketing_analytics.core.commands import program
from marketing_analytics.core.errors import (
    LockedError,
    MachineError,
    PlatformError,
    UserError,
    full_disk,
)
from marketing_analytics.core.written import sync_file

POLL_SECONDS = 0.2
# a JSON list: the folders that the SQL of a run may read and write, such as that of its seeds
RUN_FOLDERS = "MARKETING_RUN_FOLDERS"
# struct flock of Linux: type, whence, start, length, process
LOCK = "hhqqi"
# how DuckDB says that another process has the file; a damaged `block` is another matter
LOCKED = "Could not set lock on file"


def connect(
    path: Path, *, is_read_only: bool = False, wait_seconds: float = 0.0, hint: str = ""
) -> Any:
    """Return a connection to a file, after waiting for another process to let go of it.

    Raise LockedError when it stays taken (`hint` says how to wait longer), UserError for a file
    of something else, MachineError for one that cannot be opened.
    """
    import duckdb

    pass_over_missing_pandas()
    if is_read_only and not path.exists():
        raise MachineError(f"cannot read {path}: there is no such file")
    return once_free(
        lambda: duckdb.connect(str(path), read_only=is_read_only), path, wait_seconds, hint
    )


def attach_beside(connection: Any, path: Path, alias: str, *, wait_seconds: float) -> None:
    """Attach a file that is read alone, after waiting for who writes it. Raise as `connect`."""
    statement = f'attach {quoted(path)} as "{alias}" (read_only)'
    once_free(lambda: connection.execute(statement), path, wait_seconds)


def once_free(take: Callable[[], Any], path: Path, wait_seconds: float, hint: str = "") -> Any:
    """Return what taking a file gives, tried again while another process has it."""
    import duckdb

    give_up_at = time.monotonic() + wait_seconds
    while True:
        try:
            return take()
        except duckdb.IOException as error:
            if LOCKED not in str(error):
                raise open_error(path, error) from None
            if time.monotonic() >= give_up_at:
                raise locked_error(path, error, wait_seconds, hint) from None
            time.sleep(POLL_SECONDS)


class NoPandas:
    """Says at once that pandas is not installed: DuckDB looks for it twice for each value given.

    A list of a thousand values takes 5 ms then, and 60 where every folder is searched.
    """

    @staticmethod
    def find_spec(name: str, _path: object = None, _target: object = None) -> None:
        """Raise ModuleNotFoundError for pandas; leave all else to others."""
        if name == "pandas":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def pass_over_missing_pandas() -> None:
    """Have nobody search for pandas again and again where there is none."""
    if NoPandas not in sys.meta_path and find_spec("pandas") is None:
        sys.meta_path.insert(0, NoPandas)


def rewrite(path: Path, *, wait_seconds: float = 0.0) -> None:
    """Write a file anew and put it in the place of the old one.

    Deleted rows stay in the pages of a DuckDB file that it may use again; a new one has none.
    """
    new = path.with_name(f"{path.name}.new")
    with new_file(new), contextlib.closing(connect(path, wait_seconds=wait_seconds)) as connection:
        connection.execute("checkpoint")
        mode = path.stat().st_mode & 0o777
        connection.execute(f"attach {quoted(new)} as rewritten")
        old = connection.execute("select current_database()").fetchone()[0]
        connection.execute(f'copy from database "{old}" to rewritten')
        connection.execute("checkpoint rewritten")
        connection.execute("detach rewritten")
        check_without_log(new)
        new.chmod(mode)
        sync_file(new)
        new.replace(path)


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[None]:
    """Let a file be written inside; whatever is raised leaves nothing of it.

    Raise MachineError where the disk does not take it. To close a file writes what is not yet in
    it, and says nothing where that fails: who writes one ends with `checkpoint`, which raises.
    """
    import duckdb

    forget(path)
    try:
        yield
    except BaseException as error:
        forget(path)
        if isinstance(error, duckdb.OperationalError | duckdb.FatalException):
            reason = str(error).splitlines()[0]
            raise full_disk(error) or MachineError(
                f"cannot write {path}: {reason}", hint="check the space and the limits of the disk"
            ) from None
        raise


def forget(path: Path) -> None:
    """Remove a file and its log."""
    path.unlink(missing_ok=True)
    log_of(path).unlink(missing_ok=True)


def log_of(path: Path) -> Path:
    """Return the file in which DuckDB keeps what is not yet in another one."""
    return path.with_name(f"{path.name}.wal")


def check_without_log(path: Path) -> None:
    """Raise MachineError where a part of a file stands in its log alone."""
    if log_of(path).exists():
        raise MachineError(
            f"{path} was not written whole: a part is in {log_of(path).name}",
            hint="check the space and the limits of the disk",
        )


def quoted(path: Path) -> str:
    """Return a path as a text of SQL."""
    doubled = str(path).replace("'", "''")
    return f"'{doubled}'"


def open_error(path: Path, error: Exception) -> PlatformError:
    """Return our error for a file that DuckDB cannot open."""
    text = str(error).splitlines()[0]
    if "not a valid DuckDB" in text or "version number" in text:
        return UserError(
            f"{path} is not a DuckDB file that this program reads", hint="use another path"
        )
    return MachineError(f"cannot open {path}: {text}")


def locked_error(path: Path, error: Exception, wait_seconds: float, hint: str) -> LockedError:
    """Return the error with the holder that DuckDB names."""
    text = str(error)
    holder = text[text.find("held in") + 8 :].split(". ")[0] if "held in" in text else ""
    more = f", {hint}" if hint else ""
    return LockedError(
        f"{path} is in use{f' by {holder}' if holder else ''}",
        hint=f"waited {wait_seconds:.0f} s; run again when it has ended{more}",
    )


def profile_output(
    path: Path, *, schema: str, threads: int, raw_database: Path | None
) -> dict[str, Any]:
    """Return dbt's output for a file; an existing raw database is attached read-only as `raw`."""
    output: dict[str, Any] = {
        "type": "duckdb",
        "path": str(path),
        "schema": schema,
        "threads": threads,
    }
    if raw_database is not None and raw_database.exists():
        output["attach"] = [attach(raw_database, "raw")]
    return output


def attach(path: Path, alias: str) -> dict[str, Any]:
    """Return dbt's words for a file that is attached read-only under a name."""
    return {"path": str(path), "alias": alias, "read_only": True}


def no_raw_database(path: Path) -> str:
    """Return the sentence for a raw database that no ingestion has made."""
    command = f"{program()} ingest run --raw-database {shlex.quote(str(path))}"
    return f"there is no raw database at {path} yet: {command} fills it"


def writer_of(path: Path) -> int | None:
    """Return the process that holds the write lock of a DuckDB file, or None.

    The kernel is asked; trying to lock the file would get in the writer's way. Linux only:
    elsewhere dbt itself says that the file is locked.
    """
    if not sys.platform.startswith("linux"):
        return None
    try:
        with path.open("rb") as file:
            asked = struct.pack(LOCK, fcntl.F_RDLCK, 0, 0, 0, 0)
            answer = fcntl.fcntl(file.fileno(), fcntl.F_GETLK, asked)
    except OSError:
        return None
    kind, _, _, _, process_id = struct.unpack(LOCK, answer)
    return None if kind == fcntl.F_UNLCK else int(process_id)


def wait_for_writer(
    path: Path, seconds: float, *, say: Callable[[str], None], check: Callable[[], None]
) -> None:
    """Wait until nobody writes the file. Raise MachineError when that takes too long.

    `check` is called while waiting; it raises when the wait is to end.
    """
    give_up_at = time.monotonic() + seconds
    has_said = False
    while (process_id := writer_of(path)) is not None:
        if time.monotonic() >= give_up_at:
            raise still_written(path, process_id, seconds)
        if not has_said:
            say(f"Process {process_id} writes {path}; waiting up to {seconds:.0f} s for its end.")
            has_said = True
        check()
        time.sleep(POLL_SECONDS)


def still_written(path: Path, process_id: int, seconds: float) -> MachineError:
    """Return the error for a raw database that stays locked."""
    return MachineError(
        f"process {process_id} has been writing the raw database {path} for {seconds:.0f} s",
        hint="start the run again when the ingestion has ended",
    )


def is_lock_message(text: str, path: Path) -> bool:
    """Return whether dbt says that it could not open the raw database for its lock."""
    return LOCKED in text and str(path) in text
