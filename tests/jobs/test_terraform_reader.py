"""Terraform and the deploy tool accept the same files and read the same values from them."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from marketing_analytics.core.errors import FileError
from marketing_analytics.jobs.model import read_job_text
from marketing_analytics.jobs.reader import After

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed"),
]

GOOD = [
    "threads = 256",
    "threads = null",
    'threads = "12"',
    "timeout_seconds = 86400",
    "environment_id = 9",
    'job_type = "ci"',
    'job_type = "adaptive"',
    "on_merge = true",
    "on_pull_request = true, triggers_on_draft_pr = true",
    "run_compare_changes = true, deferring_environment_id = 4",
    "run_lint = true, errors_on_lint_failure = false",
    "force_node_selection = false",
    'target_name = "prod-1.2_x"',
    'dbt_version = "1.12.0"',
    f'description = "{"x" * 255}"',
    'description = "ein Tag für Übermut"',
    'env_vars = { DBT_A = "b c" }, tags = ["x"]',
    f"env_vars = {{ DBT_{'X' * 250} = 1 }}",
]
BAD = [
    "threads = 0",
    "threads = -3",
    "threads = 257",
    "threads = 1.5",
    'threads = "many"',
    "timeout_seconds = -1",
    "timeout_seconds = 86401",
    "environment_id = 0",
    "environment_id = 1.5",
    "deferring_environment_id = -1",
    'job_type = "scheduled"',
    'job_type = "ci", on_merge = true',
    "on_merge = true, on_pull_request = true",
    'on_merge = true, schedule_cron = "0 6 * * *"',
    'target_name = "a b"',
    'target_name = ""',
    'dbt_version = " "',
    f'description = "{"x" * 256}"',
    f"env_vars = {{ DBT_{'X' * 251} = 1 }}",
    "env_vars = { dbt_a = 1 }",
    'after = { job = "nobody" }',
    'after = { job = "other", statuses = [] }',
    'after = { job = "other", statuses = ["failed"] }',
]
GOOD_CRONS = """
* * * * *
*/15 * * * *
0 6,12,18 * * *
5-59/10 8-18 * * 1-5
0 0 29 2 *
0 0 31 1-12 *
0 0 30 2 MON
0 0 30,1 2 *
0 0 31 4,5 *
0 8 L * *
0 8 LW * *
0 8 * * 5L
0 8 * * 1#2
0 8 * JAN-MAR mon,FRI
0 0 * * 7
""".strip().splitlines()
BAD_CRONS = """
99 5 * * *
0 24 * * *
0 0 0 * *
0 0 32 * *
0 0 * 13 *
0 0 * 0 *
0 0 * * 8
0 0 30 2 *
0 0 31 2 *
0 0 30-31 FEB *
0 0 31 4,6,9,11 *
*/0 * * * *
30-10 * * * *
0 6 * *
0 0 6 * * *
0 6 * * MONDAY
0 6 * * 1#6
a b c d e
""".strip().splitlines()


def file_of(attributes):
    entry = f'{{\n    execute_steps = ["dbt build"]\n    {attributes}\n  }}'.replace(", ", "\n    ")
    other = '{ execute_steps = ["dbt build"] }'
    return f"project_id = 2\nenvironment_id = 3\njobs = {{\n  a = {entry}\n  other = {other}\n}}\n"


def cron_of(cron):
    return f'schedule_cron = "{cron}"'


@pytest.fixture
def terraform(tmp_path):
    """Return a function that runs terraform on a text with variables.tf alone."""
    shutil.copy(ROOT / "variables.tf", tmp_path)
    env = {**os.environ, "TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1"}

    def run(text, *arguments, asked=None):
        (tmp_path / "jobs.tfvars").write_text(text, encoding="utf-8")
        command = ["terraform", *arguments, "-var-file=jobs.tfvars"]
        return subprocess.run(
            command, input=asked, capture_output=True, text=True, cwd=tmp_path, env=env, check=False
        )

    return run


def plain(value):
    """Return a value of ours in the form of Terraform's JSON."""
    if isinstance(value, After):
        return {"job": value.job, "statuses": sorted(value.statuses)}
    if hasattr(value, "keys"):
        return {name: str(item) for name, item in value.items()}
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("text", [*GOOD, *map(cron_of, GOOD_CRONS)], ids=lambda text: text[:50])
def test_a_good_file_gives_the_same_values(terraform, text):
    checked = terraform(file_of(text), "plan", "-input=false", "-no-color")
    assert checked.returncode == 0, checked.stderr
    said = terraform(file_of(text), "console", asked="jsonencode(var.jobs)\n")
    read = {job.key: job for job in read_job_text(file_of(text)).jobs}
    ours = {key: {n: plain(v) for n, v in job.values.items()} for key, job in read.items()}
    assert json.loads(json.loads(said.stdout)) == ours


@pytest.mark.parametrize("text", [*BAD, *map(cron_of, BAD_CRONS)], ids=lambda text: text[:50])
def test_a_bad_file_is_refused_by_both(terraform, text):
    with pytest.raises(FileError):
        read_job_text(file_of(text))
    checked = terraform(file_of(text), "plan", "-input=false", "-no-color")
    assert checked.returncode == 1
    assert "Invalid value for" in checked.stderr


def test_the_ids_of_a_file_are_held_to_the_same_rule(terraform):
    for name in ("project_id", "environment_id"):
        for value in ("0", "-1", "1.5"):
            text = file_of("").replace(f"{name} = ", f"{name} = {value} #")
            with pytest.raises(FileError):
                read_job_text(text)
            assert "page URL" in terraform(text, "plan", "-input=false").stderr
