"""Lint files with sqlfluff, in the dbt process of a run: a project's settings may load code.

It is called as a command of that process, and prints a line for each finding. Imported there, so
nothing of the server is imported here.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MAX_PRINTED = 500
# where a project can keep its settings; but for the first they are of other tools too
SETTINGS = (".sqlfluff", "pyproject.toml", "setup.cfg", "tox.ini", "pep8.ini")


def has_module(name: str) -> bool:
    """Return whether a package is installed."""
    return importlib.util.find_spec(name) is not None


def has_settings(*folders: Path) -> bool:
    """Return whether one of the folders holds settings of sqlfluff."""
    paths = [folder / name for folder in folders for name in SETTINGS]
    return any("[sqlfluff" in text or "[tool.sqlfluff" in text for text in map(text_of, paths))


def text_of(path: Path) -> str:
    """Return the text of a file, "" for one that cannot be read."""
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def default_settings(dialect: str, macros: Sequence[Path], *, is_alone: bool) -> str:
    """Return the settings that a project's own are laid over.

    `is_alone` is whether it has none: then macros that are not at hand are no findings.
    """
    templater = "dbt" if has_module("sqlfluff_templater_dbt") else "jinja"
    lines = ["[sqlfluff]", f"dialect = {dialect}"]
    if is_alone:
        lines += [f"templater = {templater}", "ignore = templating"]
        lines += ["[sqlfluff:templater:jinja]", "apply_dbt_builtins = True"]
        lines += [f"load_macros_from_path = {','.join(map(str, macros))}"] if macros else []
    return "\n".join(lines) + "\n"


def lint(files: Sequence[str]) -> int:
    """Lint files of the working folder; return 0 without findings, 1 with some, 2 for an error."""
    if not files:
        return 0
    from sqlfluff.core import FluffConfig, Linter
    from sqlfluff.core.config.loader import load_config_up_to_path

    try:
        overrides = templater_at_hand(load_config_up_to_path(str(Path.cwd())))
        config = FluffConfig.from_root(overrides=overrides)
        templater = config.get_templater().name
        say(f"Dialect {config.get('dialect')}, templater {templater}.")
        result = Linter(config=config).lint_paths(tuple(files), processes=1)
    except Exception as error:
        # a dialect that it does not know is a KeyError, and settings may load code of the project
        reason = error.args[0] if error.args else type(error).__name__
        say(f"Error: sqlfluff cannot lint: {reason}")
        return 2
    return told(result.as_records())


def templater_at_hand(settings: Any) -> dict[str, Any]:
    """Return what the settings are overridden with: dbt's templater may not be installed."""
    wanted = (settings.get("core") or {}).get("templater")
    if wanted != "dbt" or has_module("sqlfluff_templater_dbt"):
        return {}
    say("The project asks for the templater dbt, which is not installed: jinja is used.")
    return {"templater": "jinja"}


def told(records: Sequence[Any]) -> int:
    """Print the findings, and in the end how many there are; return the exit code."""
    found = [
        (record["filepath"], finding) for record in records for finding in record["violations"]
    ]
    for path, finding in found[:MAX_PRINTED]:
        place = f"{path}:{finding['start_line_no']}:{finding['start_line_pos']}"
        mild = " (a warning)" if finding.get("warning") else ""
        say(f"{place}: {finding['code']} {finding['description']}{mild}")
    if len(found) > MAX_PRINTED:
        say(f"And {len(found) - MAX_PRINTED} more.")
    wrong = [path for path, finding in found if not finding.get("warning")]
    if not wrong:
        say("No findings." if not found else "Nothing but warnings.")
        return 0
    words = f"{len(wrong)} finding{'s' * (len(wrong) > 1)}"
    files = len(set(wrong))
    say(f"Error: {words} in {files} file{'s' * (files > 1)}")
    return 1


def say(text: str) -> None:
    """Print one line to the log of the step."""
    print(" ".join(text.split()), flush=True)  # noqa: T201
