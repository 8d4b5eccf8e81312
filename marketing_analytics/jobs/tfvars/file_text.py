"""The text of a variable file, and whether Terraform reads it as JSON."""

from __future__ import annotations

import codecs
from pathlib import Path

from marketing_analytics.core.errors import FileError
from marketing_analytics.jobs.tfvars.values import Source

MAX_BYTES = 16 * 1024 * 1024


def read_text(path: str | Path) -> str:
    """Return the text of a file. Raise UserError or FileError when there is none to read."""
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise unreadable(path, f"there is no file {path}", neighbour(Path(path))) from None
    except OSError as error:
        raise unreadable(path, f"cannot read {path}: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise FileError("the file is larger than 16 MB", path=path, hint="split it")
    return decode(data, path)


def unreadable(path: str | Path, message: str, meant: str = "") -> FileError:
    """Return the error for a file that cannot be read."""
    hint = f"did you mean {meant}?" if meant else "check the path"
    return FileError(message, path=path, line=0, hint=hint)


def neighbour(path: Path) -> str:
    """Return the file in the same folder whose name is almost the same, or nothing."""
    import difflib

    try:
        names = [each.name for each in path.parent.iterdir() if each.is_file()]
    except OSError:
        return ""
    close = difflib.get_close_matches(path.name, names, n=1, cutoff=0.8)
    return str(path.with_name(close[0])) if close else ""


def decode(data: bytes, path: str | Path) -> str:
    """Return the text of UTF-8 bytes; a byte order mark is dropped, where it may stand."""
    if not is_json(path):
        data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        good = data[: error.start].decode("utf-8")
        source = Source(good + "\ufffd", path)
        raise source.error(
            "the file is not UTF-8 text", len(good), "save it as UTF-8 in your editor"
        ) from None


def is_json(path: str | Path) -> bool:
    """Return whether Terraform reads a file of this name as JSON."""
    return str(path).endswith(".json")
