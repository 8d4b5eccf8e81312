"""Fit customer lifetime value outside of the warehouse, with the very file that dbt runs inside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import UserError
from marketing_analytics.measure.project import Project, load_file, report

MODEL = Path("models/intermediate/value/python/int_value__fits.py")
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


def fit_command(console: Console, project: Project) -> None:
    """Fit, keep the parameters in the warehouse, and say what came of it."""
    module = load_model(project.folder)
    rows = project.show(INPUTS)
    if not rows:
        raise UserError(
            "there are no customers with purchases to fit", hint="load orders, then build"
        )
    histories, spends = (columns_of(rows, name) for name in ("histories", "spends"))
    found = module.fits(histories, spends, datetime.now(UTC).replace(tzinfo=None))
    report(console, project.keep("keep_fits", found), "model_id", "customers")


def load_model(folder: Path) -> ModuleType:
    """Return the Python model of the project."""
    return load_file(folder / MODEL)


def columns_of(rows: Sequence[dict[str, Any]], name: str) -> dict[str, list[Any]]:
    """Return the rows of one input by column."""
    own = [row for row in rows if row["input"] == name]
    columns = {column: [float(row[column]) for row in own] for column in NUMBERS}
    return columns | {
        "as_of_date": [date.fromisoformat(str(row["as_of_date"])[:10]) for row in own]
    }


NUMBERS = ("frequency", "recency_days", "age_days", "repeat_usd", "customers")
