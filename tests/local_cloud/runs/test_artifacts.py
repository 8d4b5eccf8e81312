"""Artifacts appear whole, and no path leads out of their folder."""

from __future__ import annotations

import os
import random

import pytest

from marketing_analytics.local_cloud.pages.runs.views import list_artifacts as list_shown
from marketing_analytics.local_cloud.runs import artifacts
from marketing_analytics.local_cloud.runs.artifacts import (
    keep_artifacts,
    keep_parse_file,
    list_artifacts,
    resolve_artifact,
)
from marketing_analytics.local_cloud.runs.child.dialogue import pause_after
from marketing_analytics.local_cloud.runs.code.folder import drop_traps, find_pipe
from marketing_analytics.local_cloud.runs.keeping import keep_step
from marketing_analytics.local_cloud.runs.workspace import Workspace


@pytest.fixture
def data_folder(tmp_path):
    target = tmp_path / "target"
    (target / "compiled" / "tiny").mkdir(parents=True)
    (target / "manifest.json").write_text("{}")
    (target / "run_results.json").write_text('{"results": []}')
    (target / "partial_parse.msgpack").write_bytes(b"parse")
    (target / "compiled" / "tiny" / "one.sql").write_text("select 1")
    (tmp_path / "secret").write_text("secret")
    assert keep_artifacts(tmp_path, 7, 4, target, {})
    (target / "catalog.json").write_text("{}")
    assert keep_artifacts(tmp_path, 7, 5, target, {})
    return tmp_path


def test_artifacts_are_listed_per_step_and_the_last_step_is_the_default(data_folder):
    first = ["compiled/tiny/one.sql", "manifest.json", "run_results.json"]
    assert list_artifacts(data_folder, 7, 4) == first
    assert list_artifacts(data_folder, 7) == sorted([*first, "catalog.json"])
    assert list_artifacts(data_folder, 7, 9) == []
    assert list_artifacts(data_folder, 8) == []


def test_an_artifact_is_found_by_its_path(data_folder):
    found = resolve_artifact(data_folder, 7, "compiled/tiny/one.sql", 4)
    assert found is not None
    assert found.read_text() == "select 1"
    assert resolve_artifact(data_folder, 7, "catalog.json", 4) is None
    assert resolve_artifact(data_folder, 7, "catalog.json") is not None


def test_a_folder_without_results_is_not_kept(tmp_path):
    (tmp_path / "target").mkdir()
    assert not keep_artifacts(tmp_path, 1, 4, tmp_path / "target", {})
    assert not keep_artifacts(tmp_path, 1, 4, tmp_path / "nowhere", {})
    assert list_artifacts(tmp_path, 1) == []


def test_known_secrets_are_masked_in_every_artifact(data_folder):
    target = data_folder / "target"
    (target / "compiled" / "tiny" / "one.sql").write_text("select 'hunter22', 445566")
    secrets = ["hunter22", "445566"]
    assert keep_artifacts(data_folder, 7, 6, target, {}, secrets)
    found = resolve_artifact(data_folder, 7, "compiled/tiny/one.sql", 6)
    # a number stays one, so that JSON stays JSON
    assert found.read_text() == "select '**********', 999999"


@pytest.mark.parametrize("is_last", [False, True])
def test_dbts_caches_and_links_are_no_artifacts_and_the_last_step_takes_the_folder(
    data_folder, is_last
):
    target = data_folder / "target"
    (target / "out.json").symlink_to(data_folder / "secret")
    (target / "compiled" / "all").symlink_to(data_folder)
    assert keep_artifacts(data_folder, 7, 6, target, {}, ["hunter22"], is_last=is_last)
    first = ["compiled/tiny/one.sql", "manifest.json", "run_results.json"]
    assert list_artifacts(data_folder, 7, 6) == sorted([*first, "catalog.json"])
    place = data_folder / "runs" / "7" / "artifacts" / "step_6"
    assert not any(path.is_symlink() for path in place.rglob("*"))
    assert target.exists() != is_last
    # what a link led to is still there
    assert (data_folder / "secret").read_text() == "secret"


@pytest.mark.parametrize("is_last", [False, True])
def test_what_no_address_can_hold_or_tells_a_secret_by_its_name_is_no_artifact(
    data_folder, is_last
):
    target = data_folder / "target"
    for name in (
        b"bad\xff.txt",
        b"two\nlines.txt",
        b"hunter22.txt",
        b"f\xc3\xbcnf \xe2\x80\xaf.txt",
    ):
        (target / os.fsdecode(name)).write_text("told")
    for name in (b"folder\xff", b"of hunter22"):
        (target / os.fsdecode(name)).mkdir()
        (target / os.fsdecode(name) / "inner.txt").write_text("told")
    (target / "perf_info.json").mkdir()
    assert keep_artifacts(data_folder, 7, 6, target, {}, ["hunter22"], is_last=is_last)
    first = ["compiled/tiny/one.sql", "manifest.json", "run_results.json"]
    assert list_artifacts(data_folder, 7, 6) == sorted([*first, "catalog.json", "fünf \u202f.txt"])


@pytest.mark.parametrize("is_last", [False, True])
def test_files_that_are_too_large_or_lie_too_deep_are_left_out_and_the_rest_is_kept(
    data_folder, is_last
):
    target = data_folder / "target"
    with (target / "large.bin").open("wb") as file:
        file.truncate(500 << 30)
    deep = target.joinpath(*["d" * 200] * 6)
    deep.mkdir(parents=True)
    (deep / "inner.txt").write_text("told")
    (target / "perf_info.json").mkdir()
    (target / "perf_info.json" / "inner.txt").write_text("told")
    (target / "manifest.json").write_text('{"metadata": nonsense')
    (target / "some.txt").write_text("hunter22")
    said: list[str] = []
    given = {"DBT_CLOUD_RUN_ID": "7"}, ["hunter22"]
    assert keep_artifacts(data_folder, 7, 6, target, *given, is_last=is_last, say=said.append)
    assert said == ["large.bin is no artifact: it is larger than 512 MiB."]
    first = ["compiled/tiny/one.sql", "manifest.json", "run_results.json"]
    assert list_artifacts(data_folder, 7, 6) == sorted([*first, "catalog.json", "some.txt"])
    found = resolve_artifact(data_folder, 7, "some.txt", 6)
    assert found.read_text() == "**********"


@pytest.mark.parametrize("is_last", [False, True])
def test_the_steps_of_a_run_share_the_room_for_artifacts_and_dbts_own_come_first(
    data_folder, is_last, monkeypatch
):
    # two steps have 3 and 4 files of one block each
    monkeypatch.setattr(artifacts, "MAX_RUN_BYTES", 11 * artifacts.BLOCK_BYTES)
    target = data_folder / "target"
    for name in ("a_first.txt", "z_last.txt"):
        (target / name).write_text("")
    said: list[str] = []
    assert keep_artifacts(data_folder, 7, 6, target, is_last=is_last, say=said.append)
    assert list_artifacts(data_folder, 7, 6) == [
        "a_first.txt", "catalog.json", "manifest.json", "run_results.json"
    ]  # fmt: skip
    assert said == ["2 files of this step are no artifacts: those of a run hold 0 MiB in all."]


def test_a_step_that_is_kept_again_has_the_room_of_what_it_kept(data_folder, monkeypatch):
    monkeypatch.setattr(artifacts, "MAX_RUN_BYTES", 8 * artifacts.BLOCK_BYTES)
    before = list_artifacts(data_folder, 7, 5)
    assert keep_artifacts(data_folder, 7, 5, data_folder / "target")
    assert list_artifacts(data_folder, 7, 5) == before


def test_what_cannot_be_kept_is_told_in_words_and_breaks_nothing(tmp_path):
    workspace = Workspace(tmp_path, 7, 1, "shop")
    workspace.target.mkdir(parents=True)
    (workspace.target / "manifest.json").write_text("{}")
    (workspace.run / "artifacts").write_text("no folder")
    said: list[str] = []
    assert not keep_step(workspace, 4, {}, [], said.append, is_last=True)
    assert said == ["The artifacts of this step could not be kept: File exists."]


def test_what_an_older_server_kept_under_such_a_name_is_not_listed(data_folder):
    root = data_folder / "runs" / "7" / "artifacts" / "step_4"
    before = list_artifacts(data_folder, 7, 4)
    for name in (b"bad\xff.txt", b"two\nlines.txt"):
        (root / os.fsdecode(name)).write_text("told")
    assert list_artifacts(data_folder, 7, 4) == before
    shown, count = list_shown(data_folder, 7, 100)
    assert [one.path for one in shown if one.step_index == 4] == sorted(before, key=by_depth)
    assert count == 2 * len(before) + 1


def by_depth(path):
    return path.count("/"), path


def test_the_parse_file_is_replaced_whole(data_folder):
    place = data_folder / "env_1_tiny.msgpack"
    keep_parse_file(data_folder / "target", place)
    assert place.read_bytes() == b"parse"
    keep_parse_file(data_folder / "nowhere", place)
    assert place.read_bytes() == b"parse"


def test_links_that_leave_the_folder_are_not_followed(data_folder):
    root = data_folder / "runs" / "7" / "artifacts" / "step_5"
    (root / "out").symlink_to(data_folder / "secret")
    (root / "up").symlink_to(data_folder)
    (root / "loop").symlink_to(root / "loop")
    for path in ("out", "up/secret", "loop"):
        assert resolve_artifact(data_folder, 7, path, 5) is None


def test_two_thousand_hostile_paths_find_nothing_outside(data_folder):
    random_source = random.Random(3)
    root = (data_folder / "runs" / "7" / "artifacts").resolve()
    parts = ["..", "../..", "/", "//", ".", "%2e%2e", "..%2f", "\\", "\0", "secret", "x" * 5_000]
    parts += [
        "manifest.json",
        "compiled",
        "~",
        "step_4",
        "\u202e",
        "\ud800",
        "C:",
        str(data_folder),
    ]
    for _ in range(2_000):
        separator = random_source.choice(["/", "", "\\"])
        path = separator.join(random_source.choices(parts, k=random_source.randint(1, 9)))
        found = resolve_artifact(data_folder, 7, path, random_source.choice([None, 4, 5]))
        assert found is None or found.is_relative_to(root)


def test_traps_are_dropped_from_a_folder_whose_path_is_too_long_for_the_system(tmp_path):
    folder = os.open(tmp_path, os.O_RDONLY)
    for _ in range(25):
        os.mkdir("d" * 200, dir_fd=folder)
        inner = os.open("d" * 200, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
    os.mkfifo(tmp_path / "pipe")
    os.mkfifo(tmp_path / ("d" * 200) / "pipe")
    drop_traps(tmp_path, is_deep=True)
    assert not (tmp_path / "pipe").exists()
    assert not (tmp_path / ("d" * 200) / "pipe").exists()


def test_a_pipe_is_found_however_deep_and_a_link_to_one_is_none(tmp_path):
    inner = tmp_path / "target" / "compiled"
    inner.mkdir(parents=True)
    (inner / "one.sql").write_text("select 1")
    os.mkfifo(tmp_path / "pipe")
    (inner / "link").symlink_to(tmp_path / "pipe")
    assert find_pipe([tmp_path / "target", tmp_path / "nowhere"]) is None
    os.mkfifo(inner / "two.sql")
    assert find_pipe([tmp_path / "target"]) == str(inner / "two.sql")


def test_a_look_for_pipes_that_takes_long_is_taken_less_often():
    assert pause_after(0.01) == 10
    assert pause_after(2) == 100
