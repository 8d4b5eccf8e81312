"""Tables and columns of the marts and of what they are built from, against the last run.

A table or column that has vanished, or changed its type, fails; a new column is told as a warning,
a new table is announced. A change that nobody takes back is the new form after some days.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from marketing_analytics.monitor.check import MOST_DAYS, Check, Finding, Look, Note, Threshold
from marketing_analytics.web.words import plural

# what dbt builds and throws away
PASSING = ("__dbt_", "_dbt_")
FORM, CHANGED = "columns", "changed"
ACTION = "compare with the release of the source or of the models, and change the models"
Form = dict[str, str]


def look(seen: Look) -> Iterator[Finding]:
    """Yield tables whose form has changed, and note the forms that hold."""
    now = forms(seen)
    known = {n.subject: json.loads(n.text) for n in seen.memory if n.name == FORM}
    since = {n.subject: date.fromisoformat(n.text) for n in seen.memory if n.name == CHANGED}
    for table in sorted(now.keys() | known.keys()):
        finding = compared(table, known.get(table), now.get(table)) if known else None
        began = since.get(table, seen.as_of)
        is_accepted = seen.as_of - began >= timedelta(days=int(seen.thresholds["days"]))
        if finding is None or is_accepted:
            remember(seen, table, now.get(table))
            continue
        yield Finding(**{**vars(finding), "since": began})
        remember(seen, table, known.get(table, {}))
        seen.note(Note(table, CHANGED, text=began.isoformat()))
    columns = sum(map(len, now.values()))
    yield Finding(
        "", "ok", f"{plural(len(now), 'table')} with {plural(columns, 'column')}: all as before"
    )


def remember(seen: Look, table: str, form: Form | None) -> None:
    """Note the form of a table that holds."""
    if form is not None:
        seen.note(Note(table, FORM, text=json.dumps(form)))


def forms(seen: Look) -> dict[str, Form]:
    """Return columns and their types by table."""
    found: dict[str, Form] = {}
    for row in seen.rows("columns", seen.place.schema):
        if not any(words in row["table_name"] for words in PASSING):
            found.setdefault(row["table_name"], {})[row["column_name"]] = row["data_type"]
    return found


def compared(table: str, known: Form | None, now: Form | None) -> Finding | None:
    """Return the finding for a table whose form is not what it was."""
    if not known:
        return Finding(table, "announced", f"the table {table} is new") if now else None
    if not now:
        return Finding(table, "failing", f"the table {table} has vanished", ACTION)
    return of_columns(table, known, now)


def of_columns(table: str, known: Mapping[str, str], now: Mapping[str, str]) -> Finding | None:
    """Return the finding for columns that are not what they were."""
    vanished = sorted(known.keys() - now.keys())
    appeared = sorted(now.keys() - known.keys())
    changed = [name for name in sorted(known.keys() & now.keys()) if known[name] != now[name]]
    parts = [
        f"lost {', '.join(vanished)}" if vanished else "",
        ", ".join(f"{name} is {now[name]} and was {known[name]}" for name in changed),
        f"got {', '.join(appeared)}" if appeared else "",
    ]
    if not any(parts):
        return None
    status = "failing" if vanished or changed else "warning"
    value = float(len(vanished) + len(changed) + len(appeared))
    sentence = f"{table}: " + "; ".join(filter(None, parts))
    return Finding(table, status, sentence, ACTION, value=value, lower=0.0, upper=0.0)


CHECK = Check(
    name="schema",
    title="tables and columns are as they were",
    severity="ticket",
    tables=(),
    look=look,
    thresholds={
        "days": Threshold(
            7, "Days after which a change is the new form.", minimum=1, maximum=MOST_DAYS
        )
    },
)
