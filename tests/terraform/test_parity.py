"""Generated job files: dbt Cloud stores the same jobs from the deploy tool and from Terraform."""

import json
import random
import re

import pytest
from click.testing import CliRunner

from marketing_analytics.jobs.cli import group
from tests.jobs.faulty_cloud import TOKEN, FaultyCloud
from tests.terraform.conftest import ROOT, needs_provider

pytestmark = [pytest.mark.slow, pytest.mark.system, needs_provider]

SEED, FILES, JOBS_PER_FILE = 20_261_129, 25, 3
CHAIN = 12
CRONS = ["0 6,12,18 * * *", "*/15 * * * *", "5-59/10 8-18 * * 1-5", "0 8 L * *", "0 8 * * 1#2"]
STATUSES = ["success", "error", "canceled"]
# attribute: how a value is made
CHOICES = {
    "description": lambda dice: dice.choice(["", r"Builds \"all\".", "Übermut, $${x} und %%{y}"]),
    "schedule_cron": lambda dice: dice.choice(CRONS),
    "threads": lambda dice: dice.randint(1, 256),
    "target_name": lambda dice: dice.choice(["prod", "ci-1.2_x"]),
    "timeout_seconds": lambda dice: dice.choice([0, 600, 86_400]),
    "generate_docs": lambda dice: dice.random() < 0.5,
    "run_source_freshness": lambda dice: dice.random() < 0.5,
    "on_pull_request": lambda dice: dice.random() < 0.5,
    "triggers_on_draft_pr": lambda dice: dice.random() < 0.5,
    "deferring_environment_id": lambda dice: 3,
    "run_lint": lambda dice: dice.random() < 0.5,
    "errors_on_lint_failure": lambda dice: dice.random() < 0.5,
    "dbt_version": lambda dice: dice.choice(["latest", "1.12.0"]),
    "env_vars": lambda dice: {f"DBT_{n}": f"v {n}" for n in range(dice.randint(0, 3))},
    "tags": lambda dice: ["a", "b"],
}


def generated_jobs(dice):
    """Return the text of the jobs of a file: random attributes, random chains."""
    rows = []
    for number in range(JOBS_PER_FILE):
        names = dice.sample(sorted(CHOICES), dice.randint(0, 6))
        values = {name: CHOICES[name](dice) for name in names}
        if values.get("on_pull_request"):
            # a job that pull requests start runs after no other
            values.pop("schedule_cron", None)
        elif number and dice.random() < 0.5:
            parent = f"j{dice.randrange(number)}"
            statuses = dice.sample(STATUSES, dice.randint(1, 3))
            values["after"] = {"job": parent, "statuses": statuses}
        steps = dice.sample(["dbt build --select tag:x", "dbt test", "dbt seed"], 2)
        body = ", ".join(f"{n} = {hcl(v)}" for n, v in {"execute_steps": steps, **values}.items())
        rows.append(f"j{number} = {{ {body} }}")
    return "{\n" + "\n".join(rows) + "\n}"


def hcl(value):
    """Return a value as HCL; texts hold their escapes already."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {hcl(inner)}" for name, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(hcl(inner) for inner in value) + "]"
    return f'"{value}"' if isinstance(value, str) else json.dumps(value)


@pytest.fixture
def by_tool(tmp_path, monkeypatch):
    """Return a second dbt Cloud and a function that deploys a text to it for a team."""
    folder = tmp_path / "second"
    folder.mkdir()
    cloud = FaultyCloud(folder)
    for name, value in {
        "DBTCLOUD_ACCOUNT_ID": "1",
        "DBTCLOUD_TOKEN": TOKEN,
        "PROJECT_ID": "2",
        "ENVIRONMENT_ID": "3",
        "DBTCLOUD_HOST_URL": cloud.url,
        "CI_COMMIT_REF_SLUG": "b",
        "GITLAB_USER_LOGIN": "u",
    }.items():
        monkeypatch.setenv(name, value)

    def deploy(team, text):
        path = tmp_path / "jobs.tfvars"
        path.write_text(f"jobs = {text}\n")
        done = CliRunner().invoke(group, ["deploy", "--config", str(path), "--team", team])
        assert done.exit_code == 0, done.stderr + text

    yield cloud, deploy
    cloud.close()


# each path names and marks its jobs in its own way; times are of each write
OWN = {"id", "name", "description", "created_at", "updated_at", "next_run"}
MARK = re.compile(r" ?\[jobs:v1 (\w+)/(?:.*/)?(\w+)\]$")


def stored(cloud):
    """Return what is stored by team and key: fields, text, parent and variables."""
    jobs, found = cloud.active(), {}
    marks = {job["id"]: MARK.search(job["description"]) for job in jobs}
    variables = {}
    for job_id, name, value in cloud.overrides:
        # only branch jobs have a schema of their own
        if name != "DBT_SCHEMA":
            variables.setdefault(job_id, {})[name] = value
    for job in jobs:
        mark = marks[job["id"]]
        condition = (job["job_completion_trigger_condition"] or {}).get("condition")
        if condition:
            condition["job_id"] = marks[condition["job_id"]][2]
            condition["statuses"].sort()
        found[mark[1], mark[2]] = {
            **{name: value for name, value in job.items() if name not in OWN},
            "text": job["description"][: mark.start()],
            "custom_environment_variables": variables.get(job["id"], {}),
        }
    return found


# in parts: Terraform writes its whole state after each resource, so one part would take the square
@pytest.mark.parametrize("part", range(8))
def test_both_paths_store_the_same_jobs_of_200_generated_files(terraform_in, server, by_tool, part):
    dice = random.Random(SEED + part)
    files = {f"team{number}": generated_jobs(dice) for number in range(FILES)}
    cloud, found = store_both_ways(terraform_in, server, by_tool, files)
    assert len(found) == FILES * JOBS_PER_FILE
    assert found.keys() == cloud.keys()
    for key, job in cloud.items():
        assert found[key] == job, (SEED + part, key, files[key[0]])


def test_a_chain_of_twelve_jobs_and_a_ring_of_five(terraform_in, server, by_tool):
    rows = [
        f'j{n} = {{ execute_steps = ["dbt build"], after = {{ job = "j{n - 1}" }} }}'
        for n in range(1, CHAIN)
    ]
    chain = "\n".join(['j0 = { execute_steps = ["dbt build"] }', *rows])
    wanted, found = store_both_ways(terraform_in, server, by_tool, {"long": f"{{\n{chain}\n}}"})
    assert found == wanted
    assert found["long", "j11"]["job_completion_trigger_condition"]["condition"]["job_id"] == "j10"
    terraform = terraform_in(name="ring")
    ring = chain.replace('j7 = { execute_steps = ["dbt build"], after = { job = "j6" } }', "")
    ring += '\nj7 = { execute_steps = ["dbt build"], after = { job = "j11" } }'
    one_module_for_each_file(terraform, {"ring": f"{{\n{ring}\n}}"})
    terraform("plan", code=1)
    said = " ".join(terraform.said.replace("│", " ").split())
    assert "wait for each other, or for jobs that do: j10, j11, j7, j8, j9." in said


def store_both_ways(terraform_in, server, by_tool, files):
    """Return what the deploy tool stores of files by team, and what Terraform stores."""
    cloud, deploy = by_tool
    for team, text in files.items():
        deploy(team, text)
    terraform = terraform_in(name="many")
    one_module_for_each_file(terraform, files)
    terraform("apply", "-auto-approve", "-parallelism=20", "-refresh=false")
    return stored(cloud), stored(server)


def one_module_for_each_file(terraform, files):
    """Make a root of one variable with all files; its type is that of the root's `jobs`."""
    text = (ROOT / "variables.tf").read_text()
    kind = re.search(r"  type = (map\(object\(\{.*?\n  \}\)\))", text, re.DOTALL)[1]
    for path in terraform.folder.glob("*.tf"):
        if path.name != "versions.tf":
            path.unlink()
    (terraform.folder / "main.tf").write_text(
        f'variable "files" {{\n  type = map({kind})\n}}\n'
        'module "jobs" {\n  for_each = var.files\n  source = "./terraform/modules/jobs"\n'
        "  team_name = each.key\n  project_id = 2\n  environment_id = 3\n  jobs = each.value\n}\n"
    )
    rows = "\n".join(f"{team} = {text}" for team, text in files.items())
    (terraform.folder / "terraform.tfvars").write_text(f"files = {{\n{rows}\n}}\n")
    terraform("get")
