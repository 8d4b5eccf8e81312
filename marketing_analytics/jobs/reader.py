"""From values of a job file to typed data; every refusal names owner, attribute and place.

A mistake does not end the reading: it is noted in `errors` and the next attribute is read.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

from marketing_analytics.cloud_api.attributes import LACKING, Attribute
from marketing_analytics.cloud_api.cron import CronError, check_cron
from marketing_analytics.cloud_api.limits import MAX_ID, MAX_STEPS, VARIABLE_PATTERN
from marketing_analytics.cloud_api.names import TEAM_PATTERN
from marketing_analytics.core.errors import FileError
from marketing_analytics.core.redaction import gives_secret, has_secret, is_meant_secret
from marketing_analytics.jobs.tfvars import Broken, Source, Value
from marketing_analytics.jobs.tfvars.values import as_boolean, as_number, as_text, kind_of

STATUSES = ("success", "error", "canceled")
TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')

T = TypeVar("T")


@dataclass(frozen=True)
class After:
    """Run when another job of the file has finished with one of these statuses."""

    job: str
    statuses: frozenset[str] = frozenset({"success"})


def without_texts(error: FileError) -> FileError:
    """Return an error whose source line shows stars in place of texts: logs are read by many."""
    error.source = TEXT.sub(lambda match: f'"{"*" * (len(match[0]) - 2)}"', error.source)
    error.is_masked = True
    return error


class Reader:
    """Reads values of one owner, such as `job "daily"`."""

    def __init__(self, source: Source, owner: str, errors: list[FileError]) -> None:
        self.source = source
        self.owner = owner
        self.errors = errors

    def refuse(self, message: str, value: Value, hint: str) -> FileError:
        """Return an error at a value; that of a broken one is told already."""
        if isinstance(value.data, Broken):
            return value.data.error
        return self.refuse_at(message, value.at, hint)

    def refuse_at(self, message: str, at: int, hint: str) -> FileError:
        """Return an error at an offset."""
        return self.source.error(f"{message} ({self.owner})", at, hint)

    def attempt(self, read: Callable[..., T], *arguments: Any) -> T | None:
        """Return what a reader makes of a value, or None after noting its error."""
        try:
            return read(*arguments)
        except FileError as error:
            self.errors.append(error)
            return None

    def read(self, attribute: Attribute, value: Value) -> Any:
        """Return the value of an attribute; the mistakes in it are noted."""
        return self.attempt(getattr(self, attribute.kind), value, attribute)

    def optional(
        self, entries: Mapping[str, Value], name: str, read: Callable[[Value, str], T]
    ) -> T | None:
        """Return a value that may be missing or null, or None."""
        value = entries.get(name)
        given = value is not None and value.data is not None
        return self.attempt(read, value, name) if given else None

    # shapes

    def entries(self, value: Value, known: Iterable[str]) -> dict[str, Value]:
        """Return the known members of an object; the others are noted."""
        if not isinstance(value.data, dict):
            raise self.refuse(f"{kind_of(value.data)} instead of an object", value, "write { ... }")
        known = list(known)
        unknown = [name for name in value.data if name not in known]
        self.errors += [self.unknown(name, value.keys[name], known) for name in unknown]
        return {name: item for name, item in value.data.items() if name in known}

    def unknown(self, name: str, at: int, known: list[str]) -> FileError:
        """Return an error for a name that nobody reads, with a suggestion."""
        if is_meant_secret(name):
            hint = "keep secrets out of the file; the token comes from DBTCLOUD_TOKEN"
            return without_texts(self.refuse_at(f'"{name}" looks like a secret', at, hint))
        if name in LACKING:
            why, _, instead = LACKING[name].partition("; ")
            return self.refuse_at(f"{name} is not possible: {why}", at, instead)
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
        return self.refuse_at(f'unknown key "{name}"', at, hint)

    def map_of(self, value: Value, name: str) -> dict[str, Value]:
        """Return the members of a map with free keys."""
        if not isinstance(value.data, dict):
            hint = f"write {name} = {{ ... }}"
            raise self.refuse(f"{name} is {kind_of(value.data)}", value, hint)
        return value.data

    def texts(self, value: Value, name: str) -> list[tuple[str, Value]]:
        """Return the texts of a list with their values."""
        if not isinstance(value.data, list):
            raise self.refuse(f"{name} is {kind_of(value.data)}", value, f'write {name} = ["..."]')
        found = [
            (self.attempt(self.line_of, item, f"an item of {name}"), item) for item in value.data
        ]
        return [(text, item) for text, item in found if text is not None]

    # single values

    def line(self, value: Value, name: str) -> str:
        """Return a text of one line without control characters, and without secrets."""
        text = as_text(value.data)
        if text is None:
            raise self.refuse(f"{name} is {kind_of(value.data)}", value, "write a text in quotes")
        if not text.isprintable():
            raise self.refuse(f"{name} has control characters or newlines", value, "use one line")
        if has_secret(text):
            raise self.secret_in(value, name)
        return text

    def secret_in(self, value: Value, name: str) -> FileError:
        """Return the error for a text that holds a secret, which it does not show."""
        hint = "keep secrets out of the file; use an environment variable of dbt Cloud"
        return without_texts(self.refuse(f"{name} holds what looks like a secret", value, hint))

    def line_of(self, value: Value, name: str) -> str:
        """Return a line that is not blank."""
        text = self.line(value, name)
        if not text.strip():
            raise self.refuse(f"{name} is empty", value, f"remove {name} or give it a value")
        return text

    def whole(self, value: Value, name: str, least: int = 0, most: int = MAX_ID) -> int:
        """Return a whole number within bounds."""
        number = as_number(value.data)
        if number is None:
            raise self.refuse(f"{name} is {kind_of(value.data)}", value, "write a whole number")
        if number < 0 or number != int(number):
            hint = f"write {least} or more"
            raise self.refuse(f"{name} is not a whole number from {least}", value, hint)
        if number < least:
            raise self.refuse(f"{name} must be at least {least}", value, f"write {least} or more")
        if number > most:
            raise self.refuse(f"{name} must be at most {most}", value, f"write {most} or less")
        return int(number)

    def id_of(self, value: Value, name: str) -> int:
        """Return an id of dbt Cloud, from 1."""
        number = as_number(value.data)
        if number is not None and (number < 1 or number != int(number)):
            raise self.refuse(f"{name} is not an id", value, "write the number from the page URL")
        return self.whole(value, name)

    def team(self, value: Value, name: str) -> str:
        """Return a team's name."""
        text = self.line_of(value, name)
        if not re.fullmatch(TEAM_PATTERN, text):
            raise self.refuse(f"{name} is not usable", value, "write it like marketing-team")
        return text

    # one reader for each kind of attribute

    def text(self, value: Value, attribute: Attribute) -> str:
        """Return a text that may have several lines, without blanks around it."""
        text = as_text(value.data)
        if text is None:
            return self.line(value, attribute.name)
        lines = [
            self.line(Value(part, value.at), attribute.name) for part in text.strip().split("\n")
        ]
        text = "\n".join(lines)
        if len(text) > attribute.most:
            message = f"{attribute.name} has {len(text)} characters"
            raise self.refuse(message, value, f"write at most {attribute.most}")
        return text

    def word(self, value: Value, attribute: Attribute) -> str:
        """Return a text that is not blank, one of the choices where there are any."""
        text = self.line_of(value, attribute.name)
        if attribute.choices and text not in attribute.choices:
            known = ", ".join(attribute.choices)
            raise self.refuse(f"{attribute.name} cannot be {text!r}", value, f"use {known}")
        if attribute.pattern and not re.fullmatch(attribute.pattern, text):
            message = f"{attribute.name} cannot be {text!r}"
            raise self.refuse(message, value, f"it must match {attribute.pattern}")
        return text

    def flag(self, value: Value, attribute: Attribute) -> bool:
        """Return true or false."""
        flag = as_boolean(value.data)
        if flag is None:
            hint = "write true or false, without quotes"
            raise self.refuse(f"{attribute.name} is {kind_of(value.data)}", value, hint)
        return flag

    def count(self, value: Value, attribute: Attribute) -> int:
        """Return a whole number within the attribute's bounds."""
        return self.whole(value, attribute.name, attribute.least, attribute.most)

    def identifier(self, value: Value, attribute: Attribute) -> int:
        """Return an id of dbt Cloud."""
        return self.id_of(value, attribute.name)

    def tags(self, value: Value, attribute: Attribute) -> tuple[str, ...]:
        """Return tags."""
        return tuple(text for text, _ in self.texts(value, attribute.name))

    def steps(self, value: Value, attribute: Attribute) -> tuple[str, ...]:
        """Return dbt commands; at least one."""
        steps = self.texts(value, attribute.name)
        if value.data == []:
            hint = 'write at least one step: ["dbt build"]'
            raise self.refuse(f"{attribute.name} is empty", value, hint)
        if len(steps) > MAX_STEPS:
            message = f"{attribute.name} has {len(steps)} steps"
            raise self.refuse(message, value, f"write at most {MAX_STEPS}")
        self.errors += [
            self.refuse("a step must start with 'dbt '", item, 'like "dbt build"')
            for step, item in steps
            if not re.match(r"dbt [^\s]", step)
        ]
        self.errors += [
            self.secret_in(item, "a step") for step, item in steps if gives_secret(step)
        ]
        return tuple(step for step, _ in steps)

    def cron(self, value: Value, attribute: Attribute) -> str:
        """Return a cron expression of five fields."""
        text = self.line_of(value, attribute.name)
        count = len(text.split())
        if count != 5:
            hint = f'remove the seconds field: "{" ".join(text.split()[1:])}"'
            raise self.refuse(
                f"the schedule has {count} fields, cron needs 5",
                value,
                hint if count == 6 else 'write minute hour day month weekday, like "0 6 * * *"',
            )
        try:
            check_cron(text)
        except CronError as error:
            message = f"the schedule is not valid: {error}"
            raise self.refuse(message, value, 'like "0 6 * * *"') from None
        return text

    def after(self, value: Value, attribute: Attribute) -> After:
        """Return what the job runs after."""
        entries = self.entries(value, ("job", "statuses"))
        statuses = self.optional(entries, "statuses", self.statuses)
        if "job" not in entries or entries["job"].data is None:
            raise self.refuse("after has no job", value, 'write after = { job = "key" }')
        job = self.line_of(entries["job"], "after.job")
        return After(job) if statuses is None else After(job, statuses)

    def statuses(self, value: Value, name: str) -> frozenset[str]:
        """Return statuses of a finished run."""
        found = self.texts(value, name)
        self.errors += [
            self.refuse(f"unknown status {status!r}", item, f"use {', '.join(STATUSES)}")
            for status, item in found
            if status not in STATUSES
        ]
        if value.data == []:
            raise self.refuse("statuses is empty", value, f"use {', '.join(STATUSES)}")
        return frozenset(status for status, _ in found)

    def env_vars(self, value: Value, attribute: Attribute) -> Mapping[str, str]:
        """Return environment variables; secrets are refused."""
        found = {}
        for variable, item in self.map_of(value, attribute.name).items():
            self.attempt(self.check_variable, variable, value.keys[variable])
            found[variable] = self.attempt(self.line, item, f"{attribute.name}.{variable}") or ""
        return MappingProxyType(found)

    def check_variable(self, variable: str, at: int) -> None:
        """Refuse names that dbt Cloud refuses, and names of secrets."""
        if is_meant_secret(variable):
            hint = "set it in dbt Cloud, as a variable of the project or environment"
            message = f'"{variable}" is a secret by its name'
            raise without_texts(self.refuse_at(message, at, hint))
        if not re.fullmatch(VARIABLE_PATTERN, variable):
            hint = "names start with DBT_ and have A-Z, 0-9 and _, at most 254 in all"
            raise self.refuse_at(f'"{variable}" is no variable', at, hint)
