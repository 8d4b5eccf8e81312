"""YAML that is nested without an end is told by every reader of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from marketing_analytics.core.errors import UserError
from marketing_analytics.governance.project import described_in
from marketing_analytics.local_cloud.pages.jobs.trigger import variables_of
from marketing_analytics.local_cloud.runs.code.packages import read_yaml
from marketing_analytics.local_cloud.settings import check_project_text

DEEP = "[" * 3000


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
