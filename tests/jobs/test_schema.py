"""The JSON schema of job files takes what the reader takes and refuses what it refuses."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from marketing_analytics.core.errors import FileError
from marketing_analytics.jobs.model import build_job_file, load_job_file
from marketing_analytics.jobs.reader import After
from marketing_analytics.jobs.tfvars import parse_text
from tests.fuzz.test_mutated_job_files import JSON, LISTED_JSON

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "jobs.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)
STEPS = {"execute_steps": ["dbt build"]}


def is_read(document):
    """Return whether the reader takes a document."""
    try:
        build_job_file(*parse_text(json.dumps(document), "jobs.tfvars.json"))
    except FileError:
        return False
    return True


def plain(value):
    """Return a value of ours in JSON."""
    if isinstance(value, After):
        return {"job": value.job, "statuses": sorted(value.statuses)}
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if hasattr(value, "keys") else value


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", ["dev", "test", "prod"])
def test_our_files_in_json_pass(name):
    jobs = load_job_file(ROOT / "env_file" / f"{name}_env.tfvars").jobs
    document = {"jobs": {job.key: {n: plain(v) for n, v in job.values.items()} for job in jobs}}
    assert is_read(document)
    assert [error.message for error in VALIDATOR.iter_errors(document)] == []


@pytest.mark.parametrize("text", [JSON, LISTED_JSON], ids=["map", "list"])
def test_every_form_of_a_file_passes(text):
    assert VALIDATOR.is_valid(json.loads(text))


GOOD = [
    {"threads": "8"},
    {"threads": None, "description": None},
    {"generate_docs": "true"},
    {"schedule_cron": "*/15 8-18 * JAN-MAR mon,FRI"},
    {"after": {"job": "other"}},
    {"after": {"job": "other", "statuses": ["success", "error"]}},
    {"env_vars": {"DBT_A": 1, "DBT_B": "x"}},
    {"job_type": "ci"},
]
BAD = [
    {"thread": 8},
    {"threads": 0},
    {"threads": 257},
    {"threads": 1.5},
    {"threads": "many"},
    {"execute_steps": []},
    {"execute_steps": ["ls"]},
    {"execute_steps": "dbt build"},
    {"execute_steps": ["dbt build"] * 101},
    {"execute_steps": None},
    {"description": "x" * 256},
    {"schedule_cron": "0 6 * *"},
    {"schedule_cron": "0 0 6 * * *"},
    {"schedule_cron": ""},
    {"after": {"statuses": ["success"]}},
    {"after": {"job": "other", "statuses": []}},
    {"after": {"job": "other", "statuses": ["failed"]}},
    {"after": "other"},
    {"env_vars": {"dbt_a": "1"}},
    {"job_type": "scheduled"},
    {"target_name": "a b"},
    {"dbt_version": " "},
    {"timeout_seconds": 86401},
    {"environment_id": 0},
    {"generate_docs": "yes"},
    {"retries": 3},
    {"name": "daily"},
    {"//": "a remark"},
    {"tags": ["\n"]},
]


def document_of(attributes):
    return {"jobs": {"a": {**STEPS, **attributes}, "other": STEPS}}


@pytest.mark.parametrize("attributes", GOOD, ids=str)
def test_what_the_reader_takes_passes(attributes):
    document = document_of(attributes)
    assert is_read(document)
    assert VALIDATOR.is_valid(document)


@pytest.mark.parametrize("attributes", BAD, ids=lambda a: str(a)[:40])
def test_what_the_reader_refuses_fails(attributes):
    document = document_of(attributes)
    assert not is_read(document)
    assert not VALIDATOR.is_valid(document)


@pytest.mark.parametrize(
    "document",
    [{}, {"jobs": []}, {"jobs": {"A!": STEPS}}, {"jobs": {}, "project_id": 0}, {"jobs": [STEPS]}],
    ids=str,
)
def test_files_as_a_whole_are_refused_by_both(document):
    assert not is_read(document)
    assert not VALIDATOR.is_valid(document)
