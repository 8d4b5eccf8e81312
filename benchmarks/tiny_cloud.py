"""A store and a tiny dbt project: what the run benchmarks and tests start from."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from marketing_analytics.local_cloud.store.connection import Connection, Place, now_text
from marketing_analytics.local_cloud.store.schema import open_store

STAND_IN = (sys.executable, str(Path(__file__).parent / "stand_in_dbt.py"))
PROJECT = {
    "dbt_project.yml": 'name: tiny\nversion: "1.0"\nprofile: tiny\n',
    "models/one.sql": "select 1 as id\n",
    "models/two.sql": "{{ config(materialized='table') }}\nselect id from {{ ref('one') }}\n",
    "models/slow.sql": (
        "{{ config(materialized='table', tags=['slow']) }}\n"
        # no hash join answers this: it goes on until somebody ends it
        "select count(*) as n from range(3000000) a, range(3000000) b\n"
        "where a.range * b.range % 7 = 3\n"
    ),
    "models/broken.sql": (
        "{{ config(tags=['broken']) }}\nselect no_such_column from {{ ref('one') }}\n"
    ),
    "models/models.yml": (
        "models:\n  - name: two\n    columns:\n      - name: id\n"
        "        data_tests: [unique, not_null]\n"
    ),
}
BUILD = "dbt build --exclude tag:slow tag:broken"


def write_project(folder: Path, files: Mapping[str, str] = PROJECT) -> Path:
    """Write the tiny dbt project and return its folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def create_cloud(
    data_folder: Path,
    project: Path,
    *,
    environments: int = 1,
    run_slots: int = 4,
    store: Place | None = None,
) -> Connection:
    """Create a store with account 1, project 1 and environments 1 to n; return a connection."""
    data_folder.mkdir(parents=True, exist_ok=True)
    connection = open_store(store or data_folder / "cloud.sqlite")
    now = now_text()
    connection.execute(
        "insert into accounts (id, name, run_slots, created_at, updated_at)"
        " values (1, 'tiny', :run_slots, :now, :now)",
        {"run_slots": run_slots, "now": now},
    )
    connection.execute(
        "insert into projects (id, account_id, name, source_path, created_at, updated_at)"
        " values (1, 1, 'tiny', :source_path, :now, :now)",
        {"source_path": str(project), "now": now},
    )
    for number in range(1, environments + 1):
        connection.execute(
            "insert into environments (id, account_id, project_id, name, schema_name, created_at,"
            " updated_at) values (:id, 1, 1, :name, 'tiny', :now, :now)",
            {"id": number, "name": f"environment {number}", "now": now},
        )
    return connection


def add_job(
    connection: Connection,
    steps: Sequence[str] = (BUILD,),
    *,
    environment_id: int = 1,
    cron: str | None = None,
    description: str = "",
    **payload: Any,
) -> int:
    """Create a job and return its id; further arguments are fields of its payload."""
    text = json.dumps({"execute_steps": list(steps), **payload})
    now = now_text()
    row = connection.execute(
        "insert into jobs (account_id, project_id, environment_id, name, description, payload,"
        " cron, is_scheduled, created_at, updated_at) values (1, 1, :environment_id, 'job',"
        " :description, :payload, :cron, :is_scheduled, :now, :now) returning id",
        {
            "environment_id": environment_id,
            "description": description,
            "payload": text,
            "cron": cron,
            "is_scheduled": cron is not None,
            "now": now,
        },
    ).fetchone()
    return int(row[0])


def add_variable(
    connection: Connection,
    name: str,
    value: str,
    *,
    environment_id: int | None = None,
    job_id: int | None = None,
) -> None:
    """Set an environment variable of the project, an environment or a job."""
    now = now_text()
    connection.execute(
        "insert into environment_variables (account_id, project_id, environment_id, job_id, name,"
        " value, created_at, updated_at)"
        " values (1, 1, :environment_id, :job_id, :name, :value, :now, :now)",
        {
            "environment_id": environment_id,
            "job_id": job_id,
            "name": name,
            "value": value,
            "now": now,
        },
    )
