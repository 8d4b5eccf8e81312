"""Job files that give a list of jobs, each with a name and a schedule in words.

The list becomes the map that everything else reads, with the places of the file:
`name` becomes the key, and `schedule_type`, `schedule_hours`, `schedule_days` and `job_type`
become `schedule_cron`. All other attributes are those of the map.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from marketing_analytics.cloud_api.attributes import ATTRIBUTES
from marketing_analytics.cloud_api.names import KEY_PATTERN, slug_of
from marketing_analytics.core.errors import FileError
from marketing_analytics.jobs.reader import Reader
from marketing_analytics.jobs.tfvars import Source, Value

KEY_LENGTH = 60
SCHEDULE_TYPES = ("every_day", "custom", "weekly", "hourly")
JOB_TYPES = ("daily", "hourly", "on-demand")
SCHEDULE_KEYS = ("schedule_type", "schedule_hours", "schedule_days", "job_type")
# what a job of the list shares with one of the map
SHARED_KEYS = tuple(a.name for a in ATTRIBUTES if a.name not in SCHEDULE_KEYS)
EVERY_DAY = set(range(7))


def map_of_list(source: Source, jobs: Value, errors: list[FileError]) -> Value:
    """Return the jobs of a list as a map by key; mistakes are noted."""
    found: dict[str, Value] = {}
    names: dict[str, Value] = {}
    if not jobs.items:
        errors.append(
            source.error("the list of jobs is empty", jobs.at, "write jobs = {} for none")
        )
    for number, item in enumerate(jobs.items, 1):
        reader = Reader(source, f"job {number}", errors)
        name = reader.attempt(name_of, reader, item)
        key = key_of(str(name.data)) if name else ""
        if name and key in found:
            errors.append(same_key(source, names[key], name, key))
        if not isinstance(item.data, dict):
            continue
        if name is None or key in found:
            # the other mistakes of the job are told too
            key, name = f"job-{number}-of-the-list", item.data.get("name", item)
        found[key], names[key] = read_item(source, key, item, errors), name
    return Value(found, jobs.at, {key: name.at for key, name in names.items()})


def name_of(reader: Reader, item: Value) -> Value:
    """Return the name of a job of the list, a text. Raise FileError when it has none."""
    if not isinstance(item.data, dict):
        raise reader.refuse("a job of the list must be an object", item, 'write { name = "..." }')
    if "name" not in item.data:
        raise reader.refuse("the job has no name", item, 'write name = "attribution-daily"')
    name = item.data["name"]
    text = reader.line_of(name, "name")
    if not slug_of(text):
        raise reader.refuse(f"{text!r} is not usable as a name", name, "use letters and digits")
    return Value(text, name.at)


def key_of(name: str) -> str:
    """Return the key of a name: the name itself where it can be one."""
    return name if re.fullmatch(KEY_PATTERN, name) else slug_of(name, KEY_LENGTH)


def same_key(source: Source, first: Value, second: Value, key: str) -> FileError:
    """Return the error for two names that become one key, with both places."""
    line, column = source.place(first.at)
    return source.error(
        f'the names "{first.data}" (line {line}, column {column}) and "{second.data}" '
        f'are both "{key}"',
        second.at,
        "give one of the two jobs another name",
    )


def read_item(source: Source, key: str, item: Value, errors: list[FileError]) -> Value:
    """Return a job of the list as a job of the map."""
    reader = Reader(source, f'job "{key}"', errors)
    entries = reader.entries(item, ("name", *SCHEDULE_KEYS, *SHARED_KEYS))
    kept = {name: value for name, value in entries.items() if name in SHARED_KEYS}
    given = {
        name: entries[name]
        for name in SCHEDULE_KEYS
        if name in entries and entries[name].data is not None
    }
    if given and "schedule_cron" in kept:
        place = kept.pop("schedule_cron")
        hint = f"remove it, or remove {', '.join(given)}"
        errors.append(reader.refuse("schedule_cron says when already", place, hint))
    cron = reader.attempt(Schedule(reader, given).cron) if given else None
    if cron:
        first = given.get("schedule_hours") or next(iter(given.values()))
        kept["schedule_cron"] = Value(cron, first.at)
    return Value(kept, item.at, {name: item.keys[name] for name in kept if name in item.keys})


class Schedule:
    """When a job of the list runs; a refusal names what contradicts or is missing."""

    def __init__(self, reader: Reader, given: Mapping[str, Value]) -> None:
        self.reader = reader
        self.given = given

    def cron(self) -> str | None:
        """Return five fields, UTC, or None for a job on demand."""
        errors = self.reader.errors
        mistakes = len(errors)
        kind = self.reader.attempt(self.word, "schedule_type", SCHEDULE_TYPES)
        job_type = self.reader.attempt(self.word, "job_type", JOB_TYPES)
        hours = self.reader.attempt(self.numbers, "schedule_hours", 23)
        days = self.reader.attempt(self.numbers, "schedule_days", 7)
        if len(errors) > mistakes:
            return None
        if job_type == "on-demand":
            self.refuse_hours(kind, hours)
            return None
        if hours == set():
            self.refuse_hourly(kind, job_type)
            return None
        is_hourly = "hourly" in (kind, job_type if kind is None else kind)
        if hours is None and not is_hourly:
            place = next(iter(self.given.values()))
            hint = "write schedule_hours = [8], or schedule_hours = [] for a job on demand"
            raise self.reader.refuse("there are no schedule_hours", place, hint)
        return f"0 {field(hours, 24)} * * {field(self.weekdays(kind, days), 7)}"

    def refuse_hours(self, kind: str | None, hours: set[int] | None) -> None:
        """Refuse hours of a job that is on demand."""
        if hours:
            hint = "write schedule_hours = [], or another job_type"
            message = "a job on demand has no schedule_hours"
            raise self.reader.refuse(message, self.given["schedule_hours"], hint)
        if kind == "hourly" and hours is None:
            hint = 'remove schedule_type, or write job_type = "hourly"'
            message = "a job on demand does not run hourly"
            raise self.reader.refuse(message, self.given["schedule_type"], hint)

    def refuse_hourly(self, *said: str | None) -> None:
        """Refuse no hours of a job that is hourly."""
        if "hourly" in said:
            hint = "remove schedule_hours for every hour; "
            hint += 'write job_type = "on-demand" for a job on demand'
            message = "the job is hourly, and has no schedule_hours"
            raise self.reader.refuse(message, self.given["schedule_hours"], hint)

    def weekdays(self, kind: str | None, days: set[int] | None) -> set[int] | None:
        """Return days of the week as cron counts them, 0 is Sunday; None is every day."""
        if days is None:
            if kind == "weekly":
                hint = "write schedule_days = [1] for Monday; 7 and 0 are Sunday"
                place = self.given["schedule_type"]
                raise self.reader.refuse("there are no schedule_days", place, hint)
            return None
        found = {day % 7 for day in days}
        place = self.given["schedule_days"]
        if not found:
            hint = "name days from 1 (Monday) to 7 (Sunday), or remove it"
            raise self.reader.refuse("schedule_days is empty", place, hint)
        if kind == "every_day" and found != EVERY_DAY:
            hint = 'remove schedule_days, or write schedule_type = "custom"'
            raise self.reader.refuse("every_day leaves no day out", place, hint)
        return found

    def word(self, name: str, choices: Iterable[str]) -> str | None:
        """Return one of the words that an attribute can be."""
        value = self.given.get(name)
        if value is None:
            return None
        text = self.reader.line_of(value, name)
        if text not in choices:
            raise self.reader.refuse(
                f"{name} cannot be {text!r}", value, f"use {', '.join(choices)}"
            )
        return text

    def numbers(self, name: str, most: int) -> set[int] | None:
        """Return whole numbers from 0."""
        value = self.given.get(name)
        if value is None:
            return None
        if not isinstance(value.data, list):
            raise self.reader.refuse(f"{name} is not a list", value, f"write {name} = [1, 2]")
        found = [
            self.reader.attempt(self.reader.whole, item, f"an item of {name}", 0, most)
            for item in value.data
        ]
        return {number for number in found if number is not None}


def field(numbers: set[int] | None, count: int) -> str:
    """Return a field of a cron; all of `count` values are a star."""
    if numbers is None or len(numbers) == count:
        return "*"
    return ",".join(map(str, sorted(numbers)))
