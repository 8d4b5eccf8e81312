"""The `marketing` command."""

from __future__ import annotations

import importlib
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from marketing_analytics import __version__
from marketing_analytics.cli import GROUPS, main

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


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
    commands = commands_of(group, name)
    assert commands
    assert all(command.help for _, command in commands)


def commands_of(group, name):
    """Return name and command of every command below a group."""
    context = click.Context(group, info_name=name)
    found = []
    for word in group.list_commands(context):
        command = group.get_command(context, word)
        if isinstance(command, click.Group):
            found += commands_of(command, f"{name} {word}")
        else:
            found.append((f"{name} {word}", command))
    return found


COMMANDS = commands_of(main, "marketing")


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_the_help_of_every_command_has_two_examples_that_parse(name, command):
    text = CliRunner().invoke(main, [*name.split()[1:], "--help"], prog_name="marketing").output
    examples = [line.strip() for line in text.partition("\nExamples:\n")[2].splitlines()]
    assert len(examples) >= 2
    for example in examples:
        assert example.startswith(name)
        command.make_context(name, shlex.split(example.removeprefix(name)))


MEANT = [
    ("job", "jobs"),
    ("ingst", "ingest"),
    ("jobs lst", "list"),
    ("cloud serv", "serve"),
    ("simulate bild", "build"),
    ("demo dwn", "down"),
    ("ingest rn", "run"),
]


@pytest.mark.parametrize(("typed", "meant"), MEANT, ids=[typed for typed, _ in MEANT])
def test_every_group_suggests_the_command_that_was_meant(typed, meant):
    result = CliRunner().invoke(main, typed.split())
    assert result.exit_code == 2
    assert f"Did you mean '{meant}'?" in result.output


@pytest.mark.parametrize(
    "words",
    [
        "jobs lst --json",
        "jobs history one --limit two --json",
        "jobs --nothing --json",
        "ingest run --nope --json",
    ],
)
def test_bad_usage_is_json_where_json_was_asked_for(words):
    result = CliRunner().invoke(main, words.split(), prog_name="marketing")
    assert result.exit_code == 2
    assert result.stderr == ""
    error = json.loads(result.stdout)["error"]
    assert error["exit_code"] == 2
    assert error["message"].startswith(("No such", "Invalid value"))
    assert error["hint"].startswith("see marketing ")


@pytest.mark.parametrize(
    "start",
    [
        [str(BIN / "marketing"), "jobs"],
        ["marketing", "jobs"],
        [sys.executable, "-m", "marketing_analytics", "jobs"],
        [sys.executable, "scripts/dbt_job_manager.py"],
    ],
    ids=["a path", "on the path", "a module", "the script"],
)
def test_help_names_the_command_as_it_was_started(start):
    path = str(BIN) if start[0] == "marketing" else ""
    environment = {**os.environ, "PATH": f"{path}:/usr/bin:/bin"}
    done = subprocess.run(
        [*start, "list", "--help"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    usage = ["Usage:", *start, "list", "[OPTIONS]"]
    assert done.stdout.split()[: len(usage)] == usage
    assert f"  {' '.join(start)} list --details" in done.stdout


SECRET = "dbtc_Zk3JqP0rVtY8wLmN2sXbA7"
MISTAKES = [
    "jobs logs 1 --step {}",
    "jobs list {}",
    "jobs cleanup --older-than {}",
    "cloud serve --port {}",
    "jobs list --{}",
    "{}",
]


@pytest.mark.parametrize("tail", ["", " --json"])
@pytest.mark.parametrize("words", MISTAKES)
def test_bad_usage_names_no_secret_and_moves_no_cursor(words, tail):
    result = CliRunner().invoke(main, (words + tail).format(f"{SECRET}\x1b[2J").split(" "))
    assert result.exit_code == 2
    assert "Error: " in result.output or '"error"' in result.output
    assert SECRET not in result.output
    assert "\x1b" not in result.output


def test_a_group_alone_shows_its_help():
    assert "Commands:" in CliRunner().invoke(main, ["jobs"]).output


@pytest.mark.parametrize("name", GROUPS)
def test_no_summary_is_cut_at_80_columns_and_every_option_is_described(name):
    text = CliRunner().invoke(main, [name, "--help"], env={"COLUMNS": "80"}).output
    assert "..." not in text.partition("Commands:")[2]
    group = main.get_command(click.Context(main), name)
    lacking = [
        f"{words} {option.opts[0]}"
        for words, command in commands_of(group, name)
        for option in command.params
        if isinstance(option, click.Option) and not option.help
    ]
    assert lacking == []


@pytest.mark.parametrize("words", [["jobs"], ["jobs", "config"]])
def test_what_a_help_says_of_commands_it_did_not_load_is_their_first_line(words):
    group = main
    for word in words:
        group = group.get_command(click.Context(group), word)
    for name, (_, summary) in group.members.items():
        command = group.get_command(click.Context(group), name)
        assert summary == command.get_short_help_str(200), name


def test_the_commands_of_make_stand_in_line():
    text = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True).stdout
    rows = [re.match(r"  make \S+ +", line).end() for line in text.splitlines() if "  make" in line]
    assert len(rows) > 10
    assert len(set(rows)) == 1
