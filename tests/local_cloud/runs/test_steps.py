"""Step names and order as dbt Cloud has them; commands are read without a shell."""

from __future__ import annotations

import random
import string

import pytest

from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.runs.publish import PUBLISHING
from marketing_analytics.local_cloud.runs.steps import More, Step, parse_command, plan_steps


def test_the_names_and_the_order_of_the_steps_are_those_of_dbt_cloud():
    steps = plan_steps(["dbt build", "dbt test -s a"], has_freshness=True, has_docs=True)
    assert [(step.index, step.name) for step in steps] == [
        (1, "Clone git repository"),
        (2, "Create Profile from Connection DuckDB"),
        (3, "Invoke dbt with `dbt deps`"),
        (4, "Invoke dbt with `dbt source freshness`"),
        (5, "Invoke dbt with `dbt build`"),
        (6, "Invoke dbt with `dbt test -s a`"),
        (7, "Invoke dbt with `dbt docs generate`"),
    ]
    assert [step.index for step in steps if step.is_advisory] == [4, 7]


def test_what_follows_the_commands_is_a_step_that_never_fails_the_run():
    more = More([Step(0, "Lint")], [Step(0, "Compare")], [PUBLISHING])
    steps = plan_steps(["dbt build"], has_freshness=True, has_docs=True, more=more)
    assert [step.name.removeprefix("Invoke dbt with ") for step in steps[3:]] == [
        "Lint", "`dbt source freshness`", "`dbt build`", "Compare", "`dbt docs generate`",
        "Publish the report",
    ]  # fmt: skip
    assert (steps[-1].index, steps[-1].command, steps[-1].is_advisory) == (9, None, True)


def test_commands_of_the_job_are_told_from_steps_of_the_server_with_the_same_words():
    commands = ["dbt deps", "dbt source freshness", "dbt docs generate"]
    steps = plan_steps(commands, has_freshness=True, has_docs=True)
    assert [(step.index, step.command) for step in steps if step.is_own] == [
        (5, "dbt deps"), (6, "dbt source freshness"), (7, "dbt docs generate"),
    ]  # fmt: skip


def test_the_first_command_is_step_four_without_freshness():
    assert plan_steps(["dbt run"])[3].name == "Invoke dbt with `dbt run`"


@pytest.mark.parametrize(
    ("command", "args"),
    [
        ("dbt build", ["build"]),
        ("dbt run --select 'tag:a b' +c", ["run", "--select", "tag:a b", "+c"]),
        ("dbt --log-level debug run", ["--log-level", "debug", "run"]),
        ("dbt --warn-error test", ["--warn-error", "test"]),
        ("dbt source freshness", ["source", "freshness"]),
        ("dbt ls --output json -s a", ["ls", "--output", "json", "-s", "a"]),
        ("dbt docs generate --no-compile", ["docs", "generate", "--no-compile"]),
        ("dbt build -fx --limit -1", ["build", "-fx", "--limit", "-1"]),
        ("dbt run --state old -m a", ["run", "--state", "old", "-m", "a"]),
        ("dbt run --target prod", ["run"]),
        ("dbt run --target=prod -t prod --full-refresh", ["run", "--full-refresh"]),
        ("dbt run-operation m --args '{a: $(id)}'", ["run-operation", "m", "--args", "{a: $(id)}"]),
    ],
)
def test_a_dbt_command_becomes_its_words(command, args):
    assert parse_command(command, target_name="prod") == args


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("", "is not a dbt command"),
        ("rm -rf /", "is not a dbt command"),
        ("dbtx build", "is not a dbt command"),
        ("dbt", "cannot be run as a step"),
        ("dbt init", "dbt init cannot be run"),
        ("dbt --version", "cannot be run as a step"),
        ("dbt run 'open", "cannot read the command"),
        ("dbt run --target staging", "the target of this run is 'prod'"),
        ("dbt run -t", "the target of this run is 'prod'"),
        ("dbt run --profiles-dir /tmp", "renders the profile"),
        ("dbt run --project-dir=/tmp", "own copy of the project"),
        ("dbt run --target-path x", "own target folder"),
        ("dbt docs serve --port 80", "it would not end"),
        ("dbt docs serve --host generate", "it would not end"),
        ("dbt run --record-timing-info /tmp/x", "outside of the run's folders"),
        ("dbt -r /tmp/x run", "cannot be run as a step"),
        ("dbt run -r/tmp/x", "not among the options"),
        ("dbt run -tprod2", "not among the options"),
        ("dbt run --no-such-option", "--no-such-option cannot be used in a step"),
        ("dbt run --upload-to-artifacts-ingest-api", "not among the options"),
        ("dbt source freshness -o /etc/x", "leads out of the project"),
        ("dbt source freshness --output=../x", "leads out of the project"),
        ("dbt build --select state:modified --state ~/x", "leads out of the project"),
    ],
)
def test_what_cannot_be_run_is_refused_with_the_reason(command, reason):
    with pytest.raises(UserError, match=reason):
        parse_command(command, target_name="prod")


def test_random_commands_are_read_or_refused_but_never_break():
    random_source = random.Random(7)
    words = ["dbt", "run", "--target", "-t", "build", "'", '"', ";", "&&", "--profiles-dir", "\\"]
    for _ in range(5_000):
        parts = random_source.choices([*words, *string.printable], k=random_source.randint(0, 8))
        command = random_source.choice(["", "dbt "]) + random_source.choice(["", " "]).join(parts)
        try:
            args = parse_command(command, target_name="prod")
        except UserError:
            continue
        assert args
        assert not {"--profiles-dir", "--project-dir", "--target", "-t"}.intersection(args)
