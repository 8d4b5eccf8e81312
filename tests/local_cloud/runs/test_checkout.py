"""A run works on the commit that was asked for, with everything that belongs to it."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.runs.code.checkout import (
    Asked,
    Checkout,
    Home,
    Source,
    check_out,
)
from marketing_analytics.local_cloud.runs.code.git import called
from marketing_analytics.local_cloud.runs.code.remotes import (
    Login,
    Mirrors,
    check_address,
    is_address,
    read_login,
)

WHO = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")


def git(folder: Path, *arguments: str) -> str:
    command = ["git", *WHO, *arguments]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a monorepo: a project below `dbt`, data beside it, two commits and a branch."""
    top = tmp_path / "mono"
    top.mkdir()
    git(top, "init", "-q", "-b", "main")
    write(top, "dbt/dbt_project.yml", "name: shop\n")
    write(top, "dbt/models/logs/target/var/a.sql", "select 1 as id\n")
    write(top, "data/orders.csv", "id\n1\n")
    write(top, ".gitattributes", "data/* export-ignore\n")
    write(top, ".gitignore", "*.secret\n")
    git(top, "add", "-A")
    git(top, "commit", "-qm", "first")
    git(top, "checkout", "-qb", "feature/x")
    write(top, "dbt/models/b.sql", "select 2 as id\n")
    git(top, "add", "-A")
    git(top, "commit", "-qm", "second")
    git(top, "checkout", "-q", "main")
    return top


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "data" / "work" / "env_1")


def take(place: Path | str, home: Home, asked: Asked | None = None, **source) -> Checkout:
    source = {"subdirectory": "dbt", **source}
    mirrors = Mirrors(home.folder.parent / "mirrors")
    return check_out(
        Source(place=str(place), **source), Asked() if asked is None else asked, home, mirrors
    )


def files(folder: Path) -> set[str]:
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return set(found)


WHOLE = {
    ".gitattributes",
    ".gitignore",
    "data/orders.csv",
    "dbt/dbt_project.yml",
    "dbt/models/logs/target/var/a.sql",
}


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


def test_a_repository_at_an_address_is_read_at_its_newest_commit(repository, home, tmp_path):
    place = f"file://{repository}"
    assert take(place, home).branch == "main"
    write(repository, "dbt/models/c.sql", "select 3 as id\n")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "third")
    newest = git(repository, "rev-parse", "HEAD")
    git(repository, "update-ref", "refs/pull/12/head", "feature/x")
    assert take(place, home).sha == newest
    assert "dbt/models/c.sql" in files(home.tree)
    # the head of a pull request, and a commit that only it has
    found = take(place, home, Asked(request=12))
    assert (found.sha, found.branch) == (
        git(repository, "rev-parse", "feature/x"),
        "pull request 12",
    )
    git(repository, "branch", "-qD", "feature/x")
    with pytest.raises(UserError, match="there is no branch"):
        take(place, home, Asked(branch="feature/x"))
    assert take(place, home, Asked(sha=found.sha, request=12)).sha == found.sha


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


def test_a_hook_of_the_server_does_not_lead_git_astray(repository, home, monkeypatch, tmp_path):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    assert take(repository, home).branch == "main"


def test_a_lock_that_a_dead_server_left_does_not_stop_the_next_run(repository, home):
    take(repository, home)
    home.index.with_name("index.lock").touch()
    home.index.write_bytes(b"damaged")
    assert take(repository, home).branch == "main"
    assert files(home.tree) == WHOLE


def test_a_fetch_that_hangs_is_ended_when_the_run_is(monkeypatch, tmp_path):
    program = tmp_path / "bin" / "git"
    write(tmp_path, "bin/git", "#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        called(("fetch",), {}, (), tmp_path, check=stop)


def test_addresses_and_logins():
    for place in ("https://h/x.git", "git@h:x/y.git", "ssh://h/x", "file:///srv/x"):
        assert is_address(place)
    for place in ("/srv/x", "transform", "ext::sh -c id", "C:/x"):
        assert not is_address(place)
    with pytest.raises(UserError, match="may not hold a password"):
        check_address("https://u:canary-4711@h/x.git")
    assert read_login("https://h/=env:GIT_TOKEN") == Login("https://h/", "env:GIT_TOKEN")
    for text in ("https://h/", "https://h/=glpat-canary", "=env:X", "https://h/=env:"):
        with pytest.raises(UserError, match="a login for git is"):
            read_login(text)


class Locked(BaseHTTPRequestHandler):
    """A host that lets nobody in, and remembers what it was given."""

    given: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        if "Authorization" in self.headers:
            self.given.append(self.headers["Authorization"])
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="x"')
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_host_gets_the_token_and_nobody_else_sees_it(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_TOKEN_OF_TEST", "canary-4711")
    host = HTTPServer(("127.0.0.1", 0), Locked)
    threading.Thread(target=host.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{host.server_address[1]}/shop.git"
    login = Login(address[:20], "env:GIT_TOKEN_OF_TEST")
    with pytest.raises(UserError, match="git fetch failed") as refused:
        Mirrors(tmp_path, (login,)).fetch(address)
    host.shutdown()
    host.server_close()
    words = Locked.given[0].removeprefix("Basic ")
    assert base64.b64decode(words).decode() == "x-access-token:canary-4711"
    assert "canary-4711" not in refused.value.render()
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert b"canary-4711" not in path.read_bytes()


def test_a_token_is_given_to_git_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_TOKEN_OF_TEST", "canary-4711")
    login = Login("https://h/", "env:GIT_TOKEN_OF_TEST")
    settings, environment, secrets = Mirrors(tmp_path, (login,)).access("https://h/x.git")
    assert "canary-4711" not in str(settings)
    assert environment["MARKETING_GIT_TOKEN"] == "canary-4711"
    assert secrets == ("canary-4711",)
    assert Mirrors(tmp_path, (login,)).access("https://other/x.git") == ((), {}, ())
    monkeypatch.delenv("GIT_TOKEN_OF_TEST")
    with pytest.raises(UserError, match="GIT_TOKEN_OF_TEST, which is not set"):
        Mirrors(tmp_path, (login,)).access("https://h/x.git")
