"""With real dbt and sqlfluff: what a CI run lints, and how its models differ from production."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from marketing_analytics.local_cloud.runs.artifacts import resolve_artifact
from marketing_analytics.local_cloud.runs.confinement.access import Access
from tests.ingest.database_servers import PASSWORD, engine_of, postgresql

pytestmark = pytest.mark.slow

WHO = ("-c", "user.name=t", "-c", "user.email=t@example.com")
PULL_REQUEST = "github_pull_request_id"
TABLE = "{{ config(materialized='table') }}\n"
ORDERS = (
    "{{ config(materialized='table', unique_key='id') }}\n"
    "select 1 as id, 'a' as kind, 10 as amount, 1 as gone, 1 as wide union all\n"
    "select 2, 'b', 20, 1, 1 union all\n"
)
# what production has, and what the branch makes of it: one difference of every kind
BEFORE = {
    "models/orders.sql": ORDERS + "select 3, 'c', 30, 1, 1 union all select 4, 'd', 40, 1, 1\n",
    "models/same.sql": "select 1 as id\n",
    "models/keyless.sql": TABLE + "select 1 as n union all select 1\n",
    "models/tested.sql": TABLE + "select 1 as id, 5 as n union all select 2, 6\n",
    "models/constrained.sql": TABLE + "select 1 as a, 1 as b, 1 as n\n",
    "models/repeated.sql": TABLE
    + "select 1 as id, 1 as n union all select 1, 2 union all select 2, 3\n",
    "models/renamed_key.sql": TABLE + "select 1 as old_id\n",
    "models/models.yml": (
        "models:\n  - name: tested\n    columns:\n"
        "      - {name: id, data_tests: [unique, not_null]}\n"
        "  - name: constrained\n    config: {contract: {enforced: true}}\n"
        "    constraints: [{type: primary_key, columns: [a, b]}]\n"
        "    columns: [{name: a, data_type: int}, {name: b, data_type: int},"
        " {name: n, data_type: int}]\n"
    ),
}
AFTER = {
    # row 3 is gone, 5 is new, 2 and 4 have other values; a column came, one went, one is a text
    "models/orders.sql": (
        "{{ config(materialized='table', unique_key='id') }}\n"
        "select 1 as id, 'a' as kind, 10 as amount, '1' as wide, 7 as came union all\n"
        "select 2, 'B', 21, '1', 7 union all\n"
        "select 4, cast(null as varchar), 40, '1', 7 union all\n"
        "select 5, 'e', 50, '1', 7\n"
    ),
    "models/keyless.sql": TABLE + "select 1 as n union all select 1 union all select 2\n",
    "models/tested.sql": TABLE + "select 1 as id, 5 as n union all select 2, 7\n",
    "models/constrained.sql": TABLE + "select 1 as a, 1 as b, 1 as n union all select 1, 2, 2\n",
    "models/repeated.sql": "{{ config(materialized='table', unique_key='id') }}\n"
    "select 2 as id, 4 as n union all select cast(null as int), 5\n",
    "models/renamed_key.sql": "{{ config(materialized='table', unique_key='new_id') }}\n"
    "select 1 as new_id\n",
    "models/fresh.sql": "select 1 as id union all select 2\n",
}


@pytest.fixture
def store_kind() -> str:
    """Return one store: what dbt does does not depend on it."""
    return "sqlite"


@pytest.fixture(params=["duckdb", "postgresql"])
def warehouse(request: pytest.FixtureRequest, cloud) -> Iterator[str | None]:
    """Let production and CI build into DuckDB files, or into schemas of one PostgreSQL."""
    if request.param == "duckdb":
        yield None
        return
    with postgresql() as url:
        cloud.build_into(url, PASSWORD)
        yield url


@pytest.fixture
def engine(start_engine, tmp_path):
    access = Access(folders=(tmp_path,))
    return start_engine(program=(), access=access, interrupt_seconds=10, terminate_seconds=5)


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *WHO, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def write(folder: Path, files: dict[str, str], message: str) -> str:
    for name, text in files.items():
        (folder / name).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", message)
    return git(folder, "rev-parse", "HEAD")


def branched(project: Path, before: dict[str, str], after: dict[str, str]) -> None:
    """Put the tiny project under git: what production runs, and a branch `change` of it."""
    for name in ("one", "two", "slow", "broken"):
        (project / "models" / f"{name}.sql").unlink()
    (project / "models" / "models.yml").unlink()
    git(project, "init", "-qb", "main")
    write(project, before, "before")
    git(project, "checkout", "-qb", "change")
    write(project, after, "after")
    git(project, "checkout", "-q", "main")


def ci_job(cloud, **settings) -> int:
    steps = ["dbt build --select state:modified+"]
    given = {"job_type": "ci", "environment_id": 2, "deferring_environment_id": 1}
    return cloud.job(steps, **given, **settings)


def run_branch(cloud, job: int) -> int:
    return cloud.run(job, overrides={PULL_REQUEST: 12, "git_branch": "change"})


def in_production(cloud, before: dict[str, str], after: dict[str, str]) -> int:
    """Build in production what was before; what comes after is on the branch. Return its run."""
    branched(cloud.project, before, after)
    production = cloud.run(cloud.job(["dbt build"]))
    assert cloud.wait(production, seconds=120).status == 10, cloud.log(production)
    return production


def compared(cloud) -> tuple[int, Path]:
    """Run the branch with its comparison, and return the run and its artifact."""
    run = run_branch(cloud, ci_job(cloud, run_compare_changes=True))
    assert cloud.wait(run, seconds=120).status == 10, (cloud.log(run), cloud.log(run, 5))
    path = resolve_artifact(cloud.data_folder, run, "compare_changes.json")
    return run, path


def test_one_difference_of_every_kind_is_found_with_the_right_numbers(cloud, engine, warehouse):
    production = in_production(cloud, BEFORE, AFTER)
    run, path = compared(cloud)
    found = json.loads(path.read_text())
    assert (found["run_id"], found["compared_with_run_id"]) == (run, production)
    assert (found["error"], found["flags"]) == (None, "--select state:modified")
    models = {one["name"]: one for one in found["models"]}
    # what is the same is not selected
    assert sorted(models) == [
        "constrained", "fresh", "keyless", "orders", "renamed_key", "repeated", "tested",
    ]  # fmt: skip
    integer = models["orders"]["columns"]["retyped"][0]["before"]
    assert integer.lower() in ("int", "integer")
    orders = models["orders"]
    assert (orders["what"], orders["primary_key"]) == ("changed", ["id"])
    assert orders["rows"] == {"before": 4, "after": 4, "added": 1, "removed": 1, "changed": 2}
    assert orders["sample_keys"] == {
        "added": [["5"]],
        "removed": [["3"]],
        "changed": [["2"], ["4"]],
    }
    assert orders["sample_rows"] == {
        "added": [{"id": "5", "kind": "e\u2026 (1)", "amount": "50"}],
        "removed": [{"id": "3", "kind": "c\u2026 (1)", "amount": "30"}],
        "changed": [
            {
                "id": "2",
                "kind": {"before": "b\u2026 (1)", "after": "B\u2026 (1)"},
                "amount": {"before": "20", "after": "21"},
            },
            {"id": "4", "kind": {"before": "d\u2026 (1)", "after": "null"}},
        ],
    }
    assert [one["name"] for one in orders["columns"]["added"]] == ["came"]
    assert orders["columns"]["removed"] == [{"name": "gone", "type": integer}]
    assert [one["name"] for one in orders["columns"]["retyped"]] == ["wide"]
    assert orders["columns"]["values"] == [
        {"name": "kind", "rows": 2}, {"name": "amount", "rows": 1},
    ]  # fmt: skip
    assert orders["note"] == "values of columns with another type are not compared"
    keyless = models["keyless"]
    assert (keyless["primary_key"], keyless["rows"]) == ([], {"before": 2, "after": 3})
    assert keyless["note"].startswith("no primary key")
    rows = {"before": 2, "after": 2, "added": 0, "removed": 0, "changed": 1}
    assert (models["tested"]["primary_key"], models["tested"]["rows"]) == (["id"], rows)
    rows = {"before": 1, "after": 2, "added": 1, "removed": 0, "changed": 0}
    assert (models["constrained"]["primary_key"], models["constrained"]["rows"]) == (
        ["a", "b"],
        rows,
    )
    assert models["constrained"]["sample_keys"]["added"] == [["1", "2"]]
    rows = {"before": 3, "after": 2, "added": 0, "removed": 0, "changed": 1}
    assert models["repeated"]["rows"] == rows
    assert "2 of production, 1 of this run" in models["repeated"]["note"]
    assert models["renamed_key"]["rows"] == {"before": 1, "after": 1}
    assert "new_id is not in both" in models["renamed_key"]["note"]
    fresh = models["fresh"]
    assert (fresh["what"], fresh["rows"]) == ("added", {"before": None, "after": 2})
    # what the run built is found as ever
    results = resolve_artifact(cloud.data_folder, run, "run_results.json")
    assert json.loads(results.read_text())["args"]["which"] == "build"
    log = cloud.log(run, 5)
    assert "- orders: changed; 1 row added" in path.with_suffix(".md").read_text()
    assert "orders: changed; 1 row added, 1 row removed, 2 rows changed; 4 rows before" in log


def test_of_rows_that_differ_ten_are_kept_and_of_keys_five_and_no_person_can_be_told(
    cloud, engine, warehouse
):
    people = "{{{{ config(materialized='table', unique_key=['email', 'code', 'id']) }}}}\n{rows}\n"

    def rows(first: int, last: int) -> str:
        return "\nunion all ".join(
            f"select 'ana{n}@example.com' as email, 'code{n}' as code, {n} as id,"
            f" 'ana{n}@example.com' as said, 'Street {n}@example.com' as address"
            for n in range(first, last)
        )

    before = {"models/people.sql": people.format(rows=rows(11, 13))}
    after = {"models/people.sql": people.format(rows=rows(13, 25))}
    in_production(cloud, before, after)
    run, path = compared(cloud)
    (model,) = json.loads(path.read_text())["models"]
    assert (model["rows"]["added"], model["rows"]["removed"]) == (12, 2)
    masked = ["**********", "c\u2026 (6)"]
    assert model["sample_keys"] == {
        "added": [[*masked, str(n)] for n in range(13, 18)],
        "removed": [[*masked, str(n)] for n in (11, 12)],
        "changed": [],
    }
    told = model["sample_rows"]["added"]
    assert [row["id"] for row in told] == [str(n) for n in range(13, 23)]
    assert told[0] == {
        "email": "**********", "code": masked[1], "id": "13", "said": "a\u2026 (17)",
        "address": "**********",
    }  # fmt: skip
    # nor in any log of the comparison
    folder = cloud.data_folder / "runs" / str(run) / "steps"
    kept = [file for file in folder.rglob("5*") if file.is_file()]
    assert kept
    for file in (*kept, path):
        assert "@example.com" not in file.read_text(errors="replace"), file


def test_rows_of_a_time_that_both_sides_have_are_compared_alone(cloud, engine, warehouse):
    def table(*days: tuple[int, int | None, int]) -> str:
        rows = (
            f"select {number} as id, cast("
            + (f"'2026-10-{day:02}'" if day else "null")
            + f" as date) as happened_on, {amount} as amount"
            for number, day, amount in days
        )
        keyed = "{{ config(materialized='table', unique_key='id', event_time='happened_on') }}\n"
        return keyed + "\nunion all ".join(rows) + "\n"

    before = {
        # production is older at its beginning; a row without a day is of no time
        "models/events.sql": table((1, 1, 5), (2, 3, 5), (3, 4, 5), (4, 5, 5), (9, None, 5)),
        "models/apart.sql": table((1, 1, 5)),
        "models/keyless.sql": table((1, 1, 5), (2, 2, 5)).replace("unique_key='id', ", ""),
    }
    after = {
        "models/events.sql": table((2, 3, 5), (3, 4, 6), (7, 5, 5), (8, 6, 5)),
        "models/apart.sql": table((2, 2, 5)),
        "models/keyless.sql": table((2, 2, 5), (3, 3, 5)).replace("unique_key='id', ", ""),
    }
    in_production(cloud, before, after)
    run, path = compared(cloud)
    models = {one["name"]: one for one in json.loads(path.read_text())["models"]}
    events = models["events"]
    # the days 3 to 5
    assert events["rows"] == {"before": 3, "after": 3, "added": 1, "removed": 1, "changed": 1}
    assert events["sample_keys"] == {"added": [["7"]], "removed": [["4"]], "changed": [["3"]]}
    assert events["event_time"] == {
        "column": "happened_on",
        "first": "2026-10-03",
        "last": "2026-10-05",
        "left_out_before": 2,
        "left_out_after": 1,
    }
    told = (
        "compared are rows with happened_on from 2026-10-03 to 2026-10-05, which both have;"
        " left out: 2 of production, 1 of this run"
    )
    assert events["note"] == told
    assert told in cloud.log(run, 5)
    apart = models["apart"]
    assert apart["rows"] == {"before": 0, "after": 0, "added": 0, "removed": 0, "changed": 0}
    assert "there is none; left out: 1 of production, 1 of this run" in apart["note"]
    assert models["keyless"]["rows"] == {"before": 1, "after": 1}
    assert models["keyless"]["note"].startswith("compared are rows with happened_on")
    assert "no primary key" in models["keyless"]["note"]


def test_a_model_that_cannot_be_read_fails_alone_and_the_run_stays_good(cloud, engine, warehouse):
    before = {name: BEFORE[name] for name in ("models/tested.sql", "models/keyless.sql")}
    after = {name: AFTER[name] for name in before} | {
        "models/gone.sql": TABLE + "select 2 as id\n",
        "models/broken.sql": "select 2 as id\n",
    }
    before |= {
        "models/gone.sql": TABLE + "select 1 as id\n",
        "models/base.sql": TABLE + "select 1 as id\n",
        "models/broken.sql": "select id from {{ ref('base') }}\n",
    }
    in_production(cloud, before, after)
    spoil(cloud, warehouse)
    _, path = compared(cloud)
    models = {one["name"]: one for one in json.loads(path.read_text())["models"]}
    whats = {name: one["what"] for name, one in models.items()}
    usual = {"gone": "added", "keyless": "changed", "tested": "same count"}
    if warehouse is None:
        assert whats == {**usual, "broken": "failed"}
        assert "base" in models["broken"]["note"]
    else:
        # PostgreSQL drops what reads a table together with it
        assert whats == {**usual, "broken": "added"}
    assert models["gone"]["note"].startswith("there is no ")


def spoil(cloud, url: str | None) -> None:
    """Take away what production has built: a table, and what a view of it reads."""
    if url is None:
        import duckdb

        with duckdb.connect(str(cloud.data_folder / "warehouse" / "env_1.duckdb")) as connection:
            connection.execute("drop table tiny.gone")
            connection.execute("drop table tiny.base")
        return
    import sqlalchemy

    engine = engine_of(url)
    with engine.begin() as connection:
        for name in ("gone", "base"):
            connection.execute(sqlalchemy.text(f"drop table marts.{name} cascade"))
    engine.dispose()


def test_a_comparison_that_is_impossible_says_why_and_fails_nothing(cloud, engine):
    branched(cloud.project, {"models/a.sql": "select 1 as id\n"}, {"models/a.sql": "select 2\n"})
    never = {"job_type": "ci", "run_compare_changes": True}
    first = cloud.run(cloud.job(["dbt run"], **never))
    other = cloud.run(cloud.job(["dbt run"], compare_changes_flags="--threads 4", **never))
    for run in (first, other):
        assert cloud.wait(run, seconds=90).status == 10, cloud.log(run)
        path = resolve_artifact(cloud.data_folder, run, "compare_changes.json")
        found = json.loads(path.read_text())
        assert found["models"] == []
        assert found["error"] == "there is no good run of production to compare with yet"
        assert "there is no good run" in cloud.log(run, 5)


STYLE = "[sqlfluff]\ndialect = duckdb\nrules = CP01\n"


def test_a_ci_run_lints_what_it_changed_before_its_steps(cloud, engine):
    before = {"models/old.sql": "SELECT 1 AS id\n", "models/a.sql": "select 1 as id\n"}
    branched(cloud.project, before | {".sqlfluff": STYLE}, {"models/a.sql": "SELECT 2 as id\n"})
    production = cloud.run(cloud.job(["dbt build"], run_lint=True))
    assert cloud.wait(production, seconds=90).status == 10, cloud.log(production)
    job = ci_job(cloud, run_lint=True)
    run = run_branch(cloud, job)
    row = cloud.wait(run, seconds=90)
    assert row.status == 20
    assert row.status_message == "Lint SQL with sqlfluff failed: 1 finding in 1 file"
    log = cloud.log(run, 4)
    assert "1 of 2 SQL files, which differ from commit" in log
    assert "models/a.sql:1:10: CP01 Keywords must be consistently upper case." in log
    assert "old.sql" not in log
    assert "Skipped, because step 4 failed" in cloud.log(run, 5)
    # the same finding, and the run goes on
    run = run_branch(cloud, ci_job(cloud, run_lint=True, errors_on_lint_failure=False))
    assert cloud.wait(run, seconds=90).status == 10, cloud.log(run, 5)
    assert "models/a.sql:1:10: CP01" in cloud.log(run, 4)


def test_without_git_and_settings_every_model_is_linted_as_dbt_cloud_would(cloud, engine):
    for name in ("slow", "broken"):
        (cloud.project / "models" / f"{name}.sql").unlink()
    macros = cloud.project / "macros"
    macros.mkdir()
    (macros / "m.sql").write_text("{% macro seven() %}7{% endmacro %}\n")
    (cloud.project / "models" / "two.sql").write_text(
        "select\n    {{ seven() }} as id,\n    {{ other.unknown() }} as n\nfrom {{ ref('one') }}\n"
    )
    run = cloud.run(cloud.job(["dbt compile"], job_type="ci", run_lint=True))
    row = cloud.wait(run, seconds=90)
    log = cloud.log(run, 4)
    assert "all 2 SQL files of the project: the run is deferred to no other" in log
    assert "Dialect duckdb, templater jinja." in log
    assert "No findings." in log, log
    # dbt itself knows no such macro
    assert (row.status, "'other' is undefined" in cloud.log(run, 5)) == (20, True)
    (cloud.project / ".sqlfluff").write_text("[sqlfluff]\ndialect = nonsense\n")
    row = cloud.wait(
        cloud.run(cloud.job(["dbt compile"], job_type="ci", run_lint=True)), seconds=90
    )
    told = "Lint SQL with sqlfluff failed: sqlfluff cannot lint: Unknown dialect"
    assert row.status_message == told


def test_a_few_rows_that_fail_a_test_are_kept_and_no_person_can_be_told(cloud, engine, warehouse):
    (cloud.project / "models" / "broken.sql").unlink()
    (cloud.project / "seeds").mkdir()
    (cloud.project / "seeds" / "people.csv").write_text(
        "id,contact,last_name\n1,ana@example.com,Silva\n1,ana@example.com,Silva\n2,,\n"
    )
    (cloud.project / "models" / "two.sql").write_text("select * from {{ ref('people') }}\n")
    (cloud.project / "tests").mkdir()
    (cloud.project / "tests" / "persons.sql").write_text(
        "select distinct id, contact, last_name, cast('2026-01-02' as date) as day\n"
        "from {{ ref('two') }} where id = 1\n"
    )
    (cloud.project / "models" / "models.yml").write_text(
        "models:\n  - name: two\n    columns:\n      - {name: id, data_tests: [unique]}\n"
        "      - {name: contact, data_tests: [unique, not_null]}\n"
    )
    run = cloud.run(cloud.job(["dbt build --select people two"]))
    assert cloud.wait(run, seconds=90).status == 20
    path = resolve_artifact(cloud.data_folder, run, "failing_rows.json", 4)
    assert path is not None, cloud.log(run)
    found = {name.split(".")[2]: one for name, one in json.loads(path.read_text()).items()}
    assert sorted(found) == [
        "not_null_two_contact", "persons", "unique_two_contact", "unique_two_id",
    ]  # fmt: skip
    assert found["unique_two_id"]["rows"] == [["1", "2"]]
    assert found["unique_two_contact"]["rows"] == [["a\u2026 (15)", "2"]]
    assert found["not_null_two_contact"]["rows"] == [["null"]]
    columns = ["id", "contact", "last_name", "day"]
    rows = [["1", "a\u2026 (15)", "**********", "2026-01-02"]]
    assert found["persons"] == {"columns": columns, "rows": rows, "more_columns": 0}
    results = resolve_artifact(cloud.data_folder, run, "run_results.json", 4)
    assert json.loads(results.read_text())["args"]["which"] == "build"
    # nor in any log
    folder = cloud.data_folder / "runs" / str(run)
    kept = [*folder.glob("*.*"), *(folder / "steps").rglob("*"), *path.parent.rglob("*")]
    assert len(kept) > 10
    for file in kept:
        if file.is_file():
            assert "ana@example.com" not in file.read_text(errors="replace"), file
