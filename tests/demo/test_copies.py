"""Commands in copies of one process: each with its own settings, output and exit code."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from marketing_analytics.core.errors import PlatformError
from marketing_analytics.demo.copies import Copies


@pytest.fixture(scope="module")
def commands():
    return Copies()


def test_a_copy_does_what_the_command_does_with_its_own_settings(commands, tmp_path):
    mine, other = tmp_path / "mine.duckdb", tmp_path / "other.duckdb"
    for raw in (mine, other):
        said = commands.run(
            ["ingest", "status", "--json"],
            {"MARKETING_RAW_DATABASE": str(raw)},
            accepted=(0, 1, 2, 3, 4, 5),
        )
        assert raw.name in said


def test_what_fails_is_told_with_its_reason(commands):
    with pytest.raises(PlatformError, match=r"`marketing simulate day` failed\n") as raised:
        commands.run(["simulate", "day"], {})
    assert "Missing option '--world'" in raised.value.message


def test_commands_at_once_keep_their_exit_codes_and_words_apart(commands):
    def run(number: int) -> str:
        words = ["simulate", "--help"] if number % 2 else ["monitor", "list", "--json"]
        return commands.run(words, {})

    with ThreadPoolExecutor(max_workers=4) as pool:
        said = list(pool.map(run, range(12)))
    assert all("Build and serve a simulated marketing world." in text for text in said[1::2])
    assert all(json.loads(text) for text in said[::2])
