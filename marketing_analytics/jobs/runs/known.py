"""The keys of jobs as they were seen last, for completion: no call, no error, no secret.

One file for an account and project, in the user's cache, for the user alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marketing_analytics.cloud_api.names import KEY_PATTERN, TEAM_PATTERN, Owner

if TYPE_CHECKING:
    from marketing_analytics.cloud_api.client import CloudClient
    from marketing_analytics.jobs.plan import RemoteJob

MAX_BYTES = 1_000_000
MAX_KEYS = 5_000
FOLDER = "marketing-jobs"


@dataclass(frozen=True)
class KnownKey:
    """A key of a team's job, and the branch that has it; none for a shared job."""

    key: str
    team: str
    branch: str


def cache_path(host: str, account_id: int | str, project_id: int | str) -> Path:
    """Return the file of an account and project."""
    base = os.environ.get("XDG_CACHE_HOME", "").strip() or os.environ.get("LOCALAPPDATA", "")
    folder = Path(base) if base else Path.home() / ".cache"
    digest = hashlib.sha256(f"{host} {account_id} {project_id}".encode()).hexdigest()[:16]
    return folder / FOLDER / f"keys-{digest}.json"


def write_known(client: CloudClient, jobs: Iterable[RemoteJob]) -> None:
    """Keep the keys of jobs; where that cannot be written nothing happens."""
    keys = sorted({entry_of(job.owner) for job in jobs if job.owner})[:MAX_KEYS]
    document = {"written_at": int(time.time()), "keys": keys}
    # a courtesy to the next prompt never stops the command that was asked for
    with contextlib.suppress(OSError, RuntimeError):
        replace_private(cache_path(client.host, client.account_id, client.project_id), document)


def entry_of(owner: Owner) -> tuple[str, str, str]:
    """Return key, team and branch of a job."""
    return owner.key, owner.scope.team, owner.scope.branch


def replace_private(path: Path, document: dict[str, Any]) -> None:
    """Write a file that only the user can read, in one step."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(document, file)
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def read_known(path: Path) -> tuple[list[KnownKey], float]:
    """Return the keys of a file and its age in seconds; none where it cannot be read."""
    try:
        stat = path.stat()
        if stat.st_size > MAX_BYTES or not is_own(stat):
            return [], float("inf")
        document = json.loads(path.read_text(encoding="utf-8"))
        keys = [known_of(*entry) for entry in document["keys"][:MAX_KEYS]]
        return [key for key in keys if key], max(0.0, time.time() - stat.st_mtime)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        return [], float("inf")


def known_of(key: str, team: str, branch: str) -> KnownKey | None:
    """Return an entry, or None for one that is no key: a prompt gets nothing else."""
    is_sound = re.fullmatch(KEY_PATTERN, key) and re.fullmatch(TEAM_PATTERN, team)
    return KnownKey(key, team, branch) if is_sound else None


def is_own(stat: os.stat_result) -> bool:
    """Return whether a file is the user's own."""
    return not hasattr(os, "getuid") or stat.st_uid == os.getuid()
