"""Words for schedules, times and sizes; the figures of the model timing."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from marketing_analytics.cloud_api.names import Scope, without_mark
from marketing_analytics.local_cloud.pages.naming import job_name
from marketing_analytics.local_cloud.pages.rendering import linked
from marketing_analytics.local_cloud.pages.runs.timing import NodeLine, critical_seconds, timing_of
from marketing_analytics.local_cloud.pages.states import NODE_STATES
from marketing_analytics.web.words import (
    duration_words,
    relative_words,
    size_words,
    utc_words,
)

NOW = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"),
        (0.04, "40 ms"),
        (0.9996, "1.0 s"),
        (9.94, "9.9 s"),
        (51, "51 s"),
        (59.6, "1 min 00 s"),
        (110, "1 min 50 s"),
        (3600, "1 h 00 min"),
        (200_000, "2 d 7 h"),
    ],
)
def test_durations_are_told_in_words(seconds, words):
    assert duration_words(seconds) == words


def test_times_are_told_relative_and_in_utc():
    assert relative_words(NOW + timedelta(hours=3, minutes=12), NOW) == "in 3 h 12 min"
    assert relative_words(NOW - timedelta(minutes=5), NOW) == "5 min ago"
    assert relative_words(NOW, NOW) == "now"
    assert utc_words(NOW, NOW) == "06:00 UTC"
    assert utc_words(NOW + timedelta(days=1), NOW) == "tomorrow 06:00 UTC"
    assert utc_words(NOW - timedelta(days=9), NOW) == "Fri 23 Oct 06:00 UTC"
    assert utc_words(NOW - timedelta(days=400), NOW).startswith("2025-09-27")


def test_sizes_are_told_in_decimal_units():
    assert [size_words(n) for n in (999, 1000, 4_100_000, 5 * 10**12)] == [
        "999 B",
        "1.0 kB",
        "4.1 MB",
        "5000.0 GB",
    ]


@pytest.mark.parametrize(
    ("mark", "parts"),
    [
        ("[jobs:v1 team-a/main/ana/key-1]", ("key-1", "team-a", "main", "ana")),
        ("[jobs:v1 team-a/key_1]", ("key_1", "team-a", "", "")),
        ("[jobs:v1 nothing]", ("", "", "", "")),
        ("no mark [x]", ("", "", "", "")),
    ],
)
def test_a_jobs_mark_is_read(mark, parts):
    name = job_name("full", f"What it does {mark}")
    assert (name.key, name.team, name.branch, name.user) == parts
    assert name.title == (parts[0] or "full")


def test_the_mark_is_the_one_the_deploy_tool_writes():
    for scope in (Scope("t"), Scope("t", "feature-x", "ana")):
        description = f"Words {scope.mark_of('key')}"
        name = job_name(scope.name_of("key"), description)
        assert (name.key, name.team, name.branch, name.user) == (
            "key",
            scope.team,
            scope.branch,
            scope.user,
        )
        assert without_mark(description) == "Words"


def test_runs_in_a_reason_become_links():
    assert linked("behind run 812 <b>") == 'behind run <a href="/runs/812">812</a> &lt;b&gt;'
    assert (
        linked("all 2 run slots are taken by runs 3")
        == 'all 2 run slots are taken by runs <a href="/runs/3">3</a>'
    )


def node(name, start, seconds, thread="Thread-1", status="success"):
    begin = NOW + timedelta(seconds=start)
    end = begin + timedelta(seconds=seconds)
    return NodeLine(
        f"model.m.{name}", name, "model", 4, NODE_STATES[status], thread, begin, end, seconds, ""
    )


def test_bars_lie_on_their_threads_in_percent_of_the_run():
    timing = timing_of([node("a", 0, 5), node("b", 5, 5), node("c", 0, 2.5, "Thread-2")], NOW, None)
    assert [lane.label for lane in timing.lanes] == ["thread 1", "thread 2"]
    assert [(bar.left, bar.width) for bar in timing.lanes[0].bars] == [(0, 50), (50, 50)]
    assert [lane.busy_percent for lane in timing.lanes] == [100, 25]
    figures = {figure.name: figure.value for figure in timing.figures}
    assert figures["Wall clock"] == "10 s"
    assert figures["Work"] == "12 s"
    assert figures["At once"] == "1.2 of 2"


def test_the_longest_node_comes_first():
    timing = timing_of([node("a", 0, 1), node("b", 1, 4)], NOW, None)
    assert [(bar.item.name, bar.width) for bar in timing.longest] == [("b", 100), ("a", 25)]


def test_nodes_without_a_thread_fill_free_lanes():
    timing = timing_of([node("a", 0, 5, ""), node("b", 1, 5, ""), node("c", 6, 2, "")], NOW, None)
    assert [[bar.item.name for bar in lane.bars] for lane in timing.lanes] == [["a", "c"], ["b"]]


def test_a_run_without_nodes_has_no_timing():
    assert timing_of([], NOW, None) is None


def test_a_run_of_2000_nodes_shows_the_longest():
    timing = timing_of([node(f"n{n}", n, n % 7 + 1) for n in range(2000)], NOW, None)
    assert (timing.shown, timing.total) == (300, 2000)


def test_the_critical_path_is_the_longest_chain(tmp_path):
    nodes = [node("a", 0, 2), node("b", 2, 3), node("c", 2, 9), node("d", 5, 1)]
    parents = {"model.m.b": ["model.m.a"], "model.m.d": ["model.m.b"], "model.m.c": []}
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"parent_map": parents}))
    assert critical_seconds(path, nodes) == 9
    assert critical_seconds(path, [n for n in nodes if n.name != "c"]) == 6
    assert critical_seconds(tmp_path / "none.json", nodes) is None
    path.write_text("[1")
    assert critical_seconds(path, nodes[:1]) is None
