"""What happened around the runs of a seeded store: a webhook with deliveries, changes, drift."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from marketing_analytics.local_cloud.store.access.audit import add_event
from marketing_analytics.local_cloud.webhooks.store import (
    COMPLETED,
    ERRORED,
    PAUSES,
    add_delivery,
    add_webhook,
    get_delivery,
    get_webhook,
    save_attempt,
)

ACCOUNT_ID = 1
ACCOUNT = f"/api/v2/accounts/{ACCOUNT_ID}"
CONFIG = "--config env_file/dev_env.tfvars"
# status of the answers, what went wrong, how often it was tried
ATTEMPTS = ((200, "", 1), (503, "the receiver answered 503", 2), (0, "", 0))
LAST_ATTEMPT = (0, "no answer within 10 s", len(PAUSES) + 1)
REQUESTS = (
    ("POST", f"{ACCOUNT}/jobs", 201),
    ("POST", f"{ACCOUNT}/jobs/{{job}}", 200),
    ("POST", f"{ACCOUNT}/jobs/{{job}}/run", 200),
    ("POST", f"{ACCOUNT}/runs/{{running}}/cancel", 403),
    ("PATCH", f"/api/v3/accounts/{ACCOUNT_ID}/projects/1/credentials/3", 200),
    ("DELETE", f"/api/v3/accounts/{ACCOUNT_ID}/service-tokens/4", 404),
    ("POST", "/runs/{failed}/retry", 303),
)


def seed_records(connection: sqlite3.Connection, ids: Mapping[str, int], requests: int) -> None:
    """Add a webhook with a delivery in every state, and requests in the audit log."""
    seed_deliveries(connection, ids)
    for place in range(requests):
        method, path, status = REQUESTS[place % len(REQUESTS)]
        add_event(
            connection,
            account_id=ACCOUNT_ID,
            token_id=1,
            token_name="first" if path.startswith("/api") else "first, on the page",
            method=method,
            path=path.format(**ids),
            status=status,
            client="127.0.0.1",
        )


def seed_deliveries(connection: sqlite3.Connection, ids: Mapping[str, int]) -> None:
    """Add a webhook, and one delivery for each way it can go."""
    fields = {
        "name": "tell the team",
        "client_url": "https://hooks.example.com/dbt?key=a1b2c3d4e5",
        "event_types": [COMPLETED, ERRORED],
        "job_ids": [str(ids["job"])],
        "active": True,
    }
    webhook_id, _ = add_webhook(connection, ACCOUNT_ID, fields)
    hook = get_webhook(connection, ACCOUNT_ID, webhook_id)
    assert hook is not None
    for place, (status, problem, attempts) in enumerate((*ATTEMPTS, LAST_ATTEMPT)):
        event, run = (ERRORED, "failed") if place % 2 else (COMPLETED, "success")
        said = {"runId": str(ids[run]), "runStatus": run, "jobName": "attribution-daily-refresh"}
        told = add_delivery(connection, hook, event, said, ids[run])
        for _ in range(attempts):
            delivery = get_delivery(connection, ACCOUNT_ID, told)
            assert delivery is not None
            save_attempt(connection, delivery, status, problem)


def drift_of(job_id: int, now: datetime) -> dict[str, Any]:
    """Return a last look at a job file: one job differs, one is not deployed."""
    steps = ["dbt source freshness", "dbt build --select +tag:attribution"]
    fields = [
        {"field": "schedule", "file": "0 8 * * *", "cloud": "0 9 * * *"},
        {"field": "steps", "file": steps, "cloud": steps[1:]},
        {"field": "threads", "file": 8, "cloud": 4},
    ]
    name, variable = "attribution-daily-refresh", {"name": "DBT_SCHEMA", "file": "a", "cloud": "b"}
    drift = [
        {"state": "differs", "key": name, "name": name, "job_id": job_id, "fields": fields}
        | {"env_vars": [variable]},
        {"state": "missing", "key": "customer-segments", "name": "customer-segments"}
        | {"job_id": None, "fields": [], "env_vars": []},
    ]
    answer = {"drift": drift, "summary": {"jobs": 9, "differ": 1, "missing": 1, "not_in_file": 0}}
    shared = {"looked_at": now.isoformat(), "problem": "401: Invalid token. (token or lock)"}
    return {
        CONFIG: {"looked_at": now.isoformat(), "answer": answer},
        "--config env_file/prod_env.tfvars --shared": shared,
    }


def write_drift(data_dir: Path, job_id: int, now: datetime) -> None:
    """Write what the last look at the job files found."""
    (data_dir / "drift.json").write_text(json.dumps(drift_of(job_id, now)), "utf-8")
