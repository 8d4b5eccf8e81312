"""Windows into logs, colours, levels, downloads, artifacts."""

import json
import os

import pytest

from marketing_analytics.local_cloud.pages.logs.ansi import pieces_of, plain
from marketing_analytics.local_cloud.pages.logs.reader import STRIDE_LINES, LogReader, level_of


def write_lines(path, count):
    path.write_text("".join(f"12:00:00  line {n}\n" for n in range(1, count + 1)), "utf-8")
    return path


def numbers(window):
    return [line.number for line in window.lines]


@pytest.mark.parametrize("first", [1, 2, STRIDE_LINES, STRIDE_LINES + 1, 4999, 5000])
def test_a_window_holds_the_lines_it_was_asked_for(tmp_path, first):
    path = write_lines(tmp_path / "a.log", 5000)
    window = LogReader().window(path, first, 3)
    assert numbers(window) == [n for n in range(first, first + 3) if n <= 5000]
    assert window.lines[0].pieces == [("", f"12:00:00  line {first}")]
    assert window.total_lines == 5000


def test_a_negative_start_counts_from_the_end(tmp_path):
    window = LogReader().window(write_lines(tmp_path / "a.log", 700), -2, 10)
    assert numbers(window) == [699, 700]
    assert not window.has_more


def test_a_growing_log_is_read_on_where_it_ended(tmp_path):
    path, reader = write_lines(tmp_path / "a.log", 600), LogReader()
    assert reader.window(path, 1, 1).total_lines == 600
    with path.open("a") as file:
        file.write("half a li")
    assert reader.window(path, 601, 5).lines[0].pieces == [("", "half a li")]
    with path.open("a") as file:
        file.write("ne\nnext ERROR\n")
    window = reader.window(path, 601, 5)
    assert [line.pieces[0][1] for line in window.lines] == ["half a line", "next ERROR"]
    assert window.first_error == 602


def test_a_log_that_was_written_anew_is_read_anew(tmp_path):
    path, reader = write_lines(tmp_path / "a.log", 600), LogReader()
    reader.window(path, 1, 1)
    path.write_text("fresh\n", "utf-8")
    assert reader.window(path, 1, 9).total_lines == 1


def test_windows_agree_with_the_file_for_lines_of_any_length(tmp_path):
    path = tmp_path / "a.log"
    lines = ["x" * (n * n % 3000) + str(n) for n in range(3000)]
    path.write_text("\n".join(lines), "utf-8")
    reader, seen, first = LogReader(), [], 1
    while first <= 3000:
        window = reader.window(path, first, 400)
        seen += [line.pieces[0][1] for line in window.lines]
        first += len(window.lines)
    assert seen == lines


def test_a_line_longer_than_a_window_is_cut_and_counted(tmp_path):
    path = tmp_path / "a.log"
    path.write_bytes(b"y" * 2_000_000 + b"\nlast\n")
    window = LogReader().window(path, 1, 10)
    assert numbers(window) == [1, 2]
    assert window.lines[0].pieces[1] == ("a-dim", " … 1,996,000 more characters in the raw log")


def test_a_log_of_100000_lines_is_shown_from_anywhere(tmp_path):
    path, reader = write_lines(tmp_path / "a.log", 100_000), LogReader()
    for first in range(1, 100_000, 2_000):
        assert numbers(reader.window(path, first, 200)) == list(range(first, first + 200))


def test_search_finds_whatever_the_case_and_level_filters(tmp_path):
    path = tmp_path / "a.log"
    path.write_text(
        "alpha\nBETA\n[\x1b[31mERROR\x1b[0m] beta\nWARN x\nDone. WARN=0 ERROR=0\n", "utf-8"
    )
    reader = LogReader()
    assert numbers(reader.matching(path, "beta", "")) == [2, 3]
    assert numbers(reader.matching(path, "", "error")) == [3]
    assert numbers(reader.matching(path, "", "warn")) == [3, 4]
    assert numbers(reader.matching(path, "beta", "error")) == [3]


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("1 of 3 ERROR creating sql table model x", "error"),
        ("2 of 3 FAIL 3 unique_x", "error"),
        ("1 of 3 \x1b[31mERROR\x1b[0m creating", "error"),
        ("Runtime Error in model x", "error"),
        ("12:00:00 [error] [MainThread]: x", "error"),
        ("Done. PASS=1 WARN=0 ERROR=0 SKIP=0", "info"),
        ("12:00:00 [\x1b[33mWARNING\x1b[0m]: Deprecated", "warn"),
        ("12:00:00 [debug] [Thread-1]: select", "debug"),
        ("1 of 3 OK created sql table model fct_failures", "info"),
    ],
)
def test_levels_are_told_from_words(line, level):
    assert level_of(line.encode()) == level


def test_colours_become_class_names_and_nothing_else_survives():
    line = (
        "\x1b[1;31mred\x1b[0m plain \x1b[38;5;9mx\x1b[0m\x1b[2J\x1b]8;;http://e\x07link\x1b]8;;\x07"
    )
    assert pieces_of(line) == [("a-bold a-red", "red"), ("", " plain "), ("", "x"), ("", "link")]
    assert plain(line) == "red plain xlink"


def test_control_and_direction_characters_become_visible():
    assert pieces_of("a\x00b\x07\u202ec\u2066\r") == [("", "a␀b␇⟨U+202E⟩c⟨U+2066⟩␍")]


def test_any_bytes_make_a_line():
    for seed in range(200):
        text = os.urandom(60).decode("utf-8", "replace") + "\x1b[" + str(seed)
        shown = "".join(words for _, words in pieces_of(text))
        assert all(ord(sign) >= 32 or sign in "\t\n" for sign in shown)


def test_a_window_over_http_names_total_and_first_error(seeded):
    answer = (
        seeded.client().get(f"/runs/{seeded.ids['failed']}/steps/4/lines?first=1&count=5").json()
    )
    assert [line[0] for line in answer["lines"]] == [1, 2, 3, 4, 5]
    assert answer["total"] == 124
    assert answer["first_error"] == 83
    assert answer["is_active"] is False


def test_a_running_step_says_that_more_may_come(seeded):
    pages = seeded.client()
    assert pages.get(f"/runs/{seeded.ids['running']}/steps/4/lines").json()["is_active"] is True
    assert pages.get(f"/runs/{seeded.ids['running']}/steps/1/lines").json()["is_active"] is False


def test_the_raw_log_is_a_download(seeded):
    answer = seeded.client().get(f"/runs/{seeded.ids['failed']}/steps/4/log")
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text.count("\n") == 124
    debug = f"/runs/{seeded.ids['failed']}/steps/4/log?debug=1"
    assert seeded.client().get(debug).status_code == 404
    folder = seeded.folder / "runs" / str(seeded.ids["failed"]) / "steps"
    (folder / "4.debug.log").write_text("all of it\n", "utf-8")
    assert seeded.client().get(debug).text == "all of it\n"


@pytest.mark.parametrize(
    "path", ["/runs/999/steps/1/lines", "/runs/1/steps/99/log", f"/runs/{10**25}/steps/1/log"]
)
def test_logs_that_are_not_there_are_404(pages, path):
    assert pages.get(path).status_code == 404


def test_artifacts_are_downloads_with_sizes(seeded):
    pages, run = seeded.client(), seeded.ids["success"]
    assert "compiled/models/fct_attribution.sql" in pages.get(f"/runs/{run}").text
    answer = pages.get(f"/runs/{run}/artifacts/4/run_results.json")
    assert len(answer.json()["results"]) == 19
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-type"] == "application/octet-stream"


def test_artifacts_can_be_looked_at_with_secrets_masked(seeded):
    from benchmarks.seeded_pages import SECRET

    pages, run = seeded.client(), seeded.ids["success"]
    folder = seeded.folder / "runs" / str(run) / "artifacts" / "step_4"
    (folder / "a.json").write_text(json.dumps({"b": [1, SECRET], "c": "<script>"}))
    (folder / "a.bin").write_bytes(b"\0\1")
    text = pages.get(f"/runs/{run}/files/4/a.json").text
    assert "**********" in text
    assert SECRET not in text
    assert "<script>" not in text.partition("<main")[2]
    assert len(pages.get(f"/runs/{run}/files/4/manifest.json").text) < 200_000
    assert "No preview" in pages.get(f"/runs/{run}/files/4/a.bin").text
    (folder / "link.json").symlink_to(seeded.folder / "cloud.sqlite")
    for name in ("none.json", "link.json", "../../../cloud.sqlite"):
        assert pages.get(f"/runs/{run}/files/4/{name}").status_code == 404


ESCAPES = (
    "../../../../cloud.sqlite", "%2e%2e/%2e%2e/%2e%2e/%2e%2e/cloud.sqlite",
    "..%2f..%2f..%2f..%2fcloud.sqlite",
    "%252e%252e/cloud.sqlite", "/etc/passwd", "%2fetc%2fpasswd", "..\\..\\cloud.sqlite", "a%00b",
    "link", "x" * 5000, "%ff%fe", "compiled", "",
)  # fmt: skip


@pytest.mark.parametrize("name", ESCAPES, ids=range(len(ESCAPES)))
def test_no_path_leads_out_of_the_artifacts(seeded, name):
    folder = seeded.folder / "runs" / str(seeded.ids["success"]) / "artifacts" / "step_4"
    (folder / "link").symlink_to(seeded.folder / "cloud.sqlite")
    answer = seeded.client().get(f"/runs/{seeded.ids['success']}/artifacts/4/{name}")
    assert answer.status_code in (404, 421)
    assert b"SQLite" not in answer.content


def test_matches_are_redacted_before_they_are_searched(tmp_path):
    path = tmp_path / "a.log"
    path.write_text("key s3cret-value here\n", "utf-8")
    reader = LogReader()
    assert reader.matching(path, "s3cret", "", ["s3cret-value"]).lines == []
    assert (
        json.dumps(reader.matching(path, "here", "", ["s3cret-value"]).lines[0].pieces).count(
            "s3cret"
        )
        == 0
    )


def test_the_events_of_a_step_are_listed_and_filtered_with_secrets_masked(seeded):
    client, path = seeded.client(), f"/runs/{seeded.ids['failed']}/steps/4/events"
    text = client.get(path).text
    assert "12 events as dbt says them" in text
    assert text.count('<tr id="E') == 12
    assert "12:00:08.123" in text
    assert "execution_time&#34;: 0.31" in text
    assert "hunter2" not in text
    assert "**********" in text
    found = client.get(f"{path}?level=error").text
    assert found.count('<tr id="E') == 1
    assert f"/runs/{seeded.ids['failed']}/nodes/model.marketing.fct_attribution" in found
    assert client.get(f"{path}?search=STG_SHOP").text.count('<tr id="E') == 1
    assert "No event fits" in client.get(f"{path}?name=Nothing").text
    assert client.get(f"/runs/{seeded.ids['failed']}/steps/1/events").status_code == 200
    assert client.get(f"/runs/{seeded.ids['failed']}/steps/99/events").status_code == 404
