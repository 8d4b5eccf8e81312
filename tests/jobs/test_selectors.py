"""Every step of every job selects something that exists in the dbt project."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from marketing_analytics.jobs.model import load_job_file

pytestmark = pytest.mark.system

ROOT = Path(__file__).resolve().parents[2]
FILES = ["dev", "test", "prod"]
RESOURCES = {"build": [], "test": ["test", "unit_test"], "run": ["model"], "source": ["source"]}

# one process parses once and asks for each selection; dbt itself decides what is selected
LISTER = """
import json, sys
from dbt.cli.main import dbtRunner
common = json.loads(sys.argv[1])
runner = dbtRunner(manifest=dbtRunner().invoke(["--quiet", "parse", *common[:-2]]).result)
found = {}
for name, arguments in json.loads(sys.argv[2]).items():
    result = runner.invoke(["--quiet", "ls", *arguments, *common])
    failed = [f"FAILED {result.exception}"]
    found[name] = list(result.result or []) if result.success else failed
print("\\n" + json.dumps(found))
"""


def steps():
    """Return every step of the three files."""
    files = [load_job_file(ROOT / "env_file" / f"{name}_env.tfvars") for name in FILES]
    return sorted({step for file in files for job in file.jobs for step in job.execute_steps})


def listing(step):
    """Return the arguments of `dbt ls` that list what a step works on."""
    words = shlex.split(step)[1:]
    command, words = words[0], words[2 if words[0] == "source" else 1 :]
    resources = [part for kind in RESOURCES[command] for part in ("--resource-type", kind)]
    return [*words, *resources]


@pytest.fixture(scope="module")
def selected(made_once):
    """Return what each step selects."""
    folder = made_once(
        "selected", lambda made: (made / "steps.json").write_text(json.dumps(ask_dbt(made)))
    )
    return json.loads((folder / "steps.json").read_text())


def ask_dbt(target):
    """Return what dbt selects for each step, by one process that parses once."""
    project = str(ROOT / "transform")
    common = ["--project-dir", project, "--profiles-dir", project]
    common += ["--target-path", str(target), "--log-path", str(target / "logs")]
    common += ["--output", "name"]
    arguments = {step: listing(step) for step in steps()}
    done = subprocess.run(
        [sys.executable, "-c", LISTER, json.dumps(common), json.dumps(arguments)],
        capture_output=True,
        text=True,
        cwd=target,
        env={**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("step", steps())
def test_a_step_selects_at_least_one_model_test_or_source(selected, step):
    assert selected[step], f"{step} selects nothing"
    assert not selected[step][0].startswith("FAILED"), selected[step]
