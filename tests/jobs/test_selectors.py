"""Every step of every job selects something that exists; no test of the project is left out.

The lineage check takes each step as dbt does, finds the faults of steps, and none in our own files.
"""

import collections
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from marketing_analytics.jobs.lineage.checks import findings_of
from marketing_analytics.jobs.lineage.project import project_of
from marketing_analytics.jobs.model import load_job_file, read_job_text

pytestmark = pytest.mark.system

ROOT = Path(__file__).resolve().parents[2]
FILES = ["dev", "test", "prod"]
RESOURCES = {"build": [], "test": ["test", "unit_test"], "run": ["model"], "source": ["source"]}
ALL = "dbt build"
LISTED_ONLY = {"source", "metric", "semantic_model", "analysis"}

# one process parses once; the lineage check asks dbt's own selection, and `dbt ls` is the oracle
LISTER = """
import json, pathlib, sys
from dbt.cli.main import dbtRunner
common = json.loads(sys.argv[1])
parsed = dbtRunner().invoke(["--quiet", "parse", *common[:-4]])
assert parsed.success, parsed.exception
runner = dbtRunner(manifest=parsed.result)
listed = {}
for name, arguments in json.loads(sys.argv[2]).items():
    result = runner.invoke(["--quiet", "ls", *arguments, *common])
    failed = [f"FAILED {result.exception}"]
    listed[name] = [json.loads(line)["unique_id"] for line in result.result or []]
    listed[name] = listed[name] if result.success else failed
from marketing_analytics.jobs.lineage.project import project_json
from marketing_analytics.jobs.lineage.selection import Asked, flags_of
place = lambda flag: pathlib.Path(common[common.index(flag) + 1])
target, project = place("--target-path"), place("--project-dir")
parsed.result.write(str(target / "manifest.json"))
flags = flags_of(str(project / "dbt_project.yml"))
asked = Asked(json.loads((target / "manifest.json").read_text()), flags)
lineage = project_json(asked.project(json.loads(sys.argv[3])))
print("\\n" + json.dumps({"listed": listed, "lineage": lineage}))
"""

# what dbt would refuse or do nothing for, and what is said of it; nothing is said of the last ones
FAULTS = {
    "dbt build --selct x": "No such option '--selct'",
    "dbt bild": "No such command 'bild'",
    "dbt build --select 'a": "no closing quotation",
    "dbt --quiet build --quiet": "quiet was provided both before and after the subcommand",
    "dbt build extra": "unexpected extra argument (extra)",
    "dbt build --threads many": "'many' is not a valid integer",
    "dbt run-operation nope": "the project has no macro nope",
    "dbt run-operation marketing.nope": "the project has no macro marketing.nope",
    "dbt run-operation generate_schema_name --args '{a: '": "is not valid YAML",
    "dbt --quiet": "it names no command",
    "dbt source": "it names no command",
    "dbt build --help": "it only prints a text",
    "dbt --version": "it only prints a text",
    "dbt build --select tag:nope fct_attribution": '"--select tag:nope" selects nothing',
    "dbt build --select seed_x,tag:ads": '"--select seed_x,tag:ads" selects nothing',
    "dbt build --exclude tag:nope": '"--exclude tag:nope" leaves out nothing',
    "dbt build --select tag:funnel --exclude tag:funnel": "it selects nothing",
    "dbt seed --select fct_attribution": "it selects nothing",
    "dbt build --selector nope": "there is no selector nope",
    "dbt build --select selector:nope": "Selector 'nope' did not match",
    "dbt build --select foo:bar": "'foo' is not a valid method name",
    "dbt build --select @a+": "incompatible",
    "dbt source freshness --select source:simulated_none": "selects nothing",
    "dbt build --select state:modified+": None,
    "dbt build --project-dir elsewhere": None,
    "dbt run-operation generate_schema_name": None,
    "dbt deps": None,
    "dbt docs generate": None,
    "dbt --quiet build --select 2+fct_attribution+1": None,
}


def jobs_of(name):
    """Return the jobs of a file, those with a schedule in the order of their first time of day."""
    jobs = load_job_file(ROOT / "env_file" / f"{name}_env.tfvars").jobs
    return sorted(jobs, key=minute_of)


def minute_of(job):
    """Return the first minute of the day at which a job runs; on demand is after all others."""
    if not job.schedule_cron:
        return 24 * 60
    minute, hour = (int(part.split(",")[0]) for part in job.schedule_cron.split()[:2])
    return hour * 60 + minute


def steps():
    """Return every step of the three files."""
    jobs = [job for name in FILES for job in jobs_of(name)]
    return sorted({step for job in jobs for step in job.execute_steps})


def without_selectors(step):
    """Return a step as it would be if no job before it had run: with all tests of its tables."""
    return re.sub(r" --exclude( selector:\S+)+", "", step)


def listing(step):
    """Return the arguments of `dbt ls` that list what a step works on."""
    words = shlex.split(step)[1:]
    command, words = words[0], words[2 if words[0] == "source" else 1 :]
    resources = [part for kind in RESOURCES[command] for part in ("--resource-type", kind)]
    return [*words, *resources]


def asked_steps():
    """Return every step, also as it would be if no job before it had run."""
    return sorted({*steps(), *(without_selectors(step) for step in steps())})


@pytest.fixture(scope="module")
def project(made_once):
    """Return what the lineage check knows of the project and the steps."""
    return project_of(ask_dbt(made_once, "lineage", {})["lineage"])


@pytest.fixture(scope="module")
def selected(project):
    """Return what each step selects."""
    return {step: project.works[step].selected for step in asked_steps()}


@pytest.fixture(scope="module")
def listed(made_once):
    """Return what `dbt ls` lists for each step."""
    return ask_dbt(made_once, "listed", {step: listing(step) for step in asked_steps()})["listed"]


def ask_dbt(made_once, name, listings):
    """Return what dbt selects for each step, by one process that parses once."""

    def ask(target):
        (target / "steps.json").write_text(answer_of(target, listings))

    return json.loads((made_once(name, ask) / "steps.json").read_text())


def answer_of(target, listings):
    """Return the answer of dbt as JSON."""
    project = str(ROOT / "transform")
    common = ["--project-dir", project, "--profiles-dir", project]
    common += ["--target-path", str(target), "--log-path", str(target / "logs")]
    common += ["--output", "json", "--output-keys", "unique_id"]
    done = subprocess.run(
        [
            *(sys.executable, "-c", LISTER, json.dumps(common), json.dumps(listings)),
            json.dumps([*asked_steps(), *FAULTS]),
        ],
        capture_output=True,
        text=True,
        cwd=target,
        env={
            **os.environ,
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "PYTHONPATH": str(ROOT),
        },
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize("step", steps())
def test_a_step_selects_at_least_one_model_test_or_source(selected, project, step):
    assert selected[step], f"{step} selects nothing"
    assert project.works[step].faults == ()


@pytest.mark.slow
@pytest.mark.parametrize("step", asked_steps())
def test_the_lineage_check_takes_what_dbt_lists(listed, selected, project, step):
    assert not listed[step][0].startswith("FAILED"), listed[step]
    assert selected[step] == {each for each in listed[step] if takes(step, each, project)}


def takes(step, name, project):
    """Return whether a command takes what `dbt ls` lists for its selection.

    `ls` lists kinds that no build makes, and sources without a freshness.
    """
    if step.startswith("dbt source "):
        return name in project.works[step].selected
    return name.partition(".")[0] not in LISTED_ONLY


@pytest.mark.parametrize("name", FILES)
def test_the_lineage_check_finds_nothing_in_our_files(project, name):
    file = load_job_file(ROOT / "env_file" / f"{name}_env.tfvars")
    assert [finding.message for finding in findings_of(file, project)] == []


@pytest.mark.parametrize("step", FAULTS)
def test_the_faults_of_a_step_are_found_as_dbt_would(project, step):
    said = [fault.message for fault in project.works[step].faults]
    if FAULTS[step] is None:
        assert said == []
    else:
        assert any(FAULTS[step] in message for message in said), said


def test_our_files_with_a_fault_are_not_silent(project):
    text = (ROOT / "env_file" / "dev_env.tfvars").read_text()
    late = text.replace('schedule_cron = "30 12 * * *"', 'schedule_cron = "0 12 * * *"')
    left_out = re.sub(r"  customer-acquisition-funnel = \{.*?\n  \}\n", "", text, flags=re.DOTALL)
    for changed, said in ((late, "build the same tables"), (left_out, "fct_acquisition_funnel")):
        assert changed != text
        [finding] = findings_of(read_job_text(changed), project)
        assert said in finding.message


def data_tests(names):
    """Return the tests that read data."""
    return {name for name in names if name.startswith("test.")}


def counted(selected, jobs):
    """Return how many of the jobs run a test that reads data, by test."""
    ran = [
        {name for step in job.execute_steps for name in data_tests(selected[step])} for job in jobs
    ]
    return collections.Counter(name for names in ran for name in names)


@pytest.mark.parametrize("name", ["dev", "test"])
def test_every_test_of_the_project_is_run_by_a_job(selected, name):
    assert set(counted(selected, jobs_of(name))) == data_tests(selected[ALL])


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_a_job_that_builds_leaves_out_what_another_tests_and_no_test_is_lost(selected, name):
    builds = [
        job
        for job in jobs_of(name)
        if job.schedule_cron and any(step.startswith("dbt build ") for step in job.execute_steps)
    ]
    ran = counted(selected, builds)
    buildable = {
        test
        for job in builds
        for step in job.execute_steps
        for test in data_tests(selected[without_selectors(step)])
    }
    assert set(ran) == buildable
    assert set(ran.values()) == {1}


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_a_job_leaves_out_only_tests_of_jobs_before_it(selected, name):
    tested = set()
    for job in jobs_of(name):
        for step in job.execute_steps:
            left_out = set(selected[without_selectors(step)]) - set(selected[step])
            assert left_out <= tested, job.key
            tested |= data_tests(selected[step])
