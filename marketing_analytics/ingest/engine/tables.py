"""Declared raw tables, and the way from rows as text to Arrow columns of the declared type.

Types come from here, never from the data. A row that does not fit is rejected with a reason
and kept in the table `_rejected`; the rest of its page is loaded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
import pyarrow as pa
import pyarrow.compute as pc

DELETED = "_is_deleted"
LOADED_AT = "_loaded_at"

Kind = Literal["text", "count", "flag", "date", "time", "money", "rate", "fraction"]
Mode = Literal["replace", "merge", "parts"]

ARROW_TYPES: dict[str, Any] = {
    "text": pa.string(),
    "count": pa.int64(),
    "flag": pa.bool_(),
    "date": pa.date32(),
    "time": pa.timestamp("us", tz="UTC"),
    "money": pa.decimal128(18, 2),  # more decimals than that are refused
    "rate": pa.decimal128(18, 4),
    "fraction": pa.decimal128(18, 6),  # rounded half up: platforms send doubles
}


@dataclass(frozen=True, eq=False)
class Table:
    """A raw table: columns and kinds, its key, and how a load changes it.

    mode `replace`: the whole table. `merge`: rows by key. `parts`: every part named by the
    values of `part_by` is replaced as a whole, also when it became empty.
    """

    name: str
    columns: Mapping[str, Kind]
    key: tuple[str, ...]
    mode: Mode = "merge"
    part_by: tuple[str, ...] = ()

    def schema(self) -> Any:
        """Return the Arrow schema as loaded."""
        fields = [pa.field(name, ARROW_TYPES[kind]) for name, kind in self.columns.items()]
        fields.append(pa.field(LOADED_AT, ARROW_TYPES["time"]))
        if self.mode == "parts":
            fields.append(pa.field(DELETED, pa.bool_()))
        return pa.schema(fields)


@dataclass(frozen=True)
class Rejected:
    """A row that did not fit its table, and why."""

    table_name: str
    reason: str
    raw_json: str

    @property
    def rejected_id(self) -> str:
        """Return an id that is the same for the same row in every run."""
        text = "\x1f".join((self.table_name, self.reason, self.raw_json))
        return hashlib.sha256(text.encode()).hexdigest()[:32]


REJECTED = Table(
    "_rejected",
    {"rejected_id": "text", "table_name": "text", "reason": "text", "raw_json": "text"},
    key=("rejected_id",),
)


def pluck(rows: Sequence[Mapping[str, Any]], paths: Mapping[str, str]) -> dict[str, list[Any]]:
    """Return columns from nested rows; a path is `a` or `a.b`, absent values are None."""
    return {name: pluck_one(rows, path.split(".")) for name, path in paths.items()}


def pluck_one(rows: Sequence[Mapping[str, Any]], path: list[str]) -> list[Any]:
    """Return the values at one path, None where a step of it is absent."""
    if len(path) == 1:
        return [row.get(path[0]) for row in rows]
    nested = [row.get(path[0]) or {} for row in rows]
    return pluck_one(nested, path[1:])


def build(
    table: Table,
    columns: Mapping[str, Sequence[Any]],
    raw: Sequence[Any] | None = None,
) -> tuple[Any, list[Rejected]]:
    """Return the Arrow table of `table.columns` and the rejected rows.

    `raw` holds the rows as received, for the record of a rejection. Duplicates of a key are
    removed: the last one stays.
    """
    reasons: dict[int, str] = {}
    arrays = [
        cast_column(name, columns[name], kind, name in table.key, reasons)
        for name, kind in table.columns.items()
    ]
    built = pa.table(arrays, names=list(table.columns))
    rejected: list[Rejected] = []
    if reasons:
        rejected = [
            Rejected(table.name, reason, raw_json_of(columns, raw, index))
            for index, reason in sorted(reasons.items())
        ]
        fitting = [index for index in range(built.num_rows) if index not in reasons]
        built = built.take(pa.array(fitting, pa.int64()))
    return without_duplicates(built, table.key), rejected


def raw_json_of(columns: Mapping[str, Sequence[Any]], raw: Sequence[Any] | None, index: int) -> str:
    """Return a rejected row as received, or its columns when that is not known."""
    row = raw[index] if raw else {name: values[index] for name, values in columns.items()}
    return as_json(row)


def as_json(row: Any) -> str:
    """Return a row as stable JSON text."""
    return orjson.dumps(row, default=str, option=orjson.OPT_SORT_KEYS).decode()


def without_duplicates(built: Any, key: Sequence[str]) -> Any:
    """Return the Arrow table with the last row of every key, in the order they came."""
    if not key or built.num_rows < 2:
        return built
    order = pa.array(range(built.num_rows), pa.int64())
    grouped = built.select(list(key)).append_column("_order", order).group_by(list(key))
    last = grouped.aggregate([("_order", "max")]).column("_order_max")
    if len(last) == built.num_rows:
        return built
    return built.take(last.take(pc.sort_indices(last)))


def cast_column(
    name: str, values: Sequence[Any], kind: Kind, is_required: bool, reasons: dict[int, str]
) -> Any:
    """Return a column; rows that do not fit are named in `reasons` and left empty."""
    try:
        array = CASTS[kind](values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        array = cast_one_by_one(name, values, kind, reasons)
    if is_required and array.null_count:
        for index in pc.indices_nonzero(array.is_null()).to_pylist():
            reasons.setdefault(index, f"{name} is missing")
    return array


def cast_one_by_one(name: str, values: Sequence[Any], kind: Kind, reasons: dict[int, str]) -> Any:
    """Return a column cast value by value; what does not fit is named in `reasons`."""
    fitting: list[Any] = []
    for index, value in enumerate(values):
        try:
            fitting.append(CASTS[kind]([value])[0])
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            reasons.setdefault(index, f"{name} is not a {kind}: {str(value)[:80]!r}")
            fitting.append(pa.scalar(None, ARROW_TYPES[kind]))
    return pa.array([scalar.as_py() for scalar in fitting], ARROW_TYPES[kind])


def text_array(values: Sequence[Any]) -> Any:
    """Return text; numbers are written out, floats never come here from JSON."""
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowException, TypeError):
        return pa.array([text_of(value) for value in values], pa.string())


def text_of(value: Any) -> str | None:
    """Return a plain value as text. Raise TypeError for anything nested."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | dict | list):
        raise TypeError(f"not a plain value: {value!r}")
    return str(value)


def count_array(values: Sequence[Any]) -> Any:
    """Return whole numbers. Raise TypeError for a float."""
    if any(isinstance(value, str) for value in values):
        return pc.cast(text_array(values), pa.int64())
    if any(isinstance(value, float) for value in values):
        raise TypeError("not a whole number")
    return pa.array(values, pa.int64())


def flag_array(values: Sequence[Any]) -> Any:
    """Return booleans."""
    return pa.array(values, pa.bool_())


def date_array(values: Sequence[Any]) -> Any:
    """Return dates from ISO text or from dates."""
    if any(isinstance(value, str) for value in values):
        return pc.cast(text_array(values), pa.date32())
    return pa.array(values, pa.date32())


def time_array(values: Sequence[Any]) -> Any:
    """Return UTC times; "" means never, a time without a zone is UTC."""
    if not any(isinstance(value, str) for value in values):
        return pa.array(values, ARROW_TYPES["time"])
    texts = text_array(values)
    texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
    try:
        return pc.cast(texts, ARROW_TYPES["time"])
    except pa.ArrowInvalid:
        return pc.assume_timezone(pc.cast(texts, pa.timestamp("us")), "UTC")


def decimal_array(precision: Any) -> Callable[[Sequence[Any]], Any]:
    """Return the cast to a decimal type; more digits than it holds are an error."""
    return lambda values: pc.cast(text_array(values), precision)


def fraction_array(values: Sequence[Any]) -> Any:
    """Return decimals of six places, rounded half up."""
    wide = pc.cast(text_array(values), pa.decimal128(38, 20))
    return pc.cast(pc.round(wide, 6, "half_towards_infinity"), ARROW_TYPES["fraction"])


CASTS: dict[str, Callable[[Sequence[Any]], Any]] = {
    "text": text_array,
    "count": count_array,
    "flag": flag_array,
    "date": date_array,
    "time": time_array,
    "money": decimal_array(ARROW_TYPES["money"]),
    "rate": decimal_array(ARROW_TYPES["rate"]),
    "fraction": fraction_array,
}


def tombstones(table: Table, built: Any, parts: Iterable[tuple[Any, ...]]) -> Any:
    """Return one row per part without rows in `built`; it deletes the part when loaded."""
    names = list(table.part_by)
    present = set(zip(*(built.column(name).to_pylist() for name in names), strict=True))
    empty = [part for part in parts if part not in present]
    columns = {name: [part[i] for part in empty] for i, name in enumerate(names)}
    arrays = [
        pa.array(columns[field.name], field.type)
        if field.name in columns
        else pa.nulls(len(empty), field.type)
        for field in table.schema()
        if field.name not in {DELETED, LOADED_AT}
    ]
    marked = pa.table(arrays, names=list(table.columns))
    return marked.append_column(DELETED, pa.array([True] * len(empty), pa.bool_()))


def finish(table: Table, built: Any, loaded_at: Any) -> Any:
    """Return the Arrow table as loaded: with the load time, in the declared order."""
    stamp = pa.repeat(pa.scalar(loaded_at, ARROW_TYPES["time"]), built.num_rows)
    built = built.append_column(LOADED_AT, stamp)
    if table.mode == "parts" and DELETED not in built.column_names:
        built = built.append_column(DELETED, pa.nulls(built.num_rows, pa.bool_()))
    return built.select(table.schema().names).cast(table.schema())
