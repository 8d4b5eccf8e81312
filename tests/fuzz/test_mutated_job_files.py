"""Mutated job files: no traceback, every refusal has its place, nothing takes long."""

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from marketing_analytics.core.errors import FileError
from marketing_analytics.jobs.forms.convert import convert_file
from marketing_analytics.jobs.model import build_job_file, read_job_text
from marketing_analytics.jobs.tfvars import parse_text
from marketing_analytics.jobs.tfvars.file_text import decode
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
LISTED = b"""dbtcloud_account_id = "1" # ours
dbtcloud_token = "your-token-here"
dbtcloud_host_url = "https://cloud.getdbt.com"
project_id = "102"
jobs = [
  # === ATTRIBUTION ===
  {
    name           = "Attribution daily"
    environment_id = "999"
    execute_steps  = ["dbt deps", # first
      "dbt build --select tag:attribution"]
    schedule_type  = "custom"
    schedule_hours = [6, 12] # twice
    schedule_days  = [1, 7]
    job_type       = "hourly"
    generate_docs  = true
  },
  /* by hand */
  { name = "tests", execute_steps = ["dbt test"], job_type = "on-demand", schedule_hours = [] },
  {
    name = "weekly", execute_steps = ["dbt run"]
    schedule_type = "weekly", schedule_hours = ["8"], schedule_days = [0]
  }
]
"""
JSON = b"""{
  "//": "everything the format has",
  "team_name": "marketing-team",
  "project_id": 1.5e1,
  "jobs": {
    "root": {
      "description": "caf\\u00e9 ${literal} \\ud83d\\ude00",
      "execute_steps": ["dbt build", "dbt test"],
      "schedule_cron": "0 6 * * 1-5",
      "env_vars": {"DBT_A": "1", "DBT_B": 2.50},
      "threads": "8"
    },
    "child": {"execute_steps": ["dbt run"], "after": {"job": "root", "statuses": ["success"]}}
  }
}
"""
LISTED_JSON = b"""{"project_id": "102", "dbtcloud_token": "", "jobs": [
  {"name": "a", "execute_steps": ["dbt build"], "schedule_type": "hourly", "threads": null},
  {"name": "b", "execute_steps": ["dbt build"], "schedule_hours": [8], "generate_docs": false}
]}
"""
TOKENS = [
    b'"', b"{", b"}", b"[", b"]", b"(", b")", b"=", b":", b",", b"\n", b"\r\n", b"#", b"//", b"/*",
    b"*/", b"${", b"%{", b"$${", b"<<EOT\n", b"<<-EOT\n", b"EOT\n", b"\\", b"\\u1",
    b"null", b"true", b"for", b"if", b"1e9", b"0123", b"-", b"!", b"?", b"...", b"=>", b"jobs",
    b"after", b"\xff",
    b"\x00", b"\xef\xbb\xbf", b"\xc3\xa9", b"\xe2\x80\xa8", b"'", b";", b"execute_steps = 1\n",
    b'"jobs":', b"\\ud83d", b"NaN", b"schedule_hours = [25]\n", b"name = 7\n", b"[{}]",
    b"on-demand",
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


def mutated_form(seed):
    """Return the mutated bytes of a list of jobs or of a file in JSON, and the file's name."""
    chance = random.Random(seed)
    name, original = chance.choice(
        [("m.tfvars", LISTED), ("m.tfvars.json", JSON), ("m.tfvars.json", LISTED_JSON)]
    )
    return mutate(chance, original), name


def read(data, name="m.tfvars"):
    """Read bytes as the tool does."""
    return build_job_file(*parse_text(decode(data, name), name))


@pytest.mark.parametrize(
    ("data", "name", "count"),
    [
        (RICH, "m.tfvars", 2),
        (LISTED, "m.tfvars", 3),
        (JSON, "m.tfvars.json", 2),
        (LISTED_JSON, "m.tfvars.json", 2),
    ],
    ids=["rich", "list", "json", "list in json"],
)
def test_the_file_that_is_mutated_is_valid(data, name, count):
    assert len(read(data, name).jobs) == count


@pytest.mark.parametrize("forms", [False, True], ids=["maps", "lists and json"])
def test_a_thousand_mutated_files_are_read_or_refused_with_their_place(forms):
    refused = 0
    for seed in range(CASES):
        data, name = mutated_form(seed) if forms else (mutated(seed), "m.tfvars")
        try:
            read(data, name)
        except FileError as error:
            refused += 1
            for single in getattr(error, "errors", [error]):
                check_place(single, data, name)
    assert refused > CASES * 0.6


def test_mutated_lists_that_are_read_are_converted_to_the_same_jobs(tmp_path):
    converted, path = 0, tmp_path / "m.tfvars"
    for seed in range(CASES):
        data = mutate(random.Random(seed), LISTED)
        path.write_bytes(data)
        try:
            file, text = convert_file(str(path))
        except FileError:
            continue
        converted += 1
        assert read_job_text(text).jobs == file.jobs
        for comment in (b"# ===", b"/* by hand"):
            assert (comment in data) == (comment.decode() in text)
    assert converted > CASES * 0.05


def check_place(error, data, name):
    """Check that an error names a place inside the file, with source line and hint."""
    encoding = "utf-8" if name.endswith("json") else "utf-8-sig"
    lines = data.decode(encoding, "replace").split("\n")
    assert error.hint
    assert error.message
    assert 1 <= error.line <= len(lines)
    assert 1 <= error.column <= len(lines[error.line - 1]) + 2
    assert f"{name}:" in error.render()


VARIABLES = ("jobs", "team_name", "project_id", "environment_id", "dbtcloud_account_id")
VARIABLES += ("dbtcloud_host_url", "dbtcloud_token")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")
@pytest.mark.parametrize("forms", [False, True], ids=["maps", "lists and json"])
def test_nothing_is_accepted_that_terraform_refuses(tmp_path, forms):
    (tmp_path / "main.tf").write_text(
        "".join(f'variable "{n}" {{\n  type = any\n  default = null\n}}\n' for n in VARIABLES)
    )
    checked = 0
    for seed in range(10_000, 11_500):
        data, name = mutated_form(seed) if forms else (mutated(seed), "m.tfvars")
        try:
            value = plain(parse_text(decode(data, name), name)[1])
        except FileError:
            continue
        if not set(value) <= set(VARIABLES):
            continue
        checked += 1
        (tmp_path / name).write_bytes(data)
        done = subprocess.run(
            ["terraform", "console", "-no-color", f"-var-file={name}"],
            input="1\n",
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.devnull},
            check=False,
        )
        assert "Error:" not in done.stderr, (seed, done.stderr)
    assert checked > 100
