"""Every line of the pipeline that calls our commands is one that they understand."""

import re
import shlex
from pathlib import Path

import click
import pytest
import yaml

from marketing_analytics.cli import main
from marketing_analytics.jobs.cli import group

ROOT = Path(__file__).resolve().parents[2]
FILES = [ROOT / ".gitlab-ci.yml", *sorted((ROOT / "ci").glob("*.yml"))]
# how a line begins that calls one: the words, and what reads the rest
STARTS = [
    (["marketing"], main),
    (["python", "-m", "marketing_analytics"], main),
    (["python", "scripts/dbt_job_manager.py"], group),
]


class Loader(yaml.SafeLoader):
    """Reads GitLab's `!reference [job, script]` as the list that it is."""


Loader.add_constructor("!reference", lambda loader, node: loader.construct_sequence(node))


def texts(value):
    """Yield every text of a file."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts(item)


def calls(line):
    """Yield the words after one of our programs, for each call in a line of a shell."""
    words = shlex.shlex(line, posix=True, punctuation_chars=True)
    words.whitespace_split, words.commenters = True, ""
    found = list(words)
    for at, word in enumerate(found):
        for start, command in STARTS:
            begin = [Path(word).name, *found[at + 1 : at + len(start)]]
            if begin == start:
                rest = found[at + len(start) :]
                end = next((n for n, w in enumerate(rest) if re.fullmatch(r"[;&|<>()]+", w)), None)
                yield command, rest[:end]


FOUND = [
    pytest.param(command, words, id=" ".join(words))
    for path in FILES
    for text in texts(yaml.load(path.read_text("utf-8"), Loader))
    for line in text.splitlines()
    for command, words in calls(line)
]


@pytest.mark.parametrize(("command", "words"), FOUND)
def test_a_line_that_calls_us_is_a_command_with_its_options(command, words):
    words = [word.replace("*", "dev") for word in words]
    parse(command, words)


def parse(command, words):
    """Parse words down to the last command. Raise click's UsageError."""
    context = click.Context(command)
    while isinstance(command, click.Group):
        _, command, words = command.resolve_command(context, words)
        context = click.Context(command, parent=context)
    command.make_context(command.name, list(words), parent=context)


def test_no_call_is_missed_and_a_wrong_option_is_noticed():
    text = "".join(path.read_text("utf-8") for path in FILES)
    named = len(re.findall(r"(?:bin/marketing|dbt_job_manager\.py) [a-z]", text))
    assert len(FOUND) == named >= 9
    for words in (["plan", "--confg", "a"], ["plam"], ["deploy", "--allow-delete", "x"]):
        with pytest.raises(click.UsageError):
            parse(group, words)
