"""Jobs as data: what is refused where, and agreement with variables.tf."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from marketing_analytics.cloud_api.attributes import ATTRIBUTES, REQUIRED
from marketing_analytics.cloud_api.limits import VARIABLE_PATTERN
from marketing_analytics.cloud_api.names import KEY_PATTERN, TEAM_PATTERN
from marketing_analytics.core.errors import FileError, FileErrors
from marketing_analytics.jobs.forms.variables import DECLARED
from marketing_analytics.jobs.model import load_job_file, read_job_text
from marketing_analytics.jobs.reader import STATUSES

ROOT = Path(__file__).resolve().parents[2]
VARIABLES = (ROOT / "variables.tf").read_text()


def one(attributes):
    return f'jobs = {{\n  a = {{\n    execute_steps = ["dbt build"]\n    {attributes}\n  }}\n}}\n'


REFUSED = {
    "unknown_key": (one("thread = 4"), 4, 5, "did you mean threads?"),
    "six_fields": (
        one('schedule_cron = "0 6 * * * *"'),
        4,
        21,
        'remove the seconds field: "6 * * * *"',
    ),
    "bad_cron": (one('schedule_cron = "0 26 * * *"'), 4, 21, "like"),
    "never": (one('schedule_cron = "0 0 31 2 *"'), 4, 21, "like"),
    "no_step": ("jobs = { a = { threads = 1 } }", 1, 10, "write execute_steps"),
    "empty_steps": ("jobs = { a = { execute_steps = [] } }", 1, 32, "at least one step"),
    "not_dbt": ('jobs = { a = { execute_steps = ["rm -rf /"] } }', 1, 33, 'like "dbt build"'),
    "text_for_steps": (
        'jobs = { a = { execute_steps = "dbt build" } }',
        1,
        32,
        "write execute_steps",
    ),
    "zero_threads": (one("threads = 0"), 4, 15, "1 or more"),
    "half_thread": (one("threads = 1.5"), 4, 15, "1 or more"),
    "flag": (one('generate_docs = "yes"'), 4, 21, "true or false"),
    "after_unknown": (one('after = { job = "b" }'), 4, 13, "name a key"),
    "after_itself": (one('after = { job = "a" }'), 4, 13, "remove one"),
    "after_status": (one('after = { job = "a", statuses = ["failed"] }'), 4, 38, "canceled"),
    "merge_and_cron": (one('on_merge = true\n    schedule_cron = "0 1 * * *"'), 4, 16, "remove"),
    "secret_name": (one('env_vars = { DBT_API_TOKEN = "x" }'), 4, 18, "set it in dbt Cloud"),
    "secret_env": (one('env_vars = { DBT_ENV_SECRET_X = "x" }'), 4, 18, "set it in dbt Cloud"),
    "secret_value": (
        one('env_vars = { DBT_X = "dbtc_abcdefghijklmnop" }'),
        4,
        26,
        "keep secrets out",
    ),
    "secret_in_step": (
        'jobs = { a = { execute_steps = ["dbt run --vars postgres://u:pass@h/x"] } }',
        1,
        33,
        "keep secrets out",
    ),
    "token_in_file": ('dbtcloud_token = "x"\njobs = {}', 1, 1, "DBTCLOUD_TOKEN"),
    "variable_name": (one('env_vars = { FOO = "x" }'), 4, 18, "DBT_"),
    "key": ('jobs = { "A b" = { execute_steps = ["dbt build"] } }', 1, 10, "a-z"),
    "no_jobs": ('team_name = "a"', 1, 1, "write jobs"),
    "jobs_list": ("jobs = []", 1, 8, "write jobs"),
    "team": ('team_name = "Team A"\njobs = {}', 1, 13, "marketing-team"),
    "top_level": ("job = {}", 1, 1, "did you mean jobs?"),
    "newline_in_step": ('jobs = { a = { execute_steps = ["dbt build\\n"] } }', 1, 33, "one line"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_mistake_is_refused_with_place_and_hint(case):
    text, line, column, hint = REFUSED[case]
    with pytest.raises(FileError) as caught:
        read_job_text(text)
    found = getattr(caught.value, "errors", [caught.value])
    assert any((e.line, e.column) == (line, column) and hint in e.hint for e in found)


def test_a_secret_is_not_shown_in_the_message():
    with pytest.raises(FileError) as caught:
        read_job_text(one('env_vars = { DBT_X = "glpat-abcdefghijklmnop" }'))
    assert "glpat" not in caught.value.render()


def test_the_value_of_a_secret_by_name_is_not_shown_either():
    with pytest.raises(FileError) as caught:
        read_job_text(one('env_vars = { DBT_PASSWORD = "hunter-2" }'))
    assert "hunter-2" not in caught.value.render()
    assert 'DBT_PASSWORD = "********"' in caught.value.source


def test_cycles_are_shown_as_a_path():
    step = 'execute_steps = ["dbt build"]'
    a, b = (f'{{ {step}, after = {{ job = "{other}" }} }}' for other in "ba")
    text = f"jobs = {{ a = {a}\n b = {b} }}"
    with pytest.raises(FileError, match="a → b → a"):
        read_job_text(text)


@pytest.mark.parametrize("length", [5, 300])
def test_a_chain_has_as_many_levels_as_it_has_jobs(length):
    step = 'execute_steps = ["dbt build"]'
    rows = [f'j{n} = {{ {step}, after = {{ job = "j{n - 1}" }} }}' for n in range(1, length)]
    # in any order: what comes later in the file may come earlier in the chain
    text = "jobs = {\n" + "\n".join([*reversed(rows), f"j0 = {{ {step} }}"]) + "\n}"
    layers = read_job_text(text).layers()
    assert [[job.key for job in layer] for layer in layers] == [[f"j{n}"] for n in range(length)]


def test_each_ring_of_jobs_is_one_mistake_and_what_waits_for_it_is_none():
    step = 'execute_steps = ["dbt build"]'
    parents = {"x": "a", "a": "b", "b": "a", "c": "c", "free": "free2"}
    rows = [f'{key} = {{ {step}, after = {{ job = "{job}" }} }}' for key, job in parents.items()]
    with pytest.raises(FileError) as caught:
        read_job_text("jobs = {\n" + "\n".join([*rows, f"free2 = {{ {step} }}"]) + "\n}")
    text = caught.value.render()
    assert text.count("wait for each other") == 2
    assert "a → b → a" in text
    assert "c → c" in text


def test_texts_become_numbers_and_bools_as_in_terraform():
    job = read_job_text(
        one('threads = "12"\n    generate_docs = "true"\n    dbt_version = 1.9')
    ).jobs[0]
    assert (job.threads, job.generate_docs, job.dbt_version) == (12, True, "1.9")


def test_null_means_the_default():
    job = read_job_text(one("threads = null\n    env_vars = null\n    after = null")).jobs[0]
    assert (job.threads, dict(job.env_vars), job.after) == (4, {}, None)


MISTAKES = """team_name = "Team A"
jobs = {
  a = {
    execute_steps = ["rm -rf /", "dbt build", ""]
    threads       = 0
    thread        = 4
    schedule_cron = "99 5 * * *"
    after         = { job = "nobody", statuses = ["failed"] }
  }
  b = { description = "x" }
  c = { execute_steps = ["dbt build"], after = { job = "d" } }
  d = { execute_steps = ["dbt build"], after = { job = "c" } }
  e = 3
  f = { execute_steps = ["dbt build"], env_vars = { FOO = "x", DBT_PASSWORD = "hunter-2" } }
}
"""


def test_every_mistake_of_a_file_is_told_in_the_order_of_their_places():
    with pytest.raises(FileErrors) as caught:
        read_job_text(MISTAKES)
    assert [(e.line, e.column, e.message.partition(" (")[0]) for e in caught.value.errors] == [
        (1, 13, "team_name is not usable"),
        (4, 22, "a step must start with 'dbt '"),
        (4, 47, "an item of execute_steps is empty"),
        (5, 21, "threads must be at least 1"),
        (6, 5, 'unknown key "thread"'),
        (7, 21, "the schedule is not valid: bad minute"),
        (8, 21, 'job "a" runs after "nobody", which is not in the file'),
        (8, 51, "unknown status 'failed'"),
        (10, 3, 'job "b" has no execute_steps'),
        (11, 48, "these jobs wait for each other: c → d → c"),
        (13, 7, "a number instead of an object"),
        (14, 53, '"FOO" is no variable'),
        (14, 64, '"DBT_PASSWORD" is a secret by its name'),
    ]
    shown = caught.value.render()
    assert shown.endswith("13 errors")
    assert "hunter-2" not in shown


# variables.tf


def block(text, start):
    """Return the text of the object type that begins at `start`."""
    depth, begin = 0, text.index("({", start)
    for at in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0 and text[at] == "}":
            return text[begin + 2 : at]
    raise AssertionError


def attributes_of(body):
    """Return {name: (type, default text or None, is optional)} of an object type."""
    found, depth = {}, 0
    entry = ""
    for line in body.strip().splitlines():
        if line.strip().startswith("#"):
            continue
        entry += "\n" + line.strip()
        depth += sum({"(": 1, "{": 1, ")": -1, "}": -1}.get(c, 0) for c in line)
        if depth == 0:
            name, _, rest = entry.strip().partition("=")
            found[name.strip()] = split_type(rest.strip())
            entry = ""
    return found


def split_type(text):
    if not text.startswith("optional("):
        return text, None, False
    inner, depth = text.removeprefix("optional(").removesuffix(")"), 0
    for at, char in enumerate(inner):
        depth += {"(": 1, "{": 1, ")": -1, "}": -1, "[": 1, "]": -1}.get(char, 0)
        if char == "," and depth == 0:
            return inner[:at].strip(), inner[at + 1 :].strip(), True
    return inner.strip(), None, True


TYPES = {
    "steps": "list(string)",
    "text": "string",
    "word": "string",
    "cron": "string",
    "count": "number",
    "identifier": "number",
    "flag": "bool",
    "env_vars": "map(string)",
    "tags": "list(string)",
}


def test_names_types_and_defaults_are_those_of_variables_tf():
    found = attributes_of(block(VARIABLES, VARIABLES.index("map(object")))
    assert sorted(found) == sorted(attribute.name for attribute in ATTRIBUTES)
    for attribute in ATTRIBUTES:
        kind, default, is_optional = found[attribute.name]
        assert is_optional == (attribute.default is not REQUIRED), attribute.name
        if attribute.name == "after":
            assert attributes_of(block(kind, 0)) == {
                "job": ("string", None, False),
                "statuses": ("set(string)", '["success"]', True),
            }
            continue
        assert TYPES[attribute.kind] == kind, attribute.name
        if is_optional:
            own = attribute.default
            own = list(own) if isinstance(own, tuple) else own
            assert own == (json.loads(default) if default else None), attribute.name


def test_the_variables_of_a_file_are_those_of_variables_tf():
    assert re.findall(r'^variable "(\w+)"', VARIABLES, re.MULTILINE) == list(DECLARED)


@pytest.mark.parametrize("pattern", [KEY_PATTERN, TEAM_PATTERN, VARIABLE_PATTERN])
def test_patterns_are_those_of_variables_tf(pattern):
    assert f'"{pattern}"' in VARIABLES


def test_statuses_are_those_of_variables_tf():
    assert json.dumps(list(STATUSES)) in VARIABLES


SCHEDULES = {
    "dev": {
        "attribution-daily-refresh": "0 8 * * *",
        "campaign-performance": "0 9 * * *",
        "ad-platform-sync": "0 6,12,18 * * *",
        "customer-acquisition-funnel": "0 10 * * *",
        "email-marketing-metrics": "0 11 * * *",
        "automation-flows": "30 11 * * *",
        "customer-ltv-modeling": "30 12 * * *",
        "marketing-executive-dashboard": "0 13 * * *",
        "attribution-validation": None,
    },
    "prod": {
        "attribution-production": "0 5 * * *",
        "campaign-performance-production": "0 6 * * *",
        "customer-ltv-production": "0 7 * * *",
        "executive-dashboard-production": "0 8 * * *",
        "critical-data-validation": "0 9,21 * * *",
    },
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_environment_files_have_these_jobs_and_times(name):
    file = load_job_file(ROOT / "env_file" / f"{name}_env.tfvars")
    assert {job.key: job.schedule_cron for job in file.jobs} == SCHEDULES[name]


def test_the_six_validation_jobs_run_between_seven_and_eleven():
    jobs = load_job_file(ROOT / "env_file" / "test_env.tfvars").jobs
    assert len(jobs) == 6
    for job in jobs:
        minute, hour = (int(part) for part in job.schedule_cron.split()[:2])
        assert 7 * 60 <= hour * 60 + minute <= 11 * 60


def test_ad_platform_sync_checks_freshness_and_validation_only_tests():
    jobs = {job.key: job for job in load_job_file(ROOT / "env_file" / "dev_env.tfvars").jobs}
    assert jobs["ad-platform-sync"].run_source_freshness
    assert all(
        step.startswith("dbt test ") for step in jobs["attribution-validation"].execute_steps
    )


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")
def test_the_terraform_files_are_formatted():
    done = subprocess.run(
        ["terraform", "fmt", "-check", "-recursive", "-diff", "."],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "TF_CLI_CONFIG_FILE": os.devnull},
        check=False,
    )
    assert done.returncode == 0, done.stdout
