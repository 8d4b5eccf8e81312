"""A dbt project that is fitted from outside of the warehouse: dbt reads and writes.

Whatever dbt can connect to is fitted, with the very files that it runs inside elsewhere.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import PlatformError, UserError

DBT = "from dbt.cli.main import cli; cli()"
TIMEOUT_SECONDS = 3600


@dataclass(frozen=True)
class Project:
    """A dbt project, and the warehouse it builds on; what is empty is left to dbt."""

    folder: Path
    profiles: Path | None = None
    target: str = ""
    variables: str = ""

    def run_dbt(self, *arguments: str) -> str:
        """Return what dbt printed. Raise PlatformError with its last lines when it failed."""
        command = [sys.executable, "-c", DBT, "--quiet", "--no-use-colors", *arguments]
        command += ["--project-dir", str(self.folder)]
        command += ["--profiles-dir", str(self.profiles)] if self.profiles else []
        command += ["--target", self.target] if self.target else []
        command += ["--vars", self.variables] if self.variables else []
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
        if done.returncode:
            said = (done.stdout + done.stderr).strip().splitlines()
            raise PlatformError(
                "dbt could not read or write the warehouse: " + " ".join(said[-12:]),
                hint="build int_value__fits, int_segments__fits and what they stand on first:"
                " docs/ltv-calculations.md",
            )
        return done.stdout

    def show(self, query: str, *options: str) -> list[dict[str, Any]]:
        """Return the rows of a query, their names in lower case: some engines write capitals."""
        asked = ("show", "--inline", query, "--limit", "-1", "--output", "json")
        answer = self.run_dbt(*asked, *options)
        return [lower_case(row) for row in json.loads(answer)["show"]]

    def keep(self, operation: str, rows: list[dict[str, Any]]) -> list[dict[str, str | None]]:
        """Let an operation of the project add rows, and return them as it got them."""
        texts = [{name: as_literal(value) for name, value in row.items()} for row in rows]
        self.run_dbt("run-operation", operation, "--args", json.dumps({"rows": texts}))
        return texts


def report(console: Console, rows: list[dict[str, str | None]], number: str, count: str) -> None:
    """Print a line for each row that was kept, or all of them as JSON.

    `number` and `count` are the columns with the row's own name and with how many customers.
    """
    if console.is_json:
        console.json({"fits": rows})
        return
    for row in rows:
        why = f": {row['reason']}" if row["reason"] else ""
        console.line(f"{row[number]}  {row[count]} customers  {row['status']}{why}")


def load_file(path: Path) -> ModuleType:
    """Return a Python model of the project. Raise UserError where there is none."""
    if not path.exists():
        raise UserError(f"there is no {path}", hint="name the project with --project-dir")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise UserError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def lower_case(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its names in lower case."""
    return {name.lower(): value for name, value in row.items()}


def as_literal(value: Any) -> str | None:
    """Return a value as the text that a warehouse casts; every digit of a double."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="microseconds")
    return repr(float(value)) if isinstance(value, float) else str(value)
