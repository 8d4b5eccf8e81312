"""Make the folder of a run hold the code that was asked for, and nothing else.

A repository is checked out whole, at one commit: neighbours of the project and local packages are
there. Changes that are not committed are used only when the server runs a work tree as it is
(`--dirty`). A folder that is in no repository is copied whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from marketing_analytics.core.errors import UserError
from marketing_analytics.core.plain_files import remove_any
from marketing_analytics.local_cloud.runs.code.folder import (
    copy_changes,
    copy_files,
    drop_traps,
    is_file_or_link,
    list_folder,
)
from marketing_analytics.local_cloud.runs.code.git import GitError, Repository, find_repository
from marketing_analytics.local_cloud.runs.code.packages import local_packages, target_path
from marketing_analytics.local_cloud.runs.code.remotes import Mirrors, default_branch, is_address

PROJECT_FILE = "dbt_project.yml"
# git's name for a commit without files
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a project is: a folder or an address, and a folder in it.

    `is_dirty` runs a work tree with what is not committed. `left_out` are folders of the server.
    """

    place: str
    subdirectory: str = ""
    is_dirty: bool = False
    left_out: tuple[Path, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which code a run wants: a commit, else a branch, else what the source is at."""

    sha: str | None = None
    branch: str | None = None
    # a pull or merge request, 0 for none
    request: int = 0

    @property
    def is_given(self) -> bool:
        """Return whether a commit or branch is asked for."""
        return bool(self.sha or self.branch)


@dataclass
class Checkout:
    """What a folder holds now; `sentences` are for the log.

    `repository` is where its commit is, None for a folder in none.
    """

    project: Path
    sha: str | None = None
    branch: str | None = None
    has_changes: bool = False
    repository: Repository | None = None
    sentences: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Home:
    """The folder of an environment's code; its path never changes, so that parsing stays cheap."""

    folder: Path

    @property
    def tree(self) -> Path:
        """Return where the files are."""
        return self.folder / "tree"

    @property
    def index(self) -> Path:
        """Return git's index of the tree."""
        return self.folder / "index"

    @property
    def listing(self) -> Path:
        """Return the note of what was copied."""
        return self.folder / "copied.json"

    def make_way(self) -> None:
        """Remove what a step may have put in the place of a file or of the tree."""
        if not self.folder.is_dir():
            return
        drop_traps(self.folder, is_deep=False)
        names = ("index", "index.lock", "index.commit", "copied.json", ".sqlfluff")
        for path in (self.folder / name for name in names):
            if path.is_dir():
                remove_any(path)
        if self.tree.is_file():
            self.tree.unlink()


def check_out(
    source: Source,
    asked: Asked,
    home: Home,
    mirrors: Mirrors,
    check: Callable[[], None] | None = None,
) -> Checkout:
    """Fill the folder of a run. Raise UserError when what was asked for does not exist.

    `check` is called while a repository is fetched, and raises to end it.
    """
    home.make_way()
    if is_address(source.place):
        mirror = mirrors.fetch(source.place, number=asked.request, check=check)
        return check_out_address(mirror, source, asked, home)
    place = Path(source.place).expanduser().resolve()
    folder = place / source.subdirectory
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}", hint="set where the project is")
    if not folder.resolve().is_relative_to(place):
        around = find_repository(place)
        folder = require_inside(folder, around.top) if around and around.top else folder.resolve()
    repository = find_repository(folder)
    if repository is None or is_stranger(repository, folder):
        if asked.is_given:
            raise UserError(
                f"{asked.sha or asked.branch} was asked for, but {folder} is in no git repository",
                hint="run the job without git_sha and git_branch, or put the project under git",
            )
        return copy_folder(source, folder, home)
    if source.is_dirty and not asked.is_given and repository.top:
        return copy_work_tree(repository, repository.top, folder, source, home)
    return check_out_folder(repository, folder, asked, home)


def is_stranger(repository: Repository, folder: Path) -> bool:
    """Return whether a repository knows nothing of a folder that happens to lie in it."""
    if repository.top is None or (repository.top / ".git") == folder / ".git":
        return False
    return not repository.git("ls-files", "--", ".", folder=folder, more=work_tree(repository))


def work_tree(repository: Repository) -> dict[str, str]:
    """Return what leads git to the work tree of a repository."""
    return {"GIT_WORK_TREE": str(repository.top)} if repository.top else {}


def check_out_address(repository: Repository, source: Source, asked: Asked, home: Home) -> Checkout:
    """Check out a repository at an address."""
    branch, sha = asked.branch, None
    if not asked.is_given and asked.request:
        sha = repository.find_commit(f"refs/requests/{asked.request}")
        branch = f"pull request {asked.request}" if sha else None
    if not asked.is_given and not sha:
        branch = default_branch(repository, source.place)
        asked = Asked(branch=branch)
    sha = sha or commit_of(repository, asked, source.place)
    return filled(repository, source.subdirectory, sha, branch, home, source.place)


def check_out_folder(repository: Repository, folder: Path, asked: Asked, home: Home) -> Checkout:
    """Check out the repository that a folder is in: what is committed."""
    top = repository.top or folder
    branch = asked.branch
    if asked.is_given:
        sha = commit_of(repository, asked, str(top))
    else:
        sha, branch = head_of(repository, top)
    subdirectory = os.path.relpath(folder, top)
    checkout = filled(repository, subdirectory, sha, branch, home, str(top))
    changes = changes_in(repository, folder) if repository.top and not asked.is_given else []
    if changes:
        checkout.sentences.append(
            f"Not used: {len(changes)} files in {folder} with changes that are not committed. "
            "Commit them, or start the server with --dirty to run the folder as it is."
        )
    return checkout


def commit_of(repository: Repository, asked: Asked, place: str) -> str:
    """Return the commit that is asked for. Raise UserError when it, or its branch, is not there."""
    of_branch = repository.find_branch(asked.branch) if asked.branch else None
    if asked.branch and of_branch is None:
        raise UserError(
            f"there is no branch {asked.branch!r} in {place}",
            hint="push the branch, or ask for one that is there",
        )
    if not asked.sha:
        return of_branch or ""
    sha = repository.find_sha(asked.sha)
    if sha is None:
        raise UserError(
            f"there is no commit {asked.sha!r} in {place}",
            hint="push the commit, and give at least seven characters of its name",
        )
    return sha


def head_of(repository: Repository, top: Path) -> tuple[str, str | None]:
    """Return the commit and the branch that a work tree is at. Raise UserError without any."""
    sha = repository.find_commit("HEAD")
    if sha is None:
        raise UserError(
            f"the repository {top} has no commit yet",
            hint="commit the project, or start the server with --dirty to run it as it is",
        )
    try:
        # the short name would be heads/main where a tag has that name too
        head = repository.git("symbolic-ref", "--quiet", "HEAD").strip()
    except GitError:
        return sha, None
    return sha, head.removeprefix("refs/heads/")


def changes_in(repository: Repository, folder: Path, left_out: Sequence[Path] = ()) -> list[str]:
    """Return the files below a folder that are not as committed, relative to the work tree."""
    arguments = ("--no-optional-locks", "status", "--porcelain", "-z", "--no-renames", "-uall")
    top = repository.top or folder
    skipped = [os.path.relpath(one, top) for one in left_out if one.is_relative_to(top)]
    excluded = [f":(exclude,top){name}" for name in skipped]
    more = {"GIT_WORK_TREE": str(top)}
    listed = repository.git(*arguments, "--", ".", *excluded, folder=folder, more=more)
    # two letters and a blank come before the name
    return [entry[3:] for entry in listed.split("\0") if entry]


def filled(
    repository: Repository,
    subdirectory: str,
    sha: str,
    branch: str | None,
    home: Home,
    place: str,
) -> Checkout:
    """Fill the folder with one commit. Raise UserError when the project is not in it."""
    inner = "" if subdirectory in ("", ".") else f"{Path(subdirectory).as_posix()}/"
    repository.fill(home.tree, home.index, sha)
    project = project_in(home.tree, inner)
    if not (project / PROJECT_FILE).is_file():
        raise UserError(
            f"there is no {inner}{PROJECT_FILE} in commit {sha[:12]} of {place}",
            hint="commit the project, or set the project's subdirectory",
        )
    of_branch = f" of branch {branch}" if branch else ""
    said = f"Commit {sha}{of_branch} of {place}."
    return Checkout(project, sha, branch, repository=repository, sentences=[said])


def project_in(tree: Path, inner: str) -> Path:
    """Return the folder of the project where links of the repository lead to it."""
    found = require_inside(tree / inner, tree)
    return tree / found.relative_to(tree.resolve())


def require_inside(folder: Path, place: Path) -> Path:
    """Return where a folder really is. Raise UserError when links lead out of its place."""
    found = folder.resolve()
    if not found.is_relative_to(place.resolve()):
        raise UserError(
            f"the project's subdirectory {os.path.relpath(folder, place)} leads out of the "
            f"repository, to {found}",
            hint="link to a folder of the repository, or set the project's subdirectory",
        )
    return found


def copy_work_tree(
    repository: Repository, top: Path, folder: Path, source: Source, home: Home
) -> Checkout:
    """Make a work tree's twin: its commit, and over it what is not committed nor ignored."""
    folder = folder.resolve()
    require_project(folder)
    has_commit = repository.find_commit("HEAD") is not None
    sha, branch = head_of(repository, top) if has_commit else (None, None)
    repository.fill(home.tree, home.index, sha or EMPTY_TREE)
    left_out = own_folders(folder, source)
    listed = changes_in(repository, top, left_out)
    submodules = [name for name in listed if is_submodule(top, name)]
    changes = [
        name
        for one in listed
        if one not in submodules
        for name in files_of_change(top, one, left_out)
    ]
    copy_changes(top, changes, home.tree)
    commit = f"commit {sha} of branch {branch}" if sha else "no commit"
    said = f"The server was started with --dirty: {commit} of {top}, "
    said += f"with {len(changes)} files that are not committed." if changes else "nothing changed."
    told = [f"Not used: changes in {name}; submodules are not." for name in submodules]
    project = project_in(home.tree, os.path.relpath(folder, top))
    return Checkout(project, sha, branch, bool(changes), repository, [said, *told])


def is_submodule(top: Path, name: str) -> bool:
    """Return whether what git names as changed is a submodule: a folder that it does not open."""
    return not name.endswith("/") and not is_file_or_link(top / name) and (top / name).is_dir()


def files_of_change(top: Path, name: str, left_out: Sequence[Path]) -> list[str]:
    """Return the files of a change: of a repository within the repository what git knows of it.

    Of such a one git says the folder alone, with a slash behind its name.
    """
    if not name.endswith("/"):
        return [name]
    folder = top / name
    inner = find_repository(folder)
    if inner is None or inner.top is None or inner.top == top:
        found = list_folder(folder, left_out)
    else:
        wanted = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        listed = set(inner.git(*wanted, folder=folder, more=work_tree(inner)).split("\0"))
        there = [one for one in sorted(listed - {""}) if os.path.lexists(folder / one)]
        own = [one for one in there if not is_submodule(folder, one)]
        found = [one for within in own for one in files_of_change(folder, within, left_out)]
    return [name + one for one in found if not is_below(folder / one, left_out)]


def is_below(path: Path, folders: Sequence[Path]) -> bool:
    """Return whether a path lies in one of some folders."""
    return any(path.is_relative_to(folder) for folder in folders)


def own_folders(folder: Path, source: Source) -> tuple[Path, ...]:
    """Return what is never copied: dbt's target folder, and the folders of the server."""
    return (folder / target_path(folder), *source.left_out)


def copy_folder(source: Source, folder: Path, home: Home) -> Checkout:
    """Copy a folder that is in no repository, and the local packages beside it."""
    require_project(folder)
    folders = [folder, *local_packages(folder)]
    top = Path(os.path.commonpath(folders))
    left_out = own_folders(folder, source)
    names = {
        os.path.normpath(f"{os.path.relpath(one, top)}/{name}")
        for one in folders
        for name in list_folder(one, left_out)
    }
    copied = copy_files(top, sorted(names), home.tree, home.listing)
    project = home.tree / os.path.relpath(folder, top)
    return Checkout(project, sentences=[copied_words(folder, len(names), copied)])


def copied_words(folder: Path, files: int, copied: int) -> str:
    """Return what was copied."""
    return f"Project: {files} files of {folder} as they are, {copied} of them new."


def require_project(folder: Path) -> None:
    """Raise UserError when a folder holds no dbt project."""
    if not (folder / PROJECT_FILE).is_file():
        raise UserError(
            f"there is no {PROJECT_FILE} in {folder}", hint="set the project's source folder"
        )
