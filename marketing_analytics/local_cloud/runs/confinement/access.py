"""What the SQL of a run may reach: its own folders, and what the operator of the server adds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marketing_analytics.core.errors import UserError
from marketing_analytics.warehouse.duckdb import RUN_FOLDERS

PLUGIN = "marketing_analytics.warehouse.confined"
# parts of a profile that load code, fetch it, or reach out; each needs --external-access
OUTWARD = (
    "config_options", "extensions", "filesystems", "flights", "module_paths", "plugins", "remote",
    "secrets", "use_credential_provider",
)  # fmt: skip


@dataclass(frozen=True)
class Access:
    """What the operator of a server allows to all runs.

    is_open: SQL may read and write whatever the user of the server may, and the network.
    folders: more folders that it may read and write.
    """

    is_open: bool = False
    folders: tuple[Path, ...] = ()

    def variables(self, own: Iterable[Path]) -> dict[str, str]:
        """Return what tells dbt's process the folders of a run."""
        folders = [str(folder.resolve()) for folder in (*own, *self.folders)]
        return {} if self.is_open else {RUN_FOLDERS: json.dumps(folders)}


def confined(
    output: Mapping[str, Any], access: Access, *, base: Path, own: Iterable[Path]
) -> dict[str, Any]:
    """Return dbt's output for a DuckDB file, kept to what a run may reach.

    `own` are the files and folders of the run; paths are relative to `base`. Raise UserError for
    an output that asks for more.
    """
    if access.is_open:
        return dict(output)
    asked = sorted(set(OUTWARD) & {name for name, value in output.items() if value})
    if asked:
        raise UserError(
            f"the extended attributes ask for {', '.join(asked)}, which lead out of the run",
            hint="start the server with --external-access to allow it",
        )
    allowed = [place.resolve() for place in (*own, *access.folders)]
    for path in (output.get("path"), *(one.get("path") for one in output.get("attach") or [])):
        found = (base / str(path)).resolve()
        if "://" in str(path) or not any(found.is_relative_to(place) for place in allowed):
            raise UserError(
                f"a run may not open {path}",
                hint="start the server with --allow-path FOLDER to allow it",
            )
    kept = {name: value for name, value in output.items() if name != "settings"}
    settings = output.get("settings") or {}
    return {**kept, "plugins": [{"module": PLUGIN, "config": {"settings": settings}}]}
