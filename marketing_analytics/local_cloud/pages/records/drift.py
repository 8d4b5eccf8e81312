"""What differs between job files and the jobs here, as `marketing jobs diff` last found it.

The command runs as a process of its own against this very server; what it printed is kept.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from marketing_analytics.core.redaction import redact
from marketing_analytics.core.written import replace_file
from marketing_analytics.local_cloud.pages.states import State
from marketing_analytics.web.words import parse_time

TIMEOUT_SECONDS = 60.0
DIFF = ("jobs", "diff", "--json")
MAX_PROBLEM_CHARACTERS = 2000
SAME = State("Same", "check", "success")
NOT_COMPARED = State("Not compared", "cross", "error")
STATES = {
    "differs": State("Differs", "warn", "warn"),
    "missing": State("Not deployed", "dot", "idle"),
    "not in file": State("Not in the file", "slash", "cancelled"),
    "copy": State("Copy", "slash", "cancelled"),
}


@dataclass(frozen=True)
class JobFiles:
    """The job files to compare: those deployed for a branch, and those the team shares.

    `environment` holds the settings with which `marketing jobs` finds this server.
    """

    own: tuple[Path, ...] = ()
    shared: tuple[Path, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def commands(self) -> dict[str, tuple[str, ...]]:
        """Return by the words that are typed what compares each file."""
        own = [("--config", str(path)) for path in self.own]
        shared = [("--config", str(path), "--shared") for path in self.shared]
        return {" ".join(options): options for options in (*own, *shared)}


@dataclass(frozen=True)
class Difference:
    """A value in the file and here."""

    name: str
    in_file: str
    here: str


@dataclass(frozen=True)
class JobLine:
    """A job that differs."""

    key: str
    name: str
    job_id: int | None
    state: State
    differences: list[Difference]


@dataclass(frozen=True)
class FileLine:
    """A job file: what was found, when; `problem` is why it could not be compared."""

    options: str
    is_shared: bool
    looked_at: datetime | None
    job_count: int
    jobs: list[JobLine]
    problem: str

    @property
    def state(self) -> State | None:
        """Return how the file stands, None before anybody looked."""
        if self.looked_at is None:
            return None
        if self.problem:
            return NOT_COMPARED
        return STATES["differs"] if self.jobs else SAME


class Drift:
    """The job files of a server and the last look at them, kept in `drift.json` of its folder."""

    def __init__(self, files: JobFiles, data_dir: Path) -> None:
        self.files = files
        self.path = data_dir / "drift.json"

    def look(self) -> None:
        """Compare every file now; takes a second or two for each."""
        found = {words: self.compare(given) for words, given in self.files.commands.items()}
        replace_file(self.path, json.dumps(found))

    def compare(self, options: Sequence[str]) -> dict[str, Any]:
        """Return what the command says of one file, or why it said nothing."""
        looked_at = datetime.now(UTC).isoformat()
        command = [sys.executable, "-m", "marketing_analytics", *DIFF, *options]
        try:
            done = subprocess.run(
                command,
                env=dict(self.files.environment),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=TIMEOUT_SECONDS,
                text=True,
                check=False,
            )
        except subprocess.TimeoutExpired:
            problem = f"it took longer than {TIMEOUT_SECONDS:.0f} s"
            return {"looked_at": looked_at, "problem": problem}
        answer = answer_of(done.stdout)
        if "drift" in answer:
            return {"looked_at": looked_at, "answer": answer}
        problem = problem_of(answer) or done.stderr.strip() or f"exit code {done.returncode}"
        return {"looked_at": looked_at, "problem": redact(problem)[:MAX_PROBLEM_CHARACTERS]}

    def lines(self, secrets: Sequence[str]) -> list[FileLine]:
        """Return every file as it was last seen."""
        kept = read_kept(self.path)
        return [file_line(words, kept.get(words, {}), secrets) for words in self.files.commands]


def answer_of(printed: str) -> dict[str, Any]:
    """Return the object that the command printed, an empty one when it printed none."""
    try:
        found = json.loads(printed)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def problem_of(answer: Mapping[str, Any]) -> str:
    """Return what went wrong and what to do, from the error that the command printed."""
    error = answer.get("error") or {}
    return "\n".join(filter(None, (error.get("message"), error.get("hint"))))


def read_kept(path: Path) -> dict[str, Any]:
    """Return what the last look found; a file that cannot be read counts as none."""
    try:
        return answer_of(path.read_text("utf-8"))
    except OSError:
        return {}


def file_line(words: str, kept: Mapping[str, Any], secrets: Sequence[str]) -> FileLine:
    """Return one file as shown."""
    answer = kept.get("answer") or {}
    return FileLine(
        options=words,
        is_shared=words.endswith(" --shared"),
        looked_at=parse_time(kept.get("looked_at")),
        job_count=answer.get("summary", {}).get("jobs", 0),
        jobs=[job_line(job, secrets) for job in answer.get("drift", ())],
        problem=redact(kept.get("problem", ""), secrets),
    )


def job_line(job: Mapping[str, Any], secrets: Sequence[str]) -> JobLine:
    """Return one job that differs."""
    pairs = [(one["field"], one) for one in job["fields"]]
    pairs += [(f"variable {one['name']}", one) for one in job["env_vars"]]
    return JobLine(
        key=job["key"] or job["name"],
        name=job["name"],
        job_id=job["job_id"],
        state=STATES.get(job["state"], STATES["differs"]),
        differences=[
            Difference(name, value_words(one["file"], secrets), value_words(one["cloud"], secrets))
            for name, one in pairs
        ],
    )


def value_words(value: object, secrets: Sequence[str]) -> str:
    """Return a value in words; a list has one item a line."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
        return redact("\n".join(map(str, value)), secrets)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return redact(text, secrets)
