"""The script on a Python that is too old for it: one sentence, whichever Python that is."""

import ast
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "dbt_job_manager.py"
OLD = ("3.6", "3.7", "3.8", "3.9", "3.10")


def old_pythons():
    """Return the old interpreters of this machine by version, those of pyenv too."""
    found = {version: shutil.which(f"python{version}") for version in OLD}
    for version in OLD:
        pattern = f".pyenv/versions/{version}.*/bin/python"
        found[version] = next(map(str, Path.home().glob(pattern)), found[version])
    return found


@pytest.mark.parametrize("version", OLD)
def test_an_old_python_is_told_which_one_is_needed(version):
    python = old_pythons()[version]
    if python is None:
        pytest.skip(f"there is no Python {version} on this machine")
    command = [python, str(SCRIPT), "deploy", "--config", "env_file/dev_env.tfvars"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    said = rf"error: this needs Python 3\.11 or newer, and \S+ is {re.escape(version)}\.\d+\n"
    assert re.fullmatch(said, done.stderr)


def test_the_sentence_comes_before_anything_newer_is_imported(monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    monkeypatch.setitem(sys.modules, "marketing_analytics.jobs.cli", None)
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(SCRIPT))
    assert ended.value.code == 2
    assert "needs Python 3.11 or newer" in capsys.readouterr().err


def test_the_script_can_be_read_by_python_3_6():
    ast.parse(SCRIPT.read_text(), feature_version=(3, 6))


def test_the_script_names_the_python_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11"
    assert "version_info < (3, 11)" in SCRIPT.read_text()
