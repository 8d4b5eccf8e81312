"""Git as a run needs it: find a repository, name a commit, make a folder hold exactly that commit.

A folder is filled through an index of its own, so the user's work tree and index stay as they are,
and only files that differ are written. `git archive` is not used: it leaves out what a repository
marks `export-ignore`.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from marketing_analytics.core.errors import MachineError, UserError
from marketing_analytics.core.redaction import redact

TIMEOUT_SECONDS = 600.0
POLL_SECONDS = 0.2
# what git may be told by the environment of the server; GIT_DIR of a hook would lead it astray
KEPT = frozenset(
    {"GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM", "GIT_EXEC_PATH", "GIT_SSH"}
    | {"GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH"}
)
# settings of a repository or a user must not change what a commit holds, nor reach into submodules;
# filters that are set up (git-lfs) run, as in every checkout
SETTINGS = (
    "safe.directory=*",
    "submodule.recurse=false",
    "core.autocrlf=false",
    "core.eol=lf",
    "core.symlinks=true",
    "core.attributesFile=/dev/null",
    "core.sparseCheckout=false",
    "core.fsmonitor=false",
    "core.untrackedCache=false",
    "core.hooksPath=/dev/null",
    "advice.detachedHead=false",
)
SHA = re.compile(r"[0-9a-fA-F]{7,64}")
# characters that no name of a branch has, and that mean something to git
NOT_IN_NAMES = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|^[-/]|/$|//|\.lock$|\.$")
PLACES = ("refs/heads/", "refs/remotes/origin/", "refs/tags/")


class GitError(UserError):
    """Git could not do it; the message holds its own words."""


def git_environment(environment: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """Return what git sees: nothing of another repository, no question at a terminal."""
    kept = {
        name: value
        for name, value in environment.items()
        if not name.startswith("GIT_") or name in KEPT
    }
    # schemes that start programs, such as ext::, are not among them
    fixed = {"GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh"}
    return {**kept, "LC_ALL": "C", **fixed, **more}


@dataclass(frozen=True)
class Repository:
    """A git directory; `top` is its work tree, None for a mirror of ours.

    `settings` and `environment` are how a remote is reached; `secrets` never reach a message.
    `check` is called while git works, and raises to end it.
    """

    folder: Path
    top: Path | None = None
    settings: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    check: Callable[[], None] | None = None

    def git(
        self, *arguments: str, folder: Path | None = None, more: Mapping[str, str] | None = None
    ) -> str:
        """Return what git prints. Raise GitError when it fails."""
        given = {"GIT_DIR": str(self.folder), **self.environment, **(more or {})}
        settings = (*SETTINGS, *self.settings)
        place = folder or self.folder
        return called(arguments, given, settings, place, self.secrets, self.check)

    def find_commit(self, name: str) -> str | None:
        """Return the commit of an expression that names one, or None."""
        try:
            return self.git("rev-parse", "--quiet", "--verify", f"{name}^{{commit}}").strip()
        except GitError:
            return None

    def find_branch(self, name: str) -> str | None:
        """Return the newest commit of a branch, of one only fetched, or of a tag; or None."""
        if not name or NOT_IN_NAMES.search(name):
            return None
        return next((sha for place in PLACES if (sha := self.find_commit(place + name))), None)

    def find_sha(self, name: str) -> str | None:
        """Return the whole name of a commit, of which seven characters are enough; or None.

        A branch or tag may be called like the beginning of a commit's name: git would take that.
        """
        if not SHA.fullmatch(name):
            return None
        begun = self.git("rev-parse", f"--disambiguate={name.lower()}").split()
        commits = [one for one in begun if self.find_commit(one) == one]
        return commits[0] if len(commits) == 1 else None

    def fill(self, tree: Path, index: Path, sha: str) -> None:
        """Make a folder hold one commit and nothing else."""
        tree.mkdir(parents=True, exist_ok=True)
        # left by a server that died; nobody else works on this folder
        index.with_name(f"{index.name}.lock").unlink(missing_ok=True)
        # a bare repository has no work tree of its own
        more = {"GIT_INDEX_FILE": str(index), "GIT_WORK_TREE": str(tree)}
        note = index.with_name(f"{index.name}.commit")
        if not (index.exists() and read_note(note) == sha and self.is_untouched(tree, more)):
            note.unlink(missing_ok=True)
            self.write_files(tree, index, sha, more)
            note.write_text(sha, "ascii")
        self.git("clean", "-ffdxq", folder=tree, more=more)

    def is_untouched(self, tree: Path, more: Mapping[str, str]) -> bool:
        """Return whether the files of a folder are those of its index."""
        try:
            self.git("update-index", "--refresh", folder=tree, more=more)
        except GitError:
            return False
        return True

    def write_files(self, tree: Path, index: Path, sha: str, more: Mapping[str, str]) -> None:
        """Write the files of a commit that differ; an index that cannot be read is made anew."""
        arguments = ("read-tree", "--reset", "-u", sha)
        try:
            self.git(*arguments, folder=tree, more=more)
        except GitError:
            index.unlink(missing_ok=True)
            self.git(*arguments, folder=tree, more=more)


def read_note(note: Path) -> str:
    """Return the commit that a folder was filled with, "" when that is not known."""
    try:
        return note.read_text("ascii")
    except (OSError, UnicodeDecodeError):
        return ""


def called(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    settings: Sequence[str],
    folder: Path,
    secrets: Sequence[str] = (),
    check: Callable[[], None] | None = None,
) -> str:
    """Run git in a folder and return what it prints. Raise GitError, MachineError without git."""
    command = ["git", *(word for setting in settings for word in ("-c", setting)), *arguments]
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=git_environment(os.environ, environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except FileNotFoundError:
        raise MachineError("git is not installed", hint="install git on the server") from None
    with process:
        try:
            printed, error = outcome(process, arguments[0], check)
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        said = redact(error.decode("utf-8", "replace"), secrets)
        lines = [line for line in said.splitlines() if line.strip()]
        reason = "; ".join(lines[-3:]) or f"exit code {process.returncode}"
        raise GitError(f"git {arguments[0]} failed: {reason}")
    return os.fsdecode(printed)


def outcome(
    process: subprocess.Popen[bytes], name: str, check: Callable[[], None] | None
) -> tuple[bytes, bytes]:
    """Return what git printed and complained about. Raise GitError when it takes too long."""
    give_up_at = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < give_up_at:
        try:
            return process.communicate(timeout=POLL_SECONDS)
        except subprocess.TimeoutExpired:
            if check is not None:
                check()
    raise GitError(f"git {name} took longer than {TIMEOUT_SECONDS:.0f} s")


def find_repository(folder: Path) -> Repository | None:
    """Return the repository that a folder is in, None for a folder that is in none."""
    try:
        found = called(
            ("rev-parse", "--absolute-git-dir", "--show-toplevel"),
            {},
            ("safe.directory=*",),
            folder,
        )
    except GitError:
        return find_bare(folder)
    except MachineError:
        # without git there is no repository to look into
        if any((place / ".git").exists() for place in (folder, *folder.parents)):
            raise
        return None
    git_folder, _, top = found.rstrip("\n").partition("\n")
    return Repository(Path(git_folder), Path(top))


def find_bare(folder: Path) -> Repository | None:
    """Return the bare repository that a folder is, or None."""
    is_bare = (folder / "HEAD").is_file() and (folder / "objects").is_dir()
    return Repository(folder) if is_bare else None
