"""A row of the table is all that a new attribute needs, or a check says where it is missing."""

import importlib.util
import shutil
from pathlib import Path

import pytest

from marketing_analytics.cloud_api import attributes
from marketing_analytics.cloud_api.attributes import ATTRIBUTES, LACKING, Attribute, flag
from marketing_analytics.cloud_api.names import Scope
from marketing_analytics.core.errors import FileError
from marketing_analytics.jobs.model import read_job_text
from marketing_analytics.jobs.payload import body_of, desired_jobs, fields_of_remote
from marketing_analytics.jobs.plan import FieldChange, make_plan, remote_job
from marketing_analytics.local_cloud.api.answers import ApiError
from marketing_analytics.local_cloud.api.jobs import fields
from marketing_analytics.local_cloud.api.jobs.fields import read_job

ROOT = Path(__file__).resolve().parents[2]
SCOPE = Scope("marketing-team")
NEW = {
    "flag": (flag("reads_stars", "asks the stars first"), "true", True, "bool, false"),
    "count in an object": (
        Attribute(
            "wishes",
            "count",
            "how many",
            default=3,
            absent=1,
            places=("settings.wishes",),
            arguments=("num_wishes",),
            least=1,
            most=5,
        ),
        "5",
        5,
        "number, 3",
    ),
}


@pytest.fixture(params=NEW)
def new(request, monkeypatch):
    """Add a made-up attribute to the table; return it with a value as text and as data."""
    added, *rest = NEW[request.param]
    monkeypatch.setattr(attributes, "ATTRIBUTES", (*ATTRIBUTES, added))
    return added, *rest


def read(text):
    return read_job_text(f'jobs = {{ a = {{ execute_steps = ["dbt build"], {text} }} }}')


def desired(text=""):
    return desired_jobs(read(text), SCOPE, 3)[0]


def stored(job):
    """Return a job as the server stores it."""
    return {"id": 7, **fields.body_of(read_job(body_of(job.fields, {}, 2), None))}


def test_a_row_alone_reaches_the_request_the_server_and_the_way_back(new):
    added, text, value, _ = new
    job = desired(f"{added.name} = {text}")
    answer = stored(job)
    assert attributes.take(answer, added.places[0]) == value
    assert fields_of_remote(answer, {})[added.name] == job.fields[added.name] == value
    assert attributes.take(stored(desired()), added.places[0]) == added.default


def test_a_row_alone_reaches_the_diff(new):
    added, text, value, _ = new
    before = remote_job(stored(desired()), [])
    file = read(f"{added.name} = {text}")
    plan = make_plan(file, SCOPE, desired_jobs(file, SCOPE, 3), [before])
    assert plan.changes[0].fields == (FieldChange(added.name, added.default, value),)


def test_the_limits_of_a_row_hold_in_the_file_and_on_the_server(monkeypatch):
    added = NEW["count in an object"][0]
    monkeypatch.setattr(attributes, "ATTRIBUTES", (*ATTRIBUTES, added))
    with pytest.raises(FileError, match="wishes must be at most 5"):
        read("wishes = 6")
    body = {"name": "a", "project_id": 2, "environment_id": 3, "settings": {"wishes": 6}}
    with pytest.raises(ApiError) as refused:
        read_job(body, None)
    assert "at most 5" in refused.value.data["settings"]["wishes"]


@pytest.fixture
def generator():
    """Return scripts/attributes.py."""
    spec = importlib.util.spec_from_file_location("rows", ROOT / "scripts" / "attributes.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def root(tmp_path):
    """Return a copy of the files that the table is written into."""
    for name in ("variables.tf", "docs/jobs.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "terraform", tmp_path / "terraform")
    return tmp_path


def test_lint_says_where_a_new_row_is_missing(new, generator, root, capsys):
    assert generator.main(is_check=True, root=root) == 1
    said = capsys.readouterr().out
    for place in (
        "variables.tf (types)",
        "terraform/modules/jobs/variables.tf (types)",
        "terraform/modules/jobs/main.tf (arguments)",
        "docs/jobs.md (table)",
        "help: make attributes",
    ):
        assert place in said


def test_the_script_writes_a_new_row_into_terraform_and_the_page(new, generator, root):
    added, _, _, kind = new
    assert generator.main(is_check=False, root=root) == 0
    assert generator.main(is_check=True, root=root) == 0
    words = " ".join((root / "variables.tf").read_text().split())
    assert f"{added.name} = optional({kind})" in words
    resource = " ".join((root / "terraform/modules/jobs/main.tf").read_text().split())
    assert f"{added.arguments[0]} = each.value.{added.name}" in resource
    assert f"| `{added.name}` | " in (root / "docs" / "jobs.md").read_text()


def test_the_files_are_as_the_table_says(generator):
    assert generator.main(is_check=True) == 0


@pytest.mark.parametrize("attribute", ATTRIBUTES, ids=lambda attribute: attribute.name)
def test_every_attribute_goes_somewhere(attribute):
    stays_in_the_file = attribute.name == "tags"
    has_a_converter = attribute.name in ("schedule_cron", "after", "env_vars", "keep")
    assert bool(attribute.places) != (stays_in_the_file or has_a_converter)
    assert bool(attribute.arguments) == (
        attribute.name not in ("after", "env_vars", "keep", "tags")
    )
    assert attribute.meaning


@pytest.mark.parametrize("name", LACKING)
def test_what_the_api_lacks_is_refused_with_a_sentence(name):
    with pytest.raises(FileError, match=f"{name} is not possible: ") as refused:
        read(f"{name} = 3")
    assert refused.value.hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('job_type = "scheduled"', "job_type cannot be 'scheduled'"),
        ('job_type = "ci", on_merge = true', "on_merge cannot be combined"),
        ("threads = 257", "threads must be at most 256"),
        ("timeout_seconds = 86401", "timeout_seconds must be at most 86400"),
        ('target_name = "a b"', "target_name cannot be 'a b'"),
        (f'description = "{"x" * 300}"', "description has 300 characters"),
        (f'schedule_cron = "{",".join(["0"] * 60)} * * * *"', "more than 120"),
        (f"env_vars = {{ DBT_{'X' * 251} = 1 }}", "is no variable"),
        ("environment_id = 0", "environment_id is not an id"),
    ],
)
def test_a_file_is_held_to_the_limits_of_dbt_cloud(text, message):
    with pytest.raises(FileError, match=message):
        read(text)


def test_a_description_is_cut_where_the_mark_of_a_branch_needs_the_room():
    file = read(f'description = "{"x" * 255}"')
    scope = Scope("marketing-team", "b" * 63, "u" * 40)
    for each in (SCOPE, scope):
        shown = desired_jobs(file, each, 3)[0].fields["description"]
        assert len(shown) == 255
        assert shown.endswith(f"x… {each.mark_of('a')}")
