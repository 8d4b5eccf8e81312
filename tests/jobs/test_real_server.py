"""The deploy tool and Terraform against the local dbt Cloud, as processes."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from marketing_analytics.cloud_api.client import Access, CloudClient

pytestmark = pytest.mark.system

ROOT = Path(__file__).resolve().parents[2]
DEV = ROOT / "env_file" / "dev_env.tfvars"
TOKEN = "local-token-123456"
SETTINGS = {
    "DBTCLOUD_ACCOUNT_ID": "1",
    "PROJECT_ID": "2",
    "ENVIRONMENT_ID": "3",
    "DBTCLOUD_TOKEN": TOKEN,
    "CI_COMMIT_REF_SLUG": "feature-x",
    "GITLAB_USER_LOGIN": "anna",
}


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Start `marketing cloud serve` and return its address."""
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    folder = tmp_path / "cloud"
    code = "from marketing_analytics.cli import main; main()"
    command = [sys.executable, "-c", code, "cloud", "serve", "--port", "0"]
    command += ["--data-dir", str(folder), "--project-dir", str(ROOT / "transform"), "--dirty"]
    with (tmp_path / "server.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT)
    try:
        url = wait_for(folder / "server.json", process, tmp_path / "server.log")
        monkeypatch.setenv("DBTCLOUD_HOST_URL", url)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(path, process, log):
    """Return the address that the server writes when it listens."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            return json.loads(path.read_text())["url"]
        except (OSError, ValueError):
            time.sleep(0.05)
    raise AssertionError(log.read_text())


@contextlib.contextmanager
def client_of(url):
    """Return a client of the server."""
    client = CloudClient(Access(host_url=url, account_id=1, project_id=2, token=TOKEN))
    yield client
    client.close()


def all_jobs(url):
    with client_of(url) as client:
        return client.list_jobs("custom_environment_variables")


def test_the_nine_dev_jobs_deploy_list_change_and_clean_up(server, script, tmp_path):
    done = script("deploy", "--config", DEV)
    assert done.returncode == 0, done.stderr
    assert "done: 9 of 9 changes" in done.stdout
    assert "no changes" in script("deploy", "--config", DEV).stdout
    with client_of(server) as client:
        overrides = client.job_overrides(1)
    assert overrides["DBT_SCHEMA"]["job"]["value"] == "anna_feature_x"
    changed = tmp_path / "dev.tfvars"
    changed.write_text(DEV.read_text().replace('"0 9 * * *"', '"15 9 * * *"'))
    assert "1 to change" in script("deploy", "--config", changed).stdout
    assert "no changes" in script("deploy", "--config", changed).stdout
    listed = json.loads(script("list", "--json").stdout)["jobs"]
    assert {job["schedule_cron"] for job in listed} >= {"15 9 * * *", None}
    assert "nothing to clean up" in script("cleanup", "--older-than", "7", "--yes").stdout
    assert script("cleanup", "--older-than", "0", "--yes").returncode == 0
    assert all_jobs(server) == []


def test_a_second_branch_a_second_user_and_a_longer_team_name_deploy_beside_the_first(
    server, script
):
    scopes = [
        ("marketing-team", "feature-x", "anna"),
        ("marketing-team", "feature-y", "anna"),
        ("marketing-team", "feature-x", "ben"),
        ("marketing", "team-feature-x", "anna"),
    ]
    for team, branch, user in scopes:
        flags = ("--team", team, "--branch", branch, "--user", user)
        done = script("deploy", "--config", DEV, *flags)
        assert done.returncode == 0, done.stderr
    schemas = [job["custom_environment_variables"][0]["display_value"] for job in all_jobs(server)]
    assert {schema: schemas.count(schema) for schema in schemas} == {
        "anna_feature_x": 9,
        "anna_feature_y": 9,
        "ben_feature_x": 9,
        "anna_team_feature_x": 9,
    }


def test_chains_triggers_and_variables_are_stable_on_the_server(server, script, job_file):
    config = job_file(EVERYTHING)
    done = script("deploy", "--config", config)
    assert done.returncode == 0, done.stderr + done.stdout
    second = script("deploy", "--config", config)
    assert "no changes" in second.stdout, second.stdout


LISTED = """dbtcloud_token = "your-token-here"
project_id     = "2"
jobs = [
  # === ATTRIBUTION ===
  {
    name           = "attribution-daily-refresh"
    environment_id = "3"
    execute_steps  = ["dbt build --select tag:attribution"]
    schedule_type  = "every_day"
    schedule_hours = [8]
    job_type       = "daily"
    threads        = 6
  },
  {
    name           = "weekly report"
    execute_steps  = ["dbt run"]
    schedule_type  = "weekly"
    schedule_hours = [6]
    schedule_days  = [7]
  },
  { name = "by-hand", execute_steps = ["dbt test"], schedule_hours = [] }
]
"""


def test_a_list_of_jobs_and_its_converted_file_are_the_same_jobs(
    server, script, job_file, tmp_path
):
    listed, converted = job_file(LISTED, "list.tfvars"), tmp_path / "map.tfvars"
    assert script("convert", listed, "--out", converted).returncode == 0
    plans = [
        json.loads(script("plan", "--config", path, "--json").stdout)
        for path in (listed, converted)
    ]
    assert [plan["config"] for plan in plans] == [str(listed), str(converted)]
    first, second = [{**plan, "config": "", "seconds": 0} for plan in plans]
    assert first == second
    done = script("deploy", "--config", listed)
    assert done.returncode == 0, done.stderr
    assert "done: 3 of 3 changes" in done.stdout
    assert "no changes" in script("plan", "--config", converted).stdout
    found = {
        job["name"].partition("-anna-")[2]: job["schedule"]["cron"] for job in all_jobs(server)
    }
    assert found["attribution-daily-refresh"] == "0 8 * * *"
    assert found["weekly-report"] == "0 6 * * 0"


def test_a_wrong_token_and_a_wrong_project_are_clear(server, script):
    done = script("list", env={"DBTCLOUD_TOKEN": "nonsense-token"})
    assert (done.returncode, done.stdout) == (4, "")
    assert "refused the token" in done.stderr
    for wrong in ({"ENVIRONMENT_ID": "99"}, {"PROJECT_ID": "99"}):
        for dry_run in ([], ["--dry-run"]):
            done = script("deploy", "--config", DEV, *dry_run, env=wrong)
            assert (done.returncode, done.stdout) == (2, "")
            assert "there is no environment" in done.stderr
    assert all_jobs(server) == []


EVERYTHING = """jobs = {
  root = {
    execute_steps            = ["dbt build --select a", "dbt test"]
    description              = "With everything."
    schedule_cron            = "*/30 6-8 * * 1-5"
    threads                  = 8
    target_name              = "prod"
    timeout_seconds          = 600
    generate_docs            = true
    run_source_freshness     = true
    deferring_environment_id = 3
    env_vars                 = { DBT_A = "1", DBT_B = "x y" }
    tags                     = ["a"]
  }
  child      = { execute_steps = ["dbt build"], after = { job = "root" } }
  grandchild = {
    execute_steps = ["dbt build"]
    after         = { job = "child", statuses = ["success", "error", "canceled"] }
  }
  great = { execute_steps = ["dbt build"], after = { job = "grandchild", statuses = ["error"] } }
  ci = {
    execute_steps            = ["dbt build"]
    on_pull_request          = true
    triggers_on_draft_pr     = true
    run_lint                 = true
    errors_on_lint_failure   = false
    run_compare_changes      = true
    deferring_environment_id = 3
  }
  ci_without_webhook = { execute_steps = ["dbt build"], job_type = "ci" }
  nodes              = { execute_steps = ["dbt build"], force_node_selection = true }
  adaptive           = { execute_steps = ["dbt build"], job_type = "adaptive" }
  merge = { execute_steps = ["dbt build"], on_merge = true }
  idle  = { execute_steps = ["dbt build"] }
}
"""

# Terraform with the real provider

PROVIDER = os.environ.get("DBTCLOUD_PROVIDER_DIR", "")
needs_provider = pytest.mark.skipif(
    not (PROVIDER and shutil.which("terraform")),
    reason="needs terraform, and DBTCLOUD_PROVIDER_DIR with terraform-provider-dbtcloud",
)


@pytest.fixture
def terraform(server, tmp_path):
    """Return a function that runs terraform on a copy of the root module."""
    folder = tmp_path / "terraform"
    folder.mkdir()
    for path in ROOT.glob("*.tf"):
        shutil.copy(path, folder)
    shutil.copytree(ROOT / "terraform", folder / "terraform")
    config = tmp_path / "terraformrc"
    override = f'dev_overrides {{\n    "dbt-labs/dbtcloud" = "{PROVIDER}"\n  }}'
    config.write_text(f"provider_installation {{\n  {override}\n  direct {{}}\n}}\n")
    env = {
        **os.environ,
        "CHECKPOINT_DISABLE": "1",
        "TF_CLI_CONFIG_FILE": str(config),
        "TF_IN_AUTOMATION": "1",
        "TF_CLI_ARGS_apply": "-no-color",
        "TF_CLI_ARGS_plan": "-no-color",
        "TF_CLI_ARGS_validate": "-no-color",
        "DBT_CLOUD_TOKEN": TOKEN,
        "DBT_CLOUD_ACCOUNT_ID": "1",
        "DBT_CLOUD_HOST_URL": f"{server}/api",
        "TF_VAR_project_id": "2",
        "TF_VAR_environment_id": "3",
    }

    def run(*arguments, code=0):
        done = subprocess.run(
            ["terraform", *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=folder,
            env=env,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    run("get")
    return run


def apply(terraform, config):
    """Apply a file and demand that the next plan is empty."""
    options = ["-input=false", f"-var-file={config}", f"-state={config.stem}.tfstate"]
    terraform("apply", "-auto-approve", *options)
    terraform("plan", "-detailed-exitcode", *options)


@pytest.mark.slow
@needs_provider
@pytest.mark.parametrize("name", ["test", "prod"])
def test_terraform_applies_the_file_and_then_plans_nothing(terraform, server, script, name):
    config = ROOT / "env_file" / f"{name}_env.tfvars"
    terraform("validate")
    apply(terraform, config)
    assert len(all_jobs(server)) == {"test": 6, "prod": 5}[name]
    done = script("plan", "--shared", "--config", config, "--detailed-exitcode")
    assert done.returncode == 0, done.stdout


# what each write sets by itself
OWN = {"id", "created_at", "updated_at", "name", "description", "next_run", "next_run_humanized"}


def comparable(job, names):
    """Return a stored job without ids and names; chained ids become names."""
    found = {key: value for key, value in job.items() if key not in OWN}
    condition = (found.get("job_completion_trigger_condition") or {}).get("condition")
    if condition:
        condition["job_id"] = names[condition["job_id"]]
        condition["statuses"] = sorted(condition["statuses"])
    # only branch jobs have a schema of their own
    found["custom_environment_variables"] = {
        variable["name"]: variable["display_value"]
        for variable in found["custom_environment_variables"]
        if variable["name"] != "DBT_SCHEMA"
    }
    return found


def stored_by_key(jobs):
    """Return comparable jobs by the key in their mark."""
    keys = {job["id"]: job["description"].rstrip("]").rpartition("/")[2] for job in jobs}
    return {keys[job["id"]]: comparable(job, keys) for job in jobs}


@pytest.mark.slow
@needs_provider
@pytest.mark.parametrize("name", ["everything", "dev", "test", "prod"])
def test_both_paths_store_the_same_jobs(terraform, server, script, job_file, name):
    if name == "everything":
        config = job_file(EVERYTHING)
    else:
        config = ROOT / "env_file" / f"{name}_env.tfvars"
    done = script("deploy", "--config", config)
    assert done.returncode == 0, done.stdout + done.stderr
    by_cli = all_jobs(server)
    apply(terraform, config)
    ids = {job["id"] for job in by_cli}
    by_terraform = [job for job in all_jobs(server) if job["id"] not in ids]
    assert stored_by_key(by_cli) == stored_by_key(by_terraform)


CHAIN = """jobs = {
  a = { execute_steps = ["dbt build"] }
  b = { execute_steps = ["dbt build"], after = { job = "a" } }
  c = { execute_steps = ["dbt build"], after = { job = "b", statuses = ["error"] } }
}
"""
MOVES = {
    "one level up": ('after = { job = "b", s', 'after = { job = "a", s'),
    "to the start of a chain": (', after = { job = "a" }', ""),
    "below another job": ('["dbt build"] }', '["dbt build"], after = { job = "d" } }\n  d = X'),
    "other settings": ('["dbt build"], after', '["dbt build"], threads = 9, after'),
}


def parents(jobs):
    """Return by key what each job runs after."""
    return {key: job["job_completion_trigger_condition"] for key, job in jobs.items()}


@pytest.mark.slow
@needs_provider
@pytest.mark.parametrize("move", MOVES)
def test_a_job_that_moves_in_a_chain_keeps_its_id(terraform, server, script, job_file, move):
    apply(terraform, job_file(CHAIN))
    before = {job["name"]: job["id"] for job in all_jobs(server)}
    old, new = MOVES[move]
    config = job_file(CHAIN.replace(old, new).replace("X", '{ execute_steps = ["dbt build"] }'))
    apply(terraform, config)
    after = {job["name"]: job["id"] for job in all_jobs(server)}
    assert {name: after[name] for name in before} == before
    wanted = stored_by_key(all_jobs(server))
    assert script("deploy", "--config", config).returncode == 0
    by_cli = [job for job in all_jobs(server) if job["id"] not in after.values()]
    assert parents(stored_by_key(by_cli)) == parents(wanted)


@pytest.mark.slow
@needs_provider
def test_a_state_with_a_resource_for_each_level_keeps_its_jobs(
    terraform, server, job_file, tmp_path
):
    config = job_file(CHAIN)
    module = tmp_path / "terraform" / "terraform" / "modules" / "jobs" / "main.tf"
    text = module.read_text()
    start = text.index('resource "dbtcloud_job" "this"')
    resource = text[start : text.index("\n}\n", start)]
    levels = [
        resource.replace('"this"', f'"level_{n}"').replace("var.jobs", f"local.level_{n}")
        + (CONDITION.format(above=n - 1) if n else "")
        + "\n}\n"
        for n in range(4)
    ]
    outputs = module.with_name("outputs.tf")
    shown = outputs.read_text()
    outputs.write_text("")
    (module.parents[3] / "outputs.tf").unlink()
    checks = text.index('resource "terraform_data" "chains"')
    module.write_text(text[:start] + LEVELS + "\n".join(levels) + text[checks:])
    apply(terraform, config)
    before = {job["name"]: job["id"] for job in all_jobs(server)}
    conditions = parents(stored_by_key(all_jobs(server)))
    outputs.write_text(shown)
    module.write_text(text)
    state = f"-state={config.stem}.tfstate"
    for job in terraform("state", "list", state).split():
        if ".level_" in job:
            terraform("state", "mv", state, job, re.sub(r"level_\d", "this", job))
    apply(terraform, config)
    assert {job["name"]: job["id"] for job in all_jobs(server)} == before
    assert parents(stored_by_key(all_jobs(server))) == conditions


LEVEL = (
    "level_{n} = {{ for k, j in var.jobs : k => j if try(contains({above}, j.after.job), false) }}"
)
LEVELS = "\n".join(
    [
        "locals {",
        "level_0 = { for key, job in var.jobs : key => job if job.after == null }",
        *(LEVEL.format(n=n, above=f"keys(local.level_{n - 1})") for n in range(1, 4)),
        "}\n",
    ]
)
CONDITION = """

  job_completion_trigger_condition {{
    job_id     = dbtcloud_job.level_{above}[each.value.after.job].id
    project_id = var.project_id
    statuses   = each.value.after.statuses
  }}"""

STEP = 'execute_steps = ["dbt build"]'
BAD_FILES = {
    "unknown_parent": f'jobs = {{ a = {{ {STEP}, after = {{ job = "b" }} }} }}',
    "cycle": f"""jobs = {{
  a = {{ {STEP}, after = {{ job = "b" }} }}
  b = {{ {STEP}, after = {{ job = "a" }} }}
}}""",
    "six_fields": f'jobs = {{ a = {{ {STEP}, schedule_cron = "0 0 6 * * *" }} }}',
    "no_steps": "jobs = { a = { execute_steps = [] } }",
    "merge_and_pr": f"jobs = {{ a = {{ {STEP}, on_merge = true, on_pull_request = true }} }}",
    "variable": f'jobs = {{ a = {{ {STEP}, env_vars = {{ FOO = "x" }} }} }}',
    "key": f'jobs = {{ "A" = {{ {STEP} }} }}',
    "status": f"""jobs = {{
  a = {{ {STEP} }}
  b = {{ {STEP}, after = {{ job = "a", statuses = ["failed"] }} }}
}}""",
}


@pytest.mark.slow
@needs_provider
@pytest.mark.parametrize("case", BAD_FILES)
def test_both_paths_refuse_the_file(terraform, server, script, job_file, case):
    config = job_file(BAD_FILES[case] + "\n")
    done = script("deploy", "--config", config)
    assert (done.returncode, f"--> {config}:" in done.stderr) == (2, True)
    said = terraform("plan", "-input=false", f"-var-file={config}", code=1)
    assert "Invalid value for variable" in said or "wait for each other" in said
    assert all_jobs(server) == []


WORK = """jobs = {
  second = { execute_steps = ["dbt parse"], after = { job = "first" } }
  first  = { execute_steps = ["dbt parse"] }
  broken = { execute_steps = ["dbt parse", "dbt build --select nothing_of_this_name:x:y"] }
}
"""


@pytest.mark.slow
def test_jobs_run_in_order_fail_are_retried_and_leave_artifacts(server, script, job_file, tmp_path):
    assert script("deploy", "--config", job_file(WORK)).returncode == 0
    done = script("run", "second", "first", "--in-order", "--timeout", "300")
    assert done.returncode == 0, done.stdout + done.stderr
    # the chain starts the second by itself
    assert "started by its chain: run 2 of second" in done.stdout
    done = script("run", "broken", "--follow", "--json")
    assert done.returncode == 1
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[-1]["status"] == "error"
    done = script("retry", "broken", "--follow")
    assert done.returncode == 1
    assert "repeats run 3" in done.stdout
    assert "from `dbt build --select nothing" in done.stdout
    target = tmp_path / "results.json"
    done = script("artifacts", "1", "--get", "manifest.json", "--out", target)
    assert done.returncode == 0, done.stderr
    assert json.loads(target.read_text())["metadata"]["project_name"]
    history = json.loads(script("history", "--all", "--json").stdout)["jobs"]
    states = {job["key"]: [run["status"] for run in job["runs"]] for job in history}
    assert states == {"first": ["success"], "second": ["success"], "broken": ["error", "error"]}
