"""The end of a pull or merge request: its runs are cancelled, its schemas dropped.

A run drops them, with a tiny dbt project of our own: it waits for its turn at the warehouse, and
works with every adapter.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from marketing_analytics.cloud_api.limits import MAX_ID
from marketing_analytics.local_cloud.runs.records import CLOSING
from marketing_analytics.local_cloud.runs.requests.schemas import (
    NUMBERS,
    RequestSchema,
    close_schema,
    is_ours,
    open_schemas,
    request_words,
)
from marketing_analytics.local_cloud.runs.store import add_run, cancel_runs_of_request
from marketing_analytics.local_cloud.store.connection import (
    Connection,
    transaction,
)
from marketing_analytics.local_cloud.store.jobs import get_job

DROP_COMMAND = "dbt run-operation drop_request_schemas"
DROP_PROJECT = Path(__file__).parent / "drop"


def close_requests(connection: Connection, job_id: int, number: int) -> list[int]:
    """Close the requests of a job with a number; return the runs that drop their schemas."""
    schemas = open_schemas(connection, job_id=job_id, number=number)
    return close_all(connection, schemas, "was closed")


def expire_requests(connection: Connection, unused_for: timedelta) -> list[int]:
    """Close the requests that nobody has run for so long; return the runs that drop schemas."""
    schemas = open_schemas(connection, unused_for=unused_for)
    return close_all(connection, schemas, f"was not run for {unused_for.days} days")


def close_all(connection: Connection, schemas: Iterable[RequestSchema], why: str) -> list[int]:
    """Close requests, and return the runs that drop their schemas."""
    runs = (close_request(connection, schema, why) for schema in schemas)
    return [run_id for run_id in runs if run_id is not None]


def close_request(connection: Connection, schema: RequestSchema, why: str) -> int | None:
    """Cancel what a request still runs and queue a run that drops its schema.

    Return the run, None for a schema that was not named here and therefore stays.
    """
    words = request_words(schema.request)
    with transaction(connection):
        close_schema(connection, schema)
        reason = f"Cancelled: {words} {why}."
        cancel_runs_of_request(connection, schema.job_id, schema.request, MAX_ID, reason)
        if not is_ours(schema) or get_job(connection, schema.job_id) is None:
            return None
        kind, _, number = schema.request.partition(" ")
        field = next(name for name, known in NUMBERS.items() if known == kind)
        overrides = {
            field: int(number),
            "schema_override": schema.schema_name,
            "steps_override": [DROP_COMMAND],
            CLOSING: True,
        }
        cause = f"{words[0].upper()}{words[1:]} {why}"
        return add_run(
            connection, schema.job_id, cause=cause, cause_category="ci", overrides=overrides
        )
