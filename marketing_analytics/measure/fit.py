"""Fit customer lifetime value outside of the warehouse, with the very file that dbt runs inside.

dbt reads and writes: whatever it can connect to is fitted.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import PlatformError, UserError

MODEL = Path("models/intermediate/value/python/int_value__fits.py")
DBT = "from dbt.cli.main import cli; cli()"
TIMEOUT_SECONDS = 3600
# both tables in one query: dbt takes seconds to start
INPUTS = """
select 'histories' as input, as_of_date, frequency, recency_days, age_days,
    0e0 as repeat_usd, customers
from {{ ref('int_value__distinct_histories') }}
union all
select 'spends' as input, as_of_date, frequency, 0 as recency_days, 0 as age_days,
    repeat_usd, customers
from {{ ref('int_value__distinct_spends') }}
"""


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
                hint="build int_value__fits and its parents first: docs/ltv-calculations.md",
            )
        return done.stdout


def fit_command(console: Console, project: Project) -> None:
    """Fit, keep the parameters in the warehouse, and say what came of it."""
    module = load_model(project.folder)
    answer = project.run_dbt("show", "--inline", INPUTS, "--limit", "-1", "--output", "json")
    rows = json.loads(answer)["show"]
    if not rows:
        raise UserError(
            "there are no customers with purchases to fit", hint="load orders, then build"
        )
    histories, spends = (columns_of(rows, name) for name in ("histories", "spends"))
    found = module.fits(histories, spends, datetime.now(UTC).replace(tzinfo=None))
    texts = [{name: as_literal(value) for name, value in row.items()} for row in found]
    project.run_dbt("run-operation", "keep_fits", "--args", json.dumps({"rows": texts}))
    report(console, texts)


def load_model(folder: Path) -> ModuleType:
    """Return the Python model of the project. Raise UserError where there is none."""
    path = folder / MODEL
    if not path.exists():
        raise UserError(f"there is no {path}", hint="name the project with --project-dir")
    spec = importlib.util.spec_from_file_location("int_value__fits", path)
    if spec is None or spec.loader is None:
        raise UserError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def columns_of(rows: Sequence[dict[str, Any]], name: str) -> dict[str, list[Any]]:
    """Return the rows of one input by column."""
    # some engines write names in capitals
    own = [lowered for row in rows if (lowered := lower_case(row))["input"] == name]
    columns = {column: [float(row[column]) for row in own] for column in NUMBERS}
    return columns | {
        "as_of_date": [date.fromisoformat(str(row["as_of_date"])[:10]) for row in own]
    }


NUMBERS = ("frequency", "recency_days", "age_days", "repeat_usd", "customers")


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


def report(console: Console, rows: list[dict[str, str | None]]) -> None:
    """Print a line for each fit, or all of them as JSON."""
    if console.is_json:
        console.json({"fits": rows})
        return
    for row in rows:
        why = f": {row['reason']}" if row["reason"] else ""
        console.line(f"{row['model_id']}  {row['customers']} customers  {row['status']}{why}")
