"""The project as a package of another one, over raw tables that are called otherwise."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from raw_tables import small_world, write_raw
from small_warehouse import PROJECT

pytestmark = [pytest.mark.system, pytest.mark.slow]
PROJECT_FILE = {
    "name": "acme",
    "version": "1.0",
    "profile": "acme_profile",
    "model-paths": ["sql"],
    "vars": {
        "marketing": {
            "raw_databases": {"duckdb": "lake"},
            "raw_schemas": {"shop": "sales"},
            "raw_tables": {"shop.orders": "sales_orders"},
        }
    },
    "seeds": {"marketing": {"channel_rules": {"+enabled": False}}},
    "models": {"marketing": {"staging": {"ga4_reports": {"+enabled": False}}}},
}
OWN_MODEL = """
select channel, revenue_usd from {{ ref('marketing', 'rpt_channel_attribution') }}
where model = 'linear' and window_days = 30
"""


def write_yaml(path: Path, content: Any) -> None:
    """Write a file of settings."""
    path.write_text(yaml.safe_dump(content), encoding="utf-8")


def team_project(folder: Path) -> Path:
    """Write a project of a team that uses ours, with a rule of its own in a seed."""
    project = folder / "acme"
    (project / "sql").mkdir(parents=True)
    (project / "seeds").mkdir()
    (project / "sql" / "revenue_by_channel.sql").write_text(OWN_MODEL, encoding="utf-8")
    write_yaml(project / "dbt_project.yml", PROJECT_FILE)
    write_yaml(project / "packages.yml", {"packages": [{"local": str(PROJECT)}]})
    output = {
        "type": "duckdb",
        "path": str(folder / "acme.duckdb"),
        "schema": "analytics",
        "attach": [{"path": str(folder / "raw.duckdb"), "alias": "lake", "read_only": True}],
    }
    profile = {"acme_profile": {"target": "here", "outputs": {"here": output}}}
    write_yaml(project / "profiles.yml", profile)
    rules = (PROJECT / "seeds" / "channel_rules.csv").read_text(encoding="utf-8")
    columns = next(csv.reader(rules.splitlines()))
    own = {"priority": "1", "medium": "email", "channel": "direct"}
    added = ",".join(own.get(column, "") for column in columns)
    (project / "seeds" / "channel_rules.csv").write_text(f"{rules}{added}\n", encoding="utf-8")
    return project


def rename_the_shop(path: Path) -> None:
    """Move the tables of the shop into another schema, and orders under another name."""
    connection = duckdb.connect(str(path))
    connection.execute("create schema sales")
    query = "select table_name from information_schema.tables where table_schema = 'shop'"
    for (name,) in connection.execute(query).fetchall():
        new = "sales_orders" if name == "orders" else name
        connection.execute(f"create table sales.{new} as from shop.{name}")
    connection.execute("drop schema shop cascade")
    connection.close()


def run_dbt(project: Path, *arguments: str) -> None:
    """Run the real dbt inside the team's project."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("dbt")), "--no-use-colors", *arguments],
        cwd=project,
        env=os.environ | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stdout[-4000:]


def test_a_team_builds_its_own_model_on_ours(tmp_path: Path) -> None:
    rows = small_world(seed=1)
    write_raw(tmp_path / "raw.duckdb", rows)
    rename_the_shop(tmp_path / "raw.duckdb")
    project = team_project(tmp_path)
    run_dbt(project, "deps")
    run_dbt(project, "build")
    connection = duckdb.connect(str(tmp_path / "acme.duckdb"), read_only=True)
    found = dict(connection.execute("from analytics.revenue_by_channel").fetchall())
    query = "select sum(revenue_usd) from analytics.fct_conversions"
    [(total,)] = connection.execute(query).fetchall()
    connection.close()
    assert sum(found.values()) == total > 0
    # the team's own rule counts: what mail brought stands elsewhere
    assert found["email"] == 0
    assert found["direct"] > 0
