"""List what nobody uses: Python names by vulture, named SQL statements by their names.

Names that a page template or a statement reads are used. Exit code 1 when something is found.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from vulture import Vulture

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "marketing_analytics"
USERS = ("marketing_analytics", "scripts", "benchmarks")
# called or read by a library that we hand them to
CALLED_BY_LIBRARIES = [
    "@*.command*", "@*.group*", "@click.*", "@route*", "@serves*", "@override",
]  # fmt: skip
READ_BY_LIBRARIES = [
    # click
    "get_command", "format_commands", "make_formatter", "context_class", "command_class",
    # starlette's converters of paths and static files
    "regex", "convert", "to_string", "check_config",
    # uvicorn, sqlite3
    "capture_signals", "should_exit", "row_factory",
    # pytest, tempfile
    "pytest_addoption", "tempdir",
    # dbt-duckdb's plugins
    "Plugin", "initialize", "configure_connection",
    # requests' sessions and answers, dlt's loader of tables and its settings
    "trust_env", "_content", "_load_rows", "get_value",
    # dbt-duckdb's plugins, tempfile's folder
    "Plugin", "initialize", "configure_connection", "tempdir",
    # html.parser
    "handle_starttag",
]  # fmt: skip
STATEMENT = re.compile(r"^-- name: (\w+)", re.MULTILINE)
# what statements of the same file share
PART = re.compile(r"^-- part: (\w+)", re.MULTILINE)
# f"insert_{table}" uses every statement that starts like this
FAMILY = re.compile(r"\bf\"(\w+_)\{")


def found_in(suffix: str, pattern: str | re.Pattern[str]) -> set[str]:
    """Return what a pattern finds in the package's files of a kind."""
    texts = (path.read_text("utf-8") for path in PACKAGE.rglob(f"*{suffix}"))
    return {found for text in texts for found in re.findall(pattern, text)}


def unused_names() -> list[str]:
    """Return the Python names that no code of ours, no template and no statement reads."""
    finder = Vulture(ignore_names=READ_BY_LIBRARIES, ignore_decorators=CALLED_BY_LIBRARIES)
    finder.scavenge([str(ROOT / folder) for folder in USERS])
    # columns are named in texts
    named = found_in(".py", r"[\"'](\w+)[\"']")
    read = named | found_in(".html", r"\w+") | found_in(".sql", r":(\w+)")
    return [
        f"{item.filename}:{item.first_lineno}: {item.typ} {item.name}"
        for item in finder.get_unused_code(min_confidence=60)
        if item.name not in read and Path(item.filename).is_relative_to(PACKAGE)
    ]


def unused_parts() -> list[str]:
    """Return the parts of SQL statements that no statement of their file brings in."""
    texts = {path: path.read_text("utf-8") for path in PACKAGE.rglob("*.sql")}
    return [
        f"{path}: part {name}"
        for path, text in texts.items()
        for name in PART.findall(text)
        if not re.search(rf"@{name}\b", text)
    ]


def unused_statements() -> list[str]:
    """Return the named SQL statements that no Python text names."""
    named = found_in(".py", r"\w+")
    families = tuple(found_in(".py", FAMILY))
    return [
        f"{path}: statement {name}"
        for path in PACKAGE.rglob("*.sql")
        for name in STATEMENT.findall(path.read_text("utf-8"))
        if name not in named and not name.startswith(families)
    ]


def main() -> int:
    """Print what is found; return the exit code."""
    unused = unused_names() + unused_statements() + unused_parts()
    found = [line.replace(f"{ROOT}/", "") for line in unused]
    for line in found:
        print(f"nobody uses {line}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
