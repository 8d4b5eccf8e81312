"""What a user sees when something goes wrong."""

from __future__ import annotations

import io
import json
import re
import time

import pytest

from marketing_analytics.core import console as console_module
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


@pytest.mark.parametrize("column", [1, 5_000, 10_000])
def test_a_long_line_is_cut_around_its_column(column):
    source = "x" * (column - 1) + "!" + "x" * (10_000 - column)
    error = errors.FileError("wrong", path="a.tfvars", line=31, column=column, source=source)
    _, _, shown, caret = error.render(80).split("\n")
    assert len(shown) == 80
    assert shown[caret.index("^")] == "!"
    assert "…" in shown


def test_control_characters_of_a_file_are_shown_as_signs():
    source = 'a = "\x1b]0;title\x07\x1b[2J\x9b" + 1'
    error = errors.FileError(
        "a\x1b[2J is wrong", path="a\x1b.tfvars", column=21, source=source, hint="no \x07"
    )
    said = error.render()
    assert said.isprintable() or set(filter(lambda sign: not sign.isprintable(), said)) == {"\n"}
    assert "␛]0;title␇␛[2J⟨U+009B⟩" in said
    _, _, shown, caret, _ = said.split("\n")
    assert shown[caret.index("^") :] == '" + 1'


def test_a_secret_at_the_edge_of_what_is_shown_is_not_shown_in_part(monkeypatch):
    monkeypatch.setenv("DBTCLOUD_TOKEN", "canary" * 10)
    error = errors.FileError("wrong", path="a", source=f'a = "{"canary" * 10}"', column=1)
    assert "canary" not in error.render(40)


def test_a_missing_setting_names_itself_and_the_flag():
    error = errors.MissingSettingError("PROJECT_ID", purpose="the project", flag="--project-id")
    assert error.render() == (
        "error: PROJECT_ID is not set (the project)\n"
        "  help: export PROJECT_ID=... or pass --project-id"
    )


def test_a_missing_setting_says_how_to_do_without_it():
    error = errors.MissingSettingError("A_TOKEN", instead="choose other sources with --source")
    assert error.hint == "export A_TOKEN=... or choose other sources with --source"


def test_several_missing_settings_are_one_error_with_flags_where_all_have_one():
    purposes = {"A_ID": "an id", "A_TOKEN": "a token"}
    error = errors.not_set(purposes, flags={"A_ID": "--id", "A_TOKEN": "--token-file"})
    assert error.render() == (
        "error: these settings are not set: A_ID, A_TOKEN\n"
        "  help: export them, or pass --id, --token-file"
    )
    assert errors.not_set(purposes, flags={"A_ID": "--id"}).hint == "export them"
    assert errors.not_set({"A_ID": "an id"}).message == "A_ID is not set (an id)"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.PlatformError("x"), 1),
        (errors.UserError("x"), 2),
        (errors.AuthError("x"), 4),
        (errors.LockedError("x"), 4),
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


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("out", "variables", "expected"),
    [
        (io.StringIO(), {}, False),
        (io.StringIO(), {"CLICOLOR_FORCE": "1"}, True),
        (io.StringIO(), {"CLICOLOR_FORCE": "0"}, False),
        (io.StringIO(), {"FORCE_COLOR": "1"}, True),
        (io.StringIO(), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (io.StringIO(), {"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False),
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_colour_follows_the_terminal_unless_a_variable_decides(
    monkeypatch, out, variables, expected
):
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("CLICOLOR_FORCE", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert Console(out=out).has_colour is expected


def test_progress_off_a_terminal_is_a_line_now_and_then(monkeypatch):
    monkeypatch.setattr(console_module, "HEARTBEAT_SECONDS", 0.05)
    out, err = io.StringIO(), io.StringIO()
    console = Console(out=out, err=err)
    beats = iter(range(1000))
    with console.progress(lambda: [f"step {next(beats)}", "more, for a terminal"]):
        time.sleep(0.5)
    lines = err.getvalue().splitlines()
    assert 1 <= len(lines) <= 10
    assert lines == [f"step {number}" for number in range(len(lines))]
    assert out.getvalue() == ""


def test_progress_in_json_mode_says_nothing(monkeypatch):
    monkeypatch.setattr(console_module, "HEARTBEAT_SECONDS", 0.01)
    out, err = io.StringIO(), io.StringIO()
    with Console(is_json=True, out=out, err=err).progress(lambda: ["working"]):
        time.sleep(0.1)
    assert (out.getvalue(), err.getvalue()) == ("", "")


def test_sentences_of_an_error_are_folded_between_words_on_a_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("SOME_TOKEN", "canary one two three four")
    err = Terminal()
    path = "/a/path/that-is/longer/than/one/line-of-this/terminal"
    source = f"a = {'x ' * 10}"
    first = errors.FileError(
        "this key is not known to anybody here at all",
        path="a",
        source=source,
        hint=f"write it to {path}, or leave it out as everybody does: canary one two three four",
    )
    Console(out=Terminal(), err=err).error(
        errors.in_one([first, first, errors.FileError("b " * 30, path="b")])
    )
    lines = err.getvalue().splitlines()
    assert [line for line in lines if len(line) > 40] == [f"        {path},"]
    assert lines[:2] == ["error: this key is not known to anybody", "  here at all"]
    # a source line stays as it is
    assert f"  1 | {source}" in lines
    assert [line for line in lines if line.startswith("  help:")] == ["  help: write it to"]
    assert "canary" not in err.getvalue()
    assert "two" not in err.getvalue()
    # nobody folds lines in a pipe
    piped = io.StringIO()
    Console(err=piped).error(first)
    assert len(piped.getvalue().splitlines()) == 5


ROWS = [["paid_search", "38,105", "2.12"], ["email", "0", "-"]]
COLUMNS = ["channel", "spend", "return"]


@pytest.mark.parametrize(
    ("width", "expendable", "shown", "hidden"),
    [
        (80, (), ["paid_search   38,105     2.12"], []),
        (28, (1,), ["paid_search     2.12"], ["spend"]),
        (18, (), ["paid_search\n", "  spend   38,105\n", "  return    2.12\n"], []),
    ],
    ids=["wide", "a column is left out", "paragraphs"],
)
def test_a_table_never_folds_its_cells(monkeypatch, width, expendable, shown, hidden):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    out = Terminal()
    Console(out=out).table(COLUMNS, ROWS, right=(1, 2), expendable=expendable)
    text = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())
    assert all(len(line.rstrip()) <= width for line in text.splitlines())
    assert all(part in text for part in shown)
    assert not any(part in text for part in hidden)


def test_tsv_has_one_line_per_row_whatever_a_cell_holds():
    out = io.StringIO()
    Console(out=out).tsv(["id", "text"], [["1", "two\twords\nand more"], ["2", ""]])
    assert out.getvalue() == "id\ttext\n1\ttwo words and more\n2\t\n"
