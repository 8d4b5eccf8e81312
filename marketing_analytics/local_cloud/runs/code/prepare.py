"""Get the code of a run: that of its project, or the tiny project that drops schemas."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from marketing_analytics.local_cloud.runs.code.checkout import (
    Checkout,
    Source,
    check_out,
    copy_folder,
)
from marketing_analytics.local_cloud.runs.code.remotes import Mirrors
from marketing_analytics.local_cloud.runs.code.settings import CodeSettings
from marketing_analytics.local_cloud.runs.code.site import Profile, asked_of, source_of
from marketing_analytics.local_cloud.runs.confinement.access import Access, confined
from marketing_analytics.local_cloud.runs.records import Run
from marketing_analytics.local_cloud.runs.requests.closing import DROP_PROJECT
from marketing_analytics.local_cloud.runs.workspace import Workspace
from marketing_analytics.local_cloud.store.connection import Connection
from marketing_analytics.local_cloud.store.environments import get_site


@dataclass(frozen=True)
class Preparation:
    """What a server knows about the code of its runs."""

    data_folder: Path
    raw_database: Path | None
    code: CodeSettings

    def check_out(
        self,
        connection: Connection,
        run: Run,
        workspace: Workspace,
        mirrors: Mirrors,
        check: Callable[[], None],
    ) -> tuple[Workspace, Checkout]:
        """Fill the folder of a run; return where its project is, and what it is.

        `check` raises to end it.
        """
        if run.is_closing:
            # beside the code of the environment, which stays for the next run
            workspace = replace(workspace, kind="drop")
            found = copy_folder(Source(place=str(DROP_PROJECT)), DROP_PROJECT, workspace.home)
        else:
            site = get_site(connection, run.environment_id)
            left_out = (self.data_folder, *raw_files(self.raw_database))
            source = source_of(connection, site, is_dirty=self.code.is_dirty, left_out=left_out)
            found = check_out(source, asked_of(run, site), workspace.home, mirrors, check)
        inner = os.path.relpath(found.project, workspace.home.tree)
        return replace(workspace, inner=inner), found


def raw_files(raw_database: Path | None) -> tuple[Path, ...]:
    """Return the raw database and its log: they are the server's, wherever they lie."""
    if raw_database is None:
        return ()
    return raw_database, raw_database.with_name(f"{raw_database.name}.wal")


def readable_of(workspace: Workspace, raw_database: Path | None) -> tuple[Path, ...]:
    """Return what a step may read beside what it may write."""
    own = (workspace.home.folder, workspace.parse_file.parent, workspace.run)
    return (*own, *raw_files(raw_database))


def confine(
    profile: Profile, access: Access, workspace: Workspace, others: Iterable[Path | None]
) -> Profile:
    """Return the profile of a DuckDB file, kept to what the run may reach; others as they are.

    `others` are the files beside the warehouse that it reads.
    """
    if not profile.is_duckdb:
        return profile
    own = [workspace.warehouse, *(file for file in others if file is not None)]
    output = confined(profile.output, access, base=workspace.project, own=own)
    return replace(profile, output=output)


def reach_of(workspace: Workspace, access: Access) -> tuple[dict[str, str], list[Path] | None]:
    """Return the variables and the folders that a step may write, None for all of them.

    Of the environment's code that is the tree alone: what git and the copies are noted in beside it
    says what the next run finds there.
    """
    # what a process may write is told by its folders, so they are there first
    for folder in (workspace.temporary, workspace.target):
        folder.mkdir(parents=True, exist_ok=True)
    for_sql = access.variables([workspace.home.tree, workspace.target])
    writable = [
        workspace.home.tree,
        workspace.own,
        # dbt keeps a mark of its user there
        workspace.profile,
        workspace.warehouse.parent,
        *access.folders,
    ]
    variables = {"TMPDIR": str(workspace.temporary), **for_sql}
    return variables, None if access.is_open else writable
