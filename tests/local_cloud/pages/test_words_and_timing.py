"""Words for schedules, times and sizes; the figures of the model timing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from marketing_analytics.cloud_api.names import Scope, without_mark
from marketing_analytics.local_cloud.pages.artifacts.manifest import NO_PROJECT, Project, node_of
from marketing_analytics.local_cloud.pages.naming import job_name
from marketing_analytics.local_cloud.pages.rendering import linked
from marketing_analytics.local_cloud.pages.runs.lanes import AskedLanes, groups_of, lanes_of
from marketing_analytics.local_cloud.pages.runs.timing import NodeLine, critical_of, timing_of
from marketing_analytics.local_cloud.pages.states import NODE_STATES
from marketing_analytics.web.words import (
    clock_words,
    duration_words,
    relative_words,
    size_words,
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
    assert clock_words(NOW, NOW) == "06:00 UTC"
    assert clock_words(NOW + timedelta(days=1), NOW) == "tomorrow 06:00 UTC"
    assert clock_words(NOW - timedelta(days=9), NOW) == "Fri 23 Oct 06:00 UTC"
    assert clock_words(NOW - timedelta(days=400), NOW).startswith("2025-09-27")


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
    timing = timing_of(
        [node("a", 0, 5), node("b", 5, 5), node("c", 0, 2.5, "Thread-2")], NO_PROJECT, NOW
    )
    groups = groups_of(timing.bars, "thread", NO_PROJECT)
    assert [group.label for group in groups] == ["thread 1", "thread 2"]
    assert [(bar.left, bar.width) for bar in groups[0].lanes[0].bars] == [(0, 50), (50, 50)]
    assert [group.note for group in groups] == ["100 % busy", "25 % busy"]
    assert {figure.name: figure.value for figure in timing.figures} == {
        "Wall clock": "10 s",
        "Peak concurrency": "2",
        "Average active": "1.2",
        "Longest": "5.0 s",
        "Latest start": "5.0 s",
        "Work": "12 s",
    }
    assert [figure.note for figure in timing.figures if figure.name == "Latest start"] == ["b"]


def test_the_longest_node_comes_first():
    timing = timing_of([node("a", 0, 1), node("b", 1, 4)], NO_PROJECT, NOW)
    assert [(bar.item.name, bar.width) for bar in timing.models] == [("b", 100), ("a", 25)]


def test_nodes_without_a_thread_fill_free_lanes():
    timing = timing_of(
        [node("a", 0, 5, ""), node("b", 1, 5, ""), node("c", 6, 2, "")], NO_PROJECT, NOW
    )
    (group,) = groups_of(timing.bars, "thread", NO_PROJECT)
    assert [[bar.item.name for bar in lane.bars] for lane in group.lanes] == [["a", "c"], ["b"]]


def test_a_run_without_nodes_has_no_timing():
    assert timing_of([], NO_PROJECT, NOW) is None


def test_a_run_of_2000_nodes_shows_the_longest():
    timing = timing_of([node(f"n{n}", n, n % 7 + 1) for n in range(2000)], NO_PROJECT, NOW)
    lanes = lanes_of(timing, AskedLanes(), NO_PROJECT)
    assert sum(group.size for group in lanes.groups) == 300
    assert (lanes.shown, lanes.total, lanes.is_part) == (300, 2000, True)
    assert len(lanes_of(timing, AskedLanes("start"), NO_PROJECT).groups) == 60
    assert (timing.model_count, timing.test_count) == (2000, 0)


def test_bars_are_grouped_and_no_two_of_a_group_lie_on_each_other():
    test = {"resource_type": "test", "attached_node": "model.m.b"}
    project = Project(
        {
            part["unique_id"]: node_of(part)
            for part in (
                {
                    "unique_id": "model.m.a",
                    "original_file_path": "models/staging/a.sql",
                    "relation_name": '"db"."staging"."a"',
                },
                {
                    "unique_id": "model.m.b",
                    "original_file_path": "models/marts/b.sql",
                    "relation_name": '"db"."marts"."b"',
                },
                {**test, "unique_id": "model.m.t", "original_file_path": "models/marts/m.yml"},
            )
        }
    )
    nodes = [node("b", 0, 5), node("a", 1, 5), node("u", 2, 2)]
    nodes.append(replace(node("t", 6, 1), resource_type="test"))
    bars = timing_of(nodes, NO_PROJECT, NOW).bars

    def grouped(view):
        groups = groups_of(bars, view, project)
        return {
            group.label: ["".join(bar.item.name for bar in lane.bars) for lane in group.lanes]
            for group in groups
        }

    assert grouped("kind") == {"model": ["b", "a", "u"], "test": ["t"]}
    unknown = {"not known": ["u"]}
    assert grouped("folder") == {"models/marts": ["bt"], "models/staging": ["a"], **unknown}
    assert grouped("schema") == {"marts": ["bt"], "staging": ["a"], **unknown}
    assert list(grouped("start")) == ["b", "a", "u", "t"]
    kinds = groups_of(bars, "kind", project)
    assert [(group.note, group.height) for group in kinds] == [
        ("3 nodes, 12 s", 70),
        ("1 node, 1.0 s", 22),
    ]


def project_of(parents):
    part = {"resource_type": "model"}
    return Project(
        {
            name: node_of({**part, "unique_id": name, "depends_on": {"nodes": above}})
            for name, above in parents.items()
        }
    )


def test_the_critical_path_is_the_longest_chain():
    nodes = [node("a", 0, 2), node("b", 2, 3), node("c", 2, 9), node("d", 5, 1)]
    project = project_of(
        {"model.m.b": ["model.m.a"], "model.m.d": ["model.m.b"], "model.m.c": [], "model.m.a": []}
    )
    assert critical_of(nodes, project, 11).names == ["c"]
    found = critical_of([n for n in nodes if n.name != "c"], project, 11)
    assert (found.seconds, found.names) == (6, ["a", "b", "d"])
    assert critical_of(nodes, NO_PROJECT, 11).seconds == 0


def test_the_critical_path_is_never_longer_than_the_wall_clock():
    # dbt's own figure holds more than the clock says, and a node runs in two steps
    slow = replace(node("a", 0, 2), seconds=50.0)
    again = replace(node("a", 6, 1), step_index=5)
    nodes = [slow, node("b", 2, 3), again]
    project = project_of({"model.m.b": ["model.m.a"], "model.m.a": ["model.m.b"]})
    timing = timing_of(nodes, project, NOW)
    assert timing.critical.seconds == 6
    assert {figure.name: figure.value for figure in timing.figures}["Critical path"] == "6.0 s"
    overlapping = [node("a", 0, 5), node("b", 0, 5)]
    chain = project_of({"model.m.b": ["model.m.a"], "model.m.a": []})
    assert timing_of(overlapping, chain, NOW).critical.seconds == 5


def test_models_and_tests_are_timed_apart():
    test = replace(node("t", 0, 9), resource_type="test")
    timing = timing_of([node("a", 0, 1), test], NO_PROJECT, NOW)
    assert [bar.item.name for bar in timing.models] == ["a"]
    assert [bar.item.name for bar in timing.tests] == ["t"]
