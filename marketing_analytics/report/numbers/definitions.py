"""The numbers of the report: each one formula over measures, each measure one statement of SQL.

A formula is a measure's name, or `("/", formula, formula)`. Pages work it out from the same parts,
and a test holds that they show what the statement says.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "sql"
Formula = str | tuple[str, Any, Any]
LTV = ("/", "value_usd", "valued_customers")
CAC = ("/", "spend_usd", "new_customers")


@dataclass(frozen=True)
class Metric:
    """A number: what it is called, what it is, whose it is.

    `unit`: usd (money of any currency), count or ratio. `better`: up, down or neither. `target`:
    its name in the plan.
    """

    name: str
    label: str
    unit: str
    better: str
    formula: Formula
    sentence: str
    models: tuple[str, ...]
    docs: str
    target: str = ""
    owner: str = "Marketing analytics"

    @property
    def is_total(self) -> bool:
        """Return whether days add up to it."""
        return isinstance(self.formula, str)

    @property
    def words(self) -> str:
        """Return the formula as people write it."""
        return words_of(self.formula)

    @property
    def measures(self) -> tuple[str, ...]:
        """Return the measures of the formula, each once."""
        return tuple(dict.fromkeys(measures_of(self.formula)))

    @property
    def sql(self) -> str:
        """Return the one statement of the number."""
        return f"select\n{indented(sql_of(self.formula), 4)} as {self.name}\n"


@dataclass(frozen=True)
class Filters:
    """What is asked for: days, customers, and how revenue is credited."""

    from_date: date
    to_date: date
    customers: str = "all"
    model: str = "position_based"
    window_days: int = 30
    day_kind: str = "conversion"

    @property
    def days(self) -> int:
        """Return how many days are asked for."""
        return (self.to_date - self.from_date).days + 1

    def before(self, compare: str) -> Filters | None:
        """Return what it is compared with: `previous` days, or the same of a `year` ago."""
        if compare == "previous":
            back = timedelta(days=self.days)
        elif compare == "year":
            # 52 weeks, so that weekdays meet
            back = timedelta(days=364)
        else:
            return None
        return Filters(
            self.from_date - back,
            self.to_date - back,
            self.customers,
            self.model,
            self.window_days,
            self.day_kind,
        )


METRICS = (
    Metric(
        "spend_usd", "Spend", "usd", "neither", "spend_usd",
        "What the ad platforms charged, as they report it today.",
        ("fct_campaign_performance",), "campaign-tracking.md", "spend_usd",
    ),
    Metric(
        "attributed_revenue_usd", "Attributed revenue", "usd", "up", "attributed_revenue_usd",
        "Net revenue that the attribution model credits to paid channels whose spend is loaded.",
        ("rpt_attribution_days", "dim_channels"), "attribution-models.md",
    ),
    Metric(
        "roas", "ROAS", "ratio", "up", ("/", "attributed_revenue_usd", "spend_usd"),
        "Attributed revenue for each unit of spend: one total over the other, never a mean.",
        ("rpt_attribution_days", "fct_campaign_performance"), "attribution-models.md",
    ),
    Metric(
        "mer", "MER", "ratio", "up", ("/", "revenue_usd", "spend_usd"),
        "All net revenue for each unit of spend (marketing efficiency ratio): needs no model.",
        ("fct_conversions", "fct_campaign_performance"), "metrics.md", "roas",
    ),
    Metric(
        "cac_usd", "CAC", "usd", "down", CAC,
        "Spend for each new customer, whatever brought them.",
        ("fct_campaign_performance", "fct_conversions"), "metrics.md", "cac_usd",
    ),
    Metric(
        "new_customers", "New customers", "count", "up", "new_customers",
        "Customers whose first order falls on these days.",
        ("fct_conversions",), "metrics.md", "new_customers",
    ),
    Metric(
        "ltv_to_cac", "LTV : CAC", "ratio", "up", ("/", LTV, CAC),
        "Expected value of a new customer's next 365 days over what winning one costs.",
        ("rpt_lifetime_value", "fct_campaign_performance", "fct_conversions"),
        "ltv-calculations.md",
    ),
    Metric(
        "orders", "Conversions", "count", "up", "orders",
        "Orders of these days, also those that were given back later.",
        ("fct_conversions",), "metrics.md",
    ),
    Metric(
        "revenue_usd", "Revenue", "usd", "up", "revenue_usd",
        "Net revenue of the orders of these days: refunds are taken from the day of the order.",
        ("fct_conversions",), "metrics.md", "revenue_usd",
    ),
    Metric(
        "claimed_share", "Platforms claim", "ratio", "neither",
        ("/", "claimed_value_usd", "attributed_revenue_usd"),
        "Value that the platforms claim over what the model credits to them.",
        ("fct_campaign_performance", "rpt_attribution_days"), "campaign-tracking.md",
    ),
)  # fmt: skip
TILES = METRICS[:8]
OF_EACH_DAY = "select (METRIC) from (select unnest($days::date[]) as day) as days order by days.day"


@cache
def measure_sql(name: str) -> str:
    """Return the statement of a measure, without its comment."""
    text = (FOLDER / "definitions" / f"{name}.sql").read_text(encoding="utf-8")
    return "\n".join(line for line in text.splitlines() if not line.startswith("--"))


def measure_by(name: str, column: str) -> str:
    """Return the statement of a measure for each value of a column, which comes first."""
    whole = measure_sql(name).strip().removeprefix("select ")
    return f"select {column}, {whole}\ngroup by {column}"


def measure_sentence(name: str) -> str:
    """Return what a measure is: the comment of its statement."""
    first = (FOLDER / "definitions" / f"{name}.sql").read_text(encoding="utf-8").splitlines()[0]
    return first.removeprefix("-- ")


def sql_of(formula: Formula) -> str:
    """Return a formula as an expression of SQL; nothing is divided by nothing."""
    if isinstance(formula, str):
        return f"(\n{indented(measure_sql(formula), 4)}\n)"
    _, above, below = formula
    return f"{sql_of(above)}\n/ nullif({sql_of(below)}, 0)"


def measures_of(formula: Formula) -> list[str]:
    """Return the measures of a formula in their order."""
    if isinstance(formula, str):
        return [formula]
    return [*measures_of(formula[1]), *measures_of(formula[2])]


def words_of(formula: Formula) -> str:
    """Return a formula in names of measures."""
    if isinstance(formula, str):
        return formula
    _, above, below = formula
    return " / ".join(
        part if isinstance(part, str) else f"({words_of(part)})" for part in (above, below)
    )


def indented(text: str, spaces: int) -> str:
    """Return lines moved to the right."""
    return "\n".join(" " * spaces + line if line else line for line in text.splitlines())


def parameters_of(sql: str, filters: Filters) -> dict[str, Any]:
    """Return the values of the parameters that a statement names: DuckDB refuses others."""
    given = {
        "from_date": filters.from_date,
        "to_date": filters.to_date,
        "customers": filters.customers,
        "model": filters.model,
        "window_days": filters.window_days,
        "day_kind": filters.day_kind,
    }
    return {name: value for name, value in given.items() if f"${name}" in sql}


def value_of(connection: Any, metric: Metric, filters: Filters) -> float | None:
    """Return a number of a snapshot; None where nothing is known."""
    row = connection.execute(metric.sql, parameters_of(metric.sql, filters)).fetchone()
    return None if row[0] is None else float(row[0])


def daily_values_of(connection: Any, metric: Metric, filters: Filters) -> list[float | None]:
    """Return a number of each day, what `value_of` gives for the day alone; in one statement."""
    days = [filters.from_date + timedelta(days=n) for n in range(filters.days)]
    of_day = metric.sql.replace("$from_date", "days.day").replace("$to_date", "days.day")
    sql = OF_EACH_DAY.replace("METRIC", of_day)
    rows = connection.execute(sql, parameters_of(of_day, filters) | {"days": days}).fetchall()
    return [None if value is None else float(value) for (value,) in rows]


def target_of(connection: Any, metric: Metric, filters: Filters) -> float | None:
    """Return the plan for a number; None where there is none, or for a part of the customers."""
    if not metric.target or filters.customers != "all":
        return None
    sql = (FOLDER / "targets.sql").read_text(encoding="utf-8")
    values = {
        "from_date": filters.from_date,
        "to_date": filters.to_date,
        "metric": metric.target,
        "is_total": metric.is_total,
    }
    row = connection.execute(sql, values).fetchone()
    return None if row[0] is None else float(row[0])
