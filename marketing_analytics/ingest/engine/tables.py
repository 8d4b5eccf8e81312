"""Declared raw tables, and the way from rows as text to Arrow columns of the declared type.

Types come from here, never from the data. A row is rejected only for its key and what else the
table requires (dates, costs); any other value that does not fit is rounded or left empty. Both
are kept with the reason in the table `_rejected`, and the rest of the page is loaded.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cached_property
from typing import Any, Literal

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from marketing_analytics.core.errors import TerminalError

DELETED = "_is_deleted"
LOADED_AT = "_loaded_at"

# what pyarrow raises for a value that a type cannot hold
NO_FIT = (pa.ArrowException, TypeError, ValueError, OverflowError)
# of so few rows the share of those that do not fit says nothing
FEW_ROWS = 5

Kind = Literal["text", "count", "flag", "date", "time", "money", "rate", "fraction"]
Mode = Literal["replace", "merge", "parts"]
# what tells a person: identifiers become a keyed pseudonym, attributes are not stored with rows
Identifier = Literal["email", "phone", "device", "customer", "member"]
Attribute = Literal["name", "address"]
ATTRIBUTES = ("name", "address")
# the values of `Table.part_by`; () is the whole table
Part = tuple[Any, ...]

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


class DoubtfulError(TerminalError):
    """An answer that is whole and still not to be believed; what is loaded stays."""


class MisfitError(DoubtfulError):
    """Most of an answer does not fit its table."""


@dataclass(frozen=True, eq=False)
class Table:
    """A raw table: columns and kinds, its key, and how a load changes it.

    mode `replace`: the whole table. `merge`: rows by key. `parts`: every part named by the
    values of `part_by` is replaced as a whole, also when it became empty. `required` are the
    columns beside the key that a row is nothing without. `personal` says which columns tell a
    person, and what they are; `stored` is the table without them. `links` are columns with the
    platform's own number of a person, or of what is hers alone: the column, and what it is.
    `domains` are stored beside pseudonyms: the column, and that of the address whose domain it is.
    """

    name: str
    columns: Mapping[str, Kind]
    key: tuple[str, ...]
    mode: Mode = "merge"
    part_by: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    personal: Mapping[str, Identifier | Attribute] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    domains: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def stored(self) -> Table:
        """Return the table as it is stored: pseudonyms `<kind>_key` in place of identifiers."""
        if not self.personal:
            return self
        names = {name: self.stored_name(name) for name in self.columns}
        columns = {new: self.columns[name] for name, new in names.items() if new}
        return replace(
            self,
            columns=columns | dict.fromkeys(self.domains, "text"),
            key=tuple(names[name] for name in self.key),
            required=(),
            personal={},
            domains={},
        )

    def stored_name(self, name: str) -> str:
        """Return the stored name of a column, empty where it is not stored."""
        kind = self.personal.get(name)
        if kind is None:
            return name
        return "" if kind in ATTRIBUTES else f"{kind}_key"

    @property
    def indispensable(self) -> tuple[str, ...]:
        """Return the columns for which a row is rejected."""
        return (*self.key, *self.part_by, *self.required)

    def schema(self) -> Any:
        """Return the Arrow schema as loaded."""
        fields = [pa.field(name, ARROW_TYPES[kind]) for name, kind in self.columns.items()]
        fields.append(pa.field(LOADED_AT, ARROW_TYPES["time"]))
        if self.mode == "parts":
            fields.append(pa.field(DELETED, pa.bool_()))
        return pa.schema(fields)


@dataclass(frozen=True)
class Rejected:
    """A row that did not fit its table, or one value of it, and why.

    `column_name` is empty where the row was left out; else the row was loaded without the value.
    """

    table_name: str
    column_name: str
    reason: str
    raw_json: str

    @property
    def text(self) -> str:
        """Return all of it as one text."""
        return "\x1f".join((self.table_name, self.column_name, self.reason, self.raw_json))

    def as_row(self) -> dict[str, str]:
        """Return its row of REJECTED; the id is the same for the same row in every run."""
        rejected_id = hashlib.sha256(self.text.encode()).hexdigest()[:32]
        return {"rejected_id": rejected_id} | asdict(self)


REJECTED = Table(
    "_rejected",
    {
        "rejected_id": "text",
        "table_name": "text",
        "column_name": "text",
        "reason": "text",
        "raw_json": "text",
    },
    key=("rejected_id",),
)


def pluck(rows: Sequence[Mapping[str, Any]], paths: Mapping[str, str]) -> dict[str, list[Any]]:
    """Return columns from nested rows; a path is `a` or `a.b`, absent values are None."""
    return {name: pluck_one(rows, path.split(".")) for name, path in paths.items()}


def pluck_one(rows: Sequence[Mapping[str, Any]], path: list[str]) -> list[Any]:
    """Return the values at one path, None where a step of it is absent."""
    if len(path) == 1:
        name = path[0]
        try:
            # a third faster than get, and most fields are in every row
            return [row[name] for row in rows]
        except KeyError:
            return [row.get(name) for row in rows]
    nested = [row.get(path[0]) or {} for row in rows]
    return pluck_one(nested, path[1:])


@dataclass
class Misfits:
    """What does not fit: reasons by row, and by row and column where the row stays."""

    rows: dict[int, str] = field(default_factory=dict)
    values: dict[tuple[int, str], str] = field(default_factory=dict)


def build(
    table: Table,
    columns: Mapping[str, Sequence[Any]],
    raw: Sequence[Any] | None = None,
) -> tuple[Any, list[Rejected]]:
    """Return the Arrow table of `table.columns` and what did not fit.

    `raw` holds the rows as received, for the record of a rejection. Duplicates of a key are
    removed: the last one stays.

    Raise MisfitError when most of the rows do not fit: then the platform has changed, and what
    is loaded is better than this.
    """
    built, rejected = fit(table, columns, raw)
    if rejected:
        check_share(table, rejected, len(next(iter(columns.values()))))
    return without_duplicates(built, table.key), rejected


def fit(
    table: Table,
    columns: Mapping[str, Sequence[Any]],
    raw: Sequence[Any] | None = None,
) -> tuple[Any, list[Rejected]]:
    """Return the rows that fit as Arrow, however few they are, and what did not fit."""
    misfits = Misfits()
    arrays = [cast_column(table, name, columns[name], misfits) for name in table.columns]
    built = pa.table(arrays, names=list(table.columns))
    if not misfits.rows and not misfits.values:
        return built, []
    rejected = [
        *(
            Rejected(table.name, "", reason, raw_json_of(columns, raw, index))
            for index, reason in sorted(misfits.rows.items())
        ),
        *(
            Rejected(table.name, name, reason, raw_json_of(columns, raw, index))
            for (index, name), reason in sorted(misfits.values.items())
            if index not in misfits.rows
        ),
    ]
    fitting = [index for index in range(built.num_rows) if index not in misfits.rows]
    return built.take(pa.array(fitting, pa.int64())), rejected


def check_share(table: Table, rejected: Sequence[Rejected], total: int) -> None:
    """Raise MisfitError when more than half of the rows do not fit.

    Rows that are all gone are too many, however few: they would empty what they replace.
    """
    reasons = [row.reason for row in rejected if not row.column_name]
    lost = len(reasons)
    if lost and ((total >= FEW_ROWS and 2 * lost > total) or lost == total):
        raise MisfitError(
            f"{lost:,} of {total:,} rows of {table.name} do not fit: {reasons[0]}",
            hint="the platform may have changed; what was loaded stays",
        )


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
    numbered = built.select(list(key)).append_column("_order", order)
    # answers are small: threads would cost more than the work
    grouped = numbered.group_by(list(key), use_threads=False)
    last = grouped.aggregate([("_order", "max")]).column("_order_max")
    if len(last) == built.num_rows:
        return built
    return built.take(last.take(pc.sort_indices(last)))


def cast_column(table: Table, name: str, values: Sequence[Any], misfits: Misfits) -> Any:
    """Return a column; values that do not fit are empty or rounded, and noted."""
    try:
        array = CASTS[table.columns[name]](values)
    except NO_FIT:
        array = cast_one_by_one(table, name, values, misfits)
    if name in table.personal:
        # a blank tells nobody
        array = pc.if_else(pc.equal(pc.utf8_trim_whitespace(array), ""), None, array)
    if name in table.indispensable and array.null_count:
        for index in pc.indices_nonzero(array.is_null()).to_pylist():
            misfits.rows.setdefault(index, f"{name} is missing")
    return array


def cast_one_by_one(table: Table, name: str, values: Sequence[Any], misfits: Misfits) -> Any:
    """Return a column cast value by value; what does not fit is noted."""
    kind = table.columns[name]
    fitting: list[Any] = []
    for index, value in enumerate(values):
        try:
            fitting.append(CASTS[kind]([value])[0].as_py())
        except NO_FIT:
            shown = "" if name in table.personal else f": {str(value)[:80]!r}"
            reason = f"{name} is not a {kind}{shown}"
            if name in table.indispensable:
                misfits.rows.setdefault(index, reason)
                fitting.append(None)
            else:
                near = rounded(value, kind)
                misfits.values[index, name] = reason + (
                    ", left empty" if near is None else f", rounded to {near}"
                )
                fitting.append(near)
    return pa.array(fitting, ARROW_TYPES[kind])


def rounded(value: Any, kind: Kind) -> Decimal | None:
    """Return a decimal with as many places as its kind has, half up; None where that is none."""
    arrow_type = ARROW_TYPES[kind]
    if not pa.types.is_decimal(arrow_type):
        return None
    try:
        near = Decimal(text_of(value) or "").quantize(
            Decimal(1).scaleb(-arrow_type.scale), ROUND_HALF_UP
        )
        pa.scalar(near, arrow_type)
    except (*NO_FIT, InvalidOperation):
        return None
    return near


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


def count_parts(table: Table, built: Any) -> Counter[Part]:
    """Return the number of rows by part; the whole table is one part without a name."""
    if table.mode != "parts":
        return Counter({(): built.num_rows})
    names = list(table.part_by)
    grouped = built.group_by(names, use_threads=False).aggregate([([], "count_all")])
    columns = [grouped.column(name).to_pylist() for name in (*names, "count_all")]
    return Counter({tuple(part): count for *part, count in zip(*columns, strict=True)})


def within(table: Table, built: Any, asked: Iterable[Part]) -> tuple[Any, list[Rejected]]:
    """Return the rows of the parts that were asked for, and the others as rejected."""
    strange = count_parts(table, built).keys() - set(asked)
    if not strange:
        return built, []
    columns = [built.column(name).to_pylist() for name in table.part_by]
    is_strange = pa.array([part in strange for part in zip(*columns, strict=True)], pa.bool_())
    rejected = [
        Rejected(table.name, "", "it was not asked for: another day or account", as_json(row))
        for row in built.filter(is_strange).to_pylist()
    ]
    return built.filter(pc.invert(is_strange)), rejected


def tombstones(table: Table, built: Any, parts: Iterable[Part]) -> list[Any]:
    """Return Arrow rows, one per part without rows in `built`; they delete the parts when loaded.

    Return no Arrow table at all where every part has rows.
    """
    names = list(table.part_by)
    present = count_parts(table, built).keys()
    empty = [part for part in parts if part not in present]
    if not empty:
        return []
    columns = {name: [part[i] for part in empty] for i, name in enumerate(names)}
    arrays = [
        pa.array(columns[field.name], field.type)
        if field.name in columns
        else pa.nulls(len(empty), field.type)
        for field in table.schema()
        if field.name not in {DELETED, LOADED_AT}
    ]
    marked = pa.table(arrays, names=list(table.columns))
    return [marked.append_column(DELETED, pa.array([True] * len(empty), pa.bool_()))]


def finish(table: Table, built: Any, loaded_at: Any) -> Any:
    """Return the Arrow table as loaded: with the load time, in the declared order."""
    stamp = pa.repeat(pa.scalar(loaded_at, ARROW_TYPES["time"]), built.num_rows)
    built = built.append_column(LOADED_AT, stamp)
    if table.mode == "parts" and DELETED not in built.column_names:
        built = built.append_column(DELETED, pa.nulls(built.num_rows, pa.bool_()))
    return built.select(table.schema().names).cast(table.schema())
