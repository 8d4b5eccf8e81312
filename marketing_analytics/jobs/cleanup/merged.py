"""Ask git which branches are merged into the default branch, and how it knows."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from marketing_analytics.cloud_api.names import slug_of
from marketing_analytics.core.errors import MachineError, UserError

TIMEOUT_SECONDS = 60
SUBJECT = re.compile(
    r"Merge (?:(?:remote-tracking )?branch '([^']+)'|pull request #\d+ from [^/]+/(\S+))"
)
SHORT = 9


@dataclass(frozen=True)
class Merge:
    """Whether a branch is merged, and how that is known."""

    is_merged: bool
    how: str


def merges_of(slugs: Iterable[str]) -> dict[str, Merge]:
    """Return by branch slug whether git calls it merged. Raise UserError where it cannot know."""
    history = History(default_branch())
    return {slug: history.merge_of(slug) for slug in sorted(set(slugs))}


def git(*arguments: str, text: str | None = None) -> str | None:
    """Return what git prints, or None when it fails. Raise MachineError without git."""
    try:
        done = subprocess.run(
            ["git", *arguments],
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise MachineError(f"git does not answer: {error}", hint="look at git status") from None
    return done.stdout.strip() if done.returncode == 0 else None


def default_branch() -> str:
    """Return the ref of the default branch, as the remote has it where there is one."""
    if git("rev-parse", "--git-dir") is None:
        raise UserError("--merged asks git, and this is no repository", hint="run it in a clone")
    if git("rev-parse", "--is-shallow-repository") == "true":
        raise UserError(
            "git has only a part of the history here, so it cannot tell what is merged",
            hint="git fetch --unshallow; in GitLab GIT_DEPTH: 0",
        )
    named = os.environ.get("CI_DEFAULT_BRANCH", "").strip()
    head = git("symbolic-ref", "--short", "refs/remotes/origin/HEAD")
    names = [f"origin/{named}", named] if named else []
    names += [head] if head else []
    for name in (*names, "origin/main", "origin/master", "main", "master"):
        if git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"):
            return name
    raise UserError("git knows no default branch here", hint="export CI_DEFAULT_BRANCH=main")


@dataclass
class History:
    """The history of the default branch."""

    default: str
    patches: dict[str, dict[str, str]] = field(default_factory=dict)

    def merge_of(self, slug: str) -> Merge:
        """Return whether a branch is merged."""
        tip = self.tips.get(slug)
        if tip is None:
            commit = self.named.get(slug)
            if commit:
                return Merge(True, f"merged into {self.default} by {commit[:SHORT]}")
            return Merge(False, "git has no branch of this name here")
        base = git("merge-base", self.default, tip)
        if base is None:
            return Merge(False, f"it shares no history with {self.default}")
        if base == tip:
            return self.merge_of_ancestor(tip)
        return self.merge_of_copies(tip, base)

    def merge_of_ancestor(self, tip: str) -> Merge:
        """Return what to think of a branch whose last commit is in the default branch."""
        if tip in self.own_line:
            return Merge(False, "it has no commit of its own, or was fast-forwarded")
        return Merge(True, f"merged into {self.default}")

    def merge_of_copies(self, tip: str, base: str) -> Merge:
        """Return whether the commits of a branch are in the default branch as other commits."""
        copies = (git("cherry", self.default, tip) or "").splitlines()
        if copies and all(line.startswith("-") for line in copies):
            return Merge(True, f"merged into {self.default} by a rebase")
        diff = git("diff", "--full-index", base, tip)
        patch = (git("patch-id", "--stable", text=f"{diff}\n") or "").split(" ")[0] if diff else ""
        commit = self.patches_since(base).get(patch) if patch else None
        if commit:
            return Merge(True, f"merged into {self.default} by a squash, {commit[:SHORT]}")
        count = sum(line.startswith("+") for line in copies)
        return Merge(False, f"{count} of its commits {'is' if count == 1 else 'are'} not merged")

    def patches_since(self, base: str) -> dict[str, str]:
        """Return the commits of the default branch after a commit by their patch ids."""
        if base not in self.patches:
            log = git("log", "-p", "--no-merges", "--full-index", f"{base}..{self.default}")
            lines = (git("patch-id", "--stable", text=f"{log}\n") or "").splitlines()
            pairs = [line.split(" ") for line in lines]
            self.patches[base] = {pair[0]: pair[1] for pair in pairs if len(pair) == 2}
        return self.patches[base]

    @cached_property
    def tips(self) -> dict[str, str]:
        """Return the last commits of branches by slug; the remote's where both have one."""
        found = {}
        for place in ("refs/heads", "refs/remotes/origin"):
            listed = git("for-each-ref", "--format=%(objectname) %(refname)", place) or ""
            for line in listed.splitlines():
                commit, _, ref = line.partition(" ")
                found[slug_of(ref.removeprefix(f"{place}/"))] = commit
        return found

    @cached_property
    def own_line(self) -> set[str]:
        """Return the commits that were made on the default branch itself."""
        return set((git("rev-list", "--first-parent", self.default) or "").split())

    @cached_property
    def named(self) -> dict[str, str]:
        """Return the merge commits by the slug of the branch that they name."""
        log = git("log", "--merges", "--format=%H %s", self.default) or ""
        found: dict[str, str] = {}
        for line in log.splitlines():
            commit, _, subject = line.partition(" ")
            match = SUBJECT.match(subject)
            if match:
                found.setdefault(slug_of(match[1] or match[2]), commit)
        return found
