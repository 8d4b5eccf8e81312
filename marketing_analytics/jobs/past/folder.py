"""The folder of what is remembered between commands, for its user only."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from marketing_analytics.cloud_api.client import CloudClient
from marketing_analytics.core.errors import MachineError


def state_folder() -> Path:
    """Return the folder: under XDG_STATE_HOME, by default ~/.local/state."""
    base = os.environ.get("XDG_STATE_HOME", "").strip()
    try:
        home = Path(base) if base else Path.home() / ".local" / "state"
    except RuntimeError:
        raise MachineError(
            "this user has no home folder to remember things in",
            hint="export XDG_STATE_HOME=FOLDER",
        ) from None
    return home / "marketing" / "jobs"


def private_folder(path: Path, hint: str) -> Path:
    """Return a folder that only its user may enter, made where it is missing."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise MachineError(f"cannot make {path}: {error.strerror}", hint=hint) from None
    return path


def digest_of(client: CloudClient) -> str:
    """Return a short name for host, account and project."""
    identity = f"{client.host} {client.account_id} {client.project_id}"
    return hashlib.sha256(identity.encode()).hexdigest()[:16]
