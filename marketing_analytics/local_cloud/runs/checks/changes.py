"""The comparison of a run with production as it is kept: one JSON file among the artifacts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from marketing_analytics.core.written import replace_file
from marketing_analytics.local_cloud.runs.checks.models import Compared
from marketing_analytics.local_cloud.runs.records import Run

ARTIFACT = "compare_changes.json"
# the same for people: a comment of the request
COMMENT = "compare_changes.md"
SCHEMA_VERSION = 1
MAX_LINES = 100
# what became of a model, in the order of interest
FAILED, CHANGED, ADDED, NOT_BUILT = "failed", "changed", "added", "not built"
# without a key nothing is known of the rows but their number
SAME, SAME_COUNT = "same", "same count"


def change_of(model: Compared, told: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a model differs, out of what the macro says of it."""
    own = names_of(model)
    if not told.get("is_built"):
        return {**own, "what": NOT_BUILT, "note": "the run has not built it"}
    if told.get("is_new"):
        rows = {"before": None, "after": told["rows_after"]}
        note = "production does not have it" if model.before is None else gone_words(model)
        return {**own, "what": ADDED, "rows": rows, "note": note}
    columns = column_changes(told["columns_before"], told["columns_after"])
    columns["values"] = values_of(told)
    rows = {"before": told["rows_before"], "after": told["rows_after"]}
    if told.get("key"):
        rows |= {name: told[name] for name in ("added", "removed", "changed")}
    is_changed = rows["before"] != rows["after"] or any(columns.values())
    is_changed |= any(rows.get(name) for name in ("added", "removed", "changed"))
    return {
        **own,
        "what": CHANGED if is_changed else SAME if told.get("key") else SAME_COUNT,
        "primary_key": told.get("key") or [],
        "rows": rows,
        "columns": columns,
        "sample_keys": told.get("sample_keys") or {},
        "sample_rows": told.get("sample_rows") or {},
        "event_time": time_of(told),
        "note": note_of(model, told, columns),
    }


def failure_of(model: Compared, reason: str) -> dict[str, Any]:
    """Return what is said of a model that could not be compared."""
    return {**names_of(model), "what": FAILED, "note": reason}


def names_of(model: Compared) -> dict[str, Any]:
    """Return what a model and its two relations are called."""
    return {
        "unique_id": model.unique_id,
        "name": model.name,
        "relation": dotted(model.after),
        "compared_with": dotted(model.before) if model.before else None,
    }


def dotted(place: Mapping[str, str]) -> str:
    """Return a relation as people write it."""
    return ".".join(place.values())


def gone_words(model: Compared) -> str:
    """Return that production should have a relation, and has not."""
    return f"there is no {dotted(model.before or {})}"


def column_changes(
    before: Mapping[str, str], after: Mapping[str, str]
) -> dict[str, list[dict[str, Any]]]:
    """Return the columns that came, went, or have another type; names are the same in any case."""
    old = {name.lower(): (name, kind) for name, kind in before.items()}
    new = {name.lower(): (name, kind) for name, kind in after.items()}
    return {
        "added": [as_column(new[key]) for key in new if key not in old],
        "removed": [as_column(old[key]) for key in old if key not in new],
        "retyped": [
            {"name": new[key][0], "before": old[key][1], "after": new[key][1]}
            for key in new
            if key in old and old[key][1] != new[key][1]
        ],
    }


def as_column(column: tuple[str, str]) -> dict[str, str]:
    """Return a column with its type."""
    return {"name": column[0], "type": column[1]}


def values_of(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the columns whose values differ, and in how many rows, the most first."""
    names = {name.lower(): name for name in told["columns_after"]}
    counts = told.get("changed_by_column") or {}
    found = [{"name": names.get(name, name), "rows": rows} for name, rows in counts.items() if rows]
    return sorted(found, key=lambda one: (-one["rows"], one["name"]))


def time_of(told: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the time that both sides have, to which the comparison keeps; None for all rows."""
    if not told.get("event_time"):
        return None
    return {
        "column": told["event_time"],
        "first": told["first_time"],
        "last": told["last_time"],
        "left_out_before": told["all_rows_before"] - told["rows_before"],
        "left_out_after": told["all_rows_after"] - told["rows_after"],
    }


def time_note(told: Mapping[str, Any]) -> str:
    """Return which rows lie outside of the time that both sides have, "" for none."""
    found = time_of(told)
    if not found or not (found["left_out_before"] or found["left_out_after"]):
        return ""
    first, last = found["first"], found["last"]
    kept = f"{found['column']} from {first} to {last}, which both have"
    # texts of one type in the order of time
    if first is None or last is None or first > last:
        kept = f"{found['column']} of a time that both have, and there is none"
    return (
        f"compared are rows with {kept}; left out: {found['left_out_before']} of production, "
        f"{found['left_out_after']} of this run"
    )


def note_of(model: Compared, told: Mapping[str, Any], columns: Mapping[str, Any]) -> str:
    """Return what a reader of the figures has to know, "" for nothing."""
    notes = [found] if (found := time_note(told)) else []
    if not model.key:
        notes.append(
            "no primary key: only rows and columns are counted; give the model a unique_key, "
            "a primary key constraint, or a column the tests unique and not_null"
        )
        return "; ".join(notes)
    if not told.get("key"):
        notes.append(
            f"the key {', '.join(model.key)} is not in both: only rows and columns are counted"
        )
        return "; ".join(notes)
    before, after = told["keyless_before"], told["keyless_after"]
    if before or after:
        notes.append(
            f"rows with a key that is null or there twice are not compared: {before} of "
            f"production, {after} of this run"
        )
    if columns["retyped"]:
        notes.append("values of columns with another type are not compared")
    return "; ".join(notes)


def write_changes(folder: Path, run: Run, flags: str, models: Sequence[Any], error: str) -> None:
    """Write the comparison where the artifacts of a step are taken from."""
    found = {
        "schema_version": SCHEMA_VERSION,
        "run_id": run.id,
        "compared_with_run_id": run.deferring_run_id,
        "flags": flags,
        "error": error or None,
        "models": list(models),
    }
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / ARTIFACT, json.dumps(found, indent=1))
    replace_file(folder / COMMENT, comment_of(run, flags, models, error))


def comment_of(run: Run, flags: str, models: Sequence[Any], error: str) -> str:
    """Return the comparison as text in Markdown; rows are in the artifact alone."""
    words = [f"Nothing is compared: {error}."] if error else [sentence_of(one) for one in models]
    words = words or ["The flags select no model that has a relation."]
    # names come from a database, and a host shows the text as HTML
    lines = [f"- {escape(one, quote=False)}" for one in words[:MAX_LINES]]
    lines += [f"- and {len(words) - MAX_LINES} more"] * (len(words) > MAX_LINES)
    other = run.deferring_run_id
    head = f"**Run {run.id} compared with " + (f"run {other}**" if other else "production**")
    return "\n".join([f"{head} (`{flags or 'no flags'}`)", "", *lines, ""])


def counted(rows: int) -> str:
    """Return a number of rows in words."""
    return f"{rows:,} row{'' if rows == 1 else 's'}"


def sentence_of(change: Mapping[str, Any]) -> str:
    """Return a change as one line of a log."""
    rows = change.get("rows") or {}
    parts = []
    if "added" in rows:
        told = (f"{counted(rows[name])} {name}" for name in ("added", "removed", "changed"))
        parts.append(", ".join(told))
    if rows.get("before") is not None:
        parts.append(f"{counted(rows['before'])} before, {rows['after']:,} after")
    elif rows:
        parts.append(counted(rows["after"]))
    columns = change.get("columns") or {}
    for word, name in (("added", "added"), ("removed", "removed"), ("of another type", "retyped")):
        names = [column["name"] for column in columns.get(name) or []]
        parts += [f"columns {word}: {', '.join(names)}"] if names else []
    parts += [change["note"]] if change.get("note") else []
    return f"{change['name']}: {change['what']}; {'; '.join(parts)}"
