"""Mutated job files: no traceback, every refusal has its place, nothing takes long."""

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from marketing_analytics.core.errors import FileError
from marketing_analytics.jobs.model import build_job_file
from marketing_analytics.jobs.tfvars import parse_text
from marketing_analytics.jobs.tfvars.reader import decode
from marketing_analytics.jobs.tfvars.values import plain

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "env_file").glob("*.tfvars"))
CASES = 1000

RICH = b"""# everything the format has
team_name = "marketing-team"
project_id = 1 + 1
environment_id = "3"
jobs = {
  root = {
    description = <<-EOT
      Two lines, ${"with"} a template.
      $${literal}
    EOT
    execute_steps = ["dbt build --select a\\u0062", "dbt test"]
    schedule_cron = "0 6 * * 1-5"
    env_vars = { DBT_A = "1", "DBT_B" : 2.50 }
    threads = true ? 8 : 4
  }
  "child" = { // chained
    execute_steps = [for s in ["run", "test"] : "dbt ${s}"]
    after = { job = "root", statuses = ["success"] } }
}
"""
TOKENS = [
    b'"', b"{", b"}", b"[", b"]", b"(", b")", b"=", b":", b",", b"\n", b"\r\n", b"#", b"//", b"/*",
    b"*/", b"${", b"%{", b"$${", b"<<EOT\n", b"<<-EOT\n", b"EOT\n", b"\\", b"\\u1",
    b"null", b"true", b"for", b"if", b"1e9", b"0123", b"-", b"!", b"?", b"...", b"=>", b"jobs",
    b"after", b"\xff",
    b"\x00", b"\xef\xbb\xbf", b"\xc3\xa9", b"\xe2\x80\xa8", b"'", b";", b"execute_steps = 1\n",
]  # fmt: skip


def mutate(chance, data):
    """Return data with one to four mutations of bytes, tokens or lines."""
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.randint(1, 12))
        lines = data.split(b"\n")
        kind = chance.randrange(7)
        if kind == 0:
            data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
        elif kind == 1:
            data = data[:at] + chance.choice(TOKENS) + data[at:]
        elif kind == 2:
            data = data[:at] + data[end:]
        elif kind == 3:
            data = data[:at] + data[at:end] * 2 + data[end:]
        elif kind == 4:
            data = data[:at]
        elif kind == 5:
            del lines[chance.randrange(len(lines))]
            data = b"\n".join(lines)
        else:
            one, two = chance.randrange(len(lines)), chance.randrange(len(lines))
            lines[one], lines[two] = lines[two], lines[one]
            data = b"\n".join(lines)
    return data


def mutated(seed):
    """Return the mutated bytes of a seed."""
    chance = random.Random(seed)
    originals = [RICH, *(path.read_bytes() for path in FILES)]
    return mutate(chance, chance.choice(originals))


def read(data):
    """Read bytes as the tool does."""
    return build_job_file(*parse_text(decode(data, "m.tfvars"), "m.tfvars"))


def test_the_rich_file_is_valid():
    assert len(read(RICH).jobs) == 2


def test_a_thousand_mutated_files_are_read_or_refused_with_their_place():
    refused = 0
    for seed in range(CASES):
        data = mutated(seed)
        try:
            read(data)
        except FileError as error:
            refused += 1
            check_place(error, data)
    assert refused > CASES * 0.6


def check_place(error, data):
    """Check that an error names a place inside the file, with source line and hint."""
    lines = data.decode("utf-8-sig", "replace").split("\n")
    assert error.hint
    assert error.message
    assert 1 <= error.line <= len(lines)
    assert 1 <= error.column <= len(lines[error.line - 1]) + 2
    assert "m.tfvars:" in error.render()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")
@pytest.mark.timeout(900)
def test_nothing_is_accepted_that_terraform_refuses(tmp_path):
    (tmp_path / "main.tf").write_text(
        "".join(
            f'variable "{n}" {{\n  type = any\n  default = null\n}}\n'
            for n in ("jobs", "team_name", "project_id", "environment_id")
        )
    )
    checked = 0
    for seed in range(10_000, 11_500):
        data = mutated(seed)
        try:
            value = plain(parse_text(decode(data, "m.tfvars"))[1])
        except FileError:
            continue
        if not set(value) <= {"jobs", "team_name", "project_id", "environment_id"}:
            continue
        checked += 1
        (tmp_path / "a.tfvars").write_bytes(data)
        done = subprocess.run(
            ["terraform", "console", "-no-color", "-var-file=a.tfvars"],
            input="1\n",
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.devnull},
            check=False,
        )
        assert "Error:" not in done.stderr, (seed, done.stderr)
    assert checked > 100
