"""Read NAME=value files."""

from __future__ import annotations

import re
from pathlib import Path

from marketing_analytics.core.errors import FileError, UserError, reason_of

LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")


def read_env_file(path: Path) -> dict[str, str]:
    """Return NAME=value lines; blank lines and `#` comments are skipped."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"cannot read the settings file {path}: {reason_of(error)}",
            hint="name a file of NAME=value lines",
        ) from None
    settings = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = LINE.fullmatch(line.strip())
        if not match:
            # the line is not shown: it may hold a secret
            raise FileError("not a setting", path=path, line=number, hint="write NAME=value")
        settings[match[1]] = unquoted(match[2].strip())
    return settings


def unquoted(text: str) -> str:
    """Return a value without the quotes around it."""
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text
