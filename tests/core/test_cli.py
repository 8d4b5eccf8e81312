"""The `marketing` command."""

from __future__ import annotations

import importlib
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from marketing_analytics import __version__
from marketing_analytics.cli import GROUPS, main


def test_help_lists_every_group_and_imports_none():
    code = (
        "import sys\nfrom click.testing import CliRunner\n"
        "from marketing_analytics.cli import main\n"
        "print(CliRunner().invoke(main, ['--help']).output)\n"
        "heavy = {'httpx', 'rich', 'dlt', 'duckdb', 'fastapi', 'numpy', 'pyarrow', 'dbt'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    for name, (_, summary) in GROUPS.items():
        assert name in result.stdout
        assert summary in result.stdout


def test_version_is_the_package_version():
    assert __version__ in CliRunner().invoke(main, ["--version"]).output


@pytest.mark.parametrize("name", sorted(GROUPS))
def test_every_group_has_commands_with_help(name):
    group = importlib.import_module(GROUPS[name][0]).group
    assert isinstance(group, click.Group)
    assert group.commands
    assert all(command.help for command in group.commands.values())
