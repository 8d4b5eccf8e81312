"""A run works on the commit that was asked for, with everything that belongs to it."""

from __future__ import annotations

import shutil

import pytest

from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.runs.code.checkout import Asked
from tests.local_cloud.runs.conftest import WHOLE, files, git, take, write


def test_the_whole_repository_is_there_at_the_commit_that_was_asked_for(repository, home):
    found = take(repository, home)
    assert files(home.tree) == WHOLE
    assert found.project == home.tree / "dbt"
    assert (found.sha, found.branch) == (git(repository, "rev-parse", "HEAD"), "main")
    assert take(repository, home, Asked(branch="feature/x")).branch == "feature/x"
    assert files(home.tree) == WHOLE | {"dbt/models/b.sql"}
    # what a step left, and what it changed, is gone at the next run
    write(home.tree, "dbt/dbt_packages/old/dbt_project.yml", "name: old\n")
    write(home.tree, "dbt/models/b.sql", "select 3 as id\n")
    (home.tree / "data" / "orders.csv").unlink()
    take(repository, home, Asked(branch="feature/x"))
    assert files(home.tree) == WHOLE | {"dbt/models/b.sql"}
    assert (home.tree / "dbt/models/b.sql").read_text() == "select 2 as id\n"
    first = git(repository, "rev-parse", "main")
    assert take(repository, home, Asked(sha=first[:8])).sha == first
    assert files(home.tree) == WHOLE
    assert git(repository, "status", "--porcelain") == ""


@pytest.mark.parametrize("is_bare", [False, True])
def test_links_that_a_step_left_lead_nowhere(repository, home, tmp_path, is_bare):
    if is_bare:
        shutil.rmtree(repository / ".git")
    outside = tmp_path / "outside"
    write(outside, "models/kept.sql", "theirs")
    write(outside, "note", "theirs")
    links = {
        "tree": outside, "index": outside / "note", "index.commit": outside / "note",
        "copied.json": outside / "note", "copied.json.part": outside / "note",
        "tree/dbt/models": outside / "models", "tree/data": outside,
    }  # fmt: skip
    expected = None
    for name, led_to in links.items():
        take(repository, home)
        expected = expected or files(home.tree)
        place = home.folder / name
        place.parent.mkdir(exist_ok=True)
        if place.is_dir():
            shutil.rmtree(place)
        place.unlink(missing_ok=True)
        place.symlink_to(led_to)
        write(repository, "dbt/models/logs/target/var/a.sql", f"select 1 as {name}\n")
        take(repository, home)
        assert files(home.tree) == expected
        assert {one.read_text() for one in outside.rglob("*") if one.is_file()} == {"theirs"}
        assert files(outside) == {"models/kept.sql", "note"}


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (Asked(branch="no-such"), "there is no branch 'no-such' in "),
        (Asked(sha="deadbeef"), "there is no commit 'deadbeef' in "),
        (Asked(sha="HEAD"), "there is no commit 'HEAD' in "),
        (Asked(sha="abc"), "there is no commit 'abc' in "),
        (Asked(branch="main^"), "there is no branch 'main^' in "),
        (Asked(branch="--upload-pack=x"), "there is no branch '--upload-pack=x' in "),
    ],
)
def test_what_does_not_exist_fails_with_its_name(repository, home, asked, reason):
    for place in (repository, f"file://{repository}"):
        with pytest.raises(UserError, match="there is no") as refused:
            take(place, home, asked)
        assert refused.value.message.startswith(reason)


def test_a_commit_needs_its_branch_to_exist_too(repository, home):
    sha = git(repository, "rev-parse", "main")
    with pytest.raises(UserError, match="there is no branch 'gone'"):
        take(repository, home, Asked(sha=sha, branch="gone"))


@pytest.mark.parametrize("is_dirty", [False, True])
@pytest.mark.parametrize("is_bare", [False, True])
def test_a_subdirectory_may_be_a_link_inside_the_repository(
    repository, home, tmp_path, is_bare, is_dirty
):
    (repository / "current").symlink_to("dbt")
    outside = tmp_path / "outside"
    write(outside, "dbt_project.yml", "name: theirs\n")
    (repository / "theirs").symlink_to(outside)
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "third")
    place = repository
    if is_bare:
        place = tmp_path / "bare.git"
        git(tmp_path, "clone", "-q", "--bare", str(repository), str(place))
        place = f"file://{place}"
    given = {"subdirectory": "current", "is_dirty": is_dirty}
    assert take(place, home, **given).project == home.tree / "dbt"
    write(repository, "dbt/models/new.sql", "select 9\n")
    write(repository, "dbt/target/old.sql", "select 9\n")
    found = take(place, home, **given)
    assert found.has_changes is (is_dirty and not is_bare)
    assert (found.project / "models" / "new.sql").exists() is found.has_changes
    assert not (found.project / "target").exists()
    with pytest.raises(UserError, match=f"theirs leads out of the repository, to {outside}"):
        take(place, home, subdirectory="theirs", is_dirty=is_dirty)


def test_files_links_and_folders_may_take_each_others_place(repository, home, tmp_path):
    outside = tmp_path / "outside"
    write(outside, "s.sql", "theirs")
    models = repository / "dbt" / "models"
    (models / "shared").symlink_to(outside)
    write(models, "was_file", "x")
    write(models, "was_folder/x.sql", "x")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "third")
    (models / "shared").unlink()
    (models / "was_file").unlink()
    shutil.rmtree(models / "was_folder")
    write(models, "shared/s.sql", "new")
    write(models, "was_file/q.sql", "new")
    write(models, "was_folder", "new")
    git(repository, "add", "dbt/models/was_folder")
    take(repository, home, is_dirty=True)
    found = home.tree / "dbt" / "models"
    assert (outside / "s.sql").read_text() == "theirs"
    assert not (found / "shared").is_symlink()
    for name in ("shared/s.sql", "was_file/q.sql", "was_folder"):
        assert (found / name).read_text() == "new"
    # and back again
    take(repository, home)
    assert (found / "shared").is_symlink()
    assert (outside / "s.sql").read_text() == "theirs"


def test_settings_of_git_change_neither_a_commit_nor_its_submodules(repository, home, tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    git(inner, "init", "-q", "-b", "main")
    write(inner, "a.txt", "a\n")
    git(inner, "add", "-A")
    git(inner, "commit", "-qm", "first")
    git(repository, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "sub")
    write(repository, "dbt/lines.txt", "one\ntwo\n")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "third")
    for name, value in (("submodule.recurse", "true"), ("core.autocrlf", "true")):
        git(repository, "config", name, value)
    settings = (repository / ".git" / "modules" / "sub" / "config").read_text()
    take(repository, home)
    assert (repository / ".git" / "modules" / "sub" / "config").read_text() == settings
    assert (home.tree / "dbt" / "lines.txt").read_bytes() == b"one\ntwo\n"


def test_a_name_of_a_commit_is_no_name_of_a_branch(repository, home):
    newest, oldest = git(repository, "rev-parse", "feature/x"), git(repository, "rev-parse", "main")
    git(repository, "branch", newest[:7], oldest)
    git(repository, "branch", "deadbee", oldest)
    git(repository, "tag", "main", newest)
    assert take(repository, home, Asked(sha=newest[:7].upper())).sha == newest
    assert take(repository, home, Asked(sha=newest)).sha == newest
    with pytest.raises(UserError, match="there is no commit 'deadbee'"):
        take(repository, home, Asked(sha="deadbee"))
    assert take(repository, home).branch == "main"


@pytest.mark.parametrize("name", ["index", "index.lock", "index.commit", "copied.json", "tree"])
@pytest.mark.parametrize("is_in_git", [True, False])
def test_what_a_step_put_in_the_place_of_a_note_stops_no_run(repository, home, name, is_in_git):
    if not is_in_git:
        shutil.rmtree(repository / ".git")
    take(repository, home)
    expected = files(home.tree)
    place = home.folder / name
    if place.is_dir():
        shutil.rmtree(place)
        place.write_text("no folder")
    else:
        place.unlink(missing_ok=True)
        write(place, "x/y", "no file")
    take(repository, home)
    assert files(home.tree) == expected


def test_a_commit_without_the_project_and_a_repository_without_commits_are_refused(
    repository, home, tmp_path
):
    write(repository, "other/readme.md", "")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "other")
    with pytest.raises(UserError, match=r"there is no other/dbt_project\.yml in commit"):
        take(repository, home, subdirectory="other")
    empty = tmp_path / "empty"
    write(empty, "dbt/dbt_project.yml", "name: x\n")
    git(empty, "init", "-q")
    git(empty, "add", "-A")
    with pytest.raises(UserError, match="has no commit yet"):
        take(empty, home)
    found = take(empty, home, is_dirty=True)
    assert (found.sha, found.has_changes) == (None, True)
    assert files(home.tree) == {"dbt/dbt_project.yml"}
