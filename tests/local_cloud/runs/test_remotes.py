"""Repositories at an address: what is fetched, with whose token, and what git may be led to."""

from __future__ import annotations

import base64
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.runs.code.checkout import Asked
from marketing_analytics.local_cloud.runs.code.git import called
from marketing_analytics.local_cloud.runs.code.remotes import (
    Login,
    Mirrors,
    check_address,
    is_address,
    read_login,
)
from tests.local_cloud.runs.conftest import WHOLE, files, git, take, write


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
