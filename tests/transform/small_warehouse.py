"""A folder with small raw tables on which the real dbt builds the project."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from raw_tables import Rows, write_raw

PROJECT = Path(__file__).resolve().parents[2] / "transform"
SCHEMA = "built"


@dataclass(frozen=True)
class Warehouse:
    """A folder with raw tables, the built file and dbt's artifacts."""

    folder: Path
    rows: Rows

    @property
    def target(self) -> Path:
        """Return where dbt wrote its artifacts."""
        return self.folder / "target"

    def run_dbt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the real dbt on the project, in a process of its own."""
        # the same words in every folder: dbt parses anew what a profile with other ones has parsed
        settings = {
            "MARKETING_RAW_DATABASE": "raw.duckdb",
            "MARKETING_DEV_DATABASE": "wh.duckdb",
            "DBT_SCHEMA": SCHEMA,
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }
        place = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
        place += ["--target-path", str(self.target), "--log-path", str(self.folder / "logs")]
        return subprocess.run(
            [str(Path(sys.executable).with_name("dbt")), "--no-use-colors", *arguments, *place],
            cwd=self.folder,
            env=os.environ | settings,
            capture_output=True,
            text=True,
            timeout=600,
        )

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query on the built schema."""
        connection = duckdb.connect(str(self.folder / "wh.duckdb"), read_only=True)
        try:
            raw = self.folder / "raw.duckdb"
            connection.execute(f"attach '{raw}' as raw (read_only)")
            connection.execute(f"use wh.{SCHEMA}")
            return connection.execute(sql).fetchall()
        finally:
            connection.close()


def make_warehouse(folder: Path, rows: Rows) -> Warehouse:
    """Write raw tables into a folder."""
    write_raw(folder / "raw.duckdb", rows)
    return Warehouse(folder, rows)
