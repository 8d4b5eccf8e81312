"""A list of jobs written as a map: same plan, comments kept, accepted by Terraform."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from marketing_analytics.jobs.forms.convert import convert_file
from marketing_analytics.jobs.model import load_job_file

ROOT = Path(__file__).resolve().parents[2]

LIST = r"""/* Jobs of
   the team */
dbtcloud_account_id = "1" # ours
dbtcloud_token      = "your_dbt_cloud_api_token" # from CI

// from the platform team
project_id = "2"
team_name  = "marketing-team"
labels     = { owner = "growth", "a b" = [1, null, true] }

jobs = [
  # === ATTRIBUTION ===
  # every morning
  {
    name           = "Attribution Daily" # shown in dbt Cloud
    description    = "100 % of \"touches\", $${literal} and\nmore"
    environment_id = "3" # shared development
    # all of it
    execute_steps = [
      "dbt deps",
      "dbt build --select +tag:attribution --exclude-resource-type unit_test", # models
      "dbt test --select tag:attribution tag:conservation"
    ]
    schedule_type  = "every_day"
    schedule_hours = [8] # after the loads
    job_type       = "daily"
    threads        = "6"
    generate_docs  = "true"
    # nothing more
  },

  # === ADS ===
  { name = "ads", execute_steps = ["dbt run"], schedule_type = "custom", schedule_hours = [6, 18],
    schedule_days = [1, 2, 3, 4, 5], env_vars = { DBT_A = "1" }, tags = [] },
  { # by hand
    name           = "for"
    execute_steps  = ["dbt test"]
    schedule_hours = []
    job_type       = "on-demand"
  }
  # the end of the jobs
]
# the end of the file
"""
MAP = r"""/* Jobs of
   the team */
dbtcloud_account_id = 1 # ours

# from the platform team
project_id = 2
team_name  = "marketing-team"
labels     = { owner = "growth", "a b" = [1, null, true] }

jobs = {
  # === ATTRIBUTION ===
  # every morning
  # shown in dbt Cloud
  attribution-daily = {
    description    = "100 % of \"touches\", $${literal} and\nmore"
    environment_id = 3 # shared development
    # all of it
    # models
    execute_steps = [
      "dbt deps",
      "dbt build --select +tag:attribution --exclude-resource-type unit_test",
      "dbt test --select tag:attribution tag:conservation",
    ]
    schedule_cron = "0 8 * * *" # after the loads
    threads       = 6
    generate_docs = true
    # nothing more
  }

  # === ADS ===
  ads = {
    execute_steps = ["dbt run"]
    schedule_cron = "0 6,18 * * 1,2,3,4,5"
    env_vars      = { DBT_A = "1" }
    tags          = []
  }

  # by hand
  "for" = {
    execute_steps = ["dbt test"]
  }
  # the end of the jobs
}
# the end of the file
"""


@pytest.fixture
def listed(job_file):
    """Return the path of a file with a list of jobs."""
    return job_file(LIST, "list.tfvars")


def test_a_list_is_written_as_a_map_with_its_comments(jobs, listed, tmp_path):
    out = tmp_path / "map.tfvars"
    code, said, err = jobs("convert", listed, "--out", out)
    assert (code, said) == (0, f"{out}: 3 jobs\n"), err
    assert out.read_text() == MAP
    assert load_job_file(out).jobs == load_job_file(listed).jobs
    assert jobs("convert", listed)[1] == MAP
    assert sorted(path.name for path in tmp_path.glob("*.tfvars")) == ["list.tfvars", "map.tfvars"]


def test_a_file_that_is_converted_stays_as_it_is(jobs, job_file):
    odd = job_file("# x\njobs={a={execute_steps=['dbt build']}}\n".replace("'", '"'))
    _, out, err = jobs("convert", odd)
    assert out == odd.read_text()
    assert f"{odd} is a map already" in err
    converted = job_file(MAP, "map.tfvars")
    assert jobs("convert", converted)[1] == MAP


def test_a_file_that_exists_is_not_overwritten(jobs, listed, tmp_path):
    code, _, err = jobs("convert", listed, "-o", listed)
    assert code == 2
    assert "exists; nothing was written" in err
    assert listed.read_text() == LIST
    code, _, err = jobs("convert", listed, "-o", tmp_path / "none" / "map.tfvars")
    assert code == 1
    assert "cannot write" in err
    assert [path.name for path in tmp_path.iterdir() if "map" in path.name] == []


def test_what_is_written_has_the_name_that_terraform_reads_it_by(jobs, listed, job_file, tmp_path):
    in_json = job_file('{"jobs": {}}', "map.tfvars.json")
    for source, out, better in (
        (listed, "x.tfvars.json", "x.tfvars"),
        (in_json, "x.tfvars", "x.tfvars.json"),
    ):
        code, _, err = jobs("convert", source, "-o", tmp_path / out)
        assert code == 2
        assert err.endswith(f"name it like {better}\n")
        assert not (tmp_path / out).exists()


def test_a_mistake_is_shown_and_nothing_is_written(jobs, job_file, tmp_path):
    wrong = job_file(LIST.replace("threads", "thread"), "list.tfvars")
    code, out, err = jobs("convert", wrong, "-o", tmp_path / "map.tfvars")
    assert (code, out) == (2, "")
    assert f"{wrong}:27:5" in err
    assert not (tmp_path / "map.tfvars").exists()


def test_a_list_in_json_is_written_as_a_map_too(jobs, job_file, tmp_path):
    document = {"jobs": [{"name": "a", "execute_steps": ["dbt build ${x}"], "schedule_hours": [1]}]}
    path = job_file(json.dumps(document), "list.tfvars.json")
    out = jobs("convert", path)[1]
    assert 'execute_steps = ["dbt build $${x}"]' in out
    assert load_job_file(job_file(out, "map.tfvars")).jobs == load_job_file(path).jobs


def test_both_forms_have_the_same_plan(jobs, cloud, listed, job_file):
    converted = job_file(convert_file(str(listed))[1], "map.tfvars")
    plans = [jobs("plan", "--config", path, "--json")[1] for path in (listed, converted)]
    first, second = [json.loads(plan) for plan in plans]
    assert first.pop("config") != second.pop("config")
    for plan in (first, second):
        plan.pop("seconds", None)
    assert first == second
    assert jobs("deploy", "--config", listed)[0] == 0
    assert "no changes" in jobs("plan", "--config", converted)[1]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")
def test_terraform_takes_the_converted_file_as_it_is_laid_out(tmp_path):
    (tmp_path / "map.tfvars").write_text(MAP)
    shutil.copy(ROOT / "variables.tf", tmp_path)
    environ = {**os.environ, "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.devnull}

    def terraform(*arguments, text=""):
        return subprocess.run(
            ["terraform", *arguments],
            input=text,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environ,
            check=False,
        )

    laid_out = terraform("fmt", "-check", "-diff", "map.tfvars")
    assert (laid_out.returncode, laid_out.stdout) == (0, "")
    asked = (
        "jsonencode([var.project_id, { for key, job in var.jobs : key => job.schedule_cron }])\n"
    )
    options = ("-no-color", "-var-file=map.tfvars", "-var=environment_id=3")
    done = terraform("console", *options, text=asked)
    assert not re.search("^Error|Invalid", done.stderr, re.MULTILINE), done.stderr
    crons = {"ads": "0 6,18 * * 1,2,3,4,5", "attribution-daily": "0 8 * * *", "for": None}
    assert json.loads(json.loads(done.stdout.strip().splitlines()[-1])) == [2, crons]
