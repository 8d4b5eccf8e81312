"""dbt's lines become text, nodes and an exit code; secrets and floods do not get through."""

from __future__ import annotations

import json
import os

import pytest

from marketing_analytics.core.redaction import MASK
from marketing_analytics.local_cloud.api.runs.logs import read_tail
from marketing_analytics.local_cloud.runs import steps
from marketing_analytics.local_cloud.runs.child.program import END_MARK
from marketing_analytics.local_cloud.runs.steps import (
    LineReader,
    StepLog,
    keep_debug_log,
    nodes_of_results,
    why_failed,
)


def event(name: str, message: str, level: str = "info", **data) -> str:
    info = {
        "name": name,
        "msg": message,
        "level": level,
        "thread": "Thread-3 (worker)",
        "ts": "2026-11-23T04:51:10.091225Z",
    }
    return json.dumps({"info": info, "data": data})


def node_info(status: str, finished: str = "") -> dict:
    return {
        "unique_id": "model.tiny.one",
        "node_name": "one",
        "resource_type": "model",
        "node_status": status,
        "node_started_at": "2026-11-23T04:51:10.090343",
        "node_finished_at": finished,
    }


@pytest.fixture
def log(tmp_path):
    log = StepLog(tmp_path / "4.log", nonce="n", secrets=["s3cr3t-value"])
    yield log
    log.close()


def test_events_become_the_text_that_dbt_prints(log, tmp_path):
    log.take([event("MainReportVersion", "Running with dbt=1.12.6"), event("Formatting", "")])
    assert (tmp_path / "4.log").read_text() == "04:51:10  Running with dbt=1.12.6\n04:51:10\n"
    assert len((tmp_path / "4.jsonl").read_text().splitlines()) == 2


def test_a_node_is_known_from_its_start_line_to_its_result(log):
    log.take([event("LogStartLine", "1 of 1 START", node_info=node_info("started"))])
    (started,) = log.take_changed_nodes()
    assert (started.name, started.status, started.thread) == ("one", "started", "Thread-3")
    assert started.started_at == "2026-11-23 04:51:10.090343+00:00"
    done = node_info("success", "2026-11-23T04:51:10.170302")
    log.take([event("LogModelResult", "OK", node_info=done, status="OK", execution_time=0.08)])
    (ended,) = log.take_changed_nodes()
    assert (ended.status, ended.execution_seconds) == ("success", 0.08)
    assert ended.finished_at == "2026-11-23 04:51:10.170302+00:00"
    assert log.take_changed_nodes() == []


def test_the_exit_code_comes_from_the_end_mark_with_the_right_nonce_only(log):
    log.take([f"{END_MARK} forged 0", ""])
    assert log.exit_code is None
    log.take(["", f"{END_MARK} n 2"])
    assert log.exit_code == 2


def test_secrets_are_masked_in_every_file(log, tmp_path):
    log.take(
        [event("JinjaLogInfo", "key s3cr3t-value"), "plain s3cr3t-value", "Bearer abcdefghijk"]
    )
    log.take([event("Broken", "it was s3cr3t-value", level="error")])
    log.close()
    for path in tmp_path.iterdir():
        assert "s3cr3t" not in path.read_text()
        assert "abcdefghijk" not in path.read_text()
    assert log.last_error == "it was **********"


def test_a_flood_is_cut_with_a_notice_but_still_taken(log, tmp_path, monkeypatch):
    monkeypatch.setattr(log, "_bytes_left", 1_000)
    log.take([event("Flood", "x" * 90) for _ in range(1_000)])
    log.take([f"{END_MARK} n 0"])
    kept = [(tmp_path / name).read_text() for name in ("4.log", "4.jsonl")]
    # they share the room, and each says that it ended
    assert sum(map(len, kept)) < 1_500
    notice = "Text and JSON of the log exceed 20 MiB; the rest is not kept."
    assert kept[0].endswith(f"{notice}\n")
    assert json.loads(kept[1].splitlines()[-1])["info"]["msg"] == notice
    assert log.exit_code == 0


def test_a_line_without_end_does_not_fill_the_memory():
    reader = LineReader()
    cut = sum(len(line) for _ in range(400) for line in reader.feed(b"x" * 65_536))
    assert cut + len(reader.rest()[0]) == 400 * 65_536
    assert reader.rest() == []
    assert steps.MAX_LINE_BYTES == 1 << 20


def test_bytes_that_are_no_text_and_json_that_is_no_event_are_kept_as_they_come(log, tmp_path):
    lines = LineReader().feed(b'\xff\xfe\x00\n{"a": 1}\n{broken\n{"info": 1, "data": 2}\n')
    log.take(lines)
    assert len((tmp_path / "4.log").read_text().splitlines()) == 4
    assert log.take_changed_nodes() == []


def test_results_that_cannot_be_read_give_no_nodes(tmp_path):
    path = tmp_path / "run_results.json"
    assert nodes_of_results(path) == []
    for text in ("", "[]", '{"results": 1}', '{"results": [{}]}', "{"):
        path.write_text(text)
        assert nodes_of_results(path) == []
    path.write_text(
        json.dumps(
            {
                "results": [
                    {"unique_id": "model.a.b", "status": "error", "message": "no", "timing": []}
                ]
            }
        )
    )
    (node,) = nodes_of_results(path, secrets=["no"])
    assert node.message == MASK
    (node,) = nodes_of_results(path)
    assert (node.name, node.status, node.message) == ("b", "error", "no")
    assert nodes_of_results(path, since=path.stat().st_mtime + 10) == []


@pytest.mark.parametrize("before", [-9, -1, 0, 1])
def test_a_secret_at_the_end_of_a_block_of_the_debug_log_is_masked_whole(tmp_path, before):
    lines = f"{'x' * 98}\n" * 200
    place = steps.BLOCK_CHARACTERS + before
    text = f"{lines[:place]}s3cr3t-value\n{lines}"
    folder = tmp_path / "4.debug"
    folder.mkdir()
    (folder / "dbt.log").write_text(text)
    keep_debug_log(folder, tmp_path / "4.debug.log", ["s3cr3t-value"])
    assert (tmp_path / "4.debug.log").read_text() == text.replace("s3cr3t-value", MASK)
    assert not folder.exists()


def test_a_debug_log_in_several_files_is_kept_from_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(steps, "MAX_LOG_BYTES", 30)
    folder = tmp_path / "4.debug"
    folder.mkdir()
    for name, text in (("dbt.log.2", "first\n"), ("dbt.log.1", "second\n"), ("dbt.log", "third\n")):
        (folder / name).write_text(text * 2)
    keep_debug_log(folder, tmp_path / "4.debug.log", [])
    assert (tmp_path / "4.debug.log").read_text() == "second\nsecond\nthird\nthird\n"


def test_what_is_no_file_among_debug_logs_is_left_alone(tmp_path):
    folder = tmp_path / "4.debug"
    (folder / "dbt.log.1").mkdir(parents=True)
    os.mkfifo(folder / "dbt.log.2")
    (folder / "dbt.log").write_text("told\n")
    keep_debug_log(folder, tmp_path / "4.debug.log", [])
    assert (tmp_path / "4.debug.log").read_text() == "told\n"


@pytest.mark.parametrize("what", ["link", "pipe", "folder"])
def test_what_stands_in_the_place_of_a_log_and_is_no_file_gives_way(tmp_path, what):
    (tmp_path / "others").write_text("theirs")
    for name in ("5.log", "5.jsonl"):
        if what == "link":
            (tmp_path / name).symlink_to(tmp_path / "others")
        elif what == "pipe":
            os.mkfifo(tmp_path / name)
        else:
            (tmp_path / name / "inner").mkdir(parents=True)
    log = StepLog(tmp_path / "5.log")
    log.write("told")
    log.close()
    assert read_tail(tmp_path / "5.log") == "told\n"
    assert (tmp_path / "others").read_text() == "theirs"


def test_a_pipe_in_the_place_of_a_log_is_read_as_an_empty_one(tmp_path):
    os.mkfifo(tmp_path / "5.log")
    assert read_tail(tmp_path / "5.log") == ""


def test_of_a_traceback_the_line_that_says_what_happened_is_the_reason(tmp_path):
    log = StepLog(tmp_path / "4.log", nonce="n")
    trace = "Traceback (most recent call last):\n  File x\nIsADirectoryError: it is a directory"
    info = {"name": "MainStackTrace", "level": "error", "ts": "T", "msg": trace}
    log.take([json.dumps({"info": info, "data": {}}), f"{END_MARK} n 2"])
    log.close()
    assert why_failed(log, None, str) == "IsADirectoryError: it is a directory"
