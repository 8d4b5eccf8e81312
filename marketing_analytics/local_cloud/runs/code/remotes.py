"""Repositories at an address: a mirror beside the store, brought up to date by every run.

Who may read an address is said by reference, such as `https://git.example.com/=env:GIT_TOKEN`: the
token or key is read when git needs it, given to git alone, and stored nowhere.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from marketing_analytics.core.errors import UserError, reason_of
from marketing_analytics.core.locks import file_lock
from marketing_analytics.local_cloud.runs.code.git import GitError, Repository, called

ADDRESS = re.compile(r"(https?|ssh|git|file)://|[\w.-]+@[\w.-]+:(?!//)")
HEADS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
# where hosts keep the newest commit of a pull or merge request
REQUEST_REFS = ("refs/pull/{number}/head", "refs/merge-requests/{number}/head")
USER = "x-access-token"
FETCH_SECONDS = 600.0
# git asks this program; it runs in git's own shell and reads the environment of git alone
HELPER = '!f() { echo "username=$MARKETING_GIT_USER"; echo "password=$MARKETING_GIT_TOKEN"; }; f'


@dataclass(frozen=True)
class Login:
    """How addresses with a prefix are read: `env:NAME` or `file:PATH`, a token or a deploy key."""

    prefix: str
    reference: str

    def secret(self, environment: Mapping[str, str]) -> str:
        """Return the token. Raise UserError when the reference leads nowhere."""
        kind, _, name = self.reference.partition(":")
        if kind == "env":
            if not environment.get(name):
                raise UserError(
                    f"the token for {self.prefix} is to be in {name}, which is not set",
                    hint=f"export {name} before the server starts",
                )
            return environment[name]
        try:
            return Path(name).expanduser().read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(
                f"cannot read {name}, the token for {self.prefix}: {reason_of(error)}"
            ) from None


def read_login(text: str) -> Login:
    """Return a login of the form `PREFIX=env:NAME` or `PREFIX=file:PATH`. Raise UserError."""
    prefix, _, reference = text.rpartition("=")
    kind, _, name = reference.partition(":")
    if not prefix or kind not in ("env", "file") or not name:
        raise UserError(
            "a login for git is the beginning of an address and where its token or key is",
            hint="such as https://git.example.com/=env:GIT_TOKEN or git@host:=file:/path/to/key",
        )
    return Login(prefix, reference)


def is_address(place: str) -> bool:
    """Return whether a place is the address of a repository, not a folder."""
    return ADDRESS.match(place) is not None


def check_address(place: str) -> None:
    """Raise UserError for an address with a password, which would be stored and shown."""
    if "://" in place and urlsplit(place).password is not None:
        raise UserError(
            "the address of a repository may not hold a password or token",
            hint="give it by reference: marketing cloud serve --git-login PREFIX=env:NAME",
        )


@dataclass
class Mirrors:
    """The mirrors of a server, below one folder."""

    folder: Path
    logins: tuple[Login, ...] = ()
    _locks: dict[str, threading.Lock] = field(default_factory=dict)

    def fetch(
        self, address: str, *, number: int = 0, check: Callable[[], None] | None = None
    ) -> Repository:
        """Return the mirror of an address with all of its branches as they are now.

        `number` is a pull or merge request whose newest commit is wanted too; `check` is called
        meanwhile, and raises to end it. Raise GitError.
        """
        check_address(address)
        name = hashlib.sha256(address.encode()).hexdigest()[:16]
        # of threads the kernel's lock would do as well, but it is looked at ten times a second
        with self._locks.setdefault(name, threading.Lock()), self._lock_of(name):
            mirror = replace(self._open(self.folder / f"{name}.git", address), check=check)
            fetch = ("fetch", "--quiet", "--prune", "--force", "--no-write-fetch-head", address)
            mirror.git(*fetch, *HEADS)
            if number:
                fetch_request(mirror, address, number)
        return mirror

    def _lock_of(self, name: str) -> AbstractContextManager[None]:
        """Return a lock against other servers that share the folder."""
        return file_lock(
            self.folder / f"{name}.lock",
            taken="another server fetches the same repository",
            timeout_seconds=FETCH_SECONDS,
        )

    def _open(self, folder: Path, address: str) -> Repository:
        settings, environment, secrets = self.access(address)
        if not (folder / "HEAD").is_file():
            folder.mkdir(parents=True, exist_ok=True)
            called(("init", "--quiet", "--bare", str(folder)), {}, (), folder)
        return Repository(folder, None, settings, environment, secrets)

    def access(self, address: str) -> tuple[tuple[str, ...], dict[str, str], tuple[str, ...]]:
        """Return settings, environment and secrets with which git reads an address."""
        login = next((one for one in self.logins if address.startswith(one.prefix)), None)
        if login is None:
            return (), {}, ()
        if not address.startswith("http"):
            _, _, path = login.reference.partition(":")
            key = shlex.quote(str(Path(path).expanduser()))
            ssh = f"ssh -i {key} -o IdentitiesOnly=yes -o BatchMode=yes"
            return (), {"GIT_SSH_COMMAND": ssh}, ()
        token = login.secret(os.environ)
        user = urlsplit(address).username or USER
        environment = {"MARKETING_GIT_USER": user, "MARKETING_GIT_TOKEN": token}
        return ("credential.helper=", f"credential.helper={HELPER}"), environment, (token,)


def fetch_request(mirror: Repository, address: str, number: int) -> None:
    """Fetch the newest commit of a pull or merge request, where its host keeps one."""
    for ref in REQUEST_REFS:
        try:
            given = f"+{ref.format(number=number)}:refs/requests/{number}"
            mirror.git("fetch", "--quiet", "--force", "--no-write-fetch-head", address, given)
        except GitError:
            continue
        return


def default_branch(mirror: Repository, address: str) -> str:
    """Return the branch that a repository is read at when none is asked for. Raise GitError."""
    text = mirror.git("ls-remote", "--symref", address, "HEAD")
    found = re.search(r"^ref: refs/heads/(\S+)\tHEAD$", text, re.MULTILINE)
    if found is None:
        raise GitError(f"{address} has no default branch", hint="ask for a branch")
    return found[1]
