"""YAML that is nested without an end, or means more than it is, is told by every reader of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from marketing_analytics.audiences.members import with_consent_of_now
from marketing_analytics.core import yaml_text
from marketing_analytics.core.errors import UserError
from marketing_analytics.core.yaml_text import load_yaml
from marketing_analytics.governance.project import described_in
from marketing_analytics.jobs.adopt.yaml_jobs import read_yaml_jobs
from marketing_analytics.local_cloud.pages.jobs.trigger import variables_of
from marketing_analytics.local_cloud.runs.code.packages import read_yaml
from marketing_analytics.local_cloud.settings import check_project_text
from marketing_analytics.measure.project import Project
from marketing_analytics.monitor.settings import read_settings

DEEP = "[" * 3000
# ten times ten values, nine times over: by aliases, and by what maps take over from each other
LISTS = "\n".join(["a0: &a0 [x]"] + [
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)
])  # fmt: skip
MERGED = "\n".join(["a0: &a0 {x: 1}"] + [
    f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 10)
])  # fmt: skip


def test_yaml_3000_levels_deep_is_told(tmp_path: Path) -> None:
    path = tmp_path / "packages.yml"
    path.write_text(DEEP)
    with pytest.raises(UserError, match="too deeply"):
        list(described_in(path))
    with pytest.raises(UserError, match="too deeply"):
        variables_of(DEEP)
    with pytest.raises(UserError, match="refer to themselves"):
        variables_of("a: &a {b: *a}")
    with pytest.raises(UserError, match="too deeply"):
        check_project_text(DEEP, path)
    # dbt explains it better
    assert read_yaml(path) is None


@pytest.mark.parametrize("bomb", [LISTS, MERGED], ids=["lists", "merged"])
def test_aliases_that_mean_a_billion_values_are_refused_before_they_are_made(
    tmp_path: Path, bomb: str
) -> None:
    path = tmp_path / "monitors.yml"
    path.write_text(f"version: 1\n{bomb}\n")
    refusals = (
        lambda: list(described_in(path)),
        lambda: variables_of(bomb),
        lambda: check_project_text(bomb, path),
        lambda: read_settings(path),
        lambda: read_yaml_jobs(str(path), []),
    )
    for refusal in refusals:
        with pytest.raises(UserError, match="aliases mean too many values"):
            refusal()
    # dbt explains it better
    assert read_yaml(path) is None


def test_few_aliases_and_many_values_without_any_are_read() -> None:
    assert load_yaml("a: &a [1, 2]\nb: *a\nc: {<<: {d: *a}}")["c"] == {"d": [1, 2]}
    many = f"[{', '.join('x' * 300)}]"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml_text, "MOST_VALUES", 10)
        assert len(load_yaml(many)) == 300
        with pytest.raises(yaml.MarkedYAMLError, match="more than 10"):
            load_yaml(f"[&a {many}, *a]")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\nb: [2026-06-31]", "2026-06-31 is no timestamp"),
        ("a: 1\nb: [!!bool maybe]", "maybe is no bool"),
        ("a: 1\nb: [!!timestamp x]", "x is no timestamp"),
        (f"a: 1\nb: [{'9' * 5000}]", f"{'9' * 40} is no int"),
        ("a: 1\nb: [\a]", "the sign U[+]0007 stands in no text"),
    ],
    ids=["a day", "a bool", "a time", "a number", "a sign"],
)
def test_a_value_that_is_none_is_told_with_its_place_by_every_reader(
    tmp_path: Path, text: str, told: str
) -> None:
    path = tmp_path / "jobs.yml"
    path.write_text(text)
    with pytest.raises(yaml.MarkedYAMLError, match=told) as raised:
        load_yaml(text)
    assert (raised.value.problem_mark.line, raised.value.problem_mark.column) == (1, 4)
    refusals = (
        lambda: list(described_in(path)),
        lambda: variables_of(text),
        lambda: check_project_text(text, path),
        lambda: read_yaml_jobs(str(path), []),
        lambda: with_consent_of_now(Project(tmp_path, variables=text)),
    )
    for refusal in refusals:
        with pytest.raises(UserError):
            refusal()
    # dbt explains it better
    assert read_yaml(path) is None


def test_yaml_is_read_in_one_place() -> None:
    package = Path(yaml_text.__file__).parents[1]
    readers = {
        path.name for path in package.rglob("*.py") if re.search(r"yaml\.\w*load", path.read_text())
    }
    assert readers == set()
