"""Read 10,000 mutated and 10,000 generated job files: no traceback, nothing that Terraform refuses.

Usage: python -m benchmarks.job_files [--seed N] [--count N] [--checked N]. Prints figures and every
seed that fails. So many of the files that are read are given to Terraform too, with `variables.tf`;
those with a list of jobs as `convert` writes them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marketing_analytics.cloud_api.attributes import ATTRIBUTES, Attribute
from marketing_analytics.core.errors import FileError
from marketing_analytics.jobs.forms.convert import convert_file
from marketing_analytics.jobs.model import build_job_file
from marketing_analytics.jobs.tfvars import Value, parse_text
from marketing_analytics.jobs.tfvars.file_text import decode

ROOT = Path(__file__).resolve().parents[1]
BATCH = 40
VARIABLES = ("team_name", "project_id", "environment_id", "jobs")
# what a mutation puts in: signs of both languages, words of the format, odd characters
TOKENS = [
    '"',
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "=",
    ":",
    ",",
    "#",
    "//",
    "/*",
    "*/",
    "${",
    "%{",
    "$${",
    "\\",
    "\\u1",
    "null",
    "true",
    "for",
    "if",
    "1e9",
    "0123",
    "-",
    "!",
    "?",
    "...",
    "=>",
    "jobs",
    "after",
    "'",
    ";",
    "NaN",
    "-0",
    "0x1",
    "1_0",
    "é",
    "\u2028",
    "\x00",
    "\ufeff",
    "\t",
]
BROKEN_LINES = (
    "\n",
    "\r\n",
    "<<EOT\n",
    "<<-EOT\n",
    "EOT\n",
    "execute_steps = 1\n",
    "threads = 3\n",
)
TEXTS = ("", " ", "x", "dbt", "é 📈", "a\tb", "${1 + 1}", "$${x}", "%%{if}", "0", "true", "x" * 256)
NUMBERS = ("0", "1", "4", "-1", "1.0", "1e2", "256", "257", "86400", '"8"', "1.5", "9" * 19, "1/0")
CRONS = (
    "0 6 * * *",
    "*/15 8-18 * * 1-5",
    "0 0 31 2 *",
    "0 6 * *",
    "@daily",
    "0 24 * * *",
    "0 0 * * 7",
)
STEPS = ("dbt build", "dbt test --select +tag:a", "ls", "dbt  build", "dbt", "dbt run; rm", "dbt é")
NAMES = ("a", "job-2", "A", "ä", "a" * 60, "a" * 61, "0", "a.b", "_x", "-x", "a b", "null")


def mutated(chance: random.Random, originals: list[tuple[str, bytes]]) -> tuple[str, bytes]:
    """Return a file with one to four changes of bytes, tokens or lines."""
    name, data = chance.choice(originals)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.randint(1, 12))
        kind = chance.randrange(6)
        if kind == 0:
            data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
        elif kind == 1:
            data = data[:at] + chance.choice([*TOKENS, *BROKEN_LINES]).encode() + data[at:]
        elif kind == 2:
            data = data[:at] + data[end:]
        elif kind == 3:
            data = data[:at] + data[at:end] * 2 + data[end:]
        else:
            lines = data.split(b"\n")
            one, two = chance.randrange(len(lines)), chance.randrange(len(lines))
            lines[one] = lines[two] if kind == 4 else b""
            data = b"\n".join(lines)
    return name, data


class Generated:
    """A file made of the table of attributes, in one of the two languages, mostly right."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.is_json = chance.random() < 0.3
        self.is_list = not self.is_json and chance.random() < 0.3

    def file(self) -> tuple[str, bytes]:
        """Return name and bytes."""
        least = int(self.is_list and self.chance.random() < 0.9)
        keys = [self.key() for _ in range(self.chance.randint(least, 4))]
        if self.is_list:
            top = {"jobs": "[\n" + ",\n".join(self.listed(key) for key in keys) + "\n]"}
        else:
            top = {"jobs": self.braced({key: self.job() for key in keys})}
        for name in ("project_id", "environment_id"):
            if self.chance.random() < 0.5:
                top[name] = self.one_of(("7", '"8"'), NUMBERS)
        if self.chance.random() < 0.3:
            top["team_name"] = self.one_of(('"team-1"',), ('"Team"', "7", '""', "null"))
        # a variable in quotes is refused, with all that follows
        is_plain = not self.is_json and self.chance.random() < 0.9
        rows = [f"{n} = {v}" if is_plain else self.row(n, v) for n, v in top.items()]
        text = "{" + ",\n".join(rows) + "}" if self.is_json else "\n".join(rows) + "\n"
        return ("g.tfvars.json" if self.is_json else "g.tfvars"), text.encode("utf-8")

    def one_of(self, good: tuple[str, ...], bad: tuple[str, ...]) -> str:
        """Return a good value, now and then one that may be bad."""
        return self.chance.choice(good if self.chance.random() < 0.93 else bad)

    def quoted(self, text: str) -> str:
        """Return a text in quotes, in a heredoc now and then."""
        if not self.is_json and self.chance.random() < 0.05:
            return f"<<-EOT\n  {text}\n  EOT\n"
        return json.dumps(text, ensure_ascii=self.chance.random() < 0.5)

    def key(self) -> str:
        """Return the key of a job."""
        return self.one_of(("a", "b", "job-2", "x_y", "0"), NAMES)

    def row(self, name: str, value: str) -> str:
        """Return a member of an object."""
        if self.is_json:
            return f"{json.dumps(name)}: {value}"
        is_plain = re.fullmatch(r"[A-Za-z_][\w-]*", name) and self.chance.random() < 0.8
        sign = self.chance.choice((" = ", "=", " = # why\n  ")[:2])
        return f"{name if is_plain else json.dumps(name, ensure_ascii=False)}{sign}{value}"

    def braced(self, members: dict[str, str]) -> str:
        """Return an object."""
        rows = [self.row(name, value) for name, value in members.items()]
        between = "," if self.is_json else self.chance.choice((",\n", "\n", "\n# why\n"))
        return "{\n" + between.join(rows) + "\n}"

    def listed(self, name: str) -> str:
        """Return a job of a list."""
        members = self.members()
        members.pop("job_type", None)
        members["name"] = self.quoted(name)
        if "schedule_cron" not in members and self.chance.random() < 0.5:
            kinds = ('"every_day"', '"custom"', '"weekly"', '"hourly"')
            members["schedule_type"] = self.one_of(kinds, ('"yearly"', "1"))
            if members["schedule_type"] != '"hourly"':
                members["schedule_hours"] = self.one_of(("[8]", "[]", '[6, "18"]'), ("[24]", "8"))
            if members["schedule_type"] == '"weekly"' or self.chance.random() < 0.1:
                members["schedule_days"] = self.one_of(("[1]", "[0, 7]", "[1, 2]"), ("[8]", "[]"))
        if self.chance.random() < 0.2:
            members["job_type"] = self.one_of(('"daily"', '"on-demand"'), ('"ci"', "1"))
        return self.braced(members)

    def job(self) -> str:
        """Return a job."""
        return self.braced(self.members())

    def members(self) -> dict[str, str]:
        """Return the attributes of a job."""
        chosen = [a for a in ATTRIBUTES if a.kind == "steps" or self.chance.random() < 0.15]
        members = {a.name: self.value(a) for a in chosen if self.chance.random() < 0.98}
        if self.chance.random() < 0.02:
            members[self.chance.choice(("thread", "name", "retries", "x"))] = "1"
        return members

    def value(self, attribute: Attribute) -> str:
        """Return a value of an attribute."""
        if self.chance.random() < 0.03:
            return self.chance.choice(("null", "[]", "{}", "true", '"x"', "1"))
        return str(getattr(self, f"of_{attribute.kind}", self.of_count)(attribute))

    def of_count(self, attribute: Attribute) -> str:
        """Return a number."""
        good = (str(max(attribute.least, 1)), '"3"', "2.0", "5")
        return self.one_of(good, NUMBERS)

    def of_steps(self, _: Attribute) -> str:
        """Return steps."""
        count = self.chance.randint(1, 3)
        steps = [self.quoted(self.one_of(STEPS[:2], STEPS)) for _ in range(count)]
        return (
            "["
            + ", ".join(step.removesuffix("\n") + "\n" * step.endswith("\n") for step in steps)
            + "]"
        )

    def of_text(self, _: Attribute) -> str:
        """Return a text."""
        return self.quoted(self.one_of(("Builds.", "é"), TEXTS))

    def of_word(self, attribute: Attribute) -> str:
        """Return a word."""
        return self.quoted(self.one_of(attribute.choices or ("prod", "1.12.0"), TEXTS))

    def of_flag(self, _: Attribute) -> str:
        """Return a flag."""
        return self.one_of(("true", "false", '"true"'), ('"yes"', "1", '"True"'))

    def of_cron(self, _: Attribute) -> str:
        """Return a schedule."""
        return self.quoted(self.one_of(CRONS[:2], CRONS))

    def of_after(self, _: Attribute) -> str:
        """Return what a job runs after."""
        members = {"job": self.quoted(self.one_of(("a", "b"), NAMES))}
        if self.chance.random() < 0.5:
            members["statuses"] = self.one_of(
                ('["success"]', '["error", "canceled"]'), ("[]", '["x"]')
            )
        return self.braced(members)

    def of_tags(self, _: Attribute) -> str:
        """Return tags."""
        return self.one_of(('["x"]', "[]", '["x", "y"]'), ('"x"', "[1]", "[null]"))

    def of_env_vars(self, _: Attribute) -> str:
        """Return variables."""
        name = self.one_of(("DBT_A", "DBT_B1"), ("dbt_a", "DBT_", "X", "DBT_É"))
        return self.braced({name: self.one_of(('"1"', "2", "true", "2.50"), ("null", "[]", '"é"'))})


@dataclass
class Tally:
    """What became of the files of one kind."""

    read: list[tuple[int, str, bytes]] = field(default_factory=list)
    refused: int = 0
    crashed: list[str] = field(default_factory=list)


def read_all(make: Callable[[random.Random], tuple[str, bytes]], first: int, count: int) -> Tally:
    """Read files of consecutive seeds."""
    found = Tally()
    for seed in range(first, first + count):
        name, data = make(random.Random(seed))
        try:
            build_job_file(*parse_text(decode(data, name), name))
            found.read.append((seed, name, data))
        except FileError:
            found.refused += 1
        except Exception as error:
            found.crashed.append(f"seed {seed}: {type(error).__name__}: {error}")
    return found


# Terraform


def has_list(name: str, data: bytes) -> bool:
    """Return whether a file has its jobs in a list."""
    _, root = parse_text(decode(data, name), name)
    return not isinstance(root.members["jobs"].data, dict)


def as_map(name: str, data: bytes, folder: Path) -> bytes:
    """Return a file with a list of jobs as `convert` writes it; another one as it is."""
    if not has_list(name, data):
        return data
    path = folder / name
    path.write_bytes(data)
    return convert_file(str(path))[1].encode()


def renamed(name: str, data: bytes, number: int) -> str:
    """Return a file whose variables have a number of their own."""
    source, root = parse_text(decode(data, name), name)
    assert isinstance(root, Value)
    text = source.text
    for variable, at in sorted(root.keys.items(), key=lambda item: -item[1]):
        word = re.match(r'"(?:[^"\\]|\\.)*"|[\w-]+', text[at:])
        assert word
        new = f"{variable}_{number}" if variable in VARIABLES else f"undeclared_{number}_{at}"
        new = json.dumps(new) if word[0].startswith('"') else new
        text = text[:at] + new + text[at + len(word[0]) :]
    return text


def declarations(number: int) -> str:
    """Return `variables.tf` with numbered names; the ids have a default."""
    text = (ROOT / "variables.tf").read_text(encoding="utf-8")
    names = "|".join(VARIABLES)
    text = re.sub(rf'variable "({names})"', rf'variable "\1_{number}"', text)
    text = re.sub(rf"\bvar\.({names})\b", rf"var.\1_{number}", text)
    return re.sub(r"(variable \"\w+_id_\d+\" \{\n)", r"\1  default = 1\n", text)


def plan(folder: Path, files: dict[int, tuple[str, str]]) -> str:
    """Return the errors of Terraform for files by number, which are in one folder of their own."""
    folder.mkdir()
    command = ["terraform", "plan", "-input=false", "-no-color", "-compact-warnings"]
    for number, (name, text) in files.items():
        (folder / f"v{number}.tf").write_text(declarations(number), encoding="utf-8")
        # as it is: no translation of line ends
        (folder / f"{number}.{name}").write_bytes(text.encode("utf-8"))
        command.append(f"-var-file={number}.{name}")
    env = {**os.environ, "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.devnull}
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=env, check=False)
    return done.stderr if done.returncode else ""


def refused_by_terraform(files: list[tuple[int, str, bytes]], folder: Path) -> Iterator[str]:
    """Yield what Terraform says of files that it refuses."""
    for start in range(0, len(files), BATCH):
        batch = {}
        for number, (_, name, data) in enumerate(files[start : start + BATCH], start):
            batch[number] = (name, renamed(name, as_map(name, data, folder), number))
        if not plan(folder / f"batch{start}", batch):
            continue
        for number, file in batch.items():
            if said := plan(folder / f"single{number}", {number: file}):
                yield f"seed {files[number][0]}: {' '.join(said.split())[:300]}"


def main(arguments: Any) -> int:
    """Read, print, return 1 when something fails."""
    originals = [(p.name, p.read_bytes()) for p in sorted((ROOT / "env_file").glob("*.tfvars"))]
    originals += [Generated(random.Random(n)).file() for n in range(20)]
    kinds = {
        "mutated": lambda chance: mutated(chance, originals),
        "generated": lambda chance: Generated(chance).file(),
    }
    failed, checked = False, 0
    print(f"seeds from {arguments.seed}")
    for kind, make in kinds.items():
        started = time.process_time()
        tally = read_all(make, arguments.seed, arguments.count)
        seconds = time.process_time() - started
        print(
            f"{kind}: {arguments.count} files, {len(tally.read)} read, {tally.refused} refused, "
            f"{len(tally.crashed)} tracebacks, {seconds:.0f} s of CPU"
        )
        print("".join(f"  {crash}\n" for crash in tally.crashed), end="")
        failed |= bool(tally.crashed)
        if shutil.which("terraform") is None:
            print("  terraform is not installed: nothing was cross-checked")
            continue
        # what one kind is short of the other makes up for
        half = arguments.checked // 2
        chosen = tally.read[: half if kind == "mutated" else arguments.checked - checked]
        with tempfile.TemporaryDirectory() as folder:
            refused = list(refused_by_terraform(chosen, Path(folder)))
        checked += len(chosen)
        lists = sum(has_list(name, data) for _, name, data in chosen)
        print(
            f"  {len(chosen)} of those read given to Terraform, {lists} of them lists, "
            f"{len(refused)} refused"
        )
        print("".join(f"  {said}\n" for said in refused), end="")
        failed |= bool(refused)
    print(f"{checked} files cross-checked with Terraform")
    return 1 if failed else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--checked", type=int, default=2_000)
    sys.exit(main(parser.parse_args()))
