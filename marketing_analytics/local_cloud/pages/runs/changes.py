"""How what a run has built differs from production, out of the file that the run keeps of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from marketing_analytics.core.redaction import redact
from marketing_analytics.local_cloud.pages.artifacts.reading import (
    Part,
    number_of,
    part_of,
    parts_of,
    read_object,
    stamp_of,
    text_of,
    texts_of,
)
from marketing_analytics.local_cloud.pages.states import State
from marketing_analytics.local_cloud.runs.artifacts import artifacts_of_steps
from marketing_analytics.local_cloud.runs.checks.changes import (
    ADDED,
    ARTIFACT,
    CHANGED,
    FAILED,
    NOT_BUILT,
    SAME,
    SAME_COUNT,
)
from marketing_analytics.local_cloud.runs.checks.masking import MAX_ROWS, MAX_SAMPLES

MAX_MODELS = 500
MAX_COLUMNS = 12
STATES = {
    FAILED: State("Not compared", "cross", "error"),
    CHANGED: State("Changed", "again", "warn"),
    ADDED: State("New", "check", "running"),
    NOT_BUILT: State("Not built", "slash", "cancelled"),
    SAME_COUNT: State("Same count", "dot", "idle"),
    SAME: State("Same", "check", "success"),
}
KINDS = ("added", "removed", "changed")
COLUMN_WORDS = {"added": "new", "removed": "gone", "retyped": "other type"}


@dataclass(frozen=True)
class ModelChange:
    """One model: its state, numbers as texts with a dash where nothing is known, sentences."""

    unique_id: str
    name: str
    state: State
    rows: str
    added: str
    removed: str
    changed: str
    columns: Sequence[str]
    samples: Sequence[str]
    key: str
    note: str


@dataclass(frozen=True)
class Changes:
    """What the step that compares has found; `error` is why it found nothing."""

    models: list[ModelChange] = field(default_factory=list)
    total: int = 0
    words: str = ""
    with_run_id: int | None = None
    flags: str = ""
    error: str = ""


def changes_of(data_dir: Path, run_id: int, secrets: Sequence[str]) -> Changes | None:
    """Return how a run differs from production, None when it did not look."""
    files = artifacts_of_steps(data_dir, run_id, ARTIFACT)
    if not files or stamp_of(files[-1]) is None:
        return None
    found = read_object(files[-1])
    order = list(STATES)
    parts = sorted(
        parts_of(found.get("models")),
        key=lambda part: (order.index(what_of(part)), text_of(part.get("name"))),
    )
    models = [model_change(part, secrets) for part in parts]
    other = number_of(found.get("compared_with_run_id"))
    return Changes(
        models=models[:MAX_MODELS],
        total=len(models),
        words=words_of(models),
        with_run_id=int(other) if other else None,
        flags=redact(text_of(found.get("flags")), secrets),
        error=redact(text_of(found.get("error")), secrets),
    )


def what_of(part: Part) -> str:
    """Return what the file says of a model; a word that is not known is a failure."""
    what = text_of(part.get("what"))
    return what if what in STATES else FAILED


def words_of(models: Sequence[ModelChange]) -> str:
    """Return `1 changed, 2 new`, in the order of interest."""
    words = [model.state.word.lower() for model in models]
    return ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))


def model_change(part: Part, secrets: Sequence[str]) -> ModelChange:
    """Return one model of the file."""
    rows, columns = part_of(part.get("rows")), part_of(part.get("columns"))
    before, after = counted(rows.get("before")), counted(rows.get("after"))
    return ModelChange(
        unique_id=text_of(part.get("unique_id")),
        name=text_of(part.get("name")),
        state=STATES[what_of(part)],
        rows=after if before in ("–", after) else f"{before} → {after}",
        added=counted(rows.get("added")),
        removed=counted(rows.get("removed")),
        changed=counted(rows.get("changed")),
        columns=column_words(columns),
        samples=[redact(words, secrets) for words in sample_words(part)],
        key=", ".join(texts_of(part.get("primary_key"))),
        note=redact(text_of(part.get("note")), secrets)[:1000],
    )


def counted(value: object) -> str:
    """Return a number of rows, a dash where none is known."""
    number = number_of(value)
    return "–" if number is None else f"{int(number):,}"


def column_words(columns: Part) -> list[str]:
    """Return what happened to columns, one sentence for each kind."""
    found = []
    for kind, word in COLUMN_WORDS.items():
        names = [named(column) for column in parts_of(columns.get(kind))]
        if names:
            found.append(f"{word}: {listed(names)}")
    values = parts_of(columns.get("values"))
    names = [f"{text_of(one.get('name'))} in {counted(one.get('rows'))}" for one in values]
    return [*found, *([f"values: {listed(names)}"] if names else [])]


def sample_words(model: Part) -> list[str]:
    """Return `added: id 5, total 7` of the rows that are kept, masked already, of each kind."""
    kinds = part_of(model.get("sample_rows"))
    rows = [
        f"{kind}: {', '.join(cell_words(name, value) for name, value in row.items())}"
        for kind in KINDS
        for row in parts_of(kinds.get(kind))[:MAX_SAMPLES]
    ]
    return rows or key_words(model.get("sample_keys"))


def cell_words(name: str, value: object) -> str:
    """Return a value with its column, both of a value that has changed."""
    change = part_of(value)
    if not change:
        return f"{name} {text_of(value)}"
    return f"{name} {text_of(change.get('before'))} → {text_of(change.get('after'))}"


def key_words(found: object) -> list[str]:
    """Return `added: 5; 6` of the keys that are kept where rows are not, of each kind of row."""
    kinds = part_of(found)
    words = []
    for kind in KINDS:
        given = kinds.get(kind)
        keys = [texts_of(key) for key in given] if isinstance(given, list) else []
        told = [", ".join(key) for key in keys[:MAX_ROWS] if key]
        words += [f"{kind}: {'; '.join(told)}"] if told else []
    return words


def named(column: Part) -> str:
    """Return a column with what is known of its type."""
    name, kind = text_of(column.get("name")), text_of(column.get("type"))
    before, after = text_of(column.get("before")), text_of(column.get("after"))
    return f"{name} ({before} → {after})" if before else f"{name} ({kind})" if kind else name


def listed(names: Sequence[str]) -> str:
    """Return the first of many names."""
    more = f" and {len(names) - MAX_COLUMNS} more" if len(names) > MAX_COLUMNS else ""
    return ", ".join(names[:MAX_COLUMNS]) + more
