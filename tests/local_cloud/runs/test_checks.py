"""What a run checks beside its steps, without dbt: whom it is asked of, which models and files."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from marketing_analytics.core.errors import MachineError, UserError
from marketing_analytics.local_cloud.runs.checks import lint, linter
from marketing_analytics.local_cloud.runs.checks.asked import Checks, checks_of, selection_of
from marketing_analytics.local_cloud.runs.checks.changes import change_of, comment_of
from marketing_analytics.local_cloud.runs.checks.files import files_to_lint, sql_files
from marketing_analytics.local_cloud.runs.checks.models import compared_models, key_of
from marketing_analytics.local_cloud.runs.code.checkout import Asked, Home, Source, check_out
from tests.local_cloud.runs.conftest import git


def commit(folder) -> str:
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "x")
    return git(folder, "rev-parse", "HEAD")


ASKED = {"run_lint": True, "run_compare_changes": True}


@pytest.mark.parametrize(
    ("document", "request_", "is_closing", "expected"),
    [
        ({**ASKED, "job_type": "ci"}, "", False, (True, True, True)),
        ({**ASKED, "errors_on_lint_failure": False}, "github 3", False, (True, False, True)),
        ({**ASKED, "job_type": "scheduled"}, "", False, (False, True, False)),
        ({**ASKED, "job_type": "ci"}, "github 3", True, (False, True, False)),
        ({"job_type": "ci"}, "", False, (False, True, False)),
    ],
)
def test_only_ci_runs_check_what_their_job_asks_for(document, request_, is_closing, expected):
    found = checks_of(document, SimpleNamespace(request=request_, is_closing=is_closing))
    assert (found.has_lint, found.is_lint_fatal, found.has_compare) == expected


def test_flags_select_and_do_nothing_else():
    assert selection_of(Checks().compare_flags) == ["--select", "state:modified"]
    assert selection_of("") == []
    assert selection_of("-s 'a b' --exclude=c") == ["-s", "a b", "--exclude=c"]
    for flags in ("--state x", "a", "a --select b", "--select 'a"):
        with pytest.raises(UserError):
            selection_of(flags)


def test_a_model_has_the_key_it_says_else_the_one_that_dbt_infers():
    assert key_of({"config": {"unique_key": "id"}, "primary_key": ["other"]}) == ["id"]
    assert key_of({"config": {"unique_key": ["a", "b"]}}) == ["a", "b"]
    assert key_of({"config": {"unique_key": []}, "primary_key": ["id"]}) == ["id"]
    assert key_of({}) == []


def test_what_has_no_relation_is_not_compared_and_numbers_become_words():
    own = {
        name: {"name": name, "alias": name, "schema": "s", "relation_name": f"s.{name}"}
        for name in ("a", "b")
    }
    own["ephemeral"] = {"name": "ephemeral", "relation_name": None}
    models = compared_models(["b", "ephemeral", "gone", "a"], own, {"a": own["a"]})
    assert [(model.name, model.before is None) for model in models] == [("a", False), ("b", True)]
    told = {"is_built": True, "columns_before": {"Id": "int"}, "columns_after": {"id": "INT"}}
    told |= {"rows_before": 3, "rows_after": 3}
    found = change_of(models[0], told)
    assert (found["what"], found["compared_with"]) == ("changed", "s.a")
    assert found["columns"]["retyped"] == [{"name": "id", "before": "int", "after": "INT"}]
    assert change_of(models[0], {"is_built": False})["what"] == "not built"


def test_files_that_differ_from_a_commit_are_linted_else_all(tmp_path):
    top, project = tmp_path / "repository", tmp_path / "repository" / "dbt"
    (project / "marts" / "deep").mkdir(parents=True)
    (project / "dbt_project.yml").write_text("name: x\nmodel-paths: [marts, ../out, /etc]\n")
    for name in ("marts/a.sql", "marts/deep/b.sql", "marts/c.sql"):
        (project / name).write_text("select 1\n")
    (project / "other.sql").write_text("select 1\n")
    git(tmp_path, "init", "-qb", "main", str(top))
    first = commit(top)
    (project / "marts" / "deep" / "b.sql").write_text("select 2\n")
    (project / "marts" / "c.sql").unlink()
    (project / "other.sql").write_text("select 2\n")
    commit(top)
    home = Home(tmp_path / "home")
    checkout = check_out(Source(place=str(project)), Asked(), home, None)
    assert sql_files(checkout.project) == ["marts/a.sql", "marts/deep/b.sql"]
    found = files_to_lint(checkout, home, SimpleNamespace(id=7, git_sha=first))
    assert found.files == ["marts/deep/b.sql"]
    assert found.why.startswith("1 of 2 SQL files, which differ from commit")
    for other, why in (
        (None, "deferred to no other"),
        (SimpleNamespace(id=7, git_sha=None), "git does not know"),
        (SimpleNamespace(id=7, git_sha="f" * 40), "is not in the repository"),
    ):
        every = files_to_lint(checkout, home, other)
        assert len(every.files) == 2
        assert why in every.why


def test_without_sqlfluff_the_step_says_so(monkeypatch):
    lint.require_linter()
    monkeypatch.setattr(lint, "has_module", lambda _: False)
    with pytest.raises(MachineError, match="sqlfluff is not installed") as refused:
        lint.require_linter()
    assert "pip install sqlfluff" in refused.value.hint


def test_a_warning_fails_nothing_and_dbts_templater_is_used_where_it_is(capsys, monkeypatch):
    place = {"start_line_no": 1, "start_line_pos": 2, "code": "LT01", "description": "Spaces."}
    record = {"filepath": "a.sql", "violations": [{**place, "warning": True}]}
    assert linter.told([record]) == 0
    assert "a.sql:1:2: LT01 Spaces. (a warning)" in capsys.readouterr().out
    record["violations"].append({**place, "warning": False})
    assert linter.told([record]) == 1
    assert capsys.readouterr().out.endswith("Error: 1 finding in 1 file\n")
    assert linter.templater_at_hand({"core": {"templater": "dbt"}}) == {"templater": "jinja"}
    monkeypatch.setattr(linter, "has_module", lambda _: True)
    assert linter.templater_at_hand({"core": {"templater": "dbt"}}) == {}
    assert "templater = dbt" in linter.default_settings("duckdb", [], is_alone=True)
    assert linter.default_settings("duckdb", [], is_alone=False).count("\n") == 2


def test_a_comparison_is_a_comment_too():
    run = SimpleNamespace(id=7, deferring_run_id=3)
    rows = {"before": None, "after": 2}
    models = [{"name": "<b>a", "what": "added", "rows": rows, "note": "production has none"}] * 102
    text = comment_of(run, "--select a", models, "")
    assert text.startswith("**Run 7 compared with run 3** (`--select a`)\n\n- &lt;b&gt;a: added; ")
    assert text.endswith("- and 2 more\n")
    assert "2 rows; production has none" in text
    run.deferring_run_id = None
    assert "- Nothing is compared: it is gone." in comment_of(run, "", [], "it is gone")
    assert "The flags select no model" in comment_of(run, "", [], "")
