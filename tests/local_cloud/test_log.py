"""Log lines: every call has an action word, and the page about the server lists them all."""

from __future__ import annotations

import ast
import io
import logging
import re
from pathlib import Path

import marketing_analytics
from marketing_analytics.local_cloud.server import LOG_FORMAT, SaidOnce, set_up_log

PACKAGE = Path(marketing_analytics.__file__).parent
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}


def log_calls() -> list[tuple[str, ast.Call]]:
    """Return every call of a logger in the server and in what it shares, with its place."""
    return [
        (f"{path.name}:{node.lineno}", node)
        for folder in ("local_cloud", "web")
        for path in (PACKAGE / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in LEVELS
        and ast.unparse(node.func.value).rpartition(".")[2] in ("log", "_log", "logging", "logger")
    ]


def action_of(call: ast.Call) -> str:
    for keyword in call.keywords:
        if keyword.arg == "extra":
            return str(ast.literal_eval(keyword.value)["action"])
    return ""


def test_every_call_has_an_action_and_every_action_is_described(repository: Path):
    found = {place: action_of(call) for place, call in log_calls()}
    assert len(found) > 5
    assert [place for place, action in found.items() if not re.fullmatch("[a-z_]+", action)] == []
    text = (repository / "docs" / "local-dbt-cloud.md").read_text("utf-8")
    table = text.partition("## Log")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE)) == set(found.values())


def test_a_line_shows_its_action_and_a_library_has_none(monkeypatch):
    root = logging.RootLogger(logging.WARNING)
    monkeypatch.setattr(logging, "root", root)
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    set_up_log()
    own = logging.LogRecord("ours", logging.WARNING, "", 1, "run %s", (7,), None)
    own.action = "run_reaped"
    root.handle(own)
    root.handle(logging.LogRecord("theirs", logging.ERROR, "", 1, "oh", (), None))
    first, second = written.getvalue().splitlines()
    assert first.endswith(" WARNING run_reaped run 7")
    assert second.endswith(" ERROR - oh")
    assert "%(action)s" in LOG_FORMAT


def test_a_line_that_goes_on_is_said_once_and_again_after_a_quiet_minute(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    said_once = SaidOnce()

    def is_said(text: str) -> bool:
        return said_once.filter(logging.LogRecord("x", logging.WARNING, "", 1, text, (), None))

    assert [is_said("full"), is_said("full"), is_said("other"), is_said("full")] == [
        True,
        False,
        True,
        False,
    ]
    now[0] += 59
    assert not is_said("full")
    now[0] += 59
    assert not is_said("full")
    now[0] += 61
    assert is_said("full")
