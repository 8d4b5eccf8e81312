"""Files that are copied as they are: a folder in no repository, and a work tree with changes."""

from __future__ import annotations

import os

import pytest

from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.runs.code.checkout import (
    Asked,
    Home,
)
from tests.local_cloud.runs.conftest import WHOLE, files, git, take, write


def test_changes_are_used_only_when_asked_for_and_said(repository, home):
    write(repository, "dbt/models/new.sql", "select 9 as id\n")
    write(repository, "data/orders.csv", "id\n7\n")
    write(repository, "dbt/x.secret", "ignored\n")
    (repository / "dbt/models/logs/target/var/a.sql").unlink()
    clean = take(repository, home)
    assert files(home.tree) == WHOLE
    assert not clean.has_changes
    assert "Not used: 2 files" in clean.sentences[-1]
    dirty = take(repository, home, is_dirty=True)
    assert dirty.has_changes
    assert "--dirty" in dirty.sentences[0]
    assert "with 3 files that are not committed" in dirty.sentences[0]
    changed = (WHOLE - {"dbt/models/logs/target/var/a.sql"}) | {"dbt/models/new.sql"}
    assert files(home.tree) == changed
    assert (home.tree / "data/orders.csv").read_text() == "id\n7\n"
    # who asks for a commit gets it
    assert not take(repository, home, Asked(branch="main"), is_dirty=True).has_changes
    assert files(home.tree) == WHOLE


def test_a_repository_within_the_work_tree_is_copied_as_files(repository, home):
    inner = repository / "dbt" / "packages" / "theirs"
    inner.mkdir(parents=True)
    git(inner, "init", "-q")
    write(inner, "dbt_project.yml", "name: theirs\n")
    write(inner, "gone.sql", "select 1\n")
    write(inner, ".gitignore", "*.log\n")
    write(inner, "dbt.log", "ignored\n")
    git(inner, "add", "-A")
    git(inner, "commit", "-qm", "first")
    write(inner, "new.sql", "select 2\n")
    write(inner, "deeper/a.sql", "select 3\n")
    git(inner / "deeper", "init", "-q")
    (inner / "gone.sql").unlink()
    found = take(repository, home, is_dirty=True)
    names = {"dbt_project.yml", ".gitignore", "new.sql", "deeper/a.sql"}
    assert files(home.tree) == WHOLE | {f"dbt/packages/theirs/{name}" for name in names}
    assert "with 4 files that are not committed" in found.sentences[0]
    take(repository, home)
    assert files(home.tree) == WHOLE


def test_changes_of_a_submodule_are_not_used_and_said(repository, home, tmp_path):
    other = tmp_path / "inner"
    other.mkdir()
    git(other, "init", "-q", "-b", "main")
    write(other, "a.txt", "a\n")
    git(other, "add", "-A")
    git(other, "commit", "-qm", "first")
    git(repository, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other), "sub")
    git(repository, "commit", "-qm", "third")
    write(repository, "sub/a.txt", "b\n")
    found = take(repository, home, is_dirty=True)
    assert "nothing changed" in found.sentences[0]
    assert found.sentences[1] == "Not used: changes in sub; submodules are not."


def test_a_folder_is_copied_whole_with_the_local_packages_beside_it(tmp_path, home):
    top = tmp_path / "bare"
    write(top, "shop/dbt_project.yml", "name: shop\ntarget-path: out\n")
    write(top, "shop/packages.yml", "packages:\n  - local: ../shared\n")
    write(top, "shared/dbt_project.yml", "name: shared\n")
    write(top, "shop/models/target/a.sql", "select 1\n")
    write(top, "shop/models/logs/b.sql", "select 1\n")
    write(top, "shop/target/c.sql", "select 1\n")
    write(top, "shop/var/data.duckdb", "x")
    write(top, "shop/out/run_results.json", "{}")
    write(top, "shop/.git", "x")
    write(top, "neighbour/d.sql", "select 1\n")
    (top / "shop" / "linked").symlink_to("models/logs")
    (top / "shop" / ".#lock").symlink_to("nowhere")
    os.mkfifo(top / "shop" / "pipe")
    # a leading .git that is no repository would not be found by git
    (top / "shop" / ".git").unlink()
    found = take(top / "shop", home, subdirectory="")
    expected = {
        "dbt_project.yml", "packages.yml", "models/target/a.sql", "models/logs/b.sql",
        "target/c.sql", "var/data.duckdb", "linked/b.sql",
    }  # fmt: skip
    assert files(home.tree) == {f"shop/{name}" for name in expected} | {"shared/dbt_project.yml"}
    assert (home.tree / "shop" / ".#lock").is_symlink()
    assert found.project == home.tree / "shop"
    assert found.sha is None
    with pytest.raises(UserError, match="is in no git repository"):
        take(top / "shop", home, Asked(branch="main"), subdirectory="")


def test_a_copy_follows_its_folder_whatever_the_dates_say(tmp_path, home):
    folder = tmp_path / "bare"
    write(folder, "dbt_project.yml", "name: shop\n")
    write(folder, "models/a.sql", "select 1\n")
    old = (folder / "models" / "a.sql").stat()
    assert take(folder, home, subdirectory="").sentences[0].endswith("2 of them new.")
    assert take(folder, home, subdirectory="").sentences[0].endswith("0 of them new.")
    # the same size under the same date, as an archive with fixed dates has it
    write(folder, "models/a.sql", "select 2\n")
    os.utime(folder / "models" / "a.sql", ns=(old.st_atime_ns, old.st_mtime_ns))
    take(folder, home, subdirectory="")
    assert (home.tree / "models" / "a.sql").read_text() == "select 2\n"
    # what a step did to the copy is undone
    write(home.tree, "models/a.sql", "select 3\n")
    write(home.tree, "dbt_packages/old/x.sql", "select 3\n")
    (folder / "models" / "a.sql").rename(folder / "models" / "b.sql")
    take(folder, home, subdirectory="")
    assert files(home.tree) == {"dbt_project.yml", "models/b.sql"}
    assert (home.tree / "models" / "b.sql").read_text() == "select 2\n"


def test_the_folders_of_the_server_are_not_copied(tmp_path):
    folder = tmp_path / "bare"
    write(folder, "dbt_project.yml", "name: shop\n")
    data = folder / "var" / "cloud"
    write(data, "cloud.sqlite", "x")
    home = Home(data / "work" / "env_1")
    for _ in range(2):
        take(folder, home, subdirectory="", left_out=(data,))
        assert files(home.tree) == {"dbt_project.yml"}


def test_an_untracked_folder_in_a_repository_of_something_else_is_a_folder(repository, home):
    write(repository, "mine/dbt_project.yml", "name: mine\n")
    assert take(repository, home, subdirectory="mine").sha is None
    assert files(home.tree) == {"dbt_project.yml"}
