"""The macro that drops a branch's schema, run by dbt on DuckDB."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from marketing_analytics.cloud_api.names import Scope
from marketing_analytics.jobs.cleanup.schemas import SchemaDrop

pytestmark = [pytest.mark.system, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
LONG = Scope("marketing-team", "b" * 63, "anna-maria")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Return a project that has the macro and nothing else, and a database with schemas."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "macros").mkdir()
    shutil.copy(ROOT / "transform" / "macros" / "branches.sql", folder / "macros")
    (folder / "dbt_project.yml").write_text("name: branches\nprofile: p\n")
    output = {"type": "duckdb", "path": str(folder / "w.duckdb"), "threads": 1}
    output["schema"] = "{{ env_var('DBT_SCHEMA', 'prod') }}"
    profile = {"p": {"target": "dev", "outputs": {"dev": output}}}
    (folder / "profiles.yml").write_text(json.dumps(profile))
    with duckdb.connect(str(folder / "w.duckdb")) as connection:
        for name in ("prod", "anna_x", "anna_x_dbt_test__audit", "anna_y", LONG.schema):
            connection.execute(f'create schema "{name}"')
            connection.execute(f'create table "{name}".t as select 1 as a')
    return folder


def schemas(project):
    with duckdb.connect(str(project / "w.duckdb"), read_only=True) as connection:
        rows = connection.execute("select distinct table_schema from information_schema.tables")
        return {row[0] for row in rows.fetchall()}


def run(project, scope, schema, own):
    """Run the step of a cleanup as a job whose DBT_SCHEMA is `own`."""
    import shlex

    _, *arguments = shlex.split(SchemaDrop(scope, schema, None).step)
    code = "from dbt.cli.main import cli; cli()"
    environ = {**os.environ, "DBT_SCHEMA": own} if own else dict(os.environ)
    return subprocess.run(
        [sys.executable, "-c", code, *arguments, "--profiles-dir", "."],
        cwd=project,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("scope", "schema", "own", "said"),
    [
        # not the branch's
        (Scope("t", "x", "anna"), "anna_y", "anna_y", "is not the schema of branch x of anna"),
        (Scope("t", "", ""), "prod", "prod", "is not the schema of branch"),
        # not the job's
        (Scope("t", "x", "anna"), "anna_x", "prod", "is not the schema of this job"),
        (Scope("t", "x", "anna"), "anna_x", "", "is not the schema of this job"),
    ],
)
def test_any_other_schema_is_refused(project, scope, schema, own, said):
    before = schemas(project)
    done = run(project, scope, schema, own)
    assert done.returncode != 0
    assert said in " ".join(done.stdout.split())
    assert schemas(project) == before


def test_the_schema_of_the_branch_goes_with_the_failures_of_its_tests(project):
    scope = Scope("t", "x", "anna")
    before = schemas(project)
    for _ in range(2):
        done = run(project, scope, scope.schema, scope.schema)
        assert done.returncode == 0, done.stdout
    assert before - schemas(project) == {"anna_x", "anna_x_dbt_test__audit"}


def test_a_schema_whose_name_was_shortened_goes_too(project):
    done = run(project, LONG, LONG.schema, LONG.schema)
    assert done.returncode == 0, done.stdout
    assert LONG.schema not in schemas(project)
