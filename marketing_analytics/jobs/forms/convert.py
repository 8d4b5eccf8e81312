"""Write a job file that has a list of jobs as one that has a map, with its comments."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from marketing_analytics.cloud_api.attributes import ATTRIBUTES
from marketing_analytics.core.errors import InternalError, MachineError, UserError
from marketing_analytics.core.redaction import is_secret_name
from marketing_analytics.jobs.forms.lists import SCHEDULE_KEYS
from marketing_analytics.jobs.model import Job, JobFile, build_job_file, read_job_text
from marketing_analytics.jobs.tfvars import Source, Value
from marketing_analytics.jobs.tfvars.file_text import is_json, read_text
from marketing_analytics.jobs.tfvars.reader import parsed
from marketing_analytics.jobs.tfvars.values import Data, as_boolean, as_number
from marketing_analytics.jobs.tfvars.writer import INDENT, Row, key_of, rows_of

NUMBERS = (
    *("project_id", "environment_id", "dbtcloud_account_id"),
    *(attribute.name for attribute in ATTRIBUTES if attribute.kind in ("identifier", "count")),
)
FLAGS = tuple(attribute.name for attribute in ATTRIBUTES if attribute.kind == "flag")


@dataclass
class Block:
    """A job: its attributes, the comments above it and those after its last attribute."""

    key: str
    rows: list[Row]
    above: list[str] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return the job as lines."""
        return [
            *(f"{INDENT}{comment}".rstrip() for comment in self.above),
            f"{INDENT}{key_of(self.key)} = {{",
            *rows_of(self.rows, 2),
            *(f"{INDENT * 2}{comment}" for comment in self.tail),
            f"{INDENT}}}",
        ]


def convert_file(path: str) -> tuple[JobFile, str]:
    """Return the jobs of a file and its text in the map form, which it may have already.

    Raise FileError when the file has a mistake.
    """
    source = Source(read_text(path), path)
    root, comments = parsed(source)
    file = build_job_file(source, root)
    if not isinstance(root.members["jobs"].data, list):
        note = f"{path} is a map already"
        return replace(file, notes=(*file.notes, note)), source.text
    text = Converted(source, root, file.jobs, comments).text()
    if read_job_text(text).jobs != file.jobs:
        raise InternalError(f"{path} would be converted to other jobs")
    return file, text


class Converted:
    """The lines of a converted file. Every comment finds the row it belongs to by its offset."""

    def __init__(
        self, source: Source, root: Value, jobs: Sequence[Job], comments: dict[int, str]
    ) -> None:
        self.source = source
        self.root = root
        self.list = root.members["jobs"]
        self.variables = {
            name: Row(name, written(name, value.data))
            for name, value in root.members.items()
            if not is_secret_name(name)
        }
        self.blocks = [block_of(item, job) for item, job in zip(self.list.items, jobs, strict=True)]
        # by the name in the list, which row takes the comments
        self.rows = [
            rows_by_name(item, block)
            for item, block in zip(self.list.items, self.blocks, strict=True)
        ]
        self.list_tail: list[str] = []
        self.tail: list[str] = []
        for at, comment in sorted(comments.items()):
            self.place(at, comment)
        for name in self.variables:
            self.keep_blank_line(root.keys[name], self.variables[name].above)

    def text(self) -> str:
        """Return the whole file."""
        lines: list[str] = []
        rows: list[Row] = []
        for name, row in self.variables.items():
            if name == "jobs":
                lines += [*rows_of(rows, 0), *row.above, *self.jobs_lines()]
                rows = []
            else:
                rows.append(row)
        lines += [*rows_of(rows, 0), *self.tail]
        return "\n".join(lines).strip("\n") + "\n"

    def jobs_lines(self) -> list[str]:
        """Return the map of jobs."""
        lines = ["jobs = {"]
        for block in self.blocks:
            lines += ([""] if len(lines) > 1 else []) + block.lines()
        return [*lines, *(f"{INDENT}{comment}".rstrip() for comment in self.list_tail), "}"]

    def keep_blank_line(self, at: int, above: list[str]) -> None:
        """Add an empty line where the source has one before this offset."""
        line = self.source.place(at)[0]
        if line > 1 and not self.source.line_text(line - 1).strip():
            above.append("")

    def place(self, at: int, comment: str) -> None:
        """Put a comment where it stood: above a row, behind it, or at the end of a block."""
        line, column = self.source.place(at)
        is_behind = bool(self.source.line_text(line)[: column - 1].strip())
        comment = "#" + comment[2:] if comment.startswith("//") else comment
        for index, item in enumerate(self.list.items):
            if item.at < at < item.end:
                self.place_in_job(index, at, comment, is_behind)
                return
        if self.list.at < at < self.list.end:
            blocks = zip(self.blocks, self.list.items, strict=True)
            following = next((block.above for block, item in blocks if item.at > at), None)
            (self.list_tail if following is None else following).append(comment)
            return
        if not is_behind:
            self.keep_blank_line(at, self.above_next(at))
        self.place_at_top(at, comment, is_behind)

    def above_next(self, at: int) -> list[str]:
        """Return the comments above the variable that follows, or those at the end."""
        later = [name for name in self.variables if self.root.keys[name] > at]
        return self.variables[later[0]].above if later else self.tail

    def place_at_top(self, at: int, comment: str, is_behind: bool) -> None:
        """Put a comment of the outermost level."""
        earlier = [name for name in self.root.members if self.root.keys[name] < at]
        inside = [name for name in earlier if at < self.root.members[name].end]
        owner = self.variables.get(earlier[-1]) if earlier else None
        if is_behind or inside:
            # the comment of a line that is left out goes with it
            if owner:
                put_behind(owner, comment, is_behind and not inside)
            return
        self.above_next(at).append(comment)

    def place_in_job(self, index: int, at: int, comment: str, is_behind: bool) -> None:
        """Put a comment inside a job."""
        item, block, rows = self.list.items[index], self.blocks[index], self.rows[index]
        earlier = [name for name in item.members if item.keys[name] < at]
        is_inside = bool(earlier) and at < item.members[earlier[-1]].end
        if is_behind or is_inside:
            owner = rows.get(earlier[-1]) if earlier else None
            if owner:
                put_behind(owner, comment, is_behind and not is_inside)
            else:
                block.above.append(comment)
            return
        later = [rows[name] for name in item.members if item.keys[name] > at and name in rows]
        (later[0].above if later else block.tail).append(comment)


def put_behind(row: Row, comment: str, is_behind: bool) -> None:
    """Put a comment behind a row if there is room, else above it."""
    if is_behind and not row.behind and "\n" not in comment:
        row.behind = comment
    else:
        row.above.append(comment)


def block_of(item: Value, job: Job) -> Block:
    """Return a job of the list as a block of the map; the schedule stands where it stood."""
    rows: dict[str, Row] = {}
    for name, value in item.members.items():
        if name in SCHEDULE_KEYS:
            if job.schedule_cron:
                rows["schedule_cron"] = Row("schedule_cron", job.schedule_cron)
        elif name != "name":
            rows[name] = Row(name, written(name, value.data))
    return Block(job.key, list(rows.values()))


def rows_by_name(item: Value, block: Block) -> dict[str, Row]:
    """Return which row of the block each attribute of the list became, if any."""
    rows = {row.name: row for row in block.rows}
    names = {name: "schedule_cron" if name in SCHEDULE_KEYS else name for name in item.members}
    return {name: rows[found] for name, found in names.items() if found in rows}


def written(name: str, data: Data) -> Data:
    """Return the value of an attribute; numbers and flags that are texts become what they are."""
    number = as_number(data) if name in NUMBERS else None
    flag = as_boolean(data) if name in FLAGS else None
    return next((found for found in (number, flag) if found is not None), data)


def check_name(path: Path, text: str) -> None:
    """Refuse a name by which Terraform would read the text as what it is not."""
    holds_json = text.lstrip().startswith("{")
    if is_json(path) == holds_json:
        return
    form, suffix = ("JSON", ".tfvars.json") if holds_json else ("HCL", ".tfvars")
    raise UserError(
        f"the text is {form}, and {path} is not named so; nothing was written",
        hint=f"name it like {path.name.partition('.')[0]}{suffix}",
    )


def write_new(path: Path, text: str) -> None:
    """Write a file that must not exist yet; whole or not at all."""
    check_name(path, text)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            Path(name).chmod(0o644)
            path.hardlink_to(name)
        finally:
            Path(name).unlink()
    except FileExistsError:
        raise UserError(
            f"{path} exists; nothing was written", hint="name a new file with --out"
        ) from None
    except OSError as error:
        message = f"cannot write {path}: {error.strerror}; nothing was written"
        raise MachineError(message, hint="name a file in a folder that can be written") from None
