"""The variables of a job file beside its jobs: settings, notes for what nobody reads, secrets."""

from __future__ import annotations

import difflib
import re

from marketing_analytics.core.errors import FileError, UserError
from marketing_analytics.core.redaction import has_secret, is_meant_secret
from marketing_analytics.core.signs import visible
from marketing_analytics.jobs.reader import Reader, without_texts
from marketing_analytics.jobs.settings import FileDefaults, normalize_host
from marketing_analytics.jobs.tfvars import Broken, Source, Value

# what variables.tf declares, and what only the deploy tool reads
DECLARED = ("team_name", "project_id", "environment_id", "jobs")
CONNECTION = ("dbtcloud_account_id", "dbtcloud_host_url")
KNOWN = (*DECLARED, *CONNECTION)
# words of texts like "your-token-here", "<api token>" and "${DBTCLOUD_TOKEN}"
BLANK_TO_FILL = re.compile(
    r"\$\{.*\}|\$\w+|<.*>|(?:dbt[cu]_)?[xX*.-]{2,}|(?i:changeme|todo|placeholder|dummy)"
)
WORDS_TO_REPLACE = {"your", "here", "replace", "change", "insert", "enter", "example", "set"}


def is_placeholder(text: str) -> bool:
    """Return whether a text only says where a value belongs."""
    text = text.strip()
    if not text or BLANK_TO_FILL.fullmatch(text):
        return True
    words = re.split(r"[-_ ]+", text.lower())
    return all(word.isalpha() for word in words) and bool(WORDS_TO_REPLACE & set(words))


class Variables:
    """Reads the outermost level of a file; mistakes go to `errors`, remarks to `notes`."""

    def __init__(self, source: Source, errors: list[FileError]) -> None:
        self.source = source
        self.errors = errors
        self.notes: list[str] = []
        self.reader = Reader(source, "the file", errors)

    def declared(self, root: Value) -> dict[str, Value]:
        """Return what the tool reads; other variables get a note, as in Terraform."""
        found = {}
        for name, value in root.members.items():
            at = root.keys[name]
            if is_meant_secret(name) or (name in CONNECTION and is_blank(value)):
                self.reader.attempt(self.check_secret, name, at, value)
            elif name in KNOWN:
                found[name] = value
            else:
                self.reader.attempt(self.check_unknown, name, at, value)
        return found

    def note(self, at: int, text: str) -> None:
        """Keep a remark about a place."""
        self.notes.append(f"{self.source.error('', at).where}: {visible(text)}")

    def check_secret(self, name: str, at: int, value: Value) -> None:
        """Note a placeholder. Raise FileError, without the value, for anything else."""
        if not is_blank(value):
            close = difflib.get_close_matches(name, ("dbtcloud_token",), cutoff=0.75)
            meant = "" if name in close or not close else "did you mean dbtcloud_token? "
            hint = f"{meant}keep secrets out of the file; the token comes from DBTCLOUD_TOKEN"
            raise without_texts(self.reader.refuse_at(f'"{name}" looks like a secret', at, hint))
        self.note(at, f"{name} is a placeholder and is not used")

    def check_unknown(self, name: str, at: int, value: Value) -> None:
        """Note a variable that nobody reads. Raise FileError if there is a secret in it."""
        if any(has_secret(text) for text in texts_in(value)):
            hint = "keep secrets out of the file"
            message = f'"{name}" holds what looks like a secret'
            raise without_texts(self.reader.refuse_at(message, at, hint))
        close = difflib.get_close_matches(name, KNOWN, n=1, cutoff=0.75)
        better = f"; did you mean {close[0]}?" if close else ""
        self.note(at, f"{name} is not a variable of job files and is not used{better}")

    def no_jobs(self, root: Value) -> FileError:
        """Return the error for a file without jobs, at a name that may be meant."""
        close = difflib.get_close_matches("jobs", root.keys, n=1, cutoff=0.75)
        at = root.keys[close[0]] if close else 0
        hint = "did you mean jobs?" if close else "write jobs = { key = { ... } }"
        return self.source.error("the file has no jobs", at, hint)

    def defaults(self, entries: dict[str, Value]) -> FileDefaults:
        """Return the settings that the file gives."""
        reader = self.reader
        return FileDefaults(
            team_name=reader.optional(entries, "team_name", reader.team),
            project_id=reader.optional(entries, "project_id", reader.id_of),
            environment_id=reader.optional(entries, "environment_id", reader.id_of),
            account_id=reader.optional(entries, "dbtcloud_account_id", reader.id_of),
            host_url=reader.optional(entries, "dbtcloud_host_url", self.host),
        )

    def host(self, value: Value, name: str) -> str:
        """Return dbt Cloud's address."""
        text = self.reader.line_of(value, name)
        try:
            return normalize_host(text)
        except UserError as error:
            message = f"{name} is not an address"
            raise self.reader.refuse(message, value, error.hint) from None


def is_blank(value: Value) -> bool:
    """Return whether a value is null or a placeholder."""
    if isinstance(value.data, Broken):
        # its own error is told
        return True
    return value.data is None or (isinstance(value.data, str) and is_placeholder(value.data))


def texts_in(value: Value) -> list[str]:
    """Return all texts in a value, keys not included."""
    if isinstance(value.data, str):
        return [value.data]
    members: list[Value] = []
    if isinstance(value.data, list):
        members = value.data
    elif isinstance(value.data, dict):
        members = list(value.data.values())
    return [text for member in members for text in texts_in(member)]
