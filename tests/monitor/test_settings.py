"""monitors.yml: every mistake has its place and says what is valid."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from marketing_analytics.core import redaction
from marketing_analytics.core.errors import FileError, FileErrors, UserError
from marketing_analytics.monitor.checks import checks
from marketing_analytics.monitor.run import watched
from marketing_analytics.monitor.settings import read_settings, schema


def written(folder: Path, text: str) -> Path:
    path = folder / "monitors.yml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("monitors: {}\n", (1, 1), "has no version", "add it"),
        ("version: 2\n", (1, 10), "version is 2", "write 1"),
        ("version: 1\nmonitor: {}\n", (2, 1), "unknown name 'monitor'", "did you mean monitors?"),
        (
            "version: 1\nmonitors:\n  budgets: {}\n",
            (3, 3),
            "unknown name 'budgets' in monitors",
            "did you mean budget?",
        ),
        (
            "version: 1\nmonitors:\n  budget:\n    severity: high\n",
            (4, 15),
            "monitors.budget.severity is 'high'",
            "page, ticket, info",
        ),
        (
            "version: 1\nmonitors:\n  budget:\n    ahead_percent: much\n",
            (4, 20),
            "monitors.budget.ahead_percent is 'much', not a number",
            "write a number",
        ),
        (
            "version: 1\nmonitors:\n  budget:\n    day_times: 0.5\n",
            (4, 16),
            "monitors.budget.day_times is 0.5",
            "write 1 or more",
        ),
        *(
            (
                f"version: 1\nmonitors:\n  budget:\n    ahead_percent: {number}\n",
                (4, 20),
                f"monitors.budget.ahead_percent is {said}, not a number",
                "write a number",
            )
            for number, said in (
                (".nan", "nan"),
                (".inf", "inf"),
                ("-.inf", "-inf"),
                ("9" * 400, "9" * 100 + "…"),
                ("0x" + "f" * 5000, "what is too large to show"),
            )
        ),
        (
            "version: 1\nmonitors: {campaign_freshness: {sources: {shop: {delay_days: .nan}}}}\n",
            (2, 62),
            "monitors.campaign_freshness.sources.shop.delay_days is nan, not a number",
            "days until a day is there",
        ),
        (
            "version: 1\nservice_levels:\n  page: {target: a, objective_percent: .nan}\n",
            (3, 40),
            "service_levels.page.objective_percent is nan, not a number",
            "write a number",
        ),
        (
            "version: 1\nmonitors:\n  schema:\n    days: 1000000000\n",
            (4, 11),
            "monitors.schema.days is 1000000000",
            "write 3650 or less",
        ),
        (
            "version: 1\nmonitors: {campaign_freshness: {sources: {linkedin: {}}}}\n",
            (2, 43),
            "unknown name 'linkedin' in monitors.campaign_freshness.sources",
            "did you mean linkedin_ads? known here: google_ads, ",
        ),
        (
            "version: 1\nalerts:\n  channels:\n    team: {address_from: A, monitors: [budgett]}\n",
            (4, 40),
            "alerts.channels.team.monitors[0] is 'budgett'",
            "did you mean budget? write one of attribution_drift, campaign_freshness, ",
        ),
        *(
            (
                f"version: 1\nservice_levels:\n  page: {{target: '{target}'}}\n",
                (3, 18),
                said,
                "https://host/path/",
            )
            for target, said in (
                ("ftp://x", "no page can be read there"),
                ("https://[::1", "this is no address of a page"),
                ("https://h:abc/", "this is no address of a page"),
                ("http://user:pass@x/", "has a user"),
                ("", "no page can be read there"),
            )
        ),
        ("version: 1\nmonitors: &a\n  budget: *a\n", (2, 11), "refers to itself", "flatter"),
        ("version: 1\nalerts: &a [1, *a]\n", (2, 9), "refers to itself", "flatter"),
        (f"version: 1\nalerts: {'[' * 60}{']' * 60}\n", (2, 59), "too deeply", "flatter"),
        ("version: 1\nversion: 1\n", (2, 1), "version is given twice", "line 1"),
        ("version: 1\n\tmonitors: {}\n", (2, 1), "not YAML", "indent with spaces"),
        ("version: [1\n", (1, 10), "not YAML", "write `name: value`"),
    ],
)
def test_a_mistake_is_told_with_its_place(
    tmp_path: Path, text: str, place: tuple[int, int], message: str, hint: str
) -> None:
    with pytest.raises(FileError) as caught:
        read_settings(written(tmp_path, text))
    assert (caught.value.line, caught.value.column) == place
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_the_secret_of_a_target_that_is_refused_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redaction, "read_secrets", set())
    text = "version: 1\nservice_levels:\n  page: {target: 'https://me:pass-word-9@x/'}\n"
    with pytest.raises(FileError) as caught:
        read_settings(written(tmp_path, text))
    assert "pass-word-9" not in caught.value.render()


def test_what_is_3000_levels_deep_is_told_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="too deeply") as caught:
        read_settings(written(tmp_path, f"version: 1\nalerts: {'[' * 3000}"))
    assert caught.value.line == 2


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = "version: 1\nmonitors:\n  budget:\n    ahead_percent: -1\n    nonsense: 3\n"
    with pytest.raises(FileErrors) as caught:
        read_settings(written(tmp_path, text))
    assert [error.line for error in caught.value.errors] == [4, 5]


def test_a_file_that_is_not_there_is_told() -> None:
    with pytest.raises(UserError, match="cannot read"):
        read_settings(Path("nowhere.yml"))


def test_the_team_s_settings_go_before_the_defaults(tmp_path: Path) -> None:
    text = "version: 1\nmonitors:\n  budget: {owner: finance, ahead_percent: 60}\n"
    text += "  schema: {is_enabled: false}\n"
    settings = read_settings(written(tmp_path, text))
    found = {one.check.name: one for one in watched(checks(), settings.section("monitors"))}
    assert found["budget"].owner == "finance"
    assert found["budget"].thresholds["ahead_percent"] == 60
    assert found["budget"].severity == "ticket"
    assert "schema" not in found


def test_the_file_of_the_repository_is_valid(repository: Path) -> None:
    assert read_settings(repository / "monitors.yml").root.data["version"] == 1


def test_the_schema_in_the_docs_is_that_of_the_reader(repository: Path) -> None:
    kept = json.loads((repository / "docs" / "monitors.schema.json").read_text(encoding="utf-8"))
    assert kept == schema(), "write it again: python scripts/monitors_schema.py"
