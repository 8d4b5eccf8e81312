"""Train the models of segments outside of the warehouse, with the file that dbt runs inside."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import UserError
from marketing_analytics.measure.project import Project, load_file, report

MODEL = Path("models/intermediate/segments/python/int_segments__fits.py")
EXAMPLES = "select * from {{ ref('int_segments__examples') }}"
DATES = ("cut_off_date", "as_of_date")
TEXTS = ("segment_name", "cut_off_role", "goal", "definition", "customer_key", "answer")


def segments_command(console: Console, project: Project) -> None:
    """Train, keep the trainings in the warehouse, and say what came of each."""
    module = load_model(project.folder)
    rows = project.show(EXAMPLES)
    if not rows:
        raise UserError(
            "there are no customers to learn from", hint="load orders, then build with dbt"
        )
    found = module.fits(columns_of(rows), datetime.now(UTC).replace(tzinfo=None))
    report(console, project.keep("keep_segment_fits", found), "fit_id", "train_customers")


def load_model(folder: Path) -> ModuleType:
    """Return the Python model of the project."""
    return load_file(folder / MODEL)


def columns_of(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Return the rows by column: days, texts, and numbers."""
    columns: dict[str, list[Any]] = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        if name in DATES:
            columns[name] = [date.fromisoformat(str(value)[:10]) for value in values]
        else:
            columns[name] = values if name in TEXTS else [float(value) for value in values]
    return columns
