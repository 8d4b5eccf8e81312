"""dbt-duckdb's plugin that keeps the SQL of a run to its own folders.

It attaches what the profile names, then switches off every other access to files and addresses,
and locks the configuration, so that no step can switch it on again.
"""

from __future__ import annotations

import json
import os
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin

from marketing_analytics.warehouse.duckdb import RUN_FOLDERS


class Plugin(BasePlugin):  # type: ignore[misc]
    """Confines the one connection that all cursors of a run share."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Take the settings that the profile gives to DuckDB."""
        self.settings = plugin_config.get("settings") or {}

    def configure_connection(self, conn: Any) -> None:
        """Attach, set and lock; what dbt attaches afterwards is there already."""
        for attachment in (self.creds.attach if self.creds else None) or []:
            conn.execute(attachment.to_sql())
        for name, value in self.settings.items():
            conn.execute(f"set {name} = {text_of(value)}")
        folders = json.loads(os.environ.get(RUN_FOLDERS, "[]"))
        conn.execute(f"set allowed_directories = [{', '.join(map(text_of, folders))}]")
        conn.execute("set enable_external_access = false")
        conn.execute("set lock_configuration = true")


def text_of(value: Any) -> str:
    """Return a value as a text of SQL."""
    doubled = str(value).replace("'", "''")
    return f"'{doubled}'"
