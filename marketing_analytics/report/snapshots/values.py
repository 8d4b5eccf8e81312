"""Values that no page can show: days that are not told, amounts that no shop has."""

from __future__ import annotations

import re
from typing import Any

from marketing_analytics.core.errors import UserError
from marketing_analytics.web.words import plural

# the day of each row of what goes by day, and the column of the mart that it comes from
DAYS = {
    "order_days": ("day_date", "conversion_date"),
    "campaign_days": ("day_date", "performance_date"),
    "ad_days": ("day_date", "report_date"),
    "rpt_attribution_days": ("day_date", "day_date"),
    "rpt_campaign_attribution_days": ("day_date", "day_date"),
    "fct_acquisition_funnel": ("session_date", "session_date"),
}
# pages add up cents, which are exact to nine times this
MOST = 10**13
READ = re.compile(r"\b(?:from|join)\s+(\w+)")
MADE = re.compile(r"\b(\w+) as \(")
MEND = "mend the rows there, or what they come from, then build the mart and publish again"


def check_values(connection: Any, table: str, copied: str, statement: str) -> None:
    """Raise UserError where a published table holds what pages cannot show.

    `copied` is its name here, `statement` what it was read by.
    """
    marts = read_by(statement)
    if table in DAYS:
        day, column = DAYS[table]
        (count,) = connection.execute(
            f"select count(*) from {copied} where {day} is null"  # noqa: S608
        ).fetchone()
        if count:
            rows = plural(count, f"row of {table} has", f"rows of {table} have")
            raise UserError(f"{marts}: {rows} no {column}", hint=MEND)
    described = connection.execute(f"describe {copied}").fetchall()
    amounts = [str(row[0]) for row in described if str(row[0]).endswith("_usd")]
    if not amounts:
        return
    largest = ", ".join(f"max(abs({name}))" for name in amounts)
    row = connection.execute(f"select {largest} from {copied}").fetchone()  # noqa: S608
    for name, value in zip(amounts, row, strict=True):
        # what is no number is not below either
        if value is not None and not value < MOST:
            raise too_large(marts, name, f"{float(value):.3g}")


def too_large(marts: str, column: str, value: str = "") -> UserError:
    """Return the error for an amount beyond all that can be counted."""
    told = f" {value}" if value else ""
    return UserError(
        f"{marts}: the amount{told} of {column} is too large: less than {MOST:,} can be shown",
        hint=MEND,
    )


def overflowing(
    connection: Any, statement: str, unread: type[Exception], source: str = ""
) -> UserError | None:
    """Return our error for a statement that failed on one of its columns, else None.

    `unread` is what the engine raises, `source` the statement that reads the marts, where this one
    reads a copy.
    """
    described = connection.execute(f"select * from ({statement}) as rows limit 0").description  # noqa: S608
    for column in described:
        try:
            connection.execute(f"select max({column[0]}) from ({statement}) as rows").fetchone()  # noqa: S608
        except unread:
            return unread_column(read_by(source or statement), str(column[0]))
    return None


def unread_column(marts: str, column: str) -> UserError:
    """Return the error for a column with a value that its type does not hold."""
    if column.endswith("_usd"):
        return too_large(marts, column)
    return UserError(f"{marts}: a value of {column} is none of its type", hint=MEND)


def read_by(statement: str) -> str:
    """Return the marts that a statement reads, for a sentence."""
    made = set(MADE.findall(statement))
    return ", ".join(name for name in dict.fromkeys(READ.findall(statement)) if name not in made)
