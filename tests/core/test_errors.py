"""What a user sees when something goes wrong."""

from __future__ import annotations

import io
import json

import pytest

from marketing_analytics.core import errors
from marketing_analytics.core.console import Console, run_guarded


def test_a_file_error_shows_place_source_caret_and_help():
    error = errors.FileError(
        "cron needs 5 fields",
        path="prod.tfvars",
        line=31,
        column=5,
        source='a = "0 6 * * * *"',
        hint="remove the seconds",
    )
    assert error.render().splitlines() == [
        "error: cron needs 5 fields",
        "  --> prod.tfvars:31:5",
        '  31 | a = "0 6 * * * *"',
        "     |     ^",
        "  help: remove the seconds",
    ]


def test_a_missing_setting_names_itself_and_the_flag():
    error = errors.MissingSettingError("PROJECT_ID", purpose="the project", flag="--project-id")
    assert error.render() == (
        "error: PROJECT_ID is not set (the project)\n"
        "  help: export PROJECT_ID=... or pass --project-id"
    )


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.PlatformError("x"), 1),
        (errors.UserError("x"), 2),
        (errors.StalePlanError("x"), 3),
        (errors.AuthError("x"), 4),
        (errors.LockedError("x"), 4),
        (errors.PartlyAppliedError("x"), 5),
        (KeyboardInterrupt(), 130),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_every_error_has_its_documented_exit_code(error, code):
    console = Console(out=io.StringIO(), err=io.StringIO())

    def body() -> None:
        raise error

    assert run_guarded(body, console) == code


def test_a_bug_shows_a_reference_and_no_traceback(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("SOME_TOKEN", "canary-value-1")
    err = io.StringIO()

    def body() -> None:
        raise ZeroDivisionError("canary-value-1")

    assert run_guarded(body, Console(out=io.StringIO(), err=err)) == 1
    assert "Traceback" not in err.getvalue()
    assert "ZeroDivisionError" in err.getvalue()
    report = next(tmp_path.glob("marketing-crash-*.log")).read_text()
    assert "Traceback" in report
    assert "canary-value-1" not in report


def test_a_package_that_is_not_installed_is_no_bug():
    err = io.StringIO()

    def body() -> None:
        import no_such_package  # noqa: F401

    assert run_guarded(body, Console(out=io.StringIO(), err=err)) == 1
    assert "the package no_such_package is not installed" in err.getvalue()
    assert "requirements/all.txt" in err.getvalue()


def test_errors_in_json_mode_are_one_document_on_stdout():
    out = io.StringIO()
    console = Console(is_json=True, out=out, err=io.StringIO())
    console.error(errors.FileError("bad", path="a.tfvars", line=2, column=3, hint="mend it"))
    assert json.loads(out.getvalue()) == {
        "schema_version": 1,
        "error": {
            "message": "bad",
            "where": "a.tfvars:2:3",
            "hint": "mend it",
            "exit_code": 2,
        },
    }


def test_colour_is_off_without_a_terminal_and_with_no_color(monkeypatch):
    console = Console(out=io.StringIO())
    monkeypatch.delenv("CLICOLOR_FORCE", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert not console.has_colour
    monkeypatch.setenv("CLICOLOR_FORCE", "1")
    assert console.has_colour
    monkeypatch.setenv("NO_COLOR", "1")
    assert not console.has_colour


def test_progress_off_a_terminal_is_a_line_now_and_then():
    out = io.StringIO()
    console = Console(out=out)
    for step in range(50):
        console.progress(f"step {step}")
    assert out.getvalue().splitlines() == ["step 0"]
