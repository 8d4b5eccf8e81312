"""import and export: from existing jobs to a file that plans without a change, and to Terraform."""

import json
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from marketing_analytics.core.errors import FileError, UserError
from marketing_analytics.jobs.adopt.imports import Place, file_text, import_jobs
from marketing_analytics.jobs.adopt.links import key_for
from marketing_analytics.jobs.adopt.yaml_jobs import read_yaml_jobs, rendered
from marketing_analytics.jobs.model import read_job_text
from marketing_analytics.jobs.payload import MASKED, Override
from marketing_analytics.jobs.plan import remote_job

from .conftest import some_jobs

system = pytest.mark.system
ROOT = Path(__file__).resolve().parents[2]
HOWTO = ROOT / "docs" / "howto" / "move-from-dbt-jobs-as-code.md"
CRON = {"cron": "0 5 * * 1", "date": {"type": "custom_cron", "cron": "0 5 * * 1"}}


def job_of(job_id, name="Daily", overrides=(), **fields):
    data = {"id": job_id, "name": name, "project_id": 2, "environment_id": 3}
    data |= {"execute_steps": ["dbt build"], "settings": {"threads": 4, "target_name": "default"}}
    return remote_job({**data, "errors_on_lint_failure": True, **fields}, list(overrides))


def after(job_id, *statuses):
    condition = {"job_id": job_id, "project_id": 2, "statuses": list(statuses)}
    return {"job_completion_trigger_condition": {"condition": condition}}


def text_of(*jobs):
    return file_text(import_jobs(jobs, "marketing-team"), Place("marketing-team", 2), "here")


@pytest.mark.parametrize(
    ("name", "description", "key"),
    [
        ("Daily: all of it!", "", "daily-all-of-it"),
        ("marketing-team-daily", "", "daily"),
        ("My job [[import-me]]", "", "import-me"),
        ("My job [[prod:import_me]]", "", "import_me"),
        ("My job", "Text. [[x]]", "x"),
        ("My job", "[jobs:v1 marketing-team/own]", "own"),
        ("日本", "", "job"),
        ("x" * 200, "", None),
    ],
)
def test_the_key_is_the_marks_the_identifiers_or_the_names(name, description, key):
    found = key_for(job_of(1, name, description=description), "marketing-team")
    assert found == key if key else (len(found) == 60 and found.startswith("xxx"))


def test_a_file_says_what_differs_from_the_default_and_reads_back():
    jobs = [
        job_of(
            7, "Daily", schedule=CRON, triggers={"schedule": True}, description='Says "hi" ${x}'
        ),
        job_of(8, "Daily", settings={"threads": 16, "target_name": "prod"}, **after(7, 10, 20)),
        job_of(9, "Other", environment_id=5, overrides=[Override("DBT_A", "1", 4)]),
    ]
    text = text_of(*jobs)
    file = read_job_text(text)
    assert file.defaults.environment_id == 3
    daily, second, other = file.jobs
    assert (daily.key, daily.schedule_cron, daily.description) == (
        "daily",
        "0 5 * * 1",
        'Says "hi" ${x}',
    )
    assert (second.key, second.after.job, second.threads) == ("daily-2", "daily", 16)
    assert second.after.statuses == {"success", "error"}
    assert (other.environment_id, other.env_vars) == (5, {"DBT_A": "1"})
    assert "# job 7, " in text
    assert "timeout_seconds" not in text


def test_what_a_file_cannot_say_is_a_remark_and_no_secret_is_shown():
    token = "dbtc_" + "s" * 40
    jobs = [
        job_of(1, "a\n  evil = {}", description="tab\there", compare_changes_flags="--x"),
        job_of(2, "b", **after(99, 10)),
        job_of(3, "c", triggers={"github_webhook": True, "git_provider_webhook": False}),
        job_of(4, "d", execute_steps=["echo no"]),
        job_of(5, "e", **after(6, 10)),
        job_of(6, "f", **after(5, 10)),
        job_of(
            7, "g", overrides=[Override("DBT_ENV_SECRET_A", MASKED, 1), Override("DBT_B", token, 2)]
        ),
        job_of(8, "h", **after(4, 10)),
        job_of(9, "i", execute_steps=[f"dbt run --vars '{{token: {token}}}'"]),
    ]
    text = text_of(*jobs)
    assert token not in text
    for said in (
        "description is left out: description has control characters",
        "compare_changes_flags = --x stays in dbt Cloud",
        "after job 99: it is not among these jobs",
        "on_pull_request is set for one git provider",
        'left out, since it has no steps that a file can hold: job 4, "d"',
        "these jobs wait for each other",
        "DBT_ENV_SECRET_A stays in dbt Cloud: it is a secret",
        "DBT_B stays in dbt Cloud",
        "after d is left out: that job is left out too",
    ):
        assert said in text
    keys = [job.key for job in read_job_text(text).jobs]
    assert keys == ["a-evil", "b", "c", "e", "f", "g", "h"]


# dbt-jobs-as-code

YAML = """
anchors:
  every_hour: &every_hour { cron: "0 * * * *" }
jobs:
  job_1: &main
    account_id: 1
    project_id: "{{ project_id }}"
    environment_id: {{ environment_id }}
    name: My job
    linked_id: 7
    execute_steps: ["dbt run --select model1+", dbt compile]
    settings: { threads: 4, target_name: production }
    schedule: *every_hour
    triggers: { schedule: "{{ is_prod }}", github_webhook: false, git_provider_webhook: false }
    custom_environment_variables: []
  Job-2:
    <<: *main
    linked_id: null
    name: Second
    triggers: { schedule: false }
    job_completion_trigger_condition: { condition: { job_id: 7, project_id: 2, statuses: [10] } }
    custom_environment_variables: [{ DBT_ENV1: My val }, { DBT_ENV2: 3 }]
    cost_tier: high
"""
VALUES = "project_id: 2\nenvironment_id: 3\nis_prod: true\n"


@pytest.fixture
def yaml_files(tmp_path):
    """Return the paths of a job file of dbt-jobs-as-code and of its variables."""
    (tmp_path / "jobs.yml").write_text(YAML)
    (tmp_path / "vars.yml").write_text(VALUES)
    return str(tmp_path / "jobs.yml"), str(tmp_path / "vars.yml")


def test_a_yaml_file_with_anchors_and_variables_is_read_without_a_network(
    jobs, yaml_files, monkeypatch
):
    for name in ("DBTCLOUD_TOKEN", "DBTCLOUD_HOST_URL", "PROJECT_ID"):
        monkeypatch.delenv(name)
    path, values = yaml_files
    code, out, err = jobs("import", "--from-yaml", path, "--vars-yml", values, "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert list(document) == ["schema_version", "file", "jobs", "text"]
    assert [job["job_id"] for job in document["jobs"]] == [7, None]
    assert document["jobs"][1]["remarks"] == ["cost_tier is left out: nothing reads it"]
    first, second = read_job_text(document["text"]).jobs
    assert (first.key, first.schedule_cron, first.target_name) == (
        "job_1",
        "0 * * * *",
        "production",
    )
    assert (second.key, second.after.job, second.schedule_cron) == ("job-2", "job_1", None)
    assert second.env_vars == {"DBT_ENV1": "My val", "DBT_ENV2": "3"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("jobs:\n  a: {{ x }}", "the variable x has no value"),
        ("jobs:\n  {% if x %}", "more than a variable"),
        ("a: {{ x | upper }}", "more than a variable"),
        ("a: {{ project_id }} {{ x == 1 }}", "more than a variable"),
    ],
)
def test_other_jinja_is_refused_with_its_place(text, said):
    with pytest.raises(FileError, match=said) as refused:
        rendered("jobs.yml", text, {"project_id": "2"})
    assert refused.value.line == len(text.split("\n"))


# twelve lists of twelve lists of twelve ...
LEVELS = "abcdefg"
BOMB = "a: &a [1]\n" + "\n".join(
    f"{name}: &{name} [{', '.join([f'*{below}'] * 12)}]" for below, name in pairwise(LEVELS)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "this is no YAML"),
        ("a: !!python/object/apply:os.system [id]", "this is no YAML"),
        ("- 1", "it has no jobs"),
        ("jobs: { a: 1 }", "is no map"),
        ("jobs: { a: { execute_steps: dbt } }", "has no execute_steps"),
        ("jobs: { a: { execute_steps: [dbt run], project_id: x } }", "is no id"),
        ("jobs: { a: { execute_steps: [dbt run], settings: 4 } }", "settings of job"),
        ("jobs: { a: { execute_steps: [dbt run], custom_environment_variables: [1] } }", "no map"),
        (
            BOMB,
            "too many values",
        ),
    ],
)
def test_a_wrong_yaml_file_is_refused_with_a_sentence(tmp_path, text, said):
    path = tmp_path / "jobs.yml"
    path.write_text(text)
    with pytest.raises(UserError) as refused:
        read_yaml_jobs(str(path), [])
    assert said in refused.value.render()


def test_jobs_of_several_projects_need_a_choice(jobs, tmp_path):
    path = tmp_path / "jobs.yml"
    one = "{ execute_steps: [dbt run], environment_id: 3, project_id: %s }"
    path.write_text(f"jobs:\n  a: {one % 2}\n  b: {one % 5}\n")
    code, _, err = jobs("import", "--from-yaml", path)
    assert (code, "--project-id" in err) == (2, True)
    out = jobs("import", "--from-yaml", path, "--project-id", "5")[1]
    assert [job.key for job in read_job_text(out).jobs] == ["b"]


# the way of a team, as the page has it


def commands_of_the_page():
    """Return the commands of the how-to, in order."""
    blocks = re.findall(r"```sh\n(.*?)```", HOWTO.read_text(), re.DOTALL)
    lines = [line for block in blocks for line in block.strip().split("\n")]
    assert all(line.startswith("marketing jobs ") for line in lines)
    return [line.removeprefix("marketing jobs ").split() for line in lines]


@system
def test_the_commands_of_the_page_move_jobs_without_a_change(
    jobs, cloud, yaml_files, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    body = {"project_id": 2, "environment_id": 3, "settings": {"threads": 8}}
    steps = {"execute_steps": ["dbt build"], "description": "Builds."}
    paths = "/api/v2/accounts/1/jobs/"
    first = cloud.ask(
        "POST",
        paths,
        {**body, **steps, "name": "A [[job_1]]", "schedule": CRON, "triggers": {"schedule": True}},
    )
    cloud.ask("POST", paths, {**body, **steps, "name": "B [[job-2]]", **after(first["id"], 10)})
    cloud.ask(
        "POST", paths, {**body, **steps, "name": "theirs", "description": "[jobs:v1 sales/x]"}
    )
    before = cloud.active()
    for command in commands_of_the_page():
        code, out, err = jobs(*command)
        assert code == 0, (command, out, err)
        if command[0] == "plan":
            assert "no changes: 2 jobs are as the file says" in out
    ours, theirs = cloud.active()[:2], cloud.active()[2]
    assert [job["id"] for job in ours] == [before[0]["id"], before[1]["id"]]
    assert [job["name"] for job in ours] == ["marketing-team-job_1", "marketing-team-job-2"]
    assert theirs == before[2]
    text = (tmp_path / "imports.tf").read_text()
    assert f'module.jobs.dbtcloud_job.this["job_1"]\n  id = "{first["id"]}"' in text
    assert 'module.jobs.dbtcloud_job_completion_trigger.this["job-2"]' in text
    restored = next((tmp_path / "state").rglob("*-link-*.json"))
    assert jobs("undo", restored, "--yes")[0] == 0
    assert [job["name"] for job in cloud.active()] == [job["name"] for job in before]


@system
def test_an_import_takes_what_was_asked_for(jobs, cloud, job_file, tmp_path):
    jobs("deploy", "--config", job_file(some_jobs(1)))
    first = cloud.active()[0]
    for name in ("Daily one", "Daily two", "Weekly"):
        cloud.copy_job(first, name=name, description="")
    code, out, err = jobs("import", "--name", "daily*")
    assert code == 0
    assert "1 job of branches and other teams are left out" in err
    assert [job.key for job in read_job_text(out).jobs] == ["daily-one", "daily-two"]
    assert [j.key for j in read_job_text(jobs("import", "--job-id", "4")[1]).jobs] == ["weekly"]
    assert "there is no job 99" in jobs("import", "--job-id", "99")[2]
    assert jobs("import", "--name", "nothing")[0] == 2
    out = tmp_path / "new.tfvars"
    assert jobs("import", "--out", out)[0] == 0
    assert "exists; nothing was written" in jobs("import", "--out", out)[2]
    assert jobs("import", "--vars-yml", "x")[0] == 2


@system
def test_the_import_blocks_are_as_terraform_writes_them(jobs, cloud, job_file, tmp_path):
    text = """jobs = {
  a = { execute_steps = ["dbt build"], env_vars = { DBT_A = "1" } }
  b = { execute_steps = ["dbt build"], after = { job = "a" } }
  c = { execute_steps = ["dbt build"] }
}"""
    config = job_file(text)
    jobs("deploy", "--config", config)
    for key in "ab":
        job_id = cloud.job(key)["id"]
        assert jobs("link", key, "--job-id", job_id, "--shared", "--force")[0] == 0
    out = tmp_path / "imports.tf"
    code, _, err = jobs("export", "terraform", "--config", config, "--out", out)
    assert code == 0
    assert "no job found for c: Terraform will create it" in err
    found = re.findall(r'to = (\S+)\n  id = "(\S+)"', out.read_text())
    ids = {key: cloud.job(key)["id"] for key in "ab"}
    statement = "select id from environment_variables where name = 'DBT_A' and job_id is not null"
    [[override]] = cloud.run_sql(statement)
    assert found == [
        ('module.jobs.dbtcloud_job.this["a"]', str(ids["a"])),
        ('module.jobs.dbtcloud_job.this["b"]', str(ids["b"])),
        (
            'module.jobs.dbtcloud_environment_variable_job_override.this["a/DBT_A"]',
            f"2:{ids['a']}:{override}",
        ),
        ('module.jobs.dbtcloud_job_completion_trigger.this["b"]', str(ids["b"])),
    ]
    document = json.loads(jobs("export", "terraform", "--config", config, "--json")[1])
    assert list(document) == ["schema_version", "form", "file", "imports", "missing"]
    assert "is no address" in jobs("export", "terraform", "--config", config, "--module", 'x"]')[2]
    if shutil.which("terraform"):
        command = ["terraform", "fmt", "-check", "-diff", str(out)]
        assert subprocess.run(command, capture_output=True, check=False).returncode == 0
